//! More pictures than the machine can decode: results are not late, and the status says what is lacking.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use sightline_media::VideoWriter;
use sightline_sim::{
    scene::{Scene, SceneKind, SceneOptions},
    server::RtspServer,
};

use crate::support::{
    alone, broker::Broker, cameras, daemon::Daemon, listener::Listener, log::assert_calm, wait_until,
};

/// The daemon runs for so long at a time, and stands still in between: that makes any machine as slow as is needed.
const RUNS: Duration = Duration::from_millis(10);
const STANDS_STILL_AT_MOST_MILLIS: u32 = 390;
/// Few enough for a slow machine that no longer stands still: in the end all has to be decoded in time again.
const CAMERAS: [&str; 4] = ["a", "b", "c", "d"];
/// What they send. A third of it is wished: some two hundred frames in the ten seconds that shares are of, and little for the network.
const FPS: u32 = 15;
const CLIP_SECONDS: u32 = 4;

/// Lets a daemon stand still again and again.
struct Brake {
    /// For so long each time; 0: it runs.
    millis: Arc<AtomicU32>,
    is_over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Brake {
    fn of(daemon: &Daemon) -> Self {
        let (millis, is_over, id) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)), daemon.id());
        let (still, over) = (Arc::clone(&millis), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let send = |signal: &str| {
                let command = format!("kill {signal} {id}");
                std::process::Command::new("sh").args(["-c", &command]).status().expect("a shell");
            };
            while !over.load(Ordering::Relaxed) {
                let millis = still.load(Ordering::Relaxed);
                if millis > 0 {
                    send("-STOP");
                    std::thread::sleep(Duration::from_millis(millis.into()));
                    send("-CONT");
                }
                std::thread::sleep(RUNS);
            }
        });
        Self { millis, is_over, thread: Some(thread) }
    }

    fn pull(&self, millis: u32) {
        self.millis.store(millis.min(STANDS_STILL_AT_MOST_MILLIS), Ordering::Relaxed);
    }
}

impl Drop for Brake {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Cameras with large pictures, which are work for a decoder: all send the same few seconds.
fn serve() -> RtspServer {
    sightline_media::init().expect("GStreamer starts");
    let options = SceneOptions { width: 1280, height: 720, fps: FPS, ..SceneOptions::default() };
    let scene = Scene::new(SceneKind::Street, &options).expect("a scene");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("street.mp4");
    let mut writer = VideoWriter::create(&path, options.width, options.height, f64::from(FPS)).expect("a video");
    // A whole round of the scene would take longer to encode than the rest of the way to the overload.
    for index in 0..CLIP_SECONDS * FPS {
        let picture = scene.render(index as usize);
        writer.write(&picture.rgb, Duration::from_secs(1) * index / FPS).expect("a picture");
    }
    writer.finish().expect("a whole video");
    let clip = cameras::video(&path);
    cameras::serve(CAMERAS.map(|path| (path, Arc::clone(&clip))).into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_can_be_decoded_is_told_and_ends() {
    let _turn = alone().await;
    let server = serve();
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let yaml = format!(
        "version: 1\nname: yard\nmodel: {{name: ssd-mobilenet-v1-sim}}\ndefaults: {{fps: 5}}\n{}{}",
        broker.yaml(),
        cameras::yaml(&server, &CAMERAS)
    );
    let mut daemon = Daemon::start(&yaml);
    for camera in CAMERAS {
        daemon.wait_for_camera(camera, "streaming", None).await;
    }
    let brake = Brake::of(&daemon);
    let told = || listener.on("status").last().map(|status| status.json()["pipelines"][0]["load"].clone());
    let mut millis = 0.0;
    let share =
        |load: &serde_json::Value, name: &str| load[name].as_f64().unwrap_or_else(|| panic!("no {name} in {load:#}"));
    wait_until("the node's status says that decoding does not keep up, and how much is missing", || {
        // Slower and slower, as far as it needs: twice as slow in a second and a half.
        millis = f64::max(millis * 1.012, 20.0);
        brake.pull(millis as u32);
        // The share is of a moment later than the verdict: more than the twentieth that it takes, one publication later at the latest.
        told().is_some_and(|load| load["decoding"] == "overloaded" && share(&load, "decoded_share") < 0.95)
    })
    .await;
    daemon.wait_for_metric("sightline_decoding_overloaded", &[("pipeline", "yard")], 1.0).await;
    drop(brake);
    let load = told().expect("a status");
    assert_eq!(load["state"], "overloaded", "{load:#}");
    assert!(share(&load, "inferred_share") <= share(&load, "decoded_share"), "{load:#}");
    let mut late = 0.0;
    for camera in CAMERAS {
        late += daemon.metric("sightline_pictures_undecoded_total", &[("camera", camera), ("reason", "late")]).await;
    }
    assert!(late > 0.0);
    // Told after half a minute in which less than a hundredth is missed: a busy machine has patience for each of the two.
    wait_until("all is decoded in time again", || told().is_some_and(|load| load["decoding"] == "ok")).await;
    wait_until("all is well again", || told().is_some_and(|load| load["decoding"] == "ok" && load["state"] == "ok"))
        .await;

    let states = listener.on("a/status");
    let wrong = states
        .iter()
        .map(|message| message.json()["state"].clone())
        .find(|state| !["connecting", "streaming"].iter().any(|fine| state == fine));
    assert_eq!(wrong, None, "a camera of which pictures are left out is not stalled");
    let (status, _) = daemon.terminate().await;
    assert!(status.success(), "{status}");
    let log = daemon.log();
    assert_calm(&log);
    assert_eq!(log.matches("more than this machine can decode").count(), 1, "{log}");
}
