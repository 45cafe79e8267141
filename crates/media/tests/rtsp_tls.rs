//! rtsps:// with a certificate that the camera signed itself.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failing unwrap in a helper is the failing test")]

mod support;

use std::process::Command;

use sightline_core::{
    plan::{RtspTransport, SourceSpec},
    ports::SourceErrorCode,
};
use support::{Access, Server, assert_code, camera, failure_of, gst_gio, h264, start, stop};

fn self_signed() -> Option<gst_gio::TlsCertificate> {
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        // Past libtest's capture, which hides what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("SKIPPED: no openssl to make a certificate with\n"),
        );
        return None;
    }
    Some(gst_gio::TlsCertificate::from_files(&certificate, &key).unwrap())
}

#[test]
fn a_self_signed_certificate_is_taken_only_when_it_need_not_be_verified() {
    let Some(certificate) = self_signed() else { return };
    let server = Server::start_with(&[("/cam", &h264())], &Access::Tls(certificate), |_| ());
    let url = server.url("/cam").replace("rtsp://", "rtsps://");
    let spec = |verify_tls| {
        camera(SourceSpec::Rtsp {
            url: url.as_str().into(),
            credentials: None,
            transport: RtspTransport::Tcp,
            verify_tls,
        })
    };

    let (running, recorder) = start(&spec(false));
    recorder.wait_frames(3);
    stop(running, &recorder);

    assert_code(&failure_of(&spec(true)), SourceErrorCode::Tls);
}
