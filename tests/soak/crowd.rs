//! Sixty-four cameras on one box, one in eight with somebody who comes: with the gates everything is reported that is
//! reported without them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use sightline_core::{geometry::BoxInFrame, time::WallTime};
use sightline_sim::{
    clip::{Clip, ClipOptions},
    scene::{Scene, SceneKind, SceneOptions},
    server::{RtspServer, ServerOptions, SimCamera},
    truth::TruthObject,
};

use crate::{
    account::{self, all_stream},
    process,
    support::{alone, broker::Broker, cameras, daemon::Daemon, listener::Listener},
};

const CAMERAS: usize = 64;
/// Cameras in whose scene something moves: the first ones.
const LIVELY: usize = 8;
/// Rounds of the scenes, of 20 s each, that are watched with gates …
const ROUNDS: u64 = 2;
/// … and without them, to know what the detector sees at 5 fps whichever of a camera's 15 pictures it is shown: at this
/// rate, no third of 15, each round shows it others.
const ROUNDS_WITHOUT: u64 = 3;
const FPS_WITHOUT: &str = "4.97";
/// For gates to learn their scenes, and for rounds to pass.
const PATIENCE: Duration = Duration::from_secs(120);
/// An event is about the object of its label that overlaps its box the most, and at least so much …
const LEAST_IOU: f32 = 0.3;
/// … in its own frame, or else within so many: who is just coming in is seen by an arm before the ground truth, or most of the box, has them.
const NEAR_FRAMES: u64 = 5;
/// Memory of the whole daemon, in MiB, may be so much …
const MOST_MIB: u64 = 120;
/// … and so much for each camera.
const MOST_MIB_PER_CAMERA: u64 = 8;

/// The objects of each round by which they were reported, numbered within the round.
type Reported = BTreeMap<u64, BTreeSet<u64>>;

/// What a daemon did while whole rounds passed.
struct Watched {
    /// Of each lively camera.
    reported: Vec<Reported>,
    /// Cores that it took.
    cores: f64,
    /// What the kernel said of it: medians.
    usage: process::Sample,
}

struct Crowd {
    server: RtspServer,
    clips: Vec<Arc<Clip>>,
}

impl Crowd {
    fn start() -> Self {
        sightline_media::init().expect("GStreamer starts");
        let options = SceneOptions { width: 1280, height: 720, fps: 15, seed: 1 };
        let clip = |kind, is_empty| {
            let scene = Scene::new(kind, &options).expect("a scene");
            let scene = if is_empty { scene.emptied() } else { scene };
            Arc::new(Clip::from_scene(&scene, &ClipOptions::default()).expect("an encoded scene"))
        };
        let lively = SceneKind::ALL.map(|kind| clip(kind, false));
        let empty = SceneKind::ALL.map(|kind| clip(kind, true));
        let of = |index: usize| if index < LIVELY { &lively[index % 4] } else { &empty[index % 4] };
        let clips: Vec<Arc<Clip>> = (0..CAMERAS).map(|index| of(index).clone()).collect();
        let camera = |(index, clip): (usize, &Arc<Clip>)| SimCamera { path: id(index), clip: clip.clone() };
        let server = RtspServer::start(clips.iter().enumerate().map(camera).collect(), ServerOptions::default());
        Self { server: server.expect("the RTSP server starts"), clips }
    }

    /// Watches a daemon with the first `count` cameras, at `fps`, for whole rounds.
    async fn watch(&self, count: usize, fps: &str, rounds: u64) -> Watched {
        let broker = Broker::start();
        let listener = Listener::start(&broker).await;
        let ids: Vec<String> = (0..count).map(id).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let yaml = format!(
            "version: 1\nname: crowd\nmodel: {{name: ssd-mobilenet-v1-sim}}\ndefaults: {{fps: {fps}}}\n{}{}",
            broker.yaml(),
            cameras::yaml(&self.server, &ids)
        );
        let mut daemon = Daemon::start(&yaml);
        all_stream(&daemon, count).await;
        until("nothing is decoded but key frames where nobody comes", async || {
            let is_idle = |camera: &Value| camera["idle"] == true;
            account::cameras(&daemon).await.iter().skip(LIVELY).all(is_idle)
        })
        .await;
        let first: Vec<u64> = (0..LIVELY).map(|index| 1 + self.frame_of_now(index) / self.frames(index)).collect();
        let (begun, before) = (Instant::now(), process::cpu_time(daemon.id()));
        let mut looks = Vec::new();
        until("whole rounds of all scenes", async || {
            looks.push(process::sample(daemon.id()));
            let round = |index: usize| self.frame_of_now(index) / self.frames(index);
            first.iter().enumerate().all(|(index, first)| round(index) >= first + rounds)
        })
        .await;
        let cores = (process::cpu_time(daemon.id()) - before).as_secs_f64() / begun.elapsed().as_secs_f64();
        let (status, _) = daemon.terminate().await;
        assert!(status.success());
        listener.wait_for_last_of(&daemon.recorded()).await;
        let reported = (0..LIVELY).map(|index| self.reported(&listener, index, first[index], rounds)).collect();
        Watched { reported, cores, usage: process::median(&looks) }
    }

