//! The architecture's rule over `cargo metadata`: siblings never see each other, and each awkward neighbour is named
//! by the one crate that owns it. `deny.toml` says the same to cargo-deny, which is not on every machine.
#![allow(clippy::expect_used, clippy::panic, reason = "a failure here is the failing test")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Package → the crates of ours that may name it (as a normal or build dependency).
const OWNED: [(&str, &[&str]); 24] = [
    ("gstreamer", &["sightline-media", "sightline-sim"]),
    ("gstreamer-app", &["sightline-media", "sightline-sim"]),
    ("gstreamer-video", &["sightline-media"]),
    ("gstreamer-rtsp-server", &["sightline-sim"]),
    ("ort", &["sightline-infer"]),
    ("openvino", &["sightline-infer"]),
    ("openvino-sys", &["sightline-infer"]),
    ("prost", &["sightline-onnx"]),
    ("rumqttc", &["sightline-mqtt"]),
    ("yaml_serde", &["sightline-config"]),
    ("saphyr-parser", &["sightline-config"]),
    ("schemars", &["sightline-config"]),
    ("ureq", &["sightline-fetch"]),
    ("zip", &["sightline-fetch"]),
    ("rusqlite", &["sightline-store"]),
    ("axum", &["sightline-web"]),
    ("prometheus-client", &["sightline-web"]),
    ("hyper", &["sightline-web"]),
    ("hyper-util", &["sightline-web"]),
    ("sd-notify", &["sightline"]),
    ("tokio", &["sightline-pipeline", "sightline-mqtt", "sightline-web", "sightline"]),
    ("clap", &["sightline"]),
    ("anyhow", &["sightline"]),
    ("tiny-skia", &["sightline-sim"]),
];

/// What the pure core may name.
const CORE: [&str; 3] = ["libm", "serde", "thiserror"];

fn our_packages() -> Vec<Package> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata");
    metadata.packages
}

/// Names of the packages that `package` depends on outside its tests.
fn named_by(package: &Package) -> BTreeSet<String> {
    let outside_tests = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
    outside_tests.map(|dependency| dependency.name.clone()).collect()
}

#[test]
fn siblings_never_see_each_other() {
    let packages = our_packages();
    let ours: BTreeSet<String> = packages.iter().map(|package| package.name.to_string()).collect();
    assert!(ours.len() >= 8, "{ours:?}");
    // The program introduces them to each other, and the fuzz targets try each; nothing depends on either.
    for package in packages.iter().filter(|package| !["sightline", "sightline-fuzz"].contains(&package.name.as_str())) {
        let seen: Vec<_> = named_by(package).into_iter().filter(|name| ours.contains(name)).collect();
        let is_core = *package.name == "sightline-core";
        let allowed = |name: &String| name == "sightline-core" && !is_core;
        assert!(seen.iter().all(allowed), "{} sees {seen:?}", package.name);
    }
}

#[test]
fn each_neighbour_is_named_by_its_owner_alone() {
    let naming: BTreeMap<String, BTreeSet<String>> =
        our_packages().iter().map(|package| (package.name.to_string(), named_by(package))).collect();
    for (neighbour, owners) in OWNED {
        let named: Vec<&str> =
            naming.iter().filter(|(_, names)| names.contains(neighbour)).map(|(package, _)| package.as_str()).collect();
        for package in &named {
            assert!(owners.contains(package), "{package} names {neighbour}, which belongs to {owners:?}");
        }
        assert!(!named.is_empty(), "nobody names {neighbour}: take it off the list");
    }
}

#[test]
fn the_core_names_next_to_nothing() {
    let packages = our_packages();
    let core = packages.iter().find(|package| *package.name == "sightline-core").expect("the core");
    for name in named_by(core) {
        assert!(CORE.contains(&name.as_str()), "the core names {name}");
    }
}
