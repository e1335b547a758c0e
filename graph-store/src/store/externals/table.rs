//! External ids and user ids in a file, which is mapped and read where it lies.
//!
//! # Layout
//!
//! Numbers are little-endian. The *rank* of an external id is how many are smaller.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `ROOSTEXT` |
//! | 4 | version, now 2 |
//! | 4 | n, the number of external ids |
//! | 4 | m, one more than the greatest user id that has one |
//! | as many as it takes | the external id of each rank, [ascending](crate::adjacency::ascending) |
//! | as many as it takes | the user id of each rank, as [lines](super::lines) |
//! | as many as it takes | the rank of each user id below m, as [lines](super::lines); of one without an external id any number, to be told by its user being another |
//! | 4 | CRC-32C of all before |
//!
//! The whole table is verified when it is opened.
//!
//! An import gives new users their ids in ascending order of their external ids, so that ranks and user ids mostly count
//! up together, and take nothing but their bases: 0.11 bytes a user in all where external ids have no gaps, 0.8 where
//! one in ten is there, 6 to 7 for ten million users in an order of their own.
//!
//! # Worked example
//!
//! The external ids 10, 11 and 18 of the users 0, 1 and 2:
//!
//! ```text
//! 52 4f 4f 53 54 45 58 54    ROOSTEXT
//! 02 00 00 00                version
//! 03 00 00 00                n
//! 03 00 00 00                m
//! 0a 00 00 00 00 00 00 00    external ids: the first of block 0
//! 01 00 00 00                block 0 ends after one word
//! 01 1a 02 00 00 00 00 00    l = 1; low bits of 0, 1, 8: 0, 1, 0; high parts 0, 0, 4: 1, 1, 0, 0, 0, 0, 1
//! 00 00 00 00  00 00 00 00   user ids: they count up from 0; no units
//! 00 00 00 00  00 00 00 00   ranks: the same
//! .. .. .. ..                checksum
//! ```

use std::ops::Range;

use base::disk::Mapped;

use super::lines::{self, Lines};
use crate::adjacency::ascending::{self, Ascending};
use crate::bytes;

const MAGIC: &[u8; 8] = b"ROOSTEXT";
const VERSION: u32 = 2;
const HEADER: usize = 20;
const CHECKSUM: usize = 4;

/// A table that was verified.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    bytes: Mapped,
    len: usize,
    users_end: usize,
    external_ids: Range<usize>,
    users: Range<usize>,
    ranks: Range<usize>,
}

impl Table {
    /// Verifies a table; `None` where it is not a whole one.
    pub(crate) fn new(bytes: Mapped) -> Option<Table> {
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
        let mut counted = body.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
        let [len, users_end] = [bytes::take_u32(&mut counted)? as usize, bytes::take_u32(&mut counted)? as usize];
        if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let part = |start: usize, measured: Option<usize>| Some(start..start + measured?);
        let external_ids = part(HEADER, Ascending::measure(&body[HEADER..], len))?;
        let users = part(external_ids.end, Lines::measure(&body[external_ids.end..], len))?;
        let ranks = part(users.end, Lines::measure(&body[users.end..], users_end))?;
        let whole = ranks.end == body.len();
        whole.then_some(Table { bytes, len, users_end, external_ids, users, ranks })
    }

    /// The user with this external id.
    pub(crate) fn user(&self, external_id: u64) -> Option<u32> {
        self.users().get(self.external_ids().find(external_id)?)
    }

    /// The external id of a user.
    pub(crate) fn external_id(&self, user: u32) -> Option<u64> {
        let ranks = Lines::new(&self.bytes[self.ranks.clone()], self.users_end);
        let rank = ranks.get(user as usize)? as usize;
        (self.users().get(rank)? == user).then(|| self.external_ids().get(rank))?
    }

