//! Many tweets at once, for importers.
//!
//! An importer is a program in this process, not a client: it speaks for many authors, and nobody waits for a single tweet.
//! All tweets of a load become durable in one batch and one sync, or none does.

use std::time::Duration;

use base::{Code, Error, TweetId, UserId};
use proto::timeline::ResolvedMention;

use super::TimelineService;
use super::tweets::by_username;
use crate::core::{entities, text};
use crate::tweets::{Load, Loaded};

/// Tweets of one [`TimelineService::load`]: enough to share a sync, few enough that others who write wait for some tens of
/// milliseconds, and that a load is some megabytes.
pub const LOAD_TWEETS_MAX: usize = 8192;
/// Loads that may be under way; more wait. One is prepared and one is answered while one is written.
pub(super) const LOADS_IN_FLIGHT_MAX: usize = 4;
/// How long a load waits for its turn and for the disk. Compaction may hold writes up, and an importer would rather wait
/// than not know what became of its tweets.
const LOAD_DEADLINE: Duration = Duration::from_secs(600);

/// A tweet that comes from elsewhere. It answers nothing.
#[derive(Clone, PartialEq, Debug)]
pub struct LoadedTweet {
    /// Who wrote it.
    pub author: UserId,
    /// What it says.
    pub text: String,
    /// Whom its mentions mean; others stay text.
    pub mentions: Vec<ResolvedMention>,
}

impl TimelineService {
    /// Writes many tweets, in their order, with ids of now; answers the ids once all of them are durable. They are in timelines,
    /// feeds and counts as any others, and nobody is notified of them: what happened elsewhere is no news.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` where there are more than [`LOAD_TWEETS_MAX`] or one of them may not be posted, and then none is
    /// written; otherwise what any write can meet.
    pub async fn load(&self, tweets: Vec<LoadedTweet>) -> Result<Vec<TweetId>, Error> {
        proto::convert::at_most(tweets.len(), LOAD_TWEETS_MAX, "tweets")?;
        let max = self.0.tweet_characters;
        let loaded = |LoadedTweet { author, text, mentions }| -> Result<Loaded, Error> {
            text::check(&text, max)?;
            proto::convert::at_most(mentions.len(), max, "mentions")?;
            let entities = entities::find(&text, &by_username(mentions));
            Ok(Loaded { author, text, entities })
        };
        let tweets = tweets.into_iter().map(loaded).collect::<Result<Vec<_>, _>>()?;
        if tweets.is_empty() {
            return Ok(Vec::new());
        }
        let stopping = |_| Error::new(Code::Unavailable, "the service is stopping");
        let _permit = self.0.loads.acquire().await.map_err(stopping)?;
        Ok(self.0.store.write_within(LOAD_DEADLINE, Load { tweets }).await?)
    }

    /// Writes out what is in memory and waits until the storage engine has nothing left to put in order, so that the next
    /// start has no journal to replay and the disk holds nothing twice. For the end of an import: a service that is in use
    /// settles by itself. Blocks for as long as that takes; reads and writes go on.
    ///
    /// # Errors
    ///
    /// When the storage engine fails.
    pub fn settle(&self) -> Result<(), Error> {
        Ok(self.0.store.settle()?)
    }
}
