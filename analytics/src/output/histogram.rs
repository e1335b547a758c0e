//! How numbers are spread, as bars that a terminal can show.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// Bars at the most, those of zeros and of infinite numbers aside.
const BARS_MAX: i32 = 20;
/// Characters of the longest bar.
const WIDTH: u64 = 40;

/// How many numbers lie where. Few different whole numbers have a bar each; others share one for each power of two, or
/// for as many powers as it takes.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Histogram {
    /// Ascending; bars in between that count nothing are there too.
    pub bars: Vec<Bar>,
    /// Infinite numbers: whoever cannot be reached.
    pub infinite: u64,
}

/// The numbers of one range.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Bar {
    /// The least number that belongs here.
    pub from: f64,
    /// The least greater one that does not; the same as `from` where only that number does.
    pub to: f64,
    /// How many there are.
    pub count: u64,
}

impl Histogram {
    /// Of numbers that are not negative.
    pub fn of(numbers: impl Iterator<Item = f64> + Clone) -> Histogram {
        let infinite = numbers.clone().filter(|number| number.is_infinite()).count() as u64;
        let numbers = numbers.filter(|number| number.is_finite());
        let (least, greatest) = numbers.clone().fold((f64::INFINITY, 0.0), |(least, greatest): (f64, f64), number| {
            (least.min(number), greatest.max(number))
        });
        let bars = if greatest - least < f64::from(BARS_MAX) && numbers.clone().all(|number| number.fract() == 0.0) {
            by_number(numbers, least, greatest)
        } else {
            by_power(numbers)
        };
        Histogram { bars, infinite }
    }
}

fn by_number(numbers: impl Iterator<Item = f64>, least: f64, greatest: f64) -> Vec<Bar> {
    if least > greatest {
        return Vec::new();
    }
    let mut counts = vec![0; (greatest - least) as usize + 1];
    numbers.for_each(|number| counts[(number - least) as usize] += 1);
    let bar = |(count, idx): (u64, u32)| Bar { from: least + f64::from(idx), to: least + f64::from(idx), count };
    counts.into_iter().zip(0..).map(bar).collect()
}

fn by_power(numbers: impl Iterator<Item = f64>) -> Vec<Bar> {
    let (mut zeros, mut powers) = (0, BTreeMap::<i32, u64>::new());
    for number in numbers {
        if number == 0.0 { zeros += 1 } else { *powers.entry(number.log2().floor() as i32).or_default() += 1 }
    }
    let zeros = (zeros > 0).then_some(Bar { from: 0.0, to: 0.0, count: zeros });
    let ends = powers.first_key_value().zip(powers.last_key_value());
    let (first, last) = ends.map_or((0, -1), |((first, _), (last, _))| (*first, *last));
    let step = ((last - first) / BARS_MAX + 1).max(1);
    let bar = |power: i32| {
        let count = powers.range(power..power + step).map(|(_, count)| count).sum();
        Bar { from: f64::from(power).exp2(), to: f64::from(power + step).exp2(), count }
    };
    zeros.into_iter().chain((first..=last).step_by(step as usize).map(bar)).collect()
}

/// One line for each bar.
impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.bars.iter().map(|bar| bar.count).chain([self.infinite, 1]).max().unwrap_or(1);
        let mut line = |range: String, count: u64| {
            let width = (count * WIDTH).div_ceil(most) as usize;
            writeln!(f, "{range:>23}  {count:>12}  {}", "█".repeat(width))
        };
        for Bar { from, to, count } in &self.bars {
            line(if from == to { short(*from) } else { format!("{} to {}", short(*from), short(*to)) }, *count)?;
        }
        if self.infinite > 0 { line("not reached".to_owned(), self.infinite) } else { Ok(()) }
    }
}

fn short(number: f64) -> String {
    if number == 0.0 || (0.001..1e7).contains(&number) && number.fract() == 0.0 {
        format!("{number}")
    } else {
        format!("{number:.3e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(numbers: &[f64]) -> Vec<(f64, f64, u64)> {
        Histogram::of(numbers.iter().copied()).bars.iter().map(|bar| (bar.from, bar.to, bar.count)).collect()
    }

    #[test]
    fn few_whole_numbers_have_a_bar_each() {
        assert_eq!(bars(&[2.0, 4.0, 4.0]), [(2.0, 2.0, 1), (3.0, 3.0, 0), (4.0, 4.0, 2)]);
        assert_eq!(bars(&[]), []);
        assert_eq!(Histogram::of([1.0, f64::INFINITY].into_iter()).infinite, 1);
    }

    #[test]
    fn many_share_a_bar_for_each_power_of_two() {
        assert_eq!(
            bars(&[0.0, 1.0, 3.0, 2.0, 9.0, 40.0]),
            [
                (0.0, 0.0, 1),
                (1.0, 2.0, 1),
                (2.0, 4.0, 2),
                (4.0, 8.0, 0),
                (8.0, 16.0, 1),
                (16.0, 32.0, 0),
                (32.0, 64.0, 1)
            ]
        );
        assert_eq!(bars(&[0.25, 0.3, 0.6]), [(0.25, 0.5, 2), (0.5, 1.0, 1)]);
    }

    #[test]
    fn a_wide_range_has_no_more_bars_than_fit() {
        let numbers: Vec<f64> = (0..200).map(|power| f64::from(power - 100).exp2()).collect();
        let bars = bars(&numbers);
        assert!(bars.len() <= BARS_MAX as usize + 1, "{}", bars.len());
        assert_eq!(bars.iter().map(|(_, _, count)| count).sum::<u64>(), 200);
    }
}
