//! `POST /api/users/{username}/tweets`; and what any post needs, comments too.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base::{Code, Error, limits};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use proto::timeline::{CreateTweetRequest, Place, ResolvedMention};
use serde_json::{Map, Value};

use super::tweets::written_id;
use crate::accounts::{Account, validation};
use crate::error::{Answer, Problem};
use crate::extract::{Body, Caller, IDEMPOTENCY_KEY_HEADER};
use crate::json::Json;
use crate::state::App;
use crate::views::TweetView;

/// Names that one text may mention; the longest that is usual has room for fewer.
const MENTIONS_MAX: usize = 500;

/// What is posted, whatever it answers.
pub(super) struct Post {
    text: String,
    place: Option<Place>,
    idempotency_key: String,
}

/// Posts a tweet: 201 with the tweet.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    mut body: Body,
) -> Answer<Response> {
    let author = caller.account;
    if author.username != username {
        app.account_of(&username).await?;
        return Err(Problem::new(Code::PermissionDenied, "tweets are posted by their author alone"));
    }
    let post = Post::take(&headers, &mut body)?;
    let answered = body.optional("in_reply_to", |id| match written_id(&id) {
        Some(_) => Ok(id),
        None => Err("must be the id of a tweet".to_owned()),
    });
    body.finish()?;
    let in_reply_to = answered.and_then(|id| written_id(&id)).unwrap_or(0);
    Ok(post.by(&app, &author, in_reply_to).await?)
}

impl Post {
    /// The fields of a post. What is wrong with them is noted in the body. How long a text may be, and what a place may be
    /// called, is the timeline's to say.
    pub(super) fn take(headers: &HeaderMap, body: &mut Body) -> Answer<Self> {
        let idempotency_key = idempotency_key(headers)?;
        let text = body.required("text", Ok);
        match body.take("media_ids") {
            None => {}
            Some(Value::Array(ids)) if ids.is_empty() => {}
            Some(Value::Array(_)) => drop(body.refuse("media_ids", "there are no such media")),
            Some(_) => drop(body.refuse("media_ids", "must be a list of ids")),
        }
        Ok(Post { text, place: place(body), idempotency_key })
    }

    /// Posts it as `author`, in answer to a tweet or, for 0, to none.
    pub(super) async fn by(self, app: &App, author: &Arc<Account>, in_reply_to: u64) -> Result<Response, Error> {
        let Post { text, place, idempotency_key } = self;
        let mentions = mentions(app, &text).await?;
        let request = CreateTweetRequest { author: author.id, text, in_reply_to, mentions, idempotency_key, place };
        let created = app.timeline.create_tweet(request).await?.tweet;
        let tweet = created.ok_or_else(|| Error::new(Code::Internal, "the timeline answered without the tweet"))?;
        let view = TweetView::new(tweet, author.clone(), true);
        Ok((StatusCode::CREATED, [(LOCATION, format!("/api/tweets/{}", view.id()))], Json(view)).into_response())
    }
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

/// Where it is posted, if anywhere.
fn place(body: &mut Body) -> Option<Place> {
    let mut fields = match body.take("place")? {
        Value::Object(fields) => fields,
        _ => {
            body.refuse("place", "must be an object");
            return None;
        }
    };
    let name = match fields.remove("name") {
        Some(Value::String(name)) => name,
        Some(_) => body.refuse("place.name", "must be a string"),
        None => body.refuse("place.name", "must be given"),
    };
    let place = Place {
        name,
        latitude: degrees(body, &mut fields, "latitude"),
        longitude: degrees(body, &mut fields, "longitude"),
    };
    for field in fields.keys() {
        body.refuse(&format!("place.{field}"), "there is no such field");
    }
    Some(place)
}

/// A number that may be missing or null.
fn degrees(body: &mut Body, fields: &mut Map<String, Value>, name: &str) -> Option<f64> {
    let value = fields.remove(name).filter(|value| !value.is_null())?;
    let degrees = value.as_f64();
    if degrees.is_none() {
        body.refuse(&format!("place.{name}"), "must be a number of degrees");
    }
    degrees
}

/// The people whom the names in a text are. Whom of them the author may mention, the timeline decides.
async fn mentions(app: &App, text: &str) -> Result<Vec<ResolvedMention>, Error> {
    let found = app.accounts.people.ids_of(handles(text)).await?;
    Ok(found.into_iter().map(|(username, user)| ResolvedMention { username, user }).collect())
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
