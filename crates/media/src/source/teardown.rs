//! How pipelines are taken down: on threads of their own, counted, and never so many that they could exhaust the process.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{SourceError, SourceErrorCode};

use crate::{elements::source_error, file::demux::Contents};

/// So many pipelines of one camera may hang in their teardown. Each holds a few threads and what its decoder has in
/// memory, so the camera is not opened again while there are more.
const MOST_OF_A_CAMERA: usize = 4;

static OVERDUE: AtomicU64 = AtomicU64::new(0);
/// Teardowns that run right now, by camera.
static RUNNING: Mutex<BTreeMap<Arc<str>, usize>> = Mutex::new(BTreeMap::new());

/// How many teardowns have taken longer than their deadline since the process started.
pub fn overdue_teardowns() -> u64 {
    OVERDUE.load(Ordering::Relaxed)
}

/// One more was not done in time.
pub fn count_overdue() {
    OVERDUE.fetch_add(1, Ordering::Relaxed);
}

/// Refuses to open a camera whose earlier connections do not come to their end.
///
/// # Errors
/// [`SourceErrorCode::Other`], to be tried again: it ends when one of the teardowns does.
pub fn check_backlog(camera: &str, address: &str) -> Result<(), SourceError> {
    let hanging = running().get(camera).copied().unwrap_or_default();
    if hanging < MOST_OF_A_CAMERA {
        return Ok(());
    }
    let message = format!(
        "{address}: {hanging} earlier connections hang while they are being closed; it is opened again when one of them \
         has ended"
    );
    Err(source_error(SourceErrorCode::Other, message))
}

/// Sets `pipeline` to NULL, where it plays a file with that one closed before, on a thread of its own: joining the thread of a
/// camera that has gone silent can hang. The receiver hears when it is done.
pub fn begin(camera: &Arc<str>, pipeline: gst::Pipeline, file: Option<Arc<Contents>>) -> mpsc::Receiver<()> {
    let (done, is_done) = mpsc::channel();
    let counted = Counted::new(camera);
    let (remains, file_of_remains) = (pipeline.clone(), file.clone());
    let close = |file: Option<Arc<Contents>>| file.iter().for_each(|file| file.close());
    let work = move || {
        close(file);
        // Going down to NULL cannot fail, by GStreamer's rules; it can only take long.
        let _ = pipeline.set_state(gst::State::Null);
        drop(pipeline);
        drop(counted);
        // Nobody listens any more when it was overdue.
        let _ = done.send(());
    };
    let thread_name = format!("teardown-{camera}");
    if let Err(error) = std::thread::Builder::new().name(thread_name).spawn(work) {
        tracing::error!(%camera, %error, "no thread for the teardown; GStreamer's pool does it");
        remains.call_async(move |pipeline| {
            close(file_of_remains);
            let _ = pipeline.set_state(gst::State::Null);
        });
    }
    is_done
}

/// A teardown that runs.
struct Counted(Arc<str>);

impl Counted {
    fn new(camera: &Arc<str>) -> Self {
        *running().entry(Arc::clone(camera)).or_default() += 1;
        Self(Arc::clone(camera))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut running = running();
        if let Some(count) = running.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.0);
            }
        }
    }
}

/// Stays usable when a thread that held it panicked: every change to it is one step.
fn running() -> MutexGuard<'static, BTreeMap<Arc<str>, usize>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
