//! The store copied to a folder or an object store, while it serves.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use base::{Code, Error, Revision};
use futures::stream::{self, BoxStream, StreamExt};
use proto::graph::backup_response::Part;
use proto::graph::{BackupProgress, BackupReport, BackupRequest, BackupResponse};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tonic::Status;

use super::{Inner, refuse};
use crate::backup::{BackupError, Kept, Location, Repository};

/// Messages that wait to be taken; of how far a backup is, those that find no room are left out.
const QUEUE_MAX: usize = 16;

/// Begins a backup. It goes on for as long as somebody reads how far it is.
pub(super) fn back_up(
    inner: &Arc<Inner>,
    request: BackupRequest,
) -> Result<BoxStream<'static, Result<BackupResponse, Status>>, Error> {
    let to = |error: BackupError| Error::from(error).with_field("to");
    let location: Location = request.to.parse().map_err(to)?;
    if location.folder().is_some_and(Path::is_relative) {
        return Err(Error::invalid("to", "a folder is this server's, and needs an absolute path"));
    }
    let permit = inner.backups.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Error::new(Code::ResourceExhausted, "a backup is being taken already"))?;
    let (disk, clock) = inner.store.environment();
    let repository = Repository::new(location.open(disk, clock, Handle::current()).map_err(to)?);
    let (messages, receiver) = mpsc::channel(QUEUE_MAX);
    let (store, stopping) = (inner.store.clone(), inner.stopping.subscribe());
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let progress = |bytes_done, bytes| {
            let told = BackupProgress { bytes_done, bytes };
            let _ = messages.try_send(Ok(BackupResponse { part: Some(Part::Progress(told)) }));
            let goes_on = !messages.is_closed() && !*stopping.borrow();
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let taken = repository.back_up(&store, &progress).and_then(|taken| {
            let kept = (request.keep > 0).then(|| repository.keep(request.keep as usize)).transpose()?;
            Ok((taken, kept.unwrap_or_default()))
        });
        let last = match taken {
            Ok((taken, kept)) => Ok(BackupResponse { part: Some(Part::Report(wire_report(&taken, kept))) }),
            Err(error) => Err(refuse("take a backup", &error.into())),
        };
        // Who asked may have gone away; a backup that was taken stays.
        let _ = messages.blocking_send(last);
    });
    let take = |mut receiver: mpsc::Receiver<_>| async move { Some((receiver.recv().await?, receiver)) };
    Ok(stream::unfold(receiver, take).boxed())
}

fn wire_report(taken: &crate::backup::BackupReport, kept: Kept) -> BackupReport {
    BackupReport {
        revision: Some(Revision(taken.backup).into()),
        backup: taken.backup,
        files: taken.files,
        bytes: taken.bytes,
        files_sent: taken.files_sent,
        bytes_sent: taken.bytes_sent,
        backups_forgotten: kept.forgotten as u64,
        objects_removed: kept.objects_removed as u64,
    }
}
