//! Redis: for each user a set of followees and a set of followers, or sorted sets with the times as scores.
//!
//! Loaded as its documentation says for many values: commands in a stream, one for each edge and direction, answers
//! read as they come. Settings are the defaults, those of durability too (snapshots in the background, no log). A
//! snapshot is written at the end, uncounted, whose file is what it takes on disk, and none after it. A page without
//! times is what `SSCAN` gives first: sets have no order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{ServerProcess, folder_bytes, free_port};
use super::system::{Loaded, System};
use super::workload::{Kind, PAGE, PageOrder, Question, Workload};
use crate::wire::Connection;
use crate::wire::resp::{Resp, command, items};

/// Commands that are sent before answers are waited for.
const PIPELINED: usize = 10_000;
/// How long the server may take to start.
const START_DEADLINE: Duration = Duration::from_secs(20);

/// A Redis server of our own with the edges.
#[derive(Debug)]
pub struct Redis {
    address: SocketAddr,
    times: bool,
    loaded: Loaded,
    _server: ServerProcess,
    _folder: TempDir,
}

impl Redis {
    /// Starts a server and loads it.
    pub async fn load(workload: &Workload, times: bool, within: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("roost-peers-redis-").tempdir_in(within)?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        let (port, log) = (free_port()?, folder.path().join("log"));
        let (dir, number) = (data.display().to_string(), port.to_string());
        let program = ["redis-server", "--port", &number, "--bind", "127.0.0.1", "--dir", &dir];
        let mut server = ServerProcess::start(&program, None, &log, Signal::KILL)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut connection = connect(address, &mut server, &log).await?;

        let empty = info(&mut connection, "memory", "used_memory:").await?;
        let begin = Instant::now();
        fill(&mut connection, workload, times).await?;
        let seconds = begin.elapsed().as_secs_f64();
        save(&mut connection).await?;
        let full = info(&mut connection, "memory", "used_memory:").await?;
        let loaded = Loaded {
            seconds,
            memory_bytes: (full - empty) as u64,
            disk_bytes: folder_bytes(&data)?,
            notes: BTreeMap::new(),
        };
        Ok(Redis { address, times, loaded, _server: server, _folder: folder })
    }

    /// The command that answers questions of a kind.
    fn command(&self, kind: Kind) -> &'static str {
        match (kind, self.times) {
            (Kind::IsFollowing, false) => "SISMEMBER",
            (Kind::IsFollowing, true) => "ZSCORE",
            (Kind::Batch, false) => "SMISMEMBER",
            (Kind::Batch, true) => "ZMSCORE",
            (Kind::Page, false) => "SSCAN",
            (Kind::Page, true) => "ZRANGE",
            (Kind::Common, false) => "SINTER",
            (Kind::Common, true) => "ZINTER",
        }
    }
}

impl System for Redis {
    type Wire = Resp;

    fn name(&self) -> &'static str {
        "redis"
    }

    fn times(&self) -> bool {
        self.times
    }

    fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    fn page_order(&self) -> PageOrder {
        if self.times { PageOrder::NewestFirst } else { PageOrder::Any }
    }

    async fn connect(&self, _: Kind) -> anyhow::Result<Connection<Resp>> {
        Connection::open(self.address, Resp).await
    }

    fn request(&self, question: &Question) -> anyhow::Result<Vec<u8>> {
        let (page, last) = (PAGE.to_string(), (PAGE - 1).to_string());
        let (kind, arguments) = match question {
            Question::Following { source, targets } => {
                let kind = if targets.len() == 1 { Kind::IsFollowing } else { Kind::Batch };
                let targets = targets.iter().map(u32::to_string);
                (kind, std::iter::once(format!("f:{source}")).chain(targets).collect())
            }
            Question::Page { user } if self.times => {
                (Kind::Page, vec![format!("r:{user}"), "0".to_owned(), last, "REV".to_owned()])
            }
            Question::Page { user } => {
                (Kind::Page, vec![format!("r:{user}"), "0".to_owned(), "COUNT".to_owned(), page])
            }
            Question::Common { reader, user } => {
                let keys = [format!("f:{reader}"), format!("r:{user}")];
                let count = self.times.then(|| "2".to_owned());
                (Kind::Common, count.into_iter().chain(keys).collect::<Vec<_>>())
            }
        };
        let arguments = std::iter::once(self.command(kind).as_bytes()).chain(arguments.iter().map(String::as_bytes));
        let mut request = Vec::new();
        command(&arguments.collect::<Vec<_>>(), &mut request);
        Ok(request)
    }

    fn answer(&self, question: &Question, answer: &[u8]) -> anyhow::Result<Vec<u32>> {
        let items = items(answer)?;
        let ids = |items: &[Option<&[u8]>]| items.iter().flatten().map(|item| id(item)).collect();
        match question {
            Question::Following { targets, .. } => {
                anyhow::ensure!(items.len() == targets.len(), "{} items", items.len());
                let is = |item: &Option<&[u8]>| if self.times { item.is_some() } else { *item == Some(b"1") };
                let found = targets.iter().zip(&items).filter(|(_, item)| is(item));
                Ok(found.map(|(target, _)| *target).collect())
            }
            // The first item of a scan is where the next begins.
            Question::Page { .. } if !self.times => ids(items.get(1..).unwrap_or_default()),
            Question::Page { .. } | Question::Common { .. } => ids(&items),
        }
    }

    async fn begin_counting(&self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address, Resp).await?;
        ask(&mut connection, &[b"CONFIG", b"RESETSTAT"]).await?;
        Ok(())
    }

    async fn counted_us(&self, kind: Kind) -> anyhow::Result<f64> {
        let mut connection = Connection::open(self.address, Resp).await?;
        let line = format!("cmdstat_{}:", self.command(kind).to_lowercase());
        info(&mut connection, "commandstats", &format!("{line}usec_per_call=")).await
    }
}

