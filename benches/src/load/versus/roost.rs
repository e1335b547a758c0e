//! Roost: `roost serve` over its REST interface, `GET /api/feed`, where every request is signed in. A page in which nothing has
//! changed since it was last asked for is kept; with `mode=push` each is put together.

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

/// Whether a page may be one that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Given again where nothing in it has changed.
    Kept,
    /// Put together for each request.
    Made,
}

/// The server, asked in one way.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    server: &'a RoostServer,
    pages: Pages,
}

impl RoostFeeds {
    /// The server, asked in one way.
    pub fn asked(&self, pages: Pages) -> Asked<'_> {
        Asked { server: &self.0, pages }
    }
}

impl System for Asked<'_> {
    type Wire = Http;

    fn name(&self) -> &'static str {
        match self.pages {
            Pages::Kept => "roost",
            Pages::Made => "roost_made",
        }
    }

    fn process(&self) -> &ServerProcess {
        self.server.process()
    }

    async fn connect(&self) -> anyhow::Result<Connection<Http>> {
        Connection::open(self.server.http, Http).await
    }

    fn request(&self, feed: &Feed) -> Vec<u8> {
        let mode = if self.pages == Pages::Made { "&mode=push" } else { "" };
        let path = format!("/api/feed?limit={PAGE}{mode}");
        get(&self.server.http.to_string(), &path, Some(&feed.reader.token))
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
