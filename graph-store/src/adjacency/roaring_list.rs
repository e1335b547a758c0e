//! A list as a roaring bitmap in its portable serialization, read where it lies.
//!
//! The format is that of the Roaring specification, without run containers: the cookie 12346 and the number of
//! containers (`u32` each), the key and the cardinality less one of each container (`u16` each), the offset of each
//! (`u32`), then the containers: up to 4,096 ids as sorted `u16`, more as a bitmap of 8 KiB. All little-endian.
//!
//! Any roaring library reads these bytes. Membership and the like are answered here without building a bitmap: a
//! binary search among keys, then one in an array, or one bit.

use std::ops::Range;

use roaring::RoaringBitmap;

use super::bitmap::Bitmap;
use super::{CorruptList, bits};

const COOKIE: u32 = 12346;
const HEADER_BYTES: usize = 8;
/// Key, cardinality and offset of one container, which lie in two tables.
const CONTAINER_BYTES: usize = 8;
const ARRAY_MAX: usize = 4096;
const BITMAP_BYTES: usize = 8192;

/// A parsed list. On bytes that are damaged behind the header, answers are wrong but nothing panics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoaringList<'a> {
    bytes: &'a [u8],
    containers: usize,
    len: usize,
}

/// The ids that share their upper 16 bits.
#[derive(Clone, Copy, Debug)]
enum Container<'a> {
    Array(&'a [[u8; 2]]),
    Bitmap(Bitmap<'a>),
}

impl<'a> RoaringList<'a> {
    /// Takes exactly the bytes of a bitmap of `len` ids.
    pub(crate) fn parse(bytes: &'a [u8], len: usize) -> Result<Self, CorruptList> {
        let (cookie, rest) = bytes.split_first_chunk().ok_or(CorruptList::Length)?;
        let (containers, rest) = rest.split_first_chunk().ok_or(CorruptList::Length)?;
        let containers = u32::from_le_bytes(*containers) as usize;
        if u32::from_le_bytes(*cookie) != COOKIE || containers > 1 << 16 || rest.len() < containers * CONTAINER_BYTES {
            return Err(CorruptList::Bitmap);
        }
        // A bitmap has at most one id for each bit, so nobody reserves more memory for a damaged count than that.
        if len == 0 || len > bytes.len() * 8 {
            return Err(CorruptList::Length);
        }
        Ok(RoaringList { bytes, containers, len })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        let (index, found) = self.find(id);
        found && self.container(index).contains(id as u16)
    }

    /// How many ids are smaller.
    pub(crate) fn rank(&self, id: u32) -> usize {
        self.place(id).0
    }

    pub(crate) fn position_of(&self, id: u32) -> Option<usize> {
        let (rank, found) = self.place(id);
        found.then_some(rank)
    }

    /// The id of which `rank` ids are smaller.
    pub(crate) fn get(&self, mut rank: usize) -> Option<u32> {
        for index in 0..self.containers {
            let cardinality = self.cardinality(index);
            if rank < cardinality {
                return Some(self.id(index, self.container(index).get(rank)?));
            }
            rank -= cardinality;
        }
        None
    }

    pub(crate) fn iter(&self) -> Iter<'a> {
        Iter::at(*self, 0, 0, self.len)
    }

    /// Appends the ids in a range and answers how many are smaller.
    pub(crate) fn decode_range(&self, range: Range<u64>, ids: &mut Vec<u32>) -> usize {
        let Ok(first) = u32::try_from(range.start) else { return self.len };
        let rank = self.rank(first).min(self.len);
        // Damaged containers may seem to have more ids than there are.
        let most = ids.len() + self.len - rank;
        for index in self.find(first).0..self.containers {
            let key = u64::from(self.key(index)) << 16;
            if key >= range.end || ids.len() >= most {
                break;
            }
            self.container(index).decode(key as u32, range.start.saturating_sub(key)..range.end - key, ids);
        }
        ids.truncate(most);
        rank
    }

    /// From the first id that is not smaller than `id`.
    pub(crate) fn iter_from(&self, id: u32) -> Iter<'a> {
        let (index, found) = self.find(id);
        let at = match self.container(index) {
            _ if !found => 0,
            Container::Array(array) => array.partition_point(|low| u16::from_le_bytes(*low) < id as u16),
            Container::Bitmap(_) => usize::from(id as u16),
        };
        Iter::at(*self, index, at, self.len.saturating_sub(self.rank(id)))
    }

    /// The bitmap itself, every part of it checked.
    pub(crate) fn to_bitmap(self) -> Result<RoaringBitmap, CorruptList> {
        RoaringBitmap::deserialize_from(self.bytes).map_err(|_| CorruptList::Bitmap)
    }

    /// Whether every byte is as [`encode`] writes it.
    pub(crate) fn validate(&self) -> Result<(), CorruptList> {
        let bitmap = self.to_bitmap()?;
        let mut again = Vec::with_capacity(self.bytes.len());
        write(&bitmap, &mut again);
        if again != self.bytes {
            return Err(CorruptList::Bitmap);
        }
        if bitmap.len() != self.len as u64 {
            return Err(CorruptList::Length);
        }
        Ok(())
    }

    fn place(&self, id: u32) -> (usize, bool) {
        let (index, found) = self.find(id);
        let before: usize = (0..index).map(|index| self.cardinality(index)).sum();
        let (rank, found) = if found { self.container(index).find(id as u16) } else { (0, false) };
        (before + rank, found)
    }

    /// The container with the id's upper bits, or the first with greater ones.
    fn find(&self, id: u32) -> (usize, bool) {
        let key = (id >> 16) as u16;
        let (mut start, mut end) = (0, self.containers);
        while start < end {
            let middle = start + (end - start) / 2;
            if self.key(middle) < key { start = middle + 1 } else { end = middle }
        }
        (start, start < self.containers && self.key(start) == key)
    }

    fn key(&self, index: usize) -> u16 {
        bits::word(self.bytes, HEADER_BYTES + index * 4) as u16
    }

    fn cardinality(&self, index: usize) -> usize {
        (bits::word(self.bytes, HEADER_BYTES + index * 4) >> 16 & 0xffff) as usize + 1
    }

    fn id(&self, index: usize, low: u16) -> u32 {
        u32::from(self.key(index)) << 16 | u32::from(low)
    }

    /// A container; without ids where there is none or its offset lies outside of the bytes.
    fn container(&self, index: usize) -> Container<'a> {
        const NONE: Container<'_> = Container::Array(&[]);
        if index >= self.containers {
            return NONE;
        }
        let offset = bits::word(self.bytes, HEADER_BYTES + self.containers * 4 + index * 4) as u32;
        let Some(bytes) = self.bytes.get(offset as usize..) else { return NONE };
        let cardinality = self.cardinality(index);
        if cardinality > ARRAY_MAX {
            return bytes.get(..BITMAP_BYTES).map_or(NONE, |bytes| Container::Bitmap(Bitmap(bytes)));
        }
        bytes.get(..cardinality * 2).map_or(NONE, |bytes| Container::Array(bytes.as_chunks().0))
    }
}

