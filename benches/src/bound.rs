//! The fewest bits that can tell one list from all others.

use std::f64::consts::PI;

/// Bits to name one of all sets of `len` ids out of `universe`: log2 of the binomial coefficient.
pub fn bits(universe: u64, len: u64) -> f64 {
    if len == 0 || len >= universe {
        return 0.0;
    }
    (ln_factorial(universe) - ln_factorial(len) - ln_factorial(universe - len)) / 2f64.ln()
}

/// The natural logarithm of n!, by Stirling's series; exact to some 10 digits from n = 1 on.
fn ln_factorial(n: u64) -> f64 {
    if n < 2 {
        return 0.0;
    }
    let n = n as f64;
    n * n.ln() - n + 0.5 * (2.0 * PI * n).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
        + 1.0 / (1260.0 * n.powi(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_small_lists_is_what_counting_says() {
        for (universe, len, sets) in [(4, 1, 4.0_f64), (5, 2, 10.0), (10, 3, 120.0), (52, 5, 2_598_960.0)] {
            assert!((bits(universe, len) - sets.log2()).abs() < 1e-3, "{len} of {universe}");
        }
        assert_eq!((bits(7, 0), bits(7, 7)), (0.0, 0.0));
    }
}
