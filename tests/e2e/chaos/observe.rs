//! Everything that can be seen at the end.

use std::collections::BTreeMap;

use serde_json::Value;

use super::afterwards::{MODES, Notified, OfPerson, Seen, Tally};
use super::facts::{AFTERWARDS, Facts};
use super::history::{Entry, History, Id, id, person, username};
use super::{CLIENTS, SENTINEL};
use crate::support::client::{Rest, each, text};
use crate::support::wait;

/// Looks at everything of an act; `tokens` are those of its people.
pub(super) async fn observe(rest: &Rest, act: usize, tokens: &[String], history: &History) -> Seen {
    let people = each(0..CLIENTS, |number| {
        let client = rest.signed(&tokens[number]);
        async move { (number, of_person(&client, &username(act, number)).await) }
    });
    let people: BTreeMap<_, _> = people.await.into_iter().collect();
    let entries = people.values().flat_map(|of_person: &OfPerson| &of_person.timeline);
    let ids: Vec<Id> = entries.filter(|entry| entry.retweeter.is_none()).map(|entry| entry.tweet).collect();
    let tallies = each(ids, |id| async move { Some((id, tally(rest, id).await?)) }).await;
    let facts = Facts::of(history);
    let deleted = facts.posted.keys().filter(|id| facts.is_gone(**id, AFTERWARDS.begin));
    let risen = each(deleted, |id| async move { (*id, rest.get(&format!("/api/tweets/{id}")).await.status != 404) });
    let risen = risen.await.into_iter().filter_map(|(id, found)| found.then_some(id)).collect();
    Seen { people, tallies: tallies.into_iter().flatten().collect(), risen }
}

async fn of_person(client: &Rest, username: &str) -> OfPerson {
    let timeline = entries(&client.all_pages(&format!("/api/users/{username}/tweets")).await);
    let profile = client.get(&format!("/api/users/{username}")).await.expect(200);
    let followees = client.all_pages(&format!("/api/users/{username}/followees")).await;
    let mut feeds = [const { Vec::new() }; 3];
    for (feed, mode) in feeds.iter_mut().zip(MODES) {
        *feed = entries(&client.all_pages(&format!("/api/feed?mode={mode}")).await);
    }
    OfPerson {
        timeline,
        tweets_count: profile["tweets_count"].as_u64().expect("a count"),
        followees: followees.iter().map(person).collect(),
        feeds,
        notified: notified(client).await,
    }
}

/// Follows are told of in their order, soon and not at once: once the sentinel's is there, which came last, all are.
async fn notified(client: &Rest) -> Vec<Notified> {
    let mut notified = wait::until_async("the sentinel's follow", async || {
        let items: Vec<_> = client.all_pages("/api/notifications").await.iter().map(notification).collect();
        items.iter().any(|item| item.kind == "follow" && item.actors.contains(&SENTINEL)).then_some(items)
    })
    .await;
    for item in notified.iter_mut().filter(|item| item.kind == "follow" && item.actors.contains(&SENTINEL)) {
        item.actors.retain(|actor| *actor != SENTINEL);
        item.actors_count -= 1;
    }
    notified
}

fn notification(item: &Value) -> Notified {
    Notified {
        kind: text(&item["kind"]).to_owned(),
        tweet: item.get("tweet").filter(|tweet| !tweet.is_null()).map(|tweet| id(&tweet["id"])),
        actors: item["actors"].as_array().expect("a list").iter().map(person).collect(),
        actors_count: item["actors_count"].as_u64().expect("a count"),
    }
}

/// None for a tweet that cannot be read.
async fn tally(rest: &Rest, tweet: Id) -> Option<Tally> {
    let path = format!("/api/tweets/{tweet}");
    let answer = rest.get(&path).await;
    if answer.status == 404 {
        return None;
    }
    let body = answer.expect(200);
    let count = |name: &str| body[name].as_u64().expect("a count");
    Some(Tally {
        favorites: rest.all_pages(&format!("{path}/favorites")).await.iter().map(person).collect(),
        retweets: rest.all_pages(&format!("{path}/retweets")).await.iter().map(person).collect(),
        comments: rest.all_pages(&format!("{path}/comments")).await.iter().map(|item| id(&item["id"])).collect(),
        counts: [count("favorites_count"), count("retweets_count"), count("comments_count")],
    })
}

fn entries(items: &[Value]) -> Vec<Entry> {
    items.iter().map(Entry::parse).collect()
}
