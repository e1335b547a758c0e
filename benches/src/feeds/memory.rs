//! Reads and deliveries over feeds in memory, on one core.
//!
//! Everybody has a history, all active readers have a feed. Reads are timed one by one, many readers in random order. What
//! the clock costs is in them, and told apart. Deliveries are counted by the processor time of their thread, so that others
//! who want the core do not count. In the end it is looked whether reads still show the same.

use std::error::Error;
use std::fmt;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use base::{TweetId, UserId};
use graph_store::adjacency::{CorruptList, List};
use graph_store::generate::GraphSpec;
use graph_store::query::ProbedSet;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use roaring::RoaringBitmap;
use rustix::time::{ClockId, clock_gettime};
use timeline_service::FeedSettings;
use timeline_service::bench::{MemoryEntry, MemoryFeeds, MemoryReader};

use super::activity::{Activity, Ids};
use super::hidden::Hidden;
use super::kinds::Kinds;
use super::report::{Inputs, Memory, Spread};
use super::sample::Sample;
use super::{Wanted, on_one_core};
use crate::progress::Progress;
use crate::times::Times;

/// Entries of a page.
pub const LIMIT: usize = 20;
/// Entries that are delivered at once, as many as the service takes.
const BATCH: usize = 256;
/// Reads of each kind that are timed, at least.
const READS: usize = 200_000;

/// A graph in which nobody is as those whose reads are timed.
#[derive(Clone, Copy, Debug)]
pub struct NobodyToTime;

impl fmt::Display for NobodyToTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no active reader follows 190 to 250 people: more --users, or other --mean-followees")
    }
}

impl Error for NobodyToTime {}

/// Measures with a graph.
pub(super) fn measure(wanted: &Wanted, spec: &GraphSpec) -> anyhow::Result<Memory> {
    let mut activity = Activity::new(spec.users(), wanted.seed);
    // The celebrity's, too: they are on pages though nobody is sent them.
    let authors: Vec<UserId> = (0..wanted.tweets).map(|_| activity.author()).collect();
    let distinct: RoaringBitmap = authors.iter().map(|author| author.0).collect();
    let sample = Sample::draw(spec, wanted.active(), &distinct)?;
    // Memory is bounded by who asked for so many.
    let settings = FeedSettings { heads_bytes: usize::MAX / 2, feeds_bytes: usize::MAX / 2, ..FeedSettings::default() };
    let over: RoaringBitmap = sample.over(settings.pushed_followers).collect();
    let feeds = MemoryFeeds::new(settings);
    let hidden = Hidden::draw(&sample, wanted.seed);
    let mut kinds = Kinds::new(&sample, wanted.seed);

    let mut ids = Ids::default();
    let progress = Progress::new("tweets", u64::from(spec.users()) * 11);
    let mut entries = 0;
    for (author, id) in activity.history(&mut ids) {
        kinds.enter(&feeds, author, id);
        entries += 1;
        progress.set(entries, String::new);
    }
    drop(progress);
    let timed = sample.readers(wanted.readers, wanted.seed);
    ensure!(!timed.is_empty(), NobodyToTime);
    let readers = materialise(&feeds, &sample, &hidden, &timed);
    let inputs = Inputs {
        users: spec.users(),
        mean_followees: spec.mean_followees(),
        seed: spec.seed(),
        follows: sample.follows,
        entries,
        feeds: feeds.feeds().1,
        readers: readers.len(),
        mean_followees_of_readers: mean(&sample, &timed),
        limit: LIMIT,
        authors_not_pushed: over.len(),
        mean_authors_not_pushed_of_readers: mean_over(&sample, &timed, &over),
    };
    eprintln!("{} feeds", inputs.feeds);
    on_one_core(|| {
        same(&feeds, &readers)?;
        let pull = reads(&readers, wanted.seed, |reader| feeds.pull(reader, LIMIT));
        let materialised = reads(&readers, wanted.seed, |reader| feeds.materialised(reader, LIMIT));
        over.iter().for_each(|author| feeds.stop_pushing(UserId(author)));
        let deliveries = deliver(&feeds, &sample, &over, &authors, Source { ids, kinds, hidden: &hidden })?;
        same(&feeds, &readers)?;
        let hybrid = reads(&readers, wanted.seed, |reader| feeds.materialised(reader, LIMIT));
        let (heads_bytes, heads) = feeds.heads();
        let (feeds_bytes, materialised_feeds) = feeds.feeds();
        Ok(Memory {
            inputs,
            clock_ns: clock_ns(),
            pull_200_followees_us: Spread::us(&pull),
            materialised_read_us: Spread::us(&materialised),
            hybrid_read_us: Spread::us(&hybrid),
            fanout_deliveries_per_second_per_core: deliveries.whole.per_second(),
            fanout_deliveries_per_second_per_core_without_intersection: deliveries.appends.per_second(),
            deliveries: deliveries.whole.count + deliveries.appends.count,
            mean_recipients: deliveries.recipients as f64 / deliveries.tweets.max(1) as f64,
            bytes_per_materialised_feed: feeds_bytes as f64 / materialised_feeds.max(1) as f64,
            bytes_per_head: heads_bytes as f64 / heads.max(1) as f64,
        })
    })
}

