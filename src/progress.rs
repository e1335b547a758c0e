//! How far something long has come, on standard error: a bar where a person looks, a line now and then where a log does.

use std::borrow::Cow;
use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
/// A bar with its rate.
const WITH_RATE: &str = "{prefix:>20} [{bar:40}] {percent:>3} % {msg} {eta}";

/// How far one step has come. It may be told from several threads.
#[derive(Debug)]
pub(crate) struct Progress {
    name: Cow<'static, str>,
    /// Where `done` ends, where that is known.
    total: Option<u64>,
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
        Progress::make(name, Some(total), None, "{prefix:>12} [{bar:40}] {percent:>3} % {eta}")
    }

    /// The same, which also tells how many of a `unit` are done in a second.
    pub(crate) fn with_rate(name: impl Into<Cow<'static, str>>, total: u64, unit: &'static str) -> Self {
        Progress::make(name, Some(total), Some(unit), WITH_RATE)
    }

    /// A file of so many bytes, or of who knows how many, in which a `unit` is counted; nothing was read of it before
    /// `started`.
    pub(crate) fn of_file(name: &'static str, bytes: Option<u64>, unit: &'static str, started: Instant) -> Self {
        let template = match bytes {
            Some(_) => WITH_RATE,
            None => "{prefix:>20} {spinner} {msg}",
        };
        let mut progress = Progress::make(name, bytes, Some(unit), template);
        progress.started = started;
        progress
    }

    fn make(
        name: impl Into<Cow<'static, str>>,
        total: Option<u64>,
        unit: Option<&'static str>,
        template: &str,
    ) -> Self {
        let name = name.into();
        let bar = stderr().is_terminal().then(|| {
            let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new).with_prefix(name.clone());
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

    /// Where it ends, where that is known.
    pub(crate) fn total(&self) -> Option<u64> {
        self.total
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
        let done = (share.clamp(0.0, 1.0) * self.total.unwrap_or_default() as f64) as u64;
        self.done.store(done, Ordering::Relaxed);
        self.show(done);
    }

    /// So many bytes of a [file](Self::of_file) were read, and `counted` found in them.
    pub(crate) fn set_read(&self, bytes: u64, counted: u64) {
        self.done.store(bytes, Ordering::Relaxed);
        let bar = |elapsed| match self.total {
            Some(_) => rate(counted, self.unit.unwrap_or_default(), elapsed),
            None => self.read(bytes, counted, elapsed),
        };
        self.show_as(bytes, bar, |elapsed| {
            format!("{}{}", self.read(bytes, counted, elapsed), self.left(bytes, elapsed))
        });
    }

    fn show(&self, done: u64) {
        let bar = |elapsed| self.unit.map_or_else(String::new, |unit| rate(done, unit, elapsed));
        self.show_as(done, bar, |elapsed| self.share(done, elapsed));
    }

    /// A bar and what goes with it, or now and then a line; both say what is so after some time.
    fn show_as(&self, done: u64, beside: impl FnOnce(Duration) -> String, line: impl FnOnce(Duration) -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(beside(self.started.elapsed()));
            bar.set_position(done);
            return;
        }
        let mut last_line = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last_line.elapsed() >= LINE_INTERVAL {
            *last_line = Instant::now();
            eprintln!("{}: {}", self.name, line(self.started.elapsed()));
        }
    }
}

/// What a line says.
impl Progress {
    /// What is done of what is counted.
    fn share(&self, done: u64, elapsed: Duration) -> String {
        let percent = self.percent(done).unwrap_or_default();
        match self.unit {
            Some(unit) => format!("{percent} %, {}{}", rate(done, unit, elapsed), self.left(done, elapsed)),
            None => format!("{percent} %"),
        }
    }

    /// What was read of a file: the share, where its end is known.
    fn read(&self, bytes: u64, counted: u64, elapsed: Duration) -> String {
        let unit = self.unit.unwrap_or_default();
        let rate = rate(counted, unit, elapsed);
        match self.percent(bytes) {
            Some(percent) => format!("{percent} %, {rate}"),
            None => format!("{counted} {unit}, {:.1} MB, {rate}", bytes as f64 / 1e6),
        }
    }

    fn percent(&self, done: u64) -> Option<u64> {
        self.total.map(|total| done * 100 / total.max(1))
    }

    /// How long it will take, where the end is known.
    fn left(&self, done: u64, elapsed: Duration) -> String {
        let Some(total) = self.total else { return String::new() };
        let left = total.saturating_sub(done) as f64 / a_second(done, elapsed).max(f64::MIN_POSITIVE);
        format!(", {left:.0} s left")
    }
}

fn rate(counted: u64, unit: &str, elapsed: Duration) -> String {
    format!("{:.0} {unit} a second", a_second(counted, elapsed))
}

fn a_second(counted: u64, elapsed: Duration) -> f64 {
    counted as f64 / elapsed.max(Duration::from_millis(1)).as_secs_f64()
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ELAPSED: Duration = Duration::from_secs(10);

    #[test]
    fn a_share_tells_rate_and_time_left_where_something_is_counted() {
        assert_eq!(Progress::new("checking", Progress::SHARES).share(250, ELAPSED), "25 %");
        let progress = Progress::with_rate("writing", 4000, "edges");
        assert_eq!(progress.share(1000, ELAPSED), "25 %, 100 edges a second, 30 s left");
    }

    #[test]
    fn a_file_tells_what_was_counted_in_it_and_how_long_its_bytes_will_take() {
        let progress = Progress::of_file("reading", Some(80_000_000), "edges", Instant::now());
        let told = format!("{}{}", progress.read(20_000_000, 3_000, ELAPSED), progress.left(20_000_000, ELAPSED));
        assert_eq!(told, "25 %, 300 edges a second, 30 s left");
    }

    #[test]
    fn of_a_pipe_nobody_knows_the_end_but_what_was_read_and_how_fast() {
        let progress = Progress::of_file("reading", None, "edges", Instant::now());
        let told = format!("{}{}", progress.read(20_000_000, 3_000, ELAPSED), progress.left(20_000_000, ELAPSED));
        assert_eq!(told, "3000 edges, 20.0 MB, 300 edges a second");
    }
}
