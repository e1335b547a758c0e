//! Writes a community through the interfaces of the services.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, anyhow};
use api::NewAccount;
use base::clock::Clock;
use base::{UserId, limits};
use futures::future::try_join_all;
use proto::graph::{AllocateUsersRequest, ApplyRequest, Change, Operation, Relation};
use proto::link::{GraphLink, TimelineLink};
use proto::timeline::{CreateTweetRequest, ResolvedMention};

use super::community::{Community, VISITOR};
use super::names::CIRCLES;
use super::tweets::{self, Draft};
use super::{LOGIN, PASSWORD, SEED};
use crate::config::{Config, Role};
use crate::progress::Progress;
use crate::roles::services::Services;

/// Tweets written at once: they share a sync, and lie within half an hour of one another.
const TWEETS_AT_ONCE: usize = 16;
/// How far back the first account and the first follow lie.
const HISTORY_MS: u64 = 300 * 24 * 3_600_000;

/// Fills the data folder of the settings with a community that has lived up to `now_ms`.
pub(super) async fn fill(config: &Config, now_ms: u64) -> anyhow::Result<()> {
    let community = Community::from_seed(SEED);
    let tweets = tweets::from_seed(SEED, &community);
    let clock = Arc::new(PastClock::default());
    let services = Services::open(Role::Serve, config, clock.clone(), None).await?;
    let filled = async {
        let graph = services.graph_link(config);
        let users = allocate(&graph, community.people.len()).await?;
        accounts(&services, &community, &users, now_ms).await?;
        follows(&graph, &community, &users, now_ms).await?;
        say(&services.timeline_link(config), &clock, &community, &users, &tweets, now_ms).await
    };
    let filled = filled.await;
    services.close().await;
    filled
}

async fn allocate(graph: &GraphLink, people: usize) -> anyhow::Result<Vec<UserId>> {
    let request = AllocateUsersRequest { count: u32::try_from(people)?, ..Default::default() };
    let users = graph.allocate_users(request).await?.users;
    Ok(users.into_iter().map(UserId).collect())
}

async fn accounts(services: &Services, community: &Community, users: &[UserId], now_ms: u64) -> anyhow::Result<()> {
    let api = services.api.as_ref().context("the demo runs in the process of all services")?;
    let accounts = api.accounts();
    let password_hash = accounts.hash_password(PASSWORD).await?;
    let new: Vec<NewAccount> = community
        .people
        .iter()
        .enumerate()
        .map(|(place, person)| NewAccount {
            id: users[place].0,
            username: person.username.clone(),
            name: person.name.clone(),
            description: CIRCLES[person.circle].description.to_owned(),
            email: (place == VISITOR).then(|| format!("{LOGIN}@example.org")),
            password_hash: (place == VISITOR).then(|| password_hash.clone()),
            created_at_ms: now_ms - HISTORY_MS + place as u64 * 60_000,
        })
        .collect();
    accounts.import_accounts(&new).await?;
    Ok(())
}

async fn follows(graph: &GraphLink, community: &Community, users: &[UserId], now_ms: u64) -> anyhow::Result<()> {
    let total = community.follows();
    let progress = Progress::new("follows", total as u64);
    let pairs = community.followees.iter().enumerate();
    let pairs = pairs.flat_map(|(source, targets)| targets.iter().map(move |target| (source, *target)));
    let mut changes: Vec<Change> = pairs
        .map(|(source, target)| Change {
            relation: Relation::Follow as i32,
            operation: Operation::Add as i32,
            source: users[source].0,
            target: users[target].0,
            time: 0,
        })
        .collect();
    // The order of the pairs says nothing; one that mixes them makes "newest first" something to look at.
    changes.sort_unstable_by_key(|change| {
        (change.source.wrapping_mul(0x9e37_79b1) ^ change.target.wrapping_mul(0x85eb_ca6b), change.source)
    });
    for (place, change) in changes.iter_mut().enumerate() {
        let age_ms = HISTORY_MS * (total - place) as u64 / total as u64;
        change.time = u32::try_from((now_ms - age_ms) / 1000)?;
    }
    for batch in changes.chunks(limits::CHANGES_MAX) {
        graph.apply(ApplyRequest { changes: batch.to_vec() }).await?;
        progress.advance(batch.len() as u64);
    }
    Ok(())
}

async fn say(
    timeline: &TimelineLink,
    clock: &PastClock,
    community: &Community,
    users: &[UserId],
    tweets: &[Draft],
    now_ms: u64,
) -> anyhow::Result<()> {
    let progress = Progress::new("tweets", tweets.len() as u64);
    let mut ids: Vec<u64> = Vec::with_capacity(tweets.len());
    while ids.len() < tweets.len() {
        let first = ids.len();
        // What is answered must be there before the answer.
        let ready = tweets[first..].iter().take(TWEETS_AT_ONCE);
        let group: Vec<&Draft> =
            ready.take_while(|tweet| tweet.in_reply_to.is_none_or(|place| place < first)).collect();
        let (oldest, youngest) = (tweets[first].age_ms, tweets[first + group.len() - 1].age_ms);
        clock.set(now_ms - oldest, (oldest - youngest) / group.len() as u64);
        let posts = group.iter().map(|tweet| {
            let mentions = tweet.mentions.iter().map(|person| ResolvedMention {
                username: community.people[*person].username.clone(),
                user: users[*person].0,
            });
            timeline.create_tweet(CreateTweetRequest {
                author: users[tweet.author].0,
                text: tweet.text.clone(),
                in_reply_to: tweet.in_reply_to.map_or(0, |place| ids[place]),
                mentions: mentions.collect(),
                ..CreateTweetRequest::default()
            })
        });
        for response in try_join_all(posts.collect::<Vec<_>>()).await? {
            ids.push(response.tweet.ok_or_else(|| anyhow!("a tweet was posted and not answered"))?.id);
        }
        progress.advance(group.len() as u64);
    }
    Ok(())
}

/// A clock that goes on by one step each time somebody looks.
#[derive(Debug, Default)]
struct PastClock {
    now_ms: AtomicU64,
    step_ms: AtomicU64,
}

impl PastClock {
    fn set(&self, now_ms: u64, step_ms: u64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
        self.step_ms.store(step_ms, Ordering::SeqCst);
    }
}

impl Clock for PastClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.fetch_add(self.step_ms.load(Ordering::SeqCst), Ordering::SeqCst)
    }
}
