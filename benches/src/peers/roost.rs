//! Roost: the edges imported from a binary edge list into a new store, which another process then serves over gRPC as
//! `roost graph-store` does.
//!
//! Loading counts from the opening of the file to durable, checksummed segments of both directions. Memory is what the
//! server's process holds of its own, above that of an empty store, and all files but the log, every byte of which is
//! mapped; the table of external ids is among them. The server's own time is that of the service's handler, called in
//! process with a decoded request, as that of the others begins behind the decoding.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use base::clock::SystemClock;
use base::disk::RealDisk;
use base::{Direction, ListRef, Relation, UserId};
use graph_store::import::{Import, import};
use graph_store::service::GraphService;
use graph_store::{Options, Store};
use prost::Message;
use proto::common::PageRequest;
use proto::graph::expression::Node;
use proto::graph::graph_store_server::GraphStore;
use proto::graph::{
    Combination, Combine, ContainsRequest, ContainsResponse, Expression, ListRequest, ListResponse, Order,
    SelectRequest, SelectResponse, select_request, select_response,
};
use rustix::process::Signal;
use tempfile::TempDir;
use tonic::Request;

use super::system::{Loaded, System};
use super::workload::{Kind, PAGE, Question, Workload};
use crate::servers::process::{Owner, ServerProcess, folder_bytes};
use crate::serving;
use crate::wire::Connection;
use crate::wire::grpc::Grpc;

/// Questions between two looks at the clock.
const ASKED_AT_ONCE: usize = 16;

/// A Roost server of our own with the edges.
#[derive(Debug)]
pub struct Roost {
    address: SocketAddr,
    times: bool,
    loaded: Loaded,
    users: Users,
    handler_us: BTreeMap<Kind, f64>,
    _server: ServerProcess,
    _folder: TempDir,
}

/// Whom the ids of the edges became in the store, and back.
#[derive(Debug)]
struct Users {
    ids: Vec<u32>,
    users: HashMap<u32, u32>,
}

/// A question as the service takes it.
#[derive(Clone)]
enum Asked {
    Contains(ContainsRequest),
    List(ListRequest),
    Select(SelectRequest),
}

impl Roost {
    /// Loads a store, measures its handlers for `time` each, and starts a server of it.
    pub async fn load(workload: &Workload, times: bool, within: &Path, time: Duration) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("roost-peers-roost-").tempdir_in(within)?;
        let (data, empty) = (folder.path().join("data"), folder.path().join("empty"));
        let file = folder.path().join("edges");
        let mut out = BufWriter::new(File::create(&file)?);
        workload.binary(times, &mut out)?;
        out.flush()?;
        drop(out);

        let (opened, given) = (data.clone(), file.clone());
        let (store, seconds) = tokio::task::spawn_blocking(move || -> anyhow::Result<(Store, f64)> {
            let store = open(&opened)?;
            let begin = Instant::now();
            import(&store, &Import { edges: given, ..Import::default() }, &|_| {})?;
            Ok((store, begin.elapsed().as_secs_f64()))
        })
        .await??;
        std::fs::remove_file(&file)?;
        let users = Users::of(&store)?;
        let handler_us = handler_times(&store, &users, workload, times, time).await?;
        tokio::task::spawn_blocking(move || store.close()).await?;

        let own_bytes_empty = start(&empty)?.0.own_bytes()?;
        let (server, address) = start(&data)?;
        let own_bytes = server.own_bytes()?.saturating_sub(own_bytes_empty);
        let disk_bytes = folder_bytes(&data)?;
        let mapped_bytes = disk_bytes - folder_bytes(&data.join("log"))?;
        let edges = workload.edges.len() as f64;
        let notes = BTreeMap::from([
            ("process_bytes_per_edge", own_bytes as f64 / edges),
            ("segment_bytes_per_edge", folder_bytes(&data.join("segments"))? as f64 / edges),
        ]);
        let loaded = Loaded { seconds, memory_bytes: own_bytes + mapped_bytes, disk_bytes, notes };
        Ok(Roost { address, times, loaded, users, handler_us, _server: server, _folder: folder })
    }
}

impl System for Roost {
    type Wire = Grpc;

    fn name(&self) -> &'static str {
        "roost"
    }

    fn times(&self) -> bool {
        self.times
    }

    fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    async fn connect(&self, kind: Kind) -> anyhow::Result<Connection<Grpc>> {
        let method = match kind {
            Kind::IsFollowing | Kind::Batch => "Contains",
            Kind::Page => "List",
            Kind::Common => "Select",
        };
        Connection::open(self.address, Grpc::new(&serving::path(method))).await
    }

    fn request(&self, question: &Question) -> anyhow::Result<Vec<u8>> {
        Ok(match self.users.ask(question, self.times)? {
            Asked::Contains(request) => request.encode_to_vec(),
            Asked::List(request) => request.encode_to_vec(),
            Asked::Select(request) => request.encode_to_vec(),
        })
    }

    fn answer(&self, question: &Question, answer: &[u8]) -> anyhow::Result<Vec<u32>> {
        let users: Vec<u32> = match question {
            Question::Following { targets, .. } => {
                let contained = ContainsResponse::decode(answer)?.contained;
                anyhow::ensure!(contained.len() == targets.len(), "{} flags", contained.len());
                let found = targets.iter().zip(contained).filter(|(_, contained)| *contained);
                return Ok(found.map(|(target, _)| *target).collect());
            }
            Question::Page { .. } => ListResponse::decode(answer)?.edges.into_iter().map(|edge| edge.user).collect(),
            Question::Common { .. } => match SelectResponse::decode(answer)?.output {
                Some(select_response::Output::Page(page)) => page.users,
                other => anyhow::bail!("not a page: {other:?}"),
            },
        };
        users.iter().map(|user| self.users.ids.get(*user as usize).copied().context("an unknown user")).collect()
    }

    async fn begin_counting(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn counted_us(&self, kind: Kind) -> anyhow::Result<f64> {
        self.handler_us.get(&kind).copied().context("a kind that was not measured")
    }
}

