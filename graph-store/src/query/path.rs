//! A shortest path along follows, by breadth-first search from both ends.
//!
//! From the first user the search goes along followees, from the last along followers, each time one level further on
//! the side that has fewer edges to look at, until a list of one side has a user whom the other side has reached. The
//! first such meeting lies on a shortest path, because both sides know all users within their distance.
//!
//! Only the levels are kept, as bitmaps; the users between are found again at the end, by asking a user's list for
//! the smallest member of the level before. Users are visited in the order of their ids, so one graph always gives the
//! same path.

use std::time::Instant;

use base::{Code, Direction, Error, ListRef, Relation, UserId};
use roaring::RoaringBitmap;

use super::{Lists, narrow};

/// Edges that a search looks at before it gives up: some tenths of a second, and one celebrity's followers.
pub const PATH_EDGES_MAX: u64 = 20_000_000;

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Steps of the path at the most.
    pub depth: u32,
    /// Edges looked at, and lists asked for their size, at the most.
    pub edges: u64,
    /// When the caller stops waiting.
    pub deadline: Instant,
}

impl Bounds {
    /// A path of at most `depth` steps, found before `deadline` within [`PATH_EDGES_MAX`].
    pub fn new(depth: u32, deadline: Instant) -> Self {
        Bounds { depth, edges: PATH_EDGES_MAX, deadline }
    }
}

/// The users of a shortest path, both ends included: one user where the ends are the same, `None` where there is no
/// path within the depth.
///
/// # Errors
///
/// `RESOURCE_EXHAUSTED` when more edges would have to be looked at than the bounds allow, `DEADLINE_EXCEEDED` when
/// time runs out, `UNAVAILABLE` when a follow on the path ended during the search.
pub fn shortest_path(
    lists: &impl Lists,
    from: UserId,
    to: UserId,
    bounds: Bounds,
) -> Result<Option<Vec<UserId>>, Error> {
    if from == to {
        return Ok(Some(vec![from]));
    }
    let mut budget = Budget { bounds, spent: 0 };
    let mut near = Side::new(lists, from, Direction::Forward);
    let mut far = Side::new(lists, to, Direction::Reverse);
    for _ in 0..bounds.depth {
        let (ahead, back) = (near.weigh(&mut budget)?, far.weigh(&mut budget)?);
        if ahead == 0 || back == 0 {
            return Ok(None);
        }
        let meeting = if ahead <= back {
            near.advance(far.frontier(), &mut budget)?
        } else {
            far.advance(near.frontier(), &mut budget)?.map(|(reached, meets)| (meets, reached))
        };
        if let Some((end, start)) = meeting {
            let mut path = near.trace(end, &mut budget)?;
            path.reverse();
            path.extend(far.trace(start, &mut budget)?);
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// What a search has spent of its bounds.
struct Budget {
    bounds: Bounds,
    spent: u64,
}

impl Budget {
    /// Spends work before it is done.
    fn spend(&mut self, edges: u64) -> Result<(), Error> {
        self.spent = self.spent.saturating_add(edges);
        if self.spent > self.bounds.edges {
            let message = format!("no path found within {} edges; ask for fewer steps", self.bounds.edges);
            return Err(Error::new(Code::ResourceExhausted, message).with_field("max_depth"));
        }
        if Instant::now() >= self.bounds.deadline {
            return Err(Error::new(Code::DeadlineExceeded, "no path found in time; ask for fewer steps"));
        }
        Ok(())
    }
}

/// All users within a distance of one end, by their distance.
struct Side<'a, L> {
    lists: &'a L,
    direction: Direction,
    /// The users at each distance; never empty, since the end itself is at distance 0.
    levels: Vec<RoaringBitmap>,
    seen: RoaringBitmap,
    /// Edges of the last level, once they are counted.
    weight: Option<u64>,
}

impl<'a, L: Lists> Side<'a, L> {
    fn new(lists: &'a L, end: UserId, direction: Direction) -> Self {
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
    fn weigh(&mut self, budget: &mut Budget) -> Result<u64, Error> {
        if let Some(weight) = self.weight {
            return Ok(weight);
        }
        let mut weight = 0u64;
        for user in self.frontier() {
            budget.spend(1)?;
            weight = weight.saturating_add(self.lists.count(self.list(user))?);
        }
        self.weight = Some(weight);
        Ok(weight)
    }

    /// Goes one level further. Answers with the first user of the old level who leads to one of `other`, and with that
    /// one; after that the search is over, and the level is left as it was.
    fn advance(&mut self, other: &RoaringBitmap, budget: &mut Budget) -> Result<Option<(u32, u32)>, Error> {
        let mut reached = RoaringBitmap::new();
        for user in self.frontier() {
            let list = self.list(user);
            budget.spend(self.lists.count(list)?)?;
            let members = self.lists.members(list)?;
            if let Some(met) = (&members & other).min() {
                return Ok(Some((user, met)));
            }
            reached |= members;
        }
        reached -= &self.seen;
        self.seen |= &reached;
        self.levels.push(reached);
        self.weight = None;
        Ok(None)
    }

    /// The users from one of the last level back to the end, both included.
    fn trace(&self, user: u32, budget: &mut Budget) -> Result<Vec<UserId>, Error> {
        let mut path = vec![UserId(user)];
        let mut user = user;
        let back = match self.direction {
            Direction::Forward => Direction::Reverse,
            Direction::Reverse => Direction::Forward,
        };
        for level in self.levels.iter().rev().skip(1) {
            budget.spend(1)?;
            let list = ListRef { relation: Relation::Follow, direction: back, user: UserId(user) };
            let Some(before) = narrow(self.lists, list, level)?.min() else {
                return Err(Error::new(Code::Unavailable, "the graph changed during the search"));
            };
            path.push(UserId(before));
            user = before;
        }
        Ok(path)
    }
}
