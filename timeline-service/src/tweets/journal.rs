//! Whether the journals of the storage engine are whole: looked at before the engine opens them.
//!
//! The engine reads its journals, files that are numbered in their order, when it opens. Where an entry makes no sense it takes
//! what follows in that file for a torn end, cuts it off and goes on with the next file. Right for what a power cut
//! leaves, wrong for everything else: in an older journal acknowledged batches would go without a word, because the last
//! batch number, in the last journal, is as it should be. So a journal is damaged when
//!
//! - it is not the last, and holds anything but whole batches and the zeros that were laid out for more; or
//! - it is the last, and a whole batch follows something that is none: the next batch is written only after the one before
//!   is synced, so only the last can be torn.
//!
//! A batch is whole if its checksum says so and its sequence number is greater than the one before: the checksum does not
//! cover that, and the engine skips items whose numbers it takes for written out. Over damage in an older journal the engine
//! may panic twice and end the process, so it must not see any. Whether the last batch of all is missing the high-water mark tells.
//!
//! | bytes of an entry (integers little-endian) | what |
//! |---|---|
//! | 1, count (4), sequence number (8) | a batch of so many items begins |
//! | 2, kind (1), compression (1), table (8), key length (2), length of the value (4), stored length (4), key, stored value | an item |
//! | 4, table (8) | a table is cleared: an item too |
//! | 3, checksum (8), [`TRAILER`] | the batch ends; XXH3 of all items |

use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const START_LEN: usize = 13;
const ITEM_HEADER_LEN: usize = 21;
const CLEAR_LEN: usize = 9;
const END_LEN: usize = 13;
/// What a batch ends with.
const TRAILER: &[u8] = b"FJL\x03";

/// A journal that lost something, and from where on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Damaged {
    pub path: PathBuf,
    pub offset: u64,
}

/// The first damage in the journals of the engine's `folder`.
pub(super) fn find_damage(folder: &Path) -> io::Result<Option<Damaged>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut journals = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_suffix(".jnl")).and_then(|number| number.parse::<u64>().ok());
        journals.extend(number.map(|number| (number, path)));
    }
    journals.sort();
    let last = journals.pop();
    let mut sequence = None;
    for (_, path) in journals {
        let bytes = std::fs::read(&path)?;
        let whole = whole_batches(&bytes, &mut sequence);
        if bytes[whole..].iter().any(|&byte| byte != 0) {
            return Ok(Some(Damaged { path, offset: whole as u64 }));
        }
    }
    let Some((_, path)) = last else { return Ok(None) };
    let bytes = std::fs::read(&path)?;
    let whole = whole_batches(&bytes, &mut sequence);
    let torn = &bytes[whole..];
    let ends = torn.windows(TRAILER.len()).enumerate().filter(|(_, window)| *window == TRAILER);
    // The batch that is not whole may have kept its own end: what counts is a batch after it.
    let mut begins = ends.map(|(at, _)| at + TRAILER.len());
    let follows = begins.any(|begin| batch(&torn[begin..]).is_some());
    Ok(follows.then_some(Damaged { path, offset: whole as u64 }))
}

/// The length of the whole batches that a journal begins with. `last` is the sequence number of the last batch.
fn whole_batches(bytes: &[u8], last: &mut Option<u64>) -> usize {
    let mut whole = 0;
    while let Some(Batch { sequence, len }) = batch(&bytes[whole..])
        && last.is_none_or(|last| last < sequence)
    {
        *last = Some(sequence);
        whole += len;
    }
    whole
}

/// A whole batch.
struct Batch {
    sequence: u64,
    len: usize,
}

