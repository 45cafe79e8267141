//! Pipeline files.

use sightline_config::load;
use sightline_core::plan::{Plan, SourceSpec};

use crate::{problems, scratch};

/// Any bytes as a pipeline file make a plan that hides its passwords, or problems that have their place and hide them.
pub fn pipeline_yaml(bytes: &[u8]) {
    if problems::names_the_canary(bytes) {
        return;
    }
    scratch::write("secret", problems::CANARY.as_bytes());
    let file = scratch::write("pipeline.yaml", bytes);
    match load(std::slice::from_ref(&file), &problems::environment()) {
        Ok(plan) => check_passwords(&plan),
        Err(wrong) => problems::check(&wrong, &file, bytes),
    }
}

/// What came out of a reference may be shown (a name, a path), but not as a password or in a camera's address.
fn check_passwords(plan: &Plan) {
    for pipeline in &plan.pipelines {
        let broker = format!("{:?}", pipeline.mqtt.credentials);
        assert!(!broker.contains("password: \"c4n4ry"), "the broker's password is shown: {broker}");
        for camera in &pipeline.cameras {
            let source = &camera.spec.source;
            if let SourceSpec::Rtsp { .. } = source {
                let shown = format!("{source}{source:?}");
                assert!(!shown.contains(problems::CANARY), "a camera's address tells a secret: {shown}");
            }
        }
    }
}
