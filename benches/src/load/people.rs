//! Who there is, who asks, and where.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::wire::Connection;
use crate::wire::http::{Http, get, json};

/// Readers whose feeds are looked at for tweets that can be asked for.
const LOOKED_AT: usize = 200;

/// A server, and the people on it.
#[derive(Clone, Debug)]
pub struct People {
    /// Where the server is.
    pub address: SocketAddr,
    /// What it is called in requests.
    pub host: String,
    /// Everybody's username.
    pub names: Vec<String>,
    /// Those who ask.
    pub readers: Vec<Reader>,
    /// Tweets that can be asked for one by one.
    pub tweets: Vec<String>,
}

/// Somebody who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reader {
    /// The username.
    pub name: String,
    /// An access token.
    pub token: String,
}

impl People {
    /// Those on a server of our own.
    pub fn at(address: SocketAddr, names: Vec<String>, readers: Vec<Reader>) -> Self {
        People { address, host: address.to_string(), names, readers, tweets: Vec::new() }
    }

    /// Those of a file, each with a token on a line with the name: all that we know of a server that runs.
    pub fn of_file(url: &str, file: &Path) -> anyhow::Result<Self> {
        let host = url.strip_prefix("http://").context("--url begins with http://")?.trim_end_matches('/').to_owned();
        let address = host.to_socket_addrs().with_context(|| format!("{host} is no host:port"))?.next();
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let readers = readers(&text)?;
        let names = readers.iter().map(|reader| reader.name.clone()).collect();
        Ok(People { address: address.context("a host without an address")?, host, names, readers, tweets: Vec::new() })
    }

    /// Reads some feeds: that the server answers, and which tweets there are.
    pub async fn look_around(&mut self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address, Http).await?;
        for reader in self.readers.iter().take(LOOKED_AT) {
            let answer = connection.ask(&get(&self.host, "/api/feed?limit=50", Some(&reader.token))).await?;
            let feed = json(&answer).with_context(|| format!("the feed of {}", reader.name))?;
            let items = feed["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            self.tweets.extend(items.iter().filter_map(|tweet| tweet["id"].as_str()).map(str::to_owned));
        }
        self.tweets.sort_unstable();
        self.tweets.dedup();
        Ok(())
    }

    /// What the server answers to one question.
    pub async fn ask(&self, path: &str, reader: &Reader) -> anyhow::Result<Value> {
        let mut connection = Connection::open(self.address, Http).await?;
        json(&connection.ask(&get(&self.host, path, Some(&reader.token))).await?)
    }
}

/// A name and a token on each line.
fn readers(text: &str) -> anyhow::Result<Vec<Reader>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).map(|line| {
        let (name, token) = line.trim().split_once(char::is_whitespace).context("a line without a name and a token")?;
        Ok(Reader { name: name.to_owned(), token: token.trim().to_owned() })
    });
    let readers: Vec<Reader> = lines.collect::<anyhow::Result<_>>()?;
    ensure!(!readers.is_empty(), "nobody is in the file of tokens");
    Ok(readers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_and_a_token() {
        let reader = |name: &str, token: &str| Reader { name: name.to_owned(), token: token.to_owned() };
        assert_eq!(
            readers("ada a.b.c\n\nbob\td.e.f\n").expect("read"),
            [reader("ada", "a.b.c"), reader("bob", "d.e.f")]
        );
        assert!(readers("\n").is_err() && readers("ada").is_err());
    }
}
