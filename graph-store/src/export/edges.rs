//! Edge after edge, in rows.

use std::iter;
use std::ops::Range;

use base::{Direction, ListRef, UserId};

use super::names::Names;
use super::{Export, ExportError, ExportReport};
use crate::segment::DEFAULT_WEIGHT;
use crate::store::Snapshot;

/// Edges that are handed on at once, and the most in a row group.
pub(super) const ROWS_MAX: usize = 1 << 20;
/// Users between two reports of progress.
const REPORT_EVERY: u32 = 4096;

/// Some edges, by column.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) sources: Vec<u64>,
    pub(super) targets: Vec<u64>,
    /// Seconds since 1970; none where times are not written.
    pub(super) times: Vec<u32>,
    /// None where weights are not written.
    pub(super) weights: Vec<f64>,
}

impl Rows {
    fn clear(&mut self) {
        self.sources.clear();
        self.targets.clear();
        self.times.clear();
        self.weights.clear();
    }
}

/// Where rows go.
pub(super) trait RowWriter {
    /// Appends rows, at least one.
    fn write(&mut self, rows: &Rows) -> Result<(), ExportError>;

    /// Completes what was written.
    fn finish(self) -> Result<(), ExportError>;
}

/// Writes every edge in the lists of some users.
pub(super) fn write(
    snapshot: &Snapshot,
    what: &Export,
    users: Range<u32>,
    names: &Names,
    mut writer: impl RowWriter,
    progress: &dyn Fn(u64, u64),
) -> Result<ExportReport, ExportError> {
    let mut report = ExportReport { revision: snapshot.revision().token(), ..ExportReport::default() };
    let mut rows = Rows::default();
    let mut reported = users.start;
    for list in snapshot.lists_of(users.map(UserId), what.relation, what.direction) {
        let (user, edges) = list?;
        let owner = names.of(user);
        report.lists += 1;
        report.edges += edges.len() as u64;
        let list = ListRef { relation: what.relation, direction: what.direction, user };
        let weights = if what.weights { snapshot.weights(list, &edges)? } else { Vec::new() };
        for (edge, weight) in edges.into_iter().zip(weights.into_iter().chain(iter::repeat(DEFAULT_WEIGHT))) {
            let (source, target) = match what.direction {
                Direction::Forward => (owner, names.of(edge.user)),
                Direction::Reverse => (names.of(edge.user), owner),
            };
            rows.sources.push(source);
            rows.targets.push(target);
            if what.times {
                rows.times.push(edge.time);
            }
            if what.weights {
                rows.weights.push(weight);
            }
            if rows.sources.len() == ROWS_MAX {
                writer.write(&rows)?;
                rows.clear();
            }
        }
        if user.0 >= reported + REPORT_EVERY {
            reported = user.0;
            progress(user.0.into(), snapshot.users().into());
        }
    }
    if !rows.sources.is_empty() {
        writer.write(&rows)?;
    }
    writer.finish()?;
    Ok(report)
}
