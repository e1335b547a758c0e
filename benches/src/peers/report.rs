//! The figures of all systems side by side.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::system::Loaded;
use super::workload::{Kind, Workload};
use crate::goals::{self, Goal, figure};
use crate::wire::load::Latency;

/// What one system takes and gives.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Its name.
    pub system: &'static str,
    /// Whether it has the times of the edges.
    pub times: bool,
    /// From the first edge to the last that can be asked for.
    pub load_seconds: f64,
    /// The same as a rate.
    pub load_edges_per_second: f64,
    /// Both directions.
    pub memory_bytes_per_edge: f64,
    /// Both directions.
    pub disk_bytes_per_edge: f64,
    /// What is to be told of this system alone.
    pub notes: BTreeMap<&'static str, f64>,
    /// For each kind of question.
    pub asked: BTreeMap<&'static str, Asked>,
}

/// How fast questions of one kind are answered.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Asked {
    /// The server's own time for one.
    pub server_us: f64,
    /// From one client over loopback.
    #[serde(flatten)]
    pub latency: Latency,
    /// Over 64 connections, one request under way on each.
    pub throughput_per_second: f64,
}

/// Everything that is printed.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Edges of the graph.
    pub edges: usize,
    /// The ids that they are spread over.
    pub ids: u32,
    /// Followers of the celebrity.
    pub celebrity_followers: usize,
    /// Of each system, Roost's first.
    pub systems: Vec<Figures>,
    /// How many times better Roost is, by peer, times and figure.
    pub ratios: BTreeMap<&'static str, BTreeMap<&'static str, BTreeMap<String, f64>>>,
    /// What issue 3 asks for.
    pub goals: Vec<Goal>,
}

#[derive(Clone, Copy, PartialEq)]
enum Better {
    Less,
    More,
}

impl Figures {
    /// Those of loading; the questions are still to be asked.
    pub fn new(system: &'static str, times: bool, loaded: &Loaded, edges: usize) -> Self {
        let edges = edges as f64;
        Figures {
            system,
            times,
            load_seconds: loaded.seconds,
            load_edges_per_second: edges / loaded.seconds,
            memory_bytes_per_edge: loaded.memory_bytes as f64 / edges,
            disk_bytes_per_edge: loaded.disk_bytes as f64 / edges,
            notes: loaded.notes.clone(),
            asked: BTreeMap::new(),
        }
    }

    /// Name, value, and what is better, in the order of the table.
    fn flat(&self) -> Vec<(String, f64, Better)> {
        let mut flat = vec![
            ("memory_bytes_per_edge".to_owned(), self.memory_bytes_per_edge, Better::Less),
            ("disk_bytes_per_edge".to_owned(), self.disk_bytes_per_edge, Better::Less),
            ("load_edges_per_second".to_owned(), self.load_edges_per_second, Better::More),
        ];
        for kind in Kind::ALL.map(Kind::name) {
            if let Some(asked) = self.asked.get(kind) {
                flat.push((format!("{kind}.server_us"), asked.server_us, Better::Less));
                flat.push((format!("{kind}.p50_us"), asked.latency.p50_us, Better::Less));
                flat.push((format!("{kind}.p99_us"), asked.latency.p99_us, Better::Less));
                let throughput = asked.throughput_per_second;
                flat.push((format!("{kind}.throughput_per_second"), throughput, Better::More));
            }
        }
        flat
    }

    /// How many times better these are than those of a peer.
    fn ratios(&self, peer: &Figures) -> BTreeMap<String, f64> {
        let pairs = self.flat().into_iter().zip(peer.flat());
        pairs
            .map(|((name, ours, better), (_, theirs, _))| {
                (name, if better == Better::Less { theirs / ours } else { ours / theirs })
            })
            .collect()
    }
}

