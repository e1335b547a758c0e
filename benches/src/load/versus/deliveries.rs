//! What Roost delivers, in this process: the code of [`feeds`](crate::feeds), over a graph as large as that of the comparison and with as
//! many followees, of whose users a third are active. Each delivery has its recipient found, which Redis is told.

use anyhow::Context;
use clap::Parser;

use super::report::Served;
use crate::feeds::Wanted;
use crate::feeds::memory::NobodyToTime;
use crate::load::stage::Staged;

/// Flags of `feeds`.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    wanted: Wanted,
}

/// Deliveries in a second of a core's time; none where nobody follows as many as those whose reads `feeds` times, which is said.
///
/// # Errors
///
/// Feeds that are wrong, and flags that `feeds` does not take.
pub fn deliver(staged: &Staged) -> anyhow::Result<Option<Served>> {
    match wanted(staged)?.measure().context("Roost's deliveries") {
        Ok(report) => {
            let per_second = report.memory.fanout_deliveries_per_second_per_core;
            Ok(Some(Served { name: "roost_deliveries", per_second, core_share: 1.0 }))
        }
        Err(error) if error.root_cause().is::<NobodyToTime>() => {
            eprintln!("not measured: {error:#}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// As `feeds` would be asked, for deliveries alone.
fn wanted(staged: &Staged) -> anyhow::Result<Wanted> {
    let Staged { users, mean_followees, seed, .. } = staged;
    let [users, mean_followees, seed] = [users.to_string(), mean_followees.to_string(), seed.to_string()];
    let flags = ["feeds", "--users", &users, "--mean-followees", &mean_followees, "--seed", &seed];
    // No service, and few readers.
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
        let served = deliver(&staged).expect("feeds are right").expect("it can be measured");
        assert!(served.per_second > 0.0 && served.per_second.is_finite(), "{served:?}");
        let few = Staged { mean_followees: 3.0, ..staged };
        assert!(deliver(&few).expect("nothing is wrong").is_none(), "nobody follows two hundred");
        let wrong = Staged { users: 1 << 24, ..staged };
        assert!(deliver(&wrong).is_err());
    }
}
