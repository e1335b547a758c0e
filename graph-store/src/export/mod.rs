//! A graph as files that others read: the lists of one relation, as they are at one revision.
//!
//! | format | what |
//! |---|---|
//! | text | `source target[ time][ weight]` a line, which [`import`](crate::import) takes back |
//! | CSV | the same with commas, behind a line that names the columns |
//! | Parquet | the same as columns, `source` and `target` unsigned, `time` in seconds, `weight` a double; row groups of 1,048,576 edges, zstd |
//! | roaring | each list as a portable roaring bitmap, in the container that [`roaring`] describes |
//!
//! For engines that read many files at once, [`export_partitions`] writes edges and vertices as many Parquet files.
//!
//! In memory are one row group, one list and, for external ids and for the index of bitmaps, eight bytes a user.

mod edges;
mod names;
mod parquet;
mod partitions;
pub mod roaring;
mod text;

use std::io::{self, Write};

use base::{Direction, Relation, UserId};
use serde::Serialize;

use crate::store::{Columns, Snapshot, StoreError};

pub use names::Names;
pub use partitions::export_partitions;

/// How a graph is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `source target[ time][ weight]` a line.
    Text,
    /// `source,target[,time][,weight]` a line, behind one that says so.
    Csv,
    /// Columns.
    Parquet,
    /// Each list as a bitmap.
    Roaring,
}

/// By which numbers users are known in what is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Ids {
    /// The external ids that they came with; who has none by the user id.
    #[default]
    External,
    /// The user ids of the store.
    Users,
}

/// What is written, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Export {
    /// How the sources stand to the targets.
    pub relation: Relation,
    /// By whose lists the edges come: in the order of sources (forward) or targets (reverse).
    pub direction: Direction,
    /// How it is written.
    pub format: Format,
    /// Which numbers stand for users. Bitmaps always hold user ids.
    pub ids: Ids,
    /// Whether the time of each edge is written. Bitmaps have none.
    pub times: bool,
    /// Whether the weight of each edge is written, 1 where none was ever given. Bitmaps have none.
    pub weights: bool,
}

impl Export {
    fn columns(&self) -> Columns {
        Columns { times: self.times, weights: self.weights }
    }
}

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ExportReport {
    /// Lists that have members.
    pub lists: u64,
    /// Edges.
    pub edges: u64,
    /// The revision of what was written, as a token.
    pub revision: String,
}

/// A graph could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A user without an external id has the number that is another's external id.
    #[error("user {user} has no external id, and {user} is the external id of user {other}: choose user ids instead")]
    Ambiguous {
        /// Who has none.
        user: UserId,
        /// Whose it is.
        other: UserId,
    },
    /// Bitmaps have no place for what was asked.
    #[error("bitmaps hold neither times nor weights")]
    OnlyIds,
    /// The graph could not be read.
    #[error("the graph cannot be read")]
    Store(#[from] StoreError),
    /// The file could not be written.
    #[error("the file cannot be written")]
    Write(#[from] io::Error),
    /// The columns could not be written.
    #[error("the columns cannot be written")]
    Parquet(#[from] ::parquet::errors::ParquetError),
}

/// Writes a graph. `progress` is told how many users are done and how many there are.
///
/// # Errors
///
/// What was written up to then is of no use.
pub fn export(
    snapshot: &Snapshot,
    what: &Export,
    out: impl Write + Send,
    progress: &dyn Fn(u64, u64),
) -> Result<ExportReport, ExportError> {
    if what.format == Format::Roaring {
        let only_ids = !what.times && !what.weights;
        return if only_ids { roaring::write(snapshot, what, out, progress) } else { Err(ExportError::OnlyIds) };
    }
    let (columns, all) = (what.columns(), 0..snapshot.users());
    let names = &Names::new(snapshot, what.ids)?;
    match what.format {
        Format::Text => edges::write(snapshot, what, all, names, text::TextEdges::text(out), progress),
        Format::Csv => edges::write(snapshot, what, all, names, text::TextEdges::csv(out, columns)?, progress),
        _ => edges::write(snapshot, what, all, names, parquet::ParquetEdges::new(out, columns)?, progress),
    }
}
