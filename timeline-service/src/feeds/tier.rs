//! Where feeds go that memory has no room for: a store that may lose anything, and never holds the only copy of it.
//!
//! A feed goes with the versions of its reader's lists and the place up to which it is exact. It comes back if the versions are
//! still the same, and is caught up from that place on. However old a copy is, what it says of the ids up to there is
//! right, but for what was removed since: within one run [`gone`](super::gone) tells, and after a restart the newest entries
//! are looked up, and the others left behind.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, now 2 |
//! | 4 | CRC-32C of all that follows and of the reader's id, little-endian |
//! | 8 | the run that wrote it |
//! | 8 each | the four versions, `from`, `covered_to`, the stamp, how many authors are pulled: all little-endian |
//! | 4 each | these authors |
//! | rest | the entries, words of 8 bytes |

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Revision, TweetId, UserId};
use parking_lot::Mutex;

use super::materialised::{About, Built};
use crate::graph::Versions;

const VERSION: u8 = 2;

/// A store that may lose anything at any time.
pub(crate) trait Ephemeral: Send + Sync {
    /// Takes a value out.
    fn take(&self, key: u32) -> Option<Vec<u8>>;

    /// Keeps a value, in place of what is there.
    fn put(&self, key: u32, value: &[u8]);

    /// Bytes that all values take, about.
    fn bytes(&self) -> u64;
}

/// Nothing is kept.
#[derive(Debug)]
pub(crate) struct Nowhere;

impl Ephemeral for Nowhere {
    fn take(&self, _: u32) -> Option<Vec<u8>> {
        None
    }

    fn put(&self, _: u32, _: &[u8]) {}

    fn bytes(&self) -> u64 {
        0
    }
}

/// A folder of sled's. Where there is no room, whatever comes next in the order of the keys makes some.
pub(crate) struct OnDisk {
    db: sled::Db,
    bytes: AtomicU64,
    bytes_max: u64,
    hand: Mutex<u32>,
}

impl OnDisk {
    /// Opens a folder. What cannot be read is thrown away.
    pub(crate) fn open(folder: &Path, bytes_max: u64) -> sled::Result<Self> {
        // Most of what is kept is never asked for again: a cache would only take memory from those who know better.
        let open = || sled::Config::new().path(folder).cache_capacity(8 << 20).open();
        let db = match open() {
            Err(sled::Error::Corruption { .. }) => {
                tracing::warn!(folder = %folder.display(), "the evicted feeds are damaged and thrown away");
                std::fs::remove_dir_all(folder)?;
                open()?
            }
            outcome => outcome?,
        };
        let bytes = db.iter().values().filter_map(Result::ok).map(|value| value.len() as u64).sum();
        Ok(OnDisk { db, bytes: AtomicU64::new(bytes), bytes_max, hand: Mutex::new(0) })
    }

    fn make_room(&self, wanted: u64) {
        let mut hand = self.hand.lock();
        while self.bytes() + wanted > self.bytes_max {
            let next = self.db.range(hand.to_be_bytes()..).next().or_else(|| self.db.iter().next());
            let Some(Ok((key, _))) = next else { return };
            let Ok(Some(value)) = self.db.remove(&key) else { return };
            self.bytes.fetch_sub(value.len() as u64, Ordering::Relaxed);
            *hand = key.as_ref().try_into().map_or(0, u32::from_be_bytes);
        }
    }
}

impl Ephemeral for OnDisk {
    fn take(&self, key: u32) -> Option<Vec<u8>> {
        let value = self.db.remove(key.to_be_bytes()).ok().flatten()?;
        self.bytes.fetch_sub(value.len() as u64, Ordering::Relaxed);
        Some(value.to_vec())
    }

