//! How often hidden followees are suggested: `roost analytics who-to-follow` beside two ways that everybody knows.
//!
//! Of some people one followee each is taken away, drawn at random with a seed. A way *hits* if the one is among the first
//! ten that it suggests. Beside our job, with its default parameters, are:
//!
//! - `most_followed`: those with the most followers, the same for all but for whom one follows already;
//! - `most_common`: those whom the most of one's followees follow.
//!
//! Last everybody gets suggestions, which is timed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use analytics::graph::Buffer;
use analytics::jobs::{WhoToFollow, who_to_follow};
use analytics::{Csr, Graph, JobError, Run, RunOptions};
use base::Direction;
use benches::edges::Edges;
use clap::Parser;
use rand::SeedableRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

const GRAPH: &str = "ego-twitter/ego-twitter.el.gz";
/// Whoever follows fewer keeps them.
const FOLLOWEES_MIN: usize = 2;
/// Suggestions among which the hidden followee has to be.
const TOP: usize = 10;

/// Hit rates of who-to-follow. Prints one JSON object.
#[derive(Parser)]
struct Args {
    /// The folder of the datasets.
    #[arg(long, env = "ROOST_TEST_DATA", default_value = "../shared/data")]
    data: PathBuf,
    /// People of whom a followee is hidden.
    #[arg(long, default_value_t = 5000)]
    people: usize,
    /// What the choice of people and followees follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A graph in which followees are missing, and whom they are missing to.
struct Trial {
    graph: Csr,
    hidden: BTreeMap<u32, u32>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let edges = Edges::read(&args.data.join(GRAPH))?;
    let trial = Trial::new(&edges, args.people, args.seed);
    let run = Run::new(RunOptions::default())?;
    let parameters = WhoToFollow { top: TOP, ..WhoToFollow::default() };
    let users: Vec<u32> = trial.hidden.keys().copied().collect();

    let ours = |parameters| {
        let suggested = who_to_follow(&trial.graph, &users, &parameters, &run)?.into_vectors();
        let vertices = suggested.iter().map(|list| list.iter().map(|scored| scored.vertex).collect());
        Ok::<Vec<Vec<u32>>, JobError>(vertices.collect())
    };
    let (suggested, unpreferred) = (ours(parameters)?, ours(WhoToFollow { reciprocity: 1.0, ..parameters })?);
    let popular = trial.by_followers()?;
    let most_followed = trial.each(|user| trial.first_new(user, popular.iter().copied()))?;
    let most_common = trial.each(|user| trial.most_common(user))?;
    let rates = [&suggested, &unpreferred, &most_followed, &most_common].map(|suggested| trial.hit_rate(suggested));

    let everybody: Vec<u32> = (0..trial.graph.vertices()).collect();
    let started = Instant::now();
    who_to_follow(&trial.graph, &everybody, &parameters, &run)?;
    let report = json!({
        "graph": GRAPH,
        "people": users.len(),
        "seed": args.seed,
        "hit_rate": {
            "who_to_follow": rates[0],
            "without_reciprocity": rates[1],
            "most_followed": rates[2],
            "most_common": rates[3],
        },
        "over_the_better_baseline": rates[0] / rates[2].max(rates[3]),
        "users": everybody.len(),
        "seconds_for_all": started.elapsed().as_secs_f64(),
        "threads": run.threads(),
    });
    println!("{report:#}");
    Ok(())
}

impl Trial {
    fn new(edges: &Edges, people: usize, seed: u64) -> Trial {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut followees: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        edges.pairs().iter().for_each(|(source, target)| followees.entry(*source).or_default().push(*target));
        followees.values_mut().for_each(|followees| followees.sort_unstable());
        let eligible = followees.iter().filter(|(_, followees)| followees.len() >= FOLLOWEES_MIN);
        let chosen = eligible.sample(&mut random, people);
        let hidden: BTreeMap<u32, u32> =
            chosen.into_iter().filter_map(|(user, followees)| Some((*user, *followees.choose(&mut random)?))).collect();
        let is_left = |(source, target): &&(u32, u32)| hidden.get(source) != Some(target);
        let left: Vec<_> = edges.pairs().iter().filter(is_left).copied().collect();
        Trial { graph: Csr::from_edges(edges.users(), &left), hidden }
    }

    /// What a way suggests to each of those who miss somebody.
    fn each(&self, suggest: impl Fn(u32) -> Result<Vec<u32>, JobError>) -> Result<Vec<Vec<u32>>, JobError> {
        self.hidden.keys().map(|user| suggest(*user)).collect()
    }

    fn hit_rate(&self, suggested: &[Vec<u32>]) -> f64 {
        let hits = self.hidden.values().zip(suggested).filter(|(hidden, suggested)| suggested.contains(hidden));
        hits.count() as f64 / self.hidden.len() as f64
    }

    /// The first whom a user neither is nor follows.
    fn first_new(&self, user: u32, candidates: impl Iterator<Item = u32>) -> Result<Vec<u32>, JobError> {
        let followees = self.list(Direction::Forward, user)?;
        Ok(candidates.filter(|other| *other != user && !followees.contains(other)).take(TOP).collect())
    }

    /// Everybody by followers, the most followed first.
    fn by_followers(&self) -> Result<Vec<u32>, JobError> {
        let mut by_followers = Vec::new();
        for user in 0..self.graph.vertices() {
            by_followers.push((std::cmp::Reverse(self.graph.degree(Direction::Reverse, user)?), user));
        }
        by_followers.sort_unstable();
        Ok(by_followers.into_iter().map(|(_, user)| user).collect())
    }

    fn most_common(&self, user: u32) -> Result<Vec<u32>, JobError> {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for followee in self.list(Direction::Forward, user)? {
            for candidate in self.list(Direction::Forward, followee)? {
                *counts.entry(candidate).or_default() += 1;
            }
        }
        let mut candidates: Vec<_> = counts.into_iter().collect();
        candidates.sort_by_key(|(candidate, count)| (std::cmp::Reverse(*count), *candidate));
        self.first_new(user, candidates.into_iter().map(|(candidate, _)| candidate))
    }

    fn list(&self, direction: Direction, user: u32) -> Result<BTreeSet<u32>, JobError> {
        Ok(self.graph.neighbours(direction, user, &mut Buffer::default())?.iter().copied().collect())
    }
}
