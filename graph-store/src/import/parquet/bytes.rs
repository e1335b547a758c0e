//! The bytes of a file, which end.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// A file that says so where it has no more bytes. The library steps over what it does not know without looking whether it
/// was there: a page could claim two billion numbers after the end, each of them a call of the system.
pub(super) struct FileBytes(pub(super) File);

impl Length for FileBytes {
    fn len(&self) -> u64 {
        Length::len(&self.0)
    }
}

impl ChunkReader for FileBytes {
    type T = WholeReads;

    fn get_read(&self, start: u64) -> Result<WholeReads, ParquetError> {
        self.0.get_read(start).map(WholeReads)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.0.get_bytes(start, length)
    }
}

/// A reader to which nothing more is an error.
pub(super) struct WholeReads(BufReader<File>);

impl Read for WholeReads {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 if !buffer.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }
}
