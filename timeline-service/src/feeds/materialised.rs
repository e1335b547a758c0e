//! Materialised feeds: for an active reader the merged stream of the authors that are pushed, newest last, in memory.
//!
//! A feed is exact for the lists of one version, from its `from` up to what is delivered. It comes about so:
//!
//! 1. its place is *reserved*: from now on what is delivered to its reader is kept;
//! 2. a view is taken, and the feed is pulled from it;
//! 3. it is *completed*: what was delivered meanwhile and is newer than the view comes on top.
//!
//! Only entries that are published are delivered. So one that is newer than the view was not delivered when the view was taken,
//! and the place was reserved before that: it cannot be missed.
//!
//! Delivering must be cheap: readers are numbered densely, blocks of neighbours share a part and its lock, a batch of entries is
//! sorted by part first, and within a part an append is a look into a table and a word into a ring, without a lock of its own.
//! Each of these lies somewhere else in a memory that no cache holds: of many appends the memory is asked for all places at
//! once, then for all feeds, then for the ends of all rings, so that they wait together.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use base::{TweetId, UserId};
use parking_lot::Mutex;

use super::entry::{Backwards, Entry};
use super::gone::Epochs;
use super::ring::Ring;
use crate::fetch::fetch;
use crate::graph::Versions;

/// Parts of the feeds, a power of two.
const PARTS: u32 = 256;
/// Neighbours of one part: the table of 64 readers is 4 cache lines.
const NEIGHBOURS: u32 = 64;
/// Deliveries that are sorted by part at once: some hundred for each, so that a reader waits for some microseconds.
const DELIVERIES: usize = 1 << 16;
/// Deliveries that wait for the memory together: more than a core asks for at once, few enough to stay in its nearest cache.
const TOGETHER: usize = 64;
/// Words of a cache line.
const WORDS_A_LINE: usize = 64 / size_of::<u64>();
/// No feed.
const NONE: u32 = u32::MAX;

/// Materialised feeds.
#[derive(Debug)]
pub(crate) struct Materialised {
    parts: Box<[Mutex<Part>]>,
    bytes: AtomicUsize,
    feeds: AtomicUsize,
    bytes_max: usize,
    tickets: AtomicU64,
}

#[derive(Debug, Default)]
struct Part {
    /// By the reader's number within the part, the place of their feed.
    places: Vec<u32>,
    feeds: Vec<Feed>,
    free: Vec<u32>,
    hand: usize,
}

/// Two cache lines, which the memory is asked for together.
#[derive(Debug, Default)]
#[repr(C, align(128))]
struct Feed {
    ring: Ring,
    phase: Phase,
    was_used: bool,
    user: u32,
    about: Box<About>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Free,
    Reserved,
    Ready,
}

/// What a feed stands for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct About {
    /// The versions of the reader's lists.
    pub versions: Versions,
    /// Nothing from here up to what is delivered is missing.
    pub from: TweetId,
    /// The greatest id of the view that it was built from: up to here everything is in it.
    pub covered_to: TweetId,
    /// Of how many skips it is known that nothing of them is missing; of none at first.
    pub checked: u64,
    /// The epoch since which what left is known.
    pub stamp: u64,
    /// The batch of the view.
    pub batch: u64,
    /// Authors some of whose entries were not pushed when this feed was built or kept elsewhere: they are pulled.
    pub pulled: Box<[u32]>,
}

/// A feed that is complete.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Built {
    /// Entries, oldest first.
    pub words: Vec<u64>,
    pub about: About,
}

/// A place that is reserved: by whoever has this, and nobody else.
#[derive(Debug)]
pub(crate) struct Ticket {
    user: UserId,
    number: u64,
}

/// What there is of a reader's feed.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// What it stands for; its words were copied.
    Ready(About),
    /// It stands for other lists, or for an epoch that is over.
    Stale,
    /// It was built from a newer state, and does not tell what went before that.
    Newer,
    /// Somebody is building it.
    Reserved,
    /// There is none.
    None,
}

