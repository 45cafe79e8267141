//! `/api/v1/status`, `/api/v1/cameras` and `/api/v1/config`: what runs.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::Response,
};
use sightline_core::operations::CameraReport;

use super::App;
use crate::{
    answer,
    calls::{Call, NoResult},
};

/// What runs, and how the brokers are doing.
pub(super) async fn status(State(app): State<Arc<App>>) -> Result<Response, NoResult> {
    app.calls.run(Call::Reading, |operations| answer::json(&operations.status())).await
}

/// The configuration in force.
pub(super) async fn config(State(app): State<Arc<App>>) -> Result<Response, NoResult> {
    app.calls.run(Call::Reading, |operations| answer::json(&*operations.config())).await
}

/// What the cameras are doing.
pub(super) async fn cameras(State(app): State<Arc<App>>) -> Result<Response, NoResult> {
    #[derive(serde::Serialize)]
    struct Cameras {
        cameras: Vec<CameraReport>,
    }
    app.calls.run(Call::Reading, |operations| answer::json(&Cameras { cameras: operations.cameras() })).await
}

/// What one camera is doing.
pub(super) async fn camera(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, NoResult> {
    let Ok(Path(id)) = id else {
        return Ok(answer::error(StatusCode::BAD_REQUEST, "the camera's id is not UTF-8 once its %XX are read"));
    };
    app.calls.run(Call::Reading, move |operations| one_camera(&id, &operations.cameras())).await
}

fn one_camera(id: &str, cameras: &[CameraReport]) -> Response {
    if let Some(camera) = cameras.iter().find(|camera| &*camera.id == id) {
        return answer::json(camera);
    }
    let known: Vec<&str> = cameras.iter().map(|camera| &*camera.id).collect();
    let message = match known.as_slice() {
        [] => format!("no camera {id:?}: there are none"),
        known => format!("no camera {id:?}; there are {}", known.join(", ")),
    };
    answer::error(StatusCode::NOT_FOUND, &message)
}
