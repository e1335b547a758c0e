//! Jobs of a server: one at a time, within its memory, for whoever reads what they tell.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use analytics::service::{AnalyticsService, RESULTS_MAX, Settings};
use base::Code;
use base::clock::ManualClock;
use base::disk::SimulatedDisk;
use futures::StreamExt;
use futures::stream::BoxStream;
use graph_store::store::Wanted;
use graph_store::{Options, Store};
use proto::analytics::analytics_server::Analytics;
use proto::analytics::run_request::Job;
use proto::analytics::run_response::Part;
use proto::analytics::{Bfs, Degrees, Found, PageRank, PublishedRequest, Rows, RunRequest, RunResponse, Wcc};
use proto::status::from_status;
use tonic::{Request, Status};

type Stream = BoxStream<'static, Result<RunResponse, Status>>;
type Outcome = Result<(), Box<dyn Error>>;

/// More than may wait to be read, in rows of people without edges.
const PEOPLE: u32 = 400_000;
/// Iterations that take minutes on so many people.
const ENDLESS: u32 = 1_000_000;
/// How long anything may take that takes a moment: jobs of a server run when nobody else wants the processor.
const DEADLINE: Duration = Duration::from_secs(600);
/// How often it is tried again meanwhile.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

async fn service(people: u32) -> Result<AnalyticsService, Box<dyn Error>> {
    let pieces = (0..people.div_ceil(100_000)).map(|_| Wanted::Count(people.min(100_000)));
    service_for(people, pieces).await
}

async fn service_for(
    people: u32,
    wanted: impl IntoIterator<Item = Wanted>,
) -> Result<AnalyticsService, Box<dyn Error>> {
    let disk = Arc::new(SimulatedDisk::new());
    let clock = Arc::new(ManualClock::default());
    let (store, _) = Store::open(disk.clone(), clock, Path::new("graph"), Options::default())?;
    for wanted in wanted {
        store.allocate(wanted, String::new()).await?;
    }
    let settings = Settings { memory_bytes: 20 * u64::from(people), checkpoints: "analytics".into(), disk };
    Ok(AnalyticsService::new(store, settings))
}

async fn run(service: &AnalyticsService, request: RunRequest) -> Result<Stream, base::Error> {
    let begun = service.run(Request::new(request)).await;
    begun.map(tonic::Response::into_inner).map_err(|status| from_status(&status))
}

/// Runs as soon as there is a turn.
async fn run_in_turn(service: &AnalyticsService, request: RunRequest) -> Result<Stream, base::Error> {
    let in_turn = async {
        loop {
            match run(service, request.clone()).await {
                Err(error) if error.code() == Code::ResourceExhausted => tokio::time::sleep(LOOK_INTERVAL).await,
                begun => return begun,
            }
        }
    };
    tokio::time::timeout(DEADLINE, in_turn).await.map_err(base::Error::internal)?
}

fn degrees() -> RunRequest {
    RunRequest { job: Some(Job::Degrees(Degrees {})), rows: true, ..RunRequest::default() }
}

fn endless() -> RunRequest {
    let pagerank = PageRank { iterations: Some(ENDLESS), ..PageRank::default() };
    RunRequest { job: Some(Job::Pagerank(pagerank)), ..RunRequest::default() }
}

