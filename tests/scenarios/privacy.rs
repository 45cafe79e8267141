//! What leaves the box is MQTT alone. ONNX Runtime's builds on PyPI report to their maker unless they are told not to;
//! the first trace of it is a device's id in the user's cache.

use sightline_sim::scene::{SceneKind, SceneOptions, render};

use crate::support::{output, sightline, stderr};

#[test]
fn onnx_runtime_keeps_no_identity_and_reports_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let picture = render(SceneKind::Office, &SceneOptions::default(), 60).expect("a picture");
    let path = home.path().join("office.png");
    image::save_buffer(&path, &picture.rgb, picture.width, picture.height, image::ColorType::Rgb8).expect("a file");
    let output = output(
        sightline()
            .env_remove("ORT_DISABLE_TELEMETRY")
            .env_remove("XDG_CACHE_HOME")
            .env("HOME", home.path())
            .args(["detect", "--model", "ssd-mobilenet-v1-sim"])
            .arg(&path),
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let trace = home.path().join(".cache/Microsoft");
    assert!(!trace.exists(), "ONNX Runtime's telemetry has written {}", trace.display());
}
