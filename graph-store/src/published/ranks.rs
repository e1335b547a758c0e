//! A number for each user.

use std::io;
use std::path::Path;

use base::UserId;
use base::disk::{Disk, Mapped};

use super::PublishedRun;
use super::file::{Kind, UnusableFile, Verified, Writer};

/// The ranks of all users, in a file.
#[derive(Clone, Debug)]
pub struct Ranks(Verified);

impl Ranks {
    /// Verifies the bytes of a file.
    pub(crate) fn open(bytes: Mapped) -> Result<Ranks, UnusableFile> {
        let file = Verified::new(bytes, Kind::Ranks)?;
        let expected = u64::from(file.run.users) * size_of::<f64>() as u64;
        if file.body().len() as u64 == expected { Ok(Ranks(file)) } else { Err(UnusableFile::Damaged) }
    }

    /// Writes the file of a run, durably and in place of the one before; `ranks` has one for each of its users.
    pub(crate) fn write(disk: &dyn Disk, folder: &Path, run: &PublishedRun, ranks: &[f64]) -> io::Result<Mapped> {
        let mut writer = Writer::create(disk, folder, Kind::Ranks, run)?;
        for rank in ranks {
            writer.put(&rank.to_le_bytes())?;
        }
        writer.finish()
    }

    /// Where they are from.
    pub fn run(&self) -> &PublishedRun {
        &self.0.run
    }

    /// The rank of a user; 0 of one who came after the run.
    pub fn of(&self, user: UserId) -> f64 {
        let (ranks, _) = self.0.body().as_chunks();
        ranks.get(user.0 as usize).map_or(0.0, |rank| f64::from_le_bytes(*rank))
    }
}