impl Materialised {
    /// No feed, and never more than so many bytes of them, but for what came in last.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Materialised {
            parts,
            bytes: AtomicUsize::new(0),
            feeds: AtomicUsize::new(0),
            bytes_max,
            tickets: AtomicU64::new(0),
        }
    }

    /// Keeps what is delivered to a reader from now on, in place of a feed that is there. None where somebody else is
    /// building one.
    pub(crate) fn reserve(&self, user: UserId, words_max: usize) -> Option<Ticket> {
        let mut part = self.part(user);
        match part.find(user) {
            Some(feed) if feed.phase == Phase::Reserved => return None,
            Some(_) => self.clear(&mut part, user),
            None => {}
        }
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let feed = Feed {
            ring: Ring::new(&[], words_max),
            phase: Phase::Reserved,
            was_used: true,
            user: user.0,
            about: Box::new(About { covered_to: TweetId(ticket), ..About::default() }),
        };
        self.bytes.fetch_add(feed.bytes(), Ordering::Relaxed);
        self.feeds.fetch_add(1, Ordering::Relaxed);
        part.put(user, feed);
        Some(Ticket { user, number: ticket })
    }

    /// Gives a place up again.
    pub(crate) fn abandon(&self, ticket: &Ticket) {
        let mut part = self.part(ticket.user);
        if part.find(ticket.user).is_some_and(|feed| feed.is_of(ticket)) {
            self.clear(&mut part, ticket.user);
        }
    }

    /// Completes a feed whose place was reserved before the view that it was built from was taken. Those that had to make
    /// room are handed to `evicted`.
    pub(crate) fn complete(
        &self,
        ticket: &Ticket,
        built: Built,
        words_max: usize,
        mut evicted: impl FnMut(UserId, Built),
    ) -> bool {
        let user = ticket.user;
        let mut out = Vec::new();
        {
            let mut part = self.part(user);
            let Some(feed) = part.find(user).filter(|feed| feed.is_of(ticket)) else { return false };
            if feed.ring.has_lost() {
                // More came meanwhile than a feed holds.
                self.clear(&mut part, user);
                return false;
            }
            let before = feed.bytes();
            let mut delivered = Vec::new();
            feed.ring.copy(usize::MAX, &mut delivered);
            let mut ring = Ring::new(&built.words, words_max);
            ring.close_to(built.about.covered_to);
            let mut newer: Vec<Entry> =
                Backwards(&delivered).take_while(|entry| entry.id() > built.about.covered_to).collect();
            newer.reverse();
            for entry in newer {
                let (words, len) = entry.words();
                ring.append(entry.id(), &words[..len]);
            }
            feed.ring = ring;
            *feed.about = built.about;
            feed.phase = Phase::Ready;
            let after = feed.bytes();
            self.bytes.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
            self.shrink(&mut part, user, &mut out);
        }
        // Parts that came first must not be the only ones to pay.
        let mut next = (user.0 / NEIGHBOURS) % PARTS;
        for _ in 0..PARTS {
            if self.bytes() <= self.bytes_max {
                break;
            }
            next = (next + 1) % PARTS;
            self.shrink(&mut self.parts[next as usize].lock(), user, &mut out);
        }
        for (user, built) in out {
            evicted(user, built);
        }
        true
    }

    /// Lets go of a reader's feed, complete or not.
    pub(crate) fn remove(&self, user: UserId) -> Option<Built> {
        let mut part = self.part(user);
        let built = part.find(user).filter(|feed| feed.phase == Phase::Ready).map(|feed| feed.built());
        self.clear(&mut part, user);
        built
    }

    /// Takes all complete feeds out.
    pub(crate) fn drain(&self, mut take: impl FnMut(UserId, Built)) {
        for part in &self.parts {
            let mut part = part.lock();
            let users: Vec<u32> =
                part.feeds.iter().filter(|feed| feed.phase == Phase::Ready).map(|feed| feed.user).collect();
            for user in users {
                if let Some(feed) = part.find(UserId(user)) {
                    let built = feed.built();
                    self.clear(&mut part, UserId(user));
                    take(UserId(user), built);
                }
            }
        }
    }

    /// Copies the newest `count` words of a reader's feed, if it stands for these versions and is not newer than `batch`.
    pub(crate) fn copy(
        &self,
        user: UserId,
        versions: &Versions,
        gone: &Epochs,
        batch: u64,
        count: usize,
        words: &mut Vec<u64>,
    ) -> Found {
        let mut part = self.part(user);
        let Some(feed) = part.find(user) else { return Found::None };
        match feed.phase {
            Phase::Free => return Found::None,
            Phase::Reserved => return Found::Reserved,
            Phase::Ready => {}
        }
        fetch(&*feed.about);
        feed.ring.newest(count).for_each(|words| words.iter().step_by(WORDS_A_LINE).for_each(fetch));
        if feed.about.versions != *versions || !gone.covers(feed.about.stamp) {
            return Found::Stale;
        }
        if feed.about.batch > batch {
            return Found::Newer;
        }
        feed.was_used = true;
        feed.ring.copy(count, words);
        Found::Ready(feed.whole_about(words.len()))
    }

    /// A reader's feed is of use, though nobody had to look at it.
    pub(crate) fn touch(&self, user: UserId) {
        if let Some(feed) = self.part(user).find(user) {
            feed.was_used = true;
        }
    }

    /// Of so many skips nothing is missing for this reader, whose lists are of these versions.
    pub(crate) fn check(&self, user: UserId, versions: &Versions, skips: u64) {
        if let Some(feed) = self.part(user).find(user)
            && feed.phase == Phase::Ready
            && feed.about.versions == *versions
        {
            feed.about.checked = feed.about.checked.max(skips);
        }
    }

    /// Appends entries, in their order, to the feeds of the recipients of each. Answers how many deliveries that were.
    pub(crate) fn deliver(&self, entries: &[Entry], recipients: &[&[u32]]) -> u64 {
        let all: usize = recipients.iter().map(|recipients| recipients.len()).sum();
        // Some parts get more than others.
        let room = all.min(DELIVERIES) / PARTS as usize * 5 / 4;
        let mut parts: Vec<Vec<(u32, u32)>> = (0..PARTS).map(|_| Vec::with_capacity(room)).collect();
        let mut sorted = 0;
        let mut delivered = 0;
        let words: Vec<_> = entries.iter().map(|entry| (entry.id(), entry.words())).collect();
        for (place, recipients) in recipients.iter().enumerate() {
            for &user in *recipients {
                parts[part_of(user) as usize].push((number_of(user), place as u32));
                sorted += 1;
                if sorted == DELIVERIES {
                    delivered += self.append(&mut parts, &words);
                    sorted = 0;
                }
            }
        }
        delivered + self.append(&mut parts, &words)
    }

    fn append(
        &self,
        parts: &mut [Vec<(u32, u32)>],
        entries: &[(TweetId, ([u64; super::entry::WORDS_MAX], usize))],
    ) -> u64 {
        let mut delivered = 0;
        let mut to = [NONE; TOGETHER];
        for (part, deliveries) in self.parts.iter().zip(parts) {
            if deliveries.is_empty() {
                continue;
            }
            let mut part = part.lock();
            let Part { places, feeds, .. } = &mut *part;
            for together in deliveries.chunks(TOGETHER) {
                together.iter().filter_map(|(number, _)| places.get(*number as usize)).for_each(fetch);
                for (to, (number, _)) in to.iter_mut().zip(together) {
                    *to = places.get(*number as usize).copied().unwrap_or(NONE);
                    feeds.get(*to as usize).into_iter().for_each(fetch);
                }
                let entry_of = |entry: u32| &entries[entry as usize];
                let settles = |(place, (_, entry)): (&u32, &(u32, u32))| {
                    feeds.get(*place as usize).filter(|feed| feed.ring.settles(entry_of(*entry).1.1))
                };
                let settling = || to.iter().zip(together).filter_map(settles);
                settling().for_each(|feed| fetch(&feed.phase));
                settling().filter_map(|feed| feed.ring.end()).for_each(fetch);
                for (place, (_, entry)) in to.iter().zip(together) {
                    let Some(feed) = feeds.get_mut(*place as usize) else { continue };
                    let (id, (words, len)) = entry_of(*entry);
                    if let Some(grown) = feed.ring.append(*id, &words[..*len]) {
                        delivered += 1;
                        if grown > 0 {
                            self.bytes.fetch_add(grown, Ordering::Relaxed);
                        }
                    }
                }
            }
            deliveries.clear();
        }
        delivered
    }

    /// Bytes that all feeds take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many feeds there are.
    pub(crate) fn len(&self) -> usize {
        self.feeds.load(Ordering::Relaxed)
    }

    fn part(&self, user: UserId) -> parking_lot::MutexGuard<'_, Part> {
        self.parts[part_of(user.0) as usize].lock()
    }

    fn clear(&self, part: &mut Part, user: UserId) {
        let number = number_of(user.0) as usize;
        let Some(place) = part.places.get_mut(number) else { return };
        let place = std::mem::replace(place, NONE);
        if let Some(feed) = part.feeds.get_mut(place as usize) {
            self.bytes.fetch_sub(feed.bytes(), Ordering::Relaxed);
            self.feeds.fetch_sub(1, Ordering::Relaxed);
            *feed = Feed::default();
            part.free.push(place);
        }
    }

    /// Lets go of complete feeds of this part, until all parts are within their bound or none is left but `kept`.
    fn shrink(&self, part: &mut Part, kept: UserId, out: &mut Vec<(UserId, Built)>) {
        let mut left = part.feeds.len() * 2;
        while self.bytes() > self.bytes_max && left > 0 {
            left -= 1;
            let place = part.hand % part.feeds.len();
            part.hand = place + 1;
            let feed = &mut part.feeds[place];
            if feed.phase != Phase::Ready || feed.user == kept.0 {
                continue;
            }
            if std::mem::take(&mut feed.was_used) {
                continue;
            }
            let user = UserId(feed.user);
            out.push((user, feed.built()));
            self.clear(part, user);
        }
    }
}

