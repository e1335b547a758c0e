//! What can be asked of the graph beyond one list: set algebra, pages, paths, acquaintances and suggestions.
//!
//! Everything here is pure: it reads through [`Lists`] and nothing else, so that it is tested against a graph in a
//! `BTreeMap`, and knows neither segments nor overlays. It stands at the service's door, so its errors are
//! [`base::Error`]s; those of the lists pass through unchanged.
//!
//! - [`budget`]: what a query may cost, in edges and in time; [`metered`]: lists that are paid for as they are read.
//! - [`members`]: a set of users, as an array or as a bitmap; [`probed`]: one that is made to be asked.
//! - [`expression`]: intersection, union and difference of lists and sets, nested.
//! - [`page`]: a part of a set, by id or newest first, that stays in its place while the set changes.
//! - [`followers_you_know`]: for many users at once, who of one's followees follows them.
//! - [`suggest`]: who to follow, and why.
//! - [`path`]: a shortest path along follows.

pub mod budget;
pub mod expression;
pub mod followers_you_know;
pub(crate) mod fuzz;
pub mod members;
pub mod metered;
pub mod page;
pub mod path;
pub mod probed;
pub mod suggest;

use std::sync::Arc;

use base::{Edge, Error, ListRef, UserId};
use roaring::RoaringBitmap;

pub use budget::{Budget, Cancellation, EdgeLimit, TimeLimit};
pub use members::Members;
pub use metered::Metered;
pub use probed::ProbedSet;

/// Users that [`Lists::popular`] answers at the most: enough to fill the longest answer for somebody who follows most
/// of them.
pub const POPULAR_MAX: usize = 1000;

/// The lists that a query reads.
///
/// All answers to one query should come from one state of the graph. A query over a state that moves never panics
/// and never answers with a user that no list named; it may mix both states.
pub trait Lists {
    /// All users of a list, ascending; none for a user without one.
    fn ids(&self, list: ListRef) -> Result<Vec<u32>, Error>;

    /// The same as a bitmap: faster for the longest lists.
    fn bitmap(&self, list: ListRef) -> Result<RoaringBitmap, Error>;

    /// Tells, ascending, those of some users, strictly increasing, who are in a list. The list is searched where it
    /// lies: this costs about as much as there are users to look up, however long the list is.
    fn each_common(&self, list: ListRef, within: &[u32], found: &mut dyn FnMut(u32)) -> Result<(), Error>;

    /// How many users are in a list.
    fn count(&self, list: ListRef) -> Result<u64, Error>;

    /// All users of a list with the time of each, by id.
    fn edges(&self, list: ListRef) -> Result<Vec<Edge>, Error>;

    /// A set that a client keeps under this name; `None` where there is none.
    fn named_set(&self, name: &str) -> Result<Option<Arc<ProbedSet>>, Error>;

    /// The most followed users, most followed first, at most [`POPULAR_MAX`]. Kept ready: it may lag behind the lists.
    fn popular(&self) -> Result<Arc<[UserId]>, Error>;
}