impl Users {
    fn of(store: &Store) -> anyhow::Result<Self> {
        let all: Vec<UserId> = (0..store.users()).map(UserId).collect();
        let ids =
            store.external_ids(&all).into_iter().map(|id| Ok(u32::try_from(id.context("a user without an id")?)?));
        let ids = ids.collect::<anyhow::Result<Vec<u32>>>()?;
        let users = ids.iter().copied().zip(0..).collect();
        Ok(Users { ids, users })
    }

    fn user(&self, id: u32) -> anyhow::Result<UserId> {
        Ok(UserId(*self.users.get(&id).with_context(|| format!("{id} is nobody in the store"))?))
    }

    fn ask(&self, question: &Question, times: bool) -> anyhow::Result<Asked> {
        let list =
            |direction, user| anyhow::Ok(ListRef { relation: Relation::Follow, direction, user: self.user(user)? });
        let operand = |list: ListRef| Expression { node: Some(Node::List(list.into())) };
        Ok(match question {
            Question::Following { source, targets } => Asked::Contains(ContainsRequest {
                list: Some(list(Direction::Forward, *source)?.into()),
                users: targets.iter().map(|id| Ok(self.user(*id)?.0)).collect::<anyhow::Result<_>>()?,
                at_least: None,
            }),
            Question::Page { user } => Asked::List(ListRequest {
                list: Some(list(Direction::Reverse, *user)?.into()),
                order: if times { Order::NewestFirst } else { Order::ById }.into(),
                page: Some(PageRequest { limit: PAGE as u32, cursor: String::new() }),
                at_least: None,
            }),
            Question::Common { reader, user } => {
                let lists = [list(Direction::Forward, *reader)?, list(Direction::Reverse, *user)?];
                let operands = lists.map(operand).to_vec();
                let combination = Combination { combine: Combine::Intersection.into(), operands };
                Asked::Select(SelectRequest {
                    expression: Some(Expression { node: Some(Node::Combination(combination)) }),
                    output: Some(select_request::Output::Page(PageRequest {
                        limit: base::limits::PAGE_MAX,
                        cursor: String::new(),
                    })),
                    at_least: None,
                })
            }
        })
    }
}

/// Serves a store until it is killed; its address is the first line on standard output.
pub async fn serve(folder: &Path) -> anyhow::Result<()> {
    let (address, serving) = serving::serve(open(folder)?).await?;
    println!("{address}");
    serving.await
}

fn open(folder: &Path) -> anyhow::Result<Store> {
    Ok(Store::open(Arc::new(RealDisk), Arc::new(SystemClock), folder, Options::default())?.0)
}

/// Starts this program again as the server of a store.
fn start(folder: &Path) -> anyhow::Result<(ServerProcess, SocketAddr)> {
    let program = std::env::current_exe()?.display().to_string();
    let program = [&program, "serve-roost", &folder.display().to_string()];
    let mut server = ServerProcess::start_piped(&program, Owner::default(), Signal::KILL)?;
    let mut line = String::new();
    BufReader::new(server.stdout()?).read_line(&mut line)?;
    let address = line.trim().parse().context("the server ended before it served")?;
    Ok((server, address))
}

/// Microseconds of the service's handler for a question of each kind, on average.
async fn handler_times(
    store: &Store,
    users: &Users,
    workload: &Workload,
    times: bool,
    time: Duration,
) -> anyhow::Result<BTreeMap<Kind, f64>> {
    let service = GraphService::new(store.clone());
    let mut handler_us = BTreeMap::new();
    for kind in Kind::ALL {
        let asked = workload.questions(kind).iter().map(|question| users.ask(question, times));
        let asked: Vec<Asked> = asked.collect::<anyhow::Result<_>>()?;
        let (mut took, mut answered) = (Duration::ZERO, 0);
        for round in asked.chunks(ASKED_AT_ONCE).cycle() {
            // Requests are made before the clock starts.
            let requests: Vec<Asked> = round.to_vec();
            let begin = Instant::now();
            for request in requests {
                match request {
                    Asked::Contains(request) => drop(black_box(service.contains(Request::new(request)).await?)),
                    Asked::List(request) => drop(black_box(service.list(Request::new(request)).await?)),
                    Asked::Select(request) => drop(black_box(service.select(Request::new(request)).await?)),
                }
                answered += 1;
            }
            took += begin.elapsed();
            if took > time {
                break;
            }
        }
        handler_us.insert(kind, took.as_secs_f64() * 1e6 / f64::from(answered));
    }
    Ok(handler_us)
}
