//! For those who run the store: figures, compaction, verification, snapshots, backups.

use base::Error;
use futures::stream::BoxStream;
use proto::common;
use proto::graph::graph_admin_server::GraphAdmin;
use proto::graph::{
    BackupRequest, BackupResponse, CheckRequest, CheckResponse, CompactRequest, CompactResponse, SnapshotRequest,
    SnapshotResponse, StatsRequest, StatsResponse,
};
use tonic::{Request, Response, Status};

use super::{GraphService, answer, backups, blocking, snapshots};
use crate::store::{Report, Stats};

#[tonic::async_trait]
impl GraphAdmin for GraphService {
    async fn stats(&self, _: Request<StatsRequest>) -> Result<Response<StatsResponse>, Status> {
        let store = self.store().clone();
        answer("count everything", blocking(move || Ok(wire_stats(store.stats()?))).await)
    }

    async fn compact(&self, _: Request<CompactRequest>) -> Result<Response<CompactResponse>, Status> {
        let store = self.store().clone();
        let compacted = blocking(move || store.compact().map_err(Error::from)).await;
        answer("compact", compacted.map(|revision| CompactResponse { revision: Some(revision.into()) }))
    }

    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let store = self.store().clone();
        answer("check everything", blocking(move || Ok(wire_report(store.check(&|_| {})))).await)
    }

    type SnapshotStream = BoxStream<'static, Result<SnapshotResponse, Status>>;

    async fn snapshot(&self, request: Request<SnapshotRequest>) -> Result<Response<Self::SnapshotStream>, Status> {
        answer("open a snapshot", snapshots::snapshot(&self.0, request.into_inner()).await)
    }

    type BackupStream = BoxStream<'static, Result<BackupResponse, Status>>;

    async fn backup(&self, request: Request<BackupRequest>) -> Result<Response<Self::BackupStream>, Status> {
        answer("begin a backup", backups::back_up(&self.0, request.into_inner()))
    }
}

fn wire_stats(stats: Stats) -> StatsResponse {
    StatsResponse {
        users: stats.users,
        allocated: stats.allocated,
        edges: stats.edges,
        revision: Some(common::Revision { token: stats.revision }),
        slots: u32::from(stats.slots),
        segment_bytes_forward: stats.segment_bytes_forward,
        segment_bytes_reverse: stats.segment_bytes_reverse,
        index_bytes: stats.index_bytes,
        bytes_per_edge_forward: stats.bytes_per_edge_forward,
        bytes_per_edge_reverse: stats.bytes_per_edge_reverse,
        overlay_changes: stats.overlay_changes,
        log_bytes: stats.log_bytes,
        max_followers: stats.max_followers,
        max_followees: stats.max_followees,
    }
}

fn wire_report(report: Report) -> CheckResponse {
    let Report { lists, edges, mut findings, further_findings } = report;
    if further_findings > 0 {
        findings.push(format!("{further_findings} more"));
    }
    CheckResponse { lists, edges, findings }
}
