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
//! What the engine finds counts from then on, and it writes none of it again. So the last batch is written once more and synced
//! before: a process that was killed, or whose sync failed, has left it in the system's cache alone.
//!
//! | bytes of an entry (integers little-endian) | what |
//! |---|---|
//! | 1, count (4), sequence number (8) | a batch of so many items begins |
//! | 2, kind (1), compression (1), table (8), key length (2), length of the value (4), stored length (4), key, stored value | an item |
//! | 4, table (8) | a table is cleared: an item too |
//! | 3, checksum (8), [`TRAILER`] | the batch ends; XXH3 of all items |

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use base::disk::Disk;
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
pub(super) fn find_damage(disk: &dyn Disk, folder: &Path) -> io::Result<Option<Damaged>> {
    let mut journals = journals(disk, folder)?;
    let last = journals.pop();
    let mut sequence = None;
    for path in journals {
        let bytes = disk.read(&path)?;
        let whole = last_whole_batch(&bytes, &mut sequence).end;
        if bytes[whole..].iter().any(|&byte| byte != 0) {
            return Ok(Some(Damaged { path, offset: whole as u64 }));
        }
    }
    let Some(path) = last else { return Ok(None) };
    let bytes = disk.read(&path)?;
    let whole = last_whole_batch(&bytes, &mut sequence).end;
    let torn = &bytes[whole..];
    let ends = torn.windows(TRAILER.len()).enumerate().filter(|(_, window)| *window == TRAILER);
    // The batch that is not whole may have kept its own end: what counts is a batch after it.
    let mut begins = ends.map(|(at, _)| at + TRAILER.len());
    let follows = begins.any(|begin| batch(&torn[begin..]).is_some());
    Ok(follows.then_some(Damaged { path, offset: whole as u64 }))
}

/// Writes the last batch of all again, and syncs it and the names: each batch is synced before the next is written, so no other
/// can be uncertain. It need not be in the last journal: the engine may have begun that one after the failed sync.
pub(super) fn make_certain(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    let journals = journals(disk, folder)?;
    for path in journals.iter().rev() {
        let bytes = disk.read(path)?;
        let last = last_whole_batch(&bytes, &mut None);
        if !last.is_empty() {
            let mut journal = disk.open(path)?;
            journal.write_at(last.start as u64, &bytes[last])?;
            journal.sync()?;
            break;
        }
    }
    if journals.is_empty() { Ok(()) } else { disk.sync_folder(folder) }
}

/// The journals in their order; none where there is no folder yet.
fn journals(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let names = match disk.names(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names?,
    };
    let number = |name: &String| name.strip_suffix(".jnl")?.parse::<u64>().ok();
    let numbered: BTreeMap<u64, String> = names.into_iter().filter_map(|name| Some((number(&name)?, name))).collect();
    Ok(numbered.into_values().map(|name| folder.join(name)).collect())
}

/// Where the last of the whole batches is that a journal begins with; at the beginning, and empty, where there is none.
/// `sequence` is the sequence number of the last batch.
fn last_whole_batch(bytes: &[u8], sequence: &mut Option<u64>) -> Range<usize> {
    let mut last = 0..0;
    while let Some(Batch { sequence: next, len }) = batch(&bytes[last.end..])
        && sequence.is_none_or(|sequence| sequence < next)
    {
        *sequence = Some(next);
        last = last.end..last.end + len;
    }
    last
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

    use base::disk::{RealDisk, SimulatedDisk};
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
        let damaged = find_damage(&RealDisk, folder.path())?;
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

    /// After a failed sync the engine found the last batch in the system's cache, and showed what nobody found after a power
    /// cut.
    #[test]
    fn the_last_batch_is_made_certain_though_its_sync_failed() -> Outcome {
        let (bytes, begins) = journal()?;
        for last in 1..begins.len() {
            let (folder, disk) = (Path::new("db"), SimulatedDisk::new());
            disk.create(&folder.join("9.jnl"))?.sync()?;
            let path = folder.join("10.jnl");
            let mut file = disk.create(&path)?;
            file.set_len(begins[last] as u64 + 64)?;
            file.write_at(0, &bytes[..begins[last - 1]])?;
            file.sync()?;
            // What the engine begins after the failure.
            disk.create(&folder.join("11.jnl"))?.set_len(100)?;
            file.write_at(begins[last - 1] as u64, &bytes[begins[last - 1]..begins[last]])?;
            disk.fail_once_after(0);
            assert!(file.sync().is_err());
            let found = disk.read(&path)?;
            assert_eq!(found[..begins[last]], bytes[..begins[last]], "batch {last}");
            let cut = |seed| disk.after_power_cut(seed).read(&path).ok();
            assert!((0..8).all(|seed| cut(seed).is_none_or(|bytes| bytes != found)), "batch {last}");
            make_certain(&disk, folder)?;
            assert!((0..8).all(|seed| cut(seed).as_ref() == Some(&found)), "batch {last}");
            let names = (0..8).map(|seed| disk.after_power_cut(seed).names(folder));
            assert!(names.into_iter().all(|names| names.is_ok_and(|names| names.len() == 3)), "batch {last}");
        }
        make_certain(&SimulatedDisk::new(), Path::new("db"))?;
        Ok(())
    }
}
