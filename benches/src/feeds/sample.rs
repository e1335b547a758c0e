//! Whom readers follow and who follows authors: parts of a generated graph that is never all there at once.

use std::collections::HashMap;
use std::io::BufReader;
use std::ops::RangeInclusive;
use std::thread;

use graph_store::adjacency::{Encoding, encode};
use graph_store::generate::{GraphSpec, generate};
use graph_store::import::binary::EdgeReader;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use roaring::RoaringBitmap;

use crate::progress::Progress;

/// Followees of the readers whose reads are timed: some 200.
pub const FOLLOWEES: RangeInclusive<usize> = 190..=250;

/// What is kept of a graph.
#[derive(Debug)]
pub struct Sample {
    /// Follows of the whole graph.
    pub follows: u64,
    /// The active readers.
    pub active: RoaringBitmap,
    /// How many of these follow somebody.
    pub active_followers: Vec<u32>,
    /// Who follows some authors: lists as they lie in a store's segments.
    pub followers: HashMap<u32, Vec<u8>>,
    followees: Followees,
}

/// The lists of some users.
#[derive(Debug, Default)]
struct Followees {
    /// Each user, ascending, and where their list ends.
    ends: Vec<(u32, usize)>,
    ids: Vec<u32>,
}

impl Sample {
    /// Generates a graph, and keeps the lists of some active readers, drawn from all users, and the followers of `authors`.
    ///
    /// # Errors
    ///
    /// What the system says of a pipe.
    pub fn draw(spec: &GraphSpec, active: u32, authors: &RoaringBitmap) -> anyhow::Result<Self> {
        let mut sample = Sample {
            follows: 0,
            active: some_of(spec.users(), active, spec.seed()),
            active_followers: vec![0; spec.users() as usize],
            followers: HashMap::new(),
            followees: Followees::default(),
        };
        let (from, to) = std::io::pipe()?;
        thread::scope(|scope| {
            let generated = scope.spawn(|| generate(spec, to, &|_, _| {}));
            let read = sample.read(EdgeReader::new(BufReader::with_capacity(1 << 20, from))?, authors);
            let generated = generated.join().map_err(|_| anyhow::anyhow!("the generator panicked"))?;
            // Where reading ended early the generator only says that nobody reads.
            read?;
            sample.follows = generated?.edges;
            Ok(sample)
        })
    }

