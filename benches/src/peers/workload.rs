//! The edges that every system is loaded with, the questions that it is asked, and what it must answer.
//!
//! The graph is cut out of one of ten million users. Nine tenths of the edges are the whole lists of ordinary users, as
//! `roost graph generate` makes them (200 followees on average, log-normal; popularity a power law), whose ids are spread
//! over all ten million. One tenth are followers of the most followed of them, drawn from all ids: a celebrity with a
//! million followers. Edges come in no order, each with a time of its own in five years.
//!
//! Pairs are asked about as edges are drawn: the more somebody follows, the more often. Half of them are edges. The
//! users of a batch are asked about one who follows perhaps, half of them out of their list as far as it goes.
//! Intersections with the celebrity's followers are asked for ordinary lists.

use std::ops::Range;

use anyhow::Context;
use graph_store::generate::{GraphSpec, TIMES_END, TIMES_START, generate};
use graph_store::import::binary::{EdgeReader, EdgeWriter, EncodedEdges};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Followees of an ordinary user, on average.
const MEAN_FOLLOWEES: u32 = 200;
/// Followees of those who ask about a celebrity: ordinary ones.
const READER_FOLLOWEES: Range<usize> = 100..400;
/// Questions of each kind, which are asked over and over.
const QUESTIONS: usize = 4096;
/// Users of one batch.
pub const BATCH: usize = 100;
/// Entries of one page.
pub const PAGE: usize = 100;

/// An edge and since when it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// Who follows.
    pub source: u32,
    /// Who is followed.
    pub target: u32,
    /// Seconds since 1970.
    pub time: u32,
}

/// What can be asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Does one follow the other?
    IsFollowing,
    /// Which of 100 does one follow?
    Batch,
    /// 100 followers of a celebrity.
    Page,
    /// Whom does one follow who follows the celebrity?
    Common,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 4] = [Kind::IsFollowing, Kind::Batch, Kind::Page, Kind::Common];

    /// As it is called in the report.
    pub fn name(self) -> &'static str {
        match self {
            Kind::IsFollowing => "is_following",
            Kind::Batch => "batch_of_100",
            Kind::Page => "page_of_100_celebrity_followers",
            Kind::Common => "followees_who_follow_celebrity",
        }
    }
}

/// Something to ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// Which of `targets` does `source` follow? One target for [`Kind::IsFollowing`], 100 for [`Kind::Batch`].
    Following {
        /// Who follows, perhaps.
        source: u32,
        /// Whom.
        targets: Vec<u32>,
    },
    /// The first followers of a user.
    Page {
        /// Who is followed.
        user: u32,
    },
    /// Whom does `reader` follow who follows `user`?
    Common {
        /// Who follows.
        reader: u32,
        /// Who is followed.
        user: u32,
    },
}

/// In which order a system gives a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageOrder {
    /// The newest first.
    NewestFirst,
    /// By id.
    ById,
    /// As they lie there; about as many as were asked for.
    Any,
}

/// The edges and the questions.
#[derive(Debug)]
pub struct Workload {
    /// In no order, each once.
    pub edges: Vec<Edge>,
    /// Sources and targets, in order.
    forward: Vec<(u32, u32)>,
    /// The most followed user.
    pub celebrity: u32,
    /// The celebrity's followers, by id.
    followers: Vec<u32>,
    /// The times of the newest of them, newest first.
    newest: Vec<u32>,
    questions: [Vec<Question>; 4],
}

impl Workload {
    /// About `edges` edges between ids below `ids`, about `celebrity` of them to one user.
    pub fn new(edges: u32, ids: u32, celebrity: u32, seed: u64) -> anyhow::Result<Self> {
        let users = (edges.saturating_sub(celebrity) / MEAN_FOLLOWEES).max(2 * MEAN_FOLLOWEES);
        anyhow::ensure!(users <= ids / 2 && celebrity < ids / 2, "fewer than two ids for each user");
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut edges = ordinary(users, ids, &mut random, seed)?;
        let celebrity_user = most_followed(&edges).context("no edges")?;
        add_followers(&mut edges, celebrity_user, celebrity, ids, &mut random);
        edges.shuffle(&mut random);

        let mut forward: Vec<_> = edges.iter().map(|edge| (edge.source, edge.target)).collect();
        forward.sort_unstable();
        let of_celebrity = edges.iter().filter(|edge| edge.target == celebrity_user);
        let mut newest: Vec<u32> = of_celebrity.clone().map(|edge| edge.time).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        newest.truncate(PAGE);
        let mut followers: Vec<u32> = of_celebrity.map(|edge| edge.source).collect();
        followers.sort_unstable();
        let mut workload =
            Workload { edges, forward, celebrity: celebrity_user, followers, newest, questions: Default::default() };
        workload.questions = workload.ask(&mut random)?;
        Ok(workload)
    }

    /// The questions of a kind.
    pub fn questions(&self, kind: Kind) -> &[Question] {
        &self.questions[kind as usize]
    }

    /// How many follow the celebrity.
    pub fn celebrity_followers(&self) -> usize {
        self.followers.len()
    }

    /// The edges as a binary edge list.
    pub fn binary(&self, times: bool, out: impl std::io::Write) -> anyhow::Result<()> {
        let mut encoded = EncodedEdges::with_capacity(self.edges.len(), times);
        self.edges.iter().for_each(|edge| encoded.push(edge.source, edge.target, edge.time));
        let mut writer = EdgeWriter::new(out, times, Some(self.edges.len() as u64))?;
        writer.append(&encoded)?;
        writer.finish()?;
        Ok(())
    }

