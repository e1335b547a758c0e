//! The home feed: whom to ask for which lists, which streams to merge, and what to tell of each entry.

use std::sync::Arc;
use std::time::Instant;

use base::cursor::CursorKind;
use base::{Error, Revision, TweetId, UserId};
use proto::timeline::{self, Explanation, FeedMode, HomeTimelineRequest, Reason, TimelineResponse};

use super::TimelineService;
use super::state::State;
use super::timelines::no_page;
use super::wire::{self, Shown};
use crate::StoreError;
use crate::core::page::{self, PageError, Position, Wanted};
use crate::feeds::{self, Entry, Feeds, HomeFeed, Lists, Mode, Placed, Route};
use crate::graph::naming;
use crate::metrics;
use crate::tweets::{Store, View};

/// How often a reader's lists are asked for while they change.
const LISTS_ATTEMPTS: usize = 8;

impl TimelineService {
    pub(super) async fn home(&self, request: HomeTimelineRequest) -> Result<TimelineResponse, Error> {
        let wanted = Wanted::parse(CursorKind::Feed, request.page.as_ref(), request.page_number)?;
        let at_least = proto::convert::revision(request.at_least.as_ref(), "at_least")?;
        let mode = match FeedMode::try_from(request.mode) {
            Ok(FeedMode::Unspecified) => Mode::Auto,
            Ok(FeedMode::Pull) => Mode::Pull,
            Ok(FeedMode::Push) => Mode::Push,
            Err(_) => return Err(Error::invalid("mode", "no such mode")),
        };
        let lists = self.lists(UserId(request.user), at_least).await?;
        self.note_reader(&lists, mode).await;
        // Whoever keeps a page wants to know whether it still stands, and if not, what to ask with the next time.
        let state = request.state.filter(|_| wanted.position == Position::First && !request.explain);
        if let Some(state) = &state
            && self.stands(state, &lists, wanted)
        {
            return Ok(TimelineResponse { unchanged: true, ..TimelineResponse::default() });
        }
        let has_state = state.is_some();
        let parts = self.0.clone();
        let read = move |whence: fn(&Store) -> Arc<View>| {
            let begun = Instant::now();
            let home = parts.feeds.home(lists.clone(), mode, feeds::words_for(wanted), || whence(&parts.store));
            let home = home.map_err(PageError::Read)?;
            let page = page::cut(&home, wanted)?;
            let kind = CursorKind::Feed;
            let (next_cursor, prev_cursor) = (page.next_cursor(kind), page.previous_cursor(kind));
            // A page that ended because enough was looked at says nothing of what comes after it.
            let is_whole = page.next.is_none() || page.beyond.is_some();
            let beyond = page.beyond.as_ref().map(|placed| placed.entry.shown());
            let entries = page.entries.into_iter().map(|(_, placed)| shown(&home, placed, request.explain));
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(PageError::Read)?;
            let state = (has_state && is_whole).then(|| {
                let shown = entries.iter().filter_map(|entry| Some(TweetId(entry.tweet.as_ref()?.id)));
                state_of(&parts.feeds, home.lists(), wanted, home.stored().batch()).encode(shown.chain(beyond))
            });
            metrics::page(if home.is_pushed() { "home_pushed" } else { "home_pulled" }, begun.elapsed());
            let state = state.unwrap_or_default();
            Ok(TimelineResponse { entries, next_cursor, prev_cursor, state, unchanged: false })
        };
        // Most pages are in memory, and to change threads takes longer than to read them.
        match read(Store::view_in_memory) {
            Err(PageError::Read(StoreError::NotInMemory)) => {}
            page => return page.map_err(no_page),
        }
        self.0.reads.run(move || read(Store::view).map_err(no_page)).await
    }

    /// Whether a page of which somebody kept the state still is what its reader would be shown.
    fn stands(&self, state: &[u8], lists: &Lists, wanted: Wanted) -> bool {
        let feeds = &self.0.feeds;
        let Some((state, tweets)) = State::decode(state) else { return false };
        state == state_of(feeds, lists, wanted, state.batch) && feeds.stands(lists, state.batch, tweets)
    }

