//! A model of timeline-service: a list of tweets.

use std::sync::{Arc, Mutex, MutexGuard};

use base::clock::{Clock, ManualClock};
use base::cursor::{self, CursorKind};
use base::{Code, Error, TweetId, UserId};
use proto::common::PageRequest;
use proto::status::to_status;
use proto::timeline::timeline_service_server::TimelineService;
use proto::timeline::*;
use tonic::{Request, Response, Status};

use super::fault::Faults;
use super::graph::ModelGraph;

/// A model of timeline-service.
#[derive(Debug)]
pub(crate) struct ModelTimeline {
    pub(crate) faults: Faults,
    graph: Arc<ModelGraph>,
    clock: Arc<ManualClock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order in which they were posted.
    tweets: Vec<Tweet>,
    deleted: Vec<u64>,
    keys: Vec<(u32, String, u64)>,
    asked_at_least: Option<String>,
}

impl State {
    fn find(&self, id: u64) -> Option<&Tweet> {
        self.tweets.iter().find(|tweet| tweet.id == id && !self.deleted.contains(&id))
    }

    /// A page of the tweets that pass, newest first.
    fn page(
        &self,
        page: Option<PageRequest>,
        number: u32,
        kind: CursorKind,
        passes: impl Fn(&Tweet) -> bool,
    ) -> Result<TimelineResponse, Error> {
        let PageRequest { limit, cursor } = page.unwrap_or_default();
        let limit = limit as usize;
        let offset = match (cursor.as_str(), number) {
            ("", 0) => 0,
            ("", number) => (number as usize - 1) * limit,
            (cursor, _) => {
                let [offset] = cursor::decode(kind, cursor).map_err(|bad| Error::invalid("cursor", bad.to_string()))?;
                offset as usize
            }
        };
        let all: Vec<_> =
            self.tweets.iter().rev().filter(|tweet| !self.deleted.contains(&tweet.id) && passes(tweet)).collect();
        let entries = all.iter().skip(offset).take(limit).map(|tweet| Entry {
            tweet: Some((*tweet).clone()),
            id: tweet.id,
            ..Entry::default()
        });
        let cursor = |offset: usize| cursor::encode(kind, &[offset as u64]);
        Ok(TimelineResponse {
            entries: entries.collect(),
            next_cursor: if offset + limit < all.len() { cursor(offset + limit) } else { String::new() },
            prev_cursor: if offset > 0 { cursor(offset.saturating_sub(limit)) } else { String::new() },
        })
    }
}

impl ModelTimeline {
    pub(crate) fn new(graph: Arc<ModelGraph>, clock: Arc<ManualClock>) -> Self {
        ModelTimeline { faults: Faults::default(), graph, clock, state: Mutex::default() }
    }

    /// The revision that the last read asked for.
    pub(crate) fn asked_at_least(&self) -> Option<String> {
        self.state().asked_at_least.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with it")
    }

    fn hidden_from(&self, viewer: Option<u32>, author: u32) -> bool {
        viewer.is_some_and(|viewer| self.graph.blocks(author, viewer))
    }
}

/// Words that start with `#`, `https://` or the name of somebody who is mentioned.
fn entities(text: &str, mentions: &[ResolvedMention]) -> Entities {
    let mut entities = Entities::default();
    let mut start = 0;
    for word in text.split(' ') {
        let end = start + word.chars().count() as u32;
        let span = Some(Span { start, end });
        if let Some(tag) = word.strip_prefix('#') {
            entities.hashtags.push(Hashtag { tag: tag.to_owned(), span });
        } else if word.starts_with("https://") {
            entities.urls.push(Url { url: word.to_owned(), span });
        } else if let Some(mention) = mentions.iter().find(|mention| word.strip_prefix('@') == Some(&mention.username))
        {
            entities.mentions.push(Mention { username: mention.username.clone(), user: mention.user, span });
        }
        start = end + 1;
    }
    entities
}

fn answer<T>(result: Result<T, Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| to_status(&error))
}

#[async_trait::async_trait]
impl TimelineService for ModelTimeline {
    async fn create_tweet(
        &self,
        request: Request<CreateTweetRequest>,
    ) -> Result<Response<CreateTweetResponse>, Status> {
        self.faults.meet("create_tweet").await?;
        let request = request.into_inner();
        let mut state = self.state();
        if request.text.chars().count() > 140 {
            return answer(Err(Error::invalid("text", "at most 140 characters")));
        }
        let answered = state.find(request.in_reply_to).map(|tweet| tweet.author);
        if request.in_reply_to != 0 && answered.is_none() {
            return answer(Err(Error::new(Code::NotFound, "there is no such tweet").with_field("in_reply_to")));
        }
        let key = (request.author, request.idempotency_key);
        let known = state.keys.iter().find(|(author, name, _)| !name.is_empty() && (*author, name) == (key.0, &key.1));
        if let Some(tweet) = known.and_then(|(_, _, id)| state.find(*id)) {
            if tweet.text != request.text {
                let reused = Error::new(Code::AlreadyExists, "this key was used for another tweet");
                return answer(Err(reused.with_field("idempotency_key")));
            }
            return answer(Ok(CreateTweetResponse { tweet: Some(tweet.clone()) }));
        }
        let now_ms = self.clock.now_ms();
        let sequence = state.tweets.len() as u16;
        let id = TweetId::from_parts(now_ms - TweetId::EPOCH_MS, sequence, UserId(request.author)).0;
        let tweet = Tweet {
            id,
            author: request.author,
            entities: Some(entities(&request.text, &request.mentions)),
            text: request.text,
            created_at_ms: now_ms,
            in_reply_to: request.in_reply_to,
            in_reply_to_author: answered.unwrap_or_default(),
            ..Tweet::default()
        };
        state.keys.push((key.0, key.1, id));
        state
            .tweets
            .iter_mut()
            .filter(|other| other.id == tweet.in_reply_to)
            .for_each(|other| other.comments_count += 1);
        state.tweets.push(tweet.clone());
        answer(Ok(CreateTweetResponse { tweet: Some(tweet) }))
    }

