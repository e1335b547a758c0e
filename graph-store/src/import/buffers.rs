//! Buffers that go round: memory that was just given back is in the cache, and memory from the system has to be cleared.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::Mutex;

/// Spare buffers of one reader.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// Bytes that are given back when they are dropped.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Buffers {
    /// A buffer of so many bytes, whatever they are.
    pub(super) fn take(&self, len: usize) -> Buffer {
        let mut bytes = self.0.lock().pop().unwrap_or_default();
        bytes.resize(len, 0);
        Buffer { bytes, home: self.clone() }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.0.lock().push(std::mem::take(&mut self.bytes));
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_was_dropped_is_given_out_again() {
        let buffers = Buffers::default();
        let first = buffers.take(100_000);
        let place = first.as_ptr();
        drop(first);
        let again = buffers.take(10);
        assert_eq!((again.as_ptr(), again.len()), (place, 10));
        assert_ne!(buffers.take(10).as_ptr(), place);
    }
}
