//! Entries that are durable and not delivered yet: a bounded queue that reads look into.
//!
//! Every read of a materialised feed merges those of the reader's authors in, so that nobody can see that a push is late. An
//! entry leaves the queue when every feed that should have it has it; until then it may be in both, and is shown once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use base::{TweetId, UserId};
use parking_lot::RwLock;
use tokio::sync::Notify;

use super::entry::Entry;

/// Entries that are durable and not delivered yet.
#[derive(Debug)]
pub(crate) struct UnderWay {
    queue: RwLock<Queue>,
    len: AtomicUsize,
    max: usize,
    wake: Notify,
}

#[derive(Debug)]
struct Queue {
    entries: VecDeque<Queued>,
    /// How many of them, from the first on, every reader's view has: those may be delivered.
    published: usize,
    /// The greatest id that was ever offered.
    offered_to: TweetId,
}

/// An entry, in whose stream it is, and since when it waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queued {
    pub author: UserId,
    pub entry: Entry,
    pub since: Instant,
    /// Whether it went meanwhile.
    pub is_gone: bool,
}

impl UnderWay {
    /// Nothing is under way. At most `max` entries wait.
    pub(crate) fn new(max: usize) -> Self {
        let queue = Queue { entries: VecDeque::new(), published: 0, offered_to: TweetId(0) };
        UnderWay { queue: RwLock::new(queue), len: AtomicUsize::new(0), max, wake: Notify::new() }
    }

    /// Takes an entry in. Where there is no room, `skip` is called instead: before anybody can see that it is not there.
    pub(crate) fn offer(&self, author: UserId, entry: Entry, skip: impl FnOnce()) {
        let mut queue = self.queue.write();
        queue.offered_to = queue.offered_to.max(entry.id());
        if queue.entries.len() >= self.max {
            skip();
            return;
        }
        queue.entries.push_back(Queued { author, entry, since: Instant::now(), is_gone: false });
        self.len.store(queue.entries.len(), Ordering::Release);
    }

    /// All that was offered is published: views that are taken from now on have it.
    pub(crate) fn publish(&self) {
        let mut queue = self.queue.write();
        queue.published = queue.entries.len();
        let is_any = queue.published > 0;
        drop(queue);
        if is_any {
            self.wake.notify_one();
        }
    }

    /// The first entries that are published, up to `max`. They stay. What is not published is in no view yet: a feed that is
    /// built after it was delivered would be without it for ever.
    pub(crate) fn first(&self, max: usize) -> Vec<Queued> {
        let queue = self.queue.read();
        queue.entries.iter().take(queue.published.min(max)).copied().collect()
    }

    /// The first `count` entries are delivered, or need not be.
    pub(crate) fn done(&self, count: usize) {
        let mut queue = self.queue.write();
        queue.entries.drain(..count);
        queue.published -= count;
        self.len.store(queue.entries.len(), Ordering::Release);
    }

    /// Waits until there is something to deliver.
    pub(crate) async fn something(&self) {
        while self.queue.read().published == 0 {
            self.wake.notified().await;
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Takes out of sight what went.
    pub(crate) fn bury(&self, is_gone: impl Fn(&Entry) -> bool) {
        for queued in &mut self.queue.write().entries {
            queued.is_gone |= is_gone(&queued.entry);
        }
    }

    /// The entries of some authors, oldest first.
    pub(crate) fn of(&self, is_wanted: impl Fn(UserId) -> bool) -> Vec<Entry> {
        if self.len() == 0 {
            return Vec::new();
        }
        let queue = self.queue.read();
        let wanted = queue.entries.iter().filter(|queued| !queued.is_gone && is_wanted(queued.author));
        wanted.map(|queued| queued.entry).collect()
    }

    /// Everything up to here that was ever offered was delivered or skipped.
    pub(crate) fn delivered_to(&self) -> TweetId {
        let queue = self.queue.read();
        queue.entries.front().map_or(queue.offered_to, |first| TweetId(first.entry.id().0 - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(id: u64) -> Entry {
        Entry::Plain { id: TweetId(id) }
    }

    #[test]
    fn what_waits_is_seen_until_it_is_done_and_the_queue_is_bounded() {
        let under_way = UnderWay::new(2);
        assert_eq!(under_way.delivered_to(), TweetId(0));
        let mut skipped = Vec::new();
        for id in 5..8 {
            under_way.offer(UserId(id as u32 % 2), plain(id), || skipped.push(id));
        }
        assert_eq!((under_way.len(), skipped), (2, vec![7]));
        assert_eq!(under_way.of(|author| author == UserId(0)), [plain(6)]);
        assert_eq!(under_way.delivered_to(), TweetId(4));
        assert!(under_way.first(1).is_empty(), "what no view has is not delivered");
        under_way.publish();
        let first = under_way.first(1);
        assert_eq!(first.iter().map(|queued| queued.entry).collect::<Vec<_>>(), [plain(5)]);
        assert_eq!(under_way.of(|_| true), [plain(5), plain(6)], "what is being delivered is still under way");
        under_way.done(1);
        assert_eq!((under_way.of(|_| true), under_way.delivered_to()), (vec![plain(6)], TweetId(5)));
        under_way.bury(|entry| *entry == plain(6));
        assert_eq!(under_way.of(|_| true), [], "it went while it waited");
        under_way.done(1);
        assert_eq!((under_way.of(|_| true), under_way.delivered_to()), (vec![], TweetId(7)));
    }
}
