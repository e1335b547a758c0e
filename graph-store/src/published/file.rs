//! What the files of published runs have in common: how they begin, their checksum, and that they are written whole.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use base::Revision;
use base::disk::{Disk, DiskFile, Mapped};

use super::PublishedRun;
use crate::bytes;

/// Bytes of a job's name.
pub const JOB_MAX_BYTES: usize = 64;
/// Bytes of a job's parameters.
pub const PARAMETERS_MAX_BYTES: usize = 4096;

const MAGIC: &[u8; 8] = b"ROOSTPUB";
const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 4;
/// Bytes that are gathered for one write.
const WRITE_BYTES: usize = 1 << 20;

/// What a file is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A number for each user.
    Ranks = 1,
    /// Users for each user.
    Suggestions = 2,
}

impl Kind {
    pub(crate) const ALL: [Kind; 2] = [Kind::Ranks, Kind::Suggestions];

    /// The name of the file.
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Kind::Ranks => "published-ranks.table",
            Kind::Suggestions => "published-suggestions.table",
        }
    }
}

/// Whether a file of this name is one that was not finished.
pub(crate) fn is_unfinished(name: &str) -> bool {
    Kind::ALL.iter().any(|kind| Path::new(kind.file_name()).with_extension("tmp") == Path::new(name))
}

/// A file is there, but cannot be answered from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnusableFile {
    /// It is not what was written.
    #[error("is damaged")]
    Damaged,
    /// It was written by another version of Roost.
    #[error("has the format version {found}, and {VERSION} is known")]
    Version {
        /// That of the file.
        found: u32,
    },
}

/// A file whose beginning and checksum are right.
#[derive(Clone, Debug)]
pub(super) struct Verified {
    pub(super) run: PublishedRun,
    bytes: Mapped,
    body: Range<usize>,
}

impl Verified {
    /// Verifies all bytes of a file.
    pub(super) fn new(bytes: Mapped, kind: Kind) -> Result<Verified, UnusableFile> {
        let (covered, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(UnusableFile::Damaged)?;
        let mut rest = covered.strip_prefix(MAGIC).ok_or(UnusableFile::Damaged)?;
        let found = bytes::take_u32(&mut rest).ok_or(UnusableFile::Damaged)?;
        if crc32c::crc32c(covered) != u32::from_le_bytes(*checksum) {
            return Err(UnusableFile::Damaged);
        }
        if found != VERSION {
            return Err(UnusableFile::Version { found });
        }
        let run = take_run(&mut rest, kind).ok_or(UnusableFile::Damaged)?;
        let body = covered.len() - rest.len()..covered.len();
        Ok(Verified { run, bytes, body })
    }

    /// What follows the beginning.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[self.body.clone()]
    }
}

fn take_run(rest: &mut &[u8], kind: Kind) -> Option<PublishedRun> {
    if bytes::take_u32(rest)? != kind as u32 {
        return None;
    }
    let revision = Revision(bytes::take_u64(rest)?);
    let finished_at = bytes::take_u64(rest)?;
    let users = bytes::take_u32(rest)?;
    let job = take_text(rest, JOB_MAX_BYTES)?;
    let parameters = take_text(rest, PARAMETERS_MAX_BYTES)?;
    Some(PublishedRun { job, parameters, revision, finished_at, users })
}

fn take_text(rest: &mut &[u8], max_bytes: usize) -> Option<String> {
    let len = Some(bytes::take_u32(rest)? as usize).filter(|len| *len <= max_bytes)?;
    String::from_utf8(bytes::take_slice(rest, len)?.to_vec()).ok()
}

/// Writes a file under another name, and gives it its own once all of it is on the disk.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    disk: &'a dyn Disk,
    file: Box<dyn DiskFile>,
    folder: &'a Path,
    path: PathBuf,
    buffer: Vec<u8>,
    written: u64,
    checksum: u32,
}

impl<'a> Writer<'a> {
    /// Begins the file of a run in a folder.
    pub(super) fn create(
        disk: &'a dyn Disk,
        folder: &'a Path,
        kind: Kind,
        run: &PublishedRun,
    ) -> io::Result<Writer<'a>> {
        let path = folder.join(kind.file_name());
        let file = disk.create(&path.with_extension("tmp"))?;
        let mut writer = Writer { disk, file, folder, path, buffer: Vec::new(), written: 0, checksum: 0 };
        writer.put(MAGIC)?;
        writer.put(&VERSION.to_le_bytes())?;
        writer.put(&(kind as u32).to_le_bytes())?;
        writer.put(&run.revision.0.to_le_bytes())?;
        writer.put(&run.finished_at.to_le_bytes())?;
        writer.put(&run.users.to_le_bytes())?;
        for (text, max_bytes) in [(&run.job, JOB_MAX_BYTES), (&run.parameters, PARAMETERS_MAX_BYTES)] {
            if text.len() > max_bytes {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "the name or the parameters are too long"));
            }
            writer.put(&(text.len() as u32).to_le_bytes())?;
            writer.put(text.as_bytes())?;
        }
        Ok(writer)
    }

    /// Appends some bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < WRITE_BYTES { Ok(()) } else { self.flush() }
    }

    /// Makes it the file of its kind, durably and at once; answers its bytes.
    pub(super) fn finish(mut self) -> io::Result<Mapped> {
        self.flush()?;
        let checksum = self.checksum;
        self.put(&checksum.to_le_bytes())?;
        self.flush()?;
        self.file.sync()?;
        drop(self.file);
        self.disk.rename(&self.path.with_extension("tmp"), &self.path)?;
        self.disk.sync_folder(self.folder)?;
        self.disk.map(&self.path)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(self.written, &self.buffer)?;
        self.checksum = crc32c::crc32c_append(self.checksum, &self.buffer);
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
