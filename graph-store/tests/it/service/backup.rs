//! A backup that is asked for over the admin's door.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use graph_store::backup::{FolderBlobs, Repository};
use proto::graph::BackupRequest;
use proto::graph::backup_response::Part;

use super::*;
use crate::support::{contents, open};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_taken_where_the_store_is_and_ends_with_its_report() {
    let disk = SimulatedDisk::new();
    let (store, _) = open_with(&disk, two_slots()).expect("new");
    let service = GraphService::new(store.clone());
    allocate(&service, 10).await;
    for (number, forgotten) in [(1, 0), (2, 0), (3, 1)] {
        let (at, _) = apply(&service, vec![follow(0, number)]).await;
        let request = BackupRequest { to: "/backups".to_owned(), keep: 2 };
        let mut stream = ok(service.backup(Request::new(request)).await);
        let mut last = None;
        while let Some(message) = stream.next().await {
            last = message.expect("the disk works").part;
        }
        let Some(Part::Report(report)) = last else { panic!("no report: {last:?}") };
        assert_eq!((revision(report.revision), report.backups_forgotten), (at, forgotten));
    }
    let blobs = FolderBlobs::new(Arc::new(disk), Path::new("/backups"));
    let restored = SimulatedDisk::new();
    let going = |_, _| std::ops::ControlFlow::Continue(());
    Repository::new(Arc::new(blobs)).restore(None, &restored, Path::new("graph"), &going).expect("whole");
    assert_eq!(contents(&open(&restored)).expect("readable"), contents(&store).expect("readable"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_places_that_are_the_servers_are_taken() {
    let service = with_users(1).await;
    for to in ["", "backups", "gs://bucket", "s3://"] {
        let request = BackupRequest { to: to.to_owned(), keep: 0 };
        let refused = failure(service.backup(Request::new(request)).await.map(|_| Response::new(())));
        assert_eq!(refused, (Code::InvalidArgument, "to".to_owned()), "{to}");
    }
}
