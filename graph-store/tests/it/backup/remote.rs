//! Repositories in object stores: one that fails at the nth call, and an S3 server on loopback.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use base::clock::{Clock, SystemClock};
use futures::stream::BoxStream;
use graph_store::backup::RemoteBlobs;
use object_store::aws::AmazonS3Builder;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as ObjectResult,
};
use tokio::runtime::{Builder, Runtime};

use super::*;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads can be made")
}

fn remote(store: Arc<dyn ObjectStore>, clock: Arc<dyn Clock>, runtime: &Runtime) -> Repository {
    let prefix = ObjectPath::from("a/prefix");
    Repository::new(Arc::new(RemoteBlobs::new(store, prefix, "a test".to_owned(), clock, runtime.handle().clone())))
}

/// A store of which one call fails, counted from now.
#[derive(Debug, Default)]
struct Failing {
    store: InMemory,
    calls: AtomicU64,
    fails: AtomicU64,
}

impl Failing {
    fn call(&self) -> ObjectResult<()> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if call == self.fails.load(Ordering::Relaxed) {
            return Err(Error::Generic { store: "test", source: "this call fails".into() });
        }
        Ok(())
    }

    fn fail_at(&self, call: u64) {
        self.calls.store(0, Ordering::Relaxed);
        self.fails.store(call, Ordering::Relaxed);
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failing")
    }
}

#[tonic::async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, path: &ObjectPath, bytes: PutPayload, options: PutOptions) -> ObjectResult<PutResult> {
        self.call()?;
        self.store.put_opts(path, bytes, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &ObjectPath,
        options: PutMultipartOptions,
    ) -> ObjectResult<Box<dyn MultipartUpload>> {
        self.call()?;
        self.store.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &ObjectPath, options: GetOptions) -> ObjectResult<GetResult> {
        self.call()?;
        self.store.get_opts(path, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, ObjectResult<ObjectPath>>,
    ) -> BoxStream<'static, ObjectResult<ObjectPath>> {
        match self.call() {
            Ok(()) => self.store.delete_stream(paths),
            Err(error) => Box::pin(futures::stream::iter([Err(error)])),
        }
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, ObjectResult<ObjectMeta>> {
        match self.call() {
            Ok(()) => self.store.list(prefix),
            Err(error) => Box::pin(futures::stream::iter([Err(error)])),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> ObjectResult<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &ObjectPath, to: &ObjectPath, options: CopyOptions) -> ObjectResult<()> {
        self.store.copy_opts(from, to, options).await
    }
}

#[test]
fn whichever_call_fails_no_manifest_names_an_object_that_is_not_there() {
    let runtime = runtime();
    let failing = Arc::new(Failing::default());
    let clock = Arc::new(ManualClock::new(1_800_000_000_000));
    let repository = remote(failing.clone(), clock.clone(), &runtime);
    let disk = SimulatedDisk::new();
    let store = filled(&disk);
    for call in 1.. {
        let target = call as u32 % 9;
        let operation = if call / 9 % 2 == 0 { Operation::Add } else { Operation::Remove };
        store.apply_blocking(vec![change(Relation::Follow, operation, 11, target)]).expect("the disk works");
        store.compact().expect("the disk works");
        failing.fail_at(call);
        let done = repository.back_up(&store, ON).and_then(|_| repository.keep(2));
        let calls = failing.calls.load(Ordering::Relaxed);
        failing.fail_at(0);
        // Where the lock itself could not be given back, it ends after a while.
        clock.advance(600_000);
        for revision in repository.revisions().expect("readable") {
            restored(&repository, Some(revision));
        }
        if calls < call {
            done.expect("no call failed");
            assert!(call > 10, "there are more calls than {call}");
            break;
        }
    }
    assert_same(&restored(&repository, None).1, &store);
}

#[test]
fn the_lock_of_a_writer_who_died_ends_by_itself() {
    let runtime = runtime();
    let objects = Arc::new(InMemory::new());
    let clock = Arc::new(ManualClock::new(1_800_000_000_000));
    let disk = SimulatedDisk::new();
    let store = filled(&disk);
    let repository = remote(objects.clone(), clock.clone(), &runtime);
    let first = AtomicBool::new(true);
    let stuck = |_, _| {
        if first.swap(false, Ordering::Relaxed) {
            let refused = expect_error(repository.keep(1));
            assert!(matches!(refused, BackupError::Locked { seconds: Some(600), .. }), "{refused}");
            // Longer than a lock lasts: somebody else takes it, and this backup must not go on.
            clock.advance(600_000);
            repository.keep(1).expect("the lock is past its time");
        }
        ControlFlow::Continue(())
    };
    let died = repository.back_up(&store, &stuck);
    assert!(matches!(expect_error(died), BackupError::LockLost { .. }));
    assert_eq!(repository.revisions().expect("readable"), []);
    repository.back_up(&store, ON).expect("the lock is free");
    assert_same(&restored(&repository, None).1, &store);
}

#[test]
fn a_backup_that_takes_long_to_look_at_what_is_there_keeps_its_lock() {
    let runtime = runtime();
    let clock = Arc::new(ManualClock::new(1_800_000_000_000));
    let repository = remote(Arc::new(InMemory::new()), clock.clone(), &runtime);
    let store = filled(&SimulatedDisk::new());
    repository.back_up(&store, ON).expect("the lock is free");
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 11, 3)]).expect("the disk works");
    // A lock lasts 600 seconds and is renewed after 120, and four look at the same time: all of them may have done so
    // between two renewals, and the lock must not end for that.
    const LOOK_MS: u64 = 110_000;
    let slow = |_, _| {
        clock.advance(LOOK_MS);
        ControlFlow::Continue(())
    };
    let report = repository.back_up(&store, &slow).expect("nobody else has the lock");
    assert_eq!(report.files_sent, 1, "{report:?}");
    // The log is sent when all have been looked at but the manifest, and three that others may still be at.
    assert!((report.files - 5) * LOOK_MS > 600_000, "without renewals the lock would not end: {report:?}");
    assert_same(&restored(&repository, None).1, &store);
}

