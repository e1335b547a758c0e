//! The change stream: every effective change from a revision on, in order, without end.
//!
//! Each watch has a task that reads the log and puts events into a bounded channel, out of which the caller takes them.
//! A caller who takes none holds up nobody else. The task holds no store while it waits, so an open watch does not
//! keep a store open.
//!
//! # Resuming
//!
//! The revision of an event promises that everything up to it has been told. A block that ended follows is one record
//! and several events; all but the last of them carry the revision *before* the record. So whoever resumes between
//! them is told the whole record again, and misses nothing.
//!
//! # Named readers
//!
//! An event counts as seen once the caller asks for the one after it. Over a network what is asked for and what is
//! dealt with differ by what the connection holds, so a reader who must miss nothing keeps its own revision and names
//! it in `from`; the position kept here then only holds the log for it. A name is for one reader at a time.

mod filter;
mod watcher;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Code, Error, Revision};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use proto::convert;
use proto::graph::watch_response::Event;
use proto::graph::{WatchRequest, WatchResponse};
use tokio::sync::mpsc;
use tonic::Status;

use self::filter::Filter;
use self::watcher::{Position, Watcher};
use super::{Inner, blocking, checks};
use crate::store::Store;

/// Watches that may be open at once: each reads the log for itself.
pub const WATCHES_MAX: usize = 256;
/// Events that wait to be taken.
const QUEUE_MAX: usize = 256;

/// Opens a watch.
pub(super) async fn watch(
    inner: &Arc<Inner>,
    request: WatchRequest,
) -> Result<BoxStream<'static, Result<WatchResponse, Status>>, Error> {
    let store = &inner.store;
    let filter = Filter::from_wire(&request.relations, &request.users, store.users())?;
    let asked = convert::revision(request.from.as_ref(), "from")?;
    let newest = store.revisions();
    if asked.is_some_and(|asked| asked > store.revision()) {
        return Err(Error::invalid("from", "no revision that this store has given out"));
    }
    let consumer = match request.consumer {
        name if name.is_empty() => None,
        name => Some(checks::name(name, "consumer")?),
    };
    let permit = inner.watches.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Error::new(Code::ResourceExhausted, "too many watches are open"))?;
    let from = blocking({
        let (store, consumer) = (store.clone(), consumer.clone());
        move || begin(&store, asked, consumer.as_deref())
    })
    .await?;
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let seen = Arc::new(AtomicU64::new(from.0));
    let position = consumer.map(|name| Position::new(name, seen.clone(), from));
    let watcher = Watcher::new(Arc::downgrade(inner), filter, position, sender, from);
    let stopping = inner.stopping.subscribe();
    tokio::spawn(async move {
        let _permit = permit;
        watcher.run(newest, stopping).await;
    });
    Ok(taken(receiver, seen, from))
}

/// Where a watch begins: where it was asked to, where its named reader was, or now. Refuses what the log no longer has.
fn begin(store: &Store, asked: Option<Revision>, consumer: Option<&str>) -> Result<Revision, Error> {
    let kept = || consumer.and_then(|name| store.consumers().get(name).copied());
    let from = asked.or_else(kept).unwrap_or_else(|| store.revision());
    store.records_after(from, 1)?;
    match consumer {
        Some(name) if !store.consumer_is_at(name, from) => {
            Err(Error::new(Code::ResourceExhausted, "there are too many named readers").with_field("consumer"))
        }
        _ => Ok(from),
    }
}

/// What is on its way to the caller.
struct Told {
    revision: Revision,
    event: Event,
}

/// The events as the caller takes them. Asking for the next one tells that the one before was seen.
fn taken(
    receiver: mpsc::Receiver<Result<Told, Status>>,
    seen: Arc<AtomicU64>,
    from: Revision,
) -> BoxStream<'static, Result<WatchResponse, Status>> {
    let take = |(mut receiver, seen, last): (mpsc::Receiver<_>, Arc<AtomicU64>, Revision)| async move {
        seen.store(last.0, Ordering::Relaxed);
        match receiver.recv().await? {
            Ok(Told { revision, event }) => {
                let response = WatchResponse { revision: Some(revision.into()), event: Some(event) };
                Some((Ok(response), (receiver, seen, revision)))
            }
            Err(status) => Some((Err(status), (receiver, seen, last))),
        }
    };
    stream::unfold((receiver, seen, from), take).boxed()
}
