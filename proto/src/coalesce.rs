//! Answers that are ready together leave together.
//!
//! HTTP/2 carries many calls over one connection, whose task writes what there is whenever one of them has ended: the
//! runtime runs that task next, before the calls that came with it, and so each answer has a write to the system of its
//! own, which costs more than all else about a short call.
//!
//! The first write after a read leaves at once: where one call at a time is under way, nothing waits. A small one that comes
//! without another read waits until everybody who is ready has run, and what they had to say leaves with it.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// A write of so many bytes never waits: it is worth its call of the system.
const LARGE: usize = 4 << 10;

/// A connection whose small writes leave together.
#[derive(Debug)]
pub struct Coalesced<S> {
    stream: S,
    next: Next,
    turn: Arc<Turn>,
}

/// What becomes of the next small write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It leaves at once.
    Leaves,
    /// It waits for a turn.
    Waits,
    /// It waits already.
    Waiting,
}

/// Whether everybody who was ready has run.
#[derive(Debug, Default)]
struct Turn {
    has_come: AtomicBool,
    writer: AtomicWaker,
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.has_come.store(true, Ordering::Release);
        self.writer.wake();
    }
}

impl<S> Coalesced<S> {
    pub(crate) fn new(stream: S) -> Self {
        Coalesced { stream, next: Next::Leaves, turn: Arc::default() }
    }

    /// Ready once a write of so many bytes may leave.
    fn poll_turn(&mut self, cx: &Context<'_>, len: usize) -> Poll<()> {
        if len < LARGE && self.next != Next::Leaves {
            self.turn.writer.register(cx.waker());
            if self.next == Next::Waits {
                self.next = Next::Waiting;
                let turn = Waker::from(self.turn.clone());
                // The first poll has the runtime wake the waker once nobody is ready. There is no second.
                let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&turn));
            }
            if !self.turn.has_come.swap(false, Ordering::Acquire) {
                return Poll::Pending;
            }
            self.next = Next::Leaves;
        }
        Poll::Ready(())
    }

    /// What was written has left: what follows waits, unless a turn is on its way.
    fn wrote(&mut self) {
        if self.next == Next::Leaves {
            self.next = Next::Waits;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Coalesced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        if buf.filled().len() > before && self.next == Next::Waits {
            self.next = Next::Leaves;
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Coalesced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(cx, buf.len()));
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        self.wrote();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(cx, bufs.iter().map(|buf| buf.len()).sum()));
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        self.wrote();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: Connected> Connected for Coalesced<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// Both ends of a connection, of which the second is coalesced.
    fn connection() -> (DuplexStream, Coalesced<DuplexStream>) {
        let (client, server) = duplex(1 << 20);
        (client, Coalesced::new(server))
    }

    /// Whether a write of so many bytes leaves without waiting for anybody.
    async fn leaves_at_once(server: &mut Coalesced<DuplexStream>, len: usize) -> bool {
        let bytes = vec![7; len];
        futures::poll!(pin!(server.write(&bytes))).is_ready()
    }

    #[tokio::test]
    async fn the_first_small_write_after_a_read_leaves_at_once_and_the_next_waits() -> io::Result<()> {
        let (mut client, mut server) = connection();
        assert!(leaves_at_once(&mut server, 10).await, "nothing was written before");
        assert!(!leaves_at_once(&mut server, 10).await);
        server.write_all(&[7; 10]).await?;
        assert!(!leaves_at_once(&mut server, LARGE - 1).await);
        assert!(leaves_at_once(&mut server, LARGE).await, "large ones never wait");
        server.write_all(&[7; 10]).await?;
        client.write_all(b"a call").await?;
        server.read_exact(&mut [0; 6]).await?;
        assert!(leaves_at_once(&mut server, 10).await, "another call came");
        assert!(!leaves_at_once(&mut server, 10).await);
        Ok(())
    }

    #[tokio::test]
    async fn a_write_that_waits_leaves_after_everybody_who_is_ready_has_run() -> io::Result<()> {
        let (mut client, mut server) = connection();
        server.write_all(&[1]).await?;
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..20 {
            let ran = ran.clone();
            tokio::spawn(async move { ran.fetch_add(1, Ordering::Relaxed) });
        }
        let mut both = Box::pin(server.write_all(&[2]));
        assert!(futures::poll!(&mut both).is_pending());
        // Whoever else wakes the writer changes nothing about its turn.
        assert!(futures::poll!(&mut both).is_pending());
        assert_eq!(ran.load(Ordering::Relaxed), 0);
        both.await?;
        assert_eq!(ran.load(Ordering::Relaxed), 20);
        let mut read = [0; 2];
        client.read_exact(&mut read).await?;
        assert_eq!(read, [1, 2]);
        Ok(())
    }

    #[tokio::test]
    async fn everything_arrives_in_its_order() -> io::Result<()> {
        let (mut client, mut server) = connection();
        let lens = [1, 3, LARGE, 5, LARGE + 1, 0, LARGE - 1, 2, 2, 2];
        let sent: Vec<u8> = lens.iter().zip(1..).flat_map(|(&len, byte)| vec![byte; len]).collect();
        let writing = tokio::spawn(async move {
            for (len, byte) in lens.into_iter().zip(1..) {
                server.write_all(&vec![byte; len]).await?;
            }
            server.shutdown().await
        });
        let mut received = Vec::new();
        client.read_to_end(&mut received).await?;
        writing.await??;
        assert_eq!(received, sent);
        Ok(())
    }
}
