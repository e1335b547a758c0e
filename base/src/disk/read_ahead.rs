//! Large files that are read once, from their start to their end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::Scratch;
use super::real::past_cache;

/// Bytes asked of the disk at once.
const BUFFER_BYTES: usize = 4 << 20;
/// Buffers that are filled, read, or wait for either.
const BUFFERS: usize = 3;

/// Reads a file ahead of its reader, and past the system's cache where the file system can.
///
/// The cache would find and clear a page for every four kibibytes, which nobody reads again: on a virtual machine that
/// takes longer than the disk does, and what the cache held before is lost.
#[derive(Debug)]
pub struct ReadAhead {
    filled: Receiver<io::Result<Filled>>,
    empty: Sender<Scratch>,
    current: Option<Filled>,
}

#[derive(Debug)]
struct Filled {
    memory: Scratch,
    len: usize,
    read: usize,
}

impl ReadAhead {
    /// Begins to read.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or there is no memory or thread to read it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut first = Scratch::new(BUFFER_BYTES)?;
        let (file, len) = open_uncached(path, &mut first)?;
        let (empty, to_fill) = channel::<Scratch>();
        let (done, filled) = channel();
        let unused = "the receiver is in this function";
        empty.send(first).expect(unused);
        for _ in 1..BUFFERS {
            empty.send(Scratch::new(BUFFER_BYTES)?).expect(unused);
        }
        let work = move || {
            let mut offset = 0;
            // Ends, too, when the reader is gone.
            while let Ok(memory) = to_fill.recv() {
                let next = fill(&file, offset, len, memory);
                let end = next.as_ref().map_or(true, |filled| filled.len == 0);
                offset += next.as_ref().map_or(0, |filled| filled.len as u64);
                if done.send(next).is_err() || end {
                    return;
                }
            }
        };
        thread::Builder::new().name("read-ahead".to_owned()).spawn(work)?;
        Ok(ReadAhead { filled, empty, current: None })
    }
}

/// Opens a file past the cache, or as any file where that is refused: when it is opened, or only when it is read.
fn open_uncached(path: &Path, buffer: &mut Scratch) -> io::Result<(File, u64)> {
    let uncached = past_cache(OpenOptions::new().read(true)).open(path);
    let uncached = uncached.and_then(|file| file.read_at(buffer.bytes_mut(), 0).map(|_| file));
    let file = uncached.or_else(|_| File::open(path))?;
    let len = file.metadata()?.len();
    Ok((file, len))
}

/// Fills a buffer from `offset`, up to the end of a file of `len` bytes. Only there may it stay partly empty: uncached reads
/// begin where a sector does.
fn fill(file: &File, offset: u64, len: u64, mut memory: Scratch) -> io::Result<Filled> {
    let mut filled = 0;
    while filled < BUFFER_BYTES && offset + (filled as u64) < len {
        match file.read_at(&mut memory.bytes_mut()[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Filled { memory, len: filled, read: 0 })
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Some(used) = self.current.take_if(|current| current.read == current.len && current.len > 0) {
            // The thread is gone once it has found the end.
            let _ = self.empty.send(used.memory);
        }
        if self.current.is_none() {
            let next = self.filled.recv().map_err(|_| io::Error::other("the reading thread has ended"))?;
            self.current = Some(next?);
        }
        let Some(current) = &mut self.current else { return Ok(0) };
        let rest = &current.memory.bytes()[current.read..current.len];
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        current.read += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_end_whatever_its_length() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("file");
        for len in [0, 1, 511, 4_096, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES * 5 + 4_097] {
            let bytes: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            std::fs::write(&path, &bytes)?;
            let (mut read, mut reader) = (Vec::new(), ReadAhead::open(&path)?);
            reader.read_to_end(&mut read)?;
            assert!(read == bytes, "{len} bytes");
            assert_eq!(reader.read(&mut [0; 10])?, 0, "the end stays the end");
        }
        Ok(())
    }

    #[test]
    fn a_reader_may_leave_before_the_end() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("file");
        std::fs::write(&path, vec![7; BUFFER_BYTES * 4])?;
        let mut reader = ReadAhead::open(&path)?;
        let mut bytes = [0; 10];
        reader.read_exact(&mut bytes)?;
        assert_eq!(bytes, [7; 10]);
        Ok(())
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let error = ReadAhead::open(Path::new("/not/there")).expect_err("no such file");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
