//! Home feeds in memory: caches of streams, all of which go into one merge.
//!
//! `docs/feeds.md` explains the algorithm, its invariants, and which test holds each of them. In reading order:
//!
//! - [`entry`]: an entry of a stream in 8 bytes, or a few more.
//! - [`gone`]: what was removed since it came into memory.
//! - [`heads`]: the newest entries of each author.
//! - [`pull`]: the streams of authors, from memory and on in the store.
//! - [`ring`], [`materialised`]: the feeds of active readers. [`tier`]: where they go when there is no room.
//! - [`under_way`], [`unpushed`]: what is not delivered yet, and what never will be.
//! - [`active`]: who reads. [`push`]: the worker that delivers.
//! - [`lists`]: a reader with their lists, as long as these do not change.
//! - [`changes`]: whether a page that was read still stands.
//! - [`home`]: a feed that pages are cut from.
//!
//! The tables are told of a durable batch before any reader can see it ([`Memory::changed`]); readers take their view first
//! and look into the tables then. So memory is never behind what they read, and what is ahead of it is told by its id.

mod active;
pub mod bench;
mod changes;
mod entry;
mod gone;
mod heads;
mod home;
mod lists;
mod materialised;
mod pull;
mod push;
mod ring;
mod tier;
mod under_way;
mod unpushed;

use std::sync::Arc;
use std::time::Instant;

use base::{TweetId, UserId};

use self::active::Active;
use self::changes::Changes;
pub(crate) use self::entry::Entry;
use self::gone::Gone;
use self::heads::Heads;
pub(crate) use self::home::{HomeFeed, Placed};
pub(crate) use self::lists::Lists;
use self::lists::{ListsCache, SeenRevision};
use self::materialised::{About, Built, Found, Materialised, Ticket};
pub(crate) use self::pull::Route;
use self::pull::{Source, Stored, is_dead};
pub(crate) use self::push::Pusher;
pub(crate) use self::tier::{Ephemeral, Nowhere, OnDisk};
use self::under_way::UnderWay;
use self::unpushed::Unpushed;
use crate::core::page::{Between, Position, Wanted};
use crate::error::StoreError;
use crate::graph::Versions;
use crate::metrics::FeedFigures;
use crate::settings::FeedSettings;
use crate::tweets::bounds::Bounds;
use crate::tweets::{Effect, Memory};

/// Entries under way that a read looks through; where more wait, merging the streams is cheaper.
const BACKLOG_MAX: usize = 1024;
/// Entries of a feed of an earlier run that are looked up: some pages of it.
const LOOKED_UP_MAX: usize = 100;

/// Which streams a feed is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Whatever is cheapest.
    Auto,
    /// Those of all authors.
    Pull,
    /// A materialised feed.
    Push,
}

/// Words of a feed that are worth copying for a page.
pub(crate) const fn words_for(wanted: Wanted) -> usize {
    match wanted.position {
        // Most entries take one word, and some are hidden.
        Position::First => 32 + wanted.limit * 3,
        _ => usize::MAX,
    }
}

/// Home feeds in memory.
pub(crate) struct Feeds {
    settings: FeedSettings,
    bounds: Arc<Bounds>,
    heads: Heads,
    gone: Gone,
    changes: Changes,
    pub(crate) lists: ListsCache,
    materialised: Materialised,
    tier: Box<dyn Ephemeral>,
    under_way: UnderWay,
    unpushed: Unpushed,
    pub(crate) active: Active,
    pub(crate) seen: SeenRevision,
    figures: FeedFigures,
    /// Tells the feeds that this run put aside, and the batches that it counted, from those of others.
    pub(crate) run: u64,
}

