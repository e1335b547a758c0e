//! What notifies people beside the commands of others: follows, of which the graph tells, and tweets, of which an author's
//! subscribers are told.
//!
//! - [`follows`]: the graph's stream of follows becomes notifications, each once.
//! - [`deliveries`]: a tweet becomes a notification for each subscriber of its author, each once.
//! - [`pause`]: what fails is tried again, less and less often.
//!
//! Both work on one thread of their own, with a runtime of its own: it may block, since nobody's request is served there,
//! and it can be stopped and waited for from anywhere. So a service that was dropped has let go of its folder.

mod deliveries;
mod follows;
mod pause;

use std::io;
use std::sync::Arc;

use base::worker::Worker;
use tokio::sync::Notify;

use crate::graph::Graph;
use crate::tweets::Store;

/// The thread that notifies people in the background. Stopped when dropped.
pub(crate) struct Notifier {
    stopping: Arc<Notify>,
    thread: Worker,
}

impl Notifier {
    /// Begins where the store says that an earlier one stopped.
    pub(crate) fn start(store: Arc<Store>, graph: Arc<dyn Graph>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stopping = Arc::new(Notify::new());
        let stopped = stopping.clone();
        let work = move || {
            runtime.block_on(async {
                let work = async { tokio::join!(follows::run(&store, &*graph), deliveries::run(&store, &*graph)) };
                tokio::select! {
                    () = stopped.notified() => {}
                    _ = work => {}
                }
            });
            // What the graph does in this process on behalf of a call that was given up is not waited for.
            runtime.shutdown_background();
        };
        Ok(Notifier { stopping, thread: Worker::start("notifier", work)? })
    }

    /// Stops the work, wherever it is: what is not durable is done again at the next start. Blocks; a second call does
    /// nothing.
    pub(crate) fn stop(&self) {
        self.stopping.notify_one();
        self.thread.join();
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.stop();
    }
}