impl Report {
    /// Compares Roost with each of the others.
    pub fn new(workload: &Workload, ids: u32, systems: Vec<Figures>) -> Self {
        let mut ratios = BTreeMap::<_, BTreeMap<_, _>>::new();
        for ours in systems.iter().filter(|figures| figures.system == "roost") {
            for peer in systems.iter().filter(|peer| peer.system != "roost" && peer.times == ours.times) {
                ratios.entry(peer.system).or_default().insert(times_name(ours.times), ours.ratios(peer));
            }
        }
        let mut report = Report {
            edges: workload.edges.len(),
            ids,
            celebrity_followers: workload.celebrity_followers(),
            systems,
            ratios,
            goals: Vec::new(),
        };
        let sets = report.ratio("memory_bytes_per_edge", Some("redis"), Some(false));
        let tables = report.ratio("memory_bytes_per_edge", Some("postgresql"), Some(true));
        let common = Kind::Common.name();
        let any = |figure: &str| report.ratio(figure, None, None);
        report.goals = vec![
            Goal { name: "fewer bytes an edge than sets", at_least: 14.0, measured: sets },
            Goal { name: "fewer bytes an edge than tables with times", at_least: 8.0, measured: tables },
            Goal { name: "faster to load", at_least: 20.0, measured: any("load_edges_per_second") },
            Goal {
                name: "celebrity intersections, server time",
                at_least: 3.0,
                measured: any(&format!("{common}.server_us")),
            },
            Goal {
                name: "celebrity intersections, throughput",
                at_least: 3.0,
                measured: any(&format!("{common}.throughput_per_second")),
            },
            Goal {
                name: "batches of 100 pairs, throughput",
                at_least: 3.0,
                measured: any(&format!("{}.throughput_per_second", Kind::Batch.name())),
            },
        ];
        // A goal against a system that was left out is none.
        report.goals.retain(|goal| goal.measured.is_finite());
        report
    }

    /// The least ratio of a figure over these peers, with or without times.
    fn ratio(&self, figure: &str, peer: Option<&str>, times: Option<bool>) -> f64 {
        let peers = self.ratios.iter().filter(|(name, _)| peer.is_none_or(|peer| peer == **name));
        let ratios = peers.flat_map(|(_, by_times)| by_times);
        let ratios = ratios.filter(|(name, _)| times.is_none_or(|times| times_name(times) == **name));
        ratios.filter_map(|(_, figures)| figures.get(figure).copied()).fold(f64::INFINITY, f64::min)
    }

    /// Tables for people.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{} edges between ids spread over {}; a celebrity with {} followers.\n",
            self.edges, self.ids, self.celebrity_followers
        );
        for times in [false, true] {
            let systems: Vec<_> = self.systems.iter().filter(|figures| figures.times == times).collect();
            let Some((ours, peers)) = systems.split_first() else { continue };
            let _ = write!(text, "\n| {} | {} |", times_name(times), ours.system);
            peers.iter().for_each(|peer| _ = write!(text, " {} | better |", peer.system));
            let _ = writeln!(text, "\n|---|---|{}", "---|---|".repeat(peers.len()));
            let theirs: Vec<_> = peers.iter().map(|peer| (peer.flat(), ours.ratios(peer))).collect();
            for (row, (name, value, _)) in ours.flat().into_iter().enumerate() {
                let _ = write!(text, "| {name} | {} |", figure(value));
                for (figures, ratios) in &theirs {
                    let ratio = ratios.get(&name).copied().unwrap_or_default();
                    let _ = write!(text, " {} | {ratio:.1}x |", figure(figures[row].1));
                }
                text.push('\n');
            }
            for figures in systems {
                for (name, value) in &figures.notes {
                    let _ = writeln!(text, "\n{} {name}: {}", figures.system, figure(*value));
                }
            }
        }
        text.push('\n');
        text + &goals::table("goal, against the better peer", &self.goals)
    }
}

fn times_name(times: bool) -> &'static str {
    if times { "with_times" } else { "without_times" }
}
