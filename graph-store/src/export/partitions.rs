//! A graph as many Parquet files, which engines read side by side.
//!
//! | file | columns |
//! |---|---|
//! | `edges/part-00000.parquet` and on | `source`, `target`, and `time` and `weight` where they are wanted |
//! | `vertices/part-00000.parquet` and on | `id`: everybody, with edges or without |
//!
//! A part has the users of one range of user ids and the edges of their lists, so that nobody's list is in two parts.

use std::io::{self, Write};

use super::names::Names;
use super::parquet::{ParquetEdges, write_vertices};
use super::{Export, ExportError, ExportReport, edges};
use crate::store::Snapshot;

/// Writes a graph as so many parts, at least one. `create` makes the file of a name with slashes; `progress` is told how many
/// users are done and how many there are. The format of `what` is not looked at.
///
/// # Errors
///
/// What was written up to then is of no use.
pub fn export_partitions<W: Write + Send>(
    snapshot: &Snapshot,
    what: &Export,
    partitions: u32,
    create: impl Fn(&str) -> io::Result<W>,
    progress: &dyn Fn(u64, u64),
) -> Result<ExportReport, ExportError> {
    let names = Names::new(snapshot, what.ids)?;
    let mut report = ExportReport { revision: snapshot.revision().token(), ..ExportReport::default() };
    let start = |part: u32| (u64::from(snapshot.users()) * u64::from(part) / u64::from(partitions.max(1))) as u32;
    for part in 0..partitions.max(1) {
        let users = start(part)..start(part + 1);
        write_vertices(users.clone(), &names, create(&format!("vertices/part-{part:05}.parquet"))?)?;
        let writer = ParquetEdges::new(create(&format!("edges/part-{part:05}.parquet"))?, what.columns())?;
        let written = edges::write(snapshot, what, users, &names, writer, progress)?;
        report.lists += written.lists;
        report.edges += written.edges;
    }
    Ok(report)
}
