//! Forward lists out of a partition: sorted, freed of what must not be in them, and encoded, on all cores.

use base::disk::Scratch;
use base::{Slots, UserId};
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::ordered::in_order;
use super::partition::{Columns, Partition};
use super::people::Users;
use super::sort::{Piece, Record, Sorted, pieces};
use super::{BulkError, Encoded, Spare, numbers, numbers_mut};
use crate::adjacency::Unsorted;
use crate::segment::{Bases, EdgeTimes};

/// Whom somebody must not follow anew.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// Whom they follow already.
    pub(crate) existing: RoaringBitmap,
    /// Whom they block, and who blocks them.
    pub(crate) blocked: RoaringBitmap,
}

/// Who the sources and targets of a partition are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who<'a> {
    /// The user at each place.
    pub(crate) users: Users<'a>,
    /// One more than the greatest user id there is.
    pub(crate) users_end: u32,
    /// The first user who is new.
    pub(crate) first_new: u32,
}

/// Turns the edges of a partition into forward lists.
pub(crate) struct Forward<'a, F> {
    pub(crate) partition: &'a Partition,
    pub(crate) who: Who<'a>,
    pub(crate) slots: Slots,
    pub(crate) bases: Bases,
    pub(crate) threads: usize,
    /// Edges that one thread may have in its hands.
    pub(crate) edges_max: u64,
    /// `None` for those who may follow everybody.
    pub(crate) refused: F,
}

/// What became of the edges.
#[derive(Debug, Default)]
pub(crate) struct ForwardReport {
    pub(crate) added: u64,
    pub(crate) duplicates: u64,
    pub(crate) existing: u64,
    pub(crate) blocked: u64,
    /// Who has new followees, ascending.
    pub(crate) sources: Vec<u32>,
    /// How many new followers each user has.
    pub(crate) in_degrees: Vec<u32>,
}

/// Where one thread works, on one piece after the other.
struct Bench<R> {
    sorted: Sorted<R>,
    /// How many new followers each user has from its pieces: counting apart saves the threads from one another.
    in_degrees: Scratch,
}

impl<R> Bench<R> {
    fn new(users: u32) -> Result<Self, BulkError> {
        let in_degrees = Scratch::new(users.max(1) as usize * size_of::<u32>())?;
        Ok(Bench { sorted: Sorted::default(), in_degrees })
    }
}

/// One piece of it.
struct Made {
    piece: Piece,
    encoded: Encoded,
    report: ForwardReport,
}

impl<F: Fn(UserId) -> Result<Option<Refused>, BulkError> + Sync> Forward<'_, F> {
    /// Hands encoded lists, slot by slot, to `write`, with the number of edges that were read for them; in the order of
    /// the users.
    pub(crate) fn run(
        &self,
        write: impl FnMut(&Encoded, u64) -> Result<(), BulkError> + Send,
    ) -> Result<ForwardReport, BulkError> {
        let columns = self.partition.columns();
        match (columns.times, columns.weights) {
            (_, true) => self.run_with::<(u64, u64)>(write),
            (true, false) => self.run_with::<u64>(write),
            (false, false) => self.run_with::<u32>(write),
        }
    }

    fn run_with<R: Record>(
        &self,
        mut write: impl FnMut(&Encoded, u64) -> Result<(), BulkError> + Send,
    ) -> Result<ForwardReport, BulkError> {
        let pieces = pieces(self.partition, self.edges_max)?;
        let mut total = ForwardReport::default();
        let (benches, spare) = (Mutex::new(Vec::<Bench<R>>::new()), Spare::new(self.slots));
        let work = |i: usize| {
            let free = benches.lock().pop();
            let mut bench = free.map_or_else(|| Bench::new(self.who.users_end), Ok)?;
            let made = self.make(pieces[i].clone(), &mut bench, spare.take());
            benches.lock().push(bench);
            made
        };
        in_order(self.threads, pieces.len(), work, |_, made: Made| {
            let Made { piece, encoded, report } = made;
            write(&encoded, report.added + report.duplicates + report.existing + report.blocked)?;
            spare.give_back(encoded);
            total.add(&report);
            if piece.last {
                self.partition.forget(piece.block);
            }
            Ok(())
        })?;
        total.in_degrees = vec![0; self.who.users_end as usize];
        for bench in benches.into_inner() {
            total.in_degrees.iter_mut().zip(numbers(&bench.in_degrees)).for_each(|(sum, more)| *sum += more);
        }
        Ok(total)
    }

    fn make<R: Record>(&self, piece: Piece, bench: &mut Bench<R>, mut encoded: Encoded) -> Result<Made, BulkError> {
        let Bench { sorted, in_degrees } = bench;
        let in_degrees = numbers_mut(in_degrees);
        sorted.read(self.partition, &piece)?;
        let mut report = ForwardReport::default();
        let mut list = ListColumns::default();
        for (source, records) in sorted.lists() {
            let source = UserId(self.who.users.at(source));
            list.fill(records, self.partition.columns(), self.who.users);
            report.duplicates += (records.len() - list.ids.len()) as u64;
            if let Some(refused) = (self.refused)(source)? {
                report.existing += list.remove(&refused.existing);
                report.blocked += list.remove(&refused.blocked);
            }
            if list.ids.is_empty() {
                continue;
            }
            report.added += list.ids.len() as u64;
            report.sources.push(source.0);
            list.ids.iter().for_each(|id| in_degrees[*id as usize] += 1);
            list.encode(source, self.bases, &mut encoded)?;
        }
        Ok(Made { piece, encoded, report })
    }
}

impl ForwardReport {
    fn add(&mut self, other: &ForwardReport) {
        self.added += other.added;
        self.duplicates += other.duplicates;
        self.existing += other.existing;
        self.blocked += other.blocked;
        self.sources.extend(&other.sources);
    }
}

/// One list, column by column: no times and no weights where the edges have none of their own.
#[derive(Default)]
struct ListColumns {
    ids: Vec<u32>,
    times: Vec<u32>,
    weights: Vec<f64>,
}

impl ListColumns {
    /// Takes the first of the records of each target.
    fn fill<R: Record>(&mut self, records: &[R], columns: Columns, users: Users<'_>) {
        self.ids.clear();
        self.times.clear();
        self.weights.clear();
        let mut last = None;
        for record in records {
            if last.replace(record.target()) != Some(record.target()) {
                self.ids.push(users.at(record.target()));
                if columns.times {
                    self.times.push(record.time());
                }
                if columns.weights {
                    self.weights.push(record.weight());
                }
            }
        }
    }

    /// Drops those who are in `set`; how many they are.
    fn remove(&mut self, set: &RoaringBitmap) -> u64 {
        if set.is_empty() {
            return 0;
        }
        let before = self.ids.len();
        let keep: Vec<bool> = self.ids.iter().map(|id| !set.contains(*id)).collect();
        retain(&mut self.ids, &keep);
        retain(&mut self.times, &keep);
        retain(&mut self.weights, &keep);
        (before - self.ids.len()) as u64
    }

    fn encode(&self, source: UserId, bases: Bases, out: &mut Encoded) -> Result<(), Unsorted> {
        let times = if self.times.is_empty() { EdgeTimes::Same(bases.time) } else { EdgeTimes::Each(&self.times) };
        out.push(source, &self.ids, times, &self.weights, bases)
    }
}

fn retain<T>(column: &mut Vec<T>, keep: &[bool]) {
    let mut keep = keep.iter();
    column.retain(|_| keep.next().copied().unwrap_or_default());
}
