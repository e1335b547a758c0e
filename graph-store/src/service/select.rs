//! Set algebra over lists, sets in the request and named sets.

use base::{Code, Error, UserId, limits};
use proto::convert::{at_most, page_limit};
use proto::graph::select_request::Output as Wanted;
use proto::graph::select_response::Output;
use proto::graph::{Membership, SelectRequest, SelectResponse, UserPage};
use roaring::RoaringBitmap;

use super::lists::StoreLists;
use super::{blocking, checks};
use crate::query::expression::Expression;
use crate::query::page;
use crate::store::Store;

/// Bytes of an answer beside a bitmap's own.
const ENVELOPE_BYTES: usize = 64;

pub(super) async fn select(store: &Store, request: SelectRequest) -> Result<SelectResponse, Error> {
    checks::at_least(store, request.at_least.as_ref()).await?;
    let wanted = request.output.ok_or_else(|| Error::invalid("output", "must be given"))?;
    let store = store.clone();
    blocking(move || {
        let lists = StoreLists(&store);
        let expression = Expression::from_wire(request.expression.as_ref(), store.users(), &lists)?;
        let output = match wanted {
            Wanted::Page(asked) => {
                let limit = page_limit(asked.limit, "page")?;
                // What lies in order already is not made first.
                let page = match &expression {
                    Expression::List(list) => page::selection(&store.view(*list), &asked.cursor, limit),
                    Expression::Set(set) => page::selection(set.as_ref(), &asked.cursor, limit),
                    Expression::Combination { .. } => {
                        page::selection(&expression.evaluate(&lists)?, &asked.cursor, limit)
                    }
                };
                Output::Page(wire_page(page?))
            }
            Wanted::Count(_) => Output::Count(expression.count(&lists)?),
            Wanted::Contains(users) => {
                at_most(users.ids.len(), limits::BATCH_MAX, "contains.ids")?;
                checks::all_known(&users.ids, store.users(), "contains.ids")?;
                let found = expression.restrict(&users.ids.iter().copied().collect(), &lists)?;
                Output::Contained(Membership { contained: users.ids.iter().map(|id| found.contains(*id)).collect() })
            }
            Wanted::Bitmap(_) => {
                let found = expression.evaluate(&lists)?;
                Output::Bitmap(serialize(&found, limits::GRPC_MESSAGE_MAX_BYTES - ENVELOPE_BYTES)?)
            }
        };
        Ok(SelectResponse { output: Some(output) })
    })
    .await
}

fn wire_page(page: page::Page<UserId>) -> UserPage {
    let users = page.entries.into_iter().map(|user| user.0).collect();
    UserPage { users, next_cursor: page.next_cursor, prev_cursor: page.prev_cursor }
}

/// The portable format, where it fits into `max` bytes.
fn serialize(set: &RoaringBitmap, max: usize) -> Result<Vec<u8>, Error> {
    let len = set.serialized_size();
    if len > max {
        let message = format!("the bitmap takes {len} bytes, at most {max} fit: ask for pages");
        return Err(Error::new(Code::ResourceExhausted, message).with_field("bitmap"));
    }
    let mut bytes = Vec::with_capacity(len);
    set.serialize_into(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_that_does_not_fit_is_refused_before_it_is_made() -> Result<(), Error> {
        let set: RoaringBitmap = (0..1000).map(|id| id * 3).collect();
        let len = set.serialized_size();
        assert_eq!(serialize(&set, len)?.len(), len);
        let error = serialize(&set, len - 1).unwrap_err();
        assert_eq!((error.code(), error.field()), (Code::ResourceExhausted, Some("bitmap")));
        Ok(())
    }
}
