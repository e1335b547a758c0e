//! Errors to and from gRPC statuses.
//!
//! The status carries code and message, for clients that know nothing more, and an `ErrorDetail` with code, field and
//! whether to retry, for those that do.

use base::{Code, Error};
use prost::Message;
use tonic::Status;

use crate::common::{self, ErrorDetail};

/// The status that a server answers. The error's source stays behind; log it before.
pub fn to_status(error: &Error) -> Status {
    let detail = ErrorDetail {
        code: wire_code(error.code()) as i32,
        message: error.message().to_owned(),
        field: error.field().unwrap_or_default().to_owned(),
        retry: error.code().retry(),
    };
    Status::with_details(tonic::Code::from_i32(error.code().grpc()), error.to_string(), detail.encode_to_vec().into())
}

/// The error that a client sees. A status that comes from the transport and not from us is `UNAVAILABLE`.
pub fn from_status(status: &Status) -> Error {
    match ErrorDetail::decode(status.details()) {
        Ok(detail) if !status.details().is_empty() => {
            let error = Error::new(base_code(detail.code()), detail.message);
            if detail.field.is_empty() { error } else { error.with_field(detail.field) }
        }
        // Not from a service of ours but from what is between us: its words are for the log.
        _ => {
            let (code, message) = match status.code() {
                tonic::Code::Unknown | tonic::Code::Cancelled | tonic::Code::Unavailable => {
                    (Code::Unavailable, "a service cannot be reached")
                }
                tonic::Code::DeadlineExceeded => (Code::DeadlineExceeded, "a service took too long to answer"),
                tonic::Code::ResourceExhausted => (Code::ResourceExhausted, "a service has too much to do"),
                code => (Code::from_grpc(code as i32), "a service could not be asked"),
            };
            Error::new(code, message).with_source(status.clone())
        }
    }
}

fn wire_code(code: Code) -> common::Code {
    match code {
        Code::InvalidArgument => common::Code::InvalidArgument,
        Code::Unauthenticated => common::Code::Unauthenticated,
        Code::PermissionDenied => common::Code::PermissionDenied,
        Code::NotFound => common::Code::NotFound,
        Code::AlreadyExists => common::Code::AlreadyExists,
        Code::RevisionTrimmed => common::Code::RevisionTrimmed,
        Code::ResourceExhausted => common::Code::ResourceExhausted,
        Code::Internal => common::Code::Internal,
        Code::DataLoss => common::Code::DataLoss,
        Code::Unavailable => common::Code::Unavailable,
        Code::ReadOnly => common::Code::ReadOnly,
        Code::DeadlineExceeded => common::Code::DeadlineExceeded,
    }
}

fn base_code(code: common::Code) -> Code {
    Code::ALL.into_iter().find(|candidate| wire_code(*candidate) == code).unwrap_or(Code::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_crosses_the_wire_whole_but_for_its_source() {
        for code in Code::ALL {
            let sent = Error::new(code, "too far").with_field("changes[3].target").with_source("secret");
            let status = to_status(&sent);
            let received = from_status(&status);
            assert_eq!(status.code() as i32, code.grpc());
            assert_eq!((received.code(), received.message(), received.field()), (code, "too far", sent.field()));
            assert!(!format!("{status:?}").contains("secret"));
        }
    }

    #[test]
    fn a_connection_that_broke_is_unavailable() {
        assert_eq!(from_status(&Status::unknown("transport error")).code(), Code::Unavailable);
        let refused = from_status(&Status::unavailable("tcp connect error: 10.0.0.7"));
        assert_eq!((refused.code(), refused.message()), (Code::Unavailable, "a service cannot be reached"));
    }
}
