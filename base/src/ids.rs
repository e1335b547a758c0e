//! Identifiers: users, slots, relations and tweets.
//!
//! A [`UserId`] is dense, so the place of a user's list is arithmetic: slot = id modulo the number of slots, place
//! within the slot (the *ordinal*) = id / slots. A [`TweetId`] sorts by time and names the slot of its author.

use std::fmt;
use std::str::FromStr;

/// A user of the graph: dense, given out once by graph-store and never reused. Gaps are allowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UserId(pub u32);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text was not the decimal form of an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: a decimal number was expected")]
pub struct ParseIdError;

impl FromStr for UserId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.parse().map(UserId).map_err(|_| ParseIdError)
    }
}

/// One part of the users: all whose id leaves the same remainder. The unit of files, compaction and placement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(pub u16);

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of slots of a store: a power of two from 1 to [`Slots::MAX`], fixed when the store is created.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Slots(u16);

impl Slots {
    /// The most slots that a store can have; a [`TweetId`] has room for this many.
    pub const MAX: u16 = 8192;

    /// `None` unless `count` is a power of two from 1 to [`Slots::MAX`].
    pub const fn new(count: u16) -> Option<Self> {
        if count.is_power_of_two() && count <= Self::MAX { Some(Slots(count)) } else { None }
    }

    /// How many slots there are.
    pub const fn count(self) -> u16 {
        self.0
    }

    /// Every slot, in order.
    pub fn all(self) -> impl Iterator<Item = Slot> {
        (0..self.0).map(Slot)
    }

    /// The slot that a user's lists are in.
    pub const fn slot_of(self, user: UserId) -> Slot {
        Slot((user.0 % self.0 as u32) as u16)
    }

    /// The place of a user among those of the same slot.
    pub const fn ordinal_of(self, user: UserId) -> u32 {
        user.0 / self.0 as u32
    }

    /// The user at a place of a slot: the inverse of [`slot_of`](Self::slot_of) and [`ordinal_of`](Self::ordinal_of).
    pub const fn user_at(self, slot: Slot, ordinal: u32) -> UserId {
        UserId(ordinal * self.0 as u32 + slot.0 as u32)
    }
}

impl Default for Slots {
    fn default() -> Self {
        Slots(64)
    }
}

/// How one user can stand to another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Relation {
    /// The source reads what the target writes.
    Follow = 0,
    /// The source wants nothing to do with the target: no follow in either direction exists beside it.
    Block = 1,
    /// The source does not want to read the target, who does not learn of it.
    Mute = 2,
}

impl Relation {
    /// Every relation, in the order of its number.
    pub const ALL: [Relation; 3] = [Relation::Follow, Relation::Block, Relation::Mute];

    /// The relation with this number on disk.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The lower-case name, as it is in file names and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Relation::Follow => "follow",
            Relation::Block => "block",
            Relation::Mute => "mute",
        }
    }
}

/// Which end of the edges a list belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Direction {
    /// The list of a source: whom I follow, block, mute.
    Forward = 0,
    /// The list of a target: who follows, blocks, mutes me.
    Reverse = 1,
}

impl Direction {
    /// Both directions, in the order of their numbers.
    pub const ALL: [Direction; 2] = [Direction::Forward, Direction::Reverse];

    /// The direction with this number on disk.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The other one.
    pub const fn opposite(self) -> Self {
        match self {
            Direction::Forward => Direction::Reverse,
            Direction::Reverse => Direction::Forward,
        }
    }

    /// The lower-case name, as it is in file names and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::Forward => "forward",
            Direction::Reverse => "reverse",
        }
    }
}

/// One adjacency list: of whom, of which relation, seen from which end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ListRef {
    /// What connects the user with the members of the list.
    pub relation: Relation,
    /// Whether the members are targets (forward) or sources (reverse).
    pub direction: Direction,
    /// Whose list it is.
    pub user: UserId,
}

impl ListRef {
    /// Those whom `user` stands in `relation` to.
    pub const fn forward(relation: Relation, user: UserId) -> Self {
        ListRef { relation, direction: Direction::Forward, user }
    }

