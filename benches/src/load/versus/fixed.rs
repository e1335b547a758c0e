//! An answer that is always the same, from a server as Roost's is: the same HTTP library with the same deadlines, the same
//! middleware around one route, the same recorder of metrics; on as many threads, in a process of its own: `roost serve` has no
//! answer of that size that is always the same, and its users no use for one.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use base::telemetry;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::Signal;
use tokio::net::TcpListener;

use super::feeds::Feed;
use super::{Shown, System};
use crate::servers::process::{Owner, ServerProcess};
use crate::wire::Connection;
use crate::wire::http::{self, Http};

const PATH: &str = "/static";
/// As `roost serve` has it.
const HEADERS_DEADLINE: Duration = Duration::from_secs(30);

/// A server of our own.
#[derive(Debug)]
pub struct Fixed {
    address: SocketAddr,
    bytes: usize,
    process: ServerProcess,
}

impl Fixed {
    /// This program again, as the server of a body.
    pub fn start(body: &[u8], within: &Path, core: usize) -> anyhow::Result<Self> {
        let (program, path) = (std::env::current_exe()?.display().to_string(), within.join("static"));
        std::fs::write(&path, body)?;
        let owner = Owner { user: None, core: Some(core) };
        let program = [&program, "serve-static", &path.display().to_string()];
        let mut process = ServerProcess::start_piped(&program, owner, Signal::KILL)?;
        let mut line = String::new();
        BufReader::new(process.stdout()?).read_line(&mut line)?;
        let address = line.trim().parse().context("the server ended before it served")?;
        Ok(Fixed { address, bytes: body.len(), process })
    }

    /// Bytes of the answer's body.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl System for Fixed {
    type Wire = Http;

    fn name(&self) -> &'static str {
        "static"
    }

    fn process(&self) -> &ServerProcess {
        &self.process
    }

    async fn connect(&self) -> anyhow::Result<Connection<Http>> {
        Connection::open(self.address, Http).await
    }

    fn request(&self, _: &Feed) -> Vec<u8> {
        http::get(&self.address.to_string(), PATH, None)
    }

    fn answer(&self, _: &[u8]) -> anyhow::Result<Vec<Shown>> {
        Ok(Vec::new())
    }
}

/// Serves a file until it is killed; the address is the first line on standard output.
pub async fn serve(path: &Path) -> anyhow::Result<()> {
    let _metrics = telemetry::init_metrics()?;
    telemetry::init_logs(telemetry::LogFormat::Text, "info").map_err(anyhow::Error::msg)?;
    let body = Bytes::from(std::fs::read(path)?);
    let answer = async move || ([(CONTENT_TYPE, "application/json")], body.clone());
    let router = api::operations::around(Router::new().route(PATH, get(answer)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS_DEADLINE);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        // A connection that ends is no failure of the server.
        tokio::spawn(async move { drop(connection.await) });
    }
}