/// A lock was read whole, however long it was.
#[test]
fn what_is_no_lock_is_told_and_none_is_read_that_is_longer_than_a_lock() {
    let (runtime, store) = (runtime(), Arc::new(InMemory::new()));
    let repository = remote(store.clone(), Arc::new(SystemClock), &runtime);
    let keep = |lock: String| {
        let path = ObjectPath::from("a/prefix/LOCK");
        runtime.block_on(store.put_opts(&path, lock.into(), PutOptions::default())).expect("memory takes all");
        repository.keep(1)
    };
    let past = r#"{"until_ms":1,"nonce":2}"#;
    keep(past.to_owned()).expect("it is past its time");
    for (lock, expected) in
        [("{}".to_owned(), "not what a lock says"), (format!("{past:2000}"), "more than 1024 bytes")]
    {
        let error = keep(lock).expect_err("no lock");
        let BackupError::Damaged { name, what } = &error else { panic!("{error}") };
        assert_eq!((name.as_str(), what.as_str()), ("LOCK", expected));
    }
}

/// An S3 server on loopback, for as long as the runtime lives.
fn s3(runtime: &Runtime, root: &Path) -> Arc<dyn ObjectStore> {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto;
    std::fs::create_dir(root.join("bucket")).expect("a folder can be made");
    let files = s3s_fs::FileSystem::new(root).expect("a folder");
    let service = {
        let mut builder = s3s::service::S3ServiceBuilder::new(files);
        builder.set_auth(s3s::auth::SimpleAuth::from_single("roost", "a-secret-of-ours"));
        builder.build()
    };
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    runtime.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                // A connection that ends is no failure of the server.
                let _ = server.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let store = AmazonS3Builder::new()
        .with_endpoint(format!("http://{address}"))
        .with_allow_http(true)
        .with_region("us-east-1")
        .with_bucket_name("bucket")
        .with_access_key_id("roost")
        .with_secret_access_key("a-secret-of-ours");
    Arc::new(store.build().expect("all is set"))
}

#[test]
fn an_s3_server_keeps_lists_forgets_and_gives_backups_back() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().expect("a folder can be made"));
    let repository = remote(s3(&runtime, folder.path()), Arc::new(SystemClock), &runtime);
    let disk = SimulatedDisk::new();
    let store = filled(&disk);
    // One object of more than one part, of eight mebibytes: ids without any pattern take between five and six bytes each.
    let users: Vec<u64> = (0..2_000_000u64).map(|id| id.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let mut external_ids = users;
    external_ids.sort_unstable();
    store.import(BulkEdges { external_ids, ..BulkEdges::default() }, &|_| {}).expect("the disk works");
    let first = repository.back_up(&store, ON).expect("the server works");
    assert!(first.bytes > 10_000_000, "{} bytes", first.bytes);
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 11, 3)]).expect("the disk works");
    let second = repository.back_up(&store, ON).expect("the server works");
    assert_eq!(second.files_sent, 1);
    let kept = repository.keep(1).expect("the server works");
    assert_eq!((kept.forgotten, kept.objects_removed), (1, 1));
    let restored_disk = SimulatedDisk::new();
    repository.restore(None, &restored_disk, Path::new("graph"), ON).expect("the backup is whole");
    let again = open(&restored_disk);
    assert_eq!((again.users(), again.revision()), (store.users(), store.revision()));
    let users: Vec<_> = (0..store.users()).step_by(997).map(base::UserId).collect();
    assert_eq!(again.external_ids(&users), store.external_ids(&users));
}
