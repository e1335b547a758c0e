//! PostgreSQL: one table of edges with the primary key (source, target) and an index on (target, source).
//!
//! Settings of durability are the defaults. Tuned as for a machine of its own with the data in memory: shared buffers,
//! memory for making indexes, checkpoints far apart, minimal log (so that `COPY` into a new table is not logged twice),
//! no just-in-time compilation. Loaded by `COPY` in its binary form in the transaction that makes the table, then
//! indexed; `VACUUM ANALYZE` and a checkpoint follow, uncounted. With times, the index that a page of the newest needs
//! is made after the sizes were taken, so that it counts for neither size nor loading.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{ServerProcess, as_user, free_port};
use super::system::{Loaded, System};
use super::workload::{Kind, PAGE, Question, Workload};
use crate::wire::Connection;
use crate::wire::postgres::{
    INT4, INT4_ARRAY, Postgres as Wire, copy_data, copy_done, execute, first_column, int4, int4_array, prepare, simple,
    startup,
};

const USER: &str = "postgres";
const START_DEADLINE: Duration = Duration::from_secs(30);
/// Rows of one message of `COPY`.
const ROWS_AT_ONCE: usize = 4096;
const SETTINGS: [&str; 14] = [
    "listen_addresses=127.0.0.1",
    "max_connections=100",
    "shared_buffers=4GB",
    "effective_cache_size=12GB",
    "maintenance_work_mem=1GB",
    "work_mem=64MB",
    "random_page_cost=1.1",
    "max_wal_size=16GB",
    "checkpoint_timeout=1h",
    "wal_level=minimal",
    "max_wal_senders=0",
    "jit=off",
    "shared_preload_libraries=pg_stat_statements",
    "logging_collector=off",
];

/// A PostgreSQL server of our own with the edges.
#[derive(Debug)]
pub struct Postgres {
    address: SocketAddr,
    times: bool,
    loaded: Loaded,
    _server: ServerProcess,
    _folder: TempDir,
}

impl Postgres {
    /// Starts a server and loads it.
    pub async fn load(workload: &Workload, times: bool, within: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("roost-peers-postgres-").tempdir_in(within)?;
        let (port, log) = (free_port()?, folder.path().join("log"));
        let mut server = start(folder.path(), port, &log)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut connection = connect_first(address, &mut server, &log).await?;
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
        Ok(Postgres { address, times, loaded, _server: server, _folder: folder })
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
        let mut connection = connect(self.address).await?;
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
        let mut connection = connect(self.address).await?;
        tell(&mut connection, "SELECT pg_stat_statements_reset()").await
    }

    async fn counted_us(&self, _: Kind) -> anyhow::Result<f64> {
        let mut connection = connect(self.address).await?;
        let most = "SELECT mean_exec_time * 1000 FROM pg_stat_statements ORDER BY calls DESC LIMIT 1";
        number(&mut connection, most).await
    }
}

fn start(folder: &Path, port: u16, log: &Path) -> anyhow::Result<ServerProcess> {
    let programs = programs()?;
    let program = |name: &str| programs.join(name).display().to_string();
    // The server refuses to run as root.
    let user = rustix::process::geteuid().is_root().then_some(USER);
    let data = folder.join("data");
    std::fs::create_dir(&data)?;
    if user.is_some() {
        for path in [folder, &data] {
            let owned = std::process::Command::new("chown").arg(USER).arg(path).status()?;
            ensure!(owned.success(), "{} cannot be given to {USER}", path.display());
        }
    }
    let data = data.display().to_string();
    let mut init = as_user(user);
    init.args([&program("initdb"), "-D", &data, "-U", USER, "-A", "trust", "--no-sync"]);
    let made = init.output().context("running initdb")?;
    ensure!(made.status.success(), "initdb fails:\n{}", String::from_utf8_lossy(&made.stderr));

    let (postgres, number) = (program("postgres"), port.to_string());
    let sockets = format!("unix_socket_directories={data}");
    let mut arguments = vec![&postgres[..], "-D", &data, "-p", &number, "-c", &sockets];
    arguments.extend(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
    // QUIT: at once, children and shared memory gone too.
    ServerProcess::start(&arguments, user, log, Signal::QUIT)
}

/// Where Debian puts the programs of the newest version that is installed.
fn programs() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").context("run scripts/install-peers first")?;
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    folders.filter(|folder| folder.join("postgres").exists()).max().context("run scripts/install-peers first")
}

async fn connect_first(
    address: SocketAddr,
    server: &mut ServerProcess,
    log: &Path,
) -> anyhow::Result<Connection<Wire>> {
    let begin = Instant::now();
    loop {
        server.check(log)?;
        if let Ok(connection) = connect(address).await {
            return Ok(connection);
        }
        if begin.elapsed() > START_DEADLINE {
            bail!("postgres did not start:\n{}", std::fs::read_to_string(log).unwrap_or_default());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<Connection<Wire>> {
    let mut connection = Connection::open(address, Wire).await?;
    connection.ask(&startup(USER)).await?;
    Ok(connection)
}

async fn tell(connection: &mut Connection<Wire>, sql: &str) -> anyhow::Result<()> {
    connection.ask(&simple(sql)).await.with_context(|| sql.to_owned())?;
    Ok(())
}

/// The one number that a statement answers.
async fn number(connection: &mut Connection<Wire>, sql: &str) -> anyhow::Result<f64> {
    let answer = connection.ask(&simple(sql)).await?;
    let values = first_column(&answer)?;
    Ok(str::from_utf8(values.first().context("no rows")?)?.parse()?)
}

async fn copy(connection: &mut Connection<Wire>, workload: &Workload, times: bool) -> anyhow::Result<()> {
    connection.ask(&simple("COPY follows FROM STDIN (FORMAT binary)")).await?;
    let (mut rows, mut message) = (b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec(), Vec::new());
    let columns = if times { 3 } else { 2 };
    for edges in workload.edges.chunks(ROWS_AT_ONCE) {
        for edge in edges {
            rows.extend((columns as u16).to_be_bytes());
            for value in &[edge.source, edge.target, edge.time][..columns] {
                rows.extend(4_u32.to_be_bytes());
                rows.extend(value.to_be_bytes());
            }
        }
        message.clear();
        copy_data(&rows, &mut message);
        connection.send_raw(&message);
        connection.flush().await?;
        rows.clear();
    }
    message.clear();
    copy_data(&u16::MAX.to_be_bytes(), &mut message);
    connection.send_raw(&message);
    connection.ask(&copy_done()).await?;
    Ok(())
}
