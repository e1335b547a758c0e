//! The entries of one delta, sorted by id, whether there is one or a million.

use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

/// The time of an entry that takes an edge away. As seconds since 1970 it lies in 2106.
pub(super) const REMOVED: u32 = u32::MAX;
/// Entries of one chunk at the most: an insertion moves at most so many, which is 4 KiB.
const CHUNK_MAX: usize = 512;

/// One member that came or went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The member.
    pub id: u32,
    pub(super) time: u32,
}

impl Entry {
    /// When the edge came about, in seconds since 1970; `None` where it went.
    pub fn time(self) -> Option<u32> {
        (self.time != REMOVED).then_some(self.time)
    }
}

/// Entries sorted by id. Most lists change once or twice between two compactions, and need no memory of their own for
/// that; a celebrity's list changes a hundred thousand times, and is cut into chunks.
#[derive(Clone, Debug)]
pub(super) enum Entries {
    One([Entry; 1]),
    Two([Entry; 2]),
    Few(Vec<Entry>),
    Many(Box<Chunks>),
}

/// Chunks in order, none of them empty. A copy shares them, so that taking one costs a pointer for each chunk, and
/// whoever changes a chunk that is shared copies that one.
#[derive(Clone, Debug)]
pub(super) struct Chunks(Vec<Arc<Vec<Entry>>>);

impl Entries {
    pub(super) fn get(&self, id: u32) -> Option<Entry> {
        let chunk = match self {
            Entries::Many(chunks) => chunks.0[chunks.place_of(id)].as_slice(),
            few => few.whole(),
        };
        search(chunk, id).ok().map(|place| chunk[place])
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Entries::Many(chunks) => chunks.0.iter().map(|chunk| chunk.len()).sum(),
            few => few.whole().len(),
        }
    }

    /// The entries of some ids, in order.
    pub(super) fn range(&self, ids: impl RangeBounds<u32>) -> impl DoubleEndedIterator<Item = Entry> {
        let (start, end) = (ids.start_bound().cloned(), ids.end_bound().cloned());
        let (whole, chunks) = match self {
            Entries::Many(chunks) => (&[][..], chunks.overlapping(start, end)),
            few => (few.whole(), &[][..]),
        };
        let inside = move |chunk: &[Entry]| {
            let from = chunk.partition_point(|entry| is_before(start, entry.id));
            (from, chunk.partition_point(|entry| !is_behind(end, entry.id)).max(from))
        };
        let (from, to) = inside(whole);
        let chunks = chunks.iter().flat_map(move |chunk| {
            let (from, to) = inside(chunk);
            chunk[from..to].iter()
        });
        whole[from..to].iter().chain(chunks).copied()
    }

    /// Puts an entry in place of the one with its id, or between the others. Returns by how many bytes the memory
    /// behind this grew.
    pub(super) fn set(&mut self, entry: Entry) -> usize {
        let before = self.bytes();
        if let Entries::Many(chunks) = self {
            chunks.set(entry);
        } else {
            self.set_in_whole(entry);
        }
        self.bytes().saturating_sub(before)
    }

    fn set_in_whole(&mut self, entry: Entry) {
        let place = match search(self.whole(), entry.id) {
            Ok(place) => return self.whole_mut()[place] = entry,
            Err(place) => place,
        };
        match self {
            Entries::One([other]) => {
                *self = Entries::Two(if place == 0 { [entry, *other] } else { [*other, entry] });
            }
            Entries::Two(two) => {
                let mut few = Vec::with_capacity(4);
                few.extend_from_slice(two);
                few.insert(place, entry);
                *self = Entries::Few(few);
            }
            Entries::Few(few) => {
                few.insert(place, entry);
                if few.len() > CHUNK_MAX {
                    let mut chunks = Chunks(vec![Arc::new(std::mem::take(few))]);
                    chunks.split(0);
                    *self = Entries::Many(Box::new(chunks));
                }
            }
            Entries::Many(_) => {}
        }
    }

    /// Bytes of memory behind this.
    fn bytes(&self) -> usize {
        match self {
            Entries::One(_) | Entries::Two(_) => 0,
            Entries::Few(few) => few.capacity() * size_of::<Entry>(),
            // A chunk is between half full and full, and its room is what a full one takes.
            Entries::Many(chunks) => chunks.0.len() * CHUNK_MAX * size_of::<Entry>(),
        }
    }

    /// All entries, where they lie side by side.
    fn whole(&self) -> &[Entry] {
        match self {
            Entries::One(one) => one,
            Entries::Two(two) => two,
            Entries::Few(few) => few,
            Entries::Many(_) => &[],
        }
    }

    fn whole_mut(&mut self) -> &mut [Entry] {
        match self {
            Entries::One(one) => one,
            Entries::Two(two) => two,
            Entries::Few(few) => few,
            Entries::Many(_) => &mut [],
        }
    }
}

