//! Which form a list takes, and its head.

use super::elias_fano::{self, Part};
use super::windowed::Window;
use super::{Unsorted, roaring_list, varint};

/// From this many ids on a list is a hub: its algebra matters more than its last bytes.
pub const HUB_ENTRIES: usize = 1 << 16;
/// How many times the bytes of packing a hub may take as a bitmap. Where containers are full it takes at most 2.7 times
/// as many (4,096 ids in each) and on the whole far less; where most containers have one id it takes over four times.
const HUB_SLACK: usize = 3;

pub(crate) const LOW_BITS_MASK: u8 = 0x1f;
pub(crate) const VERSION_FLAG: u8 = 0x20;
pub(crate) const FORM_SHIFT: u32 = 6;
pub(crate) const FORM_PACKED: u8 = 0;
pub(crate) const FORM_ROARING: u8 = 1;
pub(crate) const FORM_WINDOWED: u8 = 2;

/// Which form the lists of a store take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// Packed, with a window where that saves bytes; from [`HUB_ENTRIES`] ids on roaring, unless that took more than
    /// three times the bytes.
    #[default]
    Auto,
    /// Elias-Fano throughout, without windows.
    Packed,
    /// Roaring throughout.
    Roaring,
}

/// Appends a list of strictly increasing ids whose last change is `version_delta` after the base version.
///
/// # Errors
///
/// The ids do not strictly increase; nothing was appended.
pub fn encode(ids: &[u32], version_delta: u64, encoding: Encoding, out: &mut Vec<u8>) -> Result<(), Unsorted> {
    check_order(ids)?;
    let (low_bits, packed) = elias_fano::measure(ids.len(), ids.last().copied().unwrap_or_default());
    let roaring = match encoding {
        Encoding::Packed => false,
        Encoding::Roaring => !ids.is_empty(),
        Encoding::Auto => ids.len() >= HUB_ENTRIES && roaring_list::measure(ids) <= packed * HUB_SLACK,
    };
    let window = if encoding == Encoding::Auto && !roaring { Window::find(ids, low_bits, packed) } else { None };
    let (form, low_bits) = match &window {
        _ if roaring => (FORM_ROARING, 0),
        Some(window) => (FORM_WINDOWED, window.rest_low_bits()),
        None => (FORM_PACKED, low_bits),
    };
    let version = if version_delta == 0 { 0 } else { VERSION_FLAG };
    out.push(form << FORM_SHIFT | version | low_bits as u8);
    if version_delta != 0 {
        varint::write(version_delta, out);
    }
    varint::write(ids.len() as u64, out);
    match &window {
        _ if roaring => roaring_list::encode(ids, out),
        Some(window) => window.encode(out),
        None => elias_fano::encode(&[Part::whole(ids)], low_bits, out),
    }
    Ok(())
}

/// Whether the ids strictly increase.
fn check_order(ids: &[u32]) -> Result<(), Unsorted> {
    let pairs = || ids.iter().zip(ids.iter().skip(1));
    // All pairs are compared, without a branch for each: whole vectors of them at once.
    if pairs().fold(true, |increasing, (id, next)| increasing & (id < next)) {
        return Ok(());
    }
    let position = pairs().position(|(id, next)| id >= next).map_or(0, |at| at + 1);
    Err(Unsorted { position })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(ids: impl Iterator<Item = u32>) -> u8 {
        let mut bytes = Vec::new();
        encode(&ids.collect::<Vec<_>>(), 0, Encoding::Auto, &mut bytes).expect("the ids increase");
        bytes[0] >> FORM_SHIFT
    }

    #[test]
    fn hubs_are_roaring_and_ordinary_lists_are_packed() {
        let entries = HUB_ENTRIES as u32;
        assert_eq!(form((0..entries - 1).map(|i| i * 152)), FORM_PACKED);
        for step in [1, 2, 16, 152, 10_000] {
            assert_eq!(form((0..entries).map(|i| i * step)), FORM_ROARING, "every {step}th id");
        }
    }

    #[test]
    fn a_hub_spread_too_thinly_for_a_bitmap_is_packed() {
        assert_eq!(form((0..HUB_ENTRIES as u32).map(|i| i * 65_535)), FORM_PACKED);
    }

    #[test]
    fn a_list_with_a_crowd_has_a_window() {
        let crowd = (0..60).map(|i| 5_000_000 + i * 7);
        assert_eq!(form((0..50).map(|i| i * 100_000).chain(crowd)), FORM_WINDOWED);
    }

    #[test]
    fn ids_that_do_not_increase_are_refused_and_nothing_is_written() {
        for ids in [&[3, 3][..], &[1, 5, 4]] {
            let mut bytes = Vec::new();
            assert_eq!(encode(ids, 0, Encoding::Auto, &mut bytes), Err(Unsorted { position: ids.len() - 1 }));
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn the_size_that_is_compared_is_the_size_that_is_written() {
        let spread: Vec<_> = (0..70_000).map(|i| i * 37 + i % 7).collect();
        let dense: Vec<_> = (5..100_000).collect();
        for ids in [spread, dense] {
            let mut bytes = Vec::new();
            roaring_list::encode(&ids, &mut bytes);
            assert_eq!(bytes.len(), roaring_list::measure(&ids));
            let (low_bits, size) = elias_fano::measure(ids.len(), ids[ids.len() - 1]);
            bytes.clear();
            elias_fano::encode(&[Part::whole(&ids)], low_bits, &mut bytes);
            assert_eq!(bytes.len(), size);
        }
    }
}