    fn frames(&self, camera: usize) -> u64 {
        self.clips[camera].frames() as u64
    }

    fn frame_of_now(&self, camera: usize) -> u64 {
        let now = sightline_pipeline::clock::wall_now();
        self.server.truth(camera).and_then(|truth| truth.frame_at(now)).expect("it has begun")
    }

    fn reported(&self, listener: &Listener, camera: usize, first: u64, rounds: u64) -> Reported {
        let truth = self.server.truth(camera).expect("a camera");
        let mut reported: Reported = (first..first + rounds).map(|round| (round, BTreeSet::new())).collect();
        for event in listener.events(&id(camera)).iter().filter(|event| event["type"] == "object_started") {
            let text = event["time"]["capture"].as_str().expect("a time");
            let time: WallTime = text.parse().expect("a time");
            let Some(frame) = truth.frame_at(time) else { continue };
            // Numbered as in the first round.
            let (round, frame) = (frame / self.frames(camera), frame % self.frames(camera));
            let Some(objects) = reported.get_mut(&round) else { continue };
            let side = |name: &str| event["box"][name].as_f64().expect("a side") as f32;
            let bbox = BoxInFrame { x: side("x"), y: side("y"), width: side("w"), height: side("h") };
            let label = event["label"].as_str().expect("a label");
            let overlap = |object: &TruthObject| object.bbox.iou(&bbox);
            let nearest_of = |frames: RangeInclusive<u64>| {
                let there = frames.flat_map(|frame| truth.objects(frame)).filter(|object| object.label == label);
                let nearest = there.max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
                nearest.filter(|object| overlap(object) >= LEAST_IOU)
            };
            let last = self.frames(camera) - 1;
            let nearest = nearest_of(frame..=frame)
                .or_else(|| nearest_of(frame.saturating_sub(NEAR_FRAMES)..=(frame + NEAR_FRAMES).min(last)));
            if nearest.is_none() {
                // Where one is missed in the end, this may be what it was taken for.
                let there = truth.objects(frame);
                eprintln!(
                    "SOAK camera={camera} round={round} frame={frame} is no object: {label} {bbox:?} of {there:?}"
                );
            }
            objects.extend(nearest.map(|object| object.id));
        }
        reported
    }
}

/// Waits until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

fn id(camera: usize) -> String {
    format!("cam-{camera:02}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_cameras_with_gates_nothing_is_missed() {
    let _turn = alone().await;
    let crowd = Crowd::start();
    let without = crowd.watch(LIVELY, FPS_WITHOUT, ROUNDS_WITHOUT).await.reported;
    let with = crowd.watch(CAMERAS, "5, motion: {enabled: auto}", ROUNDS).await;
    // What is reported every time of a scene without gates must be so with them.
    let mut expected = 0;
    let mut missed = Vec::new();
    for (camera, reported) in with.reported.iter().enumerate() {
        let same_scene = without.iter().skip(camera % 4).step_by(4);
        let always = same_scene.flat_map(BTreeMap::values).cloned().reduce(|all, round| &all & &round);
        let always = always.expect("a round");
        assert!(!always.is_empty(), "nothing is reported of camera {camera} without a gate");
        for (round, objects) in reported {
            expected += always.len();
            missed.extend(always.difference(objects).map(|object| (camera, *round, *object)));
        }
    }
    let Watched { cores, usage, .. } = with;
    let reported = expected - missed.len();
    eprintln!("SOAK cameras={CAMERAS} gates=auto reported={reported} of {expected} cores={cores:.2} {usage}");
    assert!(missed.is_empty(), "missed (camera, round, object): {missed:?}");
    let most = MOST_MIB + MOST_MIB_PER_CAMERA * CAMERAS as u64;
    assert!(usage.resident_kib <= most * 1024, "{usage}, and {most} MiB at most");
}
