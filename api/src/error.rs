//! Every answer that is none: problem details (RFC 9457).
//!
//! A handler answers a [`Problem`]; the middleware around the router writes it out, since it alone knows the request's id:
//!
//! ```json
//! {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "must be a number from 1 to 1000",
//!  "code": "INVALID_ARGUMENT", "errors": [{"field": "limit", "detail": "must be a number from 1 to 1000"}],
//!  "request_id": "5b0c3e6f-7f0e-4a55-9d2c-6a4f2b9c1d1e"}
//! ```
//!
//! `code` is the name of a [`base::Code`], whose table says what the caller should do. Three statuses are HTTP's alone
//! (405, 413, 415): the caller has to mend the request, so they carry `INVALID_ARGUMENT`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base::{Code, Error};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use crate::accounts::InsertError;
use crate::database::StoreError;

/// The media type of problem details.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// Seconds after which the caller should try again what can succeed later.
const RETRY_SECONDS: u16 = 1;
/// Seconds after which the caller should try again what a person must mend first.
const RETRY_SECONDS_READ_ONLY: u16 = 60;

/// What a handler answers: the good, or a problem.
pub(crate) type Answer<T> = Result<T, Problem>;

/// A field at fault, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    pub(crate) detail: String,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    code: Code,
    status: StatusCode,
    detail: String,
    errors: Vec<FieldError>,
}

/// The body of a problem.
#[derive(Serialize)]
struct ProblemView<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    errors: &'a [FieldError],
    request_id: &'a str,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(code.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Problem { code, status, detail: detail.into(), errors: Vec::new() }
    }

    /// All that is wrong with the fields of a request, at once.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.detail.clone(),
            several => format!("{} fields are wrong", several.len()),
        };
        Problem { errors, ..Problem::new(Code::InvalidArgument, detail) }
    }

    /// One field is wrong.
    pub(crate) fn field(field: &str, detail: impl Into<String>) -> Self {
        Problem::invalid(vec![FieldError { field: field.to_owned(), detail: detail.into() }])
    }

    /// Somebody who is not there.
    pub(crate) fn no_such_user() -> Self {
        Problem::new(Code::NotFound, "there is no user of this name")
    }

    /// A tweet that is not there, or not for this caller.
    pub(crate) fn no_such_tweet() -> Self {
        Problem::new(Code::NotFound, "there is no such tweet")
    }

    /// A notification that is not there, or not the caller's.
    pub(crate) fn no_such_notification() -> Self {
        Problem::new(Code::NotFound, "there is no such notification")
    }

    /// Parts of the service that do not answer.
    pub(crate) fn unready(parts: Vec<FieldError>) -> Self {
        Problem { errors: parts, ..Problem::new(Code::Unavailable, "not everything that is needed answers") }
    }

    /// The problem that a bare status stands for, as the framework answers it.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::UNAUTHORIZED => (Code::Unauthenticated, "log in first"),
            StatusCode::FORBIDDEN => (Code::PermissionDenied, "this is not for you"),
            StatusCode::NOT_FOUND => (Code::NotFound, "there is nothing at this path"),
            StatusCode::METHOD_NOT_ALLOWED => (Code::InvalidArgument, "this path does not have this method"),
            StatusCode::PAYLOAD_TOO_LARGE => (Code::InvalidArgument, "the body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                (Code::InvalidArgument, "the body must be JSON, and its content type say so")
            }
            StatusCode::GATEWAY_TIMEOUT => (Code::DeadlineExceeded, "the request took too long"),
            status if status.is_server_error() => (Code::Internal, "something went wrong here; it has been logged"),
            // Whatever else cannot be understood has a problem of its own by now.
            StatusCode::BAD_REQUEST => (Code::InvalidArgument, "is not UTF-8 behind its percent signs"),
            _ => (Code::InvalidArgument, "the request cannot be understood"),
        };
        let field = match status {
            StatusCode::BAD_REQUEST => Some("path"),
            StatusCode::PAYLOAD_TOO_LARGE => Some("body"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Some("Content-Type"),
            _ => None,
        };
        let errors = field.map(|field| FieldError { field: field.to_owned(), detail: detail.to_owned() });
        Problem { status, errors: errors.into_iter().collect(), ..Problem::new(code, detail) }
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// The whole response: `headers` are those that stay from the one it takes the place of.
    pub(crate) fn render(&self, mut headers: HeaderMap, request_id: &str) -> Response {
        let view = ProblemView {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code.name(),
            errors: &self.errors,
            request_id,
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = if self.code == Code::ReadOnly { RETRY_SECONDS_READ_ONLY } else { RETRY_SECONDS };
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        (self.status, headers, Json(view).into_response().into_body()).into_response()
    }
}

impl IntoResponse for Problem {
    /// The status, and the problem itself for the middleware to write out.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    /// Here an error ends, so here it is logged.
    fn from(error: Error) -> Self {
        error.log("answering a request");
        let problem = Problem::new(error.code(), error.message());
        match error.field() {
            Some(field) => {
                let field = rest_name(field).to_owned();
                Problem { errors: vec![FieldError { field, detail: error.message().to_owned() }], ..problem }
            }
            None => problem,
        }
    }
}

/// What REST calls a field of the services' requests.
fn rest_name(field: &str) -> &str {
    match field {
        "page.limit" => "limit",
        "page.cursor" => "cursor",
        "page_number" => "page",
        "at_least" => crate::extract::REVISION_HEADER,
        "idempotency_key" => crate::extract::IDEMPOTENCY_KEY_HEADER,
        other => other,
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<InsertError> for Problem {
    fn from(error: InsertError) -> Self {
        let taken = |field: &str, detail: &str| {
            Problem::from(Error::new(Code::AlreadyExists, detail.to_owned()).with_field(field))
        };
        match error {
            InsertError::UsernameTaken => taken("username", "this username is taken"),
            InsertError::EmailTaken => taken("email", "this email is taken"),
            InsertError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_services_have_the_names_of_rest() {
        let problem = Problem::from(Error::invalid("page.cursor", "not a token that this service gave out"));
        let expected =
            FieldError { field: "cursor".to_owned(), detail: "not a token that this service gave out".to_owned() };
        assert_eq!(problem.errors, [expected]);
        assert_eq!(rest_name("at_least"), "Roost-Revision");
        assert_eq!(rest_name("text"), "text");
    }

    #[test]
    fn what_can_succeed_later_says_when() {
        let seconds = |code| {
            let response = Problem::new(code, "").render(HeaderMap::new(), "id");
            response.headers().get(RETRY_AFTER).cloned()
        };
        assert_eq!(seconds(Code::Unavailable), Some(HeaderValue::from_static("1")));
        assert_eq!(seconds(Code::ResourceExhausted), Some(HeaderValue::from_static("1")));
        assert_eq!(seconds(Code::ReadOnly), Some(HeaderValue::from_static("60")));
        assert_eq!(seconds(Code::Internal), None);
    }
}
