//! Simulated cameras, and what the daemon's pipeline file says of them.

use std::{fmt::Write as _, sync::Arc};

use sightline_sim::{
    clip::{Clip, ClipOptions},
    scene::{Scene, SceneKind, SceneOptions},
    server::{RtspServer, ServerOptions, SimCamera},
};

use crate::support::{broker::Broker, daemon::Daemon, link::Link};

/// Small and slow enough for sixteen of them beside the daemon on two cores that others use as well.
pub const SMALL: (u32, u32) = (320, 180);
const FPS: u32 = 4;

/// What the file says of one camera.
#[derive(Clone)]
struct Setup {
    is_there: bool,
    /// Changed by a reload without touching the stream.
    has_zone: bool,
    /// Changed by a reload that opens the stream anew.
    is_patient: bool,
}

pub struct Fleet {
    pub server: RtspServer,
    setups: Vec<Setup>,
    mqtt: String,
}

pub fn id(camera: usize) -> String {
    format!("cam-{camera:02}")
}

impl Fleet {
    /// So many cameras of that width and height, for a daemon that reaches its broker through `link`.
    pub fn start(cameras: usize, (width, height): (u32, u32), broker: &Broker, link: &Link) -> Self {
        sightline_media::init().expect("GStreamer starts");
        let clip = |kind| {
            let options = SceneOptions { width, height, fps: FPS, seed: 1 };
            let scene = Scene::new(kind, &options).expect("a scene");
            Arc::new(Clip::from_scene(&scene, &ClipOptions::default()).expect("an encoded scene"))
        };
        let clips = SceneKind::ALL.map(clip);
        let camera = |index: usize| SimCamera { path: id(index), clip: clips[index % clips.len()].clone() };
        let server = RtspServer::start((0..cameras).map(camera).collect(), ServerOptions::default());
        Self {
            server: server.expect("the RTSP server starts"),
            setups: vec![Setup { is_there: true, has_zone: false, is_patient: false }; cameras],
            mqtt: broker.yaml_at(link.port),
        }
    }

    pub fn len(&self) -> usize {
        self.setups.len()
    }

    /// The pipeline file of now.
    pub fn yaml(&self) -> String {
        let mut yaml = format!(
            "version: 1\nname: soak\nmodel: {{name: ssd-mobilenet-v1-sim}}\ndefaults: {{fps: {FPS}}}\n{}cameras:\n",
            self.mqtt
        );
        for (index, setup) in self.setups.iter().enumerate().filter(|(_, setup)| setup.is_there) {
            let url = self.server.url(index).expect("an address");
            let stall_timeout = if setup.is_patient { "4s" } else { "3s" };
            let zone = "zones: {left: {polygon: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}}";
            let zones = if setup.has_zone { zone } else { "zones: {}" };
            writeln!(yaml, "  {}: {{url: \"{url}\", stall_timeout: {stall_timeout}, {zones}}}", id(index))
                .expect("text grows");
        }
        yaml
    }

    /// Changes one camera at random, and what the daemon has of it. At most a quarter of them are away at a time.
    pub fn change_one(&mut self, random: &mut fastrand::Rng, daemon: &Daemon) {
        let away = self.setups.iter().filter(|setup| !setup.is_there).count();
        let most_away = self.len() / 4;
        let index = random.usize(..self.len());
        let setup = &mut self.setups[index];
        match random.u8(..3) {
            _ if !setup.is_there => setup.is_there = true,
            0 if away < most_away => setup.is_there = false,
            1 => setup.is_patient = !setup.is_patient,
            _ => setup.has_zone = !setup.has_zone,
        }
        self.reload(daemon);
    }

    /// Every camera is in the file again.
    pub fn restore(&mut self, daemon: &Daemon) {
        self.setups.iter_mut().for_each(|setup| setup.is_there = true);
        self.reload(daemon);
    }

    fn reload(&self, daemon: &Daemon) {
        daemon.rewrite(&self.yaml());
        daemon.signal("-HUP");
    }
}
