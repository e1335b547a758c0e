//! A repository in an object store.
//!
//! # The lock
//!
//! An object store has no locks that end with their holder, so `LOCK` is a lease: a JSON object that says until when it
//! is held, made only where there is none and renewed only in place of itself, by conditional writes. Its holder renews
//! it before every write that it makes, and stops where somebody else has it. Whoever finds it past its time takes it over.

use std::sync::Arc;
use std::time::Duration;

use base::clock::Clock;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion, WriteMultipart,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::{BackupError, Blobs, Lease};

/// Writes at once.
const WRITERS: usize = 4;
/// Bytes of one part of a large object; every part is one request. S3 takes 10,000 parts, so 80 GiB.
const PART_BYTES: usize = 8 << 20;
/// Parts of one object on their way at once.
const PARTS_MAX: usize = 4;
/// How long a lock is held without being renewed.
pub(super) const LEASE: Duration = Duration::from_secs(600);
/// A lock is renewed once this much of its time has passed.
const RENEW_AFTER: Duration = Duration::from_secs(120);
const LOCK: &str = "LOCK";
/// Bytes of a lock at the most: two numbers and their names take fewer.
const LOCK_MAX_BYTES: u64 = 1024;

/// Names are objects behind a prefix.
#[derive(Clone, Debug)]
pub struct RemoteBlobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    place: String,
    clock: Arc<dyn Clock>,
    runtime: Handle,
}

impl RemoteBlobs {
    /// The objects behind a prefix. Requests run on `runtime`, while the calls of [`Blobs`] block a thread that must not be
    /// one of the runtime's own.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        prefix: Path,
        place: String,
        clock: Arc<dyn Clock>,
        runtime: Handle,
    ) -> Self {
        RemoteBlobs { store, prefix, place, clock, runtime }
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    fn error(&self, name: &str, doing: &'static str, source: Error) -> BackupError {
        BackupError::Blob { repository: self.place.clone(), name: name.to_owned(), doing, source: source.into() }
    }

    /// Sends a large object in parts, and renews the lease between them.
    fn write_parts(&self, name: &str, bytes: &[u8], lease: &dyn Lease) -> Result<(), BackupError> {
        let failed = |source| self.error(name, "written", source);
        let upload = self.runtime.block_on(self.store.put_multipart(&self.path(name))).map_err(failed)?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        for part in bytes.chunks(PART_BYTES) {
            let taken = self.runtime.block_on(async {
                writer.wait_for_capacity(PARTS_MAX).await?;
                writer.write(part);
                Ok(())
            });
            if let Err(error) = taken.map_err(failed).and_then(|()| lease.renew()) {
                // Parts that stay are the store's to forget.
                let _ = self.runtime.block_on(writer.abort());
                return Err(error);
            }
        }
        self.runtime.block_on(writer.finish()).map(drop).map_err(failed)
    }
}

impl Blobs for RemoteBlobs {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn writers(&self) -> usize {
        WRITERS
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, BackupError> {
        let prefix = self.path(folder);
        let list = self.runtime.block_on(self.store.list(Some(&prefix)).try_collect::<Vec<_>>());
        let list = list.map_err(|source| self.error(folder, "listed", source))?;
        let mut names: Vec<String> =
            list.iter().filter_map(|object| Some(object.location.filename()?.to_owned())).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str, take: &mut dyn FnMut(&[u8]) -> Result<(), BackupError>) -> Result<(), BackupError> {
        self.runtime.block_on(async {
            let failed = |source| self.error(name, "read", source);
            let mut stream = self.store.get(&self.path(name)).await.map_err(failed)?.into_stream();
            while let Some(piece) = stream.try_next().await.map_err(failed)? {
                take(&piece)?;
            }
            Ok(())
        })
    }

    fn write(&self, name: &str, bytes: &[u8], lease: &dyn Lease) -> Result<(), BackupError> {
        lease.renew()?;
        if bytes.len() > PART_BYTES {
            return self.write_parts(name, bytes, lease);
        }
        let put = self.runtime.block_on(self.store.put(&self.path(name), PutPayload::from(bytes.to_vec())));
        put.map(drop).map_err(|source| self.error(name, "written", source))
    }

