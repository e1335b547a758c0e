//! Set algebra over lists, sets in the request and named sets.

use base::{Code, Error, UserId, limits};
use prost::Message;
use proto::convert::{at_most, page_limit};
use proto::graph::select_request::Output as Wanted;
use proto::graph::select_response::Output;
use proto::graph::{Membership, SelectRequest, SelectResponse, UserPage};
use roaring::RoaringBitmap;
use tonic::Request;

use super::{Inner, checks, compute};
use crate::query::expression::Expression;
use crate::query::{Budget, Cancellation, Metered, page};
use crate::store::Store;

/// Bytes of an answer beside a bitmap's own.
const ENVELOPE_BYTES: usize = 64;
/// Bytes of a request up to which it is read where the call came in: the sets in a longer one take their time.
const SMALL_REQUEST_BYTES: usize = 16 << 10;

pub(super) async fn select(service: &Inner, request: Request<SelectRequest>) -> Result<SelectResponse, Error> {
    let time = compute::time_limit(&request)?;
    let request = request.into_inner();
    compute::in_time(time, checks::at_least(&service.store, request.at_least.as_ref())).await??;
    let output = if request.encoded_len() <= SMALL_REQUEST_BYTES {
        let (selection, cost) = {
            let lists = Metered::new(&service.store, Budget::new(time, Cancellation::default()));
            let selection = Selection::read(request, service.store.users(), &lists)?;
            let cost = selection.cost(&lists)?;
            (selection, cost)
        };
        compute::run(service, time, cost, |store, budget| selection.answer(&Metered::new(store, budget))).await?
    } else {
        let query = |store: &Store, budget| {
            let lists = Metered::new(store, budget);
            Selection::read(request, store.users(), &lists)?.answer(&lists)
        };
        compute::run(service, time, u64::MAX, query).await?
    };
    Ok(SelectResponse { output: Some(output) })
}

/// A set, and what is wanted of it.
struct Selection {
    expression: Expression,
    wanted: Wanted,
}

impl Selection {
    fn read(request: SelectRequest, users: u32, lists: &Metered<'_, Store>) -> Result<Self, Error> {
        let wanted = request.output.ok_or_else(|| Error::invalid("output", "must be given"))?;
        let expression = Expression::from_wire(request.expression.as_ref(), users, lists)?;
        if let Wanted::Contains(asked) = &wanted {
            at_most(asked.ids.len(), limits::BATCH_MAX, "contains.ids")?;
            checks::all_known(&asked.ids, users, "contains.ids")?;
        }
        Ok(Selection { expression, wanted })
    }

    /// How many ids are looked at, at the most.
    fn cost(&self, lists: &Metered<'_, Store>) -> Result<u64, Error> {
        match (&self.wanted, &self.expression) {
            (Wanted::Count(_), Expression::List(_) | Expression::Set(_)) => Ok(1),
            (Wanted::Contains(asked), expression) => expression.cost(Some(asked.ids.len() as u64), lists),
            (_, expression) => expression.cost(None, lists),
        }
    }

    fn answer(self, lists: &Metered<'_, Store>) -> Result<Output, Error> {
        let Selection { expression, wanted } = self;
        Ok(match wanted {
            Wanted::Page(asked) => {
                let limit = page_limit(asked.limit, "page")?;
                // What lies in order already is not made first.
                let page = match &expression {
                    Expression::List(list) => page::selection(&lists.unmetered().view(*list), &asked.cursor, limit),
                    Expression::Set(set) => page::selection(set.bitmap(), &asked.cursor, limit),
                    Expression::Combination { .. } => {
                        page::selection(&expression.window(&asked.cursor, limit, lists)?, &asked.cursor, limit)
                    }
                };
                Output::Page(wire_page(page?))
            }
            Wanted::Count(_) => Output::Count(expression.count(lists)?),
            Wanted::Contains(asked) => {
                let mut within = asked.ids.clone();
                within.sort_unstable();
                within.dedup();
                let found = expression.common(&within, lists)?;
                let contained = asked.ids.iter().map(|id| found.binary_search(id).is_ok()).collect();
                Output::Contained(Membership { contained })
            }
            Wanted::Bitmap(_) => {
                let found = expression.evaluate(lists)?.into_bitmap();
                Output::Bitmap(serialize(&found, limits::GRPC_MESSAGE_MAX_BYTES - ENVELOPE_BYTES)?)
            }
        })
    }
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