    fn put(&self, key: u32, value: &[u8]) {
        drop(self.take(key));
        let len = value.len() as u64;
        if len > self.bytes_max {
            return;
        }
        self.make_room(len);
        match self.db.insert(key.to_be_bytes(), value) {
            Ok(_) => drop(self.bytes.fetch_add(len, Ordering::Relaxed)),
            Err(error) => tracing::warn!(%error, "a feed could not be put aside"),
        }
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// The bytes of a feed.
pub(crate) fn encode(user: UserId, run: u64, built: &Built) -> Vec<u8> {
    let Built { words, about: About { versions, from, covered_to, stamp, pulled, checked: _, batch: _ } } = built;
    let mut content = run.to_le_bytes().to_vec();
    let [follows, mutes, blocks, blocked_by] = versions.0;
    for number in [follows.0, mutes.0, blocks.0, blocked_by.0, from.0, covered_to.0, *stamp, pulled.len() as u64] {
        content.extend_from_slice(&number.to_le_bytes());
    }
    pulled.iter().for_each(|author| content.extend_from_slice(&author.to_le_bytes()));
    words.iter().for_each(|word| content.extend_from_slice(&word.to_le_bytes()));
    [&[VERSION][..], &checksum(user, &content).to_le_bytes(), &content].concat()
}

/// The feed in some bytes, and the run that wrote it.
pub(crate) fn decode(user: UserId, bytes: &[u8]) -> Option<(u64, Built)> {
    let (&[VERSION, crc @ ..], content) = bytes.split_first_chunk::<5>()? else { return None };
    if checksum(user, content) != u32::from_le_bytes(crc) {
        return None;
    }
    let mut rest = content;
    let mut number = || {
        let (first, others) = rest.split_first_chunk::<8>()?;
        rest = others;
        Some(u64::from_le_bytes(*first))
    };
    let run = number()?;
    let versions = Versions([Revision(number()?), Revision(number()?), Revision(number()?), Revision(number()?)]);
    let (from, covered_to, stamp) = (TweetId(number()?), TweetId(number()?), number()?);
    let pulled = usize::try_from(number()?).ok()?.checked_mul(4)?;
    let (pulled, words) = rest.split_at_checked(pulled)?;
    let (pulled, _) = pulled.as_chunks::<4>();
    let (words, []) = words.as_chunks::<8>() else { return None };
    let pulled = pulled.iter().map(|author| u32::from_le_bytes(*author)).collect();
    let about = About { versions, from, covered_to, checked: 0, stamp, batch: 0, pulled };
    Some((run, Built { words: words.iter().map(|word| u64::from_le_bytes(*word)).collect(), about }))
}

fn checksum(user: UserId, content: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&user.0.to_le_bytes()), content)
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    fn feed() -> Built {
        let about = About {
            versions: Versions([1, 2, 3, 4].map(Revision)),
            from: TweetId(5),
            covered_to: TweetId(6),
            checked: 0,
            stamp: 7,
            batch: 0,
            pulled: [8, 9].into(),
        };
        Built { words: vec![10, 1 << 62], about }
    }

    #[test]
    fn a_feed_comes_back_and_nothing_else_does() {
        let bytes = encode(UserId(1), 77, &feed());
        assert_eq!(decode(UserId(1), &bytes), Some((77, feed())));
        assert_eq!(decode(UserId(2), &bytes), None, "it is somebody else's");
        for cut in 0..bytes.len() {
            assert_eq!(decode(UserId(1), &bytes[..cut]), None, "cut at {cut}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(UserId(1), &changed), None, "bit {bit}");
        }
    }

    #[test]
    fn what_is_kept_on_disk_is_bounded_and_survives_a_restart() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tier = OnDisk::open(folder.path(), 30).expect("opens");
        for key in 0..5 {
            tier.put(key, &[key as u8; 10]);
        }
        assert_eq!(tier.bytes(), 30);
        assert_eq!(tier.take(4), Some(vec![4; 10]));
        assert_eq!(tier.take(4), None, "it is taken once");
        tier.put(9, &[0; 31]);
        assert_eq!(tier.bytes(), 20);
        drop(tier);
        // A thread of sled's may hold the folder for a moment longer.
        let closed = Instant::now();
        let again = loop {
            match OnDisk::open(folder.path(), 30) {
                Err(_) if closed.elapsed() < Duration::from_secs(30) => thread::yield_now(),
                opened => break opened.expect("opens"),
            }
        };
        assert_eq!(again.bytes(), 20);
    }
}
