//! What is said to whom: of the entries a tenth are retweets, a fifth comments, and the others plain tweets.
//!
//! Half of what is retweeted or answered is the newest tweet of somebody whom its author follows, and half is any of the last 4,096 tweets,
//! mostly a stranger's. Of authors who are not active readers nobody keeps whom they follow: they have the list of the next one who is.

use base::{TweetId, UserId};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use timeline_service::bench::{MemoryEntry, MemoryFeeds};

use super::sample::Sample;

/// Of a hundred entries so many are retweets.
const RETWEETS: u32 = 10;
/// Of a hundred entries so many are comments.
const COMMENTS: u32 = 20;
/// Tweets among which strangers find something.
const RECENT: usize = 4096;

/// Decides what each entry is.
#[derive(Debug)]
pub struct Kinds<'a> {
    sample: &'a Sample,
    random: ChaCha8Rng,
    /// The newest plain tweet of each user; 0 for none.
    newest: Vec<TweetId>,
    /// The last plain tweets of all, and where the next one goes.
    recent: Vec<(TweetId, UserId)>,
    next: usize,
}

/// What an entry is; of what, it names with its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plain tweet.
    Tweet,
    /// An answer.
    Comment(TweetId, UserId),
    /// A retweet.
    Retweet(TweetId, UserId),
}

impl<'a> Kinds<'a> {
    /// Of the users of a sample, before anybody said anything.
    pub fn new(sample: &'a Sample, seed: u64) -> Self {
        let newest = vec![TweetId(0); sample.active_followers.len()];
        Kinds { sample, random: ChaCha8Rng::seed_from_u64(seed), newest, recent: Vec::with_capacity(RECENT), next: 0 }
    }

    /// Enters what an author says next.
    pub fn enter(&mut self, feeds: &MemoryFeeds, author: UserId, id: TweetId) -> MemoryEntry {
        match self.next_of(author, id) {
            Kind::Tweet => feeds.post(author, id),
            Kind::Comment(answered, by) => feeds.comment(author, id, (answered, by)),
            Kind::Retweet(shown, by) => feeds.retweet(author, id, (shown, by)),
        }
    }

    /// What an author says next.
    fn next_of(&mut self, author: UserId, id: TweetId) -> Kind {
        let drawn = self.random.random_range(0..100);
        if drawn < RETWEETS + COMMENTS
            && let Some((tweet, by)) = self.found_by(author)
        {
            return if drawn < RETWEETS { Kind::Retweet(tweet, by) } else { Kind::Comment(tweet, by) };
        }
        self.newest[author.0 as usize] = id;
        if self.recent.len() < RECENT {
            self.recent.push((id, author));
        } else {
            self.recent[self.next] = (id, author);
            self.next = (self.next + 1) % RECENT;
        }
        Kind::Tweet
    }

    /// Somebody else's tweet that an author may have seen.
    fn found_by(&mut self, author: UserId) -> Option<(TweetId, UserId)> {
        let found = if self.random.random() {
            let followees = self.sample.followees_near(author.0);
            let followee = *followees.get(self.random.random_range(0..followees.len().max(1)))?;
            (self.newest[followee as usize], UserId(followee))
        } else {
            *self.recent.get(self.random.random_range(0..self.recent.len().max(1)))?
        };
        (found.0 != TweetId(0) && found.1 != author).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use graph_store::generate::GraphSpec;
    use roaring::RoaringBitmap;

    use super::*;

    #[test]
    fn a_tenth_are_retweets_and_a_fifth_comments_to_followees_and_strangers() {
        let spec = GraphSpec::new(1_000, 40.0, 7).expect("there is such a graph");
        let sample = Sample::draw(&spec, 1_000, &RoaringBitmap::new()).expect("a sample");
        let mut kinds = Kinds::new(&sample, 3);
        let (mut retweets, mut comments, mut to_followees) = (0, 0, 0);
        for number in 1..100_000_u64 {
            let author = UserId((number * 7 % 1_000) as u32);
            let id = TweetId::from_parts(number, 0, author);
            let by = match kinds.next_of(author, id) {
                Kind::Tweet => continue,
                Kind::Comment(answered, by) => {
                    comments += 1;
                    assert!(answered < id);
                    by
                }
                Kind::Retweet(shown, by) => {
                    retweets += 1;
                    assert!(shown < id);
                    by
                }
            };
            assert_ne!(by, author);
            to_followees += u32::from(sample.followees_near(author.0).contains(&by.0));
        }
        assert!((9_000..10_500).contains(&retweets) && (18_000..20_500).contains(&comments), "{retweets}, {comments}");
        let share = f64::from(to_followees) / f64::from(retweets + comments);
        assert!((0.4..0.7).contains(&share), "{share} to followees");
    }
}
