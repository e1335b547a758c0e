//! What is told of a run, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::beside::report::Beside;
use super::mix::{Kind, Mix};
use super::run::Measured;
use super::schedule::Schedule;
use super::stage::Staged;
use crate::goals::figure;
use crate::times::Times;

/// Everything that is printed.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Which requests were sent.
    pub mix: Mix,
    /// The server's data, where it is our own.
    pub data: Option<Staged>,
    /// Whose tokens they had.
    pub readers: usize,
    /// Over how many connections.
    pub connections: usize,
    /// The rates that were tried in search of the highest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
    /// The highest rate that the server kept up with, where that was asked for; zero where it kept up with none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest_rate: Option<f64>,
    /// At the rate that was asked for, or at the highest.
    pub run: Option<Run>,
    /// With a job beside it, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
}

/// A rate that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// Requests a second.
    pub rate: f64,
    /// What one request in a hundred exceeded.
    pub p99_ms: f64,
    /// Requests that did not go well.
    pub failed: u64,
    /// Whether that counts as keeping up.
    pub kept_up: bool,
}

/// A run at one rate.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Requests a second that were due.
    pub rate: f64,
    /// How long they were counted.
    pub seconds: f64,
    /// Answers a second that went well.
    pub answered_per_second: f64,
    /// From when a request was due to its answer, all kinds.
    pub latency: Latency,
    /// From when a request was due to when a connection took it: what the client itself, or too few connections, add.
    pub late: Latency,
    /// Of those that went well.
    pub kinds: BTreeMap<Kind, OfKind>,
    /// Answers that are none, by status or by what went wrong.
    pub problems: BTreeMap<String, u64>,
    /// Requests without an answer.
    pub unanswered: u64,
}

/// Requests of one kind that went well.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OfKind {
    /// How many.
    pub answers: u64,
    /// Bytes of a body on average.
    pub mean_bytes: f64,
    /// From when a request was due.
    #[serde(flatten)]
    pub latency: Latency,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// The mean.
    pub mean_ms: f64,
    /// What half of them did not exceed.
    pub p50_ms: f64,
    /// What 9 of 10 did not exceed.
    pub p90_ms: f64,
    /// What 99 of 100 did not exceed.
    pub p99_ms: f64,
    /// What 999 of 1000 did not exceed.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl From<&Times> for Latency {
    fn from(times: &Times) -> Self {
        Latency {
            mean_ms: times.mean_ms(),
            p50_ms: times.quantile_ms(0.5),
            p90_ms: times.quantile_ms(0.9),
            p99_ms: times.quantile_ms(0.99),
            p999_ms: times.quantile_ms(0.999),
            max_ms: times.quantile_ms(1.0),
        }
    }
}

impl Run {
    /// How many requests did not go well.
    pub fn failed(&self) -> u64 {
        self.unanswered + self.problems.values().sum::<u64>()
    }

    /// What was measured under a schedule.
    pub fn new(schedule: Schedule, measured: &Measured) -> Self {
        let kinds = measured.kinds.iter().map(|(kind, answers)| {
            let count = answers.times.len();
            let mean_bytes = answers.bytes as f64 / count.max(1) as f64;
            (*kind, OfKind { answers: count, mean_bytes, latency: (&answers.times).into() })
        });
        let well = measured.times.len() - measured.failed();
        Run {
            rate: schedule.rate,
            seconds: schedule.time.as_secs_f64(),
            answered_per_second: well as f64 / measured.took.max(schedule.time).as_secs_f64(),
            latency: (&measured.times).into(),
            late: (&measured.late).into(),
            kinds: kinds.collect(),
            problems: measured.problems.clone(),
            unanswered: measured.unanswered,
        }
    }
}

