//! `POST /api/v1/reload`: the configuration again.

use std::sync::Arc;

use axum::{
    body::{self, Body},
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::App;
use crate::{
    answer,
    calls::{Call, NoResult},
};

/// A body is not needed. One that some client sends all the same is read, since closing a connection that holds unread
/// bytes resets it, and the answer with it.
const MOST_BODY_BYTES: usize = 64 * 1024;

/// 200 with what was done; 422 when the configuration is not in order, 409 while another reload is running.
pub(super) async fn reload(State(app): State<Arc<App>>, body: Body) -> Response {
    match tokio::time::timeout(app.limits.transfer_time, body::to_bytes(body, MOST_BODY_BYTES)).await {
        Ok(Ok(_)) => {}
        Ok(Err(_)) => {
            let message = format!("a reload needs no body, and none is read over {MOST_BODY_BYTES} bytes");
            return answer::error(StatusCode::PAYLOAD_TOO_LARGE, &message);
        }
        Err(_) => return answer::error(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
    }
    match app.calls.run(Call::Reload, |operations| operations.reload()).await {
        Ok(Ok(report)) => answer::json(&report),
        Ok(Err(refused)) => answer::error(StatusCode::UNPROCESSABLE_ENTITY, &refused.to_string()),
        Err(NoResult::Busy) => {
            answer::error(StatusCode::CONFLICT, "another reload is running; try again when it has ended")
        }
        Err(no_result) => no_result.into_response(),
    }
}
