//! How long many things took.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies are told to three digits.
const DIGITS: u8 = 3;

/// Durations, of which any quantile can be asked for.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Times(Histogram::new(DIGITS).expect("up to five digits can be told"))
    }
}

impl Times {
    /// Takes one in.
    pub fn record(&mut self, took: Duration) {
        // It grows as it needs; only what no memory could hold is refused.
        let _ = self.0.record(took.as_nanos() as u64);
    }

    /// Takes in all of another.
    pub fn extend(&mut self, other: &Times) {
        // Both have the same digits, and grow as they need.
        let _ = self.0.add(&other.0);
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Milliseconds that such a share did not exceed.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1e6
    }

    /// The mean, in milliseconds.
    pub fn mean_ms(&self) -> f64 {
        self.0.mean() / 1e6
    }
}
