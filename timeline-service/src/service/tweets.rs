//! Posting, deleting and getting tweets.

use std::collections::HashMap;

use base::{Error, Revision, TweetId, UserId, limits};
use proto::timeline::{
    CreateTweetRequest, CreateTweetResponse, DeleteTweetRequest, DeleteTweetResponse, Entities, GetTweetsRequest,
    GetTweetsResponse, ResolvedMention,
};
use roaring::RoaringBitmap;

use super::TimelineService;
use super::wire::tweet_seen;
use crate::core::{entities, place, text};
use crate::error::Refusal;
use crate::graph::naming;
use crate::tweets::{Delete, NewTweet, Seen};

impl TimelineService {
    pub(super) async fn create(&self, request: CreateTweetRequest) -> Result<CreateTweetResponse, Error> {
        let CreateTweetRequest { author, text, in_reply_to, mentions, idempotency_key, place: at } = request;
        let author = UserId(author);
        text::check(&text, self.0.tweet_characters)?;
        proto::convert::at_most(mentions.len(), self.0.tweet_characters, "mentions")?;
        if idempotency_key.len() > limits::NAME_MAX_BYTES {
            return Err(Error::invalid("idempotency_key", format!("at most {} bytes", limits::NAME_MAX_BYTES)));
        }
        if let Some(at) = &at {
            place::check(at)?;
        }
        let in_reply_to = (in_reply_to != 0).then_some(TweetId(in_reply_to));
        let mut entities = entities::find(&text, &by_username(mentions));

        // A request that is repeated after its answer was lost must not fail because of what has happened since.
        let known = self.request_is_known(author, &idempotency_key).await?;
        if let Some(answered) = in_reply_to.filter(|_| !known) {
            self.may_answer(author, answered).await?;
        }
        if !known {
            self.open_mentions(author, &mut entities).await?;
        }
        let new = NewTweet { author, text, in_reply_to, entities, place: at, idempotency_key };
        let tweet = self.0.store.write(new).await?;
        let tweet = if known {
            let view = self.0.store.view();
            self.0.reads.run(move || Ok(view.seen_by(tweet, Some(author))?)).await?
        } else {
            // Nobody has done anything to it yet. Asking would be a read that can be refused, after the tweet is posted: the
            // author would be told that it is not, and post it twice.
            Seen::fresh(tweet)
        };
        Ok(CreateTweetResponse { tweet: Some(tweet_seen(tweet)) })
    }

    pub(super) async fn delete(&self, request: DeleteTweetRequest) -> Result<DeleteTweetResponse, Error> {
        let changed = self.0.store.write(Delete { id: TweetId(request.id), user: UserId(request.user) }).await?;
        Ok(DeleteTweetResponse { changed })
    }

    pub(super) async fn get(&self, request: GetTweetsRequest) -> Result<GetTweetsResponse, Error> {
        proto::convert::at_most(request.ids.len(), limits::TWEETS_BATCH_MAX, "ids")?;
        let at_least = proto::convert::revision(request.at_least.as_ref(), "at_least")?;
        let view = self.0.store.view();
        let (ids, viewer) = (request.ids, request.viewer.map(UserId));
        let read = move || {
            let found = ids.into_iter().filter_map(|id| view.tweet(TweetId(id)).transpose());
            found.map(|tweet| Ok(tweet_seen(view.seen_by(tweet?, viewer)?))).collect::<Result<Vec<_>, Error>>()
        };
        let mut tweets = self.0.reads.run(read).await?;
        if let Some(viewer) = viewer {
            let authors = tweets.iter().map(|tweet| UserId(tweet.author)).collect();
            let blockers = self.blockers_among(authors, viewer, at_least).await.map_err(naming("viewer"))?;
            tweets.retain(|tweet| !blockers.contains(tweet.author));
        }
        Ok(GetTweetsResponse { tweets })
    }

    async fn request_is_known(&self, author: UserId, idempotency_key: &str) -> Result<bool, Error> {
        if idempotency_key.is_empty() {
            return Ok(false);
        }
        let (view, key) = (self.0.store.view(), idempotency_key.to_owned());
        self.0.reads.run(move || Ok(view.request(author, &key)?.is_some())).await
    }

    /// Leaves only those mentioned who do not block the author: the names of the others stay plain text.
    async fn open_mentions(&self, author: UserId, entities: &mut Entities) -> Result<(), Error> {
        let mentioned = entities.mentions.iter().map(|mention| UserId(mention.user));
        let mentioned = mentioned.filter(|user| *user != author).collect();
        let blockers = self.blockers_among(mentioned, author, None).await.map_err(naming("mentions"))?;
        entities.mentions.retain(|mention| !blockers.contains(mention.user));
        Ok(())
    }

