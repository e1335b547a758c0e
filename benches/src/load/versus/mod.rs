//! The newest page of home feeds, 20 full tweets each, from Roost, PostgreSQL and Redis: the same people, tweets and feeds,
//! one core for each server and the other for the one client, which keeps a request under way on each of 16 connections.
//!
//! - [`feeds`]: who follows whom, what was said, and what each feed must be.
//! - [`roost`], [`postgres`], [`redis`]: the systems.
//! - [`deliveries`]: how many of them Roost delivers, in this process.
//! - [`fixed`]: an answer of the same size that is always the same, from the server that Roost has.
//! - [`report`]: the figures side by side.
//!
//! The systems are there all at once and asked in turn, several times over, of which the middle counts. Nothing is timed
//! before each of them has given every reader the right feed.

pub mod deliveries;
pub mod feeds;
pub mod fixed;
pub mod postgres;
pub mod redis;
pub mod report;
pub mod roost;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use self::feeds::{Feed, Feeds};
use self::fixed::Fixed;
use self::postgres::{Form, Postgres};
use self::redis::Redis;
use self::report::{Delivered, Report, Served};
use self::roost::{Asked, Pages, RoostFeeds};
use super::stage::Stage;
use crate::cores;
use crate::progress::Progress;
use crate::servers::process::ServerProcess;
use crate::servers::roost::Roost;
use crate::wire::load::throughput;
use crate::wire::{Connection, Wire};

/// Tweets of a page.
pub const PAGE: usize = 20;
/// Connections of the client.
const CONNECTIONS: usize = 16;
/// Each system is measured that often, in turn, and the middle one counts.
const ROUNDS: usize = 3;

/// A tweet in an answer: its id and its text.
pub type Shown = (u64, String);

/// A server that has the feeds.
#[expect(async_fn_in_trait, reason = "awaited by this package alone, on one thread")]
pub trait System {
    /// How it is spoken to.
    type Wire: Wire;

    /// What it is called in the report.
    fn name(&self) -> &'static str;

    /// The process, whose time is told.
    fn process(&self) -> &ServerProcess;

    /// A connection that is ready for questions.
    async fn connect(&self) -> anyhow::Result<Connection<Self::Wire>>;

    /// The question for the newest page of a feed, as it is sent.
    fn request(&self, feed: &Feed) -> Vec<u8>;

    /// The tweets of an answer.
    fn answer(&self, answer: &[u8]) -> anyhow::Result<Vec<Shown>>;
}

/// Fills all systems, checks their answers, and measures each for `time`.
///
/// # Errors
///
/// Among others, an answer that is wrong.
pub async fn compare(stage: &mut Stage, roost: &Roost, time: Duration) -> anyhow::Result<Report> {
    let (server_core, client_core) = cores::two()?;
    stage.forget_tweets()?;
    let (feeds, readers) = {
        let server = roost.serve(&stage.data(), None).await?;
        stage.meet(server.grpc).await?;
        let mut tweets = Vec::new();
        stage.post(server.grpc, |tweet| tweets.push(tweet)).await?;
        let readers = stage.readers(roost)?;
        (Feeds::new(stage, &readers, tweets)?, readers.len())
    };
    let within = stage.folder();
    eprintln!("filling postgresql");
    let postgres = Postgres::fill(&feeds, within, server_core).await?;
    eprintln!("filling redis");
    let redis = Redis::fill(&feeds, within, server_core).await?;
    let roost = RoostFeeds::start(roost, &stage.data(), server_core).await?;

    cores::pin(client_core)?;
    let (kept, made) = (roost.asked(Pages::Kept), roost.asked(Pages::Made));
    let kept_requests = check(&kept, &feeds).await?;
    let made_requests = check(&made, &feeds).await?;
    let (lateral, window) = (postgres.form(Form::Lateral), postgres.form(Form::Window));
    let lateral_requests = check(&lateral, &feeds).await?;
    let window_requests = check(&window, &feeds).await?;
    let redis_requests = check(&redis, &feeds).await?;
    let fixed = Fixed::start(&usual_answer(&kept, &feeds).await?, within, server_core)?;
    let fixed_requests = vec![fixed.request(&feeds.all()[0])];

    let mut served = [const { Vec::new() }; 6];
    let mut delivered = Vec::new();
    let progress = Progress::new("measuring", ROUNDS as u64);
    let round = time / ROUNDS as u32;
    for done in 0..ROUNDS {
        served[0].push(measure(&kept, &kept_requests, round).await?);
        served[1].push(measure(&made, &made_requests, round).await?);
        served[2].push(measure(&fixed, &fixed_requests, round).await?);
        served[3].push(measure(&lateral, &lateral_requests, round).await?);
        served[4].push(measure(&window, &window_requests, round).await?);
        served[5].push(measure(&redis, &redis_requests, round).await?);
        progress.set(done as u64 + 1, String::new);
    }
    // Lists are others afterwards.
    let mut own_delivered = Vec::new();
    for _ in 0..ROUNDS {
        delivered.push(redis.deliver(&feeds, round).await?);
        own_delivered.extend(deliveries::deliver(stage.staged())?);
    }
    let roost = (!own_delivered.is_empty()).then(|| middle(own_delivered));
    let delivered = Delivered { roost, redis: middle(delivered) };
    let served = served.map(middle);
    Ok(Report::new(stage.staged().clone(), readers, &feeds, fixed.bytes(), served, delivered))
}

/// Asks for every feed once; the requests.
async fn check<S: System>(system: &S, feeds: &Feeds) -> anyhow::Result<Vec<Vec<u8>>> {
    let progress = Progress::new(system.name(), feeds.all().len() as u64);
    let mut connection = system.connect().await?;
    let mut requests = Vec::with_capacity(feeds.all().len());
    for feed in feeds.all() {
        let request = system.request(feed);
        let bytes = connection.ask(&request).await?;
        let shown = system.answer(&bytes).with_context(|| format!("{} to {}", system.name(), feed.reader.name))?;
        let expected = feeds.page(feed);
        ensure!(
            shown == expected,
            "{} shows {} {shown:?} where {expected:?} is right",
            system.name(),
            feed.reader.name
        );
        requests.push(request);
        progress.set(requests.len() as u64, || "checked".to_owned());
    }
    Ok(requests)
}

/// Answers a second, and the share of the core that they took.
async fn measure<S: System>(system: &S, requests: &[Vec<u8>], time: Duration) -> anyhow::Result<Served> {
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(system.connect().await?);
    }
    let (begin, ran) = (Instant::now(), system.process().core_seconds()?);
    let per_second = throughput(&mut connections, 1, requests, time).await?;
    let ran = system.process().core_seconds()? - ran;
    Ok(Served { name: system.name(), per_second, core_share: ran / begin.elapsed().as_secs_f64() })
}

/// The one in the middle.
fn middle(mut rounds: Vec<Served>) -> Served {
    rounds.sort_unstable_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rounds.swap_remove(rounds.len() / 2)
}

/// The body of an answer of Roost's of which half are longer.
async fn usual_answer(roost: &Asked<'_>, feeds: &Feeds) -> anyhow::Result<Vec<u8>> {
    let mut connection = roost.connect().await?;
    let mut bodies = Vec::new();
    for feed in feeds.all().iter().take(999) {
        bodies.push(crate::wire::http::body(&connection.ask(&roost.request(feed)).await?).to_vec());
    }
    bodies.sort_unstable_by_key(Vec::len);
    Ok(bodies.swap_remove(bodies.len() / 2))
}
