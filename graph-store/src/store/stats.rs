//! Sizes and counters of the whole store.

use base::{Direction, ListRef, Relation, UserId};
use serde::Serialize;

use super::{Store, StoreError};

/// Sizes and counters of the whole store, under the names that clients rely on.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Stats {
    /// Users with at least one follow edge.
    pub users: u64,
    /// User ids given out.
    pub allocated: u64,
    /// Follow edges.
    pub edges: u64,
    /// The newest revision, as a token.
    pub revision: String,
    /// The number of slots.
    pub slots: u16,
    /// Bytes of the files of follow lists, whom users follow.
    pub segment_bytes_forward: u64,
    /// Bytes of the files of follow lists, who follows users.
    pub segment_bytes_reverse: u64,
    /// Of both, the bytes that find a list.
    pub index_bytes: u64,
    /// Bytes of files for each edge in them; zero where there is none.
    pub bytes_per_edge_forward: f64,
    /// Bytes of files for each edge in them; zero where there is none.
    pub bytes_per_edge_reverse: f64,
    /// Changes in memory.
    pub overlay_changes: u64,
    /// Bytes of memory that they take.
    pub overlay_bytes: u64,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// The longest list of followers.
    pub max_followers: u64,
    /// The longest list of followees.
    pub max_followees: u64,
}

impl Store {
    /// Bytes of memory that changes take.
    pub fn overlay_bytes(&self) -> usize {
        self.0.shared.pressure.bytes()
    }

    /// Bytes of the log's files.
    pub fn log_bytes(&self) -> u64 {
        self.0.shared.log.bytes()
    }

    /// Counts everything: some tenths of a microsecond for each user.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        let shared = &self.0.shared;
        let allocated = self.users();
        let (mut users, mut edges, mut max_followers, mut max_followees) = (0, 0, 0, 0);
        for user in (0..allocated).map(UserId) {
            let followees = self.count(ListRef::forward(Relation::Follow, user))?;
            let followers = self.count(ListRef::reverse(Relation::Follow, user))?;
            users += u64::from(followees + followers > 0);
            edges += followees;
            max_followees = max_followees.max(followees);
            max_followers = max_followers.max(followers);
        }
        let files = Direction::ALL.map(|direction| {
            let of_slots = shared.lists.iter().map(|slot| slot.segments().sizes(Relation::Follow, direction));
            of_slots.fold([0; 3], |sum, sizes| [sum[0] + sizes.bytes, sum[1] + sizes.index_bytes, sum[2] + sizes.edges])
        });
        let per_edge = |[bytes, _, edges]: [u64; 3]| if edges == 0 { 0.0 } else { bytes as f64 / edges as f64 };
        Ok(Stats {
            users,
            allocated: u64::from(allocated),
            edges,
            revision: self.revision().token(),
            slots: shared.slots.count(),
            segment_bytes_forward: files[0][0],
            segment_bytes_reverse: files[1][0],
            index_bytes: files[0][1] + files[1][1],
            bytes_per_edge_forward: per_edge(files[0]),
            bytes_per_edge_reverse: per_edge(files[1]),
            overlay_changes: shared.lists.iter().map(|slot| slot.changes() as u64).sum(),
            overlay_bytes: self.overlay_bytes() as u64,
            log_bytes: self.log_bytes(),
            max_followers,
            max_followees,
        })
    }
}
