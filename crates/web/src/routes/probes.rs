//! `/healthz` and `/readyz`: plain text for whoever watches over the daemon, also without a token; reasons only for
//! those who may read everything.

use std::sync::Arc;

use axum::{Extension, extract::State, http::StatusCode, response::Response};

use super::App;
use crate::{access::Admitted, answer, calls::Call};

/// Whether the daemon is alive. That it does not say so in time is an answer as well.
pub(super) async fn healthz(State(app): State<Arc<App>>, Extension(admitted): Extension<Admitted>) -> Response {
    let reason = match app.calls.run(Call::Liveness, |operations| operations.alive()).await {
        Ok(Ok(())) => return answer::text(StatusCode::OK, "ok\n"),
        Ok(Err(reason)) => reason,
        Err(no_result) => no_result.to_string(),
    };
    unavailable("not alive", &[reason], admitted)
}

/// Whether the daemon is ready.
pub(super) async fn readyz(State(app): State<Arc<App>>, Extension(admitted): Extension<Admitted>) -> Response {
    let reasons = match app.calls.run(Call::Readiness, |operations| operations.not_ready()).await {
        Ok(reasons) if reasons.is_empty() => return answer::text(StatusCode::OK, "ready\n"),
        Ok(reasons) => reasons,
        Err(no_result) => vec![no_result.to_string()],
    };
    unavailable("not ready", &reasons, admitted)
}

/// 503 with `summary`, or with a line for each reason.
fn unavailable(summary: &str, reasons: &[String], admitted: Admitted) -> Response {
    let text = match admitted {
        Admitted::Reader => reasons.join("\n"),
        Admitted::Passerby => summary.to_string(),
    };
    answer::text(StatusCode::SERVICE_UNAVAILABLE, text + "\n")
}
