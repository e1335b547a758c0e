//! What is to be reached beside another system, and what was.

use std::fmt::Write;

use serde::Serialize;

/// How many times better Roost is to be, and is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Goal {
    /// In what.
    pub name: &'static str,
    /// At least.
    pub at_least: f64,
    /// Against the better of those that it is measured against.
    pub measured: f64,
}

/// A table of them for people, under the heading of its first column.
pub fn table(heading: &str, goals: &[Goal]) -> String {
    let mut text = format!("| {heading} | at least | measured |\n|---|---|---|\n");
    for goal in goals {
        let _ = writeln!(text, "| {} | {}x | {:.1}x |", goal.name, goal.at_least, goal.measured);
    }
    text
}

/// Three digits or more.
pub fn figure(value: f64) -> String {
    match value {
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}
