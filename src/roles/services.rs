//! The services of a role: opened in the order in which they need one another, closed in the other.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use analytics::service::AnalyticsService;
use anyhow::Context;
use api::{Api, PasswordCost};
use base::Slots;
use base::clock::{Clock, SystemClock};
use base::disk::RealDisk;
use base::telemetry::PrometheusHandle;
use graph_store::service::GraphService;
use graph_store::{Options, Store, StoreError};
use proto::link::{GraphLink, TimelineLink};
use timeline_service::TimelineService;

use super::folders;
use crate::cli::memory;
use crate::config::{Config, Role};

/// What an analytics job may have on a machine that does not tell what it has itself.
const ANALYTICS_MEMORY_BYTES: u64 = 1 << 30;

/// What a process runs.
#[derive(Default)]
pub(crate) struct Services {
    pub(crate) graph: Option<Graph>,
    pub(crate) timeline: Option<TimelineService>,
    pub(crate) api: Option<Api>,
}

/// The graph's store, and the services over it.
pub(crate) struct Graph {
    pub(crate) store: Store,
    pub(crate) service: GraphService,
    pub(crate) analytics: AnalyticsService,
}

impl Services {
    /// Opens the services of a role; the others it reaches over gRPC. Tweets are dated by `tweet_clock`.
    pub(crate) async fn open(
        role: Role,
        config: &Config,
        tweet_clock: Arc<dyn Clock>,
        metrics: Option<PrometheusHandle>,
    ) -> anyhow::Result<Services> {
        let mut services = Services::default();
        match services.open_each(role, config, tweet_clock, metrics).await {
            Ok(()) => Ok(services),
            Err(error) => {
                services.close().await;
                Err(error)
            }
        }
    }

    async fn open_each(
        &mut self,
        role: Role,
        config: &Config,
        tweet_clock: Arc<dyn Clock>,
        metrics: Option<PrometheusHandle>,
    ) -> anyhow::Result<()> {
        let data = &config.data;
        if matches!(role, Role::Serve | Role::GraphStore) {
            let (data, slots) = (data.clone(), config.slots);
            let open = move || open_store(&data, slots);
            let store = tokio::task::spawn_blocking(open).await?.context("opening the graph")?;
            let analytics = AnalyticsService::new(store.clone(), analytics_settings(config));
            self.graph = Some(Graph { service: GraphService::new(store.clone()), analytics, store });
        }
        let graph = self.graph_link(config);
        if matches!(role, Role::Serve | Role::TimelineService) {
            let settings = timeline_service::Settings {
                folder: folders::timeline(data),
                tweet_characters: config.tweet_characters,
                cache_bytes: u64::from(config.blocks_mib) << 20,
                tweets_bytes: (config.tweets_mib as usize) << 20,
                feeds: feed_settings(config),
                ..Default::default()
            };
            let graph = Arc::new(graph.clone());
            let open = move || TimelineService::open(settings, graph, tweet_clock);
            self.timeline = Some(tokio::task::spawn_blocking(open).await?.context("opening the timelines")?);
        }
        let timeline = self.timeline_link(config);
        if matches!(role, Role::Serve | Role::Api) {
            let settings = api::Settings { metrics, ..api_settings(config) };
            let api = Api::open(settings, graph, timeline, Arc::new(SystemClock)).await;
            self.api = Some(api.context("opening the accounts")?);
        }
        Ok(())
    }

    /// How this process reaches the graph.
    pub(crate) fn graph_link(&self, config: &Config) -> GraphLink {
        match &self.graph {
            Some(graph) => GraphLink::Local(Arc::new(graph.service.clone())),
            None => GraphLink::connect(config.graph_store.clone(), config.service_token.clone()),
        }
    }

    /// How this process reaches the timelines.
    pub(crate) fn timeline_link(&self, config: &Config) -> TimelineLink {
        match &self.timeline {
            Some(timeline) => TimelineLink::Local(Arc::new(timeline.clone())),
            None => TimelineLink::connect(config.timeline_service.clone(), config.service_token.clone()),
        }
    }

    /// Finishes what was acknowledged and lets go of every folder.
    pub(crate) async fn close(self) {
        if let Some(api) = self.api {
            api.close().await;
        }
        let blocking = move || {
            if let Some(timeline) = self.timeline {
                timeline.close();
            }
            if let Some(graph) = self.graph {
                graph.store.close();
            }
        };
        if let Err(error) = tokio::task::spawn_blocking(blocking).await {
            tracing::error!(%error, "a service could not be closed");
        }
    }
}

/// The store of a data folder's graph; made where there is none. What it had to mend is logged.
pub(crate) fn open_store(data: &Path, slots: Option<Slots>) -> Result<Store, StoreError> {
    open_store_with(data, Options { slots, ..Options::default() })
}

/// The same with other settings.
pub(crate) fn open_store_with(data: &Path, options: Options) -> Result<Store, StoreError> {
    let (store, recovery) = Store::open(Arc::new(RealDisk), Arc::new(SystemClock), &folders::graph(data), options)?;
    if let Some(cut) = &recovery.cut {
        tracing::warn!(?cut, "the torn end of the log was cut off: nothing of it was ever acknowledged");
    }
    tracing::info!(replayed = recovery.replayed, removed = recovery.removed.len(), "the graph is open");
    Ok(store)
}

/// What analytics jobs may have.
fn analytics_settings(config: &Config) -> analytics::service::Settings {
    let mebibytes = config.analytics_memory_mib.map(|mebibytes| u64::from(mebibytes) << 20);
    analytics::service::Settings {
        memory_bytes: mebibytes.or_else(|| memory::share_of_the_machine(4)).unwrap_or(ANALYTICS_MEMORY_BYTES),
        checkpoints: folders::analytics(&config.data),
        disk: Arc::new(RealDisk),
    }
}

/// How feeds are kept in memory.
fn feed_settings(config: &Config) -> timeline_service::FeedSettings {
    timeline_service::FeedSettings {
        heads_bytes: (config.heads_mib as usize) << 20,
        feeds_bytes: (config.feeds_mib as usize) << 20,
        evicted_bytes: u64::from(config.evicted_feeds_mib) << 20,
        feed_entries: config.feed_entries as usize,
        active_window: Duration::from_secs(u64::from(config.active_hours) * 60 * 60),
        pushed_followers: config.pushed_followers.into(),
        pulled_followees: config.pulled_followees as usize,
        ..Default::default()
    }
}

/// What the api is set to, but for the metrics that it shows.
pub(crate) fn api_settings(config: &Config) -> api::Settings {
    api::Settings {
        accounts_remembered: config.accounts_remembered as usize,
        feed_answers_bytes: (config.feed_answers_mib as usize) << 20,
        access_token_seconds: config.access_token_seconds.into(),
        refresh_token_days: config.refresh_token_days,
        password_cost: PasswordCost {
            memory_kib: config.argon2_memory_kib,
            iterations: config.argon2_passes,
            ..PasswordCost::default()
        },
        ..api::Settings::new(folders::accounts(&config.data))
    }
}
