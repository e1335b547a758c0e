//! A number that only rises, kept beside a log so that a log which lost its tail is noticed.
//!
//! A checksummed log tells damage apart from data, but a log that ends early ends like any other. The writer of a log
//! raises this mark after each sync of the log; a log that ends below the mark has lost what was acknowledged.
//!
//! # Layout
//!
//! Two sectors of 512 bytes, written in turn, so that a torn write leaves the other one. Each:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `ROOSTHWM` |
//! | 8 | 4 | version, now 1, little-endian |
//! | 12 | 8 | the value, little-endian |
//! | 20 | 4 | CRC-32C of bytes 0 to 20, little-endian |
//! | 24 | 488 | zero |
//!
//! The mark is the greater of the values whose sector is whole. It is written without a sync of its own: after a power
//! cut it may be older than the log, which then is checked less strictly, but never newer, since it is written later.

use std::io;
use std::path::{Path, PathBuf};

use super::{Disk, DiskFile};

const SECTOR: usize = 512;
const MAGIC: &[u8; 8] = b"ROOSTHWM";
const VERSION: u32 = 1;

/// A durable number that only rises.
#[derive(Debug)]
pub struct HighWaterMark {
    file: Box<dyn DiskFile>,
    value: u64,
    next_sector: u64,
}

/// The mark could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HighWaterError {
    /// Neither sector is whole.
    #[error("high-water mark {path} is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The disk said no.
    #[error("high-water mark {path} cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
}

impl HighWaterMark {
    /// Creates the file, at `value`, durably.
    pub fn create(disk: &dyn Disk, path: &Path, value: u64) -> Result<Self, HighWaterError> {
        let io = |source| HighWaterError::Io { path: path.to_owned(), source };
        let mut bytes = sector(value).to_vec();
        bytes.extend(sector(value));
        super::replace_file(disk, path, &bytes).map_err(io)?;
        Ok(HighWaterMark { file: disk.open(path).map_err(io)?, value, next_sector: 0 })
    }

    /// Opens the file.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Self, HighWaterError> {
        let io = |source| HighWaterError::Io { path: path.to_owned(), source };
        let bytes = disk.read(path).map_err(io)?;
        let [first, second] = [0, SECTOR].map(|start| value_in(bytes.get(start..start + SECTOR)));
        let (value, next_sector) = match (first, second) {
            (Some(first), Some(second)) if first > second => (first, 1),
            (_, Some(second)) => (second, 0),
            (Some(first), None) => (first, 1),
            (None, None) => return Err(HighWaterError::Damaged { path: path.to_owned() }),
        };
        Ok(HighWaterMark { file: disk.open(path).map_err(io)?, value, next_sector })
    }

    /// The mark.
    pub fn value(&self) -> u64 {
        self.value
    }

    /// Raises the mark; a lower value changes nothing. Not synced.
    pub fn raise(&mut self, value: u64) -> io::Result<()> {
        if value <= self.value {
            return Ok(());
        }
        // All of it: what tore the sector may have left anything behind the checksum.
        self.file.write_at(self.next_sector * SECTOR as u64, &sector(value))?;
        self.value = value;
        self.next_sector ^= 1;
        Ok(())
    }

    /// Makes the mark itself survive a power cut.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

fn sector(value: u64) -> [u8; SECTOR] {
    let mut bytes = [0; SECTOR];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..20].copy_from_slice(&value.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..20]);
    bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn value_in(bytes: Option<&[u8]>) -> Option<u64> {
    let value = u64::from_le_bytes(*bytes?.get(12..)?.first_chunk()?);
    (bytes? == sector(value)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimulatedDisk;

    #[test]
    fn the_mark_rises_and_survives_reopening() -> Result<(), Box<dyn std::error::Error>> {
        let disk = SimulatedDisk::new();
        let path = Path::new("HEAD");
        let mut mark = HighWaterMark::create(&disk, path, 3)?;
        for value in [4, 9, 7, 12] {
            mark.raise(value)?;
        }
        assert_eq!(HighWaterMark::open(&disk, path)?.value(), 12);
        Ok(())
    }

    /// Only the beginning of a sector was written, so that one which was cut or torn further on never was whole again: the
    /// mark rose at every other raise alone.
    #[test]
    fn a_torn_sector_is_whole_again_once_the_mark_rises() -> Result<(), Box<dyn std::error::Error>> {
        let disk = SimulatedDisk::new();
        let path = Path::new("HEAD");
        HighWaterMark::create(&disk, path, 3)?.raise(4)?;
        for (at, value) in [(SECTOR + 300, 5), (300, 6)] {
            disk.open(path)?.write_at(at as u64, b"torn")?;
            HighWaterMark::open(&disk, path)?.raise(value)?;
            assert_eq!(HighWaterMark::open(&disk, path)?.value(), value);
        }
        Ok(())
    }

    #[test]
    fn one_damaged_sector_leaves_the_other_and_two_are_an_error() -> Result<(), Box<dyn std::error::Error>> {
        let disk = SimulatedDisk::new();
        let path = Path::new("HEAD");
        HighWaterMark::create(&disk, path, 3)?.raise(4)?;
        disk.open(path)?.write_at(0, b"rubbish")?;
        assert_eq!(HighWaterMark::open(&disk, path)?.value(), 3);
        disk.open(path)?.write_at(SECTOR as u64 + 20, b"rub")?;
        assert!(matches!(HighWaterMark::open(&disk, path), Err(HighWaterError::Damaged { .. })));
        Ok(())
    }
}