    fn read(&mut self, edges: EdgeReader<impl std::io::Read>, authors: &RoaringBitmap) -> anyhow::Result<()> {
        let total = edges.edges_promised().unwrap_or_default();
        let progress = Progress::new("graph", total);
        let is_author = bits(authors, self.active_followers.len());
        let is_active = bits(&self.active, self.active_followers.len());
        let mut followers: HashMap<u32, Vec<u32>> = HashMap::new();
        for (done, edge) in (0..).zip(edges) {
            let edge = edge?;
            if is_active[edge.source as usize] {
                self.active_followers[edge.target as usize] += 1;
                self.followees.push(edge.source, edge.target);
            }
            if is_author[edge.target as usize] {
                followers.entry(edge.target).or_default().push(edge.source);
            }
            if done % (1 << 20) == 0 {
                progress.set(done, String::new);
            }
        }
        // Edges come in the order of their sources.
        self.followers = followers
            .into_iter()
            .map(|(author, followers)| {
                let mut list = Vec::new();
                encode(&followers, 0, Encoding::Auto, &mut list)?;
                Ok((author, list))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(())
    }

    /// The active readers and whom they follow; who follows nobody is left out.
    pub fn lists(&self) -> impl Iterator<Item = (u32, &[u32])> {
        let starts = std::iter::once(0).chain(self.followees.ends.iter().map(|(_, end)| *end));
        starts.zip(&self.followees.ends).map(|(start, (user, end))| (*user, &self.followees.ids[start..*end]))
    }

    /// Whom a user follows, if that is kept; otherwise whom the next user follows whose list is. Nobody, where there is no list.
    pub fn followees_near(&self, user: u32) -> &[u32] {
        let Followees { ends, ids } = &self.followees;
        let place = ends.partition_point(|(other, _)| *other < user);
        let place = if place == ends.len() { 0 } else { place };
        let Some((_, end)) = ends.get(place) else { return &[] };
        let start = place.checked_sub(1).map_or(0, |before| ends[before].1);
        &ids[start..*end]
    }

    /// Whose reads are timed: at most so many of the active readers who follow about 200, spread over all of them.
    pub fn readers(&self, most: usize, seed: u64) -> RoaringBitmap {
        let fit = self.lists().filter(|(_, followees)| FOLLOWEES.contains(&followees.len()));
        let fit: Vec<u32> = fit.map(|(user, _)| user).collect();
        let chosen = index::sample(&mut ChaCha8Rng::seed_from_u64(seed), fit.len(), most.min(fit.len()));
        chosen.into_iter().map(|place| fit[place]).collect()
    }

    /// Authors with more active followers than that.
    pub fn over(&self, followers: u64) -> impl Iterator<Item = u32> {
        (0..).zip(&self.active_followers).filter(move |(_, count)| u64::from(**count) > followers).map(|(user, _)| user)
    }
}

impl Followees {
    fn push(&mut self, user: u32, followee: u32) {
        self.ids.push(followee);
        match self.ends.last_mut() {
            Some((last, end)) if *last == user => *end = self.ids.len(),
            _ => self.ends.push((user, self.ids.len())),
        }
    }
}

/// So many of all users, each as likely as any other.
pub fn some_of(users: u32, count: u32, seed: u64) -> RoaringBitmap {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    index::sample(&mut random, users as usize, count.min(users) as usize).into_iter().map(|user| user as u32).collect()
}

/// A set as one truth for each user: it is asked for each edge.
fn bits(set: &RoaringBitmap, users: usize) -> Vec<bool> {
    let mut bits = vec![false; users];
    for user in set {
        bits[user as usize] = true;
    }
    bits
}

#[cfg(test)]
mod tests {
    use graph_store::adjacency::List;

    use super::*;

    #[test]
    fn lists_are_those_of_the_graph() {
        let spec = GraphSpec::new(300, 40.0, 7).expect("there is such a graph");
        let authors: RoaringBitmap = (0..300).step_by(3).collect();
        let sample = Sample::draw(&spec, 100, &authors).expect("a sample");
        let mut file = Vec::new();
        generate(&spec, &mut file, &|_, _| {}).expect("a graph");
        let edges: Vec<_> = EdgeReader::new(&file[..]).expect("a header").map(|edge| edge.expect("an edge")).collect();
        assert_eq!((sample.follows, sample.active.len()), (edges.len() as u64, 100));
        for (user, followees) in sample.lists() {
            let expected = edges.iter().filter(|edge| edge.source == user).map(|edge| edge.target);
            assert!(sample.active.contains(user) && expected.eq(followees.iter().copied()));
            assert_eq!(sample.followees_near(user), followees);
        }
        assert_eq!(
            sample.lists().map(|(_, followees)| followees.len() as u32).sum::<u32>(),
            sample.active_followers.iter().sum::<u32>()
        );
        for (author, followers) in &sample.followers {
            assert!(authors.contains(*author));
            let expected: RoaringBitmap =
                edges.iter().filter(|edge| edge.target == *author).map(|edge| edge.source).collect();
            let list = List::parse(followers, 0).expect("a list");
            assert_eq!(list.to_bitmap(), Ok(expected.clone()));
            assert_eq!(sample.active_followers[*author as usize] as u64, (&expected & &sample.active).len());
        }
        let most = u64::from(*sample.active_followers.iter().max().expect("users"));
        assert_eq!((sample.over(most).count(), sample.over(most - 1).count() > 0), (0, true));
    }

    #[test]
    fn readers_follow_about_two_hundred() {
        let spec = GraphSpec::new(3_000, 200.0, 3).expect("there is such a graph");
        let sample = Sample::draw(&spec, 1_000, &RoaringBitmap::new()).expect("a sample");
        let all = sample.readers(usize::MAX, 1);
        let fit = |followees: &[u32]| FOLLOWEES.contains(&followees.len());
        assert!(sample.lists().all(|(user, followees)| all.contains(user) == fit(followees)));
        assert!(all.len() > 30 && all.is_subset(&sample.active), "{}", all.len());
        let some = sample.readers(20, 1);
        assert!(some.len() == 20 && some.is_subset(&all) && some == sample.readers(20, 1));
    }
}
