//! Manifests of models.

use sightline_config::models::{ModelReference, find_model};

use crate::{problems, scratch};

/// Any bytes as a `model.yaml` make a model within bounds, or problems that have their place and tell no secret.
pub fn model_yaml(bytes: &[u8]) {
    if problems::names_the_canary(bytes) {
        return;
    }
    scratch::write("secret", problems::CANARY.as_bytes());
    scratch::write("anchors.bin", &[0, 0, 0, 63].repeat(8));
    scratch::write("labels.txt", b"???\nperson\ncar\n");
    let file = scratch::write("model.yaml", bytes);
    match find_model(&ModelReference::Path(file.clone()), &problems::environment()) {
        Ok(model) => {
            assert!(model.labels.names().next().is_some(), "a model without a label");
            assert!(model.input.samples_per_image() <= 3 * 4096 * 4096, "an input of {:?}", model.input);
            assert_eq!(model.sha256.len(), 64, "a hash of another length");
        }
        Err(wrong) => problems::check(&wrong, &file, bytes),
    }
}
