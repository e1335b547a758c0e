//! Many streams of entries as one, lazily.
//!
//! A feed merges the streams of hundreds of authors, of which a page shows twenty entries. So a stream is asked for an
//! entry only when nothing that is known of the others comes before the earliest that it could have: a stream whose
//! [`earliest`](Stream::earliest) place is behind the end of the page is never opened.

use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use base::TweetId;

/// Which way a timeline is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// From the greatest id to the smallest.
    NewestFirst,
    /// From the smallest id to the greatest.
    OldestFirst,
}

impl Order {
    /// A number that is greater for what comes earlier.
    const fn rank(self, id: TweetId) -> u64 {
        match self {
            Order::NewestFirst => id.0,
            Order::OldestFirst => !id.0,
        }
    }
}

/// Entries with strictly rising or strictly falling ids.
pub(crate) trait Stream {
    /// What an entry is, beside its id.
    type Entry;
    /// Why a stream can fail.
    type Error;

    /// The next entry does not come before this place: a bound that is known without reading anything.
    fn earliest(&self) -> TweetId;

    /// The next entry in the order of the merge.
    fn next(&mut self) -> Result<Option<(TweetId, Self::Entry)>, Self::Error>;
}

/// The merge of streams. An id that is in several of them comes once from each, one right after the other.
pub(crate) struct Merge<S: Stream> {
    order: Order,
    streams: Vec<S>,
    /// For each stream that is not at its end its next entry, or where that may be at the earliest.
    waiting: BinaryHeap<Waiting>,
    /// The entries that wait: those of the few streams that were opened.
    entries: Vec<Option<(TweetId, S::Entry)>>,
    free: Vec<u32>,
}

/// Of equals the one that is known for certain goes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    rank: u64,
    /// The place of the entry plus one; 0 where only a bound is known.
    entry: u32,
    stream: u32,
}

impl<S: Stream> Merge<S> {
    /// Merges `streams`, all of which go in `order`.
    pub(crate) fn new(order: Order, streams: Vec<S>) -> Self {
        let bound = |(stream, it): (u32, &S)| Waiting { rank: order.rank(it.earliest()), entry: 0, stream };
        let waiting = match &streams[..] {
            // One stream waits for nobody.
            [_] => BinaryHeap::new(),
            _ => (0..).zip(&streams).map(bound).collect(),
        };
        Merge { order, streams, waiting, entries: Vec::new(), free: Vec::new() }
    }
}

impl<S: Stream> Iterator for Merge<S> {
    type Item = Result<(TweetId, S::Entry), S::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let [stream] = &mut self.streams[..] {
            let next = stream.next().transpose();
            if !matches!(next, Some(Ok(_))) {
                self.streams.clear();
            }
            return next;
        }
        while let Some(mut first) = self.waiting.peek_mut() {
            let stream = &mut self.streams[first.stream as usize];
            if let Some(place) = first.entry.checked_sub(1) {
                // What follows this entry is behind it; how far, is asked when it could matter.
                first.rank = first.rank.saturating_sub(1).min(self.order.rank(stream.earliest()));
                first.entry = 0;
                self.free.push(place);
                let entry = self.entries[place as usize].take();
                drop(first);
                return entry.map(Ok);
            }
            match stream.next() {
                Ok(Some(entry)) => {
                    first.rank = self.order.rank(entry.0);
                    let place = self.free.pop().unwrap_or_else(|| {
                        self.entries.push(None);
                        self.entries.len() as u32 - 1
                    });
                    self.entries[place as usize] = Some(entry);
                    first.entry = place + 1;
                }
                Ok(None) => drop(PeekMut::pop(first)),
                Err(error) => {
                    PeekMut::pop(first);
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::*;

    struct Listed {
        earliest: TweetId,
        ids: std::vec::IntoIter<u64>,
        reads: Rc<Cell<usize>>,
    }

    impl Stream for Listed {
        type Entry = ();
        type Error = Infallible;

        fn earliest(&self) -> TweetId {
            self.earliest
        }

        fn next(&mut self) -> Result<Option<(TweetId, ())>, Infallible> {
            self.reads.set(self.reads.get() + 1);
            Ok(self.ids.next().map(|id| (TweetId(id), ())))
        }
    }

    fn listed(earliest: u64, ids: Vec<u64>, reads: &Rc<Cell<usize>>) -> Listed {
        Listed { earliest: TweetId(earliest), ids: ids.into_iter(), reads: reads.clone() }
    }

    fn ids(merge: impl Iterator<Item = Result<(TweetId, ()), Infallible>>) -> Vec<u64> {
        merge.map(|Ok((id, ()))| id.0).collect()
    }

    #[test]
    fn a_stream_behind_the_page_is_never_read() {
        let reads = [(); 3].map(|()| Rc::default());
        let streams =
            vec![listed(9, vec![9, 8, 3], &reads[0]), listed(10, vec![7], &reads[1]), listed(6, vec![6, 5], &reads[2])];
        assert_eq!(ids(Merge::new(Order::NewestFirst, streams).take(3)), [9, 8, 7]);
        assert_eq!(reads.map(|reads| reads.get()), [2, 1, 0]);
    }

    proptest! {
        #[test]
        fn the_merge_is_the_sorted_union(
            owners in prop::collection::vec(0_usize..5, 0..60), streams in 1_usize..6, slack in 0_u64..4,
        ) {
            for order in [Order::NewestFirst, Order::OldestFirst] {
                let streams = (0..streams).map(|owner| {
                    let is_own = |id: &usize| owners[*id] % streams == owner;
                    let mut own: Vec<u64> = (0..owners.len()).filter(is_own).map(|id| id as u64).collect();
                    if order == Order::NewestFirst {
                        own.reverse();
                    }
                    let earliest = own.first().map_or(0, |&first| match order {
                        Order::NewestFirst => first + slack,
                        Order::OldestFirst => first.saturating_sub(slack),
                    });
                    listed(earliest, own, &Rc::default())
                });
                let mut expected: Vec<u64> = (0..owners.len() as u64).collect();
                if order == Order::NewestFirst {
                    expected.reverse();
                }
                prop_assert_eq!(ids(Merge::new(order, streams.collect())), expected);
            }
        }
    }
}
