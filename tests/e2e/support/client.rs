//! Clients of both doors.

use std::time::Duration;

use base::error::chain;
use futures::{StreamExt, stream};
use proto::auth::ServiceToken;
use proto::link::GraphLink;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// How long a request may take.
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
/// Entries of a page in [`Rest::all_pages`].
const PAGE: usize = 1000;
/// Requests that a test has under way at once.
pub(crate) const AT_ONCE: usize = 16;
/// Those of them that sign somebody up.
static SIGNING_UP: Semaphore = Semaphore::const_new(4);

/// REST, as one caller.
#[derive(Clone, Debug)]
pub(crate) struct Rest {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Null where there is none.
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer that must have this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{} answered {}", self.request, self.body);
        self.body
    }
}

impl Rest {
    /// Nobody in particular, at `http://host:port`.
    pub(crate) fn new(base: &str) -> Rest {
        // The server brings TLS for object stores, and with it the need to say whose cryptography it is.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(REQUEST_DEADLINE).build().expect("a client can be made");
        Rest { client, base: base.to_owned(), token: None }
    }

    /// The same door, as the caller with this token.
    pub(crate) fn signed(&self, token: &str) -> Rest {
        Rest { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The token of this caller.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().expect("somebody is signed in")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await.expect("the request is answered")
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await.expect("the request is answered")
    }

    /// A post that may be sent again under the same key.
    pub(crate) async fn post_with_key(&self, path: &str, key: &str, body: Value) -> Answer {
        let builder = self.request(Method::POST, path).header("Idempotency-Key", key).json(&body);
        answer(format!("POST {path} with {key}"), builder).await.expect("the request is answered")
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await.expect("the request is answered")
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await.expect("the request is answered")
    }

    /// A request with no body that switches something.
    pub(crate) async fn switch(&self, method: Method, path: &str) -> Answer {
        self.send(method, path, None).await.expect("the request is answered")
    }

    /// A read of a state at least as new as a revision.
    pub(crate) async fn get_at(&self, path: &str, revision: &str) -> Answer {
        let builder = self.request(Method::GET, path).header("Roost-Revision", revision);
        answer(format!("GET {path} at {revision}"), builder).await.expect("the request is answered")
    }

    /// New tokens for a refresh token.
    pub(crate) async fn refresh(self, token: String) -> Answer {
        self.post("/api/token/refresh", json!({ "refresh_token": token })).await
    }

    /// An answer, or what prevented it: the service may be gone.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer, String> {
        self.send_with(method, path, &[], body).await
    }

    /// The same with headers.
    pub(crate) async fn send_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Answer, String> {
        let request = format!("{method} {path}");
        let mut builder = self.request(method, path);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        if let Some(body) = body {
            builder = builder.json(&body);
        }
        answer(request, builder).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let builder = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => builder.bearer_auth(token),
            None => builder,
        }
    }

    /// The items of all pages of something, in order, from the first page on.
    pub(crate) async fn all_pages(&self, path: &str) -> Vec<Value> {
        self.pages(path, PAGE, usize::MAX).await.concat()
    }

    /// The pages of something, at most so many.
    pub(crate) async fn pages(&self, path: &str, limit: usize, most: usize) -> Vec<Vec<Value>> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut pages = Vec::new();
        let mut cursor = String::new();
        while pages.len() < most {
            let page = self.get(&format!("{path}{separator}limit={limit}{cursor}")).await.expect(200);
            let items = page["items"].as_array().unwrap_or_else(|| panic!("{path} answered no items: {page}"));
            assert!(items.len() <= limit, "{path} answered {} items, {limit} at most", items.len());
            pages.push(items.clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        pages
    }

    /// Posts a tweet as oneself, and gives its id.
    pub(crate) async fn say(&self, username: &str, said: &str) -> String {
        let tweet = self.post(&format!("/api/users/{username}/tweets"), json!({ "text": said })).await.expect(201);
        assert_eq!(tweet["text"], said);
        text(&tweet["id"]).to_owned()
    }

    /// Answers a tweet, and gives the answer's id.
    pub(crate) async fn comment(&self, tweet: &str, said: &str) -> String {
        let path = format!("/api/tweets/{tweet}/comments");
        let comment = self.post(&path, json!({ "text": said })).await.expect(201);
        assert_eq!(comment["in_reply_to"], tweet);
        text(&comment["id"]).to_owned()
    }

    /// Sets a switch and gives the new state.
    pub(crate) async fn turn_on(&self, path: &str) -> Value {
        self.switch(Method::POST, path).await.expect(200)
    }

    /// Signs somebody up and in; answers their own client.
    pub(crate) async fn join(&self, username: &str) -> Rest {
        let body = json!({
            "username": username,
            "email": format!("{username}@example.org"),
            "password": password(username),
            "name": username,
        });
        // Accounts are written one after the other: on a slow disk the last of many would wait for longer than the server does.
        let turn = SIGNING_UP.acquire().await.expect("it is never closed");
        self.post("/api/users", body).await.expect(201);
        drop(turn);
        self.log_in(username).await
    }

    /// Signs somebody in who joined.
    pub(crate) async fn log_in(&self, username: &str) -> Rest {
        let body = json!({ "login": username, "password": password(username) });
        let answer = self.post("/api/login", body).await.expect(200);
        self.signed(text(&answer["access_token"]))
    }
}

async fn answer(request: String, builder: RequestBuilder) -> Result<Answer, String> {
    let response = builder.send().await.map_err(|error| chain(&error))?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.map_err(|error| chain(&error))?;
    let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| match bytes.is_empty() {
        true => Value::Null,
        false => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
    });
    Ok(Answer { request, status, headers, body })
}

/// The password of whoever joined through [`Rest::join`].
pub(crate) fn password(username: &str) -> String {
    format!("the password of {username}")
}

/// A value that must be a string.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

/// The strings under one key of each item.
pub(crate) fn texts(items: &[Value], key: &str) -> Vec<String> {
    items.iter().map(|item| text(&item[key]).to_owned()).collect()
}

/// The graph, over gRPC.
pub(crate) fn graph(address: &str) -> GraphLink {
    let uri = format!("http://{address}").parse().expect("an address makes a URI");
    GraphLink::connect(uri, ServiceToken::none())
}

/// Does something for each of many, some at once, and gives the results in order.
pub(crate) async fn each<T, R, F>(many: impl IntoIterator<Item = T>, work: impl FnMut(T) -> F) -> Vec<R>
where
    F: Future<Output = R>,
{
    stream::iter(many).map(work).buffered(AT_ONCE).collect().await
}
