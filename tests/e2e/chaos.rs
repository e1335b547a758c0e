//! SIGKILL every few seconds, and nothing acknowledged is lost, doubled or brought back, in the manner of Jepsen's tests: 16
//! clients do at random what people do, everything that they did and saw is a history, and pure functions find what must not be in it.
//!
//! - [`history`]: what happened, and when. [`facts`]: what follows from it.
//! - [`clients`]: who does it.
//! - [`during`]: what holds for each read while it runs. [`afterwards`]: what holds at the end: sets, counters, total queue.
//! - [`observe`]: what there is at the end. [`anomaly`]: what can be wrong. [`made_up`]: proof that each would be found.
//!
//! A run is made of acts with new people each, on the same data, so that what is to be looked at stays small. After its
//! last restart each act is checked, and after the last act those before it are checked again.

mod afterwards;
mod anomaly;
mod clients;
mod during;
mod facts;
mod history;
mod made_up;
mod observe;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;
use tokio::task::block_in_place;

use self::anomaly::Anomaly;
use self::clients::{Client, Server, Stage};
use self::history::{History, username};
use crate::support::client::{Rest, each};
use crate::support::installation::{Installation, Wiring};
use crate::support::wait;

const CLIENTS: usize = 16;
/// People whom each has to do with. A notification names ten: these and the sentinel.
const CLOSE: usize = 8;
/// People of whose tweets each is told now and then, the first of those whom they have to do with.
const CHOSEN: usize = 2;
/// The one who follows everybody at the end.
const SENTINEL: usize = CLIENTS;
/// The one who is told of the sentinel's tweet at the end.
const WATCHER: usize = CLIENTS + 1;
const SECONDS_DEFAULT: u64 = 20;
const ACT: Duration = Duration::from_secs(15);
/// Milliseconds between two kills.
const KILL_INTERVAL_MS: std::ops::Range<u64> = 1_500..4_500;
/// Anomalies that are shown.
const SHOWN: usize = 12;

/// An act that is over.
struct Played {
    act: usize,
    tokens: Vec<String>,
    history: History,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_or_comes_back() {
    let seconds = variable("ROOST_CHAOS_SECONDS").unwrap_or(SECONDS_DEFAULT);
    let seed = variable("ROOST_CHAOS_SEED").unwrap_or_else(rand::random);
    println!("`ROOST_CHAOS_SEED={seed} ROOST_CHAOS_SECONDS={seconds} cargo test --test e2e chaos` repeats the run");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut installation = start(&data);
    let mut played: Vec<Played> = Vec::new();
    let mut left = Duration::from_secs(seconds);
    while !left.is_zero() {
        let duration = left.min(ACT);
        left -= duration;
        let act;
        (installation, act) = play(installation, &data, played.len(), duration, &mut random).await;
        look_back(&installation, &act).await;
        played.push(act);
    }
    played.pop();
    for act in &played {
        look_back(&installation, act).await;
    }
    installation.stop();
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is {value:?}, which is no number")))
}

fn start(data: &Path) -> Installation {
    block_in_place(|| Installation::start(Wiring::OneProcess, data))
}

fn kill_and_start(mut installation: Installation, data: &Path) -> Installation {
    installation.assert_running();
    block_in_place(|| installation.kill());
    start(data)
}

/// New people live for so long, while the server is killed again and again.
async fn play(
    mut installation: Installation,
    data: &Path,
    act: usize,
    duration: Duration,
    random: &mut ChaCha8Rng,
) -> (Installation, Played) {
    let rest = installation.rest();
    let tokens = each(0..CLIENTS, |person| {
        let rest = rest.clone();
        async move { rest.join(&username(act, person)).await.token().to_owned() }
    })
    .await;
    let sentinel = rest.join(&username(act, SENTINEL)).await.token().to_owned();
    let watcher = rest.join(&username(act, WATCHER)).await.token().to_owned();
    let stage = Arc::new(Stage::new(act));
    let (tell, server) = watch::channel(Server { rest, started: 0, is_over: false });
    let clients: Vec<_> = tokens
        .iter()
        .enumerate()
        .map(|(person, token)| {
            let random = ChaCha8Rng::seed_from_u64(random.random());
            tokio::spawn(Client::new(person, token.clone(), random, stage.clone(), server.clone()).live())
        })
        .collect();
    let end = Instant::now() + duration;
    let mut kills = 0;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(random.random_range(KILL_INTERVAL_MS))).await;
        installation = kill_and_start(installation, data);
        kills += 1;
        let (rest, is_over) = (installation.rest(), Instant::now() >= end);
        tell.send_replace(Server { rest, started: kills, is_over });
    }
    let mut lost = 0;
    for client in clients {
        lost += client.await.expect("a client does not panic").lost;
    }
    installation = kill_and_start(installation, data);
    let rest = installation.rest();
    follow_everybody(&rest.signed(&sentinel), act).await;
    tell_of_everything(&rest.signed(&sentinel), &rest.signed(&watcher), act).await;
    let history = stage.recorder.finish();
    let (writes, reads) = (history.writes.len(), history.reads.len() + history.probes.len());
    println!("act {act}: {kills} kills, {writes} writes, {reads} reads, {lost} answers lost");
    assert!(lost > 0, "nothing was under way when the server was killed");
    (installation, Played { act, tokens, history })
}

async fn follow_everybody(sentinel: &Rest, act: usize) {
    for person in 0..CLIENTS {
        sentinel.turn_on(&format!("/api/users/{}/followers", username(act, person))).await;
    }
}

/// Waits until all are told of the tweets that they asked to be told of. The oldest tweets are told of first: once the watcher is told of one that
/// is posted now, everybody is told of all before it.
async fn tell_of_everything(sentinel: &Rest, watcher: &Rest, act: usize) {
    let name = username(act, SENTINEL);
    watcher.turn_on(&format!("/api/users/{name}/followers")).await;
    watcher.turn_on(&format!("/api/users/{name}/tweet-notifications")).await;
    let last = sentinel.say(&name, "the last").await;
    wait::until_async("the sentinel's tweet", async || {
        let told = watcher.all_pages("/api/notifications").await;
        told.iter().any(|item| item["kind"] == "tweet" && item["tweet"]["id"] == last.as_str()).then_some(())
    })
    .await;
}

/// Looks at everything of an act, and at everything that was seen while it lasted.
async fn look_back(installation: &Installation, played: &Played) {
    let Played { act, tokens, history } = played;
    let seen = observe::observe(&installation.rest(), *act, tokens, history).await;
    let mut anomalies = during::check(history);
    anomalies.extend(afterwards::check(history, &seen));
    assert!(anomalies.is_empty(), "act {act}: {}", told(&anomalies));
}

fn told(anomalies: &[Anomaly]) -> String {
    let lines = anomalies.iter().take(SHOWN).map(|anomaly| format!("\n{:?}: {}", anomaly.kind, anomaly.what));
    format!("{} anomalies{}", anomalies.len(), lines.collect::<String>())
}
