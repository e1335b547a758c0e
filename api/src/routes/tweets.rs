//! `GET` and `POST /api/users/{username}/tweets`, `GET` and `DELETE /api/tweets/{id}`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use base::{Code, Error, TweetId, limits};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use proto::graph::{Pair, RelateRequest};
use proto::timeline::{CreateTweetRequest, DeleteTweetRequest, GetTweetsRequest, ResolvedMention, UserTimelineRequest};
use serde_json::Value;

use super::feed::page;
use crate::accounts::validation;
use crate::error::{Answer, Problem};
use crate::extract::{AtLeast, Body, Caller, IDEMPOTENCY_KEY_HEADER, Paging};
use crate::state::App;
use crate::views::{Page, TweetView, viewer_id};

/// Names that one text may mention; the longest that is usual has room for fewer.
const MENTIONS_MAX: usize = 500;

/// A user's timeline. Somebody whom the user blocks gets an empty page.
pub(crate) async fn of_user(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<Page<TweetView>>> {
    let request = UserTimelineRequest {
        user: app.account_of(&username).await?.id,
        page: Some(paging.request()),
        page_number: paging.number(),
        viewer: viewer_id(&caller),
        at_least,
        ..UserTimelineRequest::default()
    };
    let timeline = app.timeline.user_timeline(request).await?;
    page(&app, timeline, caller.is_some()).await
}

/// Posts a tweet: 201 with the tweet. How long a text may be is the timeline's to say.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    mut body: Body,
) -> Answer<impl IntoResponse> {
    let author = caller.account;
    if author.username != username {
        app.account_of(&username).await?;
        return Err(Problem::new(Code::PermissionDenied, "tweets are posted by their author alone"));
    }
    let idempotency_key = idempotency_key(&headers)?;
    let text = body.required("text", Ok);
    let answered = body.optional("in_reply_to", |id| match written_id(&id) {
        Some(_) => Ok(id),
        None => Err("must be the id of a tweet".to_owned()),
    });
    match body.take("media_ids") {
        None => {}
        Some(Value::Array(ids)) if ids.is_empty() => {}
        Some(Value::Array(_)) => drop(body.refuse("media_ids", "there are no such media")),
        Some(_) => drop(body.refuse("media_ids", "must be a list of ids")),
    }
    body.finish()?;
    let request = CreateTweetRequest {
        author: author.id,
        in_reply_to: answered.and_then(|id| written_id(&id)).unwrap_or(0),
        mentions: mentions(&app, author.id, &text).await?,
        text,
        idempotency_key,
        place: None,
    };
    let created = app.timeline.create_tweet(request).await?.tweet;
    let tweet = created.ok_or_else(|| Error::new(Code::Internal, "the timeline answered without the tweet"))?;
    let view = TweetView::new(tweet, &author, true);
    Ok((StatusCode::CREATED, [(LOCATION, format!("/api/tweets/{}", view.id()))], Json(view)))
}

/// One tweet.
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<TweetView>> {
    let request = GetTweetsRequest { ids: vec![tweet_id(&id)?], viewer: viewer_id(&caller), at_least };
    let found = app.timeline.get_tweets(request).await?.tweets;
    let view = app.tweet_views(found, caller.is_some()).await?.into_iter().next();
    view.map(Json).ok_or_else(Problem::no_such_tweet)
}

/// Deletes a tweet of the caller's own, everywhere at once.
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>, caller: Caller) -> Answer<StatusCode> {
    let request = DeleteTweetRequest { id: tweet_id(&id)?, user: caller.account.id };
    app.timeline.delete_tweet(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The id that a path names. One that no tweet could have is one that no tweet has.
fn tweet_id(text: &str) -> Answer<u64> {
    written_id(text).ok_or_else(Problem::no_such_tweet)
}

/// An id as we write it. A sign or zeros before it would make a second name, and a second address, for the same tweet.
fn written_id(text: &str) -> Option<u64> {
    let TweetId(id) = text.parse().ok()?;
    (text.starts_with(|first: char| matches!(first, '1'..='9'))).then_some(id)
}

fn idempotency_key(headers: &HeaderMap) -> Answer<String> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY_HEADER) else { return Ok(String::new()) };
    match value.to_str() {
        Ok(key)
            if (1..=limits::NAME_MAX_BYTES).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(key.to_owned())
        }
        _ => {
            let wrong = format!("must be 1 to {} visible ASCII characters", limits::NAME_MAX_BYTES);
            Err(Problem::field(IDEMPOTENCY_KEY_HEADER, wrong))
        }
    }
}

/// The people whom a text mentions. The name of somebody who blocks the author stays plain text.
async fn mentions(app: &App, author: u32, text: &str) -> Answer<Vec<ResolvedMention>> {
    let found = app.accounts.people.ids_of(handles(text)).await?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let pairs = found.iter().filter(|(_, user)| *user != author);
    let pairs: Vec<_> = pairs.map(|(_, user)| Pair { source: author, target: *user }).collect();
    let related = match pairs.len() {
        0 => Vec::new(),
        _ => app.graph.relate(RelateRequest { pairs: pairs.clone(), at_least: None }).await?.relationships,
    };
    let closed: BTreeSet<u32> =
        pairs.iter().zip(related).filter(|(_, stands)| stands.blocked_by).map(|(pair, _)| pair.target).collect();
    let open = found.into_iter().filter(|(_, user)| !closed.contains(user));
    Ok(open.map(|(username, user)| ResolvedMention { username, user }).collect())
}

/// The names that follow an @ in a text, each once, in lower case. Where exactly a mention is, the timeline decides; what
/// matters here is that none is missing.
fn handles(text: &str) -> BTreeSet<String> {
    let name = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest[..end].to_ascii_lowercase()
    };
    let names = text.split('@').skip(1).map(name);
    names.filter(|name| (1..=validation::USERNAME_MAX).contains(&name.len())).take(MENTIONS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_an_at_is() {
        let found = handles("@ada, hello! (@Bob) x@carl.org @@dora @ada @ @é @_ü");
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["_", "ada", "bob", "carl", "dora"]);
        assert!(handles(&format!("@{}", "a".repeat(31))).is_empty());
        assert_eq!(handles(&"@a @b ".repeat(10_000)).len(), 2);
    }
}