    /// Whether an answer is right; those without an order may come in any.
    pub fn is_right(&self, question: &Question, answer: &[u32], order: PageOrder) -> bool {
        let mut sorted = answer.to_vec();
        sorted.sort_unstable();
        match question {
            Question::Following { source, targets } => {
                let mut expected: Vec<u32> = targets.clone();
                expected.retain(|target| self.follows(*source, *target));
                expected.sort_unstable();
                expected.dedup();
                sorted.dedup();
                sorted == expected
            }
            Question::Common { reader, user } => {
                let expected = self.followees(*reader).iter().map(|(_, target)| *target);
                sorted.into_iter().eq(expected.filter(|target| self.follows(*target, *user)))
            }
            Question::Page { .. } => match order {
                PageOrder::ById => answer == &self.followers[..PAGE.min(self.followers.len())],
                PageOrder::Any => answer.len() >= PAGE.min(self.followers.len()) && self.all_follow(answer),
                // Those who came in the same second may stand in any order.
                PageOrder::NewestFirst => {
                    let mut times = self.times_of(&sorted);
                    times.sort_unstable_by(|a, b| b.cmp(a));
                    times == self.newest && self.all_follow(answer)
                }
            },
        }
    }

    fn follows(&self, source: u32, target: u32) -> bool {
        self.forward.binary_search(&(source, target)).is_ok()
    }

    fn all_follow(&self, users: &[u32]) -> bool {
        users.iter().all(|user| self.followers.binary_search(user).is_ok())
    }

    /// Since when these, in order, follow the celebrity.
    fn times_of(&self, users: &[u32]) -> Vec<u32> {
        let of_celebrity = self.edges.iter().filter(|edge| edge.target == self.celebrity);
        of_celebrity.filter(|edge| users.binary_search(&edge.source).is_ok()).map(|edge| edge.time).collect()
    }

    /// The edges from a user, in order.
    fn followees(&self, user: u32) -> &[(u32, u32)] {
        let start = self.forward.partition_point(|edge| edge.0 < user);
        let len = self.forward[start..].partition_point(|edge| edge.0 == user);
        &self.forward[start..start + len]
    }

    fn ask(&self, random: &mut ChaCha8Rng) -> anyhow::Result<[Vec<Question>; 4]> {
        let lists = self.forward.chunk_by(|a, b| a.0 == b.0);
        let readers: Vec<_> = lists.filter(|list| READER_FOLLOWEES.contains(&list.len())).collect();
        anyhow::ensure!(!readers.is_empty(), "no ordinary lists: ask for more edges");
        let mut of_kind = [const { Vec::new() }; 4];
        let any_edge = |random: &mut ChaCha8Rng| self.forward[random.random_range(0..self.forward.len())];
        for i in 0..QUESTIONS {
            // Half of the pairs are edges, half are not, as a rule.
            let (source, target) = any_edge(random);
            let target = if i % 2 == 0 { target } else { any_edge(random).0 };
            of_kind[Kind::IsFollowing as usize].push(Question::Following { source, targets: vec![target] });
            let followees = self.followees(any_edge(random).0);
            let mut targets: Vec<u32> = followees.sample(random, BATCH / 2).map(|edge| edge.1).collect();
            while targets.len() < BATCH {
                let other = any_edge(random).0;
                if !targets.contains(&other) {
                    targets.push(other);
                }
            }
            targets.shuffle(random);
            of_kind[Kind::Batch as usize].push(Question::Following { source: followees[0].0, targets });
            let reader = readers[random.random_range(0..readers.len())][0].0;
            of_kind[Kind::Common as usize].push(Question::Common { reader, user: self.celebrity });
        }
        of_kind[Kind::Page as usize].push(Question::Page { user: self.celebrity });
        Ok(of_kind)
    }
}

/// The whole lists of some users, whose ids are spread over all.
fn ordinary(users: u32, ids: u32, random: &mut ChaCha8Rng, seed: u64) -> anyhow::Result<Vec<Edge>> {
    let mut bytes = Vec::new();
    generate(&GraphSpec::new(users, MEAN_FOLLOWEES.into(), seed)?.with_times(), &mut bytes, &|_, _| {})?;
    let apart = ids / users;
    let spread: Vec<u32> = (0..users).map(|user| user * apart + random.random_range(0..apart)).collect();
    let edges = EdgeReader::new(&bytes[..])?.map(|edge| {
        let edge = edge?;
        let (source, target) = (spread[edge.source as usize], spread[edge.target as usize]);
        Ok(Edge { source, target, time: edge.time.context("an edge without a time")? })
    });
    edges.collect()
}

fn most_followed(edges: &[Edge]) -> Option<u32> {
    let mut targets: Vec<u32> = edges.iter().map(|edge| edge.target).collect();
    targets.sort_unstable();
    targets.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).map(|same| same[0])
}

/// Lets about `wanted` users in all follow one of them.
fn add_followers(edges: &mut Vec<Edge>, user: u32, wanted: u32, ids: u32, random: &mut ChaCha8Rng) {
    let mut followers: Vec<u32> = edges.iter().filter(|edge| edge.target == user).map(|edge| edge.source).collect();
    followers.sort_unstable();
    let missing = wanted.saturating_sub(followers.len() as u32);
    let Some(apart) = ids.checked_div(missing) else { return };
    for place in 0..missing {
        let source = place * apart + random.random_range(0..apart);
        let time = random.random_range(TIMES_START..TIMES_END);
        if source != user && followers.binary_search(&source).is_err() {
            edges.push(Edge { source, target: user, time });
        }
    }
}
