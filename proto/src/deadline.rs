//! How long a caller waits, as gRPC says it: the `grpc-timeout` of a request, up to eight digits and a unit.

use std::time::Duration;

use base::Error;
use tonic::Request;

/// The name under which a request carries it.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

/// How long the caller of a request waits from its sending on; `None` for as long as it takes.
///
/// # Errors
///
/// `INVALID_ARGUMENT` in `grpc-timeout` for what is not a duration of gRPC's.
pub fn timeout<T>(request: &Request<T>) -> Result<Option<Duration>, Error> {
    let Some(value) = request.metadata().get(GRPC_TIMEOUT) else { return Ok(None) };
    value
        .to_str()
        .ok()
        .and_then(parse)
        .map(Some)
        .ok_or_else(|| Error::invalid(GRPC_TIMEOUT, "up to eight digits and a unit of H, M, S, m, u and n"))
}

fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 60 * 60)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sets_is_what_is_read() -> Result<(), Error> {
        let waits = [0, 1, 99_999_999, 100_000_000, 5_000_000_000, 3_600_000_000_000].map(Duration::from_nanos);
        for wait in waits {
            let mut request = Request::new(());
            request.set_timeout(wait);
            assert_eq!(timeout(&request)?, Some(wait));
        }
        assert_eq!(timeout(&Request::new(()))?, None);
        assert_eq!(parse("2H").zip(parse("3M")), Some((Duration::from_secs(7200), Duration::from_secs(180))));
        Ok(())
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for value in ["", "S", "12", "1s", "+1S", "-1S", "1 S", "123456789S", "1.5S"] {
            let mut request = Request::new(());
            request.metadata_mut().insert(GRPC_TIMEOUT, value.parse().expect("visible"));
            let refused = timeout(&request).map_err(|error| error.field().map(str::to_owned));
            assert_eq!(refused, Err(Some(GRPC_TIMEOUT.to_owned())), "{value}");
        }
    }
}
