//! Posting a tweet.

use base::{TweetId, UserId};
use proto::timeline::{Entities, Place};

use super::{Command, Draft, Effect, Tweet, addressed};
use crate::error::{Refusal, StoreError};
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{
    AuthorRecord, CountsRecord, DeliveryRecord, IndexRecord, ReplyRecord, RequestAgeRecord, RequestRecord,
    SubscriberRecord, TweetRecord,
};

/// A tweet that is to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewTweet {
    pub author: UserId,
    pub text: String,
    pub in_reply_to: Option<TweetId>,
    pub entities: Entities,
    pub place: Option<Place>,
    /// Empty for none.
    pub idempotency_key: String,
}

impl Command for NewTweet {
    type Outcome = Tweet;

    fn actor(&self) -> UserId {
        self.author
    }

    fn answers(&self) -> Option<TweetId> {
        self.in_reply_to
    }

    /// Writes the tweet. The same idempotency key again answers the tweet that it made.
    fn apply(&mut self, id: TweetId, draft: &mut Draft<'_>) -> Result<Tweet, StoreError> {
        let NewTweet { author, text, in_reply_to, entities, place, idempotency_key } = self;
        let request = keys::request(*author, idempotency_key);
        if !idempotency_key.is_empty()
            && let Some(made) = draft.get::<RequestRecord>(Table::Requests, &request)?
        {
            return self.repeated(TweetId(made.id), draft);
        }
        let answered = in_reply_to.map(|answered| Answered::find(answered, draft)).transpose()?;
        let author_key = keys::author_key(*author);
        let mut of_author = draft.get::<AuthorRecord>(Table::Authors, &author_key)?.unwrap_or_default();

        let record = TweetRecord {
            text: text.clone(),
            in_reply_to: in_reply_to.map_or(0, |id| id.0),
            in_reply_to_author: answered.as_ref().map_or(0, |answered| answered.author),
            entities: Some(entities.clone()),
            place: place.clone(),
            ..TweetRecord::default()
        };
        let notice = |(recipient, kind)| draft.notice(recipient, kind, id, &[*author], id).transpose();
        let addressed = addressed(*author, &record);
        let notices = addressed.into_iter().filter_map(notice).collect::<Result<Vec<_>, _>>()?;
        let first_subscriber = draft.first_subscriber(*author)?;

        draft.put(Table::Tweets, &keys::of_user(*author, id), &record);
        draft.put(Table::Index, &keys::id_key(id), &IndexRecord { author: author.0, deleted: false });
        if let Some(Answered { id: answered, counts, .. }) = answered {
            draft.put(Table::Replies, &keys::of_tweet(answered, id), &ReplyRecord { author: author.0 });
            draft.put_counts(answered, CountsRecord { comments: counts.comments + 1, ..counts });
        }
        of_author.reach(id);
        of_author.tweets += 1;
        draft.put(Table::Authors, &author_key, &of_author);
        if !idempotency_key.is_empty() {
            draft.put(Table::Requests, &request, &RequestRecord { id: id.0 });
            draft.put(Table::RequestAges, &keys::id_key(id), &RequestAgeRecord { request });
            draft.state.requests += 1;
        }
        draft.notify(notices);
        if let Some(UserId(from)) = first_subscriber {
            draft.put(Table::Deliveries, &keys::id_key(id), &DeliveryRecord { author: author.0, from });
            draft.affect(Effect::ToDeliver);
        }
        draft.keep(id);
        let tweet = Tweet { id, author: *author, record };
        draft.affect(Effect::Entered { tweet: tweet.clone(), is_first_retweet: false });
        Ok(tweet)
    }
}

impl NewTweet {
    /// The tweet that the idempotency key made, if it is the one that is asked for again.
    fn repeated(&self, id: TweetId, draft: &Draft<'_>) -> Result<Tweet, StoreError> {
        let Some(record) = draft.get::<TweetRecord>(Table::Tweets, &keys::of_user(self.author, id))? else {
            return Err(Refusal::KeyOfDeleted.into());
        };
        let in_reply_to = self.in_reply_to.map_or(0, |answered| answered.0);
        if record.text != self.text || record.in_reply_to != in_reply_to || record.place != self.place {
            return Err(Refusal::KeyReused.into());
        }
        Ok(Tweet { id, author: self.author, record })
    }
}

impl Draft<'_> {
    /// The first of those who want to know of each tweet of an author.
    fn first_subscriber(&self, author: UserId) -> Result<Option<UserId>, StoreError> {
        let (first, last) = (keys::subscriber(author, UserId(0)), keys::subscriber(author, UserId(u32::MAX)));
        let first = self.between::<SubscriberRecord>(Table::Subscribers, &first, &last).next().transpose()?;
        Ok(first.and_then(|(key, _)| keys::last_user(&key)))
    }
}

/// The tweet that a new one answers.
struct Answered {
    id: TweetId,
    author: u32,
    counts: CountsRecord,
}

impl Answered {
    fn find(id: TweetId, draft: &Draft<'_>) -> Result<Self, StoreError> {
        let index = draft.get::<IndexRecord>(Table::Index, &keys::id_key(id))?;
        let Some(IndexRecord { author, deleted: false }) = index else {
            return Err(Refusal::NothingToAnswer(id).into());
        };
        Ok(Answered { id, author, counts: draft.counts(id)? })
    }
}
