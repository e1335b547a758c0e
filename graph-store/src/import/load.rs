//! From edge lists to a store: read, give everybody a place, hand all over at once.
//!
//! Everything is read before anything is written, so a malformed line leaves the store as it was.

use std::path::PathBuf;

use base::Revision;
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::binary::{self, BinaryError, EdgeReader};
use super::parse::{Edges, Lines, ParseError, Vertices};
use super::source::{OpenError, Progress, Source};
use crate::store::{BulkEdges, BulkReport, Store, StoreError};

/// Lines or edges between two reports of progress.
const REPORT_EVERY: u64 = 100_000;

/// What to import.
#[derive(Clone, Debug)]
pub struct Import {
    /// The edge list, text or [binary], or `-` for standard input.
    pub edges: PathBuf,
    /// A list of people, one a line, who need not have edges.
    pub vertices: Option<PathBuf>,
}

/// How far an import is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Step {
    /// Lines are read. Of standard input nobody knows the end.
    Reading {
        /// Lines with ids, or edges, so far.
        lines: u64,
        /// Bytes of the file so far.
        bytes: u64,
        /// Bytes of the whole file.
        bytes_total: Option<u64>,
    },
    /// Lists are sorted, encoded and written.
    Writing {
        /// From 0 to 1.
        share: f64,
    },
}

/// What an import did.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ImportReport {
    /// Edges read.
    pub edges_read: u64,
    /// Edges from somebody to themselves, dropped.
    pub self_loops: u64,
    /// People read from the list of people.
    pub vertices_read: u64,
    /// What became of the edges.
    #[serde(flatten)]
    pub bulk: BulkReport,
    /// What the store is at now, as a token.
    pub revision: String,
}

/// Nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file could not be opened.
    #[error("an edge list or list of people cannot be opened")]
    Open(#[from] OpenError),
    /// A line is not what it should be, or could not be read.
    #[error("{path}")]
    Line {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ParseError,
    },
    /// The edges and the people were to be read from the same place, which gives its lines only once.
    #[error("edges and people cannot both be read from {path}")]
    SameSource {
        /// Where from.
        path: PathBuf,
    },
    /// A binary edge list is damaged, or could not be read.
    #[error("{path}")]
    Binary {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: BinaryError,
    },
    /// There are more people than user ids.
    #[error("more than {max} people")]
    TooMany {
        /// The limit.
        max: u32,
    },
    /// The store said no.
    #[error("the store did not take the edges")]
    Store(#[from] StoreError),
}

/// Imports an edge list: reads all of it, then loads it.
///
/// # Errors
///
/// After any of them the store is as it was.
pub fn import(store: &Store, import: &Import, progress: &(dyn Fn(Step) + Sync)) -> Result<ImportReport, ImportError> {
    EdgeList::read(import, progress)?.load_into(store, progress)
}

/// Edges and people that were read to the end and found right, before any store knows of them.
#[derive(Clone, Debug, Default)]
pub struct EdgeList {
    bulk: BulkEdges,
    report: ImportReport,
}

impl EdgeList {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// Files that cannot be opened or read, malformed lines, damaged binary edge lists, more people than there are user ids.
    pub fn read(import: &Import, progress: &(dyn Fn(Step) + Sync)) -> Result<EdgeList, ImportError> {
        let mut people = People::default();
        let mut report = ImportReport::default();
        if let Some(path) = &import.vertices {
            if *path == import.edges {
                return Err(ImportError::SameSource { path: path.clone() });
            }
            let source = Source::open(path)?;
            let file = source.progress();
            for line in Vertices::new(source) {
                let [external_id] = line.map_err(|source| ImportError::Line { path: path.clone(), source })?;
                people.place(external_id)?;
                report.vertices_read += 1;
                tell_reading(report.vertices_read, &file, progress);
            }
        }
        let mut edges = Collected { people, report, edges: Vec::new(), timed: Vec::new() };
        let mut source = Source::open(&import.edges)?;
        let file = source.progress();
        if source.begins_with(&binary::MAGIC) {
            let failed = |source| ImportError::Binary { path: import.edges.clone(), source };
            for edge in EdgeReader::new(source).map_err(failed)? {
                let edge = edge.map_err(failed)?;
                edges.add(edge.source.into(), edge.target.into(), edge.time)?;
                tell_reading(edges.report.edges_read, &file, progress);
            }
        } else {
            let lines: Edges<Source> = Lines::new(source);
            for line in lines {
                let [source, target] =
                    line.map_err(|source| ImportError::Line { path: import.edges.clone(), source })?;
                edges.add(source, target, None)?;
                tell_reading(edges.report.edges_read, &file, progress);
            }
        }
        Ok(edges.into_list())
    }

    /// Adds them to a store, those without a time with the store's.
    ///
    /// # Errors
    ///
    /// What the store says; it is as it was.
    pub fn load_into(self, store: &Store, progress: &(dyn Fn(Step) + Sync)) -> Result<ImportReport, ImportError> {
        let bulk = BulkEdges { time: store.now_seconds(), ..self.bulk };
        let bulk = store.import(bulk, &|share| progress(Step::Writing { share }))?;
        Ok(ImportReport { bulk, revision: Revision::token(store.revision()), ..self.report })
    }
}

fn tell_reading(lines: u64, file: &Progress, progress: &(dyn Fn(Step) + Sync)) {
    if lines.is_multiple_of(REPORT_EVERY) {
        progress(Step::Reading { lines, bytes: file.bytes_read(), bytes_total: file.bytes_total() });
    }
}

/// What was read so far; edges have the places of their people.
struct Collected {
    people: People,
    report: ImportReport,
    edges: Vec<(u32, u32)>,
    timed: Vec<(u32, u32, u32)>,
}

impl Collected {
    #[inline]
    fn add(&mut self, source: u64, target: u64, time: Option<u32>) -> Result<(), ImportError> {
        self.report.edges_read += 1;
        if source == target {
            self.report.self_loops += 1;
            self.people.place(source)?;
            return Ok(());
        }
        let (source, target) = (self.people.place(source)?, self.people.place(target)?);
        match time {
            None => self.edges.push((source, target)),
            Some(time) => self.timed.push((source, target, time)),
        }
        Ok(())
    }

    fn into_list(self) -> EdgeList {
        let Collected { people, report, mut edges, mut timed } = self;
        let (external_ids, ranks) = people.by_external_id();
        let ends = edges.iter_mut().map(|(source, target)| (source, target));
        for (source, target) in ends.chain(timed.iter_mut().map(|(source, target, _)| (source, target))) {
            (*source, *target) = (ranks[*source as usize], ranks[*target as usize]);
        }
        EdgeList { bulk: BulkEdges { external_ids, edges, time: 0, timed }, report }
    }
}

/// Everybody met so far, in the order of the meeting.
#[derive(Default)]
struct People(FxHashMap<u64, u32>);

impl People {
    fn place(&mut self, external_id: u64) -> Result<u32, ImportError> {
        let next = u32::try_from(self.0.len()).map_err(|_| ImportError::TooMany { max: u32::MAX })?;
        Ok(*self.0.entry(external_id).or_insert(next))
    }

    /// External ids in ascending order, which keeps the neighbourhoods that the numbering of a graph often has; and,
    /// for each place, the place in that order.
    fn by_external_id(self) -> (Vec<u64>, Vec<u32>) {
        let mut pairs: Vec<(u64, u32)> = self.0.into_iter().collect();
        pairs.sort_unstable();
        let mut ranks = vec![0; pairs.len()];
        for ((_, place), rank) in pairs.iter().zip(0..) {
            ranks[*place as usize] = rank;
        }
        (pairs.into_iter().map(|(external_id, _)| external_id).collect(), ranks)
    }
}
