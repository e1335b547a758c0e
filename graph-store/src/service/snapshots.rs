//! The whole graph at one revision, for readers elsewhere.
//!
//! A snapshot is opened by the first stream of it, and stays for a while after its last stream has ended, so that a
//! reader whose connection broke goes on at the slot where it was, at the same revision. Each one keeps memory and disk that
//! compaction would have let go, so there are few, and one that nobody reads is let go by itself.
//!
//! Each stream has a thread of its own for as long as it lasts, which reads lists and hands messages of bounded size to a
//! bounded channel. A reader who takes nothing for [`SNAPSHOT_IDLE`] is given up.

mod teller;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use base::{Code, Direction, Error, Relation, Slot};
use futures::stream::BoxStream;
use parking_lot::Mutex;
use proto::convert::{self, at_most};
use proto::graph::snapshot_response::Part;
use proto::graph::{self, SnapshotHeader, SnapshotRequest, SnapshotResponse};
use proto::stream;
use tokio::time::Instant;
use tonic::Status;

use self::teller::Teller;
use super::{Inner, blocking};
use crate::store::Snapshot;

/// Snapshots that may be open at once.
pub const SNAPSHOTS_MAX: usize = 4;
/// Streams that may read one snapshot at once: each has a thread.
const STREAMS_MAX: usize = 8;
/// How long a snapshot stays that nobody reads, and a stream waits for its reader to take a message.
pub const SNAPSHOT_IDLE: Duration = Duration::from_secs(300);
/// Messages that wait to be taken.
const QUEUE_MAX: usize = 4;

/// The snapshots that are open, by name.
#[derive(Debug)]
pub(super) struct Snapshots {
    open: Mutex<BTreeMap<String, Open>>,
    idle: Duration,
}

impl Snapshots {
    pub(super) fn new(idle: Duration) -> Self {
        Snapshots { open: Mutex::default(), idle }
    }
}

#[derive(Debug)]
struct Open {
    snapshot: Arc<Snapshot>,
    streams: usize,
    /// When the last stream ended.
    idle_since: Instant,
}

/// What a stream tells of.
struct Wanted {
    from: Slot,
    relations: Vec<Relation>,
    directions: Vec<Direction>,
    times: bool,
    weights: bool,
}

/// Opens a stream.
pub(super) async fn snapshot(
    inner: &Arc<Inner>,
    request: SnapshotRequest,
) -> Result<BoxStream<'static, Result<SnapshotResponse, Status>>, Error> {
    let wanted = Wanted::from_wire(&request)?;
    // Resuming behind the last slot is no mistake: a stream can break off right there.
    if wanted.from.0 > inner.store.slots().count() {
        return Err(Error::invalid("from_slot", "there are not so many slots"));
    }
    let reading = match request.snapshot {
        name if name.is_empty() => open(inner).await?,
        name => join(inner, name)?,
    };
    let (sender, stream) = stream::channel(QUEUE_MAX, inner.snapshots.idle, inner.stopping.subscribe());
    let mut teller = Teller(sender);
    tokio::task::spawn_blocking(move || {
        let header = SnapshotHeader {
            snapshot: reading.name.clone(),
            revision: Some(reading.snapshot.revision().into()),
            slots: reading.snapshot.slots().count().into(),
            users: reading.snapshot.users(),
        };
        let told = teller.send(Part::Header(header)).and_then(|()| teller.tell(&reading.snapshot, &wanted));
        // Whoever sees the end of the stream may go on with the snapshot, or find it idle.
        drop(reading);
        if let Err(Some(error)) = told {
            error.log("tell a snapshot");
            teller.0.end(&error);
        }
    });
    Ok(stream)
}

impl Wanted {
    fn from_wire(request: &SnapshotRequest) -> Result<Wanted, Error> {
        // More could only be repetitions.
        at_most(request.relations.len(), Relation::ALL.len(), "relations")?;
        let relations = request.relations.iter().enumerate();
        let mut relations: Vec<Relation> = relations
            .map(|(i, relation)| convert::relation(*relation, &format!("relations[{i}]")))
            .collect::<Result<_, _>>()?;
        relations.sort_unstable();
        relations.dedup();
        if relations.is_empty() {
            relations = Relation::ALL.to_vec();
        }
        let directions = match graph::Direction::try_from(request.direction) {
            Ok(graph::Direction::Unspecified) => Direction::ALL.to_vec(),
            Ok(graph::Direction::Forward) => vec![Direction::Forward],
            Ok(graph::Direction::Reverse) => vec![Direction::Reverse],
            Err(_) => return Err(Error::invalid("direction", "no such direction")),
        };
        let from = u16::try_from(request.from_slot).map_err(|_| Error::invalid("from_slot", "no such slot"))?;
        let SnapshotRequest { times, weights, .. } = *request;
        Ok(Wanted { from: Slot(from), relations, directions, times, weights })
    }
}

/// A snapshot that a stream reads.
struct Reading {
    inner: Weak<Inner>,
    name: String,
    snapshot: Arc<Snapshot>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade()
            && let Some(open) = inner.snapshots.open.lock().get_mut(&self.name)
        {
            open.streams -= 1;
            open.idle_since = Instant::now();
        }
    }
}

/// A snapshot of now.
async fn open(inner: &Arc<Inner>) -> Result<Reading, Error> {
    let full = || Error::new(Code::ResourceExhausted, format!("{SNAPSHOTS_MAX} snapshots are open, which is the most"));
    if inner.snapshots.open.lock().len() >= SNAPSHOTS_MAX {
        return Err(full());
    }
    let store = inner.store.clone();
    let snapshot = Arc::new(blocking(move || store.snapshot().map_err(Error::from)).await?);
    let name = format!("{:016x}", rand::random::<u64>());
    {
        let mut snapshots = inner.snapshots.open.lock();
        // Others may have been opened meanwhile.
        if snapshots.len() >= SNAPSHOTS_MAX {
            return Err(full());
        }
        let open = Open { snapshot: snapshot.clone(), streams: 1, idle_since: Instant::now() };
        snapshots.insert(name.clone(), open);
    }
    tokio::spawn(let_go(Arc::downgrade(inner), name.clone()));
    Ok(Reading { inner: Arc::downgrade(inner), name, snapshot })
}

/// One more stream of a snapshot.
fn join(inner: &Arc<Inner>, name: String) -> Result<Reading, Error> {
    let mut snapshots = inner.snapshots.open.lock();
    let gone = || Error::new(Code::NotFound, "the snapshot is gone: begin again with a new one").with_field("snapshot");
    let open = snapshots.get_mut(&name).ok_or_else(gone)?;
    if open.streams >= STREAMS_MAX {
        return Err(Error::new(Code::ResourceExhausted, format!("{STREAMS_MAX} streams read this snapshot")));
    }
    open.streams += 1;
    Ok(Reading { inner: Arc::downgrade(inner), name, snapshot: open.snapshot.clone() })
}

/// Lets a snapshot go once nobody has read it for long enough.
async fn let_go(inner: Weak<Inner>, name: String) {
    let Some(idle) = inner.upgrade().map(|inner| inner.snapshots.idle) else { return };
    let mut at = Instant::now() + idle;
    loop {
        tokio::time::sleep_until(at).await;
        let Some(inner) = inner.upgrade() else { return };
        let mut snapshots = inner.snapshots.open.lock();
        let Some(open) = snapshots.get(&name) else { return };
        let now = Instant::now();
        at = if open.streams > 0 { now } else { open.idle_since } + idle;
        if at <= now {
            snapshots.remove(&name);
            return;
        }
    }
}