impl std::fmt::Debug for Feeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feeds").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Feeds {
    /// Nothing is in memory. `run` is another number each time.
    pub(crate) fn new(settings: FeedSettings, tier: Box<dyn Ephemeral>, run: u64) -> Self {
        Feeds {
            bounds: Arc::new(Bounds::new()),
            heads: Heads::new(settings.heads_bytes),
            gone: Gone::new(settings.gone_max),
            changes: Changes::new(),
            lists: ListsCache::new(settings.lists_bytes),
            materialised: Materialised::new(settings.feeds_bytes),
            tier,
            under_way: UnderWay::new(settings.push_queue),
            unpushed: Unpushed::default(),
            active: Active::new(settings.active_window.as_millis() as u64),
            seen: SeenRevision::default(),
            figures: FeedFigures::new(),
            settings,
            run,
        }
    }

    /// A feed for a reader, in the newest state: `view` takes it.
    pub(crate) fn home<S: Stored>(
        self: &Arc<Self>,
        lists: Arc<Lists>,
        mode: Mode,
        words: usize,
        view: impl Fn() -> Arc<S>,
    ) -> Result<HomeFeed<S>, StoreError> {
        let stamp = self.gone.stamp();
        let stored = view();
        let gone = self.gone.now();
        let mut home = HomeFeed { feeds: self.clone(), stored, lists, gone, stamp, pushed: None };
        let may_push = match mode {
            Mode::Pull => false,
            Mode::Push => self.active.is_active(home.lists.user),
            Mode::Auto => {
                !self.follows_too_many(&home.lists)
                    && self.under_way.len() <= BACKLOG_MAX
                    && self.active.is_active(home.lists.user)
            }
        };
        if may_push && !self.find(&mut home, words) {
            if home.stored.is_in_memory() {
                return Err(StoreError::NotInMemory);
            }
            let Some(ticket) = self.materialised.reserve(home.lists.user, self.settings.feed_entries) else {
                // Somebody else is building it; the streams are there meanwhile.
                return Ok(home);
            };
            home.stamp = self.gone.stamp();
            home.stored = view();
            home.gone = self.gone.now();
            if let Err(error) = self.build(&ticket, &home) {
                self.materialised.abandon(&ticket);
                return Err(error);
            }
            self.find(&mut home, words);
        }
        Ok(home)
    }

    /// The lists of a reader, if they are known and of these versions.
    pub(crate) fn known_lists(&self, user: UserId, versions: &Versions) -> Option<Arc<Lists>> {
        let lists = self.lists.get(user, versions);
        match &lists {
            Some(_) => self.figures.lists.hit(),
            None => self.figures.lists.miss(),
        }
        lists
    }

    /// Whether a first page that was read from the state of a batch, and from the same lists, still is what a reader would be
    /// shown. `tweets` are those on it, and the one after it.
    ///
    /// What is in a feed depends on the streams of its authors. One of these loses an entry where a tweet is deleted, or a retweet
    /// taken back, whose place others take or which they answer; but what a retweet shows may be by anybody.
    pub(crate) fn stands(&self, lists: &Lists, batch: u64, tweets: impl Iterator<Item = TweetId>) -> bool {
        let begun = Instant::now();
        let stands = !self.changes.any_after(batch, lists.authors(), tweets);
        if stands {
            self.materialised.touch(lists.user);
            self.figures.stood(begun.elapsed());
        }
        stands
    }

    /// Whether a reader follows so many that their streams are merged at each read.
    pub(crate) fn follows_too_many(&self, lists: &Lists) -> bool {
        lists.authors().len() > self.settings.pulled_followees
    }

    /// Gives `home` the reader's materialised feed, if there is one for its lists and its state.
    fn find<S: Stored>(&self, home: &mut HomeFeed<S>, count: usize) -> bool {
        // The order matters: an entry leaves the queue for a feed, or because it is told of as not pushed.
        let lists = &*home.lists;
        let under_way = self.under_way.of(|author| lists.reader.follows(author));
        let over = self.unpushed.over_of(lists);
        let mut words = Vec::new();
        let found =
            self.materialised.copy(lists.user, &lists.versions, &home.gone, home.stored.batch(), count, &mut words);
        let Found::Ready(about) = found else {
            self.figures.feeds.miss();
            return false;
        };
        match self.unpushed.is_missing(lists, about.covered_to, about.checked) {
            Err(unpushed::Missing) => {
                self.figures.feeds.miss();
                self.materialised.remove(lists.user);
                return false;
            }
            Ok(checked) if checked == about.checked => {}
            Ok(checked) => self.materialised.check(lists.user, &lists.versions, checked),
        }
        self.figures.feeds.hit();
        let mut pulled = over.to_vec();
        pulled.extend(about.pulled.iter().filter(|author| !over.contains(author)));
        let from = (about.from != TweetId(u64::MAX)).then_some(about.from);
        home.pushed = Some(home::Pushed { words, from, under_way, pulled });
        true
    }

    /// Builds the feed whose place was reserved before the state of `home` was taken.
    fn build<S: Stored>(&self, ticket: &Ticket, home: &HomeFeed<S>) -> Result<(), StoreError> {
        let HomeFeed { lists, stored, .. } = home;
        let source = home.source();
        let kept = self.put_aside(source, lists)?;
        let kept = kept.as_ref();
        let above = kept.map(|built| built.about.covered_to);
        let mut entries = Vec::new();
        let mut from = TweetId(0);
        for item in source.merge(lists.authors(), Between { above, below: None }) {
            let (id, candidate) = item?;
            if candidate.tweet.is_some() && is_dead(&**stored, &candidate.entry)? {
                continue;
            }
            entries.push(candidate.entry);
            if entries.len() == self.settings.feed_entries {
                from = id;
                break;
            }
        }
        let mut words = Vec::new();
        let mut pulled = Box::default();
        if let Some(kept) = kept.filter(|_| from.0 == 0) {
            words.clone_from(&kept.words);
            from = kept.about.from;
            pulled = kept.about.pulled.clone();
        }
        entries.iter().rev().for_each(|entry| entry.write(&mut words));
        let about = About {
            versions: lists.versions,
            from,
            covered_to: stored.greatest(),
            checked: 0,
            stamp: home.stamp,
            batch: stored.batch(),
            pulled,
        };
        let words_max = words.len().max(self.settings.feed_entries);
        let delivered_to = self.under_way.delivered_to();
        let evicted = |user, built| self.evict(user, built, delivered_to);
        self.materialised.complete(ticket, Built { words, about }, words_max, evicted);
        Ok(())
    }

    /// The feed that was put aside for a reader, if it stands for the same lists.
    fn put_aside<S: Stored>(&self, source: Source<'_, S>, lists: &Lists) -> Result<Option<Built>, StoreError> {
        let Some(bytes) = self.tier.take(lists.user.0) else {
            self.figures.tier.miss();
            return Ok(None);
        };
        let Some((run, mut built)) = tier::decode(lists.user, &bytes) else { return Ok(None) };
        if built.about.versions != lists.versions || built.about.covered_to > source.stored.greatest() {
            self.figures.tier.miss();
            return Ok(None);
        }
        if run != self.run {
            // Nobody knows what went since: the newest are looked up, and the others left.
            let newest: Vec<Entry> = entry::Backwards(&built.words).take(LOOKED_UP_MAX).collect();
            if let Some(last) = newest.get(LOOKED_UP_MAX - 1) {
                built.about.from = built.about.from.max(last.id());
            }
            built.words.clear();
            for entry in newest.iter().rev() {
                if is_there(source.stored, entry)? && !is_dead(source.stored, entry)? {
                    entry.write(&mut built.words);
                }
            }
        } else if !source.gone.covers(built.about.stamp) {
            return Ok(None);
        } else {
            let mut alive: Vec<Entry> = entry::Backwards(&built.words)
                .filter(|entry| !source.gone.hide(entry, source.stored.batch()))
                .collect();
            alive.reverse();
            built.words.clear();
            alive.iter().for_each(|entry| entry.write(&mut built.words));
        }
        self.figures.tier.hit();
        Ok(Some(built))
    }

    /// Puts a feed aside that memory has no room for. `delivered_to` is from before the feed was taken out.
    fn evict(&self, user: UserId, mut built: Built, delivered_to: TweetId) {
        let Some(lists) = self.lists.get(user, &built.about.versions) else { return };
        // As reads do: who falls below the threshold is skipped first.
        let over = self.unpushed.over_of(&lists);
        if self.unpushed.is_missing(&lists, built.about.covered_to, built.about.checked).is_err() {
            return;
        }
        let to = built.about.covered_to.max(delivered_to);
        built.about.covered_to = to;
        let mut entries = entry::Backwards(&built.words);
        while let Some((entry, _)) = Entry::last(entries.0)
            && entry.id() > to
        {
            entries.next();
        }
        let len = entries.0.len();
        built.words.truncate(len);
        // What is not pushed to this feed by now, and was not when it was built, is pulled when it comes back.
        let mut pulled = over.to_vec();
        pulled.extend(built.about.pulled.iter().filter(|author| !over.contains(author)));
        built.about.pulled = pulled.into();
        self.tier.put(user.0, &tier::encode(user, self.run, &built));
    }

    /// Puts a reader's feed aside, if there is one.
    fn put_one_aside(&self, user: UserId) {
        let delivered_to = self.under_way.delivered_to();
        if let Some(built) = self.materialised.remove(user) {
            self.evict(user, built, delivered_to);
        }
    }

    /// Puts all feeds aside.
    pub(crate) fn put_all_aside(&self) {
        let delivered_to = self.under_way.delivered_to();
        self.materialised.drain(|user, built| self.evict(user, built, delivered_to));
    }

    /// Tells the metrics how much there is.
    pub(crate) fn measure(&self) {
        self.figures.measure(&crate::metrics::FeedSizes {
            heads_bytes: self.heads.bytes(),
            feeds_bytes: self.materialised.bytes(),
            feeds: self.materialised.len(),
            lists_bytes: self.lists.bytes(),
            tier_bytes: self.tier.bytes(),
            under_way: self.under_way.len(),
            active: self.active.len(),
            over: self.unpushed.over_count(),
        });
    }

    /// An entry is durable, and no reader sees it yet.
    fn enter(&self, author: UserId, entry: Entry, stamp: u64, batch: u64) {
        self.heads.enter(author, &entry, stamp, batch, &self.bounds);
        self.under_way.offer(author, entry, || {
            self.figures.skipped.increment(1);
            self.unpushed.skip(author, entry.id());
        });
    }

    fn leave(&self, author: UserId, id: TweetId, batch: u64) {
        self.gone.record(id, batch);
        self.heads.leave(author, id, &self.bounds);
    }
}

