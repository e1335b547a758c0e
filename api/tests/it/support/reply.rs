//! An answer, and what every answer must be.

use axum::body::to_bytes;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    /// Every answer has a request id and says that nobody else may keep it, and one that is an error is a whole problem with the same id.
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 64 << 20).await.expect("a body");
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let reply = Reply { status: parts.status, headers: parts.headers, text };
        let id = reply.header("x-request-id").expect("every answer has an id");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{reply:?}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{reply:?}");
        if reply.status.as_u16() >= 400 {
            let problem = reply.json();
            assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{reply:?}");
            assert_eq!(problem["status"], reply.status.as_u16(), "{reply:?}");
            assert_eq!(problem["request_id"], id, "{reply:?}");
            assert_eq!(problem["type"], "about:blank", "{reply:?}");
            assert_eq!(problem["title"], reply.status.canonical_reason().expect("a known status"), "{reply:?}");
            let mut keys: Vec<_> = problem.as_object().expect("an object").keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(keys, ["code", "detail", "errors", "request_id", "status", "title", "type"]);
        }
        reply
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The JSON, if the status is this one.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        if status < 400 {
            assert_eq!(self.header(header::CONTENT_TYPE.as_str()), Some("application/json"));
        }
        self.json()
    }

    /// The code and the fields of a problem, if the status is this one.
    pub(crate) fn problem(&self, status: u16) -> (String, Vec<String>) {
        let problem = self.expect(status);
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let errors = problem["errors"].as_array().expect("a list");
        assert!(errors.iter().all(|error| !text(&error["detail"]).is_empty()), "{problem}");
        (text(&problem["code"]), errors.iter().map(|error| text(&error["field"])).collect())
    }

    /// Checks that the one thing wrong is this field.
    pub(crate) fn refuses(&self, field: &str) {
        assert_eq!(self.problem(400), ("INVALID_ARGUMENT".to_owned(), vec![field.to_owned()]));
    }

    /// Checks that it is a problem with this code and this field.
    pub(crate) fn names(&self, status: u16, code: &str, field: &str) {
        assert_eq!(self.problem(status), (code.to_owned(), vec![field.to_owned()]));
    }

    /// Checks that it is a problem with this code and no field.
    pub(crate) fn is(&self, status: u16, code: &str) {
        assert_eq!(self.problem(status), (code.to_owned(), Vec::new()));
    }
}
