//! Who follows whom, what was said, and what each feed must be: everything that an author who is followed, or the reader,
//! posted, newest first. Nobody answers anybody, blocks or mutes, so that no system needs a rule for it.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use proto::timeline::Tweet;

use super::{PAGE, Shown};
use crate::load::people::Reader;
use crate::load::stage::Stage;

/// Entries of a feed that is kept as a list.
pub const KEPT: usize = 800;

/// Somebody's feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Who reads.
    pub reader: Reader,
    /// The same in the graph.
    pub user: u32,
    /// Those who are followed, and the reader.
    pub authors: Vec<u32>,
    /// The newest ids, newest first.
    pub newest: Vec<u64>,
}

/// All of them, and the tweets.
#[derive(Debug)]
pub struct Feeds {
    feeds: Vec<Feed>,
    tweets: Vec<Tweet>,
    /// By id, the place of a tweet.
    places: HashMap<u64, usize>,
    names: HashMap<u32, String>,
}

impl Feeds {
    /// The feeds of these readers on a stage.
    pub fn new(stage: &Stage, readers: &[Reader], tweets: Vec<Tweet>) -> anyhow::Result<Self> {
        let ids = stage.ids();
        let user = |name: &str| ids.get(name).copied().with_context(|| format!("{name} is nobody"));
        // Names are u and the number that the edge list has.
        let mut users = vec![None; stage.staged().users as usize];
        for (name, user) in &ids {
            let number: usize = name.trim_start_matches('u').parse()?;
            *users.get_mut(number).context("a number that was not generated")? = Some(*user);
        }
        let mut feeds = Vec::with_capacity(readers.len());
        let mut place_of = HashMap::new();
        for reader in readers {
            let user = user(&reader.name)?;
            place_of.insert(user, feeds.len());
            feeds.push(Feed { reader: reader.clone(), user, authors: vec![user], newest: Vec::new() });
        }
        let known = |number: u32| users.get(number as usize).copied().flatten();
        stage.follows(|source, target| {
            if let Some((source, target)) = known(source).zip(known(target))
                && let Some(place) = place_of.get(&source)
            {
                feeds[*place].authors.push(target);
            }
        })?;
        let mut by_author = HashMap::<u32, Vec<u64>>::new();
        for tweet in &tweets {
            by_author.entry(tweet.author).or_default().push(tweet.id);
        }
        for feed in &mut feeds {
            let ids = feed.authors.iter().filter_map(|author| by_author.get(author)).flatten();
            feed.newest = ids.copied().collect();
            feed.newest.sort_unstable_by(|a, b| b.cmp(a));
            feed.newest.truncate(KEPT);
        }
        // Who has less than a page would make every system faster than it is.
        feeds.retain(|feed| feed.newest.len() >= PAGE);
        ensure!(!feeds.is_empty(), "nobody has a whole page: ask for more tweets, or more followees");
        let names = ids.iter().map(|(name, user)| (*user, (*name).to_owned())).collect();
        let places = tweets.iter().enumerate().map(|(place, tweet)| (tweet.id, place)).collect();
        Ok(Feeds { feeds, tweets, places, names })
    }

    /// Every feed that has a page.
    pub fn all(&self) -> &[Feed] {
        &self.feeds
    }

    /// Every tweet, in no order.
    pub fn tweets(&self) -> &[Tweet] {
        &self.tweets
    }

    /// Everybody's id and username, which is the name as well.
    pub fn names(&self) -> &HashMap<u32, String> {
        &self.names
    }

    /// What the newest page of a feed must be.
    pub fn page(&self, feed: &Feed) -> Vec<Shown> {
        let tweet = |id: &u64| self.places.get(id).map(|place| (*id, self.tweets[*place].text.clone()));
        feed.newest.iter().take(PAGE).filter_map(tweet).collect()
    }

    /// The hashtags, mentions and links of a tweet as JSON.
    pub fn entities(tweet: &Tweet) -> serde_json::Value {
        let entities = tweet.entities.clone().unwrap_or_default();
        let span = |span: Option<proto::timeline::Span>| span.map_or((0, 0), |span| (span.start, span.end));
        let hashtags = entities.hashtags.into_iter().map(|hashtag| {
            let (start, end) = span(hashtag.span);
            serde_json::json!({ "tag": hashtag.tag, "start": start, "end": end })
        });
        let mentions = entities.mentions.into_iter().map(|mention| {
            let (start, end) = span(mention.span);
            let id = mention.user.to_string();
            serde_json::json!({ "username": mention.username, "id": id, "start": start, "end": end })
        });
        let urls = entities.urls.into_iter().map(|url| {
            let (start, end) = span(url.span);
            serde_json::json!({ "url": url.url, "start": start, "end": end })
        });
        let lists = [hashtags.collect::<Vec<_>>(), mentions.collect(), urls.collect()];
        let [hashtags, mentions, urls] = lists;
        serde_json::json!({ "hashtags": hashtags, "mentions": mentions, "urls": urls })
    }
}