    fn remove(&self, name: &str) -> Result<(), BackupError> {
        match self.runtime.block_on(self.store.delete(&self.path(name))) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.error(name, "removed", source)),
        }
    }

    fn lock(&self) -> Result<Box<dyn Lease>, BackupError> {
        let now_ms = self.clock.now_ms();
        let held = Held::from(now_ms);
        let version = match self.put_lock(&held, PutMode::Create) {
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => self.take_over(&held, now_ms)?,
            put => put.map_err(|source| self.error(LOCK, "written", source))?,
        };
        Ok(Box::new(RemoteLease { blobs: self.clone(), state: Mutex::new(State { version, held }) }))
    }
}

impl RemoteBlobs {
    fn put_lock(&self, held: &Held, mode: PutMode) -> Result<UpdateVersion, Error> {
        let body = held.encode().map_err(|error| Error::Generic { store: LOCK, source: error.into() })?;
        let options = PutOptions { mode, ..PutOptions::default() };
        let path = self.path(LOCK);
        let put = self.store.put_opts(&path, PutPayload::from(body), options);
        self.runtime.block_on(put).map(UpdateVersion::from)
    }

    /// Takes a lock that is past its time.
    fn take_over(&self, held: &Held, now_ms: u64) -> Result<UpdateVersion, BackupError> {
        let locked = |seconds| BackupError::Locked { repository: self.place.clone(), seconds: Some(seconds) };
        let found = self.runtime.block_on(async {
            let found = self.store.get(&self.path(LOCK)).await?;
            let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
            let body = if found.meta.size > LOCK_MAX_BYTES { None } else { Some(found.bytes().await?) };
            Ok((version, body))
        });
        let (version, body) = match found {
            // It ended a moment ago.
            Err(Error::NotFound { .. }) => return Err(locked(0)),
            found => found.map_err(|source| self.error(LOCK, "read", source))?,
        };
        let body = body.ok_or_else(|| BackupError::damaged(LOCK, format!("more than {LOCK_MAX_BYTES} bytes")))?;
        let left_ms = Held::decode(&body)?.left(now_ms).as_millis() as u64;
        if left_ms > 0 {
            return Err(locked(left_ms.div_ceil(1000)));
        }
        match self.put_lock(held, PutMode::Update(version)) {
            Err(Error::Precondition { .. } | Error::NotFound { .. }) => Err(locked(LEASE.as_secs())),
            put => put.map_err(|source| self.error(LOCK, "written", source)),
        }
    }
}

/// What the lock says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    /// Past this, in milliseconds since 1970, nobody holds it.
    pub(super) until_ms: u64,
    /// Tells apart what is written at the same time.
    pub(super) nonce: u64,
}

impl Held {
    fn from(now_ms: u64) -> Held {
        Held { until_ms: now_ms + LEASE.as_millis() as u64, nonce: rand::random() }
    }

    pub(super) fn encode(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Held, BackupError> {
        serde_json::from_slice(bytes).map_err(|_| BackupError::damaged(LOCK, "not what a lock says"))
    }

    /// How long it is still held. A clock that is wrong may not lock a repository for ever.
    pub(super) fn left(&self, now_ms: u64) -> Duration {
        Duration::from_millis(self.until_ms.saturating_sub(now_ms)).min(LEASE)
    }
}

/// The lease, as it was last written.
#[derive(Debug)]
struct RemoteLease {
    blobs: RemoteBlobs,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    version: UpdateVersion,
    held: Held,
}

impl Lease for RemoteLease {
    fn renew(&self) -> Result<(), BackupError> {
        let mut state = self.state.lock();
        let now_ms = self.blobs.clock.now_ms();
        if now_ms + (LEASE - RENEW_AFTER).as_millis() as u64 <= state.held.until_ms {
            return Ok(());
        }
        let lost = || BackupError::LockLost { repository: self.blobs.place.clone() };
        if now_ms >= state.held.until_ms {
            return Err(lost());
        }
        let held = Held::from(now_ms);
        let version = match self.blobs.put_lock(&held, PutMode::Update(state.version.clone())) {
            Err(Error::Precondition { .. } | Error::NotFound { .. }) => return Err(lost()),
            put => put.map_err(|source| self.blobs.error(LOCK, "written", source))?,
        };
        *state = State { version, held };
        Ok(())
    }
}

impl Drop for RemoteLease {
    fn drop(&mut self) {
        // One that is past its time may be somebody else's by now; one that stays ends by itself.
        if self.renew().is_ok() {
            let _ = self.blobs.remove(LOCK);
        }
    }
}