    /// Which of some users block a user. The graph is asked once, and not at all where there are none.
    async fn blockers_among(
        &self,
        mut users: Vec<UserId>,
        blocked: UserId,
        at_least: Option<Revision>,
    ) -> Result<RoaringBitmap, Error> {
        if users.is_empty() {
            return Ok(RoaringBitmap::new());
        }
        users.sort_unstable();
        users.dedup();
        let blocking = self.0.graph.blocking(&users, blocked, at_least).await?;
        Ok(users.iter().zip(blocking).filter(|(_, blocks)| *blocks).map(|(user, _)| user.0).collect())
    }

    /// Refuses a comment on nothing, and one between people of whom one blocks the other.
    async fn may_answer(&self, author: UserId, answered: TweetId) -> Result<(), Error> {
        let view = self.0.store.view();
        let answered_author = self.0.reads.run(move || Ok(view.author_of(answered)?)).await?;
        let answered_author = answered_author.ok_or(Refusal::NothingToAnswer(answered))?;
        if answered_author != author {
            let blocked = self.0.graph.either_blocks(author, answered_author).await.map_err(naming("author"))?;
            if blocked {
                return Err(Refusal::Blocked.into());
            }
        }
        Ok(())
    }
}

pub(super) fn by_username(mentions: Vec<ResolvedMention>) -> HashMap<String, UserId> {
    mentions.into_iter().map(|mention| (mention.username.to_ascii_lowercase(), UserId(mention.user))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use base::Code;
    use base::clock::SystemClock;
    use futures::StreamExt;
    use futures::future::join_all;

    use super::*;
    use crate::core::rules::Sources;
    use crate::graph::{Begin, Follows, Graph, Versions};
    use crate::service::reads::LINE;
    use crate::settings::Settings;

    /// A graph without an edge.
    struct Strangers;

    #[tonic::async_trait]
    impl Graph for Strangers {
        async fn sources(&self, _: UserId, _: Option<Revision>) -> Result<Sources, Error> {
            Ok(Sources::default())
        }

        async fn versions(&self, _: UserId, _: Option<Revision>) -> Result<Versions, Error> {
            Ok(Versions::default())
        }

        async fn recipients(&self, _: UserId, _: Option<Revision>) -> Result<RoaringBitmap, Error> {
            Ok(RoaringBitmap::new())
        }

        async fn active_readers(&self) -> Result<RoaringBitmap, Error> {
            Ok(RoaringBitmap::new())
        }

        async fn update_active_readers(&self, _: &[u32], _: &[u32]) -> Result<(), Error> {
            Ok(())
        }

        async fn blockers(&self, _: UserId, _: Option<Revision>) -> Result<roaring::RoaringBitmap, Error> {
            Ok(roaring::RoaringBitmap::new())
        }

        async fn blocking(&self, authors: &[UserId], _: UserId, _: Option<Revision>) -> Result<Vec<bool>, Error> {
            Ok(vec![false; authors.len()])
        }

        async fn either_blocks(&self, _: UserId, _: UserId) -> Result<bool, Error> {
            Ok(false)
        }

        async fn hidden(&self, _: UserId, _: Option<Revision>) -> Result<RoaringBitmap, Error> {
            Ok(RoaringBitmap::new())
        }

        async fn reachable(&self, _: UserId, users: &[UserId]) -> Result<Vec<bool>, Error> {
            Ok(vec![false; users.len()])
        }

        async fn follows(&self, _: Begin) -> Result<Follows, Error> {
            Ok(futures::stream::pending().boxed())
        }
    }

    #[tokio::test]
    async fn a_tweet_that_is_posted_is_answered_however_many_reads_wait() {
        // A post was answered RESOURCE_EXHAUSTED after it was durable, because it was read back; sent again it was twice.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (reads_in_flight, deadline) = (1, Duration::from_secs(60));
        let settings = Settings { folder: folder.path().to_owned(), reads_in_flight, deadline, ..Settings::default() };
        let service = TimelineService::open(settings, Arc::new(Strangers), Arc::new(SystemClock)).expect("opens");

        let (release, blocked) = mpsc::channel::<()>();
        let stuck = service.0.reads.run(move || Ok(blocked.recv().is_err()));
        let in_line = join_all((1..LINE).map(|_| service.0.reads.run(|| Ok(()))));
        let posting = async {
            let refused = service.0.reads.run(|| Ok(())).await;
            let request = CreateTweetRequest { author: 7, text: "here".to_owned(), ..CreateTweetRequest::default() };
            let posted = service.create(request).await;
            drop(release);
            (refused, posted)
        };
        let (stuck, in_line, (refused, posted)) = futures::join!(stuck, in_line, posting);
        assert!(stuck.expect("released"));
        assert_eq!(in_line.into_iter().filter(Result::is_ok).count(), LINE - 1);
        assert_eq!(refused.expect_err("the line is full").code(), Code::ResourceExhausted);
        let tweet = posted.expect("posted").tweet.expect("a tweet is always answered");
        assert_eq!((tweet.author, tweet.text.as_str(), tweet.comments_count), (7, "here", 0));
    }
}
