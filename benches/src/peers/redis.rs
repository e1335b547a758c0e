//! Redis: for each user a set of followees and a set of followers, or sorted sets with the times as scores.
//!
//! Loaded as its documentation says for many values: commands in a stream, one for each edge and direction, answers
//! read as they come. Settings are the defaults, those of durability too (snapshots in the background, no log). A
//! snapshot is written at the end, uncounted, whose file is what it takes on disk, and none after it. A page without
//! times is what `SSCAN` gives first: sets have no order.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::system::{Loaded, System};
use super::workload::{Kind, PAGE, PageOrder, Question, Workload};
use crate::servers::process::folder_bytes;
use crate::servers::redis::{Pipeline, RedisServer, ask, end_snapshots, info};
use crate::wire::Connection;
use crate::wire::resp::{Resp, command, items};

/// Edges whose commands are sent at once.
const EDGES_AT_ONCE: usize = 5_000;

/// A Redis server of our own with the edges.
#[derive(Debug)]
pub struct Redis {
    server: RedisServer,
    times: bool,
    loaded: Loaded,
}

impl Redis {
    /// Starts a server and loads it.
    pub async fn load(workload: &Workload, times: bool, within: &Path) -> anyhow::Result<Self> {
        let (server, mut connection) = RedisServer::start(within, None).await?;
        let empty = info(&mut connection, "memory", "used_memory:").await?;
        let begin = Instant::now();
        fill(&mut connection, workload, times).await?;
        let seconds = begin.elapsed().as_secs_f64();
        save(&mut connection).await?;
        let full = info(&mut connection, "memory", "used_memory:").await?;
        let loaded = Loaded {
            seconds,
            memory_bytes: (full - empty) as u64,
            disk_bytes: folder_bytes(&server.data())?,
            notes: BTreeMap::new(),
        };
        Ok(Redis { server, times, loaded })
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
        self.server.connect().await
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
        let mut connection = self.server.connect().await?;
        ask(&mut connection, &[b"CONFIG", b"RESETSTAT"]).await?;
        Ok(())
    }

    async fn counted_us(&self, kind: Kind) -> anyhow::Result<f64> {
        let mut connection = self.server.connect().await?;
        let line = format!("cmdstat_{}:", self.command(kind).to_lowercase());
        info(&mut connection, "commandstats", &format!("{line}usec_per_call=")).await
    }
}

async fn fill(connection: &mut Connection<Resp>, workload: &Workload, times: bool) -> anyhow::Result<()> {
    let (mut pipeline, mut commands) = (Pipeline::new(connection), Vec::new());
    for edges in workload.edges.chunks(EDGES_AT_ONCE) {
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
        pipeline.send(&commands, 2 * edges.len()).await?;
    }
    pipeline.finish().await
}

/// Writes a snapshot, once the one in the background is complete; none disturbs what follows.
async fn save(connection: &mut Connection<Resp>) -> anyhow::Result<()> {
    end_snapshots(connection).await?;
    ask(connection, &[b"SAVE"]).await?;
    Ok(())
}

fn id(item: &[u8]) -> anyhow::Result<u32> {
    Ok(str::from_utf8(item)?.parse()?)
}
