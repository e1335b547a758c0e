//! The pairs side by side.

use std::fmt::Write;

use anyhow::Context;
use serde::Serialize;

use super::job::Done;
use crate::goals::figure;
use crate::load::mix::Kind;
use crate::load::report::Run;
use crate::load::schedule::Schedule;

/// What a job costs those who read their feeds.
#[derive(Clone, Debug, Serialize)]
pub struct Beside {
    /// The job with its flags.
    pub job: String,
    /// Requests a second that were due, of all kinds.
    pub rate: f64,
    /// How long each window was.
    pub seconds: f64,
    /// In the order in which they were measured.
    pub pairs: Vec<Pair>,
    /// The median of the pairs' ratios of what half of the reads beside the job did not exceed to what half of those without did not.
    pub p50_ratio: f64,
    /// The same of 99 of 100.
    pub p99_ratio: f64,
}

/// A window with the job and one without.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// Without the job.
    pub alone: Feeds,
    /// With it.
    pub beside: Feeds,
    /// How far it came.
    pub job: Done,
}

/// Reads of home feeds in a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Feeds {
    /// Those that went well.
    pub answers: u64,
    /// Requests of any kind that did not.
    pub failed: u64,
    /// What half of them did not exceed, from when they were due.
    pub p50_ms: f64,
    /// What 99 of 100 did not exceed.
    pub p99_ms: f64,
}

impl Feeds {
    /// Those of a run.
    ///
    /// # Errors
    ///
    /// A run without any.
    pub fn of(run: &Run) -> anyhow::Result<Self> {
        let read = run.kinds.get(&Kind::HomeFeed).context("no home feed was read: is it in the mix?")?;
        let (p50_ms, p99_ms) = (read.latency.p50_ms, read.latency.p99_ms);
        Ok(Feeds { answers: read.answers, failed: run.failed(), p50_ms, p99_ms })
    }
}

impl Beside {
    /// What was measured beside a job, in at least one pair of windows under this schedule.
    pub fn new(job: String, schedule: Schedule, pairs: Vec<Pair>) -> Self {
        let ratio =
            |of: fn(&Feeds) -> f64| median(pairs.iter().map(|pair| of(&pair.beside) / of(&pair.alone)).collect());
        let (p50_ratio, p99_ratio) = (ratio(|feeds| feeds.p50_ms), ratio(|feeds| feeds.p99_ms));
        Beside { job, rate: schedule.rate, seconds: schedule.time.as_secs_f64(), pairs, p50_ratio, p99_ratio }
    }

    /// A table for people.
    pub fn table(&self, text: &mut String) {
        let Beside { job, rate, seconds, pairs, .. } = self;
        let _ = writeln!(
            text,
            "\n{rate:.0} requests a second for {seconds:.0} s, alone and beside `{job}`; milliseconds of home feeds.\n"
        );
        text.push_str("| pair | p50 alone | beside | p99 alone | beside | ratio | failed alone | beside | runs | s each | the last one's last word |\n");
        text.push_str("|---|---|---|---|---|---|---|---|---|---|---|\n");
        for (idx, Pair { alone, beside, job }) in pairs.iter().enumerate() {
            let latencies = [alone.p50_ms, beside.p50_ms, alone.p99_ms, beside.p99_ms, beside.p99_ms / alone.p99_ms];
            let latencies = latencies.map(figure).join(" | ");
            let seconds = job.mean_seconds.map(figure).unwrap_or_default();
            let job = format!("{} | {seconds} | {}", job.runs, job.broken_off);
            let _ = writeln!(text, "| {} | {latencies} | {} | {} | {job} |", idx + 1, alone.failed, beside.failed);
        }
        let (p50, p99) = (figure(self.p50_ratio), figure(self.p99_ratio));
        let runs: u32 = pairs.iter().map(|pair| pair.job.runs).sum();
        let _ = writeln!(text, "\nThe median ratio: p50 {p50}, p99 {p99}. {runs} runs of the job came to their end.");
    }
}

/// The one in the middle, or the mean of the two that are there.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_pair_in_the_middle_counts() {
        let feeds = |p99_ms| Feeds { answers: 100, failed: 0, p50_ms: 2.0, p99_ms };
        let job = Done { runs: 2, mean_seconds: Some(7.5), broken_off: "ranking: 40 %".to_owned() };
        let pair = |alone, beside| Pair { alone: feeds(alone), beside: feeds(beside), job: job.clone() };
        let schedule = Schedule { rate: 50.0, warm_up: Duration::ZERO, time: Duration::from_secs(30) };
        let of = |pairs| Beside::new("pagerank".to_owned(), schedule, pairs);
        assert_eq!(of(vec![pair(4.0, 5.0), pair(4.0, 400.0), pair(8.0, 8.0)]).p99_ratio, 1.25);
        let beside = of(vec![pair(4.0, 6.0), pair(4.0, 4.0)]);
        assert_eq!((beside.p99_ratio, beside.p50_ratio), (1.25, 1.0));
        let mut text = String::new();
        beside.table(&mut text);
        assert!(text.contains("| 1 | 2.00 | 2.00 | 4.00 | 6.00 | 1.50 | 0 | 0 | 2 | 7.50 | ranking: 40 % |"), "{text}");
        assert!(text.contains("p99 1.25. 4 runs"), "{text}");
        let json = serde_json::to_value(&beside).expect("JSON");
        assert_eq!((&json["pairs"][0]["beside"]["p99_ms"], &json["p99_ratio"]), (&6.0.into(), &1.25.into()));
    }
}
