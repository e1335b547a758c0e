//! Ids and times as JSON has them, written without a string in between.

use std::fmt;
use std::io::Write;

use jiff::Timestamp;
use jiff::fmt::StdIoWrite;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Serialize, Serializer};

/// An id: a string of digits, since JavaScript's numbers end at 2^53.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal(pub(crate) u64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(itoa::Buffer::new().format(self.0))
    }
}

/// A time in milliseconds since 1970: RFC 3339, in UTC, with milliseconds, `2026-01-01T00:00:00.000Z`. Times past the year 9999 are its
/// last millisecond.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rfc3339(pub(crate) u64);

impl Rfc3339 {
    const LEN: usize = "2026-01-01T00:00:00.000Z".len();
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

    fn write(self, buffer: &mut [u8; Self::LEN]) -> Option<&str> {
        let time = i64::try_from(self.0).ok().and_then(|time_ms| Timestamp::from_millisecond(time_ms).ok());
        let mut rest = &mut buffer[..];
        Self::PRINTER.print_timestamp(&time.unwrap_or(Timestamp::MAX), StdIoWrite(&mut rest as &mut dyn Write)).ok()?;
        std::str::from_utf8(buffer).ok()
    }
}

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.write(&mut [0; Self::LEN]).ok_or(fmt::Error)?)
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0; Self::LEN];
        let written = self.write(&mut buffer);
        serializer.serialize_str(written.ok_or_else(|| serde::ser::Error::custom("a time of another length"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_always_there() {
        let json = |time_ms| serde_json::to_string(&Rfc3339(time_ms)).expect("a time");
        assert_eq!(json(1_767_225_600_000), r#""2026-01-01T00:00:00.000Z""#);
        assert_eq!(json(1_767_225_600_007), r#""2026-01-01T00:00:00.007Z""#);
        assert_eq!(json(0), r#""1970-01-01T00:00:00.000Z""#);
        assert_eq!(json(u64::MAX), r#""9999-12-30T22:00:00.999Z""#);
        assert_eq!(Rfc3339(0).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_greatest_id_is_exact() {
        assert_eq!(serde_json::to_string(&Decimal(u64::MAX)).expect("an id"), r#""18446744073709551615""#);
    }
}
