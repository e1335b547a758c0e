//! A server's data for a measurement: a generated graph, an account for everybody in it, tweets, and access tokens.
//!
//! ```text
//! <folder>/edges    the graph, as `roost graph generate` writes it
//! <folder>/data/    what it was imported into, and all else of the server
//! <folder>/staged   what is there, as JSON, written last
//! ```
//!
//! Tweets are posted over gRPC, as many at once as the committer takes into one batch; everybody posts as often as
//! everybody else.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use graph_store::generate::{GraphSpec, generate};
use graph_store::import::binary::EdgeReader;
use prost::Message;
use proto::graph::{ExternalIds, ResolveRequest, ResolveResponse, resolve_request};
use proto::timeline::{CreateTweetRequest, CreateTweetResponse, ResolvedMention, Tweet};
use rand::seq::index;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::people::Reader;
use super::text::{Text, say};
use crate::progress::Progress;
use crate::servers::roost::Roost;
use crate::serving;
use crate::wire::Connection;
use crate::wire::grpc::Grpc;

/// Tweets that are posted at once, over so many connections.
const POSTED_AT_ONCE: usize = 2048;
const CONNECTIONS: usize = 4;

/// Users that are asked about in one message: it must fit into one frame, which is all that our client sends.
const RESOLVED_AT_ONCE: usize = 3_000;

/// What the server is to have.
#[derive(Args, Clone, Debug)]
pub struct Wanted {
    /// Users of the graph.
    #[arg(long, default_value_t = 100_000)]
    users: u32,
    /// How many others each of them follows, on average.
    #[arg(long, default_value_t = 200.0)]
    mean_followees: f64,
    /// Tweets that are there at the beginning; five for each user where it is not given.
    #[arg(long)]
    tweets: Option<u64>,
    /// Users who ask, at most; each has an access token.
    #[arg(long, default_value_t = 10_000)]
    readers: usize,
    /// Where all chance comes from.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Where the data is kept for the next run; a temporary folder where it is not given.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// What the server has, and what it took.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Staged {
    /// Users that were generated; those without a follow are not there.
    pub users: u32,
    /// How many others each of them follows, on average.
    pub mean_followees: f64,
    /// Where all chance came from.
    pub seed: u64,
    /// Follows.
    pub follows: u64,
    /// Seconds from the edge list to follows and accounts on the disk.
    pub import_seconds: f64,
    /// Tweets that were there at the beginning.
    pub tweets: u64,
    /// Of those, how many were posted in a second.
    pub tweets_per_second: f64,
}

/// A folder with a graph and accounts.
#[derive(Debug)]
pub struct Stage {
    wanted: Wanted,
    staged: Staged,
    folder: PathBuf,
    /// By external id, the users of the graph-store.
    names: Vec<(u32, String)>,
    _temporary: Option<TempDir>,
}

impl Staged {
    /// The same in words.
    pub fn sentence(&self) -> String {
        format!(
            "{} users, {} follows, imported with accounts in {:.1} s; {} tweets, {:.0} a second posted.\n",
            self.users, self.follows, self.import_seconds, self.tweets, self.tweets_per_second
        )
    }
}

