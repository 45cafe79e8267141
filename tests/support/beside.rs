//! The good camera beside bad ones: it must not notice them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_sim::{
    clip::{Clip, ClipOptions},
    scene::{Scene, SceneKind, SceneOptions},
    server::RtspServer,
};

use super::{cameras, listener::Listener};

/// Its frames are counted for so long before the faults, and for as long during them.
const WINDOW: Duration = Duration::from_secs(7);
/// Many, so that one frame more or less at a window's edge does not matter.
const FPS: u32 = 30;
/// How much of its frame rate it may lose.
const TOLERANCE: f64 = 0.05;

pub struct GoodCamera {
    server: RtspServer,
}

/// Frames inferred in a window before the faults.
pub struct Before(usize);

impl GoodCamera {
    pub fn start() -> Self {
        sightline_media::init().expect("GStreamer starts");
        let options = SceneOptions { width: 320, height: 180, fps: FPS, seed: 1 };
        let scene = Scene::new(SceneKind::Street, &options).expect("a scene");
        let clip = Clip::from_scene(&scene, &ClipOptions::default()).expect("an encoded scene");
        Self { server: cameras::serve(vec![("good", Arc::new(clip))]) }
    }

    /// Its line in a pipeline file.
    pub fn yaml(&self) -> String {
        let url = self.server.url(0).expect("an address");
        // Not held back: what is inferred is what the camera sends.
        format!("  good: {{url: \"{url}\", fps: 120}}\n")
    }

    /// Counts for a window.
    pub async fn before(&self, listener: &Listener) -> Before {
        let from = Instant::now();
        tokio::time::sleep(WINDOW).await;
        let frames = listener.frames_between("good", from, from + WINDOW);
        let sent = f64::from(FPS) * WINDOW.as_secs_f64();
        assert!(frames as f64 > 0.9 * sent, "{frames} frames in {WINDOW:?}: this machine is too busy to compare");
        Before(frames)
    }

    /// Counts for as long from now on, and compares.
    pub async fn is_as(&self, Before(before): Before, listener: &Listener) {
        let from = Instant::now();
        tokio::time::sleep(WINDOW).await;
        let during = listener.frames_between("good", from, from + WINDOW);
        eprintln!("the good camera: {before} frames in {WINDOW:?} before, {during} during");
        let change = during as f64 / before as f64 - 1.0;
        assert!(change.abs() <= TOLERANCE, "{before} frames in {WINDOW:?} before, {during} during");
    }
}
