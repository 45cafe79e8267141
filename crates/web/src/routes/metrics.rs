//! `/metrics`: what Prometheus scrapes.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    App,
    exposition::{Format, expose},
};
use crate::{
    answer,
    calls::{Call, NoResult},
};

/// All metrics, in OpenMetrics for those who accept it, else in Prometheus' own text format.
pub(super) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, NoResult> {
    let format = accepted(&headers);
    let exposed = app.calls.run(Call::Reading, move |operations| expose(operations.metrics(), format)).await?;
    Ok(match exposed {
        Ok(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(cause) => answer::error(StatusCode::INTERNAL_SERVER_ERROR, &cause.to_string()),
    })
}

/// Whoever knows OpenMetrics names it; a browser and `curl` do not, and show plain text only.
fn accepted(headers: &HeaderMap) -> Format {
    let mut accepts = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    if accepts.any(|accept| accept.contains("application/openmetrics-text")) {
        Format::OpenMetrics
    } else {
        Format::Prometheus
    }
}
