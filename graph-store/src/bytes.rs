//! Numbers and short names off the front of some bytes, and names behind them. Numbers are little-endian; whatever is
//! not there in full is `None`.

use base::limits::NAME_MAX_BYTES;

/// So many bytes.
pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

/// A number of four bytes.
pub(crate) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes).map(u32::from_le_bytes)
}

/// A number of eight bytes.
pub(crate) fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).map(u64::from_le_bytes)
}

/// So many bytes, where the number is known only now.
pub(crate) fn take_slice<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

/// A name as [`put_name`] writes it: its length in one byte, and UTF-8. A longer one than there can be is none.
pub(crate) fn take_name(bytes: &mut &[u8]) -> Option<String> {
    let [len] = take(bytes)?;
    let len = Some(usize::from(len)).filter(|len| *len <= NAME_MAX_BYTES)?;
    let name = take_slice(bytes, len)?;
    String::from_utf8(name.to_vec()).ok()
}

/// Appends a name of at most [`NAME_MAX_BYTES`].
pub(crate) fn put_name(name: &str, out: &mut Vec<u8>) {
    debug_assert!(name.len() <= NAME_MAX_BYTES, "names are checked at the door");
    out.push(name.len() as u8);
    out.extend(name.as_bytes());
}
