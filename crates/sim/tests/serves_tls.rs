//! `rtsps://` with a certificate of one's own.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use std::{path::PathBuf, process::Command};

use sightline_sim::{
    clip::ClipOptions,
    scene::SceneKind,
    server::{RtspServer, ServerOptions, TlsFiles},
};
use support::{Client, camera};

/// A fresh certificate for 127.0.0.1; `None` where there is no `openssl`.
fn certificate(folder: &std::path::Path) -> Option<TlsFiles> {
    let files = TlsFiles { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"])
        .arg("-keyout")
        .arg(&files.key)
        .arg("-out")
        .arg(&files.certificate)
        .output()
        .ok()?;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(files)
}

#[test]
fn a_client_that_trusts_the_certificate_sees_frames_and_another_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let Some(tls) = certificate(folder.path()) else {
        // Past libtest's capture, which hides what a passing test prints.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("SKIPPED: no openssl to make a certificate with\n"),
        );
        return;
    };
    let options = ServerOptions { tls: Some(tls), ..ServerOptions::default() };
    let server =
        RtspServer::start(vec![camera("street", SceneKind::Street, &ClipOptions::default())], options).unwrap();
    let url = server.url(0).unwrap();
    assert!(url.starts_with("rtsps://"), "{url}");
    Client::open(&url, "tls-validation-flags=0").next();
    let failure = Client::open(&url, "").failure();
    // GStreamer 1.22 does not say that the certificate was the reason.
    assert!(failure.contains("Failed to connect") || failure.to_lowercase().contains("certificate"), "{failure}");
}

#[test]
fn a_missing_certificate_is_named() {
    let nowhere = PathBuf::from("/nowhere/certificate.pem");
    let options = ServerOptions {
        tls: Some(TlsFiles { certificate: nowhere.clone(), key: nowhere }),
        ..ServerOptions::default()
    };
    let error = RtspServer::start(Vec::new(), options).err().unwrap();
    assert!(error.to_string().contains("/nowhere/certificate.pem"), "{error}");
}
