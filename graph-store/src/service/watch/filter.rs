//! What a record tells a watcher: each edge that came or went, if it passes the filter.

use base::{Error, Relation, limits};
use proto::convert::{self, at_most};
use proto::graph::watch_response::Event;
use proto::graph::{self, Imported};
use roaring::RoaringBitmap;

use super::super::checks;
use crate::log::{Operation, Record};

/// Which changes a watcher wants; by default all.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Only these relations; all where empty.
    relations: Vec<Relation>,
    /// Only changes with one of these at either end; all where empty.
    users: RoaringBitmap,
}

impl Filter {
    /// Reads the filter of a request, given how many users there are.
    pub(super) fn from_wire(relations: &[i32], ids: &[u32], users: u32) -> Result<Filter, Error> {
        // More could only be repetitions.
        at_most(relations.len(), Relation::ALL.len(), "relations")?;
        at_most(ids.len(), limits::BATCH_MAX, "users")?;
        checks::all_known(ids, users, "users")?;
        let relations = relations.iter().enumerate();
        let relations = relations.map(|(i, relation)| convert::relation(*relation, &format!("relations[{i}]")));
        Ok(Filter { relations: relations.collect::<Result<_, _>>()?, users: ids.iter().copied().collect() })
    }

    /// What the watcher is told of a record. The follows that a block ended come first, each as a removal of its own;
    /// an import passes every filter.
    pub(super) fn events(&self, record: &Record) -> Vec<Event> {
        match record {
            Record::Change { relation, operation, source, target, time, ended } => {
                let ended_follow = |source, target| (Relation::Follow, Operation::Remove, source, target);
                let by_source = ended.by_source.then(|| ended_follow(*source, *target));
                let by_target = ended.by_target.then(|| ended_follow(*target, *source));
                let changes = [by_source, by_target, Some((*relation, *operation, *source, *target))];
                let wanted = changes.into_iter().flatten().filter(|(relation, _, source, target)| {
                    (self.relations.is_empty() || self.relations.contains(relation))
                        && (self.users.is_empty() || self.users.contains(source.0) || self.users.contains(target.0))
                });
                let event = |(relation, operation, source, target): (_, _, base::UserId, base::UserId)| {
                    Event::Change(graph::Change {
                        relation: graph::Relation::from(relation) as i32,
                        operation: wire_operation(operation) as i32,
                        source: source.0,
                        target: target.0,
                        time: *time,
                    })
                };
                wanted.map(event).collect()
            }
            Record::Import { edges } => vec![Event::Imported(Imported { edges: *edges })],
            Record::Allocate { .. } | Record::Set { .. } => Vec::new(),
        }
    }
}

fn wire_operation(operation: Operation) -> graph::Operation {
    match operation {
        Operation::Add => graph::Operation::Add,
        Operation::Remove => graph::Operation::Remove,
    }
}
