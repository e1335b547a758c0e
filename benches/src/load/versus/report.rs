//! The figures of all systems side by side.

use std::fmt::Write;

use serde::Serialize;

use super::feeds::Feeds;
use crate::goals::{self, Goal, figure};
use crate::load::stage::Staged;

/// How fast a system is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Served {
    /// Which system.
    pub name: &'static str,
    /// Newest pages, or deliveries, a second.
    pub per_second: f64,
    /// The share of its core that the server had: less than 1 where others wanted it too, or where the client was not fast
    /// enough.
    pub core_share: f64,
}

/// Tweets that come into feeds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Delivered {
    /// In Roost, with finding out whose feeds these are; none where the graph does not allow it to be measured.
    pub roost: Option<Served>,
    /// Into lists that the client knows.
    pub redis: Served,
}

impl Delivered {
    /// How many times as many Roost delivers on a whole core.
    fn goal(&self) -> Option<Goal> {
        let per_core = |served: &Served| served.per_second / served.core_share;
        let measured = per_core(self.roost.as_ref()?) / per_core(&self.redis);
        Some(Goal { name: "Redis's deliveries", at_least: 30.0, measured })
    }
}

/// Everything that is printed.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The server's data.
    pub data: Staged,
    /// Those who read.
    pub readers: usize,
    /// Of those, how many have a whole page.
    pub feeds: usize,
    /// Those whom they follow and themselves, on average.
    pub mean_authors: f64,
    /// Bytes of the static answer's body: as many as half of Roost's have at the most.
    pub answer_bytes: usize,
    /// Feeds of 20 full tweets.
    pub feeds_served: [Served; 6],
    /// Tweets that come into feeds.
    pub delivered: Delivered,
    /// Pages that are put together for each request, against static answers, PostgreSQL and Redis.
    pub made_against: [f64; 3],
    /// What issue 4 asks for: of pages as anybody asks for them, which are kept while nothing in them changes, and of deliveries.
    pub goals: Vec<Goal>,
}

impl Report {
    /// Compares the first of the systems, Roost with pages that are kept, with the others.
    pub fn new(
        data: Staged,
        readers: usize,
        feeds: &Feeds,
        answer_bytes: usize,
        feeds_served: [Served; 6],
        delivered: Delivered,
    ) -> Self {
        let authors: usize = feeds.all().iter().map(|feed| feed.authors.len()).sum();
        let [_, made, fixed, lateral, window, redis] = feeds_served.map(|served| served.per_second);
        let ratio = |theirs: f64| feeds_served[0].per_second / theirs;
        let postgres = lateral.max(window);
        let mut goals = vec![
            Goal { name: "static answers of the same size", at_least: 0.5, measured: ratio(fixed) },
            Goal { name: "PostgreSQL, the better form", at_least: 15.0, measured: ratio(postgres) },
            Goal { name: "Redis", at_least: 1.0, measured: ratio(redis) },
        ];
        goals.extend(delivered.goal());
        Report {
            data,
            readers,
            feeds: feeds.all().len(),
            mean_authors: authors as f64 / feeds.all().len() as f64,
            answer_bytes,
            feeds_served,
            delivered,
            made_against: [fixed, postgres, redis].map(|theirs| made / theirs),
            goals,
        }
    }

    /// Tables for people.
    pub fn table(&self) -> String {
        let mut text = self.data.sentence();
        let _ = writeln!(
            text,
            "{} of {} readers have a page of 20, of {:.0} authors on average; {} bytes of JSON.\n",
            self.feeds, self.readers, self.mean_authors, self.answer_bytes
        );
        text.push_str("| on one core | a second | share of the core | for a whole core |\n|---|---|---|---|\n");
        for Served { name, per_second, core_share } in
            self.feeds_served.iter().chain(&self.delivered.roost).chain([&self.delivered.redis])
        {
            let whole = figure(per_second / core_share);
            let _ = writeln!(text, "| {name} | {} | {core_share:.2} | {whole} |", figure(*per_second));
        }
        text.push('\n');
        text += &goals::table("Roost beside", &self.goals);
        let [fixed, postgres, redis] = self.made_against;
        let _ = writeln!(
            text,
            "\nPut together for each request: {fixed:.2}x static answers, {postgres:.1}x PostgreSQL, {redis:.2}x Redis."
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_compared_for_a_whole_core() {
        let redis = Served { name: "redis_deliveries", per_second: 400_000.0, core_share: 0.8 };
        let roost = Served { name: "roost_deliveries", per_second: 14e6, core_share: 1.0 };
        let goal = Delivered { roost: Some(roost), redis }.goal();
        assert_eq!(goal, Some(Goal { name: "Redis's deliveries", at_least: 30.0, measured: 28.0 }));
        assert_eq!(Delivered { roost: None, redis }.goal(), None);
    }
}
