//! One record of the log: a decided change, ready to be applied without asking anything else.
//!
//! What a request asks is judged *before* it is logged (see [`crate::store`]); a record is the verdict. Replaying the
//! log therefore needs no state, and a watcher sees exactly what took effect.
//!
//! # Layout
//!
//! Numbers are little-endian. Each record begins with its kind.
//!
//! | kind | what | then |
//! |---|---|---|
//! | 1 | change of one pair | flags (1), source (4), target (4), time in seconds since 1970 (4) |
//! | 2 | users given out | first id (4), count (4), key (1 + n), 1 if external ids follow (1), they (8 × count) |
//! | 3 | named set changed | name (1 + n), removed count (4), removed (4 each), added count (4), added (4 each) |
//! | 4 | edges imported | edges (8) |
//!
//! Flags of a change: bits 0 and 1 the relation, bit 2 set for a removal, bit 3 set where this block ended the follow
//! of the source, bit 4 where it ended that of the target.

use base::{Relation, UserId};

use crate::bytes::{put_name, take, take_name, take_slice, take_u32, take_u64};

/// Whether an edge comes or goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// The edge comes about.
    Add,
    /// The edge goes away.
    Remove,
}

/// The follows that a new block ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ended {
    /// The source followed the target.
    pub by_source: bool,
    /// The target followed the source.
    pub by_target: bool,
}

/// What happened, at one revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// One edge came or went, and the follows that it ended.
    Change {
        /// How the source stands to the target.
        relation: Relation,
        /// Whether the edge comes or goes.
        operation: Operation,
        /// Whose forward list it is in.
        source: UserId,
        /// Whose reverse list it is in.
        target: UserId,
        /// When, in seconds since 1970.
        time: u32,
        /// Nothing but for a new block.
        ended: Ended,
    },
    /// Ids were given out: `count` from `first` on.
    Allocate {
        /// The first id.
        first: UserId,
        /// How many.
        count: u32,
        /// One for each id, or none at all.
        external_ids: Vec<u64>,
        /// What the request was called; empty for nothing.
        key: String,
    },
    /// A named set changed, or was created by an update that changes nothing.
    Set {
        /// The set.
        name: String,
        /// Ids taken out first.
        remove: Vec<u32>,
        /// Ids put in then.
        add: Vec<u32>,
    },
    /// Segments that the manifest names came in bulk.
    Import {
        /// How many edges were new.
        edges: u64,
    },
}

impl Record {
    /// Appends the record's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Record::Change { relation, operation, source, target, time, ended } => {
                let removal = u8::from(*operation == Operation::Remove);
                let flags =
                    *relation as u8 | removal << 2 | u8::from(ended.by_source) << 3 | u8::from(ended.by_target) << 4;
                out.extend([1, flags]);
                for number in [source.0, target.0, *time] {
                    out.extend(number.to_le_bytes());
                }
            }
            Record::Allocate { first, count, external_ids, key } => {
                out.push(2);
                out.extend(first.0.to_le_bytes());
                out.extend(count.to_le_bytes());
                put_name(key, out);
                out.push(u8::from(!external_ids.is_empty()));
                external_ids.iter().for_each(|id| out.extend(id.to_le_bytes()));
            }
            Record::Set { name, remove, add } => {
                out.push(3);
                put_name(name, out);
                for ids in [remove, add] {
                    out.extend((ids.len() as u32).to_le_bytes());
                    ids.iter().for_each(|id| out.extend(id.to_le_bytes()));
                }
            }
            Record::Import { edges } => {
                out.push(4);
                out.extend(edges.to_le_bytes());
            }
        }
    }

    /// Takes one record off the front of `bytes`; `None` where they are not one.
    pub fn decode(bytes: &mut &[u8]) -> Option<Record> {
        match take::<1>(bytes)? {
            [1] => {
                let [flags] = take::<1>(bytes)?;
                if flags >> 5 != 0 {
                    return None;
                }
                Some(Record::Change {
                    relation: Relation::from_number(flags & 3)?,
                    operation: if flags & 4 == 0 { Operation::Add } else { Operation::Remove },
                    source: UserId(take_u32(bytes)?),
                    target: UserId(take_u32(bytes)?),
                    time: take_u32(bytes)?,
                    ended: Ended { by_source: flags & 8 != 0, by_target: flags & 16 != 0 },
                })
            }
            [2] => {
                let (first, count) = (UserId(take_u32(bytes)?), take_u32(bytes)?);
                let key = take_name(bytes)?;
                let external_ids = match take::<1>(bytes)? {
                    [0] => Vec::new(),
                    [1] => take_many(bytes, count, |chunk| u64::from_le_bytes(*chunk))?,
                    _ => return None,
                };
                Some(Record::Allocate { first, count, external_ids, key })
            }
            [3] => {
                let name = take_name(bytes)?;
                let mut ids = || {
                    let count = take_u32(bytes)?;
                    take_many(bytes, count, |chunk| u32::from_le_bytes(*chunk))
                };
                Some(Record::Set { name, remove: ids()?, add: ids()? })
            }
            [4] => Some(Record::Import { edges: take_u64(bytes)? }),
            _ => None,
        }
    }
}

fn take_many<const N: usize, T>(bytes: &mut &[u8], count: u32, read: impl Fn(&[u8; N]) -> T) -> Option<Vec<T>> {
    let taken = take_slice(bytes, (count as usize).checked_mul(N)?)?;
    Some(taken.as_chunks::<N>().0.iter().map(read).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn any_record() -> impl Strategy<Value = Record> {
        let users = any::<u32>().prop_map(UserId);
        let change = (0..3u8, any::<[bool; 3]>(), users.clone(), users.clone(), any::<u32>()).prop_map(
            |(relation, [removal, by_source, by_target], source, target, time)| Record::Change {
                relation: Relation::from_number(relation).expect("one of three"),
                operation: if removal { Operation::Remove } else { Operation::Add },
                source,
                target,
                time,
                ended: Ended { by_source, by_target },
            },
        );
        let ids = prop::collection::vec(any::<u32>(), 0..20);
        prop_oneof![
            8 => change,
            1 => (users, prop::collection::vec(any::<u64>(), 1..20), "[a-z]{0,8}").prop_map(|(first, ids, key)| {
                Record::Allocate { first, count: ids.len() as u32, external_ids: ids, key }
            }),
            1 => ("[a-z]{1,8}", ids.clone(), ids).prop_map(|(name, remove, add)| Record::Set { name, remove, add }),
            1 => any::<u64>().prop_map(|edges| Record::Import { edges }),
        ]
    }

    proptest! {
        #[test]
        fn records_come_back_and_every_cut_is_noticed(record in any_record()) {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(Record::decode(&mut rest), Some(record));
            prop_assert!(rest.is_empty());
            for cut in 0..bytes.len() {
                prop_assert_eq!(Record::decode(&mut &bytes[..cut]), None);
            }
        }

        #[test]
        fn rubbish_is_refused_or_read_but_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = bytes.as_slice();
            if let Some(record) = Record::decode(&mut rest) {
                let mut again = Vec::new();
                record.encode(&mut again);
                prop_assert_eq!(&again[..], &bytes[..bytes.len() - rest.len()]);
            }
        }
    }
}
