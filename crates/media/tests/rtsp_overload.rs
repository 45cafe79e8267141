//! A camera that sends more than can be decoded: what is decoded is not late, and the rest is counted.

#![allow(clippy::unwrap_used, reason = "a failing unwrap in a helper is the failing test")]

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sightline_core::{
    plan::RtspTransport,
    ports::{
        FrameSource, FrameUse, RunningSource, SkippedPicture, SourceCallbacks, SourceEvent, StopOutcome, WantedDecoding,
    },
};
use sightline_media::GstSource;
use support::{Server, h264, rtsp, wait_until};

/// Of a camera that sends fifteen pictures a second so many can be decoded.
const DECODED_PER_SECOND: u32 = 10;

/// What is seen of one camera.
#[derive(Default)]
struct Seen {
    /// From the first packet's arrival to the decoder's output, of each frame.
    ages: Mutex<Vec<Duration>>,
    late: AtomicU64,
    /// Milliseconds that each frame takes. Whoever takes frames does so on the decoder's thread, which is as good as a slow decoder.
    takes: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl Seen {
    fn watch(self: &Arc<Self>, url: &str, lateness: Option<f32>) -> Box<dyn RunningSource> {
        let [frames, events, skips] = [(); 3].map(|()| Arc::clone(self));
        let callbacks = SourceCallbacks {
            use_of_frame: Box::new(|_| FrameUse::Inference),
            on_frame: Box::new(move |frame, _| {
                let age = frame.times.decoded.saturating_since(frame.times.capture);
                frames.ages.lock().unwrap().push(age);
                std::thread::sleep(Duration::from_millis(frames.takes.load(Ordering::Relaxed)));
            }),
            on_event: Box::new(move |event| {
                if let SourceEvent::Failed(error) = event {
                    *events.failure.lock().unwrap() = Some(error.to_string());
                }
            }),
            wanted_size: Box::new(|| None),
            wanted_decoding: Box::new(move || WantedDecoding { lateness, ..WantedDecoding::ALL }),
            on_skipped: Box::new(move |why, pictures| {
                if why == SkippedPicture::Late {
                    skips.late.fetch_add(pictures, Ordering::Relaxed);
                }
            }),
        };
        GstSource.start(&rtsp(url, RtspTransport::Tcp), callbacks).unwrap()
    }

    fn frames(&self) -> usize {
        self.ages.lock().unwrap().len()
    }

    /// The median age of the last frames.
    fn age(&self, frames: usize) -> Duration {
        let ages = self.ages.lock().unwrap();
        let mut last = ages[ages.len() - frames..].to_vec();
        last.sort();
        last[frames / 2]
    }

    fn takes_as_long_as_it_does(&self) {
        self.takes.store(u64::from(1000 / DECODED_PER_SECOND), Ordering::Relaxed);
    }
}

#[test]
fn what_cannot_be_decoded_in_time_is_left_out_and_the_rest_is_not_late() {
    let server = Server::start(&[("/patient", &h264()), ("/prompt", &h264())]);
    let (patient, prompt) = (Arc::<Seen>::default(), Arc::<Seen>::default());
    let cameras = [patient.watch(&server.url("/patient"), None), prompt.watch(&server.url("/prompt"), Some(1.0))];
    wait_until("two seconds of both", || patient.frames() > 30 && prompt.frames() > 30);
    [&patient, &prompt].iter().for_each(|seen| seen.takes_as_long_as_it_does());
    // A third of what is sent waits: 0.3 s more with each second, until the source itself skips what is two seconds late.
    wait_until("pictures that are left out", || prompt.late.load(Ordering::Relaxed) > 0);
    let before = prompt.frames();
    wait_until("frames that are old where nothing is left out, and others meanwhile", || {
        patient.age(10) > Duration::from_secs(1) && prompt.frames() >= before + 10
    });
    let (late, in_time) = (patient.age(10), prompt.age(10));
    eprintln!("{late:?} old where all are decoded, {in_time:?} where some are left out");
    assert!(in_time * 2 < late, "{in_time:?}, and {late:?} where nothing is left out");
    assert_eq!(patient.late.load(Ordering::Relaxed), 0, "nobody wished it");

    // As fast as before, none is left out any more.
    prompt.takes.store(0, Ordering::Relaxed);
    let mut calm_since = (prompt.late.load(Ordering::Relaxed), prompt.frames());
    wait_until("two seconds in which nothing is left out", || {
        let late = prompt.late.load(Ordering::Relaxed);
        if late != calm_since.0 {
            calm_since = (late, prompt.frames());
        }
        prompt.frames() > calm_since.1 + 30
    });
    for (camera, seen) in cameras.into_iter().zip([&patient, &prompt]) {
        assert_eq!(*seen.failure.lock().unwrap(), None);
        assert_eq!(camera.stop(Duration::from_secs(5)), StopOutcome::Stopped);
    }
}
