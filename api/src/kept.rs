//! First pages of home feeds as they were answered, for as long as they would be answered the same again.
//!
//! The client of a reader asks for the same page again and again, and mostly nothing has changed. To know that takes much less
//! than to put 20 tweets with their authors together: the timelines compare the page's state (`HomeTimelineRequest.state`), and
//! the accounts on it are compared here. A page that shows somebody without an account is not kept.
//!
//! Memory is bounded in bytes; what is not asked for goes first.

use std::sync::Arc;

use axum::body::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::remembered::Standing;

/// Bytes of a page, more or less: 20 short tweets.
const USUAL_BYTES: usize = 8 << 10;

/// Which page.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Place {
    /// Whose feed.
    pub(crate) reader: u32,
    /// Entries at the most.
    pub(crate) limit: u32,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Kept {
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
    /// None where none are kept.
    pages: Option<Cache<Place, Arc<Kept>, Bytewise>>,
}

#[derive(Clone, Debug)]
struct Bytewise;

impl Weighter<Place, Arc<Kept>> for Bytewise {
    fn weight(&self, _: &Place, kept: &Arc<Kept>) -> u64 {
        (size_of::<Place>() + size_of::<Kept>() + kept.body.len() + kept.state.len() + kept.people.bytes()) as u64
    }
}

impl KeptFeeds {
    /// Nothing is kept, and never more than so many bytes will be; nothing at all for 0.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let pages = || Cache::with_weighter(bytes_max.div_ceil(USUAL_BYTES), bytes_max as u64, Bytewise);
        KeptFeeds { pages: (bytes_max > 0).then(pages) }
    }

    /// Whether anything is kept.
    pub(crate) fn is_on(&self) -> bool {
        self.pages.is_some()
    }

    /// The page at a place, if it is kept. It may have changed.
    pub(crate) fn get(&self, place: Place) -> Option<Arc<Kept>> {
        self.pages.as_ref()?.get(&place)
    }

    /// Keeps a page in the place of the one before.
    pub(crate) fn put(&self, place: Place, kept: Kept) {
        if let Some(pages) = &self.pages {
            pages.insert(place, Arc::new(kept));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(bytes: usize) -> Kept {
        Kept { body: vec![b'x'; bytes].into(), state: Bytes::new(), people: Standing::default() }
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_kept_in_none() {
        let feeds = KeptFeeds::new(1 << 20);
        let places = (0..1000).map(|reader| Place { reader, limit: 20 });
        places.clone().for_each(|place| feeds.put(place, kept(10_000)));
        let bytes: usize = places.filter_map(|place| feeds.get(place)).map(|kept| kept.body.len()).sum();
        assert!(bytes > 1 << 19 && bytes <= 1 << 20, "{bytes} bytes are kept");

        let none = KeptFeeds::new(0);
        let place = Place { reader: 1, limit: 20 };
        none.put(place, kept(1));
        assert!(!none.is_on() && none.get(place).is_none());
    }
}
