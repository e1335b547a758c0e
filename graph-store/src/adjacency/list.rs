//! One list, read where it lies.

use std::ops::Range;

use roaring::RoaringBitmap;

use super::choice::{FORM_PACKED, FORM_ROARING, FORM_SHIFT, FORM_WINDOWED, LOW_BITS_MASK, VERSION_FLAG};
use super::elias_fano::{self, EliasFano};
use super::roaring_list::{self, RoaringList};
use super::windowed::{self, Windowed};
use super::{CorruptList, varint};

/// Greater than every id.
const ID_END: u64 = 1 << 32;

/// A set of user ids and the version of its last change, borrowed from its bytes.
///
/// [`parse`](List::parse) checks what it takes to stay within the bytes, in constant time. After it nothing panics and
/// nothing runs forever, whatever the bytes are; but only on bytes that [`validate`](List::validate) accepts are the
/// answers those of a list. A reader relies on checksums for that, and validates when it checks a whole store.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    version: u64,
    ids: Ids<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Ids<'a> {
    Packed(EliasFano<'a>),
    Roaring(RoaringList<'a>),
    Windowed(Windowed<'a>),
}

/// What stands before the ids of a list: at most [`BYTES_MAX`](Head::BYTES_MAX), whatever the list is.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Head {
    /// The version of the last change.
    pub(crate) version: u64,
    /// How many ids there are: what the list says, whether there is room for so many or not.
    pub(crate) len: usize,
    form: u8,
    low_bits: u32,
}

impl Head {
    /// The first byte, the version and the count.
    pub(crate) const BYTES_MAX: usize = 1 + 10 + 5;

    /// The head of a list out of its first bytes; that of a list that was never touched where there are none.
    pub(crate) fn parse(bytes: &[u8], base_version: u64) -> Result<Head, CorruptList> {
        Ok(Head::split(bytes, base_version)?.map(|(head, _)| head).unwrap_or_default())
    }

    /// The head and what comes after it.
    fn split(bytes: &[u8], base_version: u64) -> Result<Option<(Head, &[u8])>, CorruptList> {
        let Some((head, mut rest)) = bytes.split_first() else { return Ok(None) };
        let delta = if head & VERSION_FLAG == 0 { 0 } else { varint::read(&mut rest)? };
        if head & VERSION_FLAG != 0 && delta == 0 {
            return Err(CorruptList::Number);
        }
        let version = base_version.checked_add(delta).ok_or(CorruptList::Number)?;
        let len = Some(varint::read(&mut rest)?).filter(|len| *len <= ID_END);
        let len = len.and_then(|len| len.try_into().ok()).ok_or(CorruptList::Length)?;
        let (form, low_bits) = (head >> FORM_SHIFT, u32::from(head & LOW_BITS_MASK));
        Ok(Some((Head { version, len, form, low_bits }, rest)))
    }
}

/// Runs an expression on whichever of the forms a list has.
macro_rules! each {
    ($list:expr, $ids:ident => $answer:expr) => {
        match $list.ids {
            Ids::Packed($ids) => $answer,
            Ids::Roaring($ids) => $answer,
            Ids::Windowed($ids) => $answer,
        }
    };
}

impl<'a> List<'a> {
    /// Asks the memory for all of a short list at once. What is read of it next says where to read then, and so on: one wait
    /// for the memory after the other, which are one so.
    #[inline]
    pub fn fetch(bytes: &[u8]) {
        const LINE_BYTES: usize = 64;
        const BYTES_MAX: usize = 1024;
        #[cfg(target_arch = "x86_64")]
        if bytes.len() <= BYTES_MAX {
            bytes.iter().step_by(LINE_BYTES).chain(bytes.last()).for_each(safe_arch::prefetch_t0);
        }
    }

    /// Takes exactly the bytes of one list, as [`encode`](super::encode) made them. No bytes at all are the list that
    /// was never touched: empty, of version 0.
    pub fn parse(bytes: &'a [u8], base_version: u64) -> Result<List<'a>, CorruptList> {
        let Some((head, rest)) = Head::split(bytes, base_version)? else {
            return EliasFano::parse(bytes, 0, 0).map(|ids| List { version: 0, ids: Ids::Packed(ids) });
        };
        let ids = match head.form {
            FORM_PACKED => Ids::Packed(EliasFano::parse(rest, head.len, head.low_bits)?),
            FORM_WINDOWED => Ids::Windowed(Windowed::parse(rest, head.len, head.low_bits)?),
            FORM_ROARING if head.low_bits == 0 => Ids::Roaring(RoaringList::parse(rest, head.len)?),
            _ => return Err(CorruptList::Form { head: bytes[0] }),
        };
        Ok(List { version: head.version, ids })
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        each!(self, ids => ids.len())
    }

    /// Whether there are no ids.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The version of the last change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether the id is in the list.
    pub fn contains(&self, id: u32) -> bool {
        each!(self, ids => ids.contains(id))
    }

    /// How many ids of the list are smaller.
    pub fn rank(&self, id: u32) -> usize {
        each!(self, ids => ids.rank(id))
    }

    /// The place of an id in the list, from 0, if it is there: where its entry in a column is.
    pub fn position_of(&self, id: u32) -> Option<usize> {
        each!(self, ids => ids.position_of(id))
    }

    /// The id at a place, from 0: the inverse of [`position_of`](List::position_of).
    pub fn get(&self, position: usize) -> Option<u32> {
        each!(self, ids => ids.get(position))
    }

    /// The smallest id.
    pub fn first(&self) -> Option<u32> {
        self.get(0)
    }

    /// The greatest id.
    pub fn last(&self) -> Option<u32> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The ids in ascending order.
    pub fn iter(&self) -> Iter<'a> {
        Iter(match self.ids {
            Ids::Packed(ids) => Form::Packed(ids.iter()),
            Ids::Roaring(ids) => Form::Roaring(ids.iter()),
            Ids::Windowed(ids) => Form::Windowed(ids.iter()),
        })
    }

    /// The ids that are not smaller than `id`, in ascending order.
    pub fn iter_from(&self, id: u32) -> Iter<'a> {
        Iter(match self.ids {
            Ids::Packed(ids) => Form::Packed(ids.iter_from(id)),
            Ids::Roaring(ids) => Form::Roaring(ids.iter_from(id)),
            Ids::Windowed(ids) => Form::Windowed(ids.iter_from(id)),
        })
    }

    /// Appends the ids in ascending order: the fastest way to all of them.
    pub fn decode_into(&self, ids: &mut Vec<u32>) {
        self.decode(0..ID_END, ids);
    }

    /// Appends the ids in a range, in ascending order, and answers how many ids of the list are smaller: the position
    /// of the first one.
    pub fn decode_range_into(&self, range: Range<u32>, ids: &mut Vec<u32>) -> usize {
        self.decode(range.start.into()..range.end.into(), ids)
    }

    /// The list as a bitmap, for set algebra.
    ///
    /// # Errors
    ///
    /// The ids do not increase, or a serialized bitmap is not one.
    pub fn to_bitmap(&self) -> Result<RoaringBitmap, CorruptList> {
        match self.ids {
            Ids::Roaring(ids) => ids.to_bitmap(),
            _ => RoaringBitmap::from_sorted_iter(self.iter())
                .map_err(|error| CorruptList::Unsorted { position: error.valid_until() as usize }),
        }
    }

    /// The portable serialization of the bitmap, where the list is stored as one.
    pub fn roaring_bytes(&self) -> Option<&'a [u8]> {
        match self.ids {
            Ids::Roaring(ids) => Some(ids.bytes()),
            _ => None,
        }
    }

    /// Checks everything: the ids strictly increase, there are as many as the list says, and no bit is other than
    /// encoding them would make it.
    pub fn validate(&self) -> Result<(), CorruptList> {
        each!(self, ids => ids.validate())
    }

    fn decode(&self, range: Range<u64>, ids: &mut Vec<u32>) -> usize {
        each!(self, list => list.decode_range(range, ids))
    }
}

impl<'a> IntoIterator for &List<'a> {
    type Item = u32;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The ids of a list in ascending order.
#[derive(Clone, Debug)]
pub struct Iter<'a>(Form<'a>);

#[derive(Clone, Debug)]
enum Form<'a> {
    Packed(elias_fano::Iter<'a>),
    Roaring(roaring_list::Iter<'a>),
    Windowed(windowed::Iter<'a>),
}

impl Iterator for Iter<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        match &mut self.0 {
            Form::Packed(ids) => ids.next(),
            Form::Roaring(ids) => ids.next(),
            Form::Windowed(ids) => ids.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Form::Packed(ids) => ids.size_hint(),
            Form::Roaring(ids) => ids.size_hint(),
            Form::Windowed(ids) => ids.size_hint(),
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}
