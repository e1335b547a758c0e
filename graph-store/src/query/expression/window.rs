//! The part of a set that one page needs.
//!
//! Of an intersection or a difference only the smallest, or first, operand is found whole. The others are asked for its
//! users part by part, from the page's place on, until the page is full and it is known whether anything lies beyond.

use base::Error;
use roaring::RoaringBitmap;

use super::{Combine, Expression, in_turn, narrow};
use crate::query::page::place_of_selection;
use crate::query::{Lists, Members, Metered};

/// Users of the first operand whom the others are asked for at once.
const PART: usize = 1024;

impl Expression {
    /// Some members of the set, among them all that a page of `limit` users at this cursor depends on.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` in `page.cursor` for a cursor that is not of a selection.
    pub fn window(&self, cursor: &str, limit: usize, lists: &Metered<'_, impl Lists>) -> Result<RoaringBitmap, Error> {
        let (place, upwards) = place_of_selection(cursor)?;
        let (combine, operands) = match self {
            Expression::Combination { combine, operands } if *combine != Combine::Union => (*combine, operands),
            _ => return Ok(self.evaluate(lists)?.into_bitmap()),
        };
        let (first, rest) = in_turn(combine, operands, lists)?;
        let found = first.evaluate(lists)?;
        // One more than is shown tells whether there is a next page, one on the other side whether there is one before.
        let (above, below) = if upwards { (limit + 1, 1) } else { (1, limit + 1) };
        let mut window = RoaringBitmap::new();
        let mut fill = |wanted: u64, next: &mut dyn FnMut() -> Vec<u32>| {
            let full = window.len() + wanted;
            while window.len() < full {
                let part = next();
                if part.is_empty() {
                    break;
                }
                window.extend(narrow(combine, Members::Sorted(part), &rest, lists)?.into_ids());
            }
            Ok::<_, Error>(())
        };
        let mut start = place;
        fill(above as u64, &mut || {
            let part = found.from(start, PART);
            start = part.last().map_or(start, |last| u64::from(*last) + 1);
            part
        })?;
        let mut end = place;
        fill(below as u64, &mut || {
            let part = found.below(end, PART);
            end = part.first().map_or(end, |first| u64::from(*first));
            part
        })?;
        Ok(window)
    }
}
