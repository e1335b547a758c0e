//! The home feed: whom to ask for which lists, which streams to merge, and what to tell of each entry.

use std::sync::Arc;
use std::time::Instant;

use base::cursor::CursorKind;
use base::{Error, Revision, UserId};
use proto::timeline::{self, Explanation, FeedMode, HomeTimelineRequest, Reason, TimelineResponse};

use super::TimelineService;
use super::timelines::cut;
use super::wire::{self, Shown};
use crate::StoreError;
use crate::core::page::Wanted;
use crate::feeds::{self, Entry, HomeFeed, Lists, Mode, Placed, Route};
use crate::graph::naming;
use crate::metrics;
use crate::tweets::{Tweet, View};

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
        let parts = self.0.clone();
        let read = move || {
            let begun = Instant::now();
            let home = parts.feeds.home(lists, mode, feeds::words_for(wanted), || parts.store.view())?;
            let page = cut(&home, wanted)?;
            let kind = CursorKind::Feed;
            let (next_cursor, prev_cursor) = (page.next_cursor(kind), page.previous_cursor(kind));
            let entries = page.entries.into_iter().map(|(_, placed)| shown(&home, placed, request.explain));
            let entries = entries.collect::<Result<_, StoreError>>()?;
            metrics::page(if home.is_pushed() { "home_pushed" } else { "home_pulled" }, begun.elapsed());
            Ok(TimelineResponse { entries, next_cursor, prev_cursor })
        };
        self.0.reads.run(read).await
    }

    /// A reader with their lists, fetched again only where they have changed.
    async fn lists(&self, user: UserId, at_least: Option<Revision>) -> Result<Arc<Lists>, Error> {
        let graph = &self.0.graph;
        let feeds = &self.0.feeds;
        let versions = graph.versions(user, at_least).await.map_err(naming("user"))?;
        feeds.seen.see(versions.last());
        if let Some(lists) = feeds.known_lists(user, &versions) {
            return Ok(lists);
        }
        let at_least = at_least.max(Some(versions.last()).filter(|last| *last != Revision::ZERO));
        let sources = graph.sources(user, at_least).await.map_err(naming("user"))?;
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

/// An entry as clients see it.
fn shown(home: &HomeFeed<View>, placed: Placed, explain: bool) -> Result<timeline::Entry, StoreError> {
    let (view, user) = (&**home.stored(), home.lists().user);
    let Placed { entry, route, tweet } = placed;
    let mut on_wire = match (tweet, entry) {
        (Some(tweet), _) => wire::entry(view, Some(user), Shown::Entry(*tweet))?,
        (None, Entry::Plain { .. } | Entry::Comment { .. }) => {
            wire::entry(view, Some(user), Shown::Entry(find(home, entry)?))?
        }
        (None, Entry::Retweet { id, retweeter, shown, author, .. }) => {
            wire::retweet(view, Some(user), id, retweeter, view.tweet_of(author, shown)?)?
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

/// A tweet that a feed in memory has.
fn find(home: &HomeFeed<View>, entry: Entry) -> Result<Tweet, StoreError> {
    let view = home.stored();
    let id = entry.id();
    let author = match entry {
        Entry::Comment { author, .. } => Some(author),
        _ => home.lists().author_of(id),
    };
    if let Some(author) = author
        && let Some(tweet) = view.tweet_if_by(author, id)?
    {
        return Ok(tweet);
    }
    // Two whom the reader follows share the slot.
    view.tweet_that_is_there(id)
}
