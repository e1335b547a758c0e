//! Threads that work for as long as their owner lives.
//!
//! Nobody looks at such a thread until it is stopped. One that panics is therefore told of as soon as it has dropped what it had:
//! as an error in the log, and as 1 in the gauge `roost_worker_panicked`.

use std::io;
use std::thread::{self, JoinHandle};

use metrics::{describe_gauge, gauge};
use parking_lot::Mutex;

const PANICKED: &str = "roost_worker_panicked";

/// A thread that works in the background. Whoever has it tells it when to stop.
#[derive(Debug)]
pub struct Worker(Mutex<Option<JoinHandle<()>>>);

impl Worker {
    /// Starts a thread of that name, of which a process has one at a time: the gauge tells of them by their names.
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    pub fn start(name: &'static str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        describe_gauge!(PANICKED, "1 after a thread panicked and until another does its work");
        gauge!(PANICKED, "worker" => name).set(0.0);
        let run = move || {
            let _panicking = Panicking(name);
            work();
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Worker(Mutex::new(Some(thread))))
    }

    /// Waits until the work, which was told to stop, has ended. Whoever else calls this waits as long; the work itself must not.
    pub fn join(&self) {
        let mut thread = self.0.lock();
        // Of a panic was told when it happened.
        drop(thread.take().map(JoinHandle::join));
    }
}

/// Tells of a panic of the thread that drops it.
struct Panicking(&'static str);

impl Drop for Panicking {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!(
                worker = self.0,
                "a thread panicked: nobody does its work until the process is started again"
            );
            gauge!(PANICKED, "worker" => self.0).set(1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn a_panic_is_told_of_before_anybody_waits_for_the_thread() -> Result<(), Box<dyn std::error::Error>> {
        let metrics = PrometheusBuilder::new().install_recorder()?;
        let (stop, stopped) = mpsc::channel::<()>();
        let works = Worker::start("works", move || {
            let _ = stopped.recv();
        })?;
        let panics = Worker::start("panics", || panic!("as it is to"))?;
        let deadline = Instant::now() + Duration::from_secs(60);
        while !metrics.render().contains("roost_worker_panicked{worker=\"panics\"} 1") {
            assert!(Instant::now() < deadline, "{}", metrics.render());
            thread::yield_now();
        }
        assert!(metrics.render().contains("roost_worker_panicked{worker=\"works\"} 0"), "{}", metrics.render());
        drop(stop);
        for _ in 0..2 {
            works.join();
            panics.join();
        }
        assert!(metrics.render().contains("roost_worker_panicked{worker=\"works\"} 0"), "{}", metrics.render());
        Ok(())
    }
}
