//! The weights file: read once, and the right one.

use std::{fmt::Write, path::Path};

use sha2::{Digest, Sha256};
use sightline_core::model::ModelSpec;

use crate::error::InferError;

/// The bytes of the model's weights and the file they are from.
///
/// # Errors
/// When there is no file, it cannot be read, or its SHA-256 is not the specification's.
pub(crate) fn read(spec: &ModelSpec) -> Result<(&Path, Vec<u8>), InferError> {
    let model = || spec.name.clone();
    let Some(path) = spec.weights.as_deref() else {
        return Err(InferError::WeightsMissing { model: model(), file_name: spec.weights_file_name.clone() });
    };
    let bytes = std::fs::read(path).map_err(|source| InferError::WeightsUnreadable {
        model: model(),
        path: path.to_path_buf(),
        source,
    })?;
    let found = sha256(&bytes);
    if !found.eq_ignore_ascii_case(&spec.sha256) {
        let (path, expected) = (path.to_path_buf(), spec.sha256.clone());
        return Err(InferError::WeightsHash { model: model(), path, expected, found });
    }
    Ok((path, bytes))
}

/// SHA-256 as lower-case hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    let mut written = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(written, "{byte:02x}");
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_of_the_standard() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
