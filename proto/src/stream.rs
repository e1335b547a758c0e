//! Messages that a thread hands to a reader who takes them when they will, but not for ever.

use std::time::Duration;

use base::{Code, Error};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tonic::Status;

use crate::status::to_status;

/// Why a stream ended before its end: what its reader is told, or nothing where there is none any more.
pub type End = Option<Error>;

/// The end of a stream at which messages go in: for a thread of its own, which waits while there is no room.
#[derive(Clone, Debug)]
pub struct Sender<T> {
    messages: mpsc::Sender<Result<T, Status>>,
    stopping: watch::Receiver<bool>,
    runtime: Handle,
    patience: Duration,
}

/// A stream in which `capacity` messages can wait. One that finds no room waits for `patience`, and no longer than until
/// `stopping` turns true. To be called in a runtime.
pub fn channel<T: Send + 'static>(
    capacity: usize,
    patience: Duration,
    stopping: watch::Receiver<bool>,
) -> (Sender<T>, BoxStream<'static, Result<T, Status>>) {
    let (messages, receiver) = mpsc::channel(capacity);
    let take = |mut receiver: mpsc::Receiver<_>| async move { Some((receiver.recv().await?, receiver)) };
    let sender = Sender { messages, stopping, runtime: Handle::current(), patience };
    (sender, stream::unfold(receiver, take).boxed())
}

impl<T> Sender<T> {
    /// Waits until there is room for a message, but not for ever.
    ///
    /// # Errors
    ///
    /// The reader has gone, or took nothing for too long, or the service is stopping.
    pub fn send(&mut self, message: T) -> Result<(), End> {
        let Sender { messages, stopping, runtime, patience } = self;
        let stopped = || Some(Error::new(Code::Unavailable, "the service is stopping"));
        // A runtime that ends as well could not even wait.
        if *stopping.borrow() {
            return Err(stopped());
        }
        let message = messages.send(Ok(message));
        runtime.block_on(async {
            tokio::select! {
                // An error means that the service is gone, which ends the stream as well.
                _ = stopping.wait_for(|stopping| *stopping) => Err(stopped()),
                sent = tokio::time::timeout(*patience, message) => match sent {
                    Ok(sent) => sent.map_err(|_| None),
                    Err(_) => Err(Some(Error::new(Code::DeadlineExceeded, "the stream was not read for too long"))),
                },
            }
        })
    }

    /// Leaves a message that the reader can do without, unless there is no room for it.
    pub fn offer(&self, message: T) {
        let _ = self.messages.try_send(Ok(message));
    }

    /// Ends the stream with an error, which was logged, as far as somebody still hears of it.
    pub fn end(self, error: &Error) {
        let Sender { messages, mut stopping, runtime, patience } = self;
        if let Err(TrySendError::Full(last)) = messages.try_send(Err(to_status(error))) {
            // Whoever takes nothing for so long is not told.
            runtime.block_on(async {
                tokio::select! {
                    _ = stopping.wait_for(|stopping| *stopping) => {}
                    _ = tokio::time::timeout(patience, messages.send(last)) => {}
                }
            });
        }
    }

    /// Waits until the reader has gone or the service stops.
    pub async fn abandoned(&mut self) {
        tokio::select! {
            () = self.messages.closed() => {}
            _ = self.stopping.wait_for(|stopping| *stopping) => {}
        }
    }
}