/// Makes the feeds of all active readers, on all cores; answers the readers who are timed.
fn materialise(feeds: &MemoryFeeds, sample: &Sample, hidden: &Hidden, timed: &RoaringBitmap) -> Vec<MemoryReader> {
    let lists: Vec<_> = sample.lists().collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let progress = Progress::new("feeds", lists.len() as u64);
    let make = |lists: &[(u32, &[u32])], tell: Option<&Progress>| {
        let mut readers = Vec::new();
        for (place, (user, followees)) in lists.iter().enumerate() {
            let reader = feeds.reader(UserId(*user), followees.iter().copied().collect(), hidden.from(*user));
            feeds.materialise(&reader);
            if timed.contains(*user) {
                readers.push(reader);
            }
            if let Some(progress) = tell {
                progress.set((place * threads) as u64, String::new);
            }
        }
        readers
    };
    thread::scope(|scope| {
        let mut parts = lists.chunks(lists.len().div_ceil(threads).max(1));
        let mine = parts.next().unwrap_or_default();
        let others: Vec<_> = parts.map(|part| scope.spawn(|| make(part, None))).collect();
        let mut readers = make(mine, Some(&progress));
        for other in others {
            readers.extend(other.join().unwrap_or_default());
        }
        readers
    })
}

/// Every reader's page is the same, whichever way it comes.
fn same(feeds: &MemoryFeeds, readers: &[MemoryReader]) -> anyhow::Result<()> {
    for reader in readers {
        let pulled = feeds.pull(reader, LIMIT);
        ensure!(pulled.len() == LIMIT, "a page has {} entries", pulled.len());
        ensure!(pulled == feeds.materialised(reader, LIMIT), "a pull and a materialised feed differ");
    }
    Ok(())
}

/// Times reads of all readers, in another random order each round, after a round that does not count.
fn reads(readers: &[MemoryReader], seed: u64, read: impl Fn(&MemoryReader) -> Vec<TweetId>) -> Times {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<&MemoryReader> = readers.iter().collect();
    let mut times = Times::default();
    for round in 0..=READS.div_ceil(readers.len()) {
        order.shuffle(&mut random);
        for reader in &order {
            let begin = Instant::now();
            let page = read(reader);
            let took = begin.elapsed();
            black_box(page);
            if round > 0 {
                times.record(took);
            }
        }
    }
    times
}

/// What looking at the clock adds to a time.
fn clock_ns() -> f64 {
    const LOOKS: u32 = 1 << 16;
    let sum: Duration = (0..LOOKS).map(|_| Instant::now().elapsed()).sum();
    sum.as_nanos() as f64 / f64::from(LOOKS)
}

/// Deliveries and the processor time that they took.
#[derive(Clone, Copy, Debug, Default)]
struct Delivered {
    count: u64,
    took: Duration,
}

