//! How far something long has come, on standard error: a bar where a person looks, a line now and then where a log does.

use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// How far one step has come, told by one thread.
#[derive(Debug)]
pub struct Progress {
    name: String,
    total: u64,
    bar: Option<ProgressBar>,
    last_line: Cell<Instant>,
}

impl Progress {
    /// Nothing of `total` yet.
    pub fn new(name: &str, total: u64) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total).with_prefix(name.to_owned());
            match ProgressStyle::with_template("{prefix:>12} [{bar:40}] {percent:>3} % {eta} {msg}") {
                Ok(style) => bar.with_style(style.progress_chars("=> ")),
                Err(_) => bar,
            }
        });
        Progress { name: name.to_owned(), total, bar, last_line: Cell::new(Instant::now()) }
    }

    /// That much is done in all. What `more` says is asked for only where it is shown.
    pub fn set(&self, done: u64, more: impl FnOnce() -> String) {
        let interval = if self.bar.is_some() { Duration::from_millis(100) } else { LINE_INTERVAL };
        if self.last_line.get().elapsed() < interval {
            return;
        }
        self.last_line.set(Instant::now());
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(more());
            }
            None => eprintln!("{}: {} % {}", self.name, done * 100 / self.total.max(1), more()),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
