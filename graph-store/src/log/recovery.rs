//! Reading a log file at open: every frame checked, a torn tail told apart from damage.

use std::path::{Path, PathBuf};

use base::Revision;

use super::LogError;
use super::frame::{self, FRAME_HEADER_LEN, Frame, HEADER_LEN, REVISION_MAX};

/// The torn tail that recovery cut off: an append that was never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub path: PathBuf,
    /// Where it was cut.
    pub offset: u64,
    /// How many bytes went.
    pub bytes: u64,
}

/// What a file holds.
pub(super) struct Scan {
    /// The revision of the last record.
    pub(super) last: Revision,
    /// Where the last whole frame begins; where it would, if there is none.
    pub(super) last_frame: u64,
    /// Where the last whole frame ends.
    pub(super) end: u64,
    /// Frames to start reading at: the revision before a frame, and its offset.
    pub(super) places: Vec<(Revision, u64)>,
    /// Bytes behind the last whole frame: a torn append.
    pub(super) torn: u64,
}

/// One place to start reading at for so many bytes.
pub(super) const PLACE_EVERY: u64 = 64 << 10;

/// Checks the bytes of the file that begins after `after`. Only the newest file may end in a torn frame, or be so
/// young that not even its header is whole.
///
/// # Errors
///
/// [`LogError::Damaged`].
pub(super) fn scan(path: &Path, bytes: &[u8], after: Revision, newest: bool) -> Result<Scan, LogError> {
    let damaged = |offset: usize| LogError::Damaged { path: path.to_owned(), offset: offset as u64 };
    let mut scan =
        Scan { last: after, last_frame: HEADER_LEN as u64, end: HEADER_LEN as u64, places: Vec::new(), torn: 0 };
    if after.0 > REVISION_MAX {
        return Err(damaged(0));
    }
    if bytes.get(..HEADER_LEN) != Some(&frame::header(after)[..]) {
        // A file gets its first frame only once its header is durable.
        return if newest && !has_frame_after(bytes, after) {
            Ok(Scan { end: 0, torn: bytes.len() as u64, ..scan })
        } else {
            Err(damaged(0))
        };
    }
    let mut offset = HEADER_LEN;
    while offset < bytes.len() {
        let frame = Frame::parse(&bytes[offset..]).filter(|frame| frame.after == scan.last);
        let Some(frame) = frame else {
            if !newest || has_frame_after(&bytes[offset + 1..], scan.last) {
                return Err(damaged(offset));
            }
            scan.torn = (bytes.len() - offset) as u64;
            break;
        };
        if scan.places.last().is_none_or(|(_, place)| offset as u64 >= place + PLACE_EVERY) {
            scan.places.push((scan.last, offset as u64));
        }
        for record in frame.records() {
            (scan.last, _) = record.ok_or_else(|| damaged(offset))?;
        }
        scan.last_frame = offset as u64;
        offset += frame.whole_len();
        scan.end = offset as u64;
    }
    Ok(scan)
}

/// Whether a whole frame of a revision from `after` on begins anywhere in `bytes`.
fn has_frame_after(bytes: &[u8], after: Revision) -> bool {
    // A record takes nine bytes at the least, so no frame here can be further on than this.
    let furthest = after.0 + bytes.len() as u64;
    (0..bytes.len().saturating_sub(FRAME_HEADER_LEN)).any(|offset| {
        let revision = bytes[offset + 8..].first_chunk().map(|number| u64::from_le_bytes(*number));
        revision.is_some_and(|revision| (after.0..=furthest).contains(&revision))
            && Frame::parse(&bytes[offset..]).is_some()
    })
}
