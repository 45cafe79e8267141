//! Every example in `pipelines/`, the one for Jetson, and the annotated model in `models/README.md`, load without a problem.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may; its helpers are tests too"
)]

mod common;

use common::{environment, folder, repository};
use sightline_config::{
    Environment, load,
    models::{ModelReference, find_model},
};
use sightline_core::{
    geometry::{Point, turn},
    plan::{CameraPlan, SourceSpec},
};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n";

/// What `pipelines/yard.yaml` asks of its machine.
fn yard_environment(tls: &std::path::Path) -> Environment {
    let tls = tls.to_str().unwrap();
    environment(&[
        ("SIGHTLINE_TLS", tls),
        ("BROKER_PASSWORD", "secret"),
        ("FRONT_DOOR_PASSWORD", "p@ss/w:rd#%"),
        ("GATE_PASSWORD", "secret"),
    ])
}

#[test]
fn each_example_loads() {
    let tls = folder(&[("ca.pem", CERTIFICATE), ("client.pem", CERTIFICATE), ("client.key", KEY)]);
    let environment = yard_environment(tls.path());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(repository().join("pipelines")).unwrap() {
        let file = entry.unwrap().path();
        let plan = load(std::slice::from_ref(&file), &environment).unwrap_or_else(|problems| panic!("\n{problems}"));
        assert_eq!(plan.pipelines.len(), 1);
        names.push(plan.pipelines[0].name.clone());
    }
    names.sort();
    assert_eq!(names, ["quickstart", "simulated", "test-pattern", "yard", "zones-and-lines"]);
}

#[test]
fn the_examples_run_side_by_side() {
    let tls = folder(&[("ca.pem", CERTIFICATE), ("client.pem", CERTIFICATE), ("client.key", KEY)]);
    let plan = load(&[repository().join("pipelines")], &yard_environment(tls.path())).unwrap();
    assert_eq!(plan.pipelines.len(), 5);
    let cameras = plan.pipelines.iter().flat_map(|pipeline| &pipeline.cameras).count();
    assert_eq!(cameras, 11);
}

#[test]
fn the_jetsons_example_wishes_what_its_comments_say() {
    let file = repository().join("deploy/jetson/pipeline.yaml");
    let plan =
        load(&[file], &environment(&[("CAMERA_PASSWORD", "secret")])).unwrap_or_else(|problems| panic!("\n{problems}"));
    let [pipeline] = plan.pipelines.as_slice() else { panic!("one pipeline") };
    let providers: Vec<_> = pipeline.inference.providers.iter().map(|provider| provider.name()).collect();
    assert_eq!(providers, ["tensorrt", "cuda", "cpu"]);
    let wishes: Vec<_> = pipeline
        .cameras
        .iter()
        .map(|camera| {
            (&*camera.spec.id, camera.spec.decoder.as_deref(), camera.snapshots.is_some(), camera.clips.is_some())
        })
        .collect();
    let expected =
        [("door", None, true, false), ("gate", None, false, false), ("yard", Some("nvv4l2decoder"), false, true)];
    let mut sorted = wishes.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    let input = &pipeline.model.input;
    assert!(input.stretched_size().is_some(), "frames of this model can be scaled beforehand");
}

#[test]
fn the_quickstart_is_short() {
    let text = std::fs::read_to_string(repository().join("pipelines/quickstart.yaml")).unwrap();
    assert!(text.lines().count() < 10);
}

#[test]
fn the_yards_secrets_are_taken_as_they_are() {
    let tls = folder(&[("ca.pem", CERTIFICATE), ("client.pem", CERTIFICATE), ("client.key", KEY)]);
    let file = repository().join("pipelines/yard.yaml");
    let plan = load(&[file], &yard_environment(tls.path())).unwrap();
    let SourceSpec::Rtsp { url, credentials, .. } = &plan.pipelines[0].cameras[0].spec.source else {
        panic!("not an RTSP camera")
    };
    assert_eq!(url.reveal(), "rtsp://10.0.0.21/stream1");
    assert_eq!(credentials.as_ref().unwrap().password.reveal(), "p@ss/w:rd#%");
    let tls = plan.pipelines[0].mqtt.tls.as_ref().unwrap();
    assert_eq!(tls.ca_pem.as_deref(), Some(CERTIFICATE.as_bytes()));
    let (certificate, key) = tls.client.as_ref().unwrap();
    assert_eq!((certificate.as_slice(), key.reveal()), (CERTIFICATE.as_bytes(), KEY));
}

#[test]
fn the_zones_and_lines_are_what_their_comments_say() {
    let file = repository().join("pipelines/zones-and-lines.yaml");
    let plan = load(&[file], &environment(&[])).unwrap();
    let [avenue, reception] = plan.pipelines[0].cameras.as_slice() else { panic!("two cameras") };
    let zone_ids = |camera: &CameraPlan| camera.zones.iter().map(|zone| zone.id.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (zone_ids(avenue), zone_ids(reception)),
        (vec!["road".into(), "pavement".into()], vec!["front".into(), "left-half".into()])
    );
    // From the picture's left to its right is from the left of the line to its right.
    let [middle] = avenue.lines.as_slice() else { panic!("one line") };
    let side = |x: f32| turn(middle.from, middle.to, Point { x, y: 0.8 });
    assert!(side(0.2) < 0.0 && side(0.8) > 0.0, "`in` is from left to right");
    assert_eq!(avenue.masks.len(), 1);
    assert!(avenue.snapshots.is_some() && reception.snapshots.is_none());
    assert!(avenue.clips.is_some() && reception.clips.is_none());
    assert_eq!(avenue.spec.keep_packets, avenue.clips.as_ref().map(|clips| clips.pre));
}

#[test]
fn the_annotated_model_is_one() {
    let readme = std::fs::read_to_string(repository().join("models/README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [whole, other_heads @ ..] = blocks.as_slice() else { panic!("no YAML in models/README.md") };
    let common_part: String = {
        let head = whole.find("head:").unwrap();
        let after = whole.find("labels:").unwrap();
        format!("{}HEAD{}", &whole[..head], &whole[after..])
    };
    let mut manifests = vec![(*whole).to_owned()];
    manifests.extend(other_heads.iter().map(|head| common_part.replace("HEAD", head)));
    assert_eq!(manifests.len(), 4);
    for manifest in manifests {
        let folder = folder(&[("my-detector/model.yaml", &manifest)]);
        let environment = Environment { model_folders: vec![folder.path().to_owned()], ..Environment::empty() };
        let model = find_model(&ModelReference::Name("my-detector".to_owned()), &environment);
        let model = model.unwrap_or_else(|problems| panic!("{manifest}\n{problems}"));
        assert_eq!(model.labels.len(), 4);
    }
}
