//! From edge lists to a store: read on all cores, then load all at once.
//!
//! Everything is read before anything is written, so a malformed line leaves the store as it was.

use std::path::PathBuf;
use std::thread;

use base::Revision;
use parking_lot::Mutex;
use serde::Serialize;

use super::blocks::{EdgeSource, RawBlock, SourceError};
use super::columns::Layout;
use super::format::Format;
use super::parse::Vertices;
use super::source::{Progress, Source};
use crate::store::{Bulk, BulkError, BulkOptions, BulkReport, EdgeBatch, Store};

/// People between two reports of progress.
const REPORT_EVERY: u64 = 100_000;

/// What to import.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// The edge list, text or [binary](super::binary), or `-` for standard input.
    pub edges: PathBuf,
    /// How edges lie in the file, where the file does not tell.
    pub format: Option<Format>,
    /// What the columns of the file hold, where it does not tell.
    pub layout: Option<Layout>,
    /// A list of people, one a line, who need not have edges.
    pub vertices: Option<PathBuf>,
    /// Memory, disk, threads and order; the columns are those that the file has.
    pub options: BulkOptions,
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
    /// A file could not be opened or read, or is not what it should be.
    #[error("{}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SourceError,
    },
    /// The edges and the people were to be read from the same place, which gives its lines only once.
    #[error("edges and people cannot both be read from {path}")]
    SameSource {
        /// Where from.
        path: PathBuf,
    },
    /// The edges could not be gathered, or the store said no.
    #[error(transparent)]
    Bulk(#[from] BulkError),
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
#[derive(Debug)]
pub struct EdgeList {
    bulk: Bulk,
    vertices_read: u64,
}

impl EdgeList {
    /// Reads the files, on all cores.
    ///
    /// # Errors
    ///
    /// Files that cannot be opened or read, malformed lines, damaged binary edge lists, more people than there are user ids,
    /// no room for edges that memory has no room for.
    pub fn read(import: &Import, progress: &(dyn Fn(Step) + Sync)) -> Result<EdgeList, ImportError> {
        let source_error = |source| ImportError::Source { path: import.edges.clone(), source };
        if import.vertices.as_ref() == Some(&import.edges) {
            return Err(ImportError::SameSource { path: import.edges.clone() });
        }
        let source = EdgeSource::open_as(&import.edges, import.format, import.layout.clone()).map_err(source_error)?;
        let bulk = Bulk::new(BulkOptions { columns: source.columns(), ..import.options.clone() });
        let mut vertices_read = 0u64;
        if let Some(path) = &import.vertices {
            let source_error = |source| ImportError::Source { path: path.clone(), source };
            let source = Source::open(path).map_err(SourceError::from).map_err(source_error)?;
            let file = source.progress();
            for line in Vertices::new(source) {
                let [external_id] = line.map_err(SourceError::from).map_err(source_error)?;
                bulk.meet(external_id)?;
                vertices_read += 1;
                if vertices_read.is_multiple_of(REPORT_EVERY) {
                    progress(Step::reading(vertices_read, &file));
                }
            }
        }
        let file = source.progress();
        let reading = Reading { source: Mutex::new((source, 0)), failure: Mutex::new(None) };
        thread::scope(|scope| {
            for _ in 0..import.options.threads {
                scope.spawn(|| reading.read_into(&bulk, &|| progress(Step::reading(bulk.edges_read(), &file))));
            }
        });
        match reading.failure.into_inner() {
            Some((_, Failure::Source(source))) => Err(source_error(source)),
            Some((_, Failure::Bulk(error))) => Err(error.into()),
            None => Ok(EdgeList { bulk, vertices_read }),
        }
    }

    /// Adds them to a store, those without a time with the store's.
    ///
    /// # Errors
    ///
    /// What the store says; it is as it was.
    pub fn load_into(self, store: &Store, progress: &(dyn Fn(Step) + Sync)) -> Result<ImportReport, ImportError> {
        let (edges_read, self_loops) = (self.bulk.edges_read(), self.bulk.self_loops());
        let bulk = store.load(self.bulk, store.now_seconds(), &|share| progress(Step::Writing { share }))?;
        let revision = Revision::token(store.revision());
        Ok(ImportReport { edges_read, self_loops, vertices_read: self.vertices_read, bulk, revision })
    }
}

impl Step {
    fn reading(lines: u64, file: &Progress) -> Step {
        Step::Reading { lines, bytes: file.bytes_read(), bytes_total: file.bytes_total() }
    }
}

/// A source that several threads read.
struct Reading {
    /// With the number of the next block.
    source: Mutex<(EdgeSource, u64)>,
    /// The failure that came first in the file, and its block.
    failure: Mutex<Option<(u64, Failure)>>,
}

enum Failure {
    Source(SourceError),
    Bulk(BulkError),
}

impl Reading {
    /// The work of one thread: blocks, until there are no more or one of them is not right.
    fn read_into(&self, bulk: &Bulk, report: &dyn Fn()) {
        let mut gatherer = bulk.gatherer();
        let mut batch = EdgeBatch::default();
        while let Some((number, block)) = self.next_block() {
            batch.clear();
            let added = block.and_then(|block| block.decode(&mut batch)).map_err(Failure::Source);
            let added = added.and_then(|()| gatherer.add(&batch).map_err(Failure::Bulk));
            if let Err(failure) = added {
                return self.fail(number, failure);
            }
            report();
        }
        if let Err(error) = gatherer.finish() {
            self.fail(u64::MAX, Failure::Bulk(error));
        }
    }

    /// The next block and its number; `None` where none is wanted any more.
    fn next_block(&self) -> Option<(u64, Result<RawBlock, SourceError>)> {
        let (source, number) = &mut *self.source.lock();
        if self.failure.lock().is_some() {
            return None;
        }
        let block = source.next_block().transpose()?;
        *number += 1;
        Some((*number, block))
    }

    /// Blocks are taken in order and each that was taken is decoded, so the first failure is always the same one.
    fn fail(&self, number: u64, failure: Failure) {
        let mut first = self.failure.lock();
        if first.as_ref().is_none_or(|(first, _)| number < *first) {
            *first = Some((number, failure));
        }
    }
}
