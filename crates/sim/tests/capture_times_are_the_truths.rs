//! A client that reads the RTCP sender reports learns the time at which the ground truth says the frame was taken.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use gstreamer as gst;
use sightline_core::time::WallTime;
use sightline_sim::{
    clip::{Clip, ClipOptions},
    scene::{Scene, SceneKind, SceneOptions},
    server::{RtspServer, ServerOptions, SimCamera},
};
use support::{Client, DEADLINE, difference, rgb};

/// Seconds between the epochs of NTP (1900) and Unix (1970), RFC 5905.
const NTP_TO_UNIX_SECS: u64 = 2_208_988_800;

#[test]
fn the_picture_with_a_time_is_the_frame_of_that_time() {
    let options = SceneOptions { width: 160, height: 96, fps: 10, seed: 1 };
    let scene = Scene::new(SceneKind::Street, &options).unwrap();
    let clip = Arc::new(Clip::from_scene(&scene, &ClipOptions::default()).unwrap());
    let sent = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&sent);
    let server_options = ServerOptions {
        on_frame: Some(Box::new(move |frame| {
            record.lock().unwrap().push((frame.frame, frame.time, frame.objects.len()))
        })),
        ..ServerOptions::default()
    };
    let server = RtspServer::start(vec![SimCamera { path: "street".into(), clip }], server_options).unwrap();
    let truth = server.truth(0).unwrap();
    let client = Client::open(&server.url(0).unwrap(), "add-reference-timestamp-meta=true");
    let begun = Instant::now();
    let mut checked = 0;
    while checked < 10 {
        assert!(begun.elapsed() < DEADLINE, "only {checked} frames with a camera's time");
        let sample = client.next();
        // The first sender report comes after a second or two; frames before it have no such time.
        let meta = sample.buffer().unwrap().meta::<gst::ReferenceTimestampMeta>();
        let Some(meta) = meta else { continue };
        let unix_micros = meta.timestamp().useconds() - NTP_TO_UNIX_SECS * 1_000_000;
        let time = WallTime::from_micros(i64::try_from(unix_micros).unwrap());
        // Stamped as it goes out, up to some milliseconds after its due time.
        let frame = truth.frame_at(time).unwrap();
        let late = time.as_micros() - truth.time(frame).as_micros();
        assert!(late < 60_000, "frame {frame} is {late} µs late");
        let expected = scene.render(usize::try_from(frame).unwrap());
        let seen = rgb(&sample);
        let off = difference(&seen, &expected.rgb);
        assert!(off < 8.0, "frame {frame}: {off}");
        // The street is never twice the same while a car passes.
        if expected.truth.iter().any(|object| object.label == "car" && object.visible > 0.9) {
            let next = scene.render(usize::try_from(frame + 1).unwrap());
            assert!(off < difference(&seen, &next.rgb), "frame {frame} looks more like the next one");
        }
        checked += 1;
    }
    let sent = sent.lock().unwrap();
    for (index, (frame, time, objects)) in sent.iter().enumerate() {
        assert_eq!(*frame, index as u64, "every frame is told once, in order");
        assert_eq!((*time, *objects), (truth.time(*frame), truth.objects(*frame).len()));
        assert_eq!(truth.frame_at(*time), Some(*frame));
    }
}