    async fn delete_tweet(
        &self,
        request: Request<DeleteTweetRequest>,
    ) -> Result<Response<DeleteTweetResponse>, Status> {
        self.faults.meet("delete_tweet").await?;
        let DeleteTweetRequest { id, user } = request.into_inner();
        let mut state = self.state();
        match state.tweets.iter().find(|tweet| tweet.id == id).map(|tweet| tweet.author) {
            None => answer(Err(Error::new(Code::NotFound, "there is no such tweet").with_field("id"))),
            Some(author) if author != user => {
                answer(Err(Error::new(Code::PermissionDenied, "a tweet is deleted by its author alone")))
            }
            Some(_) => {
                let changed = !state.deleted.contains(&id);
                state.deleted.push(id);
                answer(Ok(DeleteTweetResponse { changed }))
            }
        }
    }

    async fn get_tweets(&self, request: Request<GetTweetsRequest>) -> Result<Response<GetTweetsResponse>, Status> {
        self.faults.meet("get_tweets").await?;
        let GetTweetsRequest { ids, viewer, .. } = request.into_inner();
        let state = self.state();
        let seen = |tweet: &&Tweet| !self.hidden_from(viewer, tweet.author);
        let tweets = ids.iter().filter_map(|id| state.find(*id)).filter(seen).cloned().collect();
        answer(Ok(GetTweetsResponse { tweets }))
    }

    async fn user_timeline(&self, request: Request<UserTimelineRequest>) -> Result<Response<TimelineResponse>, Status> {
        self.faults.meet("user_timeline").await?;
        let request = request.into_inner();
        let mut state = self.state();
        state.asked_at_least = request.at_least.map(|revision| revision.token);
        let hidden = self.hidden_from(request.viewer, request.user);
        let passes = |tweet: &Tweet| tweet.author == request.user && !hidden;
        answer(state.page(request.page, request.page_number, CursorKind::Timeline, passes))
    }

    async fn home_timeline(&self, request: Request<HomeTimelineRequest>) -> Result<Response<TimelineResponse>, Status> {
        self.faults.meet("home_timeline").await?;
        let request = request.into_inner();
        let mut state = self.state();
        state.asked_at_least = request.at_least.map(|revision| revision.token);
        let followees = self.graph.followees(request.user);
        let passes = |tweet: &Tweet| tweet.author == request.user || followees.contains(&tweet.author);
        answer(state.page(request.page, request.page_number, CursorKind::Feed, passes))
    }

    async fn author_stats(
        &self,
        request: Request<AuthorStatsRequest>,
    ) -> Result<Response<AuthorStatsResponse>, Status> {
        self.faults.meet("author_stats").await?;
        let state = self.state();
        let live = |user: u32| {
            let own = state.tweets.iter().filter(|tweet| tweet.author == user && !state.deleted.contains(&tweet.id));
            AuthorStats { tweets_count: own.count() as u64 }
        };
        answer(Ok(AuthorStatsResponse { stats: request.into_inner().users.into_iter().map(live).collect() }))
    }

    async fn comments(&self, _: Request<CommentsRequest>) -> Result<Response<TimelineResponse>, Status> {
        Err(Status::unimplemented("to come"))
    }

    async fn engage(&self, _: Request<EngageRequest>) -> Result<Response<EngageResponse>, Status> {
        Err(Status::unimplemented("to come"))
    }

    async fn engaged(&self, _: Request<EngagedRequest>) -> Result<Response<EngagedResponse>, Status> {
        Err(Status::unimplemented("to come"))
    }

    async fn notifications(&self, _: Request<NotificationsRequest>) -> Result<Response<NotificationsResponse>, Status> {
        Err(Status::unimplemented("to come"))
    }

    async fn read_notifications(
        &self,
        _: Request<ReadNotificationsRequest>,
    ) -> Result<Response<ReadNotificationsResponse>, Status> {
        Err(Status::unimplemented("to come"))
    }

    async fn subscribe(&self, _: Request<SubscribeRequest>) -> Result<Response<SubscribeResponse>, Status> {
        Err(Status::unimplemented("to come"))
    }
}
