//! A graph in plain arrays, four bytes for each edge and direction.

use base::Direction;

use super::Adjacency;

/// All lists of both directions.
#[derive(Clone, Debug)]
pub struct EdgeArrays {
    forward: Lists,
    reverse: Lists,
}

impl EdgeArrays {
    /// A graph of so many users with these edges, given as source and target, in any order and repeated at will.
    ///
    /// # Panics
    ///
    /// An edge has an end that is no user.
    pub fn new(users: u32, edges: &[(u32, u32)]) -> Self {
        EdgeArrays {
            forward: Lists::new(users, edges.iter().copied()),
            reverse: Lists::new(users, edges.iter().map(|(source, target)| (*target, *source))),
        }
    }
}

impl Adjacency for EdgeArrays {
    fn users(&self) -> u32 {
        // As many as they were made of, plus one.
        (self.forward.starts.len() - 1) as u32
    }

    fn neighbours(&self, user: u32, direction: Direction, ids: &mut Vec<u32>) {
        let lists = match direction {
            Direction::Forward => &self.forward,
            Direction::Reverse => &self.reverse,
        };
        ids.extend_from_slice(lists.of(user));
    }
}

/// The lists of one direction.
#[derive(Clone, Debug)]
struct Lists {
    /// Where the list of each user starts in `members`, and where the last one ends.
    starts: Vec<usize>,
    members: Vec<u32>,
}

impl Lists {
    fn new(users: u32, edges: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0; users as usize + 1];
        for (owner, _) in edges.clone() {
            starts[owner as usize + 1] += 1;
        }
        for user in 0..users as usize {
            starts[user + 1] += starts[user];
        }
        let mut ends = starts.clone();
        let mut members = vec![0; starts[users as usize]];
        for (owner, member) in edges {
            assert!(member < users, "{member} is no user");
            members[ends[owner as usize]] = member;
            ends[owner as usize] += 1;
        }
        Lists { starts, members }.sorted()
    }

    /// The same without repetitions, each list ascending.
    fn sorted(mut self) -> Self {
        let mut kept = 0;
        for user in 0..self.starts.len() - 1 {
            let list = self.starts[user]..self.starts[user + 1];
            self.members[list.clone()].sort_unstable();
            self.starts[user] = kept;
            for at in list {
                if kept == self.starts[user] || self.members[kept - 1] != self.members[at] {
                    self.members[kept] = self.members[at];
                    kept += 1;
                }
            }
        }
        if let Some(end) = self.starts.last_mut() {
            *end = kept;
        }
        self.members.truncate(kept);
        self
    }

    fn of(&self, user: u32) -> &[u32] {
        &self.members[self.starts[user as usize]..self.starts[user as usize + 1]]
    }
}
