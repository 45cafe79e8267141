//! All kinds of cameras behind one port: real ones through GStreamer, `sim://` ones served by this process.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::anyhow;
use parking_lot::RwLock;
use sightline_core::{
    plan::{CameraSpec, Plan, RtspTransport, SourceSpec},
    ports::{FrameSource, RunningSource, SourceCallbacks, SourceError, SourceErrorCode},
};
use sightline_media::GstSource;
use sightline_sim::scene::SceneKind;

use crate::{
    failure::{Failure, Kind, OrFail},
    sim::{self, Cameras},
};

/// The daemon's cameras.
pub struct Sources {
    gstreamer: GstSource,
    simulated: RwLock<Simulated>,
}

/// Simulated scenes, and who serves them.
#[derive(Default)]
struct Simulated {
    /// Address of each, by its name.
    addresses: BTreeMap<String, String>,
    /// They serve for as long as they live.
    servers: Vec<Cameras>,
}

/// Cameras of scenes that do not exist, with what is wrong: the configuration does not know what can be simulated.
pub fn unknown_scenes(plan: &Plan) -> Vec<(&CameraSpec, String)> {
    let cameras = plan.pipelines.iter().flat_map(|pipeline| &pipeline.cameras).map(|camera| &camera.spec);
    let unknown = |camera: &'_ CameraSpec| match &camera.source {
        SourceSpec::Sim { scene } => scene.parse::<SceneKind>().err().map(|error| error.to_string()),
        _ => None,
    };
    cameras.filter_map(|camera| Some((camera, unknown(camera)?))).collect()
}

impl Sources {
    /// Starts GStreamer.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> Result<Arc<Self>, Failure> {
        sightline_media::init().or_fail(Kind::Unavailable)?;
        Ok(Arc::new(Self { gstreamer: GstSource, simulated: RwLock::default() }))
    }

    /// Starts a server for the simulated scenes of `plan` that are not served yet.
    ///
    /// # Errors
    /// When it does not start, or there is no scene of that name.
    pub async fn provide(&self, plan: &Plan) -> Result<(), Failure> {
        if let Some((camera, message)) = unknown_scenes(plan).into_iter().next() {
            return Err(Failure::new(Kind::Config, anyhow!("camera {}: {message}", camera.id)));
        }
        let mut scenes: Vec<String> = {
            let known = &self.simulated.read().addresses;
            let cameras = plan.pipelines.iter().flat_map(|pipeline| &pipeline.cameras);
            let wished = cameras.filter_map(|camera| match &camera.spec.source {
                SourceSpec::Sim { scene } => Some(scene.clone()),
                _ => None,
            });
            wished.filter(|scene| !known.contains_key(scene)).collect()
        };
        scenes.sort();
        scenes.dedup();
        if scenes.is_empty() {
            return Ok(());
        }
        let server = Cameras::of_scenes(&scenes, sim::ANY_PORT).await?;
        let mut simulated = self.simulated.write();
        simulated.addresses.extend(server.addresses());
        simulated.servers.push(server);
        Ok(())
    }
}

impl FrameSource for Sources {
    fn start(&self, camera: &CameraSpec, callbacks: SourceCallbacks) -> Result<Box<dyn RunningSource>, SourceError> {
        let SourceSpec::Sim { scene } = &camera.source else { return self.gstreamer.start(camera, callbacks) };
        let address = self.simulated.read().addresses.get(scene).cloned();
        let Some(url) = address else {
            let message = format!("there is no simulated scene {scene}");
            return Err(SourceError { code: SourceErrorCode::Config, message });
        };
        let source = SourceSpec::Rtsp {
            url: url.as_str().into(),
            credentials: None,
            transport: RtspTransport::Tcp,
            verify_tls: true,
        };
        self.gstreamer.start(&CameraSpec { source, ..camera.clone() }, callbacks)
    }
}
