//! One stream of a snapshot: lists become messages of bounded size.

use base::{Direction, Edge, ListRef, Relation, UserId};
use proto::graph::snapshot_response::Part;
use proto::graph::{self, SnapshotExternalIds, SnapshotList, SnapshotLists, SnapshotResponse, SnapshotSlotDone};
use proto::stream::{End, Sender};

use super::Wanted;
use crate::segment::DEFAULT_WEIGHT;
use crate::store::{Snapshot, StoreError};

/// Edges of one message; a longer list comes in parts. With times and weights this is some 1.1 MB at the most.
const EDGES_MAX: usize = 1 << 16;
/// Lists, or users with external ids, of one message.
const LISTS_MAX: usize = 1 << 13;

/// Tells a reader of a snapshot, who takes messages when they will.
pub(super) struct Teller(pub(super) Sender<SnapshotResponse>);

impl Teller {
    /// Tells all that is wanted.
    pub(super) fn tell(&mut self, snapshot: &Snapshot, wanted: &Wanted) -> Result<(), End> {
        for slot in snapshot.slots().all().filter(|slot| *slot >= wanted.from) {
            self.tell_external_ids(snapshot, snapshot.users_in(slot))?;
            for relation in &wanted.relations {
                for direction in &wanted.directions {
                    let (relation, direction) = (*relation, *direction);
                    let mut message = Message::new(relation, direction, wanted.times);
                    for list in snapshot.lists_in(slot, relation, direction) {
                        let (user, edges) = list.map_err(failed)?;
                        let list = ListRef { relation, direction, user };
                        let weights =
                            if wanted.weights { snapshot.weights(list, &edges).map_err(failed)? } else { Vec::new() };
                        message.add(user, &edges, &weights, &mut |part| self.send(part))?;
                    }
                    message.flush(&mut |part| self.send(part))?;
                }
            }
            self.send(Part::SlotDone(SnapshotSlotDone { slot: slot.0.into() }))?;
        }
        Ok(())
    }

    fn tell_external_ids(&mut self, snapshot: &Snapshot, users: impl Iterator<Item = UserId>) -> Result<(), End> {
        let mut part = SnapshotExternalIds::default();
        for user in users {
            let Some(external_id) = snapshot.external_id(user) else { continue };
            part.users.push(user.0);
            part.external_ids.push(external_id);
            if part.users.len() == LISTS_MAX {
                self.send(Part::ExternalIds(std::mem::take(&mut part)))?;
            }
        }
        if part.users.is_empty() { Ok(()) } else { self.send(Part::ExternalIds(part)) }
    }

    /// Waits until there is room for a message, but not for ever.
    pub(super) fn send(&mut self, part: Part) -> Result<(), End> {
        self.0.send(SnapshotResponse { part: Some(part) })
    }
}

fn failed(error: StoreError) -> End {
    Some(error.into())
}

/// Lists that are gathered for one message.
struct Message {
    lists: SnapshotLists,
    edges: usize,
    times: bool,
}

impl Message {
    fn new(relation: Relation, direction: Direction, times: bool) -> Self {
        let relation = graph::Relation::from(relation) as i32;
        let direction = graph::Direction::from(direction) as i32;
        Message { lists: SnapshotLists { relation, direction, lists: Vec::new() }, edges: 0, times }
    }

    /// Adds a list, in parts where it does not fit, and sends what is full. No weights are all 1.
    fn add(
        &mut self,
        user: UserId,
        edges: &[Edge],
        weights: &[f64],
        send: &mut impl FnMut(Part) -> Result<(), End>,
    ) -> Result<(), End> {
        let (mut rest, mut weights) = (edges, weights);
        while !rest.is_empty() {
            if self.edges == EDGES_MAX || self.lists.lists.len() == LISTS_MAX {
                self.flush(send)?;
            }
            let (part, behind) = rest.split_at(rest.len().min(EDGES_MAX - self.edges));
            let ids = part.iter().map(|edge| edge.user.0);
            let gaps = std::iter::once(0).chain(ids.clone()).zip(ids).map(|(before, id)| id - before).collect();
            let times = if self.times { part.iter().map(|edge| edge.time).collect() } else { Vec::new() };
            let continued = rest.len() < edges.len();
            let (of_part, behind_part) = weights.split_at(weights.len().min(part.len()));
            let all_one = of_part.iter().all(|weight| *weight == DEFAULT_WEIGHT);
            let of_part = if all_one { Vec::new() } else { of_part.to_vec() };
            self.lists.lists.push(SnapshotList { user: user.0, continued, gaps, times, weights: of_part });
            weights = behind_part;
            self.edges += part.len();
            rest = behind;
        }
        Ok(())
    }

    fn flush(&mut self, send: &mut impl FnMut(Part) -> Result<(), End>) -> Result<(), End> {
        if self.lists.lists.is_empty() {
            return Ok(());
        }
        self.edges = 0;
        let lists = std::mem::take(&mut self.lists.lists);
        send(Part::Lists(SnapshotLists { lists, ..self.lists.clone() }))
    }
}
