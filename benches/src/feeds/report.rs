//! What is told, for people and for programs.

use std::fmt::Write;

use serde::Serialize;

use crate::goals::figure;
use crate::times::Times;

/// Users from which on a pull may take longer: no table fits a cache any more.
const MANY_USERS: u32 = 10_000_000;

/// Everything that is printed.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Over feeds in memory.
    #[serde(flatten)]
    pub memory: Memory,
    /// Of a whole service.
    #[serde(flatten)]
    pub visible: Option<Visible>,
    /// Processes that wanted a core in the last minute, these ones included.
    pub load_average: f64,
}

/// What was measured with.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Inputs {
    /// Users of the graph.
    pub users: u32,
    /// How many others each of them follows, on average.
    pub mean_followees: f64,
    /// Where all chance came from.
    pub seed: u64,
    /// Follows.
    pub follows: u64,
    /// Entries of all heads.
    pub entries: u64,
    /// Materialised feeds.
    pub feeds: usize,
    /// Readers whose reads are timed.
    pub readers: usize,
    /// How many people they follow.
    pub mean_followees_of_readers: f64,
    /// Entries of a page.
    pub limit: usize,
    /// Authors over the threshold: merged at hybrid reads.
    pub authors_not_pushed: u64,
    /// How many of these a reader follows.
    pub mean_authors_not_pushed_of_readers: f64,
}

/// Over feeds in memory.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// What it was measured with.
    #[serde(flatten)]
    pub inputs: Inputs,
    /// How much of each read is the clock's.
    pub clock_ns: f64,
    /// A page of the merge of all streams.
    pub pull_200_followees_us: Spread,
    /// A page of a materialised feed alone.
    pub materialised_read_us: Spread,
    /// A page of a materialised feed and of the streams of those who are not pushed.
    pub hybrid_read_us: Spread,
    /// Deliveries in a second of one core's time, the intersection of followers and active readers included.
    pub fanout_deliveries_per_second_per_core: f64,
    /// The same where the recipients are known.
    pub fanout_deliveries_per_second_per_core_without_intersection: f64,
    /// How many were counted.
    pub deliveries: u64,
    /// Feeds that a pushed tweet goes to.
    pub mean_recipients: f64,
    /// As the service counts them.
    pub bytes_per_materialised_feed: f64,
    /// As the service counts them.
    pub bytes_per_head: f64,
}

/// Of a whole service.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Visible {
    /// Users of the service's graph.
    pub service_users: u32,
    /// Its follows.
    pub service_follows: u64,
    /// Active readers, all with a materialised feed; half of the celebrity's followers.
    pub service_feeds: u64,
    /// Followers of the celebrity.
    pub celebrity_followers: u64,
    /// Tweets of the celebrity.
    pub celebrity_posts: u64,
    /// Tweets of ordinary authors, each looked for.
    pub posts: u64,
    /// Followers of their authors, on average.
    pub mean_followers: f64,
    /// From the request to the acknowledgement of a tweet.
    pub post_ms: Spread,
    /// From the acknowledgement to the end of the first read that shows it.
    pub post_to_visible_ms: Spread,
    /// The same, of reads that insist on a materialised feed.
    pub post_to_visible_push_ms: Spread,
    /// The same, of reads that take what is cheapest.
    pub post_to_visible_auto_ms: Spread,
    /// From the acknowledgement to the end of the first read that has it from the reader's feed.
    pub post_to_delivered_ms: Spread,
    /// Tweets that the first read did not show.
    pub posts_seen_late: u64,
}

/// What half and 99 of 100 did not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Half of them.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
}

impl Spread {
    /// In microseconds.
    pub fn us(times: &Times) -> Self {
        let Spread { p50, p99 } = Spread::ms(times);
        Spread { p50: p50 * 1e3, p99: p99 * 1e3 }
    }

    /// In milliseconds.
    pub fn ms(times: &Times) -> Self {
        Spread { p50: times.quantile_ms(0.5), p99: times.quantile_ms(0.99) }
    }
}

