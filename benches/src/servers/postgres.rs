//! A PostgreSQL server of our own.
//!
//! Settings of durability are the defaults. Tuned as for a machine of its own with the data in memory: shared buffers,
//! memory for making indexes, checkpoints far apart, minimal log (so that `COPY` into a new table is not logged twice),
//! no just-in-time compilation.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{Owner, ServerProcess, free_port};
use crate::wire::Connection;
use crate::wire::postgres::{Postgres, copy_data, copy_done, first_column, simple, startup};

const USER: &str = "postgres";
const START_DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of one message of `COPY`, about.
const COPY_BYTES: usize = 64 << 10;
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

/// A server that runs until it is dropped, and its folder.
#[derive(Debug)]
pub struct PostgresServer {
    address: SocketAddr,
    process: ServerProcess,
    _folder: TempDir,
}

impl PostgresServer {
    /// Starts one in a new folder within another, and connects to it.
    pub async fn start(within: &Path, core: Option<usize>) -> anyhow::Result<(Self, Connection<Postgres>)> {
        let folder = tempfile::Builder::new().prefix("roost-peers-postgres-").tempdir_in(within)?;
        let (port, log) = (free_port()?, folder.path().join("log"));
        let mut process = start(folder.path(), port, core, &log)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let connection = connect_first(address, &mut process, &log).await?;
        Ok((PostgresServer { address, process, _folder: folder }, connection))
    }

    /// One more connection.
    pub async fn connect(&self) -> anyhow::Result<Connection<Postgres>> {
        connect(self.address).await
    }

    /// The process, whose children serve the connections.
    pub fn process(&self) -> &ServerProcess {
        &self.process
    }
}

/// Tells the server to do something.
pub async fn tell(connection: &mut Connection<Postgres>, sql: &str) -> anyhow::Result<()> {
    connection.ask(&simple(sql)).await.with_context(|| sql.to_owned())?;
    Ok(())
}

/// The one number that a statement answers.
pub async fn number(connection: &mut Connection<Postgres>, sql: &str) -> anyhow::Result<f64> {
    let answer = connection.ask(&simple(sql)).await?;
    let values = first_column(&answer)?;
    Ok(str::from_utf8(values.first().context("no rows")?)?.parse()?)
}

/// Rows on their way into a table, by `COPY` in its binary form.
#[derive(Debug)]
pub struct Copy<'a> {
    connection: &'a mut Connection<Postgres>,
    rows: Vec<u8>,
    message: Vec<u8>,
}

impl<'a> Copy<'a> {
    /// Into a table.
    pub async fn begin(connection: &'a mut Connection<Postgres>, table: &str) -> anyhow::Result<Self> {
        connection.ask(&simple(&format!("COPY {table} FROM STDIN (FORMAT binary)"))).await?;
        let rows = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        Ok(Copy { connection, rows, message: Vec::new() })
    }

    /// Adds a row; each value in its binary form.
    pub async fn row(&mut self, values: &[&[u8]]) -> anyhow::Result<()> {
        self.rows.extend((values.len() as u16).to_be_bytes());
        for value in values {
            self.rows.extend((value.len() as u32).to_be_bytes());
            self.rows.extend_from_slice(value);
        }
        if self.rows.len() >= COPY_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Ends the table.
    pub async fn finish(mut self) -> anyhow::Result<()> {
        self.rows.extend(u16::MAX.to_be_bytes());
        self.flush().await?;
        self.connection.ask(&copy_done()).await?;
        Ok(())
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        self.message.clear();
        copy_data(&self.rows, &mut self.message);
        self.rows.clear();
        self.connection.send_raw(&self.message);
        self.connection.flush().await
    }
}

fn start(folder: &Path, port: u16, core: Option<usize>, log: &Path) -> anyhow::Result<ServerProcess> {
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
    let mut init = Owner { user, core: None }.command();
    init.args([&program("initdb"), "-D", &data, "-U", USER, "-A", "trust", "--no-sync"]);
    let made = init.output().context("running initdb")?;
    ensure!(made.status.success(), "initdb fails:\n{}", String::from_utf8_lossy(&made.stderr));

    let (postgres, number) = (program("postgres"), port.to_string());
    let sockets = format!("unix_socket_directories={data}");
    let mut arguments = vec![&postgres[..], "-D", &data, "-p", &number, "-c", &sockets];
    arguments.extend(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
    // QUIT: at once, children and shared memory gone too.
    ServerProcess::start(&arguments, Owner { user, core }, log, Signal::QUIT)
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
) -> anyhow::Result<Connection<Postgres>> {
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

async fn connect(address: SocketAddr) -> anyhow::Result<Connection<Postgres>> {
    let mut connection = Connection::open(address, Postgres).await?;
    connection.ask(&startup(USER)).await?;
    Ok(connection)
}
