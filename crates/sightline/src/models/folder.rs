//! Writing a model's folder: its ONNX file, its default boxes, its `model.yaml`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use sightline_config::models::{anchors_to_bytes, manifest_to_yaml, sha256_of_bytes};
use sightline_core::model::{Head, ModelSpec};

use crate::failure::{Failure, Kind, OrFail};

const ANCHORS_FILE: &str = "anchors.bin";

/// Writes the files of `spec`, whose hash is filled in, into `folder`; the path of its `model.yaml`, which comes last,
/// so that a model is either whole or not found at all.
///
/// # Errors
/// When another model is in the folder and `overwrite` is not wished, or a file cannot be written.
pub fn write(folder: &Path, mut spec: ModelSpec, onnx: &[u8], overwrite: bool) -> Result<PathBuf, Failure> {
    let manifest = folder.join("model.yaml");
    if manifest.exists() && !overwrite {
        let message = format!("there is a model in {} already; --force overwrites it", folder.display());
        return Err(Failure::new(Kind::Usage, anyhow!(message)));
    }
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
        .or_fail(Kind::Usage)?;
    if let Head::RawSsd { anchors, .. } = &spec.head {
        put(&folder.join(ANCHORS_FILE), &anchors_to_bytes(anchors))?;
    }
    spec.sha256 = sha256_of_bytes(onnx);
    put(&folder.join(&spec.weights_file_name), onnx)?;
    put(&manifest, manifest_to_yaml(&spec, ANCHORS_FILE).as_bytes())?;
    Ok(manifest)
}

/// Puts a whole file in place at once: whoever reads it meanwhile sees the old one or the new one.
fn put(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".part");
    let written = fs::write(&partial, content).and_then(|()| fs::rename(&partial, path));
    written.with_context(|| format!("cannot write {}", path.display())).or_fail(Kind::Usage)
}
