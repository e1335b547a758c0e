//! The closed set of error codes: what happened, said as what the caller should do.
//!
//! | code | gRPC | HTTP | try again | the caller should |
//! |---|---|---|---|---|
//! | `INVALID_ARGUMENT` | 3 | 400 | no | mend the field that is named |
//! | `UNAUTHENTICATED` | 16 | 401 | no | log in |
//! | `PERMISSION_DENIED` | 7 | 403 | no | not do this |
//! | `NOT_FOUND` | 5 | 404 | no | look elsewhere |
//! | `ALREADY_EXISTS` | 6 | 409 | no | choose another name |
//! | `REVISION_TRIMMED` | 11 | 410 | no | start again from a snapshot |
//! | `RESOURCE_EXHAUSTED` | 8 | 429 | later | slow down |
//! | `INTERNAL` | 13 | 500 | no | report it |
//! | `DATA_LOSS` | 15 | 500 | no | stop, and let a person look |
//! | `UNAVAILABLE` | 14 | 503 | later | wait and try again |
//! | `READ_ONLY` | 9 | 503 | no | let a person reopen the store: after a failed fsync it refuses writes |
//! | `DEADLINE_EXCEEDED` | 4 | 504 | later | ask for less, or allow more time |
//!
//! An [`Error`] has a public message, which names the field where one is at fault, and an internal source, which can
//! only be logged. Each crate has its own error type with typed fields; at its door that becomes one of these.

use std::fmt;

/// What happened, as the caller should see it. The table is in the [module's documentation](self).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(missing_docs, reason = "the table above says what each one is")]
pub enum Code {
    InvalidArgument,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    AlreadyExists,
    RevisionTrimmed,
    ResourceExhausted,
    Internal,
    DataLoss,
    Unavailable,
    ReadOnly,
    DeadlineExceeded,
}

impl Code {
    /// Every code, in the order of the table.
    pub const ALL: [Code; 12] = [
        Code::InvalidArgument,
        Code::Unauthenticated,
        Code::PermissionDenied,
        Code::NotFound,
        Code::AlreadyExists,
        Code::RevisionTrimmed,
        Code::ResourceExhausted,
        Code::Internal,
        Code::DataLoss,
        Code::Unavailable,
        Code::ReadOnly,
        Code::DeadlineExceeded,
    ];

    /// Name, gRPC status, HTTP status and whether trying again can help.
    const fn row(self) -> (&'static str, i32, u16, bool) {
        match self {
            Code::InvalidArgument => ("INVALID_ARGUMENT", 3, 400, false),
            Code::Unauthenticated => ("UNAUTHENTICATED", 16, 401, false),
            Code::PermissionDenied => ("PERMISSION_DENIED", 7, 403, false),
            Code::NotFound => ("NOT_FOUND", 5, 404, false),
            Code::AlreadyExists => ("ALREADY_EXISTS", 6, 409, false),
            Code::RevisionTrimmed => ("REVISION_TRIMMED", 11, 410, false),
            Code::ResourceExhausted => ("RESOURCE_EXHAUSTED", 8, 429, true),
            Code::Internal => ("INTERNAL", 13, 500, false),
            Code::DataLoss => ("DATA_LOSS", 15, 500, false),
            Code::Unavailable => ("UNAVAILABLE", 14, 503, true),
            Code::ReadOnly => ("READ_ONLY", 9, 503, false),
            Code::DeadlineExceeded => ("DEADLINE_EXCEEDED", 4, 504, true),
        }
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The number of the gRPC status.
    pub const fn grpc(self) -> i32 {
        self.row().1
    }

    /// The HTTP status.
    pub const fn http(self) -> u16 {
        self.row().2
    }

    /// Whether the same request can succeed later.
    pub const fn retry(self) -> bool {
        self.row().3
    }

    /// Whether the fault is ours: such errors are logged where they are handled.
    pub const fn is_ours(self) -> bool {
        self.http() >= 500
    }

    /// The code whose gRPC status this is; [`Code::Internal`] for a status that is none of ours.
    pub fn from_grpc(status: i32) -> Code {
        Code::ALL.into_iter().find(|code| code.grpc() == status).unwrap_or(Code::Internal)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error at a service's door.
#[derive(Debug)]
pub struct Error {
    code: Code,
    message: String,
    field: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a public message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error { code, message: message.into(), field: None, source: None }
    }

    /// The caller's fault, in this field: [`Code::InvalidArgument`].
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Error::new(Code::InvalidArgument, message).with_field(field)
    }

    /// Our fault: [`Code::Internal`]. The source is logged, never shown.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::new(Code::Internal, "something went wrong here; it has been logged").with_source(source)
    }

    /// Names the field at fault.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Keeps what caused it, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the caller should do.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What was wrong, fit to be shown.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The field at fault.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// Logs the error where it is handled, once, if it is ours to look at.
    pub fn log(&self, doing: &'static str) {
        if !self.code.is_ours() {
            return;
        }
        let source = self.source.as_deref().map(|source| chain(source)).unwrap_or_default();
        if self.code.retry() {
            tracing::warn!(code = %self.code, doing, message = %self.message, %source, "request failed");
        } else {
            tracing::error!(code = %self.code, doing, message = %self.message, %source, "request failed");
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// An error and all that caused it, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_statuses_name_one_code_each() {
        for code in Code::ALL {
            assert_eq!(Code::from_grpc(code.grpc()), code);
        }
    }

    #[test]
    fn the_table_in_the_documentation_is_the_table_in_the_code() {
        let documented: Vec<_> = include_str!("error.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `"))
            .map(|row| row.split(" | ").map(|cell| cell.trim_matches('`').to_owned()).collect::<Vec<_>>())
            .collect();
        assert_eq!(documented.len(), Code::ALL.len());
        for (row, code) in documented.iter().zip(Code::ALL) {
            let again = if code.retry() { "later" } else { "no" };
            assert_eq!(row[..4], [code.name(), &code.grpc().to_string(), &code.http().to_string(), again]);
        }
    }

    #[test]
    fn the_source_is_not_shown() {
        let error = Error::internal(std::io::Error::other("disk 7 is on fire"));
        assert!(!error.to_string().contains("fire"));
        assert!(chain(&error).ends_with("disk 7 is on fire"));
    }
}
