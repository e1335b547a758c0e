//! A model of timeline-service: lists of tweets, of who liked them, and of who was told.
//!
//! - `state`: what was said and liked.
//! - `inbox`: what everybody was notified of.

mod inbox;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use base::clock::{Clock, ManualClock};
use base::cursor::CursorKind;
use base::{Code, Error};
use proto::status::to_status;
use proto::timeline::timeline_service_server::TimelineService;
use proto::timeline::*;
use tonic::{Request, Response, Status};

use self::inbox::Inbox;
use self::state::{Engaged, Spot, State, cut};
use super::fault::Faults;
use super::graph::ModelGraph;

/// A model of timeline-service.
#[derive(Debug)]
pub(crate) struct ModelTimeline {
    pub(crate) faults: Faults,
    graph: Arc<ModelGraph>,
    clock: Arc<ManualClock>,
    state: Mutex<State>,
    inbox: Mutex<Inbox>,
}

impl ModelTimeline {
    pub(crate) fn new(graph: Arc<ModelGraph>, clock: Arc<ManualClock>) -> Self {
        ModelTimeline { faults: Faults::default(), graph, clock, state: Mutex::default(), inbox: Mutex::default() }
    }

    /// How many pages were told to be what they were since this was asked last.
    pub(crate) fn take_unchanged(&self) -> usize {
        std::mem::take(&mut self.state().unchanged)
    }

    /// The revision that the last read asked for.
    pub(crate) fn asked_at_least(&self) -> Option<String> {
        self.state().asked_at_least.clone()
    }

    /// Tells a user of something without a request: of a follow, as the graph does, or of what somebody without an account
    /// did. The tweet is 0 for none.
    pub(crate) fn notify(&self, kind: NotificationKind, user: u32, actor: u32, tweet: u64) {
        let now_ms = self.clock.now_ms();
        let id = self.state().next_id(now_ms, actor);
        self.inbox().note(kind, user, actor, tweet, id, now_ms);
    }

    /// Favorites or retweets without a request, as somebody without an account may have.
    pub(crate) fn engaged_by(&self, engagement: Engagement, user: u32, tweet: u64) {
        let mut state = self.state();
        let id = state.next_id(self.clock.now_ms(), user);
        state.engaged.push(Engaged { engagement, id, user, tweet });
    }

    /// Posts without a request, as somebody without an account may have.
    pub(crate) fn tweet_by(&self, author: u32, text: &str) -> u64 {
        let mut state = self.state();
        let (text, created_at_ms) = (text.to_owned(), self.clock.now_ms());
        let id = state.next_id(created_at_ms, author);
        state.tweets.push(Tweet { id, author, text, created_at_ms, ..Tweet::default() });
        id
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with it")
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().expect("no test panics with it")
    }

    fn hidden_from(&self, viewer: Option<u32>, author: u32) -> bool {
        viewer.is_some_and(|viewer| self.graph.blocks(author, viewer))
    }

    /// A page of those places whose tweets are not of people who block the viewer.
    fn timeline(
        &self,
        state: &State,
        spots: Vec<Spot>,
        viewer: Option<u32>,
        cut: impl FnOnce(&[Spot]) -> Result<(Vec<Spot>, String, String), Error>,
    ) -> Result<TimelineResponse, Error> {
        let seen = |spot: &Spot| state.find(spot.tweet).is_some_and(|tweet| !self.hidden_from(viewer, tweet.author));
        let spots: Vec<Spot> = spots.into_iter().filter(seen).collect();
        let (spots, next_cursor, prev_cursor) = cut(&spots)?;
        let entries = state.entries(spots, viewer);
        Ok(TimelineResponse { entries, next_cursor, prev_cursor, ..TimelineResponse::default() })
    }
}

/// The one way in which the model says that a tweet is not there.
fn no_such_tweet(field: &str) -> Error {
    Error::new(Code::NotFound, "there is no such tweet").with_field(field)
}

fn blocked() -> Error {
    Error::new(Code::PermissionDenied, "a block stands between you and the author")
}