/// Whether an entry that was there once still is.
fn is_there<S: Stored>(stored: &S, entry: &Entry) -> Result<bool, StoreError> {
    match *entry {
        Entry::Retweet { id, retweeter, shown, .. } => Ok(stored.retweet_of(retweeter, shown)? == Some(id)),
        _ => Ok(!stored.is_deleted(entry.id())?),
    }
}

impl Memory for Arc<Feeds> {
    fn bounds(&self) -> &Arc<Bounds> {
        &self.bounds
    }

    fn changed(&self, effects: &[Effect], batch: u64) {
        let stamp = self.gone.stamp();
        for effect in effects {
            self.changes.note(effect, batch);
            match effect {
                Effect::Entered { tweet, is_first_retweet } => {
                    let entry = Entry::from(tweet);
                    let entry = if *is_first_retweet { entry.first() } else { entry };
                    self.enter(tweet.author, entry, stamp, batch);
                }
                // The others rely on it that what they have was alive when it came.
                Effect::EnteredDead { retweeter, id } => self.heads.enter_dead(*retweeter, *id, &self.bounds),
                Effect::Left { author, id } => self.leave(*author, *id, batch),
                // No feed has anything to do with these.
                Effect::ToDeliver | Effect::Counted(_) => {}
            }
        }
        if self.gone.turn() {
            // What waits for longer than epochs last must not outlive the news that it went.
            let gone = self.gone.now();
            self.under_way.bury(|entry| gone.hide(entry, u64::MAX));
        }
    }

    fn published(&self) {
        self.under_way.publish();
    }
}

impl Feeds {
    fn bounds(&self) -> &Bounds {
        &self.bounds
    }
}
