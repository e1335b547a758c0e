//! Many streams of entries as one, lazily.
//!
//! A feed merges the streams of hundreds of authors, of which a page shows twenty entries. So a stream is asked for an
//! entry only when nothing that is known of the others comes before the earliest that it could have: a stream whose
//! [`earliest`](Stream::earliest) place is behind the end of the page is never opened.

use std::collections::BinaryHeap;

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

    /// No entry comes before this place: a bound that is known without reading anything.
    fn earliest(&self) -> TweetId;

    /// The next entry in the order of the merge.
    fn next(&mut self) -> Result<Option<(TweetId, Self::Entry)>, Self::Error>;
}

/// The merge of streams in which no id is twice.
pub(crate) struct Merge<S: Stream> {
    order: Order,
    streams: Vec<S>,
    /// For each stream that is not at its end its next entry, or where that may be at the earliest.
    waiting: BinaryHeap<Waiting<S::Entry>>,
}

struct Waiting<E> {
    rank: u64,
    stream: usize,
    entry: Option<(TweetId, E)>,
}

impl<S: Stream> Merge<S> {
    /// Merges `streams`, all of which go in `order`.
    pub(crate) fn new(order: Order, streams: Vec<S>) -> Self {
        let bound = |(stream, it): (usize, &S)| Waiting { rank: order.rank(it.earliest()), stream, entry: None };
        let waiting = streams.iter().enumerate().map(bound).collect();
        Merge { order, streams, waiting }
    }
}

impl<S: Stream> Iterator for Merge<S> {
    type Item = Result<(TweetId, S::Entry), S::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(Waiting { rank, stream, entry }) = self.waiting.pop() {
            if let Some(entry) = entry {
                // What follows this entry is behind it; how far, is asked when it could matter.
                self.waiting.push(Waiting { rank: rank.saturating_sub(1), stream, entry: None });
                return Some(Ok(entry));
            }
            match self.streams[stream].next() {
                Ok(Some(entry)) => {
                    self.waiting.push(Waiting { rank: self.order.rank(entry.0), stream, entry: Some(entry) });
                }
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}

impl<E> Ord for Waiting<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Of equals the one that is known for certain goes first: no other stream has the same id.
        (self.rank, self.entry.is_some(), self.stream).cmp(&(other.rank, other.entry.is_some(), other.stream))
    }
}

impl<E> PartialOrd for Waiting<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Waiting<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Waiting<E> {}

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
        fn the_merge_is_the_sorted_union(owners in prop::collection::vec(0_usize..5, 0..60), slack in 0_u64..4) {
            for order in [Order::NewestFirst, Order::OldestFirst] {
                let streams = (0..5).map(|owner| {
                    let mut own: Vec<u64> = (0..owners.len()).filter(|&id| owners[id] == owner).map(|id| id as u64).collect();
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
