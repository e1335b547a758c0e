//! What can be asked of the graph beyond one list: set algebra, pages, paths and suggestions.
//!
//! Everything here is pure: it reads through [`Lists`] and nothing else, so that it is tested against a graph in a
//! `BTreeMap`, and knows neither segments nor overlays. It stands at the service's door, so its errors are
//! [`base::Error`]s; those of the lists pass through unchanged.
//!
//! - [`expression`]: intersection, union and difference of lists and sets, nested.
//! - [`page`]: a part of a set, by id or newest first, that stays in its place while the set changes.
//! - [`path`]: a shortest path along follows.
//! - [`suggest`]: who to follow, and why.

pub mod expression;
pub mod page;
pub mod path;
pub mod suggest;

use std::sync::Arc;

use base::{Edge, Error, ListRef, UserId};
use roaring::RoaringBitmap;

/// What one lookup in a list costs, in ids read in order: below this many ids for each candidate, a list is read
/// whole. A lookup in a packed list takes some 350 ns, reading an id into a bitmap some 5 ns.
const LOOKUP_COST: u64 = 64;

/// Users that [`Lists::popular`] answers at the most: enough to fill the longest answer for somebody who follows most
/// of them.
pub const POPULAR_MAX: usize = 1000;

/// The lists that a query reads.
///
/// All answers to one query should come from one state of the graph. A query over a state that moves never panics
/// and never answers with a user that no list named; it may mix both states.
pub trait Lists {
    /// All users of a list; empty for a user without one.
    fn members(&self, list: ListRef) -> Result<RoaringBitmap, Error>;

    /// Whether a user is in a list.
    fn contains(&self, list: ListRef, user: UserId) -> Result<bool, Error>;

    /// How many users are in a list.
    fn count(&self, list: ListRef) -> Result<u64, Error>;

    /// All users of a list with the time of each, by id.
    fn edges(&self, list: ListRef) -> Result<Vec<Edge>, Error>;

    /// A set that a client keeps under this name; `None` where there is none.
    fn named_set(&self, name: &str) -> Result<Option<Arc<RoaringBitmap>>, Error>;

    /// The most followed users, most followed first, at most [`POPULAR_MAX`]. Kept ready: it may lag behind the lists.
    fn popular(&self) -> Result<Arc<[UserId]>, Error>;
}

/// Those of `within` who are in the list: by a lookup for each, or by reading the list, whichever costs less.
fn narrow(lists: &impl Lists, list: ListRef, within: &RoaringBitmap) -> Result<RoaringBitmap, Error> {
    if within.is_empty() {
        return Ok(RoaringBitmap::new());
    }
    if lists.count(list)? < within.len().saturating_mul(LOOKUP_COST) {
        return Ok(lists.members(list)? & within);
    }
    let mut found = RoaringBitmap::new();
    for user in within {
        if lists.contains(list, UserId(user))? {
            found.insert(user);
        }
    }
    Ok(found)
}
