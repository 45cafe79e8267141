//! Which route answers what.

mod events;
mod exposition;
mod metrics;
mod probes;
mod query;
mod reload;
mod status;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use sightline_core::operations::Operations;

use crate::{
    Limits,
    access::{Access, Refusal},
    answer,
    calls::Calls,
};

/// What `/` answers.
const INDEX: &str = "\
Sightline, operations endpoint

/healthz              whether the daemon is alive
/readyz               whether it is ready, and what is missing
/metrics              counters, gauges and histograms for Prometheus
/api/v1/status        what runs, and how the brokers are doing
/api/v1/cameras       what the cameras are doing
/api/v1/cameras/ID    the same of one camera
/api/v1/events        the history of events; ?from= &until= &camera= &label= &type= &limit= &before=
/api/v1/config        the configuration in force, without secrets
POST /api/v1/reload   reads the configuration again
";

/// What handlers share.
struct App {
    access: Access,
    calls: Calls,
    limits: Limits,
}

/// All routes behind their guard.
pub(crate) fn router(access: Access, operations: Arc<dyn Operations>, limits: Limits) -> Router {
    let app = Arc::new(App { access, calls: Calls::new(operations, &limits), limits });
    Router::new()
        .route("/", get(async || answer::text(StatusCode::OK, INDEX)))
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/api/v1/status", get(status::status))
        .route("/api/v1/cameras", get(status::cameras))
        .route("/api/v1/cameras/{id}", get(status::camera))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/config", get(status::config))
        .route("/api/v1/reload", post(reload::reload))
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// Lets a request through, or refuses it; and says to browsers and proxies how to treat the answer.
async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let mut response = match app.access.admit(request.method(), request.uri(), request.headers()) {
        Ok(admitted) => {
            request.extensions_mut().insert(admitted);
            next.run(request).await
        }
        Err(refusal) => refused(&refusal),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn refused(refusal: &Refusal) -> Response {
    let status = match refusal {
        Refusal::Token => StatusCode::UNAUTHORIZED,
        Refusal::ForeignHost | Refusal::ForeignPage => StatusCode::FORBIDDEN,
    };
    let mut response = answer::error(status, &refusal.to_string());
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

async fn unknown_route(uri: Uri) -> Response {
    answer::error(StatusCode::NOT_FOUND, &format!("there is no {}; `/` lists what there is", uri.path()))
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let message = format!("{} does not answer {method}; the header `Allow` names what it answers", uri.path());
    answer::error(StatusCode::METHOD_NOT_ALLOWED, &message)
}
