//! The lists of a block: the second, fine half of sorting edges.

use std::io;
use std::ops::Range;

use super::partition::{BLOCK_USERS, Edges, Partition};

/// What is known of an edge of one source. Of two with the same target the one that is kept comes first: the earliest.
pub(crate) trait Record: Copy + Ord + Send + Sync {
    /// Of a target, and what of the rest such a record keeps.
    fn new(target: u32, time: u32, weight: f64) -> Self;
    /// Who is followed.
    fn target(self) -> u32;
    /// Since when, if it is known.
    fn time(self) -> u32;
    /// How much.
    fn weight(self) -> f64;
}

/// An edge without columns.
impl Record for u32 {
    fn new(target: u32, _: u32, _: f64) -> Self {
        target
    }

    fn target(self) -> u32 {
        self
    }

    fn time(self) -> u32 {
        0
    }

    fn weight(self) -> f64 {
        1.0
    }
}

/// An edge with a time, which is below the target.
impl Record for u64 {
    fn new(target: u32, time: u32, _: f64) -> Self {
        u64::from(target) << 32 | u64::from(time)
    }

    fn target(self) -> u32 {
        (self >> 32) as u32
    }

    fn time(self) -> u32 {
        self as u32
    }

    fn weight(self) -> f64 {
        1.0
    }
}

/// An edge with all columns, the bits of the weight last.
impl Record for (u64, u64) {
    fn new(target: u32, time: u32, weight: f64) -> Self {
        (u64::new(target, time, weight), weight.to_bits())
    }

    fn target(self) -> u32 {
        self.0.target()
    }

    fn time(self) -> u32 {
        self.0.time()
    }

    fn weight(self) -> f64 {
        f64::from_bits(self.1)
    }
}

/// Some sources of a block, as many as can be sorted at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Piece {
    pub(crate) block: usize,
    /// Sources, less the first of the block.
    pub(crate) sources: Range<usize>,
    /// How many edges they have.
    pub(crate) edges: u64,
    /// Whether no other piece of the block follows.
    pub(crate) last: bool,
}

/// All blocks that have edges, cut where they have more than `edges_max`: a source is never cut.
pub(crate) fn pieces(partition: &Partition, edges_max: u64) -> io::Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for block in (0..partition.blocks()).filter(|block| partition.edges(*block) > 0) {
        let (mut start, mut edges) = (0, partition.edges(block));
        if edges > edges_max {
            edges = 0;
            for (source, more) in counts(partition, block)?.into_iter().enumerate() {
                if edges > 0 && edges + more > edges_max {
                    pieces.push(Piece { block, sources: start..source, edges, last: false });
                    (start, edges) = (source, 0);
                }
                edges += more;
            }
        }
        pieces.push(Piece { block, sources: start..BLOCK_USERS, edges, last: true });
    }
    Ok(pieces)
}

fn counts(partition: &Partition, block: usize) -> io::Result<Vec<u64>> {
    let mut counts = vec![0; BLOCK_USERS];
    partition.read(block, &mut Edges::default(), |run| {
        run.sources.iter().for_each(|source| counts[usize::from(*source)] += 1);
        run.clear();
        Ok(())
    })?;
    Ok(counts)
}

/// The edges of a piece, source by source, each source's sorted. Its memory serves for one piece after the other: what a
/// piece takes is too much to be asked of the system, and cleared, each time.
#[derive(Debug)]
pub(crate) struct Sorted<R> {
    edges: Edges,
    records: Vec<R>,
    /// Where the edges of each source of the piece end.
    ends: Vec<usize>,
    first: usize,
}

impl<R> Default for Sorted<R> {
    fn default() -> Self {
        Sorted { edges: Edges::default(), records: Vec::new(), ends: Vec::new(), first: 0 }
    }
}

impl<R: Record> Sorted<R> {
    /// Reads and sorts a piece, in place of the one before.
    pub(crate) fn read(&mut self, partition: &Partition, piece: &Piece) -> io::Result<()> {
        let Piece { block, sources, .. } = piece;
        let Sorted { edges, records, ends, first } = self;
        *first = block * BLOCK_USERS + sources.start;
        edges.clear();
        if sources.len() == BLOCK_USERS {
            partition.read(*block, edges, |_| Ok(()))?;
        } else {
            partition.read(*block, &mut Edges::default(), |run| {
                gather(run, sources, edges);
                run.clear();
                Ok(())
            })?;
        }
        ends.clear();
        ends.resize(sources.len(), 0);
        edges.sources.iter().for_each(|source| ends[usize::from(*source) - sources.start] += 1);
        let mut sum = 0;
        for end in ends.iter_mut() {
            sum += std::mem::replace(end, sum);
        }
        // `ends` has the starts now, and moves on with each edge.
        records.resize(sum, R::new(0, 0, 0.0));
        for (i, (source, target)) in edges.sources.iter().zip(&edges.targets).enumerate() {
            let time = edges.times.get(i).copied().unwrap_or_default();
            let weight = edges.weights.get(i).copied().unwrap_or(1.0);
            let end = &mut ends[usize::from(*source) - sources.start];
            records[*end] = R::new(*target, time, weight);
            *end += 1;
        }
        let mut start = 0;
        for end in ends {
            sort(&mut records[start..*end]);
            start = *end;
        }
        Ok(())
    }

