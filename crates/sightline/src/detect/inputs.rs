//! What is to be looked at: images, videos, and folders of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A file to look at.
pub enum Input {
    /// A JPEG or PNG.
    Image(PathBuf),
    /// Anything else; GStreamer will say whether it is a video.
    Video(PathBuf),
}

/// File name extensions that are taken from a folder; a file named on the command line is always looked at.
const FROM_FOLDERS: [&str; 10] = ["jpg", "jpeg", "png", "mp4", "mkv", "mov", "avi", "webm", "ts", "m4v"];

/// All files that `paths` name, in order; what cannot be read is an error in its place.
pub fn expand(paths: &[PathBuf]) -> Vec<anyhow::Result<Input>> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.is_dir() {
            match folder(path) {
                Ok(files) => inputs.extend(files.iter().map(|file| classify(file))),
                Err(error) => inputs.push(Err(error)),
            }
        } else {
            inputs.push(classify(path));
        }
    }
    inputs
}

fn classify(path: &Path) -> anyhow::Result<Input> {
    let is_image = sightline_media::is_image(path)?;
    Ok(if is_image { Input::Image(path.to_path_buf()) } else { Input::Video(path.to_path_buf()) })
}

fn folder(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let context = || format!("cannot read the folder {}", path.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).with_context(context)? {
        let file = entry.with_context(context)?.path();
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
        if file.is_file() && FROM_FOLDERS.contains(&extension.as_str()) {
            files.push(file);
        }
    }
    if files.is_empty() {
        bail!("no images or videos in the folder {}", path.display());
    }
    // The order of a folder's entries is the file system's whim.
    files.sort();
    Ok(files)
}
