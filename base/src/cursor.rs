//! Opaque tokens that clients hold for us: page cursors and revisions.
//!
//! # Layout
//!
//! URL-safe base64 without padding of:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, now 1 |
//! | 1 | kind ([`CursorKind`]) |
//! | 8 × n | the fields, `u64` big-endian; each kind has a fixed number of them |
//! | 4 | CRC-32C of all before, big-endian |
//!
//! The checksum is there so that a token cut short by a mail program is an error and not another page. It is no
//! protection against forgery and needs none: a cursor names a place, not a right.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const VERSION: u8 = 1;
/// Fields of a token at the most.
pub const FIELDS_MAX: usize = 5;
/// Room for the bytes of a token: each three are four letters.
const BYTES_MAX: usize = (2 + 8 * FIELDS_MAX + 4).next_multiple_of(3);

/// What a token stands for; one of another kind is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum CursorKind {
    /// A position in the change log: the revision.
    Revision = 1,
    /// A page of a list by id: the last id.
    ListById = 2,
    /// A page of a list, newest first: the last time and id.
    ListByTime = 3,
    /// A page of a selection: the last id.
    Selection = 4,
    /// A page of a user's timeline: the last tweet id.
    Timeline = 5,
    /// A page of a home feed: the last entry id.
    Feed = 6,
    /// A page of what a user favorited: the last favorite's id.
    Favorites = 7,
    /// A page of those who favorited or retweeted a tweet: the last engagement's id.
    Engaged = 8,
    /// A page of the answers to a tweet: the last tweet id.
    Comments = 9,
    /// A page of notifications: the last notification's id.
    Notifications = 10,
    /// A page of people whom a search found: where one of them stands, and the side of it.
    PeopleSearch = 11,
}

/// The token is of another kind or version, was cut or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token that this service gave out")]
pub struct BadCursor;

/// Makes a token of `fields`, of which there are at most [`FIELDS_MAX`].
pub fn encode(kind: CursorKind, fields: &[u64]) -> String {
    let mut bytes = [0; BYTES_MAX];
    let body = 2 + fields.len() * 8;
    bytes[..2].copy_from_slice(&[VERSION, kind as u8]);
    for (place, field) in bytes[2..body].as_chunks_mut().0.iter_mut().zip(fields) {
        *place = field.to_be_bytes();
    }
    let checksum = crc32c::crc32c(&bytes[..body]);
    bytes[body..body + 4].copy_from_slice(&checksum.to_be_bytes());
    URL_SAFE_NO_PAD.encode(&bytes[..body + 4])
}

/// Reads the `N` fields of a token of this kind back.
pub fn decode<const N: usize>(kind: CursorKind, token: &str) -> Result<[u64; N], BadCursor> {
    const { assert!(N <= FIELDS_MAX) }
    let mut bytes = [0; BYTES_MAX];
    let len = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).map_err(|_| BadCursor)?;
    let (body, checksum) = bytes[..len].split_last_chunk::<4>().ok_or(BadCursor)?;
    let fields = body.strip_prefix(&[VERSION, kind as u8]).ok_or(BadCursor)?;
    let (chunks, rest) = fields.as_chunks::<8>();
    if crc32c::crc32c(body) != u32::from_be_bytes(*checksum) || chunks.len() != N || !rest.is_empty() {
        return Err(BadCursor);
    }
    Ok(std::array::from_fn(|i| u64::from_be_bytes(chunks[i])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back() {
        let token = encode(CursorKind::ListByTime, &[7, u64::MAX]);
        assert_eq!(decode(CursorKind::ListByTime, &token), Ok([7, u64::MAX]));
    }

    #[test]
    fn every_change_and_every_cut_is_refused() {
        let token = encode(CursorKind::Feed, &[123_456_789]);
        for cut in 0..token.len() {
            assert_eq!(decode::<1>(CursorKind::Feed, &token[..cut]), Err(BadCursor), "cut at {cut}");
        }
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII stays ASCII");
            assert_eq!(decode::<1>(CursorKind::Feed, &changed), Err(BadCursor), "changed at {position}");
        }
    }

    #[test]
    fn a_token_has_room_for_so_many_fields_and_is_no_longer() {
        let fields = [u64::MAX; FIELDS_MAX];
        let token = encode(CursorKind::PeopleSearch, &fields);
        assert_eq!(decode(CursorKind::PeopleSearch, &token), Ok(fields));
        for longer in [format!("{token}AAAA"), "A".repeat(1 << 20)] {
            assert_eq!(decode::<FIELDS_MAX>(CursorKind::PeopleSearch, &longer), Err(BadCursor));
        }
    }

    #[test]
    fn another_kind_or_number_of_fields_is_refused() {
        let token = encode(CursorKind::Feed, &[1]);
        assert_eq!(decode::<1>(CursorKind::Timeline, &token), Err(BadCursor));
        assert_eq!(decode::<2>(CursorKind::Feed, &token), Err(BadCursor));
    }
}
