//! What a job found, in messages of bounded size.

use proto::analytics::{Rows, Values};

use crate::job::Found;
use crate::output::{Table, Value};

/// Rows of one message: with two columns some 1.5 MB.
pub(super) const ROWS_MAX: usize = 1 << 16;

/// Hands all rows over in parts, by the numbers that are known outside.
pub(super) fn each<E>(
    found: &Found,
    id: &(dyn Fn(u32) -> u64 + Sync),
    mut tell: impl FnMut(Rows) -> Result<(), E>,
) -> Result<(), E> {
    let table = Table { rows: &found.rows, id, columns: &found.columns };
    for start in (0..found.rows.len()).step_by(ROWS_MAX) {
        let part = start..found.rows.len().min(start + ROWS_MAX);
        let columns = found.columns.iter().map(|column| {
            let mut values = Values::default();
            for row in part.clone() {
                match table.value(column, row) {
                    Value::Real(value) => values.reals.push(value),
                    Value::Whole(value) => values.wholes.push(value),
                }
            }
            values
        });
        tell(Rows { columns: columns.collect(), ids: part.clone().map(|row| table.id(row)).collect() })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Column, Kind, Rows as OfWhom, UNREACHED_VALUE, Values as OfColumn};

    #[test]
    fn all_rows_come_in_order_in_parts_that_are_bounded() -> Result<(), std::convert::Infallible> {
        let vertices = 2 * ROWS_MAX as u32 + 7;
        let column = |name: &'static str, values| Column { name: name.into(), kind: Kind::Score, values };
        let columns = vec![
            column("real", OfColumn::Reals((0..vertices).map(f64::from).collect())),
            column("level", OfColumn::Levels((0..vertices).map(|v| if v == 0 { u32::MAX } else { v }).collect())),
        ];
        let found = Found { rows: OfWhom::Each(vertices), columns, figures: serde_json::Map::new(), plot: None };
        let mut parts = Vec::new();
        each(&found, &|vertex| u64::from(vertex) + 100, |rows| {
            parts.push(rows);
            Ok::<_, std::convert::Infallible>(())
        })?;
        assert!(parts.iter().map(|part| part.ids.len()).eq([ROWS_MAX, ROWS_MAX, 7]));
        let expected = 0..u64::from(vertices);
        assert!(parts.iter().flat_map(|part| &part.ids).copied().eq(expected.clone().map(|id| id + 100)));
        assert!(parts.iter().flat_map(|part| &part.columns[0].reals).copied().eq(expected.clone().map(|v| v as f64)));
        let levels = expected.map(|vertex| if vertex == 0 { UNREACHED_VALUE } else { vertex });
        assert!(parts.iter().flat_map(|part| &part.columns[1].wholes).copied().eq(levels));
        Ok(())
    }
}