impl Report {
    /// Tables for people.
    pub fn table(&self) -> String {
        let mut text = self.data.as_ref().map(Staged::sentence).unwrap_or_default();
        let _ = writeln!(text, "{:?} from {} readers over {} connections.", self.mix, self.readers, self.connections);
        if !self.tried.is_empty() {
            text.push_str("\n| requests a second | p99, ms | failed | kept up |\n|---|---|---|---|\n");
            for tried in &self.tried {
                let kept_up = if tried.kept_up { "yes" } else { "no" };
                let _ =
                    writeln!(text, "| {:.0} | {} | {} | {kept_up} |", tried.rate, figure(tried.p99_ms), tried.failed);
            }
        }
        if let Some(highest) = self.highest_rate {
            let _ = writeln!(text, "\nThe highest rate that the server kept up with: {highest:.0} requests a second.");
        }
        if let Some(run) = &self.run {
            run.table(&mut text);
        }
        if let Some(beside) = &self.beside {
            beside.table(&mut text);
        }
        text
    }
}

impl Run {
    fn table(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{:.0} requests a second were due for {:.0} s, {:.0} a second were answered.\n",
            self.rate, self.seconds, self.answered_per_second
        );
        text.push_str(
            "| milliseconds from when they were due | answers | bytes | mean | p50 | p90 | p99 | p99.9 | max |\n",
        );
        text.push_str("|---|---|---|---|---|---|---|---|---|\n");
        for (kind, of_kind) in &self.kinds {
            let (name, bytes) = (format!("{kind:?}"), format!("{:.0}", of_kind.mean_bytes));
            row(&name, &of_kind.answers.to_string(), &bytes, of_kind.latency, text);
        }
        row("all", "", "", self.latency, text);
        row("before they were sent", "", "", self.late, text);
        for (problem, count) in &self.problems {
            let _ = writeln!(text, "\n{count} went wrong: {problem}");
        }
        if self.unanswered > 0 {
            let _ = writeln!(text, "\n{} were not answered", self.unanswered);
        }
    }
}

fn row(name: &str, answers: &str, bytes: &str, latency: Latency, text: &mut String) {
    let Latency { mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, max_ms } = latency;
    let figures = [mean_ms, p50_ms, p90_ms, p99_ms, p999_ms, max_ms].map(figure).join(" | ");
    let _ = writeln!(text, "| {name} | {answers} | {bytes} | {figures} |");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::run::Answers;

    #[test]
    fn what_failed_counts_in_the_latency_and_not_in_the_rate() {
        let schedule = Schedule { rate: 100.0, warm_up: Duration::ZERO, time: Duration::from_secs(1) };
        let mut measured = Measured { took: Duration::from_millis(999), ..Measured::default() };
        let mut answers = Answers { bytes: 9800, ..Answers::default() };
        for number in 0..100 {
            let took = Duration::from_millis(if number < 98 { 1 } else { 50 });
            measured.times.record(took);
            if number < 98 {
                answers.times.record(took);
            }
        }
        measured.kinds.insert(Kind::HomeFeed, answers);
        measured.problems.insert("503".to_owned(), 1);
        measured.unanswered = 1;
        let run = Run::new(schedule, &measured);
        assert_eq!(run.answered_per_second, 98.0);
        assert!(run.latency.p99_ms > 49.0 && run.kinds[&Kind::HomeFeed].latency.max_ms < 1.1);
        assert_eq!(run.kinds[&Kind::HomeFeed].mean_bytes, 100.0);

        let report = Report {
            mix: Mix::Mixed,
            data: None,
            readers: 7,
            connections: 2,
            tried: vec![Tried { rate: 100.0, p99_ms: 50.0, failed: 2, kept_up: false }],
            highest_rate: Some(0.0),
            run: Some(run),
            beside: None,
        };
        let table = report.table();
        assert!(table.contains("| HomeFeed | 98 | 100 | 1.00 |") && table.contains("1 went wrong: 503"), "{table}");
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!((&json["mix"], &json["run"]["kinds"]["home_feed"]["answers"]), (&"mixed".into(), &98.into()));
        assert_eq!(json["tried"][0]["kept_up"], false);
    }
}
