//! Other users for each user.

use std::io;
use std::path::Path;

use base::UserId;
use base::disk::{Disk, Mapped};

use super::PublishedRun;
use super::file::{Kind, UnusableFile, Verified, Writer};

/// Bytes of one offset, and of one suggestion.
const ENTRY_BYTES: usize = 8;

/// Whom to suggest to each user, in a file.
#[derive(Clone, Debug)]
pub struct Suggestions(Verified);

impl Suggestions {
    /// Verifies the bytes of a file.
    pub(crate) fn open(bytes: Mapped) -> Result<Suggestions, UnusableFile> {
        let suggestions = Suggestions(Verified::new(bytes, Kind::Suggestions)?);
        if suggestions.is_whole() { Ok(suggestions) } else { Err(UnusableFile::Damaged) }
    }

    /// Writes the file of a run, durably and in place of the one before. `of_each` has, for each of its users, other users of
    /// it with their scores, best first.
    pub(crate) fn write<'a, S>(
        disk: &dyn Disk,
        folder: &Path,
        run: &PublishedRun,
        of_each: impl Iterator<Item = S> + Clone + 'a,
    ) -> io::Result<Mapped>
    where
        S: ExactSizeIterator<Item = (UserId, f32)>,
    {
        let mut writer = Writer::create(disk, folder, Kind::Suggestions, run)?;
        let mut before: u64 = 0;
        writer.put(&before.to_le_bytes())?;
        for suggested in of_each.clone() {
            before += suggested.len() as u64;
            writer.put(&before.to_le_bytes())?;
        }
        for (user, score) in of_each.flatten() {
            writer.put(&user.0.to_le_bytes())?;
            writer.put(&score.to_le_bytes())?;
        }
        writer.finish()
    }

    /// Where they are from.
    pub fn run(&self) -> &PublishedRun {
        &self.0.run
    }

    /// Whom to suggest to a user, best first, with the score of each; nobody to one who came after the run.
    pub fn of(&self, user: UserId) -> impl ExactSizeIterator<Item = (UserId, f32)> {
        let (offsets, entries) = self.parts();
        let of_user = offsets.get(user.0 as usize).zip(offsets.get(user.0 as usize + 1));
        let range = of_user.map(|(start, end)| u64::from_le_bytes(*start) as usize..u64::from_le_bytes(*end) as usize);
        entries[range.unwrap_or_default()].iter().map(|entry| {
            let [a, b, c, d, score @ ..] = *entry;
            (UserId(u32::from_le_bytes([a, b, c, d])), f32::from_le_bytes(score))
        })
    }

    /// One offset more than there are users, and the suggestions.
    fn parts(&self) -> (&[[u8; ENTRY_BYTES]], &[[u8; ENTRY_BYTES]]) {
        let (parts, _) = self.0.body().as_chunks();
        parts.split_at((self.run().users as usize + 1).min(parts.len()))
    }

    /// Whether every offset and every user is one that there can be.
    fn is_whole(&self) -> bool {
        let (offsets, entries) = self.parts();
        let mut offsets = offsets.iter().map(|offset| u64::from_le_bytes(*offset));
        let users = self.run().users;
        self.0.body().len().is_multiple_of(ENTRY_BYTES)
            && offsets.len() == users as usize + 1
            && offsets.clone().next() == Some(0)
            && offsets.clone().is_sorted()
            && offsets.next_back() == Some(entries.len() as u64)
            && (0..users).all(|user| self.of(UserId(user)).all(|(suggested, _)| suggested.0 < users))
    }
}
