//! Servers spoken to at the level of their protocols, so that what is measured is the server and not a client library.
//!
//! Each protocol is a [`Wire`]: it knows where a request goes and where an answer ends, and does no I/O. Requests are
//! encoded before the clock starts, and answers are decoded only to be checked. So every server is asked by the same
//! loop, at the same small cost.
//!
//! - [`resp`]: that of Redis.
//! - [`postgres`]: that of PostgreSQL, version 3.
//! - [`grpc`]: gRPC over HTTP/2.
//! - [`http`]: HTTP/1.1, as REST is spoken.
//! - [`load`]: how fast answers come.

pub mod grpc;
pub mod http;
pub mod load;
pub mod postgres;
pub mod resp;

use std::net::SocketAddr;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes that there is room for before each read.
const READ_BYTES: usize = 64 << 10;

/// The client's end of a protocol.
pub trait Wire {
    /// Appends what is to be sent for a request.
    fn send(&mut self, request: &[u8], out: &mut Vec<u8>);

    /// Takes what it can from the front of `input`: each complete answer goes to `answers`, what the protocol itself
    /// has to say to `out`. Answers how many bytes it took.
    ///
    /// # Errors
    ///
    /// Bytes that are no answer, and answers that refuse the request.
    fn receive(&mut self, input: &[u8], out: &mut Vec<u8>, answers: &mut Vec<Vec<u8>>) -> anyhow::Result<usize>;
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection<W> {
    stream: TcpStream,
    wire: W,
    input: Vec<u8>,
    output: Vec<u8>,
    answers: Vec<Vec<u8>>,
}

impl<W: Wire> Connection<W> {
    /// Connects.
    pub async fn open(address: SocketAddr, wire: W) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, wire, input: Vec::new(), output: Vec::new(), answers: Vec::new() })
    }

    /// Asks and waits for the answer. Nothing else must be under way.
    pub async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.send(request);
        let mut answers = self.receive().await?;
        answers.next().context("an answer that was promised is missing")
    }

    /// Sends a request with the next [`receive`](Self::receive).
    pub fn send(&mut self, request: &[u8]) {
        self.wire.send(request, &mut self.output);
    }

    /// Sends bytes as they are with the next [`receive`](Self::receive) or [`flush`](Self::flush).
    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Sends what is to be sent.
    pub async fn flush(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.output).await?;
        self.output.clear();
        Ok(())
    }

    /// Sends what is to be sent, and waits for one answer or more.
    pub async fn receive(&mut self) -> anyhow::Result<impl Iterator<Item = Vec<u8>> + '_> {
        while self.answers.is_empty() {
            if !self.output.is_empty() {
                self.flush().await?;
            }
            self.input.reserve(READ_BYTES);
            let read = self.stream.read_buf(&mut self.input).await?;
            anyhow::ensure!(read > 0, "the server closed the connection");
            let taken = self.wire.receive(&self.input, &mut self.output, &mut self.answers)?;
            self.input.drain(..taken);
        }
        Ok(self.answers.drain(..))
    }
}
