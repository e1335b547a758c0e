//! The gRPC server: the services of this process, health and reflection.

use analytics::service::AnalyticsService;
use base::limits;
use graph_store::service::GraphService;
use proto::analytics::analytics_server::AnalyticsServer;
use proto::auth::ServiceToken;
use proto::graph::graph_admin_server::GraphAdminServer;
use proto::graph::graph_store_server::GraphStoreServer;
use proto::server;
use proto::timeline::timeline_service_server::TimelineServiceServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::Router;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::services::Services;

/// A server that has not begun.
pub(super) struct GrpcServer {
    router: Router,
    health: HealthReporter,
    names: Vec<&'static str>,
    graph: Option<(GraphService, AnalyticsService)>,
}

impl GrpcServer {
    /// The server of these services.
    ///
    /// Health needs no service token, since those who ask for it, orchestrators and load balancers, can seldom send one.
    pub(super) fn new(services: &Services, token: &ServiceToken) -> anyhow::Result<Self> {
        let guard = token.guard();
        let graph = services.graph.as_ref().map(|graph| server::graph_store(graph.service.clone(), guard.clone()));
        let admin = services
            .graph
            .as_ref()
            .map(|graph| InterceptedService::new(GraphAdminServer::new(graph.service.clone()), guard.clone()));
        let analytics = services.graph.as_ref().map(|graph| graph.analytics.clone().server(guard.clone()));
        let timeline = services.timeline.as_ref().map(|timeline| {
            let server = TimelineServiceServer::new(timeline.clone());
            let server = server.max_decoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES);
            InterceptedService::new(server.max_encoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES), guard.clone())
        });
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()?;
        let health = HealthReporter::new();
        let router = server::builder()
            .add_service(HealthServer::new(HealthService::from_health_reporter(health.clone())))
            .add_service(InterceptedService::new(reflection, guard))
            .add_optional_service(graph)
            .add_optional_service(admin)
            .add_optional_service(analytics)
            .add_optional_service(timeline);
        let graph = services.graph.as_ref().map(|graph| (graph.service.clone(), graph.analytics.clone()));
        Ok(GrpcServer { router, health, names: names(services), graph })
    }

    /// Serves until it is told to stop and the calls under way have ended.
    pub(super) async fn serve(self, listener: TcpListener, stopping: CancellationToken) -> anyhow::Result<()> {
        let GrpcServer { router, health, names, graph } = self;
        for name in &names {
            health.set_service_status(name, ServingStatus::Serving).await;
        }
        let stopped = async {
            stopping.cancelled().await;
            for name in names.iter().chain([&""]) {
                health.set_service_status(name, ServingStatus::NotServing).await;
            }
            // A stream of changes has no end of its own, others may take long, and all would be waited for.
            if let Some((graph, analytics)) = graph {
                analytics.end_jobs();
                graph.end_streams();
            }
        };
        router.serve_with_incoming_shutdown(server::connections(listener), stopped).await?;
        Ok(())
    }
}

/// The names by which the services of this process are known.
fn names(services: &Services) -> Vec<&'static str> {
    type Graph = GraphStoreServer<GraphService>;
    type Admin = GraphAdminServer<GraphService>;
    type Analytics = AnalyticsServer<AnalyticsService>;
    type Timeline = TimelineServiceServer<timeline_service::TimelineService>;
    let mut names = Vec::new();
    if services.graph.is_some() {
        names.extend([<Graph as NamedService>::NAME, <Admin as NamedService>::NAME, <Analytics as NamedService>::NAME]);
    }
    if services.timeline.is_some() {
        names.push(<Timeline as NamedService>::NAME);
    }
    names
}
