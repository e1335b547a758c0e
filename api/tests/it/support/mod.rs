//! What every test here needs: a service on a temporary folder, and somebody to call it.

mod fault;
mod graph;
mod reply;
mod timeline;

use std::sync::Arc;
use std::time::Duration;

use api::{Api, PasswordCost, Settings};
use axum::Router;
use axum::body::Body;
use base::clock::ManualClock;
use http::{Method, Request, header};
use proto::link::{GraphLink, TimelineLink};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) use self::fault::Fault;
pub(crate) use self::graph::ModelGraph;
pub(crate) use self::reply::Reply;
pub(crate) use self::timeline::ModelTimeline;

/// 2026-09-21T14:13:20.123Z.
pub(crate) const NOW_MS: u64 = 1_790_000_000_123;
/// The password of everybody who signs up here.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A service with the models behind it.
pub(crate) struct World {
    pub(crate) folder: Arc<TempDir>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) graph: Arc<ModelGraph>,
    pub(crate) timeline: Arc<ModelTimeline>,
    pub(crate) api: Api,
    router: Router,
}

/// Somebody who signed up and logged in.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

/// A request in the making.
pub(crate) struct Call<'a> {
    world: &'a World,
    request: http::request::Builder,
    body: Body,
}

/// The settings of the tests: passwords are hashed as cheaply as argon2 allows.
pub(crate) fn settings(folder: &TempDir) -> Settings {
    let password_cost = PasswordCost { memory_kib: 64, iterations: 1, parallelism: 1 };
    Settings { password_cost, ..Settings::new(folder.path().join("api")) }
}

/// Waits for what must become true soon, and lets everything else go on.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it becomes true");
}

/// A text under one key of each item of a page.
pub(crate) fn listed<'a>(page: &'a Value, key: &str) -> Vec<&'a str> {
    let items = page["items"].as_array().expect("a list");
    items.iter().map(|item| text(&item[key])).collect()
}

/// A value that must be a string.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

impl World {
    pub(crate) async fn new() -> Self {
        World::with(|settings| settings).await
    }

    /// With settings of the test's own.
    pub(crate) async fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder for the test"));
        let clock = Arc::new(ManualClock::new(NOW_MS));
        let graph = Arc::new(ModelGraph::default());
        let timeline = Arc::new(ModelTimeline::new(graph.clone(), clock.clone()));
        World::open(folder, change, clock, graph, timeline).await
    }

    /// A second api on the same folder, as another process would be.
    pub(crate) async fn beside(world: &World) -> Self {
        let World { folder, clock, graph, timeline, .. } = world;
        World::open(folder.clone(), |settings| settings, clock.clone(), graph.clone(), timeline.clone()).await
    }

    /// The same after a restart of the api alone.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(|settings| settings).await
    }

    /// The same after a restart of the api alone, with settings of the test's own.
    pub(crate) async fn restart_with(self, change: impl FnOnce(Settings) -> Settings) -> Self {
        self.api.close().await;
        World::open(self.folder, change, self.clock, self.graph, self.timeline).await
    }

    async fn open(
        folder: Arc<TempDir>,
        change: impl FnOnce(Settings) -> Settings,
        clock: Arc<ManualClock>,
        graph: Arc<ModelGraph>,
        timeline: Arc<ModelTimeline>,
    ) -> Self {
        let links = (GraphLink::Local(graph.clone()), TimelineLink::Local(timeline.clone()));
        let opened = Api::open(change(settings(&folder)), links.0, links.1, clock.clone()).await;
        let api = opened.expect("the folder is in order");
        World { folder, clock, graph, timeline, router: api.router(), api }
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(path);
        Call { world: self, request, body: Body::empty() }
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub(crate) fn patch(&self, path: &str) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// Somebody new, logged in.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let email = format!("{name}@example.org");
        let body = json!({"username": name, "email": email, "password": PASSWORD});
        self.post("/api/users").json(&body).send().await.expect(201);
        self.log_in(name).await
    }

    pub(crate) async fn log_in(&self, login: &str) -> Person {
        let body = json!({"login": login, "password": PASSWORD});
        let reply = self.post("/api/login").json(&body).send().await;
        Person::of(&reply.expect(200))
    }

    /// Posts a tweet and answers it.
    pub(crate) async fn tweet(&self, author: &Person, text: &str) -> Value {
        let path = format!("/api/users/{}/tweets", author.name);
        self.post(&path).by(author).json(&json!({"text": text})).send().await.expect(201)
    }
}

impl Person {
    /// The id as the services have it.
    pub(crate) fn number(&self) -> u32 {
        self.id.parse().expect("an id is a number")
    }

    /// From the answer to a log in or a refresh.
    pub(crate) fn of(answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        Person {
            id: text(&answer["user"]["id"]),
            name: text(&answer["user"]["username"]),
            access_token: text(&answer["access_token"]),
            refresh_token: text(&answer["refresh_token"]),
        }
    }
}

impl Call<'_> {
    pub(crate) fn by(self, person: &Person) -> Self {
        self.bearer(&person.access_token)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(header::AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header(header::CONTENT_TYPE.as_str(), "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it. Nothing here takes long; whoever waits a minute waits for ever.
    pub(crate) async fn send(self) -> Reply {
        let request = self.request.body(self.body).expect("a request");
        let answer = async {
            let Ok(response) = self.world.router.clone().oneshot(request).await;
            Reply::read(response).await
        };
        tokio::time::timeout(Duration::from_secs(60), answer).await.expect("an answer within a minute")
    }
}
