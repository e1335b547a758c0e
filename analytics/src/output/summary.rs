//! A table at a glance: the first ten, and how the rest is spread.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

use serde::Serialize;

use super::{Column, Histogram, Kind, Table, Value, Values};

/// How many are named.
const TOP: usize = 10;

/// A table at a glance.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    /// Of each column, in their order.
    pub columns: Vec<ColumnSummary>,
}

/// A column at a glance.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ColumnSummary {
    /// The column's name.
    pub name: Cow<'static, str>,
    /// Those with the greatest values, of equal ones the first rows first; of groups, the largest with their sizes;
    /// of distances, nobody.
    pub top: Vec<Row>,
    /// How many groups there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<u64>,
    /// How the values are spread; of groups, their sizes.
    pub histogram: Histogram,
}

/// A vertex or group and its value.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Row {
    /// The external id of the vertex, or the label of the group.
    pub id: u64,
    /// The vertex's value, or the group's size.
    pub value: Value,
}

impl Table<'_> {
    /// The table at a glance.
    pub fn summary(&self) -> Summary {
        Summary { columns: self.columns.iter().map(|column| self.summary_of(column)).collect() }
    }

    fn summary_of(&self, column: &Column) -> ColumnSummary {
        let values = (0..self.rows.len()).map(|row| self.value(column, row));
        let name = column.name.clone();
        if column.kind == Kind::Group {
            let sizes = match &column.values {
                Values::Vertices(vertices) => self.sizes_by_vertex(vertices),
                _ => sizes(values),
            };
            let histogram = Histogram::of(sizes.iter().map(|(_, size)| *size as f64));
            let top = first(sizes.iter().map(|(label, size)| (*size, Reverse(*label))));
            let top = top.map(|(size, Reverse(id))| Row { id, value: Value::Whole(size) });
            return ColumnSummary { name, top: top.collect(), groups: Some(sizes.len() as u64), histogram };
        }
        let histogram = Histogram::of(values.clone().map(Value::as_f64));
        // The bits of numbers that are not negative are in the same order as the numbers.
        let rows = values.zip(0..).map(|(value, row)| (value.as_f64().to_bits(), Reverse(row)));
        let top = first(rows.filter(|_| column.kind == Kind::Score));
        let top = top.map(|(_, Reverse(row))| Row { id: self.id(row), value: self.value(column, row) });
        ColumnSummary { name, top: top.collect(), groups: None, histogram }
    }

    /// How many rows have each label, where labels are vertices: of these there may be far fewer than rows.
    fn sizes_by_vertex(&self, vertices: &[u32]) -> Vec<(u64, u64)> {
        let mut sizes = vec![0_u64; vertices.iter().max().map_or(0, |greatest| *greatest as usize + 1)];
        vertices.iter().for_each(|vertex| sizes[*vertex as usize] += 1);
        let of_vertices = (0..).zip(sizes).filter(|(_, size)| *size > 0);
        of_vertices.map(|(vertex, size)| ((self.id)(vertex), size)).collect()
    }
}

/// How many rows have each label.
fn sizes(labels: impl Iterator<Item = Value>) -> Vec<(u64, u64)> {
    let mut labels: Vec<u64> =
        labels.filter_map(|l| if let Value::Whole(label) = l { Some(label) } else { None }).collect();
    labels.sort_unstable();
    labels.chunk_by(|one, other| one == other).map(|group| (group[0], group.len() as u64)).collect()
}

/// The greatest, descending.
fn first<T: Ord>(rows: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    let mut least_first = BinaryHeap::with_capacity(TOP + 1);
    for row in rows {
        least_first.push(Reverse(row));
        if least_first.len() > TOP {
            least_first.pop();
        }
    }
    least_first.into_sorted_vec().into_iter().map(|Reverse(row)| row)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for column in &self.columns {
            writeln!(f, "\n{}", column.name)?;
            if let Some(groups) = column.groups {
                writeln!(f, "{groups} groups; the largest:")?;
            }
            for (row, place) in column.top.iter().zip(1..) {
                match row.value {
                    Value::Real(value) => writeln!(f, "{place:>4}. {:>20}  {value:.6e}", row.id)?,
                    Value::Whole(value) => writeln!(f, "{place:>4}. {:>20}  {value}", row.id)?,
                }
            }
            writeln!(f)?;
            column.histogram.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Rows, Values};
    use super::*;

    fn summary(kind: Kind, values: Values, vertices: u32) -> ColumnSummary {
        let columns = [Column { name: "value".into(), kind, values }];
        let (rows, id) = (Rows::Each(vertices), |vertex| 1000 + u64::from(vertex));
        Table { rows: &rows, id: &id, columns: &columns }.summary().columns.remove(0)
    }

    #[test]
    fn ten_with_the_greatest_scores_come_first_and_of_equal_ones_the_first() {
        let values = (0..30).map(|vertex| vertex % 11).collect();
        let top = summary(Kind::Score, Values::Counts(values), 30).top;
        let of_top: Vec<_> = top.iter().map(|row| (row.id - 1000, row.value.as_f64() as u32)).collect();
        let expected = [(10, 10), (21, 10), (9, 9), (20, 9), (8, 8), (19, 8), (7, 7), (18, 7), (29, 7), (6, 6)];
        assert_eq!(of_top, expected);
    }

    #[test]
    fn groups_are_named_by_size() {
        let of_groups = summary(Kind::Group, Values::Vertices(vec![0, 1, 1, 3, 1, 3]), 6);
        let top: Vec<_> = of_groups.top.iter().map(|row| (row.id, row.value)).collect();
        assert_eq!(top, [(1001, Value::Whole(3)), (1003, Value::Whole(2)), (1000, Value::Whole(1))]);
        assert_eq!(of_groups.groups, Some(3));
    }
}
