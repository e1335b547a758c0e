//! The highest rate at which the server keeps up.

/// Looks for a rate: upwards in doubles until one fails, then between the best and the worst.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Search {
    next: f64,
    passed: Option<f64>,
    failed: Option<f64>,
}

/// Rates that are closer than this to one another are the same.
const PRECISION: f64 = 0.03;
/// A rate below this is none.
const LEAST: f64 = 1.0;

impl Search {
    /// Begins at a rate.
    pub fn from(rate: f64) -> Self {
        Search { next: rate.max(LEAST), passed: None, failed: None }
    }

    /// The rate to try; none once the highest is known.
    pub fn next(&self) -> Option<f64> {
        match (self.passed, self.failed) {
            (Some(passed), Some(failed)) if failed / passed <= 1.0 + PRECISION => None,
            (None, Some(failed)) if failed <= LEAST => None,
            _ => Some(self.next),
        }
    }

    /// Whether the server kept up with the rate that was tried.
    pub fn tell(&mut self, kept_up: bool) {
        *(if kept_up { &mut self.passed } else { &mut self.failed }) = Some(self.next);
        self.next = match (self.passed, self.failed) {
            (Some(passed), Some(failed)) => (passed * failed).sqrt(),
            (Some(passed), None) => passed * 2.0,
            (None, failed) => (failed.unwrap_or(self.next) / 2.0).max(LEAST),
        };
    }

    /// The highest rate that it kept up with so far.
    pub fn highest(&self) -> Option<f64> {
        self.passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_rate_is_found_from_above_and_from_below() {
        for start in [1.0, 100.0, 5500.0, 1e6] {
            let (mut search, mut tried) = (Search::from(start), 0);
            while let Some(rate) = search.next() {
                search.tell(rate <= 5432.0);
                tried += 1;
            }
            let highest = search.highest().expect("some rate passes");
            assert!((5432.0 / 1.031..=5432.0).contains(&highest), "{highest} from {start}");
            assert!(tried < 25, "{tried} from {start}");
        }
    }

    #[test]
    fn a_server_that_never_keeps_up_ends_the_search() {
        let mut search = Search::from(100.0);
        let tried = std::iter::from_fn(|| {
            let rate = search.next()?;
            search.tell(false);
            Some(rate)
        });
        assert_eq!(tried.last(), Some(1.0));
        assert_eq!(search.highest(), None);
    }
}
