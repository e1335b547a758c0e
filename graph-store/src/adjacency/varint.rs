//! Numbers of one to ten bytes: seven bits a byte, lowest first, the top bit set in all but the last.
//!
//! A number has one encoding, the shortest: bytes that could have been fewer are corrupt.

use super::CorruptList;

/// Bytes of the greatest number.
const BYTES_MAX: usize = 10;

/// Appends a number.
pub(crate) fn write(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The bytes that [`write`] appends.
pub(crate) fn measure(number: u64) -> usize {
    (64 - (number | 1).leading_zeros()).div_ceil(7) as usize
}

/// Takes a number off the front of `bytes`.
pub(crate) fn read(bytes: &mut &[u8]) -> Result<u64, CorruptList> {
    let mut number = 0;
    for (i, &byte) in bytes.iter().take(BYTES_MAX).enumerate() {
        let bits = u64::from(byte & 0x7f);
        number |= bits << (7 * i);
        if byte < 0x80 {
            let overflows = i == BYTES_MAX - 1 && bits > 1;
            if overflows || (byte == 0 && i > 0) {
                return Err(CorruptList::Number);
            }
            *bytes = &bytes[i + 1..];
            return Ok(number);
        }
    }
    Err(CorruptList::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_comes_back_and_leaves_the_rest(number: u64, shift in 0u32..64) {
            let number = number >> shift;
            let mut bytes = Vec::new();
            write(number, &mut bytes);
            prop_assert_eq!(bytes.len(), measure(number));
            bytes.push(7);
            let mut rest = &bytes[..];
            prop_assert_eq!(read(&mut rest), Ok(number));
            prop_assert_eq!(rest, &[7]);
        }
    }

    #[test]
    fn the_greatest_number_fits_and_a_greater_does_not() {
        let mut bytes = [0xff; BYTES_MAX];
        bytes[9] = 1;
        assert_eq!(read(&mut &bytes[..]), Ok(u64::MAX));
        bytes[9] = 2;
        assert_eq!(read(&mut &bytes[..]), Err(CorruptList::Number));
        assert_eq!(read(&mut &[0x80; 11][..]), Err(CorruptList::Number));
    }

    #[test]
    fn cut_and_overlong_numbers_are_refused() {
        assert_eq!(read(&mut &[0x80][..]), Err(CorruptList::Number));
        assert_eq!(read(&mut &[][..]), Err(CorruptList::Number));
        assert_eq!(read(&mut &[0x81, 0x00][..]), Err(CorruptList::Number));
    }
}
