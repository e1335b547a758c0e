//! What lies under a key: versioned, checksummed.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, now 1 |
//! | 4 | CRC-32C of the table's name, the key, the version and the message, little-endian |
//! | rest | the record, a protobuf message |
//!
//! The checksum covers table and key, so that a value that got under another key is noticed. Fields are added to the
//! messages as protobuf allows, without a new version.

use base::TweetId;
use prost::Message;
use proto::timeline::{Entities, NotificationKind, Place};

use super::keys::Table;
use crate::error::{Damage, StoreError};

const VERSION: u8 = 1;
const HEADER: usize = 5;

/// A tweet that is not deleted, or a retweet that is not taken back.
///
/// A retweet has no text. It says whom the tweet that it shows answers, so that the rules of a feed need not look it up.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TweetRecord {
    #[prost(string, tag = "1")]
    pub text: String,
    /// The tweet that it answers; 0 for none.
    #[prost(uint64, tag = "2")]
    pub in_reply_to: u64,
    /// Who wrote that tweet.
    #[prost(uint32, tag = "3")]
    pub in_reply_to_author: u32,
    #[prost(message, optional, tag = "4")]
    pub entities: Option<Entities>,
    #[prost(message, optional, tag = "5")]
    pub place: Option<Place>,
    /// The tweet that it retweets; 0 for a tweet.
    #[prost(uint64, tag = "6")]
    pub retweet_of: u64,
    /// Who wrote that tweet.
    #[prost(uint32, tag = "7")]
    pub retweet_of_author: u32,
}

/// Where a tweet is, and whether it still is.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct IndexRecord {
    #[prost(uint32, tag = "1")]
    pub author: u32,
    #[prost(bool, tag = "2")]
    pub deleted: bool,
}

/// That one tweet answers another.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReplyRecord {
    #[prost(uint32, tag = "1")]
    pub author: u32,
}

/// That somebody favorited or retweeted a tweet.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct EngagementRecord {
    #[prost(uint32, tag = "1")]
    pub user: u32,
}

/// Which retweet is a user's of a tweet.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct RetweetedRecord {
    #[prost(uint64, tag = "1")]
    pub id: u64,
}

/// Which tweet a user favorited.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct UserFavoriteRecord {
    #[prost(uint64, tag = "1")]
    pub tweet: u64,
    /// Who wrote that tweet.
    #[prost(uint32, tag = "2")]
    pub author: u32,
}

/// Which favorite is a user's of a tweet.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct FavoritedRecord {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Who wrote the tweet.
    #[prost(uint32, tag = "2")]
    pub author: u32,
}

/// That a tweet has favorites.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct FavoritedTweetRecord {}

/// How long the lists of a tweet are.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub(crate) struct CountsRecord {
    /// Tweets that answer it and are not deleted.
    #[prost(uint64, tag = "1")]
    pub comments: u64,
    #[prost(uint64, tag = "2")]
    pub favorites: u64,
    #[prost(uint64, tag = "3")]
    pub retweets: u64,
}

/// Figures of an author.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AuthorRecord {
    /// Tweets that are not deleted.
    #[prost(uint64, tag = "1")]
    pub tweets: u64,
    /// The id of the first tweet or retweet, which may be gone by now.
    #[prost(uint64, tag = "2")]
    pub oldest: u64,
    /// The id of the last tweet or retweet, which may be gone by now.
    #[prost(uint64, tag = "3")]
    pub newest: u64,
}

impl AuthorRecord {
    /// Something new, of this id, is at the top of the author's stream.
    pub(super) fn reach(&mut self, id: TweetId) {
        if self.newest == 0 {
            self.oldest = id.0;
        }
        self.newest = id.0;
    }
}

/// What an idempotency key made.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RequestRecord {
    #[prost(uint64, tag = "1")]
    pub id: u64,
}

/// Which idempotency key made a tweet.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RequestAgeRecord {
    /// The key in [`Table::Requests`].
    #[prost(bytes = "vec", tag = "1")]
    pub request: Vec<u8>,
}

/// What happened to one tweet in one way, or who followed.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct NotificationRecord {
    #[prost(enumeration = "NotificationKind", tag = "1")]
    pub kind: i32,
    /// The tweet; 0 for a follow.
    #[prost(uint64, tag = "2")]
    pub tweet: u64,
    /// Who did it, the last of them first: as many as are shown.
    #[prost(uint32, repeated, tag = "3")]
    pub actors: Vec<u32>,
    /// How many did it.
    #[prost(uint32, tag = "4")]
    pub actors_count: u32,
    #[prost(bool, tag = "5")]
    pub read: bool,
}

/// The unread notification that more of the same joins.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OpenGroupRecord {
    #[prost(uint64, tag = "1")]
    pub notification: u64,
}

/// That it is so: the key says what.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PresenceRecord {}

/// The notifications of one recipient as a whole.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct InboxRecord {
    /// How many are kept.
    #[prost(uint64, tag = "1")]
    pub kept: u64,
    /// None that is kept is older. The engine is slow to step over what was removed, so it is read from here on.
    #[prost(uint64, tag = "2")]
    pub oldest: u64,
    /// Of the notifications that are kept no longer, the actors that are remembered as told.
    #[prost(uint64, tag = "3")]
    pub forgotten_actors: u64,
}

