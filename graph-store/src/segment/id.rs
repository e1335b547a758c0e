//! Which segment: its identity, and the names of its files.

use std::fmt;

use base::{Direction, Relation, Slot, Slots, UserId};

/// The ending of the file with the lists.
const LISTS_EXTENSION: &str = "segment";
/// The ending of the file with the times of the edges.
pub(crate) const TIMES_EXTENSION: &str = "times";

/// The ending of the file with the weights of the edges.
pub(crate) const WEIGHTS_EXTENSION: &str = "weights";

/// What a segment holds, and which of those that hold it: a compaction writes the same lists under the next number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentId {
    /// The slot of the users whose lists these are.
    pub slot: Slot,
    /// The number of slots of the store.
    pub slots: Slots,
    /// What connects the users with the members of their lists.
    pub relation: Relation,
    /// Which end of the edges the lists belong to.
    pub direction: Direction,
    /// Counts the segments of a store; never given twice.
    pub number: u64,
}

impl SegmentId {
    /// The name of the file with the lists: `0007-follow-forward-00000012.segment`.
    pub fn file_name(&self) -> String {
        format!("{self}.{LISTS_EXTENSION}")
    }

    /// The name of the file with the times of the edges: `0007-follow-forward-00000012.times`.
    pub fn times_name(&self) -> String {
        format!("{self}.{TIMES_EXTENSION}")
    }

    /// The name of the file with the weights of the edges: `0007-follow-forward-00000012.weights`.
    pub fn weights_name(&self) -> String {
        format!("{self}.{WEIGHTS_EXTENSION}")
    }

    /// Whose ordinal this is. Total, since a damaged ordinal can be anything.
    pub(crate) fn user_at(&self, ordinal: u32) -> UserId {
        UserId(ordinal.wrapping_mul(u32::from(self.slots.count())).wrapping_add(u32::from(self.slot.0)))
    }

    /// Reads the name of any of the files back, in a store of this many slots; `None` for every other name.
    pub fn parse(name: &str, slots: Slots) -> Option<SegmentId> {
        let (stem, extension) = name.rsplit_once('.')?;
        let mut parts = stem.split('-');
        let slot = Slot(parts.next()?.parse().ok()?);
        let relation = parts.next()?;
        let direction = parts.next()?;
        let id = SegmentId {
            slot,
            slots,
            relation: Relation::ALL.into_iter().find(|known| known.name() == relation)?,
            direction: Direction::ALL.into_iter().find(|known| known.name() == direction)?,
            number: parts.next()?.parse().ok()?,
        };
        let known = [LISTS_EXTENSION, TIMES_EXTENSION, WEIGHTS_EXTENSION].contains(&extension);
        (known && slot.0 < slots.count() && id.to_string() == stem).then_some(id)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SegmentId { slot, relation, direction, number, .. } = self;
        write!(f, "{:04}-{}-{}-{number:08}", slot.0, relation.name(), direction.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_not() {
        let slots = Slots::default();
        let id =
            SegmentId { slot: Slot(7), slots, relation: Relation::Block, direction: Direction::Reverse, number: 12 };
        assert_eq!(id.file_name(), "0007-block-reverse-00000012.segment");
        assert_eq!(SegmentId::parse(&id.file_name(), slots), Some(id));
        assert_eq!(SegmentId::parse(&id.times_name(), slots), Some(id));
        assert_eq!(SegmentId::parse(&id.weights_name(), slots), Some(id));
        let long = SegmentId { number: u64::MAX, ..id };
        assert_eq!(SegmentId::parse(&long.file_name(), slots), Some(long));
        for other in [
            "0064-block-reverse-00000012.segment",
            "7-block-reverse-00000012.segment",
            "0007-block-reverse-12.segment",
            "0007-block-reverse-+0000012.segment",
            "0007-block-backward-00000012.segment",
            "0007-block-reverse-00000012.segment.tmp",
            "0007-block-reverse-00000012-1.segment",
            "",
        ] {
            assert_eq!(SegmentId::parse(other, slots), None, "{other}");
        }
    }
}