impl Container<'_> {
    fn contains(self, low: u16) -> bool {
        match self {
            Container::Array(array) => array.binary_search_by_key(&low, |low| u16::from_le_bytes(*low)).is_ok(),
            Container::Bitmap(bitmap) => bitmap.contains(low.into()),
        }
    }

    /// How many ids are smaller, and whether this one is there.
    fn find(self, low: u16) -> (usize, bool) {
        match self {
            Container::Array(array) => match array.binary_search_by_key(&low, |low| u16::from_le_bytes(*low)) {
                Ok(rank) => (rank, true),
                Err(rank) => (rank, false),
            },
            Container::Bitmap(bitmap) => (bitmap.rank(low.into()), bitmap.contains(low.into())),
        }
    }

    fn get(self, rank: usize) -> Option<u16> {
        match self {
            Container::Array(array) => array.get(rank).map(|low| u16::from_le_bytes(*low)),
            Container::Bitmap(bitmap) => bitmap.get(rank).map(|low| low as u16),
        }
    }

    /// Appends those ids whose lower bits are in a range, below `key`.
    fn decode(self, key: u32, lows: Range<u64>, ids: &mut Vec<u32>) {
        match self {
            Container::Array(array) => {
                let place = |bound| array.partition_point(|low| u64::from(u16::from_le_bytes(*low)) < bound);
                let wanted = array.get(place(lows.start)..place(lows.end)).unwrap_or_default();
                ids.extend(wanted.iter().map(|low| key | u32::from(u16::from_le_bytes(*low))));
            }
            Container::Bitmap(bitmap) => bitmap.decode_range(lows, key, ids),
        }
    }

    /// The first id at or after `at`, an index into an array or a bit of a bitmap, and where the next search starts.
    fn next(self, at: usize) -> Option<(u16, usize)> {
        match self {
            Container::Array(array) => array.get(at).map(|low| (u16::from_le_bytes(*low), at + 1)),
            Container::Bitmap(bitmap) => bitmap.next(at).map(|low| (low as u16, low as usize + 1)),
        }
    }
}

/// Ids in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Iter<'a> {
    list: RoaringList<'a>,
    index: usize,
    container: Container<'a>,
    at: usize,
    left: usize,
}

impl<'a> Iter<'a> {
    fn at(list: RoaringList<'a>, index: usize, at: usize, left: usize) -> Self {
        Iter { list, index, container: list.container(index), at, left }
    }
}

impl Iterator for Iter<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        while self.left > 0 && self.index < self.list.containers {
            if let Some((low, at)) = self.container.next(self.at) {
                self.at = at;
                self.left -= 1;
                return Some(self.list.id(self.index, low));
            }
            *self = Iter::at(self.list, self.index + 1, 0, self.left);
        }
        self.left = 0;
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// The bytes that [`encode`] appends for these strictly increasing ids.
pub(crate) fn measure(ids: &[u32]) -> usize {
    let containers = ids.chunk_by(|a, b| a >> 16 == b >> 16);
    HEADER_BYTES + containers.map(|ids| CONTAINER_BYTES + (ids.len() * 2).min(BITMAP_BYTES)).sum::<usize>()
}

/// Appends strictly increasing ids.
pub(crate) fn encode(ids: &[u32], out: &mut Vec<u8>) {
    let bitmap =
        RoaringBitmap::from_sorted_iter(ids.iter().copied()).expect("the caller checked that the ids increase");
    write(&bitmap, out);
}

fn write(bitmap: &RoaringBitmap, out: &mut Vec<u8>) {
    bitmap.serialize_into(out).expect("writing to memory cannot fail");
}
