//! A list many of whose ids crowd together: the crowd apart, and the rest packed as if the crowd were not there.
//!
//! Who follows mostly people of their own community has a list that is dense in one short stretch of the ids, the
//! *window*, and thin everywhere else. Packed as a whole, each id of the crowd takes as many bits as a distant one.
//! The bytes, after the count of all ids:
//!
//! | part | bytes | what |
//! |---|---|---|
//! | crowd | 1 to 5 | a varint: how many ids lie in the window |
//! | start | 1 to 5 | a varint: the first of them |
//! | span | 1 to 5 | a varint: the last of them, less the first, plus one |
//! | window | known | the ids in the window less `start`: a bitmap of `span` bits, or Elias-Fano |
//! | rest | the rest | the other ids as Elias-Fano, those behind the window less `span`; the head has their low bits |
//!
//! The window starts and ends with an id, so `span` is also the last of its ids, less `start`, plus one: how many low bits
//! its Elias-Fano has and how many bytes, follow from `crowd` and `span`. It is a bitmap where that is not longer, up to
//! 32,768 bits, which bounds what counting bits can take. Cut out of the rest, the window leaves no gap in it: ids from
//! `start` on are those behind.
//!
//! # Finding the window
//!
//! With `l` low bits in the window an id costs `l + 1` bits there, instead of some `r` bits among the rest, and each id
//! of span 2^-l bits more. So the window from the i-th to the j-th id saves (j - i) (r - l - 1) - (id_j - id_i) / 2^l
//! bits, less a constant. One pass, which remembers the best start so far, finds the window that saves most (the maximum
//! subarray of Bentley, "Programming Pearls", 1984). `l` is that of the densest eighth of the list. Where that eighth is
//! not 8 times as dense as the whole, there is no crowd: this first test is one pass without a branch, and all that the
//! lists of a graph without locality cost. A window that saves less than a 32nd of the bytes is not worth its reading.
//!
//! # Worked example
//!
//! The ids 9, 700,000 to 700,011 without those that end in 03, 06 and 10, 1,000,000 and 1,300,000. The window has 9 ids,
//! starts at 700,000 and spans 12. Less 12, the ids behind it are 999,988 and 1,299,988: with the 9 in front of it three
//! ids, which take 19 low bits each.
//!
//! ```text
//! 93                        head: windowed, no version, l = 19
//! 0c                        count
//! 09  e0 dc 2a  0c          crowd, start, span
//! b7 0b                     the bitmap: bits 0, 1, 2, 4, 5, 7, 8, 9, 11
//! 09 00 a0 11 3a 85 f5 2a   the rest: 3 x 19 low bits; ones at 57, 59 and 61 for the high parts 0, 1 and 2
//! ```

mod crowd;
mod window;

use std::ops::Range;

use super::elias_fano::{self, EliasFano};
use super::{CorruptList, varint};
use crowd::{Crowd, CrowdIter, Form};

pub(crate) use window::Window;

/// A parsed list. On bytes that are damaged behind what was parsed, answers are wrong but nothing panics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windowed<'a> {
    start: u32,
    span: u32,
    crowd: Crowd<'a>,
    rest: EliasFano<'a>,
}

/// Where an id belongs.
enum Side {
    /// Among the rest, as this id.
    Rest(u32),
    /// In the window, this far from its start.
    Window(u32),
}

impl<'a> Windowed<'a> {
    /// Takes exactly the bytes of a list of `len` ids, with `low_bits` for each of those outside of the window.
    pub(crate) fn parse(mut bytes: &'a [u8], len: usize, low_bits: u32) -> Result<Self, CorruptList> {
        let crowd = usize::try_from(varint::read(&mut bytes)?).map_err(|_| CorruptList::Length)?;
        let mut number = || u32::try_from(varint::read(&mut bytes)?).map_err(|_| CorruptList::Length);
        let (start, span) = (number()?, number()?);
        let outside = len.checked_sub(crowd).ok_or(CorruptList::Length)?;
        if crowd == 0 || crowd > span as usize || span - 1 > u32::MAX - start {
            return Err(CorruptList::Length);
        }
        let form = Form::of(crowd, span);
        let (window, rest) = bytes.split_at_checked(form.bytes()).ok_or(CorruptList::Length)?;
        let crowd = form.parse(window, crowd)?;
        Ok(Windowed { start, span, crowd, rest: EliasFano::parse(rest, outside, low_bits)? })
    }