    /// All external ids, ascending, with the user of each.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (u64, u32)> {
        let (external_ids, users) = (self.external_ids(), self.users());
        (0..self.len).filter_map(move |rank| external_ids.get(rank).zip(users.get(rank)))
    }

    fn external_ids(&self) -> Ascending<'_> {
        Ascending::new(&self.bytes[self.external_ids.clone()], self.len)
    }

    fn users(&self) -> Lines<'_> {
        Lines::new(&self.bytes[self.users.clone()], self.len)
    }
}

/// The bytes of a table with these pairs, whose external ids strictly increase and whose user ids differ.
pub(crate) fn encode(pairs: &[(u64, u32)]) -> Vec<u8> {
    let external_ids: Vec<u64> = pairs.iter().map(|(external_id, _)| *external_id).collect();
    let mut ranks: Vec<(u32, u32)> = pairs.iter().zip(0..).map(|((_, user), rank)| (*user, rank)).collect();
    // In order already, as a rule, which a stable sort sees.
    ranks.sort();
    let users_end = ranks.last().map_or(0, |(user, _)| user + 1);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((pairs.len() as u32).to_le_bytes());
    bytes.extend(users_end.to_le_bytes());
    ascending::encode(&external_ids, &mut bytes);
    lines::encode(pairs.iter().map(|(_, user)| Some(*user)), &mut bytes);
    let mut ranked = ranks.into_iter().peekable();
    let rank_of = |user| ranked.next_if(|(next, _)| *next == user).map(|(_, rank)| rank);
    lines::encode((0..users_end).map(rank_of), &mut bytes);
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(pairs: &[(u64, u32)]) -> Option<Table> {
        Table::new(Mapped::from_memory(encode(pairs)))
    }

    #[test]
    fn the_bytes_of_the_worked_example() {
        let bytes = encode(&[(10, 0), (11, 1), (18, 2)]);
        let mut expected = b"ROOSTEXT\x02\0\0\0\x03\0\0\0\x03\0\0\0".to_vec();
        expected.extend(b"\x0a\0\0\0\0\0\0\0\x01\0\0\0\x01\x1a\x02\0\0\0\0\0");
        expected.extend([0; 16]);
        expected.extend(crc32c::crc32c(&expected).to_le_bytes());
        assert_eq!(bytes, expected);
    }

    #[test]
    fn each_flipped_bit_and_each_cut_is_noticed() {
        let imported = (0..300).map(|i| (i * 7 + i % 5, i as u32));
        let mut pairs: Vec<_> = imported.chain([(1 << 50, 700), (u64::MAX, 500)]).collect();
        pairs.swap(3, 4);
        (pairs[3].0, pairs[4].0) = (pairs[4].0, pairs[3].0);
        let whole = encode(&pairs);
        assert!(Table::new(Mapped::from_memory(whole.clone())).is_some());
        assert!((0..whole.len()).all(|len| Table::new(Mapped::from_memory(&whole[..len])).is_none()));
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Table::new(Mapped::from_memory(flipped)).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_version_that_is_not_known_is_refused() {
        let mut bytes = encode(&[(7, 0)]);
        bytes.truncate(bytes.len() - CHECKSUM);
        bytes[8] = 1;
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        assert!(Table::new(Mapped::from_memory(bytes)).is_none());
    }

    #[test]
    fn users_in_the_order_of_their_external_ids_cost_next_to_nothing() {
        let bytes_each = |pairs: Vec<(u64, u32)>| encode(&pairs).len() as f64 / pairs.len() as f64;
        assert!(bytes_each((0..100_000).map(|i| (u64::from(i), i)).collect()) < 0.12);
        assert!(bytes_each((0..100_000).map(|i| (u64::from(i) * 10 + u64::from(i * 7919 % 10), i)).collect()) < 0.85);
        let shuffled = (0..100_000u32).map(|i| (u64::from(i), (u64::from(i) * 48_271 % 100_003) as u32));
        assert!(bytes_each(shuffled.collect()) < 4.6);
    }

    #[test]
    fn no_external_ids_are_a_table_too() {
        let table = open(&[]).expect("whole");
        assert_eq!((table.user(0), table.external_id(0), table.pairs().count()), (None, None, 0));
    }
}