async fn connect(address: SocketAddr, server: &mut ServerProcess, log: &Path) -> anyhow::Result<Connection<Resp>> {
    let begin = Instant::now();
    loop {
        server.check(log)?;
        if let Ok(mut connection) = Connection::open(address, Resp).await
            && ask(&mut connection, &[b"PING"]).await.is_ok()
        {
            return Ok(connection);
        }
        if begin.elapsed() > START_DEADLINE {
            bail!("redis-server did not start:\n{}", std::fs::read_to_string(log).unwrap_or_default());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn fill(connection: &mut Connection<Resp>, workload: &Workload, times: bool) -> anyhow::Result<()> {
    let (mut commands, mut waiting) = (Vec::new(), 0);
    for edges in workload.edges.chunks(PIPELINED / 2) {
        commands.clear();
        for edge in edges {
            let (time, source, target) = (edge.time.to_string(), edge.source.to_string(), edge.target.to_string());
            for (key, member) in [(format!("f:{source}"), &target), (format!("r:{target}"), &source)] {
                let (key, member) = (key.as_bytes(), member.as_bytes());
                if times {
                    command(&[b"ZADD", key, time.as_bytes(), member], &mut commands);
                } else {
                    command(&[b"SADD", key, member], &mut commands);
                }
            }
        }
        connection.send_raw(&commands);
        connection.flush().await?;
        waiting += 2 * edges.len();
        while waiting > PIPELINED {
            waiting -= connection.receive().await?.count();
        }
    }
    while waiting > 0 {
        waiting -= connection.receive().await?.count();
    }
    Ok(())
}

/// Writes a snapshot, once the one in the background is complete; none disturbs what follows.
async fn save(connection: &mut Connection<Resp>) -> anyhow::Result<()> {
    ask(connection, &[b"CONFIG", b"SET", b"save", b""]).await?;
    while info(connection, "persistence", "rdb_bgsave_in_progress:").await? != 0.0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ask(connection, &[b"SAVE"]).await?;
    Ok(())
}

async fn ask(connection: &mut Connection<Resp>, arguments: &[&[u8]]) -> anyhow::Result<Vec<u8>> {
    let mut request = Vec::new();
    command(arguments, &mut request);
    connection.ask(&request).await
}

/// A number that the server tells of itself: on a line that begins with the first part of `name` up to a colon, behind
/// the rest of it.
async fn info(connection: &mut Connection<Resp>, section: &str, name: &str) -> anyhow::Result<f64> {
    let answer = ask(connection, &[b"INFO", section.as_bytes()]).await?;
    let text = String::from_utf8(answer)?;
    let (line, field) = name.split_once(':').context("a name without a colon")?;
    let line = text.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let value = line.and_then(|line| line.split(',').find_map(|part| part.strip_prefix(field)));
    Ok(value.with_context(|| format!("no {name} in what redis tells"))?.trim().parse()?)
}

fn id(item: &[u8]) -> anyhow::Result<u32> {
    Ok(str::from_utf8(item)?.parse()?)
}
