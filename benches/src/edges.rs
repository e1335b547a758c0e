//! The edges of a graph in memory, under ids that one can choose.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::Path;

use graph_store::import::binary::{EdgeWriter, EncodedEdges};
use graph_store::import::parse;
use graph_store::import::source::Source;
use graph_store::reorder::{EdgeArrays, Order, reorder};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Edges between users who have ids from 0 on without gaps.
#[derive(Clone, Debug)]
pub struct Edges {
    users: u32,
    /// Sources and targets.
    edges: Vec<(u32, u32)>,
}

impl Edges {
    /// Reads an edge list in text; ids are given out in the order of those in the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line is malformed.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let pairs: Vec<[u64; 2]> = parse::Edges::new(Source::open(path)?).collect::<Result<_, _>>()?;
        let external_ids: BTreeSet<u64> = pairs.iter().flatten().copied().collect();
        let external_ids: Vec<u64> = external_ids.into_iter().collect();
        // Each id is among them.
        let id = |external_id| external_ids.partition_point(|other| *other < external_id) as u32;
        let edges = pairs.into_iter().map(|[source, target]| (id(source), id(target))).collect();
        Ok(Edges { users: u32::try_from(external_ids.len())?, edges })
    }

    /// How many users there are.
    pub fn users(&self) -> u32 {
        self.users
    }

    /// Sources and targets, in the order of the file.
    pub fn pairs(&self) -> &[(u32, u32)] {
        &self.edges
    }

    /// The same under random ids.
    pub fn permuted(self, seed: u64) -> Self {
        let mut new_ids: Vec<u32> = (0..self.users).collect();
        new_ids.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        self.under(&new_ids)
    }

    /// The same under ids that are put in order.
    ///
    /// # Errors
    ///
    /// There are too many users for that.
    pub fn reordered(self, order: Order) -> anyhow::Result<Self> {
        let graph = EdgeArrays::new(self.users, &self.edges);
        let new_ids = reorder(&graph, order, usize::MAX, &|_| ControlFlow::Continue(()))?;
        Ok(self.under(&new_ids))
    }

    /// Writes them as a binary edge list.
    ///
    /// # Errors
    ///
    /// What the disk said.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut encoded = EncodedEdges::with_capacity(self.edges.len(), false);
        for (source, target) in &self.edges {
            encoded.push(*source, *target, 0);
        }
        let mut writer = EdgeWriter::new(BufWriter::new(File::create(path)?), false, Some(self.edges.len() as u64))?;
        writer.append(&encoded)?;
        writer.finish()?;
        Ok(())
    }

    fn under(mut self, new_ids: &[u32]) -> Self {
        for (source, target) in &mut self.edges {
            (*source, *target) = (new_ids[*source as usize], new_ids[*target as usize]);
        }
        self
    }
}
