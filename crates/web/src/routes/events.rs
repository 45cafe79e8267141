//! `/api/v1/events`: the history, the newest first.

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::value::RawValue;
use sightline_core::{
    operations::Operations,
    outbox::{EventKey, EventQuery, RecordedEvent},
};

use super::{App, query};
use crate::{answer, calls::Call};

/// A page of the history.
#[derive(Serialize)]
struct Page {
    events: Vec<ShownEvent>,
    /// `before` of the next page; none when this is the last.
    next: Option<EventKey>,
}

/// An event with its payload as it is stored: checked to be JSON, neither taken apart nor copied.
#[derive(Serialize)]
struct ShownEvent {
    key: EventKey,
    delivered: bool,
    event: Box<RawValue>,
}

/// Events that the query asks for.
pub(super) async fn events(State(app): State<Arc<App>>, uri: Uri) -> Response {
    let Ok(Query(parameters)) = Query::<Vec<(String, String)>>::try_from_uri(&uri) else {
        return answer::error(StatusCode::BAD_REQUEST, "the query is not of the form name=value&name=value");
    };
    match query::parse(parameters) {
        Ok(query) => {
            let page = app.calls.run(Call::Reading, move |operations| page(operations, query)).await;
            page.unwrap_or_else(IntoResponse::into_response)
        }
        Err(refused) => answer::error(StatusCode::BAD_REQUEST, &refused.to_string()),
    }
}

fn page(operations: &dyn Operations, mut query: EventQuery) -> Response {
    let most = query.limit;
    // One more than is shown tells whether there is a next page.
    query.limit += 1;
    let mut found = match operations.events(&query) {
        Ok(found) => found,
        Err(cause) => return answer::error(StatusCode::SERVICE_UNAVAILABLE, &cause.to_string()),
    };
    let has_next = found.len() > most;
    found.truncate(most);
    let next = found.last().filter(|_| has_next).map(|last| last.key);
    match found.into_iter().map(shown).collect() {
        Ok(events) => answer::json(&Page { events, next }),
        Err(unreadable) => answer::error(StatusCode::SERVICE_UNAVAILABLE, &unreadable),
    }
}

fn shown(recorded: RecordedEvent) -> Result<ShownEvent, String> {
    let RecordedEvent { key, is_delivered, payload } = recorded;
    let event = RawValue::from_string(payload).map_err(|cause| {
        format!("event {key} of the history is damaged: {cause}; `before={key}` shows those before it")
    })?;
    Ok(ShownEvent { key, delivered: is_delivered, event })
}
