//! Edges as they come out of a file, some at a time.

/// Edges by the external ids of their ends.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct EdgeBatch {
    /// Source and target of each.
    pub edges: Vec<(u64, u64)>,
    /// The time of each, in seconds since 1970; empty where the file has none.
    pub times: Vec<u32>,
    /// The weight of each, finite; empty where the file has none.
    pub weights: Vec<f64>,
}

impl EdgeBatch {
    /// Takes all edges out, and keeps the room.
    pub fn clear(&mut self) {
        self.edges.clear();
        self.times.clear();
        self.weights.clear();
    }

    /// Appends an edge of a file that has times and weights for each edge or for none.
    #[inline]
    pub fn push(&mut self, source: u64, target: u64, time: Option<u32>, weight: Option<f64>) {
        self.edges.push((source, target));
        self.times.extend(time);
        self.weights.extend(weight);
    }
}
