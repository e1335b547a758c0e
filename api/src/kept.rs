//! First pages of home feeds as they were answered, for as long as they would be answered the same again.
//!
//! The client of a reader asks for the same page again and again, and mostly nothing has changed. To know that takes much less
//! than to put 20 tweets with their authors together: the timelines compare the page's state (`HomeTimelineRequest.state`), and
//! the accounts on it are compared here. A page that shows somebody without an account is not kept.
//!
//! Each reader has one page, the one that was made last. Memory is bounded in bytes; what is not asked for goes first.

use std::sync::Arc;

use ::metrics::Counter;
use axum::body::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::metrics;
use crate::remembered::Standing;

/// Bytes of a page, more or less: 20 short tweets.
const USUAL_BYTES: usize = 8 << 10;

/// What a page takes besides, more or less: its place in the cache, and what the allocator adds.
const OVERHEAD_BYTES: usize = 160;

/// A page.
#[derive(Debug)]
pub(crate) struct Kept {
    /// Entries at the most.
    pub(crate) limit: u32,
    /// Its JSON.
    pub(crate) body: Bytes,
    /// What the timelines say that it was made of.
    pub(crate) state: Bytes,
    /// The accounts that it shows.
    pub(crate) people: Standing,
}

/// First pages of home feeds.
#[derive(Debug)]
pub(crate) struct KeptFeeds {
    /// By reader; none where none are kept.
    pages: Option<Cache<u32, Arc<Kept>, Bytewise>>,
    given: Counter,
    made: Counter,
}

#[derive(Clone, Debug)]
struct Bytewise;

impl Weighter<u32, Arc<Kept>> for Bytewise {
    fn weight(&self, _: &u32, kept: &Arc<Kept>) -> u64 {
        (OVERHEAD_BYTES + size_of::<Kept>() + kept.body.len() + kept.state.len() + kept.people.bytes()) as u64
    }
}

impl KeptFeeds {
    /// Nothing is kept, and never more than so many bytes will be; nothing at all for 0.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let pages = || Cache::with_weighter(bytes_max.div_ceil(USUAL_BYTES), bytes_max as u64, Bytewise);
        KeptFeeds { pages: (bytes_max > 0).then(pages), given: metrics::feeds("kept"), made: metrics::feeds("made") }
    }

    /// Whether anything is kept.
    pub(crate) fn is_on(&self) -> bool {
        self.pages.is_some()
    }

    /// The page of a reader, if it is kept. It may have changed.
    pub(crate) fn get(&self, reader: u32, limit: u32) -> Option<Arc<Kept>> {
        self.pages.as_ref()?.get(&reader).filter(|kept| kept.limit == limit)
    }

    /// Keeps a page in the place of the one before. It may lie in a buffer that others need, or that is much longer.
    pub(crate) fn put(&self, reader: u32, page: Kept) {
        if let Some(pages) = &self.pages {
            let [body, state] = [&page.body, &page.state].map(|bytes| Bytes::copy_from_slice(bytes));
            pages.insert(reader, Arc::new(Kept { body, state, ..page }));
        }
    }

    /// A page was kept, and still is what it would be.
    pub(crate) fn given(&self) {
        self.given.increment(1);
    }

    /// A page was made.
    pub(crate) fn made(&self) {
        self.made.increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(bytes: usize) -> Kept {
        let mut body = Vec::with_capacity(4 * bytes);
        body.resize(bytes, b'x');
        Kept { limit: 20, body: body.into(), state: Bytes::new(), people: Standing::default() }
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_kept_in_none() {
        let feeds = KeptFeeds::new(1 << 20);
        (0..1000).for_each(|reader| feeds.put(reader, kept(10_000)));
        let pages: Vec<_> = (0..1000).filter_map(|reader| feeds.get(reader, 20)).collect();
        assert!((52..105).contains(&pages.len()), "{} pages are kept", pages.len());
        let room = |page: Arc<Kept>| page.body.clone().try_into_mut().map_or(page.body.len(), |body| body.capacity());
        assert!(pages.into_iter().all(|page| room(page) == 10_000), "with nothing but their bytes");

        let none = KeptFeeds::new(0);
        none.put(1, kept(1));
        assert!(!none.is_on() && none.get(1, 20).is_none());
    }

    #[test]
    fn a_reader_has_one_page() {
        let feeds = KeptFeeds::new(1 << 20);
        feeds.put(1, kept(1));
        assert!(feeds.get(1, 20).is_some() && feeds.get(1, 21).is_none() && feeds.get(2, 20).is_none());
        feeds.put(1, Kept { limit: 21, ..kept(1) });
        assert!(feeds.get(1, 20).is_none() && feeds.get(1, 21).is_some());
    }
}
