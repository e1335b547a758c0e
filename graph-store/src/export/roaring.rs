//! Each list as a portable roaring bitmap, which the Java, C, Go and other libraries read.
//!
//! Bitmaps hold user ids; the index says whose list each one is, and by which external id that user is known.
//!
//! # Layout
//!
//! Numbers are little-endian.
//!
//! | header | bytes | what |
//! |---|---|---|
//! | magic | 8 | `ROOSTRBM` |
//! | version | 4 | 1 |
//! | relation | 1 | 0 follow, 1 block, 2 mute |
//! | direction | 1 | 0 forward: the members of a list are targets; 1 reverse: they are sources |
//! | zero | 2 | |
//! | users | 4 | user ids that were given out: all ids are below |
//! | zero | 4 | |
//! | revision | 8 | the revision that the lists are of |
//!
//! Then the bitmaps, one behind the other, each in the portable format of the
//! [Roaring specification](https://github.com/RoaringBitmap/RoaringFormatSpec), with run containers where those are smaller.
//! Then the index: an entry for each user who has a list or an external id, by user id.
//!
//! | entry | bytes | what |
//! |---|---|---|
//! | user | 4 | |
//! | flags | 4 | 1: the user has an external id |
//! | external id | 8 | zero where there is none |
//! | offset | 8 | where the bitmap begins, from the start of the file |
//! | length | 8 | bytes of the bitmap; zero where the user has no list |
//!
//! | footer | bytes | what |
//! |---|---|---|
//! | index | 8 | where the index begins |
//! | entries | 8 | of the index |
//! | checksum | 4 | CRC-32C of the header and the index |
//! | zero | 4 | |
//! | magic | 8 | `ROOSTRBM` |

use std::io::{BufWriter, Write};

use base::{ListRef, UserId};
use roaring::RoaringBitmap;

use super::{Export, ExportError, ExportReport};
use crate::store::{Snapshot, StoreError};

/// The first and the last bytes of a file.
pub const MAGIC: [u8; 8] = *b"ROOSTRBM";
const VERSION: u32 = 1;
const HEADER_BYTES: u64 = 32;
/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;
/// Users between two reports of progress.
const REPORT_EVERY: u32 = 4096;

/// Writes the lists of a snapshot.
pub(super) fn write(
    snapshot: &Snapshot,
    what: &Export,
    out: impl Write,
    progress: &dyn Fn(u64, u64),
) -> Result<ExportReport, ExportError> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    let mut report = ExportReport { revision: snapshot.revision().token(), ..ExportReport::default() };
    let header = header(snapshot, what);
    out.write_all(&header)?;
    let mut lengths = Vec::new();
    let mut bytes = Vec::new();
    for user in (0..snapshot.users()).map(UserId) {
        let list = ListRef { relation: what.relation, direction: what.direction, user };
        let bitmap = bitmap(snapshot, list)?;
        bytes.clear();
        if !bitmap.is_empty() {
            bitmap.serialize_into(&mut bytes)?;
            out.write_all(&bytes)?;
            report.lists += 1;
            report.edges += bitmap.len();
        }
        if !bytes.is_empty() || snapshot.external_id(user).is_some() {
            // A bitmap of 32-bit ids takes at most some 540 MB.
            lengths.push((user, bytes.len() as u32));
        }
        if user.0.is_multiple_of(REPORT_EVERY) {
            progress(user.0.into(), snapshot.users().into());
        }
    }
    let (mut offset, mut checksum) = (HEADER_BYTES, crc32c::crc32c(&header));
    for (user, length) in &lengths {
        let entry = entry(*user, snapshot.external_id(*user), offset, (*length).into());
        out.write_all(&entry)?;
        checksum = crc32c::crc32c_append(checksum, &entry);
        offset += u64::from(*length);
    }
    for number in [offset, lengths.len() as u64, checksum.into()] {
        out.write_all(&number.to_le_bytes())?;
    }
    out.write_all(&MAGIC)?;
    out.flush()?;
    Ok(report)
}

fn bitmap(snapshot: &Snapshot, list: ListRef) -> Result<RoaringBitmap, StoreError> {
    let mut bitmap: RoaringBitmap = snapshot.edges(list)?.iter().map(|edge| edge.user.0).collect();
    bitmap.optimize();
    Ok(bitmap)
}

fn header(snapshot: &Snapshot, what: &Export) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend([what.relation as u8, what.direction as u8, 0, 0]);
    bytes.extend(u64::from(snapshot.users()).to_le_bytes());
    bytes.extend(snapshot.revision().0.to_le_bytes());
    bytes
}

fn entry(user: UserId, external_id: Option<u64>, offset: u64, length: u64) -> Vec<u8> {
    let mut bytes = user.0.to_le_bytes().to_vec();
    bytes.extend(u32::from(external_id.is_some()).to_le_bytes());
    for number in [external_id.unwrap_or_default(), offset, length] {
        bytes.extend(number.to_le_bytes());
    }
    bytes
}