    pub(crate) fn len(&self) -> usize {
        self.crowd.len() + self.rest.len()
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        match self.side(id) {
            Side::Rest(id) => self.rest.contains(id),
            Side::Window(id) => self.crowd.contains(id),
        }
    }

    /// How many ids are smaller.
    pub(crate) fn rank(&self, id: u32) -> usize {
        let (rest, window) = (self.in_rest(id.into()), self.in_window(id.into()));
        self.rest.rank(rest as u32) + self.crowd.rank(window)
    }

    pub(crate) fn position_of(&self, id: u32) -> Option<usize> {
        self.contains(id).then(|| self.rank(id))
    }

    /// The id of which `rank` ids are smaller.
    pub(crate) fn get(&self, rank: usize) -> Option<u32> {
        let before = self.before();
        match rank.checked_sub(before) {
            None => self.rest.get(rank),
            Some(rank) if rank < self.crowd.len() => Some(self.start.wrapping_add(self.crowd.get(rank)?)),
            Some(_) => Some(self.rest.get(rank - self.crowd.len())?.wrapping_add(self.span)),
        }
    }

    pub(crate) fn iter(&self) -> Iter<'a> {
        self.iter_from(0)
    }

    /// From the first id that is not smaller than `id`.
    pub(crate) fn iter_from(&self, id: u32) -> Iter<'a> {
        let rest = self.in_rest(id.into()) as u32;
        Iter {
            before: if id < self.start { self.before().saturating_sub(self.rest.rank(id)) } else { 0 },
            crowd: self.crowd.iter_from(self.in_window(id.into())),
            rest: self.rest.iter_from(rest),
            start: self.start,
            span: self.span,
        }
    }

    /// Appends the ids in a range and answers how many are smaller.
    pub(crate) fn decode_range(&self, range: Range<u64>, ids: &mut Vec<u32>) -> usize {
        let first = ids.len();
        let smaller = self.rest.decode_range(self.in_rest(range.start)..self.in_rest(range.end), ids);
        let end = ids.len();
        let before = ids[first..].iter().filter(|id| **id < self.start).count();
        let window = self.in_window(range.start)..self.in_window(range.end);
        let passed = self.crowd.decode_range(window, self.start, ids);
        let (rest, _) = ids[first + before..].split_at_mut(end - first - before);
        rest.iter_mut().for_each(|id| *id = id.wrapping_add(self.span));
        ids[first + before..].rotate_left(end - first - before);
        smaller + passed
    }

    /// Whether every bit is as [`Window`] writes it.
    pub(crate) fn validate(&self) -> Result<(), CorruptList> {
        self.rest.validate()?;
        self.crowd.validate(self.span)?;
        let last = self.rest.get(self.rest.len().wrapping_sub(1));
        if last.is_some_and(|last| last >= self.start && last > u32::MAX - self.span) {
            return Err(CorruptList::Length);
        }
        Ok(())
    }

    fn side(&self, id: u32) -> Side {
        match id.checked_sub(self.start) {
            None => Side::Rest(id),
            Some(inside) if inside < self.span => Side::Window(inside),
            Some(_) => Side::Rest(id - self.span),
        }
    }

    /// The first id of the rest that stands for one from `id` on; none where there can be no such id.
    fn in_rest(&self, id: u64) -> u64 {
        if id > u32::MAX.into() { id } else { id.min(self.start.into()).max(id.saturating_sub(self.span.into())) }
    }

    /// The first place in the window that stands for an id from `id` on; its span where there is none.
    fn in_window(&self, id: u64) -> u64 {
        id.saturating_sub(self.start.into()).min(self.span.into())
    }

    /// How many ids lie before the window.
    fn before(&self) -> usize {
        self.rest.rank(self.start)
    }
}

/// Ids in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Iter<'a> {
    /// How many of the rest are still to come before the window.
    before: usize,
    crowd: CrowdIter<'a>,
    rest: elias_fano::Iter<'a>,
    start: u32,
    span: u32,
}

impl Iterator for Iter<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.before > 0 {
            self.before -= 1;
            return self.rest.next();
        }
        match self.crowd.next() {
            Some(id) => Some(self.start.wrapping_add(id)),
            None => Some(self.rest.next()?.wrapping_add(self.span)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.crowd.left() + self.rest.size_hint().0;
        (left, Some(left))
    }
}
