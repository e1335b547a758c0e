//! Memory and files that end with whoever has them: for work that is larger than the heap should be.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::MmapMut;

/// From this size on memory is asked for in huge pages, which make scattered writes three times as fast.
const HUGE_FROM_BYTES: usize = 16 << 20;

/// Zeroed memory that goes back to the system, all of it and at once, when it is dropped. An allocator might keep it.
#[derive(Debug)]
pub struct Scratch(MmapMut);

impl Scratch {
    /// So many bytes, which take no memory before they are written.
    ///
    /// # Errors
    ///
    /// The system has no room for them.
    pub fn new(bytes: usize) -> io::Result<Self> {
        let memory = MmapMut::map_anon(bytes)?;
        #[cfg(target_os = "linux")]
        if bytes >= HUGE_FROM_BYTES {
            // A wish; without it everything works, only slower.
            let _ = memory.advise(memmap2::Advice::HugePage);
        }
        Ok(Scratch(memory))
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be written.
    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// An empty file without a name, on the disk of `folder` or of the nearest folder above it that exists. However the
/// process ends, nothing is left of it.
pub fn scratch_file(folder: &Path) -> io::Result<File> {
    let existing = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    tempfile::tempfile_in(existing)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn a_scratch_file_leaves_no_name_and_needs_no_folder() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = scratch_file(&folder.path().join("not/there"))?;
        file.write_all_at(b"roost", 3)?;
        let mut bytes = [0; 5];
        file.read_exact_at(&mut bytes, 3)?;
        assert_eq!((&bytes, std::fs::read_dir(folder.path())?.count()), (b"roost", 0));
        Ok(())
    }

    #[test]
    fn scratch_memory_is_zero_and_can_be_written() -> io::Result<()> {
        let mut scratch = Scratch::new(HUGE_FROM_BYTES)?;
        assert!(scratch.bytes().iter().all(|byte| *byte == 0));
        scratch.bytes_mut()[HUGE_FROM_BYTES - 1] = 7;
        assert_eq!(scratch.bytes()[HUGE_FROM_BYTES - 1], 7);
        Ok(())
    }
}