/// Reads a stream to its end.
async fn read(mut stream: Stream) -> Result<(Option<Found>, Vec<Rows>), base::Error> {
    let (mut found, mut rows) = (None, Vec::new());
    while let Some(message) = stream.next().await {
        match message.map_err(|status| from_status(&status))?.part {
            Some(Part::Found(told)) => found = Some(told),
            Some(Part::Rows(told)) => rows.push(told),
            _ => {}
        }
    }
    Ok((found, rows))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_slowly_holds_nothing_but_their_own_result() -> Outcome {
    let service = service(PEOPLE).await?;
    let mut slow = Vec::new();
    for _ in 0..RESULTS_MAX {
        // Each has its turn although nobody has read a row of those before.
        slow.push(run_in_turn(&service, degrees()).await?);
    }
    let told = |error: base::Error| (error.code(), error.message().to_owned());
    let in_turn = async {
        loop {
            match run(&service, degrees()).await.map(drop).map_err(told) {
                Err((Code::ResourceExhausted, message)) if message.contains("results are being read") => return,
                Err(_) => tokio::time::sleep(LOOK_INTERVAL).await,
                Ok(()) => panic!("more results than may be"),
            }
        }
    };
    tokio::time::timeout(DEADLINE, in_turn).await?;
    let (found, rows) = read(slow.remove(0)).await?;
    assert_eq!(found.map(|found| found.rows), Some(PEOPLE.into()));
    assert!(rows.iter().flat_map(|rows| &rows.ids).copied().eq(0..u64::from(PEOPLE)));
    let (found, _) = read(run_in_turn(&service, degrees()).await?).await?;
    assert!(found.is_some(), "there is room for another again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_ends_when_nobody_reads_it_any_more_or_the_server_stops() -> Outcome {
    let service = service(100_000).await?;
    let abandoned = run(&service, endless()).await?;
    let refused = run(&service, degrees()).await.err().ok_or("there is one at a time")?;
    let told = "another job is running: try again when it is done";
    assert_eq!((refused.code(), refused.message()), (Code::ResourceExhausted, told));
    drop(abandoned);
    let stopped = run_in_turn(&service, endless()).await?;
    service.end_jobs();
    let error = tokio::time::timeout(DEADLINE, read(stopped)).await?.expect_err("it could not end by itself");
    assert_eq!((error.code(), error.message()), (Code::Unavailable, "the job was cancelled"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_bounded_by_the_server_whatever_is_asked_for() -> Outcome {
    let service = service(100).await?;
    let pagerank = |memory_bytes| RunRequest {
        job: Some(Job::Pagerank(PageRank::default())),
        memory_bytes,
        ..RunRequest::default()
    };
    for (memory_bytes, told) in
        [(0, None), (u64::MAX, None), (1999, Some("pagerank needs 2000 bytes of memory, and may have 1999"))]
    {
        let ended = read(run_in_turn(&service, pagerank(memory_bytes)).await?).await;
        match told {
            None => assert!(ended?.0.is_some()),
            Some(told) => {
                let error = ended.expect_err("too little");
                assert_eq!((error.field(), error.message()), (Some("memory_bytes"), told));
            }
        }
    }
    let undirected = RunRequest { undirected: true, memory_bytes: u64::MAX, ..pagerank(0) };
    let error = read(run_in_turn(&service, undirected).await?).await.expect_err("more than the server allows");
    assert_eq!(error.message(), "pagerank needs 2400 bytes of memory, and may have 2000");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_published_is_told_and_what_cannot_be_is_refused() -> Outcome {
    let service = service(100).await?;
    let publish = |job| RunRequest { job: Some(job), publish: true, ..RunRequest::default() };
    let refused = run(&service, publish(Job::Wcc(Wcc {}))).await.err().ok_or("not of those")?;
    assert_eq!((refused.code(), refused.field()), (Code::InvalidArgument, Some("publish")));
    let published =
        async || service.published(Request::new(PublishedRequest {})).await.map(|told| told.into_inner().runs);
    assert_eq!(published().await?, []);
    read(run(&service, publish(Job::Pagerank(PageRank::default()))).await?).await?;
    let runs = published().await?;
    assert_eq!(runs.iter().map(|run| (run.job.as_str(), run.users)).collect::<Vec<_>>(), [("pagerank", 100)]);
    Ok(())
}

/// Users 0 to 2 came from elsewhere as 1 to 3; who signs up then is user 3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_up_with_a_number_that_is_anothers_external_id_stops_no_job() -> Outcome {
    let service = service_for(4, [Wanted::ExternalIds(vec![1, 2, 3]), Wanted::Count(1)]).await?;
    let pagerank = || RunRequest { job: Some(Job::Pagerank(PageRank::default())), ..RunRequest::default() };
    let (found, _) = read(run_in_turn(&service, RunRequest { publish: true, ..pagerank() }).await?).await?;
    let report: serde_json::Value = serde_json::from_str(&found.ok_or("nothing was found")?.report)?;
    assert_eq!(report["ids"], "users");

    let bfs = |source| RunRequest { job: Some(Job::Bfs(Bfs { source })), ..RunRequest::default() };
    for unclear in [RunRequest { rows: true, ..pagerank() }, bfs(3)] {
        let error = read(run_in_turn(&service, unclear).await?).await.expect_err("3 may be either");
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.message().contains("choose user ids"), "{error}");
    }
    let clear = RunRequest { rows: true, user_ids: true, ..bfs(3) };
    let (_, rows) = read(run_in_turn(&service, clear).await?).await?;
    assert!(rows.iter().flat_map(|rows| &rows.ids).copied().eq(0..4));
    let unknown = read(run_in_turn(&service, RunRequest { user_ids: true, ..bfs(4) }).await?).await;
    assert_eq!(unknown.expect_err("there are four").field(), Some("job.bfs.source"));
    Ok(())
}
