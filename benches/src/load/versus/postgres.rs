//! PostgreSQL: tables of users, follows and tweets, and the feed as one prepared query in one of two forms.
//!
//! - *lateral*: for each author the newest 20 ids from the index, of all those the newest 20, and then their rows.
//! - *window*: the same from the ids above a bound, which the client knows: the narrowest window back from the newest tweet,
//!   in powers of two, that holds a page of this reader. Nobody would know it so well.
//!
//! Both find the ids by reading the index alone, which the vacuum has made possible, and twenty rows in the end. Of follows,
//! only those of the readers are there: the others would make the table larger and the server slower. Plans are made once
//! for all readers (`force_generic_plan`), which saves the planning of each query.

use std::path::Path;

use super::feeds::{Feed, Feeds};
use super::{PAGE, Shown, System};
use crate::servers::postgres::{Copy, PostgresServer, tell};
use crate::servers::process::ServerProcess;
use crate::wire::Connection;
use crate::wire::postgres::{INT4, INT8, Postgres as Wire, columns, execute, int4, int8, prepare};

const TABLES: [&str; 3] = [
    "CREATE TABLE users (id int4 NOT NULL, username text NOT NULL, name text NOT NULL, image_url text NOT NULL)",
    "CREATE TABLE follows (source int4 NOT NULL, target int4 NOT NULL)",
    "CREATE TABLE tweets (author int4 NOT NULL, id int8 NOT NULL, text text NOT NULL, created_at_ms int8 NOT NULL, \
     in_reply_to int8 NOT NULL, favorites_count int4 NOT NULL, retweets_count int4 NOT NULL, comments_count int4 NOT NULL, \
     entities text NOT NULL)",
];
const AFTERWARDS: [&str; 5] = [
    "ALTER TABLE users ADD PRIMARY KEY (id)",
    "ALTER TABLE follows ADD PRIMARY KEY (source, target)",
    "ALTER TABLE tweets ADD PRIMARY KEY (author, id)",
    "VACUUM (ANALYZE)",
    "CHECKPOINT",
];

/// A form of the query.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The newest of each author.
    Lateral,
    /// What is above a bound.
    Window,
}

/// A server of our own with the tweets.
#[derive(Debug)]
pub struct Postgres {
    server: PostgresServer,
    newest: u64,
}

/// A server and a form of the query.
#[derive(Debug)]
pub struct PostgresForm<'a> {
    postgres: &'a Postgres,
    form: Form,
}

impl Postgres {
    /// Starts a server on one core and fills it.
    pub async fn fill(feeds: &Feeds, within: &Path, core: usize) -> anyhow::Result<Self> {
        let (server, mut connection) = PostgresServer::start(within, Some(core)).await?;
        for table in TABLES {
            tell(&mut connection, table).await?;
        }
        let mut users = Copy::begin(&mut connection, "users").await?;
        for (user, name) in feeds.names() {
            users.row(&[&user.to_be_bytes(), name.as_bytes(), name.as_bytes(), b""]).await?;
        }
        users.finish().await?;
        let mut follows = Copy::begin(&mut connection, "follows").await?;
        for feed in feeds.all() {
            for author in feed.authors.iter().filter(|author| **author != feed.user) {
                follows.row(&[&feed.user.to_be_bytes(), &author.to_be_bytes()]).await?;
            }
        }
        follows.finish().await?;
        let mut tweets = Copy::begin(&mut connection, "tweets").await?;
        for tweet in feeds.tweets() {
            let (none, entities) = (0_u32.to_be_bytes(), Feeds::entities(tweet).to_string());
            let (author, id) = (tweet.author.to_be_bytes(), tweet.id.to_be_bytes());
            let (created_at_ms, in_reply_to) = (tweet.created_at_ms.to_be_bytes(), 0_u64.to_be_bytes());
            let (text, entities) = (tweet.text.as_bytes(), entities.as_bytes());
            tweets.row(&[&author, &id, text, &created_at_ms, &in_reply_to, &none, &none, &none, entities]).await?;
        }
        tweets.finish().await?;
        for statement in AFTERWARDS {
            tell(&mut connection, statement).await?;
        }
        let newest = feeds.tweets().iter().map(|tweet| tweet.id).max().unwrap_or_default();
        Ok(Postgres { server, newest })
    }

    /// Asked in a form.
    pub fn form(&self, form: Form) -> PostgresForm<'_> {
        PostgresForm { postgres: self, form }
    }
}

impl PostgresForm<'_> {
    fn statement(&self) -> String {
        let ids = match self.form {
            Form::Lateral => {
                format!(
                    "CROSS JOIN LATERAL (SELECT id FROM tweets WHERE author = s.author ORDER BY id DESC LIMIT {PAGE}) n"
                )
            }
            Form::Window => "JOIN tweets n ON n.author = s.author AND n.id > $2".to_owned(),
        };
        format!(
            "SELECT t.id, t.text, t.author, u.username, u.name, u.image_url, t.created_at_ms, t.in_reply_to, \
             t.favorites_count, t.retweets_count, t.comments_count, t.entities \
             FROM (SELECT s.author, n.id \
                   FROM (SELECT target AS author FROM follows WHERE source = $1 UNION ALL SELECT $1) s {ids} \
                   ORDER BY n.id DESC LIMIT {PAGE}) page \
             JOIN tweets t ON t.author = page.author AND t.id = page.id \
             JOIN users u ON u.id = t.author ORDER BY t.id DESC"
        )
    }
}

impl System for PostgresForm<'_> {
    type Wire = Wire;

    fn name(&self) -> &'static str {
        match self.form {
            Form::Lateral => "postgresql_lateral",
            Form::Window => "postgresql_window",
        }
    }

    fn process(&self) -> &ServerProcess {
        self.postgres.server.process()
    }

    async fn connect(&self) -> anyhow::Result<Connection<Wire>> {
        let mut connection = self.postgres.server.connect().await?;
        tell(&mut connection, "SET plan_cache_mode = force_generic_plan").await?;
        let types = match self.form {
            Form::Lateral => &[INT4][..],
            Form::Window => &[INT4, INT8],
        };
        connection.ask(&prepare(&self.statement(), types)).await?;
        Ok(connection)
    }

    fn request(&self, feed: &Feed) -> Vec<u8> {
        match self.form {
            Form::Lateral => execute(&[int4(feed.user)]),
            Form::Window => execute(&[int4(feed.user), int8(bound(self.postgres.newest, feed.newest[PAGE - 1]))]),
        }
    }

    fn answer(&self, answer: &[u8]) -> anyhow::Result<Vec<Shown>> {
        let shown = columns::<2>(answer)?
            .into_iter()
            .map(|[id, text]| Ok((u64::from_be_bytes(id.try_into()?), str::from_utf8(text)?.to_owned())));
        shown.collect()
    }
}

/// The bound of the narrowest window back from the newest id, a power of two, that has this one in it.
fn bound(newest: u64, wanted: u64) -> u64 {
    newest.saturating_sub((newest - wanted + 1).next_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_the_whole_page_in_it_and_is_at_most_twice_as_wide() {
        for (newest, wanted, expected) in [(1000, 1000, 999), (1000, 999, 998), (1000, 997, 996), (1000, 995, 992)] {
            assert_eq!(bound(newest, wanted), expected, "{wanted}");
            assert!(bound(newest, wanted) < wanted);
        }
        assert_eq!(bound(5, 1), 0);
    }
}
