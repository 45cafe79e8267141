//! Calls of the daemon, on threads that may wait, so many at a time and for so long.
//!
//! A call that was given up goes on, since nothing can stop a thread, and keeps its place until it ends. Each kind of
//! call has places of its own: when the disk hangs, and every place for the history with it, probes still get theirs.

use std::{sync::Arc, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sightline_core::operations::Operations;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Limits, answer};

/// Two probes of a kind: one more than a single supervisor needs.
const PROBES_AT_A_TIME: usize = 2;

/// What is asked of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Whether it is alive.
    Liveness,
    /// Whether it is ready.
    Readiness,
    /// Everything that is read.
    Reading,
    /// A reload; one at a time.
    Reload,
}

/// The way to the daemon.
pub(crate) struct Calls {
    operations: Arc<dyn Operations>,
    liveness: Places,
    readiness: Places,
    reading: Places,
    reload: Places,
}

/// Places for calls of one kind.
struct Places {
    free: Arc<Semaphore>,
    when_full: WhenFull,
    time: Duration,
}

/// What happens to a call when all places are taken.
#[derive(Clone, Copy)]
enum WhenFull {
    /// It waits for one, within its time.
    Wait,
    /// It is refused at once.
    Refuse,
}

/// Why a call has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoResult {
    /// All places are taken.
    #[error("as many requests as there may be at a time are being answered; try again in a moment")]
    Busy,
    /// It takes too long.
    #[error("the daemon gave no answer in {0:?}")]
    Late(Duration),
    /// It broke.
    #[error("the daemon broke while answering; its log says where")]
    Broken,
}

impl Calls {
    pub(crate) fn new(operations: Arc<dyn Operations>, limits: &Limits) -> Self {
        let places = |number, when_full, time| Places { free: Arc::new(Semaphore::new(number)), when_full, time };
        Self {
            operations,
            liveness: places(PROBES_AT_A_TIME, WhenFull::Wait, limits.probe_time),
            readiness: places(PROBES_AT_A_TIME, WhenFull::Wait, limits.probe_time),
            reading: places(limits.calls, WhenFull::Refuse, limits.call_time),
            reload: places(1, WhenFull::Refuse, limits.reload_time),
        }
    }

    /// The result of `work`, called on a thread that may wait.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        call: Call,
        work: impl FnOnce(&dyn Operations) -> T + Send + 'static,
    ) -> Result<T, NoResult> {
        let places = match call {
            Call::Liveness => &self.liveness,
            Call::Readiness => &self.readiness,
            Call::Reading => &self.reading,
            Call::Reload => &self.reload,
        };
        let result = async {
            let place = places.take().await?;
            let operations = Arc::clone(&self.operations);
            let on_thread = move || {
                let result = work(&*operations);
                drop(place);
                result
            };
            tokio::task::spawn_blocking(on_thread).await.map_err(|_| NoResult::Broken)
        };
        tokio::time::timeout(places.time, result).await.unwrap_or(Err(NoResult::Late(places.time)))
    }
}

impl Places {
    async fn take(&self) -> Result<OwnedSemaphorePermit, NoResult> {
        let free = Arc::clone(&self.free);
        let place = match self.when_full {
            WhenFull::Wait => free.acquire_owned().await.ok(),
            WhenFull::Refuse => free.try_acquire_owned().ok(),
        };
        place.ok_or(NoResult::Busy)
    }
}

impl IntoResponse for NoResult {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Busy | Self::Late(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = answer::error(status, &self.to_string());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