/// That somebody wants to know of each tweet of an author.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SubscriberRecord {
    /// The id of the command that began it: of older tweets they are not told.
    #[prost(uint64, tag = "1")]
    pub since: u64,
}

/// A tweet of which not all subscribers of its author are told.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeliveryRecord {
    #[prost(uint32, tag = "1")]
    pub author: u32,
    /// The first subscriber whose turn has not come.
    #[prost(uint32, tag = "2")]
    pub from: u32,
}

/// How far the graph's follows are told.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FollowsRecord {
    /// The revision up to which they are.
    #[prost(uint64, tag = "1")]
    pub revision: u64,
}

/// The store as a whole.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(crate) struct StateRecord {
    /// The number of the batch that wrote this.
    #[prost(uint64, tag = "1")]
    pub batch: u64,
    /// The greatest tweet id that was given out.
    #[prost(uint64, tag = "2")]
    pub greatest: u64,
    /// How many idempotency keys are remembered.
    #[prost(uint64, tag = "3")]
    pub requests: u64,
}

/// The value of a record.
pub(crate) fn encode(table: Table, key: &[u8], record: &impl Message) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEADER + record.encoded_len());
    value.extend([VERSION, 0, 0, 0, 0]);
    record.encode_raw(&mut value);
    let checksum = checksum(table, key, VERSION, &value[HEADER..]);
    value[1..HEADER].copy_from_slice(&checksum.to_le_bytes());
    value
}

/// The record in a value.
pub(crate) fn decode<M: Message + Default>(table: Table, key: &[u8], value: &[u8]) -> Result<M, StoreError> {
    checked(table, key, value).map_err(|damage| damaged(table, key, damage))
}

/// Says which entry is damaged.
pub(crate) fn damaged(table: Table, key: &[u8], source: Damage) -> StoreError {
    let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
    StoreError::Damaged { table: table.name(), key, source }
}

fn checked<M: Message + Default>(table: Table, key: &[u8], value: &[u8]) -> Result<M, Damage> {
    let (header, message) = value.split_first_chunk::<HEADER>().ok_or(Damage::Truncated)?;
    let [version, expected @ ..] = *header;
    if version != VERSION {
        return Err(Damage::Version { version });
    }
    let (expected, got) = (u32::from_le_bytes(expected), checksum(table, key, version, message));
    if got != expected {
        return Err(Damage::Checksum { expected, got });
    }
    M::decode(message).map_err(|_| Damage::Content)
}

fn checksum(table: Table, key: &[u8], version: u8, message: &[u8]) -> u32 {
    let checksum = crc32c::crc32c(table.name().as_bytes());
    let checksum = crc32c::crc32c_append(checksum, key);
    let checksum = crc32c::crc32c_append(checksum, &[version]);
    crc32c::crc32c_append(checksum, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tweet() -> TweetRecord {
        TweetRecord { text: "hello".to_owned(), in_reply_to: 7, in_reply_to_author: 3, ..TweetRecord::default() }
    }

    fn read(table: Table, key: &[u8], value: &[u8]) -> Result<TweetRecord, Damage> {
        checked(table, key, value)
    }

    #[test]
    fn a_record_comes_back() {
        let value = encode(Table::Tweets, b"key", &tweet());
        assert_eq!(read(Table::Tweets, b"key", &value), Ok(tweet()));
    }

    #[test]
    fn the_bytes_are_those_of_version_1() {
        let value = encode(Table::Tweets, b"key", &tweet());
        let golden = [1, 45, 65, 56, 245, 10, 5, b'h', b'e', b'l', b'l', b'o', 16, 7, 24, 3];
        assert_eq!(value, golden);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let value = encode(Table::Tweets, b"key", &tweet());
        for cut in 0..value.len() {
            assert!(read(Table::Tweets, b"key", &value[..cut]).is_err(), "cut at {cut}");
        }
        for bit in 0..value.len() * 8 {
            let mut changed = value.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(read(Table::Tweets, b"key", &changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_value_under_another_key_or_in_another_table_is_noticed() {
        let value = encode(Table::Tweets, b"key", &tweet());
        assert!(read(Table::Tweets, b"kez", &value).is_err());
        assert!(read(Table::Index, b"key", &value).is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(read(Table::Tweets, b"", &[1, 2]), Err(Damage::Truncated));
        assert_eq!(read(Table::Tweets, b"", &[9, 0, 0, 0, 0]), Err(Damage::Version { version: 9 }));
        let rubbish = [0xff; 3];
        let sum = checksum(Table::Tweets, b"", VERSION, &rubbish);
        let value = [&[VERSION][..], &sum.to_le_bytes(), &rubbish].concat();
        assert_eq!(read(Table::Tweets, b"", &value), Err(Damage::Content));
        let error = decode::<TweetRecord>(Table::Tweets, &[0xab, 1], &[]).expect_err("truncated");
        assert_eq!(error.to_string(), "the entry ab01 of table tweets is damaged");
    }
}
