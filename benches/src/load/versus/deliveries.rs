//! What Roost delivers, in this process: the code of [`feeds`](crate::feeds), over a graph as large as that of the comparison and with as
//! many followees, of whose users a third are active. Each delivery has its recipient found, which Redis is told.

use anyhow::Context;
use clap::Parser;

use super::report::Served;
use crate::feeds::Wanted;
use crate::load::stage::Staged;

/// Flags of `feeds`.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    wanted: Wanted,
}

/// Deliveries in a second of a core's time.
///
/// # Errors
///
/// Among others, nobody follows as many as those whose reads `feeds` times.
pub fn deliver(staged: &Staged) -> anyhow::Result<Served> {
    let report = wanted(staged)?.measure().context("Roost's deliveries")?;
    let per_second = report.memory.fanout_deliveries_per_second_per_core;
    Ok(Served { name: "roost_deliveries", per_second, core_share: 1.0 })
}

/// As `feeds` would be asked, for deliveries alone.
fn wanted(staged: &Staged) -> anyhow::Result<Wanted> {
    let Staged { users, mean_followees, seed, .. } = staged;
    let [users, mean_followees, seed] = [users.to_string(), mean_followees.to_string(), seed.to_string()];
    let flags = ["feeds", "--users", &users, "--mean-followees", &mean_followees, "--seed", &seed];
    // No service, and no more reads than show that feeds are right.
    let alone = ["--celebrity", "0", "--readers", "100"];
    Ok(Flags::try_parse_from(flags.into_iter().chain(alone))?.wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_those_of_the_feeds_of_such_a_graph() {
        let staged = Staged {
            users: 2_000,
            mean_followees: 200.0,
            seed: 5,
            follows: 0,
            import_seconds: 0.0,
            tweets: 0,
            tweets_per_second: 0.0,
        };
        let served = deliver(&staged).expect("it can be measured");
        assert!(served.per_second > 0.0 && served.per_second.is_finite(), "{served:?}");
        let few = Staged { mean_followees: 3.0, ..staged };
        let error = deliver(&few).expect_err("nobody follows two hundred");
        assert!(format!("{error:#}").contains("190 to 250"), "{error:#}");
    }
}
