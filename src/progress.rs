//! How far something long has come, on standard error: a bar where a person looks, a line now and then where a log does.

use std::borrow::Cow;
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// How far one step has come. It may be told from several threads.
#[derive(Debug)]
pub(crate) struct Progress {
    name: Cow<'static, str>,
    total: u64,
    done: AtomicU64,
    /// What is counted, where the rate is worth telling.
    unit: Option<&'static str>,
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// The total of a step of which only the share that is done is known.
    pub(crate) const SHARES: u64 = 1000;

    /// Nothing of `total` yet.
    pub(crate) fn new(name: &'static str, total: u64) -> Self {
        Progress::make(name, total, None, "{prefix:>12} [{bar:40}] {percent:>3} % {eta}")
    }

    /// The same, which also tells how many of a `unit` are done in a second.
    pub(crate) fn with_rate(name: impl Into<Cow<'static, str>>, total: u64, unit: &'static str) -> Self {
        let template = format!("{{prefix:>20}} [{{bar:40}}] {{percent:>3}} % {{per_sec}} {unit} {{eta}}");
        Progress::make(name, total, Some(unit), &template)
    }

    fn make(name: impl Into<Cow<'static, str>>, total: u64, unit: Option<&'static str>, template: &str) -> Self {
        let name = name.into();
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total).with_prefix(name.clone());
            match ProgressStyle::with_template(template) {
                Ok(style) => bar.with_style(style.progress_chars("=> ")),
                Err(_) => bar,
            }
        });
        let now = Instant::now();
        Progress { name, total, done: AtomicU64::new(0), unit, bar, started: now, last_line: Mutex::new(now) }
    }

    /// What it is that comes on.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// That much is done in all, unless more was told already.
    pub(crate) fn set(&self, done: u64) {
        let before = self.done.fetch_max(done, Ordering::Relaxed);
        self.show(before.max(done));
    }

    /// That much more is done.
    pub(crate) fn advance(&self, by: u64) {
        let done = self.done.fetch_add(by, Ordering::Relaxed) + by;
        self.show(done);
    }

    /// That much is done in all, from 0 to 1.
    pub(crate) fn set_share(&self, share: f64) {
        let done = (share.clamp(0.0, 1.0) * self.total as f64) as u64;
        self.done.store(done, Ordering::Relaxed);
        self.show(done);
    }

    fn show(&self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            return;
        }
        let mut last_line = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last_line.elapsed() >= LINE_INTERVAL {
            *last_line = Instant::now();
            eprintln!("{}: {} %{}", self.name, done * 100 / self.total.max(1), self.rate(done));
        }
    }
}

impl Progress {
    /// How fast it goes and how long it will take, where that is worth telling.
    fn rate(&self, done: u64) -> String {
        let Some(unit) = self.unit else { return String::new() };
        let a_second = done as f64 / self.started.elapsed().as_secs_f64();
        let left = self.total.saturating_sub(done) as f64 / a_second.max(f64::MIN_POSITIVE);
        format!(", {a_second:.0} {unit} a second, {left:.0} s left")
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
