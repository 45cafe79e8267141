//! The video that the pipeline is measured with, and what simulated cameras show.

use std::path::{Path, PathBuf};

use sightline_sim::{
    clip::{Clip, ClipOptions},
    scene::{Scene, SceneKind, SceneOptions},
};

use crate::{
    cli::{BenchArgs, BenchSize},
    failure::{Failure, Kind, OrFail},
};

/// What all simulated cameras show: the given video, else a street, as a camera would send it.
///
/// # Errors
/// When the video cannot be played, or an encoder is lacking.
pub fn clip(args: &BenchArgs) -> Result<Clip, Failure> {
    if let Some(video) = &args.video {
        return Clip::from_video(video, &ClipOptions::default()).or_fail(Kind::Usage);
    }
    let BenchSize { width, height } = args.size;
    let scene = SceneOptions { width, height, fps: args.fps, ..SceneOptions::default() };
    let scene = Scene::new(SceneKind::Street, &scene).or_fail(Kind::Usage)?;
    Clip::from_scene(&scene, &ClipOptions::default()).or_fail(Kind::Unavailable)
}

/// The given video, else the street as a file in `folder`: H.264, as cameras send it.
///
/// # Errors
/// When the file cannot be written, or an encoder is lacking.
pub fn file(args: &BenchArgs, folder: &Path) -> Result<PathBuf, Failure> {
    if let Some(video) = &args.video {
        return Ok(video.clone());
    }
    let path = folder.join("street.h264");
    let units = clip(args)?.access_units().or_fail(Kind::Internal)?;
    std::fs::write(&path, units.concat()).or_fail(Kind::Internal)?;
    Ok(path)
}
