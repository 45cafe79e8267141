//! The video that the pipeline is measured with, and what simulated cameras show.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use sightline_media::FileError;
use sightline_sim::{
    clip::{Clip, ClipOptions},
    scene::{Scene, SceneKind, SceneOptions},
};

use super::flat_out::Endless;
use crate::{
    cli::{BenchArgs, BenchSize},
    failure::{Failure, Kind, OrFail, Outcome},
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
/// When the given video cannot be played, the file cannot be written, or an encoder is lacking.
pub fn file(args: &BenchArgs, folder: &Path) -> Result<PathBuf, Failure> {
    check(args)?;
    if let Some(video) = &args.video {
        return Ok(video.clone());
    }
    let path = folder.join("street.h264");
    let units = clip(args)?.access_units().or_fail(Kind::Internal)?;
    std::fs::write(&path, units.concat()).or_fail(Kind::Internal)?;
    Ok(path)
}

/// Refuses a video that cannot be played: now, and not by cameras that try again and again.
///
/// # Errors
/// When it cannot.
pub fn check(args: &BenchArgs) -> Outcome {
    let Some(video) = &args.video else { return Ok(()) };
    // A file's error tells its cause itself.
    let unplayable = |error: FileError| Failure::new(Kind::Usage, anyhow!(error.to_string()));
    sightline_media::init().or_fail(Kind::Unavailable)?;
    Endless::open(video).and_then(|mut frames| frames.next()).map(|_| ()).map_err(unplayable)
}
