//! Lists out of a partition: sorted, freed of what must not be in them, and encoded, on all cores.

use std::io;

use base::{Slots, UserId};
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::ordered::in_order;
use super::partition::{Columns, Partition, Staging};
use super::people::Users;
use super::sort::{Piece, Record, Sorted, pieces};
use super::{BulkError, Encoded, Spare};
use crate::adjacency::Unsorted;
use crate::segment::{Bases, EdgeTimes};

/// The smallest pieces that count as many edges as a thread may have in its hands.
const PIECES_PER_EDGES_MAX: u64 = 32;

/// Whom somebody must not follow anew.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// Whom they follow already.
    pub(crate) existing: RoaringBitmap,
    /// Whom they block, and who blocks them.
    pub(crate) blocked: RoaringBitmap,
}

/// Turns the edges of a partition into lists, one for each source.
pub(crate) struct MakeLists<'a, F> {
    pub(crate) partition: &'a Partition,
    /// Where each edge goes that is in a list, with its ends exchanged.
    pub(crate) reversed: Option<&'a Partition>,
    /// The user at each place.
    pub(crate) users: Users<'a>,
    pub(crate) slots: Slots,
    pub(crate) bases: Bases,
    pub(crate) threads: usize,
    /// Edges that one thread may have in its hands.
    pub(crate) edges_max: u64,
    /// `None` for those who may follow everybody.
    pub(crate) refused: F,
}

/// What became of the edges.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) added: u64,
    pub(crate) duplicates: u64,
    pub(crate) existing: u64,
    pub(crate) blocked: u64,
}

/// Where one thread works, on one piece after the other.
struct Bench<'a, R> {
    sorted: Sorted<R>,
    list: ListColumns,
    reversed: Option<Staging<'a>>,
}

/// One piece of it.
struct Made {
    piece: Piece,
    encoded: Encoded,
    outcome: Outcome,
}

impl<'a, F: Fn(UserId) -> Result<Option<Refused>, BulkError> + Sync> MakeLists<'a, F> {
    /// Hands encoded lists, slot by slot, to `write`, with the number of edges that were read for them; in the order of
    /// the users.
    pub(crate) fn run(
        &self,
        write: impl FnMut(&Encoded, u64) -> Result<(), BulkError> + Send,
    ) -> Result<Outcome, BulkError> {
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
    ) -> Result<Outcome, BulkError> {
        let pieces = pieces(self.partition, self.edges_max)?;
        // A hub that is more than a thread may have in its hands is in those of one all the same, and leaves the others theirs;
        // and however little there is in a piece, it takes some room while it waits.
        let weight = |edges: u64| edges.clamp(self.edges_max / PIECES_PER_EDGES_MAX, self.edges_max);
        let weights: Vec<u64> = pieces.iter().map(|piece| weight(piece.edges)).collect();
        let pending_max = self.edges_max * self.threads as u64;
        let mut total = Outcome::default();
        let (benches, spare) = (Mutex::new(Vec::<Bench<'a, R>>::new()), Spare::new(self.slots, 2 * self.threads));
        let work = |i: usize| {
            let free = benches.lock().pop();
            let mut bench = free.unwrap_or_else(|| self.bench());
            let made = self.make(pieces[i].clone(), &mut bench, spare.take());
            benches.lock().push(bench);
            made
        };
        in_order(self.threads, &weights, pending_max, work, |_, made: Made| {
            let Made { piece, encoded, outcome } = made;
            write(&encoded, outcome.edges())?;
            spare.give_back(encoded);
            total.add(outcome);
            if piece.last {
                self.partition.forget(piece.block);
            }
            Ok(())
        })?;
        let staged = benches.into_inner().into_iter().filter_map(|bench| bench.reversed);
        staged.into_iter().try_for_each(Staging::flush)?;
        Ok(total)
    }

    fn bench<R>(&self) -> Bench<'a, R> {
        let reversed = self.reversed.map(Staging::new);
        Bench { sorted: Sorted::default(), list: ListColumns::default(), reversed }
    }

    fn make<R: Record>(&self, piece: Piece, bench: &mut Bench<'_, R>, mut encoded: Encoded) -> Result<Made, BulkError> {
        let Bench { sorted, list, reversed } = bench;
        sorted.read(self.partition, &piece)?;
        let mut outcome = Outcome::default();
        for (source, records) in sorted.lists() {
            let source = UserId(self.users.at(source));
            list.fill(records, self.partition.columns(), self.users);
            outcome.duplicates += (records.len() - list.ids.len()) as u64;
            if let Some(refused) = (self.refused)(source)? {
                outcome.existing += list.remove(&refused.existing);
                outcome.blocked += list.remove(&refused.blocked);
            }
            if list.ids.is_empty() {
                continue;
            }
            outcome.added += list.ids.len() as u64;
            list.encode(source, self.bases, &mut encoded)?;
            if let Some(reversed) = reversed {
                list.reverse(source, reversed)?;
            }
        }
        Ok(Made { piece, encoded, outcome })
    }
}

impl Outcome {
    /// All edges that there were.
    fn edges(self) -> u64 {
        self.added + self.duplicates + self.existing + self.blocked
    }

    fn add(&mut self, other: Outcome) {
        self.added += other.added;
        self.duplicates += other.duplicates;
        self.existing += other.existing;
        self.blocked += other.blocked;
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

    /// Adds each edge to another partition, with its ends exchanged.
    fn reverse(&self, source: UserId, reversed: &mut Staging<'_>) -> io::Result<()> {
        for (i, target) in self.ids.iter().enumerate() {
            let time = self.times.get(i).copied().unwrap_or_default();
            reversed.push(*target, source.0, time, self.weights.get(i).copied().unwrap_or(1.0))?;
        }
        Ok(())
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
