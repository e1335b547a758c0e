//! A Redis server of our own. Settings are the defaults, those of durability too: snapshots in the background, no log.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{Owner, ServerProcess, free_port};
use crate::wire::Connection;
use crate::wire::resp::{Resp, command};

/// Commands that are sent before answers are waited for.
const PIPELINED: usize = 10_000;
/// How long the server may take to start.
const START_DEADLINE: Duration = Duration::from_secs(20);

/// A server that runs until it is dropped, and its folder.
#[derive(Debug)]
pub struct RedisServer {
    address: SocketAddr,
    process: ServerProcess,
    folder: TempDir,
}

impl RedisServer {
    /// Starts one in a new folder within another, and connects to it.
    pub async fn start(within: &Path, core: Option<usize>) -> anyhow::Result<(Self, Connection<Resp>)> {
        let folder = tempfile::Builder::new().prefix("roost-peers-redis-").tempdir_in(within)?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        let (port, log) = (free_port()?, folder.path().join("log"));
        let (dir, number) = (data.display().to_string(), port.to_string());
        let program = ["redis-server", "--port", &number, "--bind", "127.0.0.1", "--dir", &dir];
        let owner = Owner { user: None, core };
        let mut process = ServerProcess::start(&program, owner, &log, Signal::KILL)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let connection = connect_first(address, &mut process, &log).await?;
        Ok((RedisServer { address, process, folder }, connection))
    }

    /// One more connection.
    pub async fn connect(&self) -> anyhow::Result<Connection<Resp>> {
        Connection::open(self.address, Resp).await
    }

    /// The process.
    pub fn process(&self) -> &ServerProcess {
        &self.process
    }

    /// Where its files are.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// Sends commands in a stream and reads the answers as they come.
#[derive(Debug)]
pub struct Pipeline<'a> {
    connection: &'a mut Connection<Resp>,
    waiting: usize,
}

impl<'a> Pipeline<'a> {
    /// Over a connection on which nothing is under way.
    pub fn new(connection: &'a mut Connection<Resp>) -> Self {
        Pipeline { connection, waiting: 0 }
    }

    /// Sends some commands, once not too many are under way.
    pub async fn send(&mut self, commands: &[u8], count: usize) -> anyhow::Result<()> {
        self.connection.send_raw(commands);
        self.connection.flush().await?;
        self.waiting += count;
        while self.waiting > PIPELINED {
            self.waiting -= self.connection.receive().await?.count();
        }
        Ok(())
    }

    /// Waits for the rest of the answers.
    pub async fn finish(mut self) -> anyhow::Result<()> {
        while self.waiting > 0 {
            self.waiting -= self.connection.receive().await?.count();
        }
        Ok(())
    }
}

/// Ends snapshots in the background, and waits for the one that is under way.
pub async fn end_snapshots(connection: &mut Connection<Resp>) -> anyhow::Result<()> {
    ask(connection, &[b"CONFIG", b"SET", b"save", b""]).await?;
    while info(connection, "persistence", "rdb_bgsave_in_progress:").await? != 0.0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Asks a command and waits for its answer.
pub async fn ask(connection: &mut Connection<Resp>, arguments: &[&[u8]]) -> anyhow::Result<Vec<u8>> {
    let mut request = Vec::new();
    command(arguments, &mut request);
    connection.ask(&request).await
}

/// A number that the server tells of itself: on a line that begins with the first part of `name` up to a colon, behind
/// the rest of it.
pub async fn info(connection: &mut Connection<Resp>, section: &str, name: &str) -> anyhow::Result<f64> {
    let answer = ask(connection, &[b"INFO", section.as_bytes()]).await?;
    let text = String::from_utf8(answer)?;
    let (line, field) = name.split_once(':').context("a name without a colon")?;
    let line = text.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let value = line.and_then(|line| line.split(',').find_map(|part| part.strip_prefix(field)));
    Ok(value.with_context(|| format!("no {name} in what redis tells"))?.trim().parse()?)
}

async fn connect_first(
    address: SocketAddr,
    server: &mut ServerProcess,
    log: &Path,
) -> anyhow::Result<Connection<Resp>> {
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
