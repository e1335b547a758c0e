//! The worker that delivers entries to the feeds of active readers, and keeps the set of these in the graph.
//!
//! It takes entries from the queue in their order, asks the graph for the recipients of each, `followers(author) AND active
//! readers`, many at a time, and appends a batch to all feeds. An author with more recipients than the threshold is not pushed any
//! more, but merged at each read; now and then it is asked again. Where the graph cannot tell, the entries are skipped.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::clock::Clock;
use base::error::chain;
use base::worker::Worker;
use base::{Error, UserId, limits};
use futures::StreamExt;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;
use tokio::sync::watch;

use super::Feeds;
use super::under_way::Queued;
use crate::graph::Graph;

/// Entries that are delivered at once.
const BATCH_MAX: usize = 256;
/// Questions to the graph that are under way at once.
const QUESTIONS_MAX: usize = 16;
/// How long the set of active readers gathers changes.
const GATHER: Duration = Duration::from_millis(10);
/// How long it waits after the graph could not be told.
const RETRY: Duration = Duration::from_secs(1);
/// How often it is looked who has not read for the window, and how much there is of everything.
const LOOK: Duration = Duration::from_secs(5);

/// The thread of the worker.
#[derive(Debug)]
pub(crate) struct Pusher {
    stop: watch::Sender<bool>,
    thread: Worker,
}

impl Pusher {
    /// Starts to deliver.
    pub(crate) fn start(feeds: Arc<Feeds>, graph: Arc<dyn Graph>, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let (stop, mut stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped.changed() => {}
                    () = deliver(&feeds, &*graph) => {}
                    () = keep_active(&feeds, &*graph, &*clock) => {}
                }
            });
        };
        Ok(Pusher { stop, thread: Worker::start("feed-pusher", run)? })
    }

    /// Ends it, whatever it waits for.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
        self.thread.join();
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Delivers without end.
async fn deliver(feeds: &Feeds, graph: &dyn Graph) {
    let mut asked = FxHashMap::default();
    loop {
        feeds.under_way.something().await;
        let batch = feeds.under_way.first(BATCH_MAX);
        // Nobody's feed can be waiting for anything: who becomes active later builds it later.
        if !feeds.active.is_empty() {
            push(feeds, graph, &batch, &mut asked).await;
        }
        feeds.under_way.done(batch.len());
        if let Some(first) = batch.first() {
            feeds.figures.lag(first.since.elapsed());
        }
        tokio::task::yield_now().await;
    }
}

/// Delivers a batch. `asked` has when the graph was last asked about those over the threshold.
async fn push(feeds: &Feeds, graph: &dyn Graph, batch: &[Queued], asked: &mut FxHashMap<u32, Instant>) {
    let mut authors: Vec<UserId> = batch.iter().map(|queued| queued.author).collect();
    authors.sort_unstable();
    authors.dedup();
    let is_due = |author: &UserId| {
        let rest = feeds.settings.ask_again;
        !feeds.unpushed.is_over(*author) || asked.get(&author.0).is_none_or(|when| when.elapsed() >= rest)
    };
    authors.retain(is_due);
    let at_least = feeds.seen.get();
    let question = |author: UserId| async move { (author, graph.recipients(author, at_least).await) };
    let answers: Vec<(UserId, Result<RoaringBitmap, Error>)> =
        futures::stream::iter(authors).map(question).buffer_unordered(QUESTIONS_MAX).collect().await;

    let mut recipients = FxHashMap::default();
    for (author, answer) in answers {
        match answer {
            Ok(mut found) => {
                if feeds.active.is_active(author) {
                    found.insert(author.0);
                }
                if found.len() > feeds.settings.pushed_followers {
                    feeds.unpushed.set_over(author, true);
                    asked.insert(author.0, Instant::now());
                    continue;
                }
                if feeds.unpushed.is_over(author) {
                    // Up to now nobody got anything: whoever has a feed builds it anew.
                    feeds.unpushed.skip(author, feeds.bounds().top(author).newest);
                    feeds.unpushed.set_over(author, false);
                    asked.remove(&author.0);
                }
                recipients.insert(author, found.into_iter().collect::<Vec<u32>>());
            }
            Err(error) => {
                tracing::warn!(%author, error = %chain(&error), "the recipients of an author could not be asked for");
                for queued in batch.iter().filter(|queued| queued.author == author) {
                    feeds.figures.skipped.increment(1);
                    feeds.unpushed.skip(author, queued.entry.id());
                }
            }
        }
    }
    let (entries, to): (Vec<_>, Vec<_>) =
        batch.iter().filter_map(|queued| Some((queued.entry, &recipients.get(&queued.author)?[..]))).unzip();
    feeds.figures.delivered.increment(feeds.materialised.deliver(&entries, &to));
}

/// Keeps the set of active readers without end.
async fn keep_active(feeds: &Feeds, graph: &dyn Graph, clock: &dyn Clock) {
    loop {
        match graph.active_readers().await {
            Ok(readers) => break feeds.active.load(readers, clock.now_ms()),
            Err(error) => tracing::warn!(error = %chain(&error), "the active readers could not be asked for"),
        }
        tokio::time::sleep(RETRY).await;
    }
    loop {
        let waited = tokio::time::timeout(LOOK, feeds.active.somebody()).await;
        if waited.is_ok() {
            tokio::time::sleep(GATHER).await;
        }
        feeds.measure();
        let told = tell(feeds, clock, |add, remove| async move { graph.update_active_readers(&add, &remove).await });
        if !told.await {
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Tells the graph who joins and who leaves; whether it could be told.
async fn tell<F: Future<Output = Result<(), Error>>>(
    feeds: &Feeds,
    clock: &dyn Clock,
    update: impl Fn(Vec<u32>, Vec<u32>) -> F,
) -> bool {
    let change = feeds.active.update(clock.now_ms(), limits::CHANGES_MAX);
    for &user in &change.remove {
        feeds.put_one_aside(UserId(user));
    }
    if change.add.is_empty() && change.remove.is_empty() {
        return true;
    }
    match update(change.add.clone(), change.remove.clone()).await {
        Ok(()) => {
            // A feed that somebody began to build before they left must not come to life again.
            for &user in &change.add {
                feeds.materialised.remove(UserId(user));
            }
            feeds.active.acknowledged(&change);
            true
        }
        Err(error) => {
            tracing::warn!(error = %chain(&error), "the active readers could not be told");
            feeds.active.refused(&change);
            false
        }
    }
}
