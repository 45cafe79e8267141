//! Where weights are, and what to do when they are nowhere.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use sightline_core::model::ModelSpec;

use crate::environment::Environment;

/// Every place where a model's weights may lie, in the order of search.
pub(super) fn candidates(
    file_name: &str,
    model_name: &str,
    manifest_folder: &Path,
    environment: &Environment,
) -> Vec<PathBuf> {
    let mut places = vec![manifest_folder.join(file_name)];
    for folder in environment.model_folders.iter().chain(&environment.user_model_folder) {
        places.push(folder.join(file_name));
        places.push(folder.join(model_name).join(file_name));
    }
    let mut unique: Vec<PathBuf> = Vec::new();
    for place in places {
        if !unique.contains(&place) {
            unique.push(place);
        }
    }
    unique
}

/// What to tell someone whose model has no weights: what is missing, where it was looked for, how to get it.
#[must_use]
pub fn missing_weights_message(model: &ModelSpec) -> String {
    let mut message = format!("model {}: its weights {} are not here; looked for", model.name, model.weights_file_name);
    for place in &model.weights_searched {
        message.push_str(&format!("\n  {}", place.display()));
    }
    message.push_str(&format!(
        "\n  help: `sightline models pull` fetches the COCO models; else put {} into ~/.local/share/sightline/models, or \
         set SIGHTLINE_MODELS to the folder that holds it\n  source: {}",
        model.weights_file_name,
        model.source.trim()
    ));
    message
}

/// SHA-256 of bytes in lower-case hexadecimal.
#[must_use]
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file in lower-case hexadecimal, read in pieces.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
    }
    Ok(hexadecimal(&hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_searched_in_the_documented_order() {
        let environment = Environment {
            model_folders: vec!["/a".into(), "/b".into()],
            user_model_folder: Some("/u".into()),
            bundled_model_folders: vec!["/never".into()],
            ..Environment::empty()
        };
        let expected =
            ["/m/net/x.onnx", "/a/x.onnx", "/a/net/x.onnx", "/b/x.onnx", "/b/net/x.onnx", "/u/x.onnx", "/u/net/x.onnx"]
                .map(PathBuf::from);
        assert_eq!(candidates("x.onnx", "net", Path::new("/m/net"), &environment), expected);
    }

    #[test]
    fn the_hash_is_the_standards() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x");
        std::fs::write(&file, "abc").unwrap();
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_of_file(&file).unwrap(), expected);
    }
}
