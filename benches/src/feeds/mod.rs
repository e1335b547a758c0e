//! Home feeds in this process, without network and without full tweets: what `feeds` measures.
//!
//! - [`sample`]: whom readers follow and who follows authors, out of a generated graph.
//! - [`activity`]: who posts how often, and what everybody posted.
//! - [`kinds`]: which of it are comments and retweets, and of what.
//! - [`hidden`]: whom readers mute and block.
//! - [`memory`]: reads and deliveries over feeds in memory.
//! - [`visible`]: a whole service, and when a tweet is seen.
//! - [`report`]: what is told.

pub mod activity;
pub mod hidden;
pub mod kinds;
pub mod memory;
pub mod report;
pub mod sample;
pub mod visible;

use std::thread;

use anyhow::{Context, ensure};
use clap::Args;
use graph_store::generate::GraphSpec;

use crate::cores;
use report::Report;

/// Users that the order of posts has room for.
const USERS_MAX: u32 = 1 << 24;

/// What is measured.
#[derive(Args, Clone, Debug)]
pub struct Wanted {
    /// Users of the graph.
    #[arg(long, default_value_t = 1_000_000)]
    users: u32,
    /// How many others each of them follows, on average.
    #[arg(long, default_value_t = 200.0)]
    mean_followees: f64,
    /// Active readers, all with a materialised feed; a third of the users and at most 300,000 where it is not given.
    #[arg(long)]
    feeds: Option<u32>,
    /// Readers whose reads are timed, at most: active ones who follow 190 to 250 people.
    #[arg(long, default_value_t = 10_000)]
    readers: usize,
    /// Tweets that are delivered.
    #[arg(long, default_value_t = 1 << 18)]
    tweets: usize,
    /// Followers of the celebrity of the service, half of them active readers. 0: no service, no `post_to_visible_ms`.
    #[arg(long, default_value_t = 200_000)]
    celebrity: u32,
    /// Active followers above which authors are not pushed, in the service: 100,000 has the celebrity pushed.
    #[arg(long)]
    pushed_followers: Option<u64>,
    /// Seconds in which the celebrity and others post.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Tweets a second of ordinary authors.
    #[arg(long, default_value_t = 100)]
    posts_per_second: u32,
    /// Where all chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Wanted {
    /// Measures everything; what there is to tell.
    ///
    /// # Errors
    ///
    /// There is no such graph, a feed is not what it should be, or the service fails.
    pub fn measure(&self) -> anyhow::Result<Report> {
        ensure!(self.users < USERS_MAX, "--users must be less than {USERS_MAX}");
        let spec = GraphSpec::new(self.users, self.mean_followees, self.seed)?;
        let feeds = self.active();
        ensure!((1..=self.users).contains(&feeds), "--feeds must be from 1 to the number of users");
        ensure!(self.readers > 0 && self.tweets > 0, "--readers and --tweets are above 0");
        ensure!(self.seconds > 0 && self.posts_per_second > 0, "--seconds and --posts-per-second are above 0");
        let visible = match self.celebrity {
            0 => None,
            _ => Some(visible::measure(self)?),
        };
        Ok(Report { memory: memory::measure(self, &spec)?, visible, load_average: load_average()? })
    }

    /// Active readers of the feeds in memory.
    fn active(&self) -> u32 {
        self.feeds.unwrap_or((self.users / 3).clamp(1, 300_000))
    }
}

/// Does something on one core, which nothing else of this process needs meanwhile.
fn on_one_core<R: Send>(what: impl FnOnce() -> anyhow::Result<R> + Send) -> anyhow::Result<R> {
    let (_, core) = cores::two()?;
    let pinned = move || {
        cores::pin(core)?;
        what()
    };
    thread::scope(|scope| scope.spawn(pinned).join()).map_err(|_| anyhow::anyhow!("a measurement panicked"))?
}

/// Processes that wanted a core in the last minute, these ones included.
fn load_average() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    text.split(' ').next().context("no load average")?.parse().context("a load average is a number")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        wanted: Wanted,
    }

    fn parse(args: &str) -> Wanted {
        Program::parse_from(format!("feeds {args}").split_whitespace()).wanted
    }

    #[test]
    fn a_third_of_the_users_is_active_as_far_as_memory_goes() {
        assert_eq!(parse("--users 30000").active(), 10_000);
        assert_eq!(parse("").active(), 300_000);
        assert_eq!(parse("--users 10000000 --feeds 7").active(), 7);
        assert_eq!(parse("--users 2").active(), 1);
    }

    #[test]
    fn what_cannot_be_measured_is_refused_at_once() {
        for args in ["--users 1", "--users 99999999", "--mean-followees 0", "--feeds 0", "--readers 0", "--seconds 0"] {
            assert!(parse(args).measure().is_err(), "{args}");
        }
    }
}