    /// Those who stand in `relation` to `user`.
    pub const fn reverse(relation: Relation, user: UserId) -> Self {
        ListRef { relation, direction: Direction::Reverse, user }
    }
}

/// One member of an adjacency list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Edge {
    /// The user at the other end.
    pub user: UserId,
    /// When the edge came about, in seconds since 1970.
    pub time: u32,
}

/// A tweet: 41 bits of milliseconds since [`TweetId::EPOCH_MS`], 9 of a sequence, 13 of the author's slot.
///
/// Ids sort by time. The slot is the author's id modulo [`Slots::MAX`], from which the slot in a store of any smaller
/// number of slots follows, since that number is a power of two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TweetId(pub u64);

impl TweetId {
    /// 2026-01-01T00:00:00Z in milliseconds since 1970.
    pub const EPOCH_MS: u64 = 1_767_225_600_000;
    /// How many ids one process can give for one slot in one millisecond.
    pub const SEQUENCES: u16 = 1 << 9;
    /// The last millisecond since the epoch that fits.
    pub const LAST_TICK: u64 = (1 << 41) - 1;

    /// Puts an id together. `tick` counts milliseconds since [`Self::EPOCH_MS`]; bits that do not fit are cut off.
    pub const fn from_parts(tick: u64, sequence: u16, author: UserId) -> Self {
        let slot = (author.0 % Slots::MAX as u32) as u64;
        TweetId((tick & Self::LAST_TICK) << 22 | (sequence as u64 & 0x1ff) << 13 | slot)
    }

    /// Milliseconds since [`Self::EPOCH_MS`].
    pub const fn tick(self) -> u64 {
        self.0 >> 22
    }

    /// The place among the ids of the same millisecond.
    pub const fn sequence(self) -> u16 {
        (self.0 >> 13 & 0x1ff) as u16
    }

    /// When the id was given out, in milliseconds since 1970.
    pub const fn time_ms(self) -> u64 {
        Self::EPOCH_MS + self.tick()
    }

    /// The author's id modulo [`Slots::MAX`].
    pub const fn slot(self) -> Slot {
        Slot((self.0 & 0x1fff) as u16)
    }
}

impl fmt::Display for TweetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TweetId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text.parse::<u64>() {
            Ok(id) if id >> 63 == 0 => Ok(TweetId(id)),
            _ => Err(ParseIdError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_from_its_slot_and_ordinal() {
        let slots = Slots::default();
        for id in [0, 1, 63, 64, 65, 10_000_000, u32::MAX] {
            let user = UserId(id);
            assert_eq!(slots.user_at(slots.slot_of(user), slots.ordinal_of(user)), user);
        }
    }

    #[test]
    fn slots_are_a_power_of_two_up_to_the_room_in_a_tweet_id() {
        assert!(Slots::new(0).is_none());
        assert!(Slots::new(48).is_none());
        assert!(Slots::new(16384).is_none());
        assert_eq!(Slots::new(8192).map(Slots::count), Some(8192));
    }

    #[test]
    fn a_tweet_id_gives_its_parts_back_and_sorts_by_time() {
        let id = TweetId::from_parts(123_456_789, 511, UserId(8192 * 3 + 77));
        assert_eq!((id.tick(), id.sequence(), id.slot()), (123_456_789, 511, Slot(77)));
        assert!(TweetId::from_parts(123_456_790, 0, UserId(0)) > id);
        assert_eq!(TweetId::from_parts(TweetId::LAST_TICK, 511, UserId(8191)).0 >> 63, 0);
    }

    #[test]
    fn ids_are_read_from_decimal_text_only() {
        assert_eq!("42".parse(), Ok(UserId(42)));
        assert_eq!("4294967296".parse::<UserId>(), Err(ParseIdError));
        assert_eq!("9223372036854775808".parse::<TweetId>(), Err(ParseIdError));
        assert_eq!("x".parse::<TweetId>(), Err(ParseIdError));
    }
}
