//! Decoding and network on the same cores at the same time, frame by frame, with nothing between them: what the whole
//! pipeline would cost if all the rest were free. Each by itself has the caches to itself, which in any pipeline they share.

use std::{
    path::Path,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sightline_core::{ports::Backend, tensor::InputView};
use sightline_infer::OpenedModel;
use sightline_media::VideoFrame;

use super::{
    cpu::ProcessTime,
    flat_out::Endless,
    stages::{Throughput, failed, millis},
};
use crate::failure::{Failure, Kind, OrFail};

/// How long the first frames may take.
const WARM_UP: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// What all threads share.
struct Shared {
    frames: Mutex<Option<Receiver<VideoFrame>>>,
    inferred: AtomicUsize,
    stopping: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl Shared {
    fn fail(&self, reason: String) {
        self.trouble.lock().get_or_insert(reason);
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Runs `sources` decoders and all sessions for a while; each batch is paid for with as many decoded frames, but always
/// shows the picture that is in `input`.
///
/// # Errors
/// When the video cannot be read or a session fails.
pub fn run(
    video: &Path,
    sources: usize,
    opened: &mut OpenedModel,
    input: InputView<'_>,
    seconds: Duration,
) -> Result<Throughput, Failure> {
    let readers: Result<Vec<_>, _> = (0..sources).map(|_| Endless::open(video)).collect();
    let readers = readers.or_fail(Kind::Usage)?;
    let (sender, receiver) = mpsc::sync_channel(sources);
    let shared = Shared {
        frames: Mutex::new(Some(receiver)),
        inferred: AtomicUsize::new(0),
        stopping: AtomicBool::new(false),
        trouble: Mutex::new(None),
    };
    let throughput = std::thread::scope(|scope| {
        let shared = &shared;
        for reader in readers {
            let sender = sender.clone();
            scope.spawn(move || decode(reader, &sender, shared));
        }
        drop(sender);
        let sessions: Vec<_> =
            opened.backends.iter_mut().map(|backend| scope.spawn(move || infer(backend, input, shared))).collect();
        let throughput = measure(shared, sources, seconds);
        shared.stopping.store(true, Ordering::Relaxed);
        for session in sessions {
            // A panic has been told by the panic hook, and is seen as frames that are missing.
            let _ = session.join();
        }
        // Readers that wait to hand on a frame see that nobody takes it.
        shared.frames.lock().take();
        throughput
    });
    match shared.trouble.into_inner() {
        Some(reason) => Err(failed(reason)),
        None => Ok(throughput),
    }
}

fn measure(shared: &Shared, sources: usize, seconds: Duration) -> Throughput {
    let count = || shared.inferred.load(Ordering::Relaxed);
    let until = Instant::now() + WARM_UP;
    while count() < 10 * sources && !shared.is_stopping() {
        if Instant::now() > until {
            shared.fail("decoding and network beside each other give no results".into());
        }
        std::thread::sleep(POLL);
    }
    let (begun, before, cpu) = (Instant::now(), count(), ProcessTime::of_this());
    std::thread::sleep(seconds);
    let (elapsed, frames, cpu) = (begun.elapsed(), count() - before, ProcessTime::of_this().since(cpu));
    let frames = frames.max(1) as f64;
    Throughput { frames_per_second: frames / elapsed.as_secs_f64(), cpu_ms: millis(cpu) / frames }
}

fn decode(mut reader: Endless, sender: &SyncSender<VideoFrame>, shared: &Shared) {
    while !shared.is_stopping() {
        let frame = match reader.next() {
            Ok(frame) => frame,
            Err(error) => return shared.fail(error.to_string()),
        };
        if sender.send(frame).is_err() {
            return;
        }
    }
}

fn infer(backend: &mut Box<dyn Backend>, input: InputView<'_>, shared: &Shared) {
    let batch = input.shape[0];
    while !shared.is_stopping() {
        {
            let frames = shared.frames.lock();
            // The decoder gets its buffers back before the network runs, as in the pipeline.
            let taken = frames.iter().flat_map(Receiver::iter).take(batch).count();
            if taken < batch {
                return;
            }
        }
        if let Err(error) = backend.run(input, &mut |_| ()) {
            return shared.fail(error.message);
        }
        shared.inferred.fetch_add(batch, Ordering::Relaxed);
    }
}
