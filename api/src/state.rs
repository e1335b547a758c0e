//! The api as a whole: what it is set to, what every handler has, and how it is opened and closed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use base::clock::Clock;
use base::telemetry::PrometheusHandle;
use proto::link::{GraphLink, TimelineLink};

use crate::accounts::Accounts;
use crate::database::OpenError;
use crate::kept::KeptFeeds;
use crate::sessions::PasswordCost;
use crate::{metrics, router};

/// What the api is set to.
#[derive(Clone)]
pub struct Settings {
    /// The api's own folder: the database and the key that signs access tokens.
    pub folder: PathBuf,
    /// Accounts that are kept in memory, some 600 bytes each, and as many sessions and names.
    pub accounts_remembered: usize,
    /// Bytes of home feeds that are kept as they were answered; 0 for none.
    pub feed_answers_bytes: usize,
    /// Seconds that an access token is good for.
    pub access_token_seconds: u64,
    /// Days that a refresh token is good for.
    pub refresh_token_days: u32,
    /// What hashing one password costs.
    pub password_cost: PasswordCost,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// What `/metrics` shows; without it the path does not exist.
    pub metrics: Option<PrometheusHandle>,
}

impl Settings {
    /// The defaults, for the api's own folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Settings {
            folder: folder.into(),
            accounts_remembered: 100_000,
            feed_answers_bytes: 128 << 20,
            access_token_seconds: 15 * 60,
            refresh_token_days: 30,
            password_cost: PasswordCost::default(),
            request_timeout: Duration::from_secs(10),
            metrics: None,
        }
    }
}

/// What every handler has.
pub(crate) struct App {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) graph: GraphLink,
    pub(crate) timeline: TimelineLink,
    pub(crate) feeds: KeptFeeds,
    pub(crate) request_timeout: Duration,
    pub(crate) metrics: Option<PrometheusHandle>,
}

impl App {
    pub(crate) fn now_ms(&self) -> u64 {
        self.accounts.clock.now_ms()
    }
}

/// The REST service.
#[derive(Clone)]
pub struct Api {
    app: Arc<App>,
}

impl Api {
    /// Opens the folder that the settings name, and makes what is missing in it. The other services need not be there yet.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says which file cannot be used.
    pub async fn open(
        settings: Settings,
        graph: GraphLink,
        timeline: TimelineLink,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let mut accounts = Accounts::open(&settings, clock).await?;
        accounts.keep_memory_full();
        let accounts = Arc::new(accounts);
        metrics::describe();
        let feeds = KeptFeeds::new(settings.feed_answers_bytes);
        let Settings { request_timeout, metrics, .. } = settings;
        Ok(Api { app: Arc::new(App { accounts, graph, timeline, feeds, request_timeout, metrics }) })
    }

    /// The accounts, for those who share the process.
    pub fn accounts(&self) -> Arc<Accounts> {
        self.app.accounts.clone()
    }

    /// Everything that is served.
    pub fn router(&self) -> Router {
        router::router(self.app.clone())
    }

    /// Waits for the statements under way and closes the database. Serve nothing afterwards.
    pub async fn close(&self) {
        self.app.accounts.close().await;
    }
}
