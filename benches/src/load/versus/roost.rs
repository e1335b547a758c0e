//! Roost: `roost serve` over its REST interface, `GET /api/feed`, where every request is signed in.

use std::path::Path;

use anyhow::Context;

use super::feeds::Feed;
use super::{PAGE, Shown, System};
use crate::servers::process::ServerProcess;
use crate::servers::roost::{Roost, RoostServer};
use crate::wire::Connection;
use crate::wire::http::{Http, get, json};

/// A server of our own.
#[derive(Debug)]
pub struct RoostFeeds(RoostServer);

impl RoostFeeds {
    /// Over what is in a folder, on one core.
    pub async fn start(roost: &Roost, data: &Path, core: usize) -> anyhow::Result<Self> {
        Ok(RoostFeeds(roost.serve(data, Some(core)).await?))
    }
}

impl System for RoostFeeds {
    type Wire = Http;

    fn name(&self) -> &'static str {
        "roost"
    }

    fn process(&self) -> &ServerProcess {
        self.0.process()
    }

    async fn connect(&self) -> anyhow::Result<Connection<Http>> {
        Connection::open(self.0.http, Http).await
    }

    fn request(&self, feed: &Feed) -> Vec<u8> {
        get(&self.0.http.to_string(), &format!("/api/feed?limit={PAGE}"), Some(&feed.reader.token))
    }

    fn answer(&self, answer: &[u8]) -> anyhow::Result<Vec<Shown>> {
        let page = json(answer)?;
        let items = page["items"].as_array().context("a page without items")?.iter();
        let shown = items.map(|tweet| {
            let (id, text) = (tweet["id"].as_str().context("no id")?, tweet["text"].as_str().context("no text")?);
            Ok((id.parse()?, text.to_owned()))
        });
        shown.collect()
    }
}
