//! The forms of answers: JSON, plain text, and errors as `{"error": "…"}`.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// 200 with `value` as JSON.
pub(crate) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([(header::CONTENT_TYPE, JSON)], text).into_response(),
        // A path that is not UTF-8, for one, has no form in JSON.
        Err(cause) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, &format!("the answer cannot be written as JSON: {cause}"))
        }
    }
}

/// Plain text.
pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Response {
    (status, text.into()).into_response()
}

/// An error in words.
pub(crate) fn error(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "error": message }).to_string();
    (status, [(header::CONTENT_TYPE, JSON)], body).into_response()
}
