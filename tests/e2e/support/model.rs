//! What must come out, computed in the plainest way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// A follow graph by the ids of its file.
#[derive(Debug, Default)]
pub(crate) struct Follows {
    pub(crate) followees: BTreeMap<u64, BTreeSet<u64>>,
    pub(crate) followers: BTreeMap<u64, BTreeSet<u64>>,
}

impl Follows {
    /// The graph of a compressed edge list.
    pub(crate) fn read(path: &Path) -> Follows {
        let mut follows = Follows::default();
        for line in BufReader::new(MultiGzDecoder::new(File::open(path).expect("the file opens"))).lines() {
            let line = line.expect("the file can be read");
            let mut ids = line.split_whitespace().map(|id| id.parse().expect("an id is a number"));
            let (Some(source), Some(target)) = (ids.next(), ids.next()) else { panic!("no edge: {line}") };
            follows.add(source, target);
        }
        follows
    }

    pub(crate) fn add(&mut self, source: u64, target: u64) {
        self.followees.entry(source).or_default().insert(target);
        self.followers.entry(target).or_default().insert(source);
    }

    pub(crate) fn has(&self, source: u64, target: u64) -> bool {
        source == target || self.followees.get(&source).is_some_and(|followees| followees.contains(&target))
    }

    /// Everybody, those with the most in `lists` first.
    pub(crate) fn by_size(&self, lists: &BTreeMap<u64, BTreeSet<u64>>) -> Vec<u64> {
        let mut people: Vec<u64> = lists.keys().copied().collect();
        people.sort_by_key(|person| (std::cmp::Reverse(lists[person].len()), *person));
        people
    }
}

/// A tweet as its author posted it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Posted {
    /// The id; it sorts by time.
    pub(crate) id: u64,
    pub(crate) author: u64,
    pub(crate) text: String,
    /// The tweet that this one answers, and its author.
    pub(crate) answers: Option<(u64, u64)>,
}

/// The definition of a home feed, newest first: one's own tweets and those of the people one follows; a comment only where
/// one follows both its author and the person it answers, everybody counting as following themselves, and only while the
/// tweet that it answers is there. `tweets` are all that are not deleted.
pub(crate) fn home_feed<'a>(reader: u64, follows: &Follows, tweets: &'a [Posted]) -> Vec<&'a Posted> {
    let ids: BTreeSet<u64> = tweets.iter().map(|tweet| tweet.id).collect();
    let mut feed: Vec<&Posted> = tweets
        .iter()
        .filter(|tweet| follows.has(reader, tweet.author))
        .filter(|tweet| tweet.answers.is_none_or(|(id, author)| follows.has(reader, author) && ids.contains(&id)))
        .collect();
    feed.sort_by_key(|tweet| std::cmp::Reverse(tweet.id));
    feed
}
