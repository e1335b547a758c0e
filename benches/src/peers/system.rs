//! A system under measurement, and the measuring, which is the same for all.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::report::{Asked, Figures};
use super::workload::{Kind, PageOrder, Question, Workload};
use crate::wire::load::{latency, throughput};
use crate::wire::{Connection, Wire};

/// Clients of a measurement of throughput.
pub const CONNECTIONS: usize = 64;
/// Answers of each kind that are checked before anything is timed.
const CHECKED: usize = 256;

/// What it took to load the edges.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// From the first edge to the last that can be asked for.
    pub seconds: f64,
    /// Bytes of memory that serving takes, above what an empty server takes.
    pub memory_bytes: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// What else is to be told of this system alone.
    pub notes: BTreeMap<&'static str, f64>,
}

/// A server that has the edges.
#[expect(async_fn_in_trait, reason = "awaited by this package alone, on one thread")]
pub trait System {
    /// How it is spoken to.
    type Wire: Wire;

    /// What it is called in the report.
    fn name(&self) -> &'static str;

    /// Whether it has the times of the edges.
    fn times(&self) -> bool;

    /// What loading took.
    fn loaded(&self) -> &Loaded;

    /// In which order it gives the followers of a user.
    fn page_order(&self) -> PageOrder {
        if self.times() { PageOrder::NewestFirst } else { PageOrder::ById }
    }

    /// A connection that is ready for questions of a kind.
    async fn connect(&self, kind: Kind) -> anyhow::Result<Connection<Self::Wire>>;

    /// A question as it is sent.
    fn request(&self, question: &Question) -> anyhow::Result<Vec<u8>>;

    /// The users in an answer.
    fn answer(&self, question: &Question, answer: &[u8]) -> anyhow::Result<Vec<u32>>;

    /// Begins to count the time that the server spends.
    async fn begin_counting(&self) -> anyhow::Result<()>;

    /// The time that the server spent on each question of this kind since then, by its own clock, in microseconds.
    async fn counted_us(&self, kind: Kind) -> anyhow::Result<f64>;
}

/// Asks a system everything, for `time` at each measurement.
///
/// # Errors
///
/// Among others, an answer that is wrong: nothing is timed before some of each kind were right.
pub async fn measure<S: System>(system: &S, workload: &Workload, time: Duration) -> anyhow::Result<Figures> {
    let mut figures = Figures::new(system.name(), system.times(), system.loaded(), workload.edges.len());
    eprintln!("loaded in {:.1} s: {:.2} bytes an edge", figures.load_seconds, figures.memory_bytes_per_edge);
    for kind in Kind::ALL {
        eprintln!("{}", kind.name());
        let questions = workload.questions(kind);
        let requests: Vec<_> = questions.iter().map(|question| system.request(question)).collect::<Result<_, _>>()?;
        let mut connection = system.connect(kind).await?;
        for (question, request) in questions.iter().zip(&requests).take(CHECKED) {
            let bytes = connection.ask(request).await?;
            let answer = system.answer(question, &bytes).with_context(|| format!("{}: {question:?}", system.name()))?;
            let right = workload.is_right(question, &answer, system.page_order());
            ensure!(right, "{} answers {answer:?} to {question:?}", system.name());
        }
        system.begin_counting().await?;
        let latency = latency(&mut connection, &requests, time).await?;
        let server_us = system.counted_us(kind).await?;
        drop(connection);
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            connections.push(system.connect(kind).await?);
        }
        let per_second = throughput(&mut connections, 1, &requests, time).await?;
        figures.asked.insert(kind.name(), Asked { server_us, latency, throughput_per_second: per_second });
    }
    Ok(figures)
}
