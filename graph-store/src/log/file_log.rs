//! The embedded change log: numbered append-only files of checksummed frames.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::Revision;
use base::disk::{Disk, DiskFile, HighWaterError, HighWaterMark};
use parking_lot::Mutex;
use rayon::prelude::*;

use super::frame::{self, FRAME_HEADER_LEN, Frame, HEADER_LEN, PAYLOAD_MAX};
use super::recovery::{Cut, PLACE_EVERY, Scan, scan};
use super::{ChangeLog, LogError, Record};

/// A new file is begun once one has grown to this: trimming lets whole files go.
const FILE_BYTES: u64 = 64 << 20;
const MARK: &str = "HEAD";

/// Numbered append-only files in one folder, and a high-water mark beside them that tells a lost tail.
#[derive(Debug)]
pub struct FileLog {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    file_bytes: u64,
    files: Mutex<Vec<LogFile>>,
    writer: Mutex<Writer>,
}

/// What is known of one file. The last one is being written.
#[derive(Debug)]
struct LogFile {
    after: Revision,
    last: Revision,
    end: u64,
    places: Vec<(Revision, u64)>,
}

#[derive(Debug)]
struct Writer {
    file: Box<dyn DiskFile>,
    mark: HighWaterMark,
    refused: bool,
}

impl FileLog {
    /// Creates an empty log in a folder.
    ///
    /// # Errors
    ///
    /// What the disk said.
    pub fn create(disk: Arc<dyn Disk>, folder: &Path) -> Result<FileLog, LogError> {
        disk.create_folder(folder).map_err(|source| io_error(folder, "created", source))?;
        create_file(disk.as_ref(), folder, Revision::ZERO)?;
        HighWaterMark::create(disk.as_ref(), &folder.join(MARK), 0)?;
        Self::open(disk, folder).map(|(log, _)| log)
    }