    /// Each source that has edges, ascending, and its edges by target, of which some may be the same.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (u32, &[R])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let lists = starts.zip(&self.ends).enumerate().filter(|(_, (start, end))| start < *end);
        lists.map(|(source, (start, end))| ((self.first + source) as u32, &self.records[start..*end]))
    }
}

/// Steps back that a list may have, for each so many records, and still count as almost in order.
const RECORDS_PER_STEP_BACK: usize = 8;

/// Sorts the records of one source. Those of reverse lists came almost in order: only what several threads had in their hands
/// at the same time is out of it.
fn sort<R: Record>(records: &mut [R]) {
    let steps_back = records.windows(2).filter(|pair| pair[0] > pair[1]).count();
    if steps_back * RECORDS_PER_STEP_BACK > records.len() {
        records.sort_unstable();
    } else if steps_back > 0 && !sort_by_insertion(records) {
        // A hub's: many in order, one after the other, which this sort merges.
        records.sort();
    }
}

/// Moves each record to its place among those before it; gives up where that is far away for many.
fn sort_by_insertion<R: Record>(records: &mut [R]) -> bool {
    let mut moves_left = records.len();
    for i in 1..records.len() {
        let record = records[i];
        let mut place = i;
        while place > 0 && records[place - 1] > record {
            records[place] = records[place - 1];
            place -= 1;
        }
        records[place] = record;
        match moves_left.checked_sub(i - place) {
            Some(left) => moves_left = left,
            None => return false,
        }
    }
    true
}

/// Keeps the edges of some sources.
fn gather(run: &Edges, sources: &Range<usize>, edges: &mut Edges) {
    for i in (0..run.sources.len()).filter(|i| sources.contains(&usize::from(run.sources[*i]))) {
        edges.sources.push(run.sources[i]);
        edges.targets.push(run.targets[i]);
        edges.times.extend(run.times.get(i));
        edges.weights.extend(run.weights.get(i));
    }
}

#[cfg(test)]
mod tests {
    use super::super::partition::{Columns, Staging};
    use super::*;

    #[test]
    fn records_are_sorted_however_they_came() {
        let rising = |len: u32| (0..len).map(move |i| i * 3);
        let swapped =
            |len: u32, by: u32| rising(len).map(move |record| if record % 7 == 0 { record / by } else { record });
        let interleaved = (0..5_000u32).map(|i| i / 500 % 2 * 700 + i);
        let lists: [Vec<u32>; 6] = [
            Vec::new(),
            rising(100).collect(),
            rising(100).rev().collect(),
            swapped(1_000, 2).collect(),
            rising(1_000).chain([5, 4, 4_000]).collect(),
            interleaved.collect(),
        ];
        for list in lists {
            let mut expected = list.clone();
            expected.sort_unstable();
            let mut sorted = list;
            sort(&mut sorted);
            assert_eq!(sorted, expected);
        }
    }

    fn partition(edges: &[(u32, u32)]) -> Partition {
        let columns = Columns { times: true, weights: true };
        let partition = Partition::new(columns, 1 << 20, &std::env::temp_dir());
        let mut staging = Staging::new(&partition);
        for (i, (source, target)) in edges.iter().enumerate() {
            staging.push(*source, *target, 100 - i as u32, i as f64).expect("memory");
        }
        staging.flush().expect("memory");
        partition
    }

    #[test]
    fn lists_are_sorted_and_the_earliest_of_the_same_edge_comes_first() {
        let partition = partition(&[(9, 5), (9_000, 1), (9, 2), (9, 5), (3, 7)]);
        let pieces = pieces(&partition, 100).expect("memory");
        assert_eq!(pieces.len(), 2);
        let mut sorted = Sorted::<u64>::default();
        sorted.read(&partition, &pieces[0]).expect("memory");
        let lists: Vec<_> = sorted.lists().collect();
        let nine = [u64::new(2, 98, 0.0), u64::new(5, 97, 0.0), u64::new(5, 100, 0.0)];
        assert_eq!(lists, [(3, &[u64::new(7, 96, 0.0)][..]), (9, &nine)]);
        let mut sorted = Sorted::<(u64, u64)>::default();
        sorted.read(&partition, &pieces[0]).expect("memory");
        sorted.read(&partition, &pieces[1]).expect("memory");
        let lists: Vec<_> = sorted.lists().map(|(source, edges)| (source, edges[0].weight())).collect();
        assert_eq!(lists, [(9_000, 1.0)]);
    }

    #[test]
    fn a_block_with_too_many_edges_is_cut_between_sources() {
        let edges: Vec<_> = (0..100).map(|i| (i / 10, i % 7)).collect();
        let partition = partition(&edges);
        let pieces = pieces(&partition, 35).expect("memory");
        let cut: Vec<_> = pieces.iter().map(|piece| (piece.sources.clone(), piece.edges, piece.last)).collect();
        assert_eq!(cut, [(0..3, 30, false), (3..6, 30, false), (6..9, 30, false), (9..BLOCK_USERS, 10, true)]);
        let (mut found, mut sorted) = (Vec::new(), Sorted::<u32>::default());
        for piece in &pieces {
            sorted.read(&partition, piece).expect("memory");
            found.extend(
                sorted.lists().flat_map(|(source, targets)| targets.iter().map(move |target| (source, *target))),
            );
        }
        let mut expected = edges;
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}