/// The whole batch that begins here, if one does.
fn batch(bytes: &[u8]) -> Option<Batch> {
    if *bytes.first()? != START {
        return None;
    }
    let items = u32::from_le_bytes(*bytes.get(1..)?.first_chunk()?);
    let sequence = u64::from_le_bytes(*bytes.get(5..)?.first_chunk()?);
    let mut at = START_LEN;
    for _ in 0..items {
        at += match *bytes.get(at)? {
            ITEM => {
                let key = u16::from_le_bytes(*bytes.get(at + 11..)?.first_chunk()?);
                let value = u32::from_le_bytes(*bytes.get(at + 17..)?.first_chunk()?);
                ITEM_HEADER_LEN + usize::from(key) + value as usize
            }
            CLEAR => CLEAR_LEN,
            _ => return None,
        };
    }
    let items = bytes.get(START_LEN..at)?;
    let end: &[u8; END_LEN] = bytes.get(at..)?.first_chunk()?;
    let checksum = [&[END], &xxh3_64(items).to_le_bytes()[..], TRAILER].concat();
    (end[..] == checksum[..]).then_some(Batch { sequence, len: at + END_LEN })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use fjall::{Database, KeyspaceCreateOptions, PersistMode};

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// A journal as the engine writes it, and where its batches begin.
    fn journal() -> Result<(Vec<u8>, Vec<usize>), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let db = Database::builder(folder.path()).open()?;
        let table = db.keyspace("table", KeyspaceCreateOptions::default)?;
        for number in 0..4_u8 {
            let mut batch = db.batch();
            for item in 0..=number {
                batch.insert(&table, [number, item], vec![number; 5000 * usize::from(item)]);
            }
            batch.remove(&table, [number]);
            batch.commit()?;
        }
        db.persist(PersistMode::SyncAll)?;
        let bytes = fs::read(folder.path().join("0.jnl"))?;
        let mut begins = vec![0];
        while let Some(Batch { len, .. }) = batch(&bytes[begins[begins.len() - 1]..]) {
            begins.push(begins[begins.len() - 1] + len);
        }
        Ok((bytes[..begins[begins.len() - 1] + 100].to_vec(), begins))
    }

    fn damage_in(journals: &[(&str, &[u8])]) -> io::Result<Option<(String, u64)>> {
        let folder = tempfile::tempdir()?;
        for (name, bytes) in journals {
            fs::write(folder.path().join(name), bytes)?;
        }
        let damaged = find_damage(folder.path())?;
        Ok(damaged.map(|damaged| {
            let name = damaged.path.file_name().map(|name| name.to_string_lossy().into_owned());
            (name.unwrap_or_default(), damaged.offset)
        }))
    }

    #[test]
    fn what_the_engine_writes_is_whole() -> Outcome {
        let (bytes, begins) = journal()?;
        assert_eq!(begins.len(), 5, "four batches and the end");
        assert_eq!(damage_in(&[])?, None);
        let (older, newer) = bytes[..begins[4]].split_at(begins[2]);
        assert_eq!(damage_in(&[("9.jnl", older), ("10.jnl", newer), ("notes.txt", b"x")])?, None);
        assert_eq!(damage_in(&[("9.jnl", newer), ("10.jnl", older), ("11.jnl", b"")])?, Some(("10.jnl".to_owned(), 0)));
        Ok(())
    }

    #[test]
    fn every_changed_byte_of_an_older_journal_is_noticed() -> Outcome {
        let (bytes, begins) = journal()?;
        for place in
            (0..begins[4]).filter(|place| place % 89 == 0 || begins.iter().any(|begin| place - begin.min(place) < 40))
        {
            let mut changed = bytes.clone();
            changed[place] ^= 0x81;
            let damage = damage_in(&[("0.jnl", &changed), ("1.jnl", b"")])?;
            // The greatest sequence number of all can rise unnoticed, and that of the first fall: nothing hangs on them.
            let is_sequence = begins.iter().any(|begin| (5..START_LEN).contains(&place.wrapping_sub(*begin)));
            assert!(damage.is_some() || is_sequence, "at {place}");
        }
        Ok(())
    }

    #[test]
    fn only_the_last_batch_of_the_last_journal_may_be_torn() -> Outcome {
        let (bytes, begins) = journal()?;
        for (number, &begin) in begins[..4].iter().enumerate() {
            let mut torn = bytes.clone();
            torn[begin] = 9;
            let damage = Some(("0.jnl".to_owned(), begin as u64));
            assert_eq!(damage_in(&[("0.jnl", &torn), ("1.jnl", b"")])?, damage, "batch {number}");
            assert_eq!(damage_in(&[("0.jnl", &torn)])?, if number < 3 { damage } else { None }, "batch {number}");
            assert_eq!(damage_in(&[("0.jnl", &bytes[..begin + 7])])?, None, "batch {number}");
        }
        Ok(())
    }
}