impl Report {
    /// For people.
    pub fn table(&self) -> String {
        let Memory { inputs, .. } = self.memory;
        let mut text = format!(
            "{} users, {} follows, {} entries in heads, {} materialised feeds. {} readers who follow {:.0} people, {:.0} of \
             them not pushed at hybrid reads; {:.0} ns of each read are the clock's. Load average {:.1}.\n\n",
            inputs.users,
            inputs.follows,
            inputs.entries,
            inputs.feeds,
            inputs.readers,
            inputs.mean_followees_of_readers,
            inputs.mean_authors_not_pushed_of_readers,
            self.memory.clock_ns,
            self.load_average
        );
        text.push_str("| what | p50 | p99 | goal |\n|---|---|---|---|\n");
        let mut row = |name: &str, Spread { p50, p99 }: Spread, goal: &str, is_met: bool| {
            let missed = if is_met { "" } else { ": **missed**" };
            let _ = writeln!(text, "| `{name}` | {} | {} | {goal}{missed} |", figure(p50), figure(p99));
        };
        let pull_us = if inputs.users >= MANY_USERS { 15.0 } else { 10.0 };
        let pull = self.memory.pull_200_followees_us;
        row("pull_200_followees_us", pull, &format!("p50 {pull_us}"), pull.p50 <= pull_us);
        let materialised = self.memory.materialised_read_us;
        row("materialised_read_us", materialised, "p50 2", materialised.p50 <= 2.0);
        row("hybrid_read_us", self.memory.hybrid_read_us, "", true);
        if let Some(visible) = self.visible {
            row("post_ms", visible.post_ms, "", true);
            row("post_to_visible_ms", visible.post_to_visible_ms, "p99 50", visible.post_to_visible_ms.p99 <= 50.0);
            row("post_to_visible_push_ms", visible.post_to_visible_push_ms, "", true);
            row("post_to_visible_auto_ms", visible.post_to_visible_auto_ms, "", true);
            row("post_to_delivered_ms", visible.post_to_delivered_ms, "", true);
        }
        text.push_str("\n| what | measured | goal |\n|---|---|---|\n");
        let rate = self.memory.fanout_deliveries_per_second_per_core;
        let missed = if rate >= 15e6 { "" } else { ": **missed**" };
        let million = |rate: f64| figure(rate / 1e6);
        let _ = writeln!(
            text,
            "| million deliveries a second on a core, {} a tweet | {} | 15{missed} |",
            figure(self.memory.mean_recipients),
            million(rate)
        );
        let appends = self.memory.fanout_deliveries_per_second_per_core_without_intersection;
        let _ = writeln!(text, "| the same without the intersection | {} | |", million(appends));
        let _ = writeln!(text, "| `bytes_per_materialised_feed` | {:.0} | |", self.memory.bytes_per_materialised_feed);
        let _ = writeln!(text, "| `bytes_per_head` | {:.0} | |", self.memory.bytes_per_head);
        if let Some(visible) = self.visible {
            let _ = writeln!(
                text,
                "\nThe service: {} users, {} follows, {} materialised feeds; {} tweets of a celebrity with {} followers \
                 and {} of authors with {:.0}, of which the first read did not show {}.",
                visible.service_users,
                visible.service_follows,
                visible.service_feeds,
                visible.celebrity_posts,
                visible.celebrity_followers,
                visible.posts,
                visible.mean_followers,
                visible.posts_seen_late
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPREAD: Spread = Spread { p50: 1.5, p99: 60.0 };

    fn report() -> Report {
        let inputs = Inputs {
            users: 1_000_000,
            mean_followees: 200.0,
            seed: 1,
            follows: 2,
            entries: 3,
            feeds: 4,
            readers: 5,
            mean_followees_of_readers: 6.0,
            limit: 20,
            authors_not_pushed: 7,
            mean_authors_not_pushed_of_readers: 8.0,
        };
        let memory = Memory {
            inputs,
            clock_ns: 30.0,
            pull_200_followees_us: Spread { p50: 12.0, p99: 30.0 },
            materialised_read_us: SPREAD,
            hybrid_read_us: SPREAD,
            fanout_deliveries_per_second_per_core: 14e6,
            fanout_deliveries_per_second_per_core_without_intersection: 20e6,
            deliveries: 9,
            mean_recipients: 60.0,
            bytes_per_materialised_feed: 6_500.0,
            bytes_per_head: 200.0,
        };
        let visible = Visible {
            service_users: 300_000,
            service_follows: 10,
            service_feeds: 11,
            celebrity_followers: 200_000,
            celebrity_posts: 12,
            posts: 13,
            mean_followers: 200.0,
            post_ms: SPREAD,
            post_to_visible_ms: SPREAD,
            post_to_visible_push_ms: SPREAD,
            post_to_visible_auto_ms: SPREAD,
            post_to_delivered_ms: SPREAD,
            posts_seen_late: 0,
        };
        Report { memory, visible: Some(visible), load_average: 2.5 }
    }

    #[test]
    fn the_json_is_one_flat_object_with_what_was_asked_for() {
        let json = serde_json::to_value(report()).expect("JSON");
        for spread in ["pull_200_followees_us", "materialised_read_us", "hybrid_read_us", "post_to_visible_ms"] {
            assert!(json[spread]["p50"].is_f64() && json[spread]["p99"].is_f64(), "{spread}");
        }
        for figure in ["fanout_deliveries_per_second_per_core", "bytes_per_materialised_feed", "bytes_per_head"] {
            assert!(json[figure].is_f64(), "{figure}");
        }
        for input in ["users", "mean_followees", "readers", "mean_followees_of_readers", "limit", "service_users"] {
            assert!(json[input].is_number(), "{input}");
        }
        let without = serde_json::to_value(Report { visible: None, ..report() }).expect("JSON");
        assert!(without.get("post_to_visible_ms").is_none());
    }

    #[test]
    fn the_table_says_which_goals_are_missed() {
        let missed = |report: &Report| -> Vec<String> {
            let table = report.table();
            let lines = table.lines().filter(|line| line.contains("**missed**"));
            lines.filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned())).collect()
        };
        let deliveries = "million deliveries a second on a core, 60.0 a tweet";
        let mut report = report();
        assert_eq!(missed(&report), ["`pull_200_followees_us`", "`post_to_visible_ms`", deliveries]);
        report.memory.inputs.users = MANY_USERS;
        assert_eq!(missed(&report), ["`post_to_visible_ms`", deliveries], "a pull may take 15 µs there");
    }
}