impl Chunks {
    /// The chunk that an id is in, if it is anywhere.
    fn place_of(&self, id: u32) -> usize {
        self.0.partition_point(|chunk| chunk[0].id <= id).saturating_sub(1)
    }

    /// The chunks that may have ids between these bounds.
    fn overlapping(&self, start: Bound<u32>, end: Bound<u32>) -> &[Arc<Vec<Entry>>] {
        let from = self.0.partition_point(|chunk| chunk.last().is_some_and(|last| is_before(start, last.id)));
        let to = self.0.partition_point(|chunk| !is_behind(end, chunk[0].id));
        &self.0[from..to.max(from)]
    }

    fn set(&mut self, entry: Entry) {
        let mut idx = self.place_of(entry.id);
        match search(&self.0[idx], entry.id) {
            Ok(place) => Arc::make_mut(&mut self.0[idx])[place] = entry,
            Err(mut place) => {
                if self.0[idx].len() == CHUNK_MAX {
                    self.split(idx);
                    let lower = self.0[idx].len();
                    if place > lower {
                        (idx, place) = (idx + 1, place - lower);
                    }
                }
                Arc::make_mut(&mut self.0[idx]).insert(place, entry);
            }
        }
    }

    /// Makes two chunks of one.
    fn split(&mut self, idx: usize) {
        let lower = Arc::make_mut(&mut self.0[idx]);
        let mut upper = Vec::with_capacity(CHUNK_MAX);
        upper.extend(lower.drain(lower.len() / 2..));
        self.0.insert(idx + 1, Arc::new(upper));
    }
}

fn search(entries: &[Entry], id: u32) -> Result<usize, usize> {
    entries.binary_search_by_key(&id, |entry| entry.id)
}

/// Whether an id lies before all that a start lets in.
fn is_before(start: Bound<u32>, id: u32) -> bool {
    match start {
        Bound::Included(start) => id < start,
        Bound::Excluded(start) => id <= start,
        Bound::Unbounded => false,
    }
}

/// Whether an id lies behind all that an end lets in.
fn is_behind(end: Bound<u32>, id: u32) -> bool {
    match end {
        Bound::Included(end) => id > end,
        Bound::Excluded(end) => id >= end,
        Bound::Unbounded => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn they_are_a_map_in_order_however_many_and_copies_stay_as_they_were() {
        let mut entries = Entries::One([Entry { id: 7, time: 0 }]);
        let mut model = BTreeMap::from([(7, 0)]);
        let mut copies = Vec::new();
        // A multiplier without a factor in common with the range visits every id once before any comes again.
        for (step, id) in (0..6000u32).map(|step| (step, step.wrapping_mul(1657) % 5000)) {
            entries.set(Entry { id, time: step });
            model.insert(id, step);
            if step % 997 == 0 {
                copies.push((entries.clone(), model.clone()));
            }
            assert_eq!(entries.get(id).and_then(Entry::time), Some(step));
        }
        copies.push((entries, model));
        for (entries, model) in copies {
            let found: Vec<_> = entries.range(..).map(|entry| (entry.id, entry.time)).collect();
            assert_eq!(found, model.into_iter().collect::<Vec<_>>());
            assert_eq!(found.len(), entries.len());
        }
    }

    proptest! {
        #[test]
        fn a_range_has_what_lies_in_it_from_both_ends(
            count in 1..3000u32,
            (start, end) in (0..7000u32, 0..7000u32),
            inclusive in any::<bool>(),
        ) {
            let mut entries = Entries::One([Entry { id: 0, time: 0 }]);
            (1..count).for_each(|idx| { entries.set(Entry { id: idx * 2, time: idx }); });
            let inside = |id: u32| if inclusive { start <= id && id <= end } else { start < id && id < end };
            let expected: Vec<u32> = (0..count).map(|idx| idx * 2).filter(|id| inside(*id)).collect();
            let bounds = if inclusive {
                (Bound::Included(start), Bound::Included(end))
            } else {
                (Bound::Excluded(start), Bound::Excluded(end))
            };
            let forth: Vec<u32> = entries.range(bounds).map(|entry| entry.id).collect();
            let mut back: Vec<u32> = entries.range(bounds).rev().map(|entry| entry.id).collect();
            back.reverse();
            prop_assert_eq!(&forth, &expected);
            prop_assert_eq!(&back, &expected);
        }
    }
}
