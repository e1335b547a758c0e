//! A tweet becomes a notification for each subscriber of its author, each once.
//!
//! Who posts writes one record, however many subscribers there are. They are told in parts, each a command of its own, which
//! moves the record on in the batch that notifies them: whatever happens in between, nobody is told twice or left out. All
//! tweets that wait get a part in turn, so that nobody waits behind somebody with a million subscribers.
//!
//! Told are those who asked before the tweet was posted, follow its author, have no block between them and the author, and are not
//! notified by the tweet itself.

use base::error::chain;
use base::{Code, Error, TweetId, UserId};

use super::pause::Pause;
use crate::graph::Graph;
use crate::tweets::{Deliver, Delivery, Store, View, addressed};

/// Subscribers of one part: bounds what one command writes, and for how long it keeps others waiting.
const PART_MAX: usize = 1000;
/// Tweets that get a part in turn.
const IN_TURN_MAX: usize = 100;

/// Works without end.
pub(super) async fn run(store: &Store, graph: &dyn Graph) {
    let mut pause = Pause::new();
    let mut oldest = TweetId(0);
    loop {
        match each_in_turn(store, graph, &mut oldest).await {
            Ok(true) => pause.reset(),
            Ok(false) => store.to_deliver().await,
            Err(error) => {
                if pause.is_notable() {
                    tracing::warn!(error = %chain(&error), "subscribers are not told of a tweet; it is tried again");
                }
                pause.wait().await;
            }
        }
    }
}

/// Tells a part of the subscribers of each tweet that waits; answers whether there was any. `oldest` is where to look from:
/// those that are done leave traces in the engine that are slow to step over.
async fn each_in_turn(store: &Store, graph: &dyn Graph, oldest: &mut TweetId) -> Result<bool, Error> {
    let waiting = store.view().deliveries(*oldest).take(IN_TURN_MAX).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = waiting.first() else { return Ok(false) };
    *oldest = first.tweet;
    let mut failed = None;
    for delivery in waiting {
        // One that fails does not hold up the others.
        if let Err(error) = tell(store, graph, delivery).await {
            failed.get_or_insert(error);
        }
    }
    failed.map_or(Ok(true), Err)
}

async fn tell(store: &Store, graph: &dyn Graph, delivery: Delivery) -> Result<(), Error> {
    let Delivery { tweet, author, from } = delivery;
    let (candidates, next) = part(&store.view(), delivery)?;
    let recipients = match candidates.is_empty() {
        true => Vec::new(),
        false => reachable(graph, author, candidates).await?,
    };
    Ok(store.write(Deliver { tweet, author, from, next, recipients }).await?)
}

/// The next subscribers to be told, if the graph does not say otherwise, and with whom the part after them begins.
fn part(view: &View, delivery: Delivery) -> Result<(Vec<UserId>, Option<UserId>), Error> {
    let Delivery { tweet: id, author, from } = delivery;
    // Nobody is told of a deleted tweet: the command sees to that.
    let Some(tweet) = view.tweet(id)? else { return Ok((Vec::new(), None)) };
    let addressed = addressed(author, &tweet.record);
    let mut candidates = Vec::new();
    for (looked_at, subscriber) in view.subscribers(author, from).enumerate() {
        let (subscriber, since) = subscriber?;
        if looked_at == PART_MAX {
            return Ok((candidates, Some(subscriber)));
        }
        if since < id && addressed.binary_search_by_key(&subscriber, |(user, _)| *user).is_err() {
            candidates.push(subscriber);
        }
    }
    Ok((candidates, None))
}

async fn reachable(graph: &dyn Graph, author: UserId, candidates: Vec<UserId>) -> Result<Vec<UserId>, Error> {
    match graph.reachable(author, &candidates).await {
        Ok(reachable) => {
            Ok(candidates.into_iter().zip(reachable).filter_map(|(user, is)| is.then_some(user)).collect())
        }
        // They were known when they subscribed: the graph is an older one now. Waiting would not make it know them.
        Err(error) if error.code() == Code::InvalidArgument => {
            tracing::warn!(error = %chain(&error), %author, "the graph does not know subscribers, who are not told");
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}
