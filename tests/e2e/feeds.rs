//! Home feeds over a real follow graph: ten thousand tweets of five hundred people, and every page of three hundred feeds
//! equal to a model that is computed from the file of the graph.

use std::collections::BTreeSet;

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::support::client::{Rest, each, text};
use crate::support::data;
use crate::support::installation::{Installation, Wiring};
use crate::support::model::{Follows, Posted, home_feed};
use crate::support::wait::until_async;

const SEED: u64 = 0x0F33D;
const AUTHORS: usize = 500;
const TWEETS: usize = 10_000;
const READERS: usize = 300;
/// Entries of a page of a feed.
const PAGE: usize = 100;
/// Of a hundred tweets, those that answer another, and those that are deleted again.
const ANSWERS: u32 = 20;
const DELETED: u32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feeds_equal_the_model_in_one_process() {
    feeds_equal_the_model(Wiring::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feeds_equal_the_model_in_three_processes() {
    feeds_equal_the_model(Wiring::ThreeProcesses).await;
}

async fn feeds_equal_the_model(wiring: Wiring) {
    let Some(file) = data::ego_twitter() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    data::copy_of_ego_twitter(&data);
    let follows = Follows::read(&file);
    let mut random = ChaCha8Rng::seed_from_u64(SEED);

    // Half of the authors are the most followed, so that feeds are long; the others are anybody.
    let mut authors = follows.by_size(&follows.followers);
    authors[AUTHORS / 2..].shuffle(&mut random);
    authors.truncate(AUTHORS);
    // A third of the readers follow the most people, a third are authors, the others are anybody.
    let mut others = follows.by_size(&follows.followees);
    let mut readers: BTreeSet<u64> = others.drain(..READERS / 3).collect();
    readers.extend(authors.sample(&mut random, READERS / 3));
    others.shuffle(&mut random);
    let missing: Vec<u64> = others.into_iter().filter(|person| !readers.contains(person)).collect();
    readers.extend(missing.iter().take(READERS - readers.len()));
    let readers: Vec<u64> = readers.into_iter().collect();
    assert_eq!(readers.len(), READERS);
    let usernames = |people: &[u64]| people.iter().map(|person| format!("u{person}")).collect::<Vec<_>>();
    let author_tokens = data::tokens(&data, &usernames(&authors));
    let reader_tokens = data::tokens(&data, &usernames(&readers));

    let installation = Installation::start(wiring, &data);
    let rest = installation.rest();
    let clients: Vec<Rest> = author_tokens.iter().map(|token| rest.signed(token)).collect();
    let mut tweets = post_statements(&clients, &authors).await;
    let answers = TWEETS - tweets.len();
    tweets.extend(post_answers(&clients, &authors, &tweets, answers, &mut random).await);
    assert_eq!(tweets.len(), TWEETS);
    delete_some(&clients, &authors, &mut tweets, &mut random).await;

    let lengths = each(readers.iter().zip(&reader_tokens), |(reader, token)| {
        let client = rest.signed(token);
        let expected = home_feed(*reader, &follows, &tweets);
        async move {
            let feed = client.pages("/api/feed", PAGE, usize::MAX).await.concat();
            let feed: Vec<_> = feed.iter().map(|item| (text(&item["id"]), text(&item["author"]["username"]))).collect();
            let ids: Vec<_> =
                expected.iter().map(|tweet| (tweet.id.to_string(), format!("u{}", tweet.author))).collect();
            let ids: Vec<_> = ids.iter().map(|(id, author)| (id.as_str(), author.as_str())).collect();
            assert!(feed == ids, "u{reader}: {}", first_difference(&feed, &ids));
            feed.len()
        }
    });
    let lengths = lengths.await;
    let long = lengths.iter().filter(|length| **length > 3 * PAGE).count();
    assert!(long > READERS / 3, "only {long} feeds have more than three pages: {lengths:?}");
    // The texts of one long feed, in pages of another size.
    let longest = (0..lengths.len()).max_by_key(|place| lengths[*place]).expect("there are readers");
    let client = rest.signed(&reader_tokens[longest]);
    let pages = client.pages("/api/feed", 97, usize::MAX).await;
    let texts: Vec<&str> = pages.iter().flatten().map(|item| text(&item["text"])).collect();
    let expected: Vec<&str> =
        home_feed(readers[longest], &follows, &tweets).into_iter().map(|tweet| tweet.text.as_str()).collect();
    assert_eq!(texts, expected);
    assert_eq!(pages.len(), expected.len().div_ceil(97), "no page is shorter than it must be, and none is empty");
    until_kept(&rest, &client).await;
    installation.stop();
}

/// Nothing changes any more: a page that is asked for again is given again, through remote links as well.
async fn until_kept(rest: &Rest, client: &Rest) {
    let first = client.get("/api/feed?mode=pull").await.expect(200);
    until_async("a page that is kept", async || {
        assert_eq!(client.get("/api/feed").await.expect(200), first);
        let metrics = rest.get("/metrics").await.expect(200);
        let mut lines = text(&metrics).lines();
        let kept = lines.find_map(|line| line.strip_prefix("roost_http_feeds_total{answer=\"kept\"} "));
        kept.filter(|kept| *kept != "0").map(drop)
    })
    .await;
}

/// Every author posts as many, all authors at once.
async fn post_statements(clients: &[Rest], authors: &[u64]) -> Vec<Posted> {
    let each_posts = TWEETS * (100 - ANSWERS as usize) / 100 / authors.len();
    let turns = (0..each_posts).flat_map(|turn| (0..authors.len()).map(move |author| (turn, author)));
    each(turns, |(turn, author)| {
        let said = format!("tweet {turn} of u{}", authors[author]);
        async move { post(&clients[author], authors[author], said, None).await }
    })
    .await
}

/// Authors answer tweets: those of people whom they follow and of others.
async fn post_answers(
    clients: &[Rest],
    authors: &[u64],
    tweets: &[Posted],
    count: usize,
    random: &mut ChaCha8Rng,
) -> Vec<Posted> {
    let drawn: Vec<(usize, &Posted)> = (0..count)
        .map(|_| (random.random_range(0..authors.len()), tweets.choose(random).expect("there are tweets")))
        .collect();
    each(drawn, |(author, answered)| async move {
        let said = format!("u{} answers u{}", authors[author], answered.author);
        post(&clients[author], authors[author], said, Some(answered)).await
    })
    .await
}

async fn post(client: &Rest, author: u64, said: String, answered: Option<&Posted>) -> Posted {
    let mut body = json!({ "text": said });
    if let Some(answered) = answered {
        body["in_reply_to"] = answered.id.to_string().into();
    }
    let tweet = client.post(&format!("/api/users/u{author}/tweets"), body).await.expect(201);
    let id = text(&tweet["id"]).parse().expect("an id is a number");
    assert!(answered.is_none_or(|answered| id > answered.id), "an answer is younger than what it answers");
    Posted { id, author, text: said, answers: answered.map(|answered| (answered.id, answered.author)) }
}

/// Some think better of what they said, answered or not.
async fn delete_some(clients: &[Rest], authors: &[u64], tweets: &mut Vec<Posted>, random: &mut ChaCha8Rng) {
    let (deleted, kept): (Vec<_>, Vec<_>) = tweets.drain(..).partition(|_| random.random_ratio(DELETED, 100));
    *tweets = kept;
    assert!(deleted.len() > TWEETS / 100, "{} are deleted", deleted.len());
    let gone: BTreeSet<u64> = deleted.iter().map(|tweet| tweet.id).collect();
    let under_tombstones = tweets.iter().filter(|tweet| tweet.answers.is_some_and(|(id, _)| gone.contains(&id)));
    assert!(under_tombstones.count() > TWEETS / 1000, "too few of the deleted are answered");
    let answers = each(&deleted, |tweet| {
        let author = authors.iter().position(|author| *author == tweet.author).expect("one of the authors");
        async move { clients[author].delete(&format!("/api/tweets/{}", tweet.id)).await }
    });
    for answer in answers.await {
        answer.expect(204);
    }
}

fn first_difference(feed: &[(&str, &str)], expected: &[(&str, &str)]) -> String {
    let place = feed.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(feed.len().min(expected.len()));
    format!(
        "{} entries instead of {}; at {place} is {:?} instead of {:?}",
        feed.len(),
        expected.len(),
        feed.get(place),
        expected.get(place)
    )
}
