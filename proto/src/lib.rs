//! The contracts between the services, as code: messages, clients and server traits generated from `proto/`, and what
//! connects them with the types of [`base`].
//!
//! - [`common`], [`graph`], [`timeline`], [`analytics`]: generated.
//! - [`convert`]: wire types to and from base's, total and checked; an error names the field.
//! - [`deadline`]: how long a caller waits.
//! - [`status`]: errors to and from gRPC statuses.
//! - [`link`]: a service to call, in this process or behind an address: the caller cannot tell.
//! - [`admin`]: a graph-store to run: its figures, snapshots, backups and jobs.
//! - [`stream`]: messages from a thread to a reader who takes them when they will.
//! - [`auth`]: the service token, on both sides.
//! - [`server`]: how every gRPC server is set.
//! - [`coalesce`]: answers that are ready together leave together.
//!
//! The services meet here and nowhere else.

pub mod admin;
pub mod auth;
pub mod coalesce;
pub mod convert;
pub mod deadline;
pub mod link;
pub mod server;
pub mod status;
pub mod stream;

#[expect(missing_docs, unreachable_pub, reason = "generated; documented in the .proto files")]
mod generated {
    pub mod analytics {
        pub mod v1 {
            tonic::include_proto!("roost.analytics.v1");
        }
    }
    pub mod common {
        pub mod v1 {
            tonic::include_proto!("roost.common.v1");
        }
    }
    pub mod graph {
        pub mod v1 {
            tonic::include_proto!("roost.graph.v1");
        }
    }
    pub mod timeline {
        pub mod v1 {
            tonic::include_proto!("roost.timeline.v1");
        }
    }
}

pub use generated::analytics::v1 as analytics;
pub use generated::common::v1 as common;
pub use generated::graph::v1 as graph;
pub use generated::timeline::v1 as timeline;

/// Descriptors of everything above, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// `roost.graph.v1.GraphStore`, in this process.
pub type LocalGraphStore = dyn graph::graph_store_server::GraphStore<
        WatchStream = futures::stream::BoxStream<'static, Result<graph::WatchResponse, tonic::Status>>,
    >;

/// `roost.timeline.v1.TimelineService`, in this process.
pub type LocalTimelineService = dyn timeline::timeline_service_server::TimelineService;