impl Part {
    fn find(&mut self, user: UserId) -> Option<&mut Feed> {
        let place = *self.places.get(number_of(user.0) as usize)?;
        self.feeds.get_mut(place as usize)
    }

    fn put(&mut self, user: UserId, feed: Feed) {
        let place = match self.free.pop() {
            Some(place) => {
                self.feeds[place as usize] = feed;
                place
            }
            None => {
                self.feeds.push(feed);
                self.feeds.len() as u32 - 1
            }
        };
        let number = number_of(user.0) as usize;
        if self.places.len() <= number {
            self.places.resize(number + 1, NONE);
        }
        self.places[number] = place;
    }
}

impl Feed {
    /// While a place is reserved its ticket stands where later is what the feed covers.
    fn is_of(&self, ticket: &Ticket) -> bool {
        self.phase == Phase::Reserved && self.about.covered_to.0 == ticket.number
    }

    fn built(&self) -> Built {
        let mut words = Vec::new();
        self.ring.copy(usize::MAX, &mut words);
        Built { about: self.whole_about(words.len()), words }
    }

    /// What the newest `count` words of the ring stand for; whoever reads only some of them stops at their end.
    fn whole_about(&self, count: usize) -> About {
        let mut about = (*self.about).clone();
        if count < self.ring.len() {
            // The end of the words is for the reader to find.
            about.from = TweetId(u64::MAX);
        } else if self.ring.has_lost() {
            about.from = self.ring.oldest();
        }
        about
    }

    fn bytes(&self) -> usize {
        size_of::<Feed>() + size_of::<About>() + size_of::<u32>() + self.ring.bytes()
    }
}

const fn part_of(user: u32) -> u32 {
    (user / NEIGHBOURS) % PARTS
}

const fn number_of(user: u32) -> u32 {
    user / (NEIGHBOURS * PARTS) * NEIGHBOURS + user % NEIGHBOURS
}

#[cfg(test)]
#[path = "materialised_tests.rs"]
mod tests;