    /// A reader with their lists, fetched again only where they have changed.
    async fn lists(&self, user: UserId, at_least: Option<Revision>) -> Result<Arc<Lists>, Error> {
        let graph = &self.0.graph;
        let feeds = &self.0.feeds;
        let mut versions = graph.versions(user, at_least).await.map_err(naming("user"))?;
        feeds.seen.see(versions.last());
        if let Some(lists) = feeds.known_lists(user, &versions) {
            return Ok(lists);
        }
        // Lists are never older than the versions that they are known by. If those are the same afterwards, they are just these.
        let mut attempts = LISTS_ATTEMPTS;
        let sources = loop {
            let at_least = at_least.max(Some(versions.last()).filter(|last| *last != Revision::ZERO));
            let sources = graph.sources(user, at_least).await.map_err(naming("user"))?;
            let now = graph.versions(user, at_least).await.map_err(naming("user"))?;
            attempts -= 1;
            if now == versions || attempts == 0 {
                break sources;
            }
            versions = now;
            feeds.seen.see(versions.last());
        };
        let lists = Arc::new(Lists::new(user, versions, sources));
        feeds.lists.put(lists.clone());
        Ok(lists)
    }

    /// Makes a reader active, where that is of use. Only who insists on a materialised feed waits for it.
    async fn note_reader(&self, lists: &Lists, mode: Mode) {
        let feeds = &self.0.feeds;
        if mode == Mode::Pull || mode == Mode::Auto && feeds.follows_too_many(lists) {
            return;
        }
        let is_active = feeds.active.read(lists.user, self.0.clock.now_ms());
        if mode == Mode::Push && !is_active {
            // Whoever could not be made active in time is pulled for, which shows the same.
            drop(tokio::time::timeout(self.0.join_deadline, feeds.active.joined(lists.user)).await);
        }
    }
}

/// What the first page of a feed is made of, in the view of a batch.
fn state_of(feeds: &Feeds, lists: &Lists, wanted: Wanted, batch: u64) -> State {
    State { run: feeds.run, reader: lists.user, limit: wanted.limit, batch, versions: lists.versions }
}

/// An entry as clients see it.
fn shown(home: &HomeFeed<View>, placed: Placed, explain: bool) -> Result<timeline::Entry, StoreError> {
    let (view, user) = (&**home.stored(), home.lists().user);
    let Placed { entry, route, tweet } = placed;
    let mut on_wire = match (tweet, entry) {
        (Some(tweet), _) => wire::entry(view, Some(user), Shown::Entry(*tweet))?,
        (None, Entry::Plain { id }) => wire::tweet(view.seen(home.lists().author_of(id), id, Some(user))?),
        (None, Entry::Comment { id, author, .. }) => wire::tweet(view.seen(Some(author), id, Some(user))?),
        (None, Entry::Retweet { id, retweeter, shown, author, .. }) => {
            wire::retweet(id, retweeter, view.seen(Some(author), shown, Some(user))?)
        }
    };
    if explain {
        let author = on_wire.tweet.as_ref().map(|tweet| UserId(tweet.author));
        let reason = match entry {
            Entry::Retweet { retweeter, .. } if retweeter == user => Reason::OwnRetweet,
            Entry::Retweet { .. } => Reason::RetweeterFollowed,
            _ if author == Some(user) => Reason::Own,
            Entry::Comment { .. } => Reason::ConversationFollowed,
            Entry::Plain { .. } => Reason::AuthorFollowed,
        };
        let route = match route {
            Route::Pulled => timeline::Route::Pulled,
            Route::Pushed => timeline::Route::Pushed,
            Route::UnderWay => timeline::Route::UnderWay,
        };
        on_wire.explanation = Some(Explanation { reason: reason as i32, route: route as i32 });
    }
    Ok(on_wire)
}
