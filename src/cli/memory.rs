//! Amounts of memory, as people write them.

/// A number of bytes: digits, and K, M or G for powers of 1,024.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "not a number of bytes".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

/// A part of what the machine has, half of it for 2, where it tells.
pub(crate) fn share_of_the_machine(parts: u64) -> Option<u64> {
    let information = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total =
        information.lines().find_map(|line| line.strip_prefix("MemTotal:")?.strip_suffix("kB")?.trim().parse().ok());
    total.map(|kibibytes: u64| (kibibytes << 10) / parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_digits_and_a_power_of_1024() {
        assert_eq!(["99", "2K", "3M", "4G"].map(bytes), [Ok(99), Ok(2 << 10), Ok(3 << 20), Ok(4 << 30)]);
        for wrong in ["", "K", "1T", "-1", "1.5G", "18446744073709551615K"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
