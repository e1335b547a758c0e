//! A job on a graph, from what somebody asked for to what they are told.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base::disk::Disk;
use base::{Error, UserId};
use graph_store::Store;
use graph_store::export::{Ids, Names};
use graph_store::published::PublishedRun;
use graph_store::store::Snapshot;
use proto::analytics::{self as wire, RunRequest};
use serde_json::{Value, json};

use crate::checkpoint::{Checkpoints, Resumption};
use crate::graph::Graph;
use crate::job::{Found, Job};
use crate::output::{Table, Values};
use crate::request::{job_of, names_somebody};
use crate::source::Source;
use crate::{JobError, Run};

/// How often a long job keeps what it has so far, unless somebody says.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(30);

/// A job on the graph of a store at one revision.
#[derive(Debug)]
pub struct Task {
    store: Store,
    source: Source,
    job: Job,
    request: RunRequest,
}

/// What a task found.
#[derive(Debug)]
pub struct Done {
    /// What the job found.
    pub found: Found,
    /// A JSON object for people: the job, the graph, and the figures.
    pub report: Value,
}

impl Task {
    /// What a request asks for, on a snapshot of the store that answers from the result if that is published.
    ///
    /// # Errors
    ///
    /// A request that is wrong; two users whom others would know by the same number.
    pub fn new(store: &Store, snapshot: Snapshot, request: RunRequest) -> Result<Task, Error> {
        let ids = if request.user_ids { Ids::Users } else { Ids::External };
        let source = Source::new(snapshot, ids, request.rows || names_somebody(&request))?;
        let job = job_of(&request, &|id| source.vertex(id))?;
        Ok(Task { store: store.clone(), source, job, request })
    }

    /// Where it keeps what it has so far: a file of a folder, which a task of the same job on the same graph finds again.
    ///
    /// # Errors
    ///
    /// A graph that cannot be read.
    pub fn checkpoints<'a>(
        &self,
        disk: &'a dyn Disk,
        folder: &Path,
        tell: impl Fn(&Resumption) + Send + Sync + 'a,
    ) -> Result<Checkpoints<'a>, JobError> {
        let path: PathBuf = folder.join(self.job.name()).with_extension("checkpoint");
        let interval = self.request.checkpoint_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let identity = self.source.identity(self.request.undirected)?;
        Ok(Checkpoints::new(disk, path, identity, interval.unwrap_or(CHECKPOINT_INTERVAL), tell))
    }

    /// Runs the job, and publishes what it found if that was asked for.
    ///
    /// # Errors
    ///
    /// Those of the job, or of the store where the result is to be published.
    pub fn run(&self, run: &Run<'_>) -> Result<Done, JobError> {
        let (started, graph) = (Instant::now(), self.source.graph());
        let found = self.job.run(graph, self.request.undirected, &|vertex| self.source.id(vertex), run)?;
        let mut report = json!({
            "job": self.job.name(),
            "vertices": graph.vertices(),
            "edges": graph.edges(),
            "revision": self.source.snapshot().revision().token(),
            "threads": run.threads(),
            "seconds": started.elapsed().as_secs_f64(),
            "ids": if self.source.ids() == Ids::Users { "users" } else { "external" },
        });
        for (name, value) in &found.figures {
            report[name] = value.clone();
        }
        if self.request.publish {
            // Whoever ended the job wants nothing of it.
            run.check()?;
            self.publish(&found)?;
        }
        Ok(Done { found, report })
    }

    /// The name of the job.
    pub fn name(&self) -> &'static str {
        self.job.name()
    }

    /// The numbers by which vertices are known outside, without what else it takes to run.
    pub fn into_names(self) -> Names {
        self.source.into_names()
    }

    /// What the job found, by the numbers that are known outside.
    pub fn table<'a>(&self, found: &'a Found, id: &'a (dyn Fn(u32) -> u64 + Sync)) -> Table<'a> {
        Table { rows: &found.rows, id, columns: &found.columns }
    }

    /// The number by which a vertex is known outside.
    pub fn id(&self, vertex: u32) -> u64 {
        self.source.id(vertex)
    }

    /// What there is to be told of it, without the rows.
    ///
    /// # Errors
    ///
    /// A picture that cannot be drawn.
    pub fn told(&self, done: &Done) -> Result<wire::Found, Error> {
        let id = |vertex| self.id(vertex);
        let table = self.table(&done.found, &id);
        let summary = table.summary();
        let plot = done.found.plot.as_ref().filter(|_| self.request.plot).map(|plot| plot.svg()).transpose();
        let column = |column: &crate::output::Column| wire::Column {
            name: column.name.to_string(),
            reals: matches!(column.values, Values::Reals(_)),
        };
        Ok(wire::Found {
            report: done.report.to_string(),
            summary: serde_json::to_string(&summary.columns).map_err(Error::internal)?,
            summary_text: summary.to_string(),
            plot: plot.map_err(Error::internal)?.unwrap_or_default(),
            columns: done.found.columns.iter().map(column).collect(),
            rows: done.found.rows.len() as u64,
        })
    }

    /// Makes the result what the service answers from.
    fn publish(&self, found: &Found) -> Result<(), JobError> {
        let directed = if self.request.undirected { "undirected" } else { "directed" };
        let mut run = PublishedRun {
            job: self.job.name().to_owned(),
            parameters: String::new(),
            revision: self.source.snapshot().revision(),
            finished_at: self.store.now_seconds().into(),
            users: self.source.snapshot().users(),
        };
        match (&self.job, &found.columns[..]) {
            (Job::PageRank(parameters), [ranks]) => {
                run.parameters = format!("{parameters:?}, {directed}");
                let Values::Reals(ranks) = &ranks.values else { return Ok(()) };
                self.store.publish_ranks(&run, ranks)?;
            }
            (Job::WhoToFollow(parameters, _), [suggested, scores]) => {
                run.parameters = format!("{parameters:?}, {directed}");
                let (Values::Vertices(suggested), Values::Reals(scores)) = (&suggested.values, &scores.values) else {
                    return Ok(());
                };
                let offsets = found.rows.offsets(run.users);
                let of_each = offsets.windows(2).map(|ends| {
                    let rows = ends[0]..ends[1];
                    let suggested = suggested[rows.clone()].iter().map(|vertex| UserId(*vertex));
                    suggested.zip(scores[rows].iter().map(|score| *score as f32))
                });
                self.store.publish_suggestions(&run, of_each)?;
            }
            _ => {}
        }
        Ok(())
    }
}
