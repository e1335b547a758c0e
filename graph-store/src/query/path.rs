//! A shortest path along follows, by breadth-first search from both ends.
//!
//! From the first user the search goes along followees, from the last along followers, each time one level further on
//! the side that has fewer edges to look at, until a list of one side has a user whom the other side has reached. The
//! first such meeting lies on a shortest path, because both sides know all users within their distance.
//!
//! Only the levels are kept, as bitmaps; the users between are found again at the end, by asking a user's list for
//! the smallest member of the level before. Users are visited in the order of their ids, so one graph always gives the
//! same path.
//!
//! Each list that is read, and each that is asked for its size, is paid for in edges.

use base::{Code, Direction, Error, ListRef, Relation, UserId};
use roaring::RoaringBitmap;

use super::{EdgeLimit, Lists, Metered};

/// Edges that a search looks at before it gives up: some tenths of a second, and a dozen celebrities' followers.
pub const PATH_EDGES_MAX: u64 = 20_000_000;
/// The same as a query's limit.
pub const PATH_EDGES: EdgeLimit = EdgeLimit { max: PATH_EDGES_MAX, name: "PATH_EDGES_MAX", field: "max_depth" };

/// How many members of a level cost as much to look up in a list as the list costs to read, for each id of it.
const READ_PER_LOOKUP: u64 = 16;

/// The users of a shortest path of at most `depth` steps, both ends included: one user where the ends are the same,
/// `None` where there is no such path.
///
/// # Errors
///
/// What the budget says when it is spent: a search that was broken off never says that there is no path. `UNAVAILABLE`
/// when a follow on the path ended during the search.
pub fn shortest_path(
    lists: &Metered<'_, impl Lists>,
    from: UserId,
    to: UserId,
    depth: u32,
) -> Result<Option<Vec<UserId>>, Error> {
    if from == to {
        return Ok(Some(vec![from]));
    }
    let mut near = Side::new(lists, from, Direction::Forward);
    let mut far = Side::new(lists, to, Direction::Reverse);
    for _ in 0..depth {
        let (ahead, back) = (near.weigh()?, far.weigh()?);
        if ahead == 0 || back == 0 {
            return Ok(None);
        }
        let meeting = if ahead <= back {
            near.advance(far.frontier())?
        } else {
            far.advance(near.frontier())?.map(|(reached, meets)| (meets, reached))
        };
        if let Some((end, start)) = meeting {
            let mut path = near.trace(end)?;
            path.reverse();
            path.extend(far.trace(start)?);
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// All users within a distance of one end, by their distance.
struct Side<'a, L> {
    lists: &'a Metered<'a, L>,
    direction: Direction,
    /// The users at each distance; never empty, since the end itself is at distance 0.
    levels: Vec<RoaringBitmap>,
    seen: RoaringBitmap,
    /// Edges of the last level, once they are counted.
    weight: Option<u64>,
}

impl<'a, L: Lists> Side<'a, L> {
    fn new(lists: &'a Metered<'a, L>, end: UserId, direction: Direction) -> Self {
        let seen = RoaringBitmap::from_iter([end.0]);
        Side { lists, direction, levels: vec![seen.clone()], seen, weight: None }
    }

    fn frontier(&self) -> &RoaringBitmap {
        &self.levels[self.levels.len() - 1]
    }

    fn list(&self, user: u32) -> ListRef {
        ListRef { relation: Relation::Follow, direction: self.direction, user: UserId(user) }
    }

    /// How many edges lead on from the last level.
    fn weigh(&mut self) -> Result<u64, Error> {
        if let Some(weight) = self.weight {
            return Ok(weight);
        }
        let mut weight = 0u64;
        for user in self.frontier() {
            weight = weight.saturating_add(self.lists.count(self.list(user))?);
        }
        self.weight = Some(weight);
        Ok(weight)
    }

    /// Goes one level further. Answers with the first user of the old level who leads to one of `other`, and with that
    /// one; after that the search is over, and the level is left as it was.
    fn advance(&mut self, other: &RoaringBitmap) -> Result<Option<(u32, u32)>, Error> {
        let mut reached = RoaringBitmap::new();
        for user in self.frontier() {
            let ids = self.lists.ids(self.list(user))?;
            if let Some(met) = ids.iter().find(|id| other.contains(**id)) {
                return Ok(Some((user, *met)));
            }
            reached.extend(ids);
        }
        reached -= &self.seen;
        self.seen |= &reached;
        self.levels.push(reached);
        self.weight = None;
        Ok(None)
    }

    /// The users from one of the last level back to the end, both included.
    fn trace(&self, user: u32) -> Result<Vec<UserId>, Error> {
        let mut path = vec![UserId(user)];
        let mut user = user;
        let back = match self.direction {
            Direction::Forward => Direction::Reverse,
            Direction::Reverse => Direction::Forward,
        };
        for level in self.levels.iter().rev().skip(1) {
            let list = ListRef { relation: Relation::Follow, direction: back, user: UserId(user) };
            let Some(before) = self.first_common(list, level)? else {
                return Err(Error::new(Code::Unavailable, "the graph changed during the search"));
            };
            path.push(UserId(before));
            user = before;
        }
        Ok(path)
    }

    /// The smallest member of a list in a level, by reading the shorter of the two.
    fn first_common(&self, list: ListRef, level: &RoaringBitmap) -> Result<Option<u32>, Error> {
        if self.lists.count(list)? < level.len().saturating_mul(READ_PER_LOOKUP) {
            return Ok(self.lists.ids(list)?.into_iter().find(|id| level.contains(*id)));
        }
        let level: Vec<u32> = level.iter().collect();
        Ok(self.lists.common(list, &level)?.first().copied())
    }
}