    /// Opens the log of a folder: every frame is checked, a torn one at the very end cut off, which is reported, and the last
    /// whole one made certain.
    ///
    /// # Errors
    ///
    /// Damage anywhere else, a missing file, and an end before the last acknowledged revision.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path) -> Result<(FileLog, Option<Cut>), LogError> {
        let names = disk.names(folder).map_err(|source| io_error(folder, "listed", source))?;
        let mark = HighWaterMark::open(disk.as_ref(), &folder.join(MARK))?;
        let starts: Vec<Revision> = names.iter().filter_map(|name| frame::parse_file_name(name)).collect();
        // All cores: a log at its bound has hundreds of millions of records.
        let scanned = starts.par_iter().enumerate().map(|(idx, after)| {
            let path = folder.join(frame::file_name(*after));
            let bytes = disk.read(&path).map_err(|source| io_error(&path, "read", source))?;
            let scan = scan(&path, &bytes, *after, idx + 1 == starts.len())?;
            Ok((path, *after, scan))
        });
        let mut files = Vec::<LogFile>::new();
        let (mut cut, mut last_frame) = (None, 0);
        for (path, after, Scan { last, last_frame: begins, end, places, torn }) in
            scanned.collect::<Result<Vec<_>, LogError>>()?
        {
            if let Some(before) = files.last()
                && before.last != after
            {
                return Err(LogError::Gap { path, expected: before.last.0, found: after.0 });
            }
            if torn > 0 || end == 0 {
                cut = Some(Cut { path, offset: end, bytes: torn });
            }
            last_frame = begins;
            files.push(LogFile { after, last, end, places });
        }
        let Some(newest) = files.last_mut() else {
            return Err(LogError::Lost { acknowledged: mark.value(), found: 0 });
        };
        if newest.last.0 < mark.value() {
            return Err(LogError::Lost { acknowledged: mark.value(), found: newest.last.0 });
        }
        let path = folder.join(frame::file_name(newest.after));
        let file = if newest.end == 0 {
            newest.end = HEADER_LEN as u64;
            create_file(disk.as_ref(), folder, newest.after)?
        } else {
            let mut file = disk.open(&path).map_err(|source| io_error(&path, "opened", source))?;
            if cut.is_some() {
                file.set_len(newest.end).map_err(|e| io_error(&path, "cut", e))?;
            }
            make_certain(file.as_mut(), last_frame..newest.end).map_err(|e| io_error(&path, "synced", e))?;
            disk.sync_folder(folder).map_err(|e| io_error(folder, "synced", e))?;
            file
        };
        let writer = Mutex::new(Writer { file, mark, refused: false });
        let folder = folder.to_owned();
        Ok((FileLog { disk, folder, file_bytes: FILE_BYTES, files: Mutex::new(files), writer }, cut))
    }

    /// Begins a new file after so many bytes, instead of 64 MiB.
    #[must_use]
    pub fn with_file_bytes(mut self, file_bytes: u64) -> Self {
        self.file_bytes = file_bytes;
        self
    }

    fn path_of(&self, after: Revision) -> PathBuf {
        self.folder.join(frame::file_name(after))
    }

    /// Where the next frame goes: the newest file, or a new one where that has grown enough.
    fn place_to_append(&self, writer: &mut Writer) -> Result<(Revision, u64), LogError> {
        let (last, end) = {
            let files = self.files.lock();
            files.last().map_or((Revision::ZERO, 0), |newest| (newest.last, newest.end))
        };
        if end < self.file_bytes {
            return Ok((last, end));
        }
        writer.mark.sync().map_err(|source| io_error(&self.folder.join(MARK), "synced", source))?;
        writer.file = create_file(self.disk.as_ref(), &self.folder, last)?;
        let end = HEADER_LEN as u64;
        self.files.lock().push(LogFile { after: last, last, end, places: Vec::new() });
        Ok((last, end))
    }

    fn append_to(&self, writer: &mut Writer, records: &[Record]) -> Result<Revision, LogError> {
        let (after, offset) = self.place_to_append(writer)?;
        let bytes = frame::encode(after, records);
        if bytes.len() - FRAME_HEADER_LEN > PAYLOAD_MAX {
            return Err(LogError::TooLarge { bytes: bytes.len(), max: PAYLOAD_MAX });
        }
        let last = Revision(after.0 + records.len() as u64);
        let written = writer.file.write_at(offset, &bytes).and_then(|()| writer.file.sync());
        written.and_then(|()| writer.mark.raise(last.0)).map_err(|e| io_error(&self.path_of(after), "written", e))?;
        if let Some(newest) = self.files.lock().last_mut() {
            if newest.places.last().is_none_or(|(_, place)| offset >= place + PLACE_EVERY) {
                newest.places.push((after, offset));
            }
            newest.last = last;
            newest.end = offset + bytes.len() as u64;
        }
        Ok(last)
    }
}

/// Makes certain what a process before may have written and not synced: its last frame, since each is synced before the
/// next is written. From here on it counts, and it may be in the system's cache alone. It is written again, too: what
/// could not be synced the system takes for written.
fn make_certain(file: &mut dyn DiskFile, frame: Range<u64>) -> io::Result<()> {
    let bytes = file.read_at(frame.start, (frame.end - frame.start) as usize)?;
    file.write_at(frame.start, &bytes)?;
    file.sync()
}

impl ChangeLog for FileLog {
    fn append(&self, records: &[Record]) -> Result<Revision, LogError> {
        let mut writer = self.writer.lock();
        if writer.refused {
            return Err(LogError::Refused);
        }
        let appended = self.append_to(&mut writer, records);
        // What is too large was not written; after anything else nobody knows what the disk holds.
        writer.refused = matches!(&appended, Err(error) if !matches!(error, LogError::TooLarge { .. }));
        appended
    }

    fn refuse(&self) {
        self.writer.lock().refused = true;
    }

    fn refuses(&self) -> bool {
        self.writer.lock().refused
    }

