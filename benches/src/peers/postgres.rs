//! PostgreSQL: one table of edges with the primary key (source, target) and an index on (target, source).
//!
//! Loaded by `COPY` in its binary form in the transaction that makes the table, then indexed; `VACUUM ANALYZE` and a
//! checkpoint follow, uncounted. With times, the index that a page of the newest needs is made after the sizes were
//! taken, so that it counts for neither size nor loading.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::system::{Loaded, System};
use super::workload::{Kind, PAGE, Question, Workload};
use crate::servers::postgres::{Copy, PostgresServer, number, tell};
use crate::wire::Connection;
use crate::wire::postgres::{INT4, INT4_ARRAY, Postgres as Wire, execute, first_column, int4, int4_array, prepare};

/// A PostgreSQL server of our own with the edges.
#[derive(Debug)]
pub struct Postgres {
    server: PostgresServer,
    times: bool,
    loaded: Loaded,
}

impl Postgres {
    /// Starts a server and loads it.
    pub async fn load(workload: &Workload, times: bool, within: &Path) -> anyhow::Result<Self> {
        let (server, mut connection) = PostgresServer::start(within, None).await?;
        tell(&mut connection, "CREATE EXTENSION pg_stat_statements").await?;

        let begin = Instant::now();
        let time = if times { ", time int4 NOT NULL" } else { "" };
        let create = format!("CREATE TABLE follows (source int4 NOT NULL, target int4 NOT NULL{time})");
        tell(&mut connection, "BEGIN").await?;
        tell(&mut connection, &create).await?;
        copy(&mut connection, workload, times).await?;
        tell(&mut connection, "ALTER TABLE follows ADD PRIMARY KEY (source, target)").await?;
        tell(&mut connection, "CREATE INDEX follows_reverse ON follows (target, source)").await?;
        tell(&mut connection, "COMMIT").await?;
        let seconds = begin.elapsed().as_secs_f64();

        tell(&mut connection, "VACUUM (ANALYZE) follows").await?;
        tell(&mut connection, "CHECKPOINT").await?;
        let bytes = number(&mut connection, "SELECT pg_total_relation_size('follows')").await?;
        let mut notes = BTreeMap::new();
        if times {
            tell(&mut connection, "CREATE INDEX follows_newest ON follows (target, time DESC, source DESC)").await?;
            tell(&mut connection, "VACUUM (ANALYZE) follows").await?;
            let index = number(&mut connection, "SELECT pg_relation_size('follows_newest')").await?;
            notes.insert("newest_first_index_bytes_per_edge", index / workload.edges.len() as f64);
        }
        // What is on disk is what is in memory: pages.
        let loaded = Loaded { seconds, memory_bytes: bytes as u64, disk_bytes: bytes as u64, notes };
        Ok(Postgres { server, times, loaded })
    }

    /// The statement that answers questions of a kind, and the types of its parameters.
    fn statement(&self, kind: Kind) -> (String, &'static [u32]) {
        match kind {
            Kind::IsFollowing => {
                ("SELECT target FROM follows WHERE source = $1 AND target = $2".to_owned(), &[INT4; 2])
            }
            Kind::Batch => {
                ("SELECT target FROM follows WHERE source = $1 AND target = ANY($2)".to_owned(), &[INT4, INT4_ARRAY])
            }
            Kind::Page => {
                let order = if self.times { "time DESC, source DESC" } else { "source" };
                (format!("SELECT source FROM follows WHERE target = $1 ORDER BY {order} LIMIT {PAGE}"), &[INT4])
            }
            Kind::Common => (
                "SELECT mine.target FROM follows mine \
                 JOIN follows theirs ON theirs.source = mine.target AND theirs.target = $2 WHERE mine.source = $1"
                    .to_owned(),
                &[INT4; 2],
            ),
        }
    }
}

impl System for Postgres {
    type Wire = Wire;

    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn times(&self) -> bool {
        self.times
    }

    fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    async fn connect(&self, kind: Kind) -> anyhow::Result<Connection<Wire>> {
        let mut connection = self.server.connect().await?;
        let (statement, types) = self.statement(kind);
        connection.ask(&prepare(&statement, types)).await?;
        Ok(connection)
    }

    fn request(&self, question: &Question) -> anyhow::Result<Vec<u8>> {
        Ok(execute(&match question {
            Question::Following { source, targets } if targets.len() == 1 => vec![int4(*source), int4(targets[0])],
            Question::Following { source, targets } => vec![int4(*source), int4_array(targets)],
            Question::Page { user } => vec![int4(*user)],
            Question::Common { reader, user } => vec![int4(*reader), int4(*user)],
        }))
    }

    fn answer(&self, _: &Question, answer: &[u8]) -> anyhow::Result<Vec<u32>> {
        first_column(answer)?.into_iter().map(|value| Ok(u32::from_be_bytes(value.try_into()?))).collect()
    }

    async fn begin_counting(&self) -> anyhow::Result<()> {
        let mut connection = self.server.connect().await?;
        tell(&mut connection, "SELECT pg_stat_statements_reset()").await
    }

    async fn counted_us(&self, _: Kind) -> anyhow::Result<f64> {
        let mut connection = self.server.connect().await?;
        let most = "SELECT mean_exec_time * 1000 FROM pg_stat_statements ORDER BY calls DESC LIMIT 1";
        number(&mut connection, most).await
    }
}

async fn copy(connection: &mut Connection<Wire>, workload: &Workload, times: bool) -> anyhow::Result<()> {
    let columns = if times { 3 } else { 2 };
    let mut copy = Copy::begin(connection, "follows").await?;
    for edge in &workload.edges {
        let values = [edge.source, edge.target, edge.time].map(u32::to_be_bytes);
        let values = values.each_ref().map(|value| &value[..]);
        copy.row(&values[..columns]).await?;
    }
    copy.finish().await
}
