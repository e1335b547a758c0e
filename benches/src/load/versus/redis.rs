//! Redis: each feed a list of the newest 800 ids, each tweet a hash. A feed is read in one trip, `SORT feed BY nosort LIMIT 0
//! 20 GET ..`; a tweet is delivered by `LPUSH` and `LTRIM`, as many in a stream as there is room for.
//!
//! A tweet's hash has what never changes as JSON in one field, author and entities included, and a field for each count.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use super::feeds::{Feed, Feeds, KEPT};
use super::report::Served;
use super::{PAGE, Shown, System};
use crate::servers::process::ServerProcess;
use crate::servers::redis::{Pipeline, RedisServer, end_snapshots};
use crate::wire::Connection;
use crate::wire::resp::{Resp, command, items};

/// Commands of one piece of a stream.
const COMMANDS_AT_ONCE: usize = 2_000;
const FIELDS: [&str; 4] = ["tweet", "favorites", "retweets", "comments"];

/// A server of our own with the feeds.
#[derive(Debug)]
pub struct Redis(RedisServer);

impl Redis {
    /// Starts a server on one core and fills it.
    pub async fn fill(feeds: &Feeds, within: &Path, core: usize) -> anyhow::Result<Self> {
        let (server, mut connection) = RedisServer::start(within, Some(core)).await?;
        end_snapshots(&mut connection).await?;
        let mut pipeline = Pipeline::new(&mut connection);
        let mut commands = Vec::new();
        for tweets in feeds.tweets().chunks(COMMANDS_AT_ONCE) {
            commands.clear();
            for tweet in tweets {
                let name = feeds.names().get(&tweet.author).context("an author without a name")?;
                let author =
                    json!({ "id": tweet.author.to_string(), "username": name, "name": name, "image_url": null });
                let body = json!({
                    "id": tweet.id.to_string(), "text": tweet.text, "author": author, "created_at": tweet.created_at_ms,
                    "in_reply_to": null, "place": null, "media": [], "entities": Feeds::entities(tweet),
                });
                let (key, body) = (format!("t:{}", tweet.id), body.to_string());
                let mut arguments = vec!["HSET", &key];
                for (field, value) in FIELDS.iter().zip([&body[..], "0", "0", "0"]) {
                    arguments.extend([*field, value]);
                }
                command(&arguments.into_iter().map(str::as_bytes).collect::<Vec<_>>(), &mut commands);
            }
            pipeline.send(&commands, tweets.len()).await?;
        }
        for feed in feeds.all() {
            let key = key(feed);
            let mut arguments = vec!["RPUSH".to_owned(), key];
            arguments.extend(feed.newest.iter().map(u64::to_string));
            commands.clear();
            command(&arguments.iter().map(String::as_bytes).collect::<Vec<_>>(), &mut commands);
            pipeline.send(&commands, 1).await?;
        }
        pipeline.finish().await?;
        Ok(Redis(server))
    }

    /// Tweets that come into feeds in a second.
    pub async fn deliver(&self, feeds: &Feeds, time: Duration) -> anyhow::Result<Served> {
        let last = (KEPT - 1).to_string();
        let deliveries = COMMANDS_AT_ONCE / 2;
        let pieces: Vec<Vec<u8>> = feeds
            .all()
            .chunks(deliveries)
            .map(|feeds| {
                let mut commands = Vec::new();
                for feed in feeds.iter().cycle().take(deliveries) {
                    let (key, id) = (key(feed), feed.newest[0].to_string());
                    command(&[b"LPUSH", key.as_bytes(), id.as_bytes()], &mut commands);
                    command(&[b"LTRIM", key.as_bytes(), b"0", last.as_bytes()], &mut commands);
                }
                commands
            })
            .collect();
        let mut connection = self.connect().await?;
        let mut pipeline = Pipeline::new(&mut connection);
        let (begin, ran) = (Instant::now(), self.process().core_seconds()?);
        let mut delivered = 0;
        for commands in pieces.iter().cycle() {
            pipeline.send(commands, 2 * deliveries).await?;
            delivered += deliveries;
            if begin.elapsed() > time {
                break;
            }
        }
        pipeline.finish().await?;
        let seconds = begin.elapsed().as_secs_f64();
        let ran = self.process().core_seconds()? - ran;
        Ok(Served { name: "redis_deliveries", per_second: delivered as f64 / seconds, core_share: ran / seconds })
    }
}

impl System for Redis {
    type Wire = Resp;

    fn name(&self) -> &'static str {
        "redis"
    }

    fn process(&self) -> &ServerProcess {
        self.0.process()
    }

    async fn connect(&self) -> anyhow::Result<Connection<Resp>> {
        self.0.connect().await
    }

    fn request(&self, feed: &Feed) -> Vec<u8> {
        let (key, page) = (key(feed), PAGE.to_string());
        let patterns = FIELDS.map(|field| format!("t:*->{field}"));
        let mut arguments = vec!["SORT", &key, "BY", "nosort", "LIMIT", "0", &page];
        arguments.extend(patterns.iter().flat_map(|pattern| ["GET", pattern]));
        let mut request = Vec::new();
        command(&arguments.into_iter().map(str::as_bytes).collect::<Vec<_>>(), &mut request);
        request
    }

    fn answer(&self, answer: &[u8]) -> anyhow::Result<Vec<Shown>> {
        let items = items(answer)?;
        let shown = items.chunks(FIELDS.len()).map(|fields| {
            let tweet = fields.first().copied().flatten().context("a tweet that is not there")?;
            let tweet: Value = serde_json::from_slice(tweet)?;
            let (id, text) = (tweet["id"].as_str().context("no id")?, tweet["text"].as_str().context("no text")?);
            Ok((id.parse()?, text.to_owned()))
        });
        shown.collect()
    }
}

/// The key of a feed.
fn key(feed: &Feed) -> String {
    format!("f:{}", feed.user)
}
