//! The layout of a log file: a header and frames.
//!
//! A *frame* holds the records of one append: what one fsync made durable. Since the next frame is written only after
//! that fsync, a power cut can tear the last frame and no other; so a damaged frame with a whole one behind it is
//! damage, and is never cut off in silence.
//!
//! # Layout
//!
//! Files are named by the revision that they begin after, in 20 digits: `00000000000000000000.log`. Numbers are
//! little-endian.
//!
//! ```text
//! ┌─ header, 24 bytes ──────────────────────────────┐┌─ frame ───────────────────────────────┐┌─ frame ─ ─ ─
//! │ "ROOSTLOG" │ version 4 │ after 8 │ checksum 4   ││ checksum 4 │ length 4 │ after 8 │ records …
//! └──────────────────────────────────────────────────┘└────────────────────────────────────────┘└─ ─ ─ ─ ─ ─
//! ```
//!
//! | offset in a frame | bytes | what |
//! |---|---|---|
//! | 0 | 4 | CRC-32C of all that follows in the frame |
//! | 4 | 4 | bytes of the records, at least one and at most [`PAYLOAD_MAX`] |
//! | 8 | 8 | the revision before the first record, at most [`REVISION_MAX`]; record `i`, from 0, has this plus `i + 1` |
//! | 16 | n | the [records](super::Record), one behind the other, at least one |
//!
//! The header's checksum is of its first 20 bytes. A file with any other header than this version's is damaged.

use base::Revision;

use super::Record;

/// Bytes of a file's header.
pub const HEADER_LEN: usize = 24;
/// Bytes of a frame before its records.
pub const FRAME_HEADER_LEN: usize = 16;
/// Bytes of the records of one frame at the most.
pub const PAYLOAD_MAX: usize = 16 << 20;
/// The greatest revision that a frame or a file begins after. At a million changes a second it takes 290,000 years to get
/// there; a greater one is damage, and leaves room to count on from the greatest.
pub const REVISION_MAX: u64 = u64::MAX >> 1;

const MAGIC: &[u8; 8] = b"ROOSTLOG";
const VERSION: u32 = 1;
const SUFFIX: &str = ".log";

/// The name of the file that begins after `revision`.
pub fn file_name(after: Revision) -> String {
    format!("{:020}{SUFFIX}", after.0)
}

/// The revision that a file with this name begins after; `None` for a name that is not a log file's.
pub fn parse_file_name(name: &str) -> Option<Revision> {
    let digits = name.strip_suffix(SUFFIX)?;
    (digits.len() == 20).then(|| digits.parse().ok().map(Revision))?
}

/// A file's header.
pub fn header(after: Revision) -> [u8; HEADER_LEN] {
    let mut bytes = [0; HEADER_LEN];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..20].copy_from_slice(&after.0.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..20]);
    bytes[20..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// One frame of `records`, the first of which has the revision behind `after`.
pub fn encode(after: Revision, records: &[Record]) -> Vec<u8> {
    let mut bytes = vec![0; FRAME_HEADER_LEN];
    records.iter().for_each(|record| record.encode(&mut bytes));
    sealed(after, bytes)
}

/// A frame from what lies behind its header, for which there is room.
pub(super) fn sealed(after: Revision, mut bytes: Vec<u8>) -> Vec<u8> {
    let len = (bytes.len() - FRAME_HEADER_LEN) as u32;
    bytes[4..8].copy_from_slice(&len.to_le_bytes());
    bytes[8..16].copy_from_slice(&after.0.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Appends `records`, the first of which has the revision behind `after`, as one frame, or as several where they do not
/// fit one.
pub fn encode_all(after: Revision, records: &[Record], out: &mut Vec<u8>) {
    let frame = encode(after, records);
    if frame.len() - FRAME_HEADER_LEN <= PAYLOAD_MAX || records.len() == 1 {
        out.extend(frame);
        return;
    }
    let (first, rest) = records.split_at(records.len() / 2);
    encode_all(after, first, out);
    encode_all(Revision(after.0 + first.len() as u64), rest, out);
}

/// A frame at the front of some bytes.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The revision before the first record.
    pub after: Revision,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame that `bytes` begin with; `None` where they do not begin with a whole one.
    pub fn parse(bytes: &'a [u8]) -> Option<Frame<'a>> {
        let after = Revision(u64::from_le_bytes(*bytes.get(8..)?.first_chunk()?));
        let len = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?) as usize;
        if len == 0 || len > PAYLOAD_MAX || after.0 > REVISION_MAX {
            return None;
        }
        let whole = bytes.get(..FRAME_HEADER_LEN + len)?;
        let checksum = u32::from_le_bytes(*whole.first_chunk()?);
        (crc32c::crc32c(&whole[4..]) == checksum).then_some(Frame { after, payload: &whole[FRAME_HEADER_LEN..] })
    }

    /// Bytes of the whole frame.
    pub fn whole_len(&self) -> usize {
        FRAME_HEADER_LEN + self.payload.len()
    }

    /// Its records and their revisions, one by one; `None`, and then nothing more, where they cannot be read, which a
    /// right checksum leaves to newer versions and to our own mistakes.
    pub fn records(&self) -> impl Iterator<Item = Option<(Revision, Record)>> + use<'a> {
        let (mut rest, mut revision) = (self.payload, self.after);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            revision = revision.next();
            let record = Record::decode(&mut rest);
            if record.is_none() {
                rest = &[];
            }
            Some(record.map(|record| (revision, record)))
        })
    }
}