/// Why an entry is in the feed of `reader`, by what is simplest; and how it came, by the mode, so that every route is met.
fn explain(entry: &Entry, reader: u32, mode: FeedMode) -> Explanation {
    let tweet = entry.tweet.as_ref().expect("an entry has a tweet");
    let reason = match entry.retweeter {
        Some(retweeter) if retweeter == reader => Reason::OwnRetweet,
        Some(_) => Reason::RetweeterFollowed,
        None if tweet.author == reader => Reason::Own,
        None if tweet.in_reply_to != 0 => Reason::ConversationFollowed,
        None => Reason::AuthorFollowed,
    };
    let route = match mode {
        FeedMode::Pull => Route::Pulled,
        FeedMode::Push => Route::Pushed,
        FeedMode::Unspecified => Route::UnderWay,
    };
    Explanation { reason: reason as i32, route: route as i32 }
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
        let mut request = request.into_inner();
        let mut state = self.state();
        if request.text.chars().count() > 140 {
            return answer(Err(Error::invalid("text", "at most 140 characters")));
        }
        if request.place.as_ref().is_some_and(|place| place.latitude.is_some() && place.longitude.is_none()) {
            return answer(Err(Error::invalid("place.longitude", "must be given where the latitude is")));
        }
        let answered = state.find(request.in_reply_to).map(|tweet| tweet.author);
        if request.in_reply_to != 0 && answered.is_none() {
            return answer(Err(no_such_tweet("in_reply_to")));
        }
        if answered.is_some_and(|answered| self.graph.either_blocks(answered, request.author)) {
            return answer(Err(blocked()));
        }
        let key = (request.author, request.idempotency_key);
        let known = state.keys.iter().find(|(author, name, _)| !name.is_empty() && (*author, name) == (key.0, &key.1));
        if let Some(tweet) = known.and_then(|(_, _, id)| state.find(*id)) {
            if (&tweet.text, tweet.in_reply_to) != (&request.text, request.in_reply_to) {
                let reused = Error::new(Code::AlreadyExists, "this key was used for another tweet");
                return answer(Err(reused.with_field("idempotency_key")));
            }
            return answer(Ok(CreateTweetResponse { tweet: Some(tweet.clone()) }));
        }
        request.mentions.retain(|mention| !self.graph.blocks(mention.user, request.author));
        let now_ms = self.clock.now_ms();
        let id = state.next_id(now_ms, request.author);
        let tweet = Tweet {
            id,
            author: request.author,
            entities: Some(entities(&request.text, &request.mentions)),
            text: request.text,
            created_at_ms: now_ms,
            in_reply_to: request.in_reply_to,
            in_reply_to_author: answered.unwrap_or_default(),
            place: request.place,
            ..Tweet::default()
        };
        let mut inbox = self.inbox();
        let mut note = |kind, user| inbox.note(kind, user, tweet.author, id, id, now_ms);
        request.mentions.iter().for_each(|mention| note(NotificationKind::Mention, mention.user));
        answered.into_iter().for_each(|answered| note(NotificationKind::Comment, answered));
        let subscribers = inbox.subscriptions.clone().into_iter().filter(|(_, author)| *author == tweet.author);
        for (user, _) in subscribers {
            inbox.note(NotificationKind::Tweet, user, tweet.author, id, id, now_ms);
        }
        state.keys.push((key.0, key.1, id));
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
            None => answer(Err(no_such_tweet("id"))),
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
        let found = ids.iter().filter_map(|id| state.find(*id)).filter(seen);
        let tweets = found.map(|tweet| state.shown(tweet, viewer)).collect();
        answer(Ok(GetTweetsResponse { tweets }))
    }

    async fn user_timeline(&self, request: Request<UserTimelineRequest>) -> Result<Response<TimelineResponse>, Status> {
        self.faults.meet("user_timeline").await?;
        let request = request.into_inner();
        let mut state = self.state();
        let selection = request.selection();
        state.asked_at_least = request.at_least.map(|revision| revision.token);
        let spots = match self.hidden_from(request.viewer, request.user) {
            true => Vec::new(),
            false => state.selected(request.user, selection),
        };
        let kind = if selection == Selection::Favorites { CursorKind::Favorites } else { CursorKind::Timeline };
        let page = |spots: &[Spot]| cut(spots, request.page, request.page_number, kind);
        answer(self.timeline(&state, spots, request.viewer, page))
    }

    async fn home_timeline(&self, request: Request<HomeTimelineRequest>) -> Result<Response<TimelineResponse>, Status> {
        self.faults.meet("home_timeline").await?;
        let request = request.into_inner();
        let mut state = self.state();
        let mode = request.mode();
        state.asked_at_least = request.at_least.map(|revision| revision.token);
        let spots = state.feed(request.user, &self.graph.followees(request.user));
        let page = |spots: &[Spot]| cut(spots, request.page, request.page_number, CursorKind::Feed);
        let mut feed = self.timeline(&state, spots, Some(request.user), page);
        if let Ok(feed) = &mut feed
            && request.explain
        {
            feed.entries.iter_mut().for_each(|entry| entry.explanation = Some(explain(entry, request.user, mode)));
        }
        if let Ok(feed) = &mut feed
            && let Some(known) = request.state
        {
            // What a page says is what it was made of.
            feed.state = format!("{} {feed:?}", request.user).into();
            if feed.state == known {
                state.unchanged += 1;
                *feed = TimelineResponse { unchanged: true, ..TimelineResponse::default() };
            }
        }
        answer(feed)
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

    async fn comments(&self, request: Request<CommentsRequest>) -> Result<Response<TimelineResponse>, Status> {
        self.faults.meet("comments").await?;
        let request = request.into_inner();
        let mut state = self.state();
        state.asked_at_least = request.at_least.map(|revision| revision.token);
        let answered = state.tweets.iter().find(|tweet| tweet.id == request.id);
        if answered.is_none_or(|tweet| self.hidden_from(request.viewer, tweet.author)) {
            return answer(Err(no_such_tweet("id")));
        }
        let page = |spots: &[Spot]| cut(spots, request.page, request.page_number, CursorKind::Comments);
        answer(self.timeline(&state, state.comments_on(request.id), request.viewer, page))
    }

    async fn engage(&self, request: Request<EngageRequest>) -> Result<Response<EngageResponse>, Status> {
        self.faults.meet("engage").await?;
        let request = request.into_inner();
        let (engagement, user, engaged) = (request.engagement(), request.user, request.engaged);
        let mut state = self.state();
        let Some(tweet) = state.find(request.id).cloned() else { return answer(Err(no_such_tweet("id"))) };
        if engaged && self.graph.either_blocks(tweet.author, user) {
            return answer(Err(blocked()));
        }
        let before = state.engaged_in(engagement, tweet.id).iter().any(|engaged| engaged.user == user);
        let changed = before != engaged;
        if changed && engaged {
            let now_ms = self.clock.now_ms();
            let id = state.next_id(now_ms, user);
            state.engaged.push(Engaged { engagement, id, user, tweet: tweet.id });
            let kind = match engagement {
                Engagement::Retweet => NotificationKind::Retweet,
                _ => NotificationKind::Favorite,
            };
            self.inbox().note(kind, tweet.author, user, tweet.id, id, now_ms);
        } else if changed {
            let taken_back =
                |other: &Engaged| (other.engagement, other.user, other.tweet) == (engagement, user, tweet.id);
            state.engaged.retain(|other| !taken_back(other));
        }
        answer(Ok(EngageResponse { changed, tweet: Some(state.shown(&tweet, Some(user))) }))
    }

    async fn engaged(&self, request: Request<EngagedRequest>) -> Result<Response<EngagedResponse>, Status> {
        self.faults.meet("engaged").await?;
        let request = request.into_inner();
        let engagement = request.engagement();
        let mut state = self.state();
        state.asked_at_least = request.at_least.map(|revision| revision.token);
        if state.find(request.id).is_none_or(|tweet| self.hidden_from(request.viewer, tweet.author)) {
            return answer(Err(no_such_tweet("id")));
        }
        let all = state.engaged_in(engagement, request.id);
        answer(cut(&all, request.page, 0, CursorKind::Engaged).map(|(page, next_cursor, prev_cursor)| {
            EngagedResponse { users: page.iter().map(|engaged| engaged.user).collect(), next_cursor, prev_cursor }
        }))
    }

    async fn notifications(
        &self,
        request: Request<NotificationsRequest>,
    ) -> Result<Response<NotificationsResponse>, Status> {
        self.faults.meet("notifications").await?;
        let NotificationsRequest { user, page, at_least } = request.into_inner();
        let mut state = self.state();
        state.asked_at_least = at_least.map(|revision| revision.token);
        let inbox = self.inbox();
        let shown = |(notification, tweet): (Notification, u64)| {
            let tweet = (tweet != 0).then(|| state.find(tweet));
            // One whose tweet is gone is gone as well.
            let tweet = tweet.map(|tweet| tweet.map(|tweet| state.shown(tweet, Some(user))).ok_or(()));
            Some(Notification { tweet: tweet.transpose().ok()?, ..notification })
        };
        let all: Vec<Notification> = inbox.of(user).into_iter().filter_map(shown).collect();
        let unread_count = inbox.unread(user);
        answer(cut(&all, page, 0, CursorKind::Notifications).map(|(notifications, next_cursor, prev_cursor)| {
            NotificationsResponse { notifications, next_cursor, prev_cursor, unread_count }
        }))
    }

    async fn read_notifications(
        &self,
        request: Request<ReadNotificationsRequest>,
    ) -> Result<Response<ReadNotificationsResponse>, Status> {
        self.faults.meet("read_notifications").await?;
        let ReadNotificationsRequest { user, id } = request.into_inner();
        let mut inbox = self.inbox();
        let missing = || Error::new(Code::NotFound, "there is no such notification").with_field("id");
        let changed = inbox.read(user, id).ok_or_else(missing);
        answer(changed.map(|changed| ReadNotificationsResponse { changed, unread_count: inbox.unread(user) }))
    }

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<SubscribeResponse>, Status> {
        self.faults.meet("subscribe").await?;
        let SubscribeRequest { user, author, subscribed } = request.into_inner();
        if subscribed && self.graph.either_blocks(user, author) {
            return answer(Err(blocked()));
        }
        let mut inbox = self.inbox();
        let changed = inbox.subscriptions.contains(&(user, author)) != subscribed;
        inbox.subscriptions.retain(|pair| *pair != (user, author));
        if subscribed {
            inbox.subscriptions.push((user, author));
        }
        answer(Ok(SubscribeResponse { changed }))
    }
}
