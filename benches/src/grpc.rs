//! What a call over gRPC costs beside one that does nothing, on one core for the server and one for the client.
//!
//! The server is the graph store's, over a store at hand, with the settings of `roost graph-store`, on a runtime of one
//! thread. The client keeps 64 calls under way over 4 connections. The empty call is `Count` of no lists: an empty
//! request, an empty answer, and on its way everything that other calls of the service pass.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use base::{Direction, ListRef, Relation, UserId};
use graph_store::Store;
use prost::Message;
use proto::graph::{ContainsRequest, CountRequest, Pair, RelateRequest};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::wire::Connection;
use crate::wire::grpc::Grpc;
use crate::wire::load::throughput;
use crate::{cores, serving};

const CONNECTIONS: usize = 4;
const IN_FLIGHT: usize = 64;
/// Pairs of one call.
const BATCH: usize = 100;
/// Requests of each kind, which are sent over and over.
const REQUESTS: usize = 4096;
/// Each kind is measured that often, in turn, and the middle one counts.
const ROUNDS: usize = 3;

/// Calls and pairs a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GrpcFigures {
    /// `Count` of no lists.
    pub grpc_empty_per_second: f64,
    /// `Contains` with one user.
    pub grpc_contains_per_second: f64,
    /// The second by the first.
    pub grpc_contains_to_empty_ratio: f64,
    /// `Contains` with 100 users of one ordinary list.
    pub grpc_pairs_per_second_batches_of_100: f64,
    /// `Relate` with 100 pairs of different users: six lookups each.
    pub grpc_related_pairs_per_second_batches_of_100: f64,
    /// The share of a core that the server had, in the order of the figures above: less than 1 where others wanted the
    /// core too, or where the client was not fast enough.
    pub grpc_server_core_shares: [f64; 4],
}

/// Of one kind of call.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    calls_per_second: f64,
    core_share: f64,
}

/// Measures over a store that has users, for about `time` each.
pub fn measure(store: &Store, time: Duration) -> anyhow::Result<GrpcFigures> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let users = store.users();
    anyhow::ensure!(users > 0, "nobody is in the store");
    let mut somebody = || UserId(random.random_range(0..users));
    let (mut contains, mut batches, mut related) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..REQUESTS {
        // Half of the single ones are in the list, where it has anybody.
        let list = ListRef { relation: Relation::Follow, direction: Direction::Forward, user: somebody() };
        let member = if i % 2 == 0 { store.members(list)?.min() } else { None };
        let ask = |users| ContainsRequest { list: Some(list.into()), users, at_least: None }.encode_to_vec();
        contains.push(ask(vec![member.unwrap_or_else(|| somebody().0)]));
        batches.push(ask((0..BATCH).map(|_| somebody().0).collect()));
        let pairs = (0..BATCH).map(|_| Pair { source: somebody().0, target: somebody().0 }).collect();
        related.push(RelateRequest { pairs, at_least: None }.encode_to_vec());
    }
    let empty = vec![CountRequest::default().encode_to_vec()];
    let kinds = [("Count", empty), ("Contains", contains), ("Contains", batches), ("Relate", related)];
    let rates = on_two_cores(store, &kinds, time)?;
    let [empty, contains, batches, related] = rates.map(|rate| rate.calls_per_second);
    Ok(GrpcFigures {
        grpc_empty_per_second: empty,
        grpc_contains_per_second: contains,
        grpc_contains_to_empty_ratio: contains / empty,
        grpc_pairs_per_second_batches_of_100: batches * BATCH as f64,
        grpc_related_pairs_per_second_batches_of_100: related * BATCH as f64,
        grpc_server_core_shares: rates.map(|rate| rate.core_share),
    })
}

/// How often calls of each kind, given by its method and requests, are answered.
fn on_two_cores(store: &Store, kinds: &[(&str, Vec<Vec<u8>>); 4], time: Duration) -> anyhow::Result<[Rate; 4]> {
    let (server_core, client_core) = cores::two()?;
    let server = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(move || {
            // Where it cannot be pinned, it is one thread all the same.
            let _ = cores::pin(server_core);
        })
        .enable_all()
        .build()?;
    let (told, address) = mpsc::channel();
    let store = store.clone();
    server.spawn(async move {
        let (address, serving) = serving::serve(store).await?;
        told.send(address)?;
        serving.await
    });
    let address = address.recv().context("the server did not start")?;
    let client = || -> anyhow::Result<[Rate; 4]> {
        cores::pin(client_core)?;
        let client = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        client.block_on(async {
            let mut rounds = [[Rate::default(); ROUNDS]; 4];
            for round in 0..ROUNDS {
                for (rates, (method, requests)) in rounds.iter_mut().zip(kinds) {
                    let mut connections = Vec::with_capacity(CONNECTIONS);
                    for _ in 0..CONNECTIONS {
                        connections.push(Connection::open(address, Grpc::new(&serving::path(method))).await?);
                    }
                    let (begin, ran) = (Instant::now(), server.spawn(ran_for()).await??);
                    let in_flight = IN_FLIGHT / CONNECTIONS;
                    let calls = throughput(&mut connections, in_flight, requests, time / ROUNDS as u32).await?;
                    let ran = server.spawn(ran_for()).await?? - ran;
                    let core_share = ran.as_secs_f64() / begin.elapsed().as_secs_f64();
                    rates[round] = Rate { calls_per_second: calls, core_share };
                }
            }
            Ok(rounds.map(|mut rates| {
                rates.sort_unstable_by(|a, b| a.calls_per_second.total_cmp(&b.calls_per_second));
                rates[ROUNDS / 2]
            }))
        })
    };
    let rates = thread::scope(|scope| scope.spawn(client).join());
    server.shutdown_background();
    rates.map_err(|_| anyhow::anyhow!("the client panicked"))?
}

/// How long this thread has been on a core.
async fn ran_for() -> anyhow::Result<Duration> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(times.split(' ').next().context("no times")?.parse()?))
}