    fn read(&self, after: Revision, limit: usize) -> Result<Vec<(Revision, Record)>, LogError> {
        let mut found = Vec::new();
        let mut after = after;
        while found.len() < limit {
            // The files are few; the place is looked up anew for each, since trimming may let one go in between.
            let (path, start, end) = {
                let files = self.files.lock();
                let start = files.first().map_or(Revision::ZERO, |file| file.after);
                if after < start {
                    return Err(LogError::Trimmed { start: start.0 });
                }
                let Some(file) = files.iter().find(|file| file.after <= after && after < file.last) else { break };
                let place = file.places.partition_point(|(revision, _)| *revision <= after);
                let start = place.checked_sub(1).map_or(HEADER_LEN as u64, |place| file.places[place].1);
                // Two places at the most: the frame wanted begins before the second.
                let end = file.places.get(place + 1).map_or(file.end, |(_, offset)| *offset);
                (self.path_of(file.after), start, end)
            };
            let read = self.disk.open(&path).and_then(|file| file.read_at(start, (end - start) as usize));
            let bytes = match read {
                // Trimmed since it was looked up.
                Err(_) if self.start() > after => continue,
                read => read.map_err(|source| io_error(&path, "read", source))?,
            };
            let mut offset = 0;
            while offset < bytes.len() && found.len() < limit {
                let damaged = || LogError::Damaged { path: path.clone(), offset: start + offset as u64 };
                let frame = Frame::parse(&bytes[offset..]).ok_or_else(damaged)?;
                for record in frame.records() {
                    let (revision, record) = record.ok_or_else(damaged)?;
                    if revision > after {
                        found.push((revision, record));
                    }
                }
                offset += frame.whole_len();
            }
            after = found.last().map_or(after, |(revision, _)| *revision);
        }
        Ok(found)
    }

    fn trim(&self, up_to: Revision) -> Result<(), LogError> {
        loop {
            let oldest = {
                let mut files = self.files.lock();
                if files.len() < 2 || files[0].last > up_to {
                    return Ok(());
                }
                files.remove(0)
            };
            // Oldest first and the name made certain each time: a cut leaves a log without a hole.
            let path = self.path_of(oldest.after);
            let removed = match self.disk.remove(&path) {
                // Removed before, when its name could not be made certain.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            };
            if let Err(source) = removed.and_then(|()| self.disk.sync_folder(&self.folder)) {
                // It goes before any later one the next time, for the same reason.
                self.files.lock().insert(0, oldest);
                return Err(io_error(&path, "removed", source));
            }
        }
    }

    fn start(&self) -> Revision {
        self.files.lock().first().map_or(Revision::ZERO, |file| file.after)
    }

    fn last(&self) -> Revision {
        self.files.lock().last().map_or(Revision::ZERO, |file| file.last)
    }

    fn bytes(&self) -> u64 {
        self.files.lock().iter().map(|file| file.end).sum()
    }

    fn bytes_after(&self, revision: Revision) -> u64 {
        self.files.lock().iter().filter(|file| file.last > revision).map(|file| file.end).sum()
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        let mut writer = self.writer.lock();
        if !writer.refused
            && let Err(error) = writer.mark.sync()
        {
            tracing::warn!(%error, "high-water mark not synced");
        }
    }
}

/// A new file, durable with its name before anything is written behind its header.
fn create_file(disk: &dyn Disk, folder: &Path, after: Revision) -> Result<Box<dyn DiskFile>, LogError> {
    let path = folder.join(frame::file_name(after));
    let create = || {
        let mut file = disk.create(&path)?;
        file.write_at(0, &frame::header(after))?;
        file.sync()?;
        disk.sync_folder(folder)?;
        Ok(file)
    };
    create().map_err(|source| io_error(&path, "created", source))
}

fn io_error(path: &Path, doing: &'static str, source: io::Error) -> LogError {
    LogError::Io { path: path.to_owned(), doing, source }
}

impl From<LogError> for base::Error {
    fn from(error: LogError) -> Self {
        let (code, message) = match &error {
            LogError::Trimmed { .. } => (base::Code::RevisionTrimmed, "the log no longer reaches back that far"),
            LogError::Refused | LogError::Io { .. } => (base::Code::ReadOnly, "the store refuses writes"),
            LogError::TooLarge { .. } => (base::Code::InvalidArgument, "too much at once"),
            LogError::Damaged { .. }
            | LogError::Gap { .. }
            | LogError::Lost { .. }
            | LogError::Mark(HighWaterError::Damaged { .. } | HighWaterError::Io { .. }) => {
                (base::Code::DataLoss, "the change log is damaged")
            }
        };
        base::Error::new(code, message).with_source(error)
    }
}
