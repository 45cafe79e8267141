//! All kinds of cameras behind one port: real ones through GStreamer, `sim://` ones served by this process.

use std::{collections::BTreeMap, sync::Arc};

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
    /// Address of each simulated scene, by its name.
    simulated: BTreeMap<String, String>,
    /// Serves them for as long as this lives.
    _server: Option<Cameras>,
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
    /// Starts GStreamer and, where a camera of `cameras` is simulated, the server of its scene.
    ///
    /// # Errors
    /// When GStreamer or the server does not start, or there is no scene of that name.
    pub async fn start<'a>(cameras: impl Iterator<Item = &'a CameraSpec>) -> Result<Arc<Self>, Failure> {
        sightline_media::init().or_fail(Kind::Unavailable)?;
        let mut scenes: Vec<String> = cameras
            .filter_map(|camera| match &camera.source {
                SourceSpec::Sim { scene } => Some(scene.clone()),
                _ => None,
            })
            .collect();
        scenes.sort();
        scenes.dedup();
        let server = if scenes.is_empty() { None } else { Some(Cameras::of_scenes(&scenes, sim::ANY_PORT).await?) };
        let simulated = server.iter().flat_map(Cameras::addresses).collect();
        Ok(Arc::new(Self { gstreamer: GstSource, simulated, _server: server }))
    }
}

impl FrameSource for Sources {
    fn start(&self, camera: &CameraSpec, callbacks: SourceCallbacks) -> Result<Box<dyn RunningSource>, SourceError> {
        let SourceSpec::Sim { scene } = &camera.source else { return self.gstreamer.start(camera, callbacks) };
        let Some(url) = self.simulated.get(scene) else {
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