impl Delivered {
    fn per_second(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Deliveries {
    /// From the compressed lists of followers on.
    whole: Delivered,
    /// Of recipients that are known.
    appends: Delivered,
    tweets: u64,
    recipients: u64,
}

/// What is posted next.
struct Source<'a> {
    ids: Ids,
    kinds: Kinds<'a>,
    hidden: &'a Hidden,
}

/// Of whom the recipients of an entry are made.
struct Recipients<'a> {
    author: UserId,
    /// As the list lies in a segment.
    followers: &'a [u8],
    muting: &'a [u32],
}

/// Posts, and delivers what is pushed. Of every other batch the recipients are found before the clock starts.
fn deliver(
    feeds: &MemoryFeeds,
    sample: &Sample,
    over: &RoaringBitmap,
    authors: &[UserId],
    Source { mut ids, mut kinds, hidden }: Source<'_>,
) -> anyhow::Result<Deliveries> {
    let active = ProbedSet::from(sample.active.clone());
    let progress = Progress::new("deliveries", authors.len() as u64);
    let mut deliveries = Deliveries::default();
    for (number, batch) in authors.chunks(BATCH).enumerate() {
        let entries = batch.iter().map(|author| (*author, kinds.enter(feeds, *author, ids.now(*author))));
        let (to_push, pushed): (Vec<UserId>, Vec<MemoryEntry>) =
            entries.filter(|(author, _)| !over.contains(author.0)).unzip();
        let lists = |author: &UserId| Recipients {
            author: *author,
            followers: sample.followers.get(&author.0).map_or(&[], Vec::as_slice),
            muting: hidden.muting(author.0),
        };
        let lists: Vec<_> = to_push.iter().map(lists).collect();
        let (count, took, to) = if number % 2 == 0 {
            let begin = thread_time();
            let to = recipients(&lists, &active)?;
            let count = feeds.deliver(&pushed, &to.iter().map(Vec::as_slice).collect::<Vec<_>>());
            (count, thread_time() - begin, to)
        } else {
            let to = recipients(&lists, &active)?;
            let begin = thread_time();
            let count = feeds.deliver(&pushed, &to.iter().map(Vec::as_slice).collect::<Vec<_>>());
            (count, thread_time() - begin, to)
        };
        let kind = if number % 2 == 0 { &mut deliveries.whole } else { &mut deliveries.appends };
        kind.count += count;
        kind.took += took;
        deliveries.tweets += pushed.len() as u64;
        deliveries.recipients += to.iter().map(Vec::len).sum::<usize>() as u64;
        progress.set((number * BATCH) as u64, String::new);
    }
    ensure!(deliveries.whole.count > 0 && deliveries.appends.count > 0, "nothing was delivered: more --tweets");
    Ok(deliveries)
}

/// Who gets each entry: the active followers of its author but those who mute them, found as the graph store finds them, and the author.
fn recipients(lists: &[Recipients<'_>], active: &ProbedSet) -> Result<Vec<Vec<u32>>, CorruptList> {
    let of = |Recipients { author, followers, muting }: &Recipients<'_>| {
        let mut found = Vec::new();
        List::fetch(followers);
        List::parse(followers, 0)?.decode_into(&mut found);
        active.keep(&mut found);
        if !muting.is_empty() {
            found.retain(|user| muting.binary_search(user).is_err());
        }
        if active.bitmap().contains(author.0) {
            found.push(author.0);
        }
        Ok(found)
    };
    lists.iter().map(of).collect()
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How many people the readers follow on average.
fn mean(sample: &Sample, readers: &RoaringBitmap) -> f64 {
    let lists = sample.lists().filter(|(user, _)| readers.contains(*user));
    lists.map(|(_, followees)| followees.len()).sum::<usize>() as f64 / readers.len().max(1) as f64
}

/// How many of these are over the threshold.
fn mean_over(sample: &Sample, readers: &RoaringBitmap, over: &RoaringBitmap) -> f64 {
    let lists = sample.lists().filter(|(user, _)| readers.contains(*user));
    let count = |followees: &[u32]| followees.iter().filter(|followee| over.contains(**followee)).count();
    lists.map(|(_, followees)| count(followees)).sum::<usize>() as f64 / readers.len().max(1) as f64
}
