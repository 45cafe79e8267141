//! A camera whose teardown hangs again and again does not take the process's threads.
#![allow(clippy::unwrap_used, reason = "a failing unwrap in a helper is the failing test")]

mod support;

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use sightline_core::{
    plan::SourceSpec,
    ports::{FrameSource, RunningSource, SourceCallbacks, SourceErrorCode, StopOutcome},
};
use sightline_media::{GstSource, overdue_teardowns};
use support::{Recorder, camera, wait_until};

/// Holds every streaming thread that brings a frame.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    changed: Condvar,
    held: Mutex<usize>,
}

impl Gate {
    fn pass(&self) {
        *self.held.lock().unwrap() += 1;
        let is_open = self.is_open.lock().unwrap();
        drop(self.changed.wait_while(is_open, |is_open| !*is_open).unwrap());
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

fn held_by(gate: &Arc<Gate>) -> Box<dyn RunningSource> {
    let at = *gate.held.lock().unwrap();
    let passing = Arc::clone(gate);
    let callbacks = SourceCallbacks::of_all(move |_| passing.pass(), |_| ());
    let running = GstSource.start(&camera(SourceSpec::Test { pattern: "ball".into() }), callbacks).unwrap();
    wait_until("a held frame", || *gate.held.lock().unwrap() > at);
    running
}

#[test]
fn the_fifth_connection_waits_for_one_of_four_that_hang() {
    sightline_media::init().unwrap();
    let overdue_before = overdue_teardowns();
    let gate = Arc::new(Gate::default());
    for _ in 0..4 {
        let running = held_by(&gate);
        assert_eq!(running.stop(Duration::from_millis(50)), StopOutcome::Overdue);
    }
    assert_eq!(overdue_teardowns() - overdue_before, 4);

    let test = camera(SourceSpec::Test { pattern: "ball".into() });
    let refused = GstSource.start(&test, Recorder::default().callbacks()).err().unwrap();
    assert_eq!(refused.code, SourceErrorCode::Other);
    assert!(refused.message.contains("4 earlier connections hang"), "{refused}");

    let other = sightline_core::plan::CameraSpec { id: "other".into(), ..test.clone() };
    let recorder = Recorder::default();
    let running = GstSource.start(&other, recorder.callbacks()).unwrap();
    recorder.wait_frames(1);
    support::stop(running, &recorder);

    gate.open();
    let mut opened = None;
    wait_until("the camera opened again", || {
        let recorder = Recorder::default();
        opened = GstSource.start(&test, recorder.callbacks()).ok().map(|running| (running, recorder));
        opened.is_some()
    });
    let (running, recorder) = opened.unwrap();
    recorder.wait_frames(1);
    support::stop(running, &recorder);
    assert_eq!(overdue_teardowns() - overdue_before, 4, "what ends in time is not counted");
}
