//! The fields of a JSON object, taken one by one, so that everything that is wrong with them is reported at once.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::accounts::validation::Checked;
use crate::error::{Answer, FieldError, Problem};

/// The field that is named when the body as a whole is wrong.
const WHOLE: &str = "body";

/// A JSON object, and what has been found wrong with it so far. End with [`Body::finish`], or the wrong goes unreported.
#[derive(Debug)]
pub(crate) struct Body {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Answer<Self> {
        if !says_json(request.headers()) {
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Problem::of_status(rejection.into_response().status()))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Body { fields, errors: Vec::new() }),
            Ok(_) => Err(Problem::field(WHOLE, "must be a JSON object")),
            Err(error) => Err(Problem::field(WHOLE, format!("is not JSON: {error}"))),
        }
    }
}

impl Body {
    /// A text that must be there. Where it is missing or wrong that is noted, and the answer stands for nothing.
    pub(crate) fn required(&mut self, field: &str, check: impl FnOnce(String) -> Checked<String>) -> String {
        match self.fields.remove(field) {
            None | Some(Value::Null) => self.refuse(field, "must be given"),
            Some(value) => self.checked(field, value, check),
        }
    }

    /// A text that may be missing or null.
    pub(crate) fn optional(&mut self, field: &str, check: impl FnOnce(String) -> Checked<String>) -> Option<String> {
        self.patch(field, check).flatten()
    }

    /// A text to set, or null to clear it; the outer `None` where it is missing.
    pub(crate) fn patch(
        &mut self,
        field: &str,
        check: impl FnOnce(String) -> Checked<String>,
    ) -> Option<Option<String>> {
        match self.fields.remove(field)? {
            Value::Null => Some(None),
            value => Some(Some(self.checked(field, value, check))),
        }
    }

    /// A field of any type.
    pub(crate) fn take(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field).filter(|value| !value.is_null())
    }

    /// Notes what is wrong with a field.
    pub(crate) fn refuse(&mut self, field: &str, detail: impl Into<String>) -> String {
        self.errors.push(FieldError { field: field.to_owned(), detail: detail.into() });
        String::new()
    }

    /// Refuses what nobody took.
    pub(crate) fn refuse_the_rest(&mut self) {
        for (field, _) in std::mem::take(&mut self.fields) {
            self.refuse(&field, "there is no such field, or it cannot be changed");
        }
    }

    /// All that was noted, as one problem.
    pub(crate) fn finish(self) -> Answer<()> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }

    fn checked(&mut self, field: &str, value: Value, check: impl FnOnce(String) -> Checked<String>) -> String {
        let checked = match value {
            Value::String(text) => check(text),
            _ => Err("must be a string".to_owned()),
        };
        checked.unwrap_or_else(|wrong| self.refuse(field, wrong))
    }
}

/// `application/json`, or any type that is JSON underneath, such as `application/merge-patch+json`.
fn says_json(headers: &HeaderMap) -> bool {
    let Some(Ok(content_type)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_by_several_names() {
        for (content_type, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().expect("a header"))]);
            assert_eq!(says_json(&headers), expected, "{content_type}");
        }
        assert!(!says_json(&HeaderMap::new()));
    }
}
