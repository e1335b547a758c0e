//! What a requested change comes to, given how the pair stands.
//!
//! Changes are judged one after the other, each upon those before it, before any of them is logged: the log holds
//! verdicts. Both slots of a pair keep its blocks in their own lists, so either of them alone would judge the same.

use base::{ListRef, Relation, UserId};
use rustc_hash::FxHashMap;

use crate::log::{Ended, Operation, Record};

/// A requested change of one pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// How the source stands to the target.
    pub relation: Relation,
    /// Whether the edge should be or not.
    pub operation: Operation,
    /// Whose forward list it is in.
    pub source: UserId,
    /// Whose reverse list it is in; never the source.
    pub target: UserId,
    /// When, in seconds since 1970.
    pub time: u32,
}

/// What a change came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It took effect.
    Changed,
    /// It was so already.
    Unchanged,
    /// A follow that a block in either direction forbids.
    Blocked,
}

/// Edges as they will be once everything judged so far is applied: what is being made durable, and under judgement.
#[derive(Debug, Default)]
pub(super) struct Pending {
    syncing: FxHashMap<Edge, bool>,
    gathered: FxHashMap<Edge, bool>,
}

type Edge = (Relation, UserId, UserId);

impl Pending {
    /// What was judged is being made durable. What was being made durable before is no longer pending: it has to be
    /// applied before anything else is judged.
    pub(super) fn hand_over(&mut self) {
        self.settle();
        std::mem::swap(&mut self.syncing, &mut self.gathered);
    }

    /// What was being made durable is applied.
    pub(super) fn settle(&mut self) {
        self.syncing.clear();
    }

    /// Judges a change: its outcome, and the record where it takes effect. `contains` tells how the store stands.
    pub(super) fn judge<E>(
        &mut self,
        change: &Change,
        contains: impl Fn(ListRef, UserId) -> Result<bool, E>,
    ) -> Result<(Outcome, Option<Record>), E> {
        let Change { relation, operation, source, target, time } = *change;
        let is = |relation, source, target| {
            let edge = (relation, source, target);
            match self.gathered.get(&edge).or_else(|| self.syncing.get(&edge)) {
                Some(is) => Ok(*is),
                None => contains(ListRef::forward(relation, source), target),
            }
        };
        let wanted = operation == Operation::Add;
        if is(relation, source, target)? == wanted {
            return Ok((Outcome::Unchanged, None));
        }
        let begins = |begun| wanted && relation == begun;
        if begins(Relation::Follow) && (is(Relation::Block, source, target)? || is(Relation::Block, target, source)?) {
            return Ok((Outcome::Blocked, None));
        }
        let ended = if begins(Relation::Block) {
            let [by_source, by_target] = [is(Relation::Follow, source, target)?, is(Relation::Follow, target, source)?];
            Ended { by_source, by_target }
        } else {
            Ended::default()
        };
        self.gathered.insert((relation, source, target), wanted);
        if ended.by_source {
            self.gathered.insert((Relation::Follow, source, target), false);
        }
        if ended.by_target {
            self.gathered.insert((Relation::Follow, target, source), false);
        }
        Ok((Outcome::Changed, Some(Record::Change { relation, operation, source, target, time, ended })))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const ANNA: UserId = UserId(1);
    const BERT: UserId = UserId(2);

    fn judged(changes: &[(Relation, Operation, UserId, UserId)]) -> Vec<(Outcome, Option<Ended>)> {
        let mut pending = Pending::default();
        let nothing = |_: ListRef, _: UserId| Ok::<_, Infallible>(false);
        let judge = |(relation, operation, source, target): &(Relation, Operation, UserId, UserId)| {
            let change =
                Change { relation: *relation, operation: *operation, source: *source, target: *target, time: 0 };
            let Ok((outcome, record)) = pending.judge(&change, nothing);
            let ended = record.map(|record| match record {
                Record::Change { ended, .. } => ended,
                other => panic!("a change was judged to be {other:?}"),
            });
            (outcome, ended)
        };
        changes.iter().map(judge).collect()
    }

    #[test]
    fn a_block_ends_follows_both_ways_and_refuses_new_ones_until_it_is_lifted() {
        use Operation::{Add, Remove};
        use Relation::{Block, Follow};
        let outcomes = judged(&[
            (Follow, Add, ANNA, BERT),
            (Follow, Add, BERT, ANNA),
            (Follow, Add, ANNA, BERT),
            (Block, Add, BERT, ANNA),
            (Follow, Add, ANNA, BERT),
            (Follow, Add, BERT, ANNA),
            (Follow, Remove, ANNA, BERT),
            (Block, Remove, BERT, ANNA),
            (Follow, Add, ANNA, BERT),
        ]);
        let none = Some(Ended::default());
        let both = Some(Ended { by_source: true, by_target: true });
        assert_eq!(
            outcomes,
            [
                (Outcome::Changed, none),
                (Outcome::Changed, none),
                (Outcome::Unchanged, None),
                (Outcome::Changed, both),
                (Outcome::Blocked, None),
                (Outcome::Blocked, None),
                (Outcome::Unchanged, None),
                (Outcome::Changed, none),
                (Outcome::Changed, none),
            ]
        );
    }

    #[test]
    fn what_is_being_made_durable_counts_until_it_is_applied() {
        let change =
            Change { relation: Relation::Follow, operation: Operation::Add, source: ANNA, target: BERT, time: 0 };
        let mut pending = Pending::default();
        // The store shows nothing of it yet.
        let judge = |pending: &mut Pending| match pending.judge(&change, |_, _| Ok::<_, Infallible>(false)) {
            Ok((outcome, _)) => outcome,
        };
        assert_eq!(judge(&mut pending), Outcome::Changed);
        pending.hand_over();
        assert_eq!(judge(&mut pending), Outcome::Unchanged);
        // The next group begins, and this one has been applied: from here on the store is asked.
        pending.hand_over();
        assert_eq!(judge(&mut pending), Outcome::Changed);
    }

    #[test]
    fn a_mute_touches_no_follow() {
        let outcomes = judged(&[
            (Relation::Follow, Operation::Add, ANNA, BERT),
            (Relation::Mute, Operation::Add, ANNA, BERT),
            (Relation::Follow, Operation::Add, ANNA, BERT),
        ]);
        assert_eq!(outcomes[1], (Outcome::Changed, Some(Ended::default())));
        assert_eq!(outcomes[2].0, Outcome::Unchanged);
    }
}