impl Stage {
    /// Makes what is not there yet: the graph, and everybody's account.
    pub fn make(wanted: &Wanted, roost: &Roost) -> anyhow::Result<Self> {
        let temporary = match &wanted.folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)?;
                None
            }
            None => Some(tempfile::Builder::new().prefix("roost-load-").tempdir()?),
        };
        let folder = match (&wanted.folder, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, temporary) => temporary.as_ref().context("one of the two is there")?.path().to_owned(),
        };
        let staged = match std::fs::read(folder.join("staged")) {
            Ok(text) => serde_json::from_slice(&text)?,
            Err(_) => fill(wanted, roost, &folder)?,
        };
        let same = (staged.users, staged.mean_followees, staged.seed);
        ensure!(
            same == (wanted.users, wanted.mean_followees, wanted.seed),
            "in {} are {} users with {} followees, seed {}",
            folder.display(),
            staged.users,
            staged.mean_followees,
            staged.seed
        );
        Ok(Stage { wanted: wanted.clone(), staged, folder, names: Vec::new(), _temporary: temporary })
    }

    /// The server's folder.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where temporary folders have room.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is there.
    pub fn staged(&self) -> &Staged {
        &self.staged
    }

    /// Forgets all tweets of a server that does not run.
    pub fn forget_tweets(&mut self) -> anyhow::Result<()> {
        let tweets = self.data().join("timeline");
        if tweets.exists() {
            std::fs::remove_dir_all(tweets)?;
        }
        self.staged.tweets = 0;
        self.write()
    }

    /// Tokens for some users, the same ones each time.
    pub fn readers(&self, roost: &Roost) -> anyhow::Result<Vec<Reader>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.staged.seed);
        let chosen = index::sample(&mut random, self.names.len(), self.wanted.readers.min(self.names.len()));
        let names: Vec<String> = chosen.into_iter().map(|place| self.names[place].1.clone()).collect();
        let progress = Progress::new("tokens", names.len() as u64);
        let tokens = roost.tokens(&self.data(), &names, |done| progress.set(done as u64, String::new))?;
        Ok(names.into_iter().zip(tokens).map(|(name, token)| Reader { name, token }).collect())
    }

    /// Everybody's username.
    pub fn names(&self) -> Vec<String> {
        self.names.iter().map(|(_, name)| name.clone()).collect()
    }

    /// The users of the graph-store, by username.
    pub fn ids(&self) -> HashMap<&str, u32> {
        self.names.iter().map(|(user, name)| (&name[..], *user)).collect()
    }

    /// Learns from a running server who is there.
    pub async fn meet(&mut self, grpc: SocketAddr) -> anyhow::Result<()> {
        let mut connection = Connection::open(grpc, Grpc::new(&serving::path("Resolve"))).await?;
        let all: Vec<u64> = (0..u64::from(self.staged.users)).collect();
        for ids in all.chunks(RESOLVED_AT_ONCE) {
            let ids = Some(resolve_request::Ids::ExternalIds(ExternalIds { ids: ids.to_vec() }));
            let answer = connection.ask(&ResolveRequest { ids, at_least: None }.encode_to_vec()).await?;
            let found = ResolveResponse::decode(&answer[..])?.resolved.into_iter();
            self.names.extend(found.filter_map(|one| Some((one.user?, format!("u{}", one.external_id?)))));
        }
        ensure!(!self.names.is_empty(), "nobody is there");
        Ok(())
    }

    /// Posts what is missing of the tweets; `keep` is given each.
    pub async fn post(&mut self, grpc: SocketAddr, mut keep: impl FnMut(Tweet)) -> anyhow::Result<()> {
        let wanted = self.wanted.tweets.unwrap_or(u64::from(self.staged.users) * 5);
        let missing = wanted.saturating_sub(self.staged.tweets);
        if missing == 0 {
            return Ok(());
        }
        let names = self.names();
        let mut random = ChaCha8Rng::seed_from_u64(self.staged.seed.wrapping_add(self.staged.tweets));
        let mut drafts = (0..missing).map(|_| self.draft(&names, &mut random).encode_to_vec());
        let (progress, begin) = (Progress::new("tweets", missing), Instant::now());
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections
                .push(Connection::open(grpc, Grpc::new("/roost.timeline.v1.TimelineService/CreateTweet")).await?);
        }
        let mut under_way = [0; CONNECTIONS];
        let mut done = 0;
        while done < missing {
            for (connection, under_way) in connections.iter_mut().zip(&mut under_way) {
                for draft in drafts.by_ref().take(POSTED_AT_ONCE / CONNECTIONS - *under_way) {
                    connection.send(&draft);
                    *under_way += 1;
                }
                connection.flush().await?;
            }
            for (connection, under_way) in connections.iter_mut().zip(&mut under_way) {
                if *under_way == 0 {
                    continue;
                }
                for answer in connection.receive().await? {
                    keep(CreateTweetResponse::decode(&answer[..])?.tweet.context("an answer without the tweet")?);
                    *under_way -= 1;
                    done += 1;
                }
            }
            progress.set(done, || format!("{:.0} a second", done as f64 / begin.elapsed().as_secs_f64()));
        }
        self.staged.tweets += missing;
        self.staged.tweets_per_second = missing as f64 / begin.elapsed().as_secs_f64();
        self.write()
    }

    /// Calls `each` with every follow, both by their names' numbers.
    pub fn follows(&self, mut each: impl FnMut(u32, u32)) -> anyhow::Result<()> {
        for edge in EdgeReader::new(BufReader::with_capacity(1 << 20, File::open(self.folder.join("edges"))?))? {
            let edge = edge?;
            each(edge.source, edge.target);
        }
        Ok(())
    }

    fn draft(&self, names: &[String], random: &mut ChaCha8Rng) -> CreateTweetRequest {
        let author = self.names[random.random_range(0..self.names.len())].0;
        let Text { text, mentions } = say(names, random);
        let mention = |person: usize| ResolvedMention { username: names[person].clone(), user: self.names[person].0 };
        let mentions = mentions.map(mention).into_iter().collect();
        CreateTweetRequest { author, text, mentions, ..CreateTweetRequest::default() }
    }

    fn write(&self) -> anyhow::Result<()> {
        Ok(std::fs::write(self.folder.join("staged"), serde_json::to_vec(&self.staged)?)?)
    }
}

/// Generates the graph and imports it.
fn fill(wanted: &Wanted, roost: &Roost, folder: &Path) -> anyhow::Result<Staged> {
    let (edges, data) = (folder.join("edges"), folder.join("data"));
    // A run that was broken off left half of something.
    let half = data.exists() && std::fs::read_dir(&data)?.next().is_some();
    ensure!(!half, "{} was not finished: remove it", data.display());
    let spec = GraphSpec::new(wanted.users, wanted.mean_followees, wanted.seed)?;
    eprintln!("generating the graph");
    let generated = generate(&spec, BufWriter::with_capacity(1 << 20, File::create(&edges)?), &|_, _| {})?;
    let begin = Instant::now();
    std::fs::create_dir_all(&data)?;
    roost.import(&data, &edges)?;
    let staged = Staged {
        users: wanted.users,
        mean_followees: wanted.mean_followees,
        seed: wanted.seed,
        follows: generated.edges,
        import_seconds: begin.elapsed().as_secs_f64(),
        tweets: 0,
        tweets_per_second: 0.0,
    };
    std::fs::write(folder.join("staged"), serde_json::to_vec(&staged)?)?;
    Ok(staged)
}
