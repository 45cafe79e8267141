//! What a file means once it is a plan.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may; its helpers are tests too"
)]

mod common;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use common::{environment, folder, load_text};
use sightline_config::load;
use sightline_core::outbox::OutboxPlan;
use sightline_core::plan::{
    CameraPlan, DecodingPlan, InferencePlan, LabelFilter, MotionPlan, OnUnavailable, Plan, Priority, Provider,
    RtspTransport, SourceSpec, Switch,
};
use sightline_core::provider::{
    ArenaGrowth, CpuOptions, CudaOptions, OpenVinoOptions, OpenVinoPrecision, OpenVinoRuntime, TensorRtOptions,
    TensorRtPrecision,
};

fn plan(text: &str) -> Plan {
    load_text(text, &environment(&[])).unwrap_or_else(|problems| panic!("\n{problems}"))
}

const EVERYTHING: LabelFilter = LabelFilter {
    min_score: None,
    min_area: 0.0,
    max_area: 1.0,
    min_aspect_ratio: 0.0,
    max_aspect_ratio: f32::INFINITY,
};

#[test]
fn what_is_left_out_has_its_default() {
    let plan = plan("version: 1\nname: a\nmodel: {name: ssd-mobilenet-v1-coco}\ncameras: {c: {url: 'rtsp://h/x'}}\n");
    let pipeline = &plan.pipelines[0];
    assert_eq!((pipeline.detection.score_threshold, pipeline.detection.iou_threshold), (0.5, 0.6));
    assert_eq!((pipeline.detection.max_detections, pipeline.detection.class_agnostic), (100, false));
    let inference = InferencePlan {
        providers: vec![Provider::cpu()],
        calibrate: true,
        on_unavailable: OnUnavailable::Fallback,
        max_batch: None,
        max_wait: Duration::ZERO,
        latency_target: None,
    };
    assert_eq!(pipeline.inference, inference);
    let mqtt = &pipeline.mqtt;
    assert_eq!((mqtt.host.as_str(), mqtt.port, &mqtt.tls, &mqtt.credentials), ("127.0.0.1", 1883, &None, &None));
    assert_eq!((mqtt.base_topic().as_str(), mqtt.detections), ("sightline/box-7", false));
    let camera = &pipeline.cameras[0];
    assert_eq!((camera.fps, camera.labels.len()), (5.0, 0));
    assert_eq!((camera.spec.stall_timeout, &camera.spec.decoder), (Duration::from_secs(10), &None));
    assert_eq!(pipeline.mqtt.outbox, OutboxPlan::default());
    assert_eq!(camera.frozen_after, Some(Duration::from_secs(60)));
    assert_eq!(camera.dark_after, Some(Duration::from_secs(30)));
    let source = SourceSpec::Rtsp {
        url: "rtsp://h/x".into(),
        credentials: None,
        transport: RtspTransport::Tcp,
        verify_tls: true,
    };
    assert_eq!(camera.spec.source, source);
}

#[test]
fn who_goes_first_and_how_old_results_may_be() {
    let text = "version: 1\nname: a\nmodel: {name: ssd-mobilenet-v1-coco}\ninference: {latency_target: 50ms}\n\
                defaults: {priority: low}\n\
                cameras: {a: {url: test://}, b: {url: test://, priority: high}, c: {url: test://, priority: normal}}\n";
    let plan = plan(text);
    assert_eq!(plan.pipelines[0].inference.latency_target, Some(Duration::from_millis(50)));
    let priorities: Vec<_> = plan.pipelines[0].cameras.iter().map(|camera| camera.priority).collect();
    assert_eq!(priorities, [Priority::Low, Priority::High, Priority::Normal]);
    assert!(Priority::Low < Priority::Normal && Priority::Normal < Priority::High);
}

#[test]
fn what_is_kept_for_the_broker_and_when_a_picture_is_wrong() {
    let text = "version: 1\nname: a\nmodel: {name: ssd-mobilenet-v1-coco}\n\
                mqtt: {outbox: {max_size: 10MiB, history_age: 36h}}\n\
                defaults: {frozen_after: 'off', dark_after: 5m}\n\
                cameras: {a: {url: test://}, b: {url: test://, frozen_after: 10s, dark_after: off}}\n";
    let plan = plan(text);
    let outbox = OutboxPlan {
        max_bytes: 10 * 1024 * 1024,
        history_age: Duration::from_secs(36 * 3600),
        ..OutboxPlan::default()
    };
    assert_eq!(plan.pipelines[0].mqtt.outbox, outbox);
    let [a, b] = &plan.pipelines[0].cameras[..] else { panic!("two cameras") };
    assert_eq!((a.frozen_after, a.dark_after), (None, Some(Duration::from_secs(300))));
    assert_eq!((b.frozen_after, b.dark_after), (Some(Duration::from_secs(10)), None));
}

#[test]
fn how_little_a_camera_does_is_inherited_and_replaced_as_a_whole() {
    let text = "version: 1\nname: a\nmodel: {name: ssd-mobilenet-v1-coco}\n\
                defaults: {motion: {max_idle: 30s}, decoding: {key_frames_when_idle: false}}\n\
                cameras:\n  a: {url: test://}\n  b: {url: test://, motion: {enabled: true, sensitivity: 0.8}, decoding: {}}\n\
                \x20 c: {url: test://, motion: {enabled: false}}\n";
    let plan = plan(text);
    let [a, b, c] = &plan.pipelines[0].cameras[..] else { panic!("three cameras") };
    let motion = |sensitivity, max_idle, adaptive| {
        Some(MotionPlan { sensitivity, max_idle: Duration::from_secs(max_idle), adaptive, masks: Vec::new() })
    };
    assert_eq!(a.motion, motion(0.5, 30, true));
    assert_eq!(b.motion, motion(0.8, 10, false));
    assert_eq!(c.motion, None);
    let key_frames = |camera: &CameraPlan| camera.decoding.key_frames_when_idle;
    assert_eq!((key_frames(a), key_frames(b)), (Switch::Off, Switch::Auto));
}

#[test]
fn without_a_word_every_frame_is_inferred() {
    let text = "version: 1\nname: a\nmodel: {name: ssd-mobilenet-v1-coco}\ncameras: {a: {url: test://}}\n";
    let plan = plan(text);
    let camera = &plan.pipelines[0].cameras[0];
    assert_eq!((&camera.motion, camera.decoding), (&None, DecodingPlan::default()));
}

#[test]
fn the_int8_model_brings_its_own_threshold() {
    let text = "version: 1\nname: a\nmodel: {name: ssd-mobilenet-v1-coco-int8}\ncameras: {c: {url: test://}}\n";
    assert_eq!(plan(text).pipelines[0].detection.score_threshold, 0.3);
    let text = text.replace("int8}", "int8, score_threshold: 0.45, iou_threshold: 0.5}");
    let detection = plan(&text).pipelines[0].detection;
    assert_eq!((detection.score_threshold, detection.iou_threshold), (0.45, 0.5));
}

#[test]
fn cameras_keep_the_files_order_and_inherit() {
    let plan = plan(
        "version: 1
name: a
model: {name: ssd-mobilenet-v1-coco}
inference: {providers: [tensorrt, cuda, {name: openvino, device: GPU}, openvino, cpu], on_unavailable: fail}
defaults: {fps: 2.5, transport: udp, labels: [person], stall_timeout: 1m, decoder: avdec_h264}
cameras:
  zebra: {url: rtsp://h/1}
  apple:
    url: rtsp://h/2
    fps: 10
    transport: auto
    labels: {car: , dog: {score: 0.7, min_area: 0.25}}
    stall_timeout: 500ms
    decoder: avdec_h265
  mango: {url: rtsp://h/3, labels: []}
",
    );
    let pipeline = &plan.pipelines[0];
    let openvino =
        |device: &str| Provider::OpenVino(OpenVinoOptions { device: device.to_owned(), ..OpenVinoOptions::default() });
    let (tensorrt, cuda) = (TensorRtOptions::default(), CudaOptions::default());
    let wished =
        [Provider::TensorRt(tensorrt), Provider::Cuda(cuda), openvino("GPU"), openvino("CPU"), Provider::cpu()];
    assert_eq!(pipeline.inference.providers, wished);
    assert_eq!(pipeline.inference.on_unavailable, OnUnavailable::Fail);
    let ids: Vec<&str> = pipeline.cameras.iter().map(|camera| &*camera.spec.id).collect();
    assert_eq!(ids, ["zebra", "apple", "mango"]);
    let [zebra, apple, mango] = pipeline.cameras.as_slice() else { panic!("three cameras") };
    assert_eq!((zebra.fps, zebra.spec.stall_timeout), (2.5, Duration::from_secs(60)));
    assert_eq!(zebra.labels, BTreeMap::from([("person".to_owned(), EVERYTHING)]));
    assert_eq!(zebra.spec.decoder.as_deref(), Some("avdec_h264"));
    assert!(matches!(zebra.spec.source, SourceSpec::Rtsp { transport: RtspTransport::Udp, .. }));
    assert_eq!((apple.fps, apple.spec.stall_timeout), (10.0, Duration::from_millis(500)));
    let dog = LabelFilter { min_score: Some(0.7), min_area: 0.25, ..EVERYTHING };
    assert_eq!(apple.labels, BTreeMap::from([("car".to_owned(), EVERYTHING), ("dog".to_owned(), dog)]));
    assert!(matches!(apple.spec.source, SourceSpec::Rtsp { transport: RtspTransport::Auto, .. }));
    assert!(mango.labels.is_empty(), "an empty list of its own means every label again");
}

#[test]
fn secrets_come_from_variables_and_files_beside_the_pipeline() {
    let text = "version: 1
name: ${env:NAME}
model: {name: ssd-mobilenet-v1-coco}
mqtt: {url: 'mqtts://edge:${file:secrets/mqtt}@broker:1234', node: 'x-${hostname}', prefix: p, detections: true}
cameras:
  a: {url: 'rtsp://${env:USER}:x${env:ODD}y%40@h:554/s'}
  b: {url: 'rtsp://h/s', username: viewer, password: 007}
  c: {url: '${env:WHOLE}'}
  d: {url: 'file://clips/a%20b.mp4', loop: true}
";
    let folder = folder(&[("p.yaml", text), ("secrets/mqtt", "m@q/t:t#\n")]);
    let environment =
        environment(&[("NAME", "yard"), ("USER", "vi:ewer"), ("ODD", "@:/#%25?"), ("WHOLE", "rtsp://u:p@h/z")]);
    let plan = load(&[folder.path().join("p.yaml")], &environment).unwrap();
    let pipeline = &plan.pipelines[0];
    assert_eq!(pipeline.name, "yard");
    let mqtt = &pipeline.mqtt;
    let credentials = mqtt.credentials.as_ref().unwrap();
    assert_eq!((credentials.username.as_str(), credentials.password.reveal()), ("edge", "m@q/t:t#"));
    assert_eq!((mqtt.host.as_str(), mqtt.port, mqtt.tls.is_some()), ("broker", 1234, true));
    assert_eq!((mqtt.base_topic().as_str(), mqtt.detections), ("p/x-box-7", true));
    let login = |index: usize| match &pipeline.cameras[index].spec.source {
        SourceSpec::Rtsp { url, credentials: Some(c), .. } => (url.reveal(), c.username.as_str(), c.password.reveal()),
        other => panic!("{other:?}"),
    };
    assert_eq!(login(0), ("rtsp://h:554/s", "vi:ewer", "x@:/#%25?y@"));
    assert_eq!(login(1), ("rtsp://h/s", "viewer", "007"));
    assert_eq!(login(2), ("rtsp://h/z", "u", "p"));
    let clip = SourceSpec::File { path: folder.path().join("clips/a b.mp4"), repeat: true };
    assert_eq!(pipeline.cameras[3].spec.source, clip);
}

#[test]
fn pipelines_share_a_model_and_may_differ_in_their_broker() {
    let text = |name: &str, host: &str| {
        format!(
            "version: 1\nname: {name}\nmodel: {{name: ssd-mobilenet-v1-coco}}\nmqtt: {{url: 'mqtt://{host}'}}\n\
             cameras: {{{name}: {{url: test://}}}}\n"
        )
    };
    let folder = folder(&[("a.yaml", &text("a", "one")), ("b.yml", &text("b", "[fd00::1]"))]);
    let plan = load(&[folder.path().to_owned()], &environment(&[])).unwrap();
    let [a, b] = plan.pipelines.as_slice() else { panic!("two pipelines") };
    assert!(Arc::ptr_eq(&a.model, &b.model));
    assert_eq!((a.mqtt.host.as_str(), b.mqtt.host.as_str()), ("one", "fd00::1"));
    assert_eq!(b.file, folder.path().join("b.yml"));
}

#[test]
fn yaml_of_all_styles_is_read() {
    let plan = plan(
        "\u{feff}# anchors, aliases, quotes and blocks
version: 1
name: 'a'
model:
  name: >-
    ssd-mobilenet-v1-coco
cameras:
  a: {url: \"test://ball\", labels: &people {person: {}}}
  b: {url: test://, labels: *people}
",
    );
    let cameras = &plan.pipelines[0].cameras;
    assert_eq!(cameras[0].labels, cameras[1].labels);
    assert_eq!(cameras[0].labels.len(), 1);
}

#[test]
fn a_model_may_be_named_by_its_path() {
    let manifest = common::repository().join("models/ssd-mobilenet-v1-coco/model.yaml");
    let manifest = std::fs::canonicalize(manifest).unwrap();
    let text =
        format!("version: 1\nname: a\nmodel: {{path: {}}}\ncameras: {{a: {{url: test://}}}}\n", manifest.display());
    let bare = sightline_config::Environment { bundled_model_folders: vec![PathBuf::new()], ..environment(&[]) };
    assert_eq!(load_text(&text, &bare).unwrap().pipelines[0].model.name, "ssd-mobilenet-v1-coco");
}

/// The example of the contract with the outside world, without the two functions that come later.
const CONTRACT: &str = "
version: 1
name: yard
model:
  name: ssd-mobilenet-v1-coco
  score_threshold: 0.5
  iou_threshold: 0.6
inference:
  providers: [tensorrt, cuda, openvino, cpu]
  on_unavailable: fallback
  max_batch: 8
  max_wait: 10ms
mqtt:
  url: mqtt://127.0.0.1:1883
  username: edge
  password: ${file:mqtt}
  prefix: sightline
  node: ${hostname}
  detections: false
defaults: {fps: 5, transport: tcp}
cameras:
  front-door:
    url: rtsp://viewer:${env:FRONT_DOOR_PASSWORD}@10.0.0.21/stream1
    fps: 5
    labels:
      person: {score: 0.6, min_area: 0.001, max_area: 0.5}
      car: {}
    zones:
      driveway: {polygon: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]], labels: [person], loitering: 10s}
    lines:
      gate: {from: [0.1, 0.5], to: [0.9, 0.5], labels: [person]}
    masks: [[[0, 0], [1, 0], [1, 0.1], [0, 0.1]]]
    snapshots: {enabled: false}
";

#[test]
fn the_contracts_example_is_a_plan() {
    let folder = folder(&[("p.yaml", CONTRACT), ("mqtt", "x\n")]);
    let environment = environment(&[("FRONT_DOOR_PASSWORD", "p@ss")]);
    let plan = load(&[folder.path().join("p.yaml")], &environment).unwrap_or_else(|problems| panic!("\n{problems}"));
    let camera = &plan.pipelines[0].cameras[0];
    let ids = (&*camera.spec.id, &*camera.zones[0].id, &*camera.lines[0].id);
    assert_eq!(ids, ("front-door", "driveway", "gate"));
    assert_eq!(
        (camera.zones[0].loitering, camera.zones[0].polygon.corners().len()),
        (Some(Duration::from_secs(10)), 4)
    );
    assert_eq!((camera.masks.len(), &camera.snapshots, &camera.clips), (1, &None, &None));
    assert_eq!(camera.spec.keep_packets, None);
}

#[test]
fn providers_have_options() {
    let plan = plan(
        "
version: 1
name: yard
model: {name: ssd-mobilenet-v1-coco}
inference:
  providers:
    - {name: tensorrt, device: 1, precision: int8, workspace: 2GiB, cache: false, batch_sizes: [8, 1, 8]}
    - {name: cuda, memory_limit: 512MiB, arena: power_of_two, tf32: false}
    - {name: openvino, device: 'MULTI:GPU,CPU', precision: fp16, streams: 2, threads: 3, runtime: onnxruntime, cache: false}
    - {name: cpu, threads: 2, workers: 3, arena: false}
cameras: {a: {url: test://}}
",
    );
    let tensorrt = TensorRtOptions {
        device: 1,
        precision: TensorRtPrecision::Int8,
        workspace: Some(2 << 30),
        cache: false,
        batch_sizes: vec![1, 8],
    };
    let cuda = CudaOptions {
        memory_limit: Some(512 << 20),
        arena: ArenaGrowth::PowerOfTwo,
        tf32: false,
        ..CudaOptions::default()
    };
    let openvino = OpenVinoOptions {
        device: "MULTI:GPU,CPU".into(),
        runtime: OpenVinoRuntime::OnnxRuntime,
        precision: Some(OpenVinoPrecision::Fp16),
        streams: Some(2),
        threads: Some(3),
        cache: false,
        batch_sizes: Vec::new(),
    };
    let cpu = CpuOptions { threads: 2, workers: Some(3), arena: false };
    assert_eq!(
        plan.pipelines[0].inference.providers,
        [Provider::TensorRt(tensorrt), Provider::Cuda(cuda), Provider::OpenVino(openvino), Provider::Cpu(cpu)]
    );
}

#[test]
fn only_providers_that_nobody_names_are_found_by_measuring() {
    let calibrate = |inference: &str| {
        let text = "version: 1\nname: a\nmodel: {name: ssd-mobilenet-v1-coco}\ncameras: {c: {url: 'rtsp://h/x'}}\n";
        let plan = plan(&format!("{text}inference: {inference}\n"));
        let inference = &plan.pipelines[0].inference;
        assert_eq!(inference.providers, [Provider::cpu()]);
        inference.calibrate
    };
    assert!(calibrate("{}"));
    assert!(calibrate("{providers: auto, calibrate: true}"));
    assert!(!calibrate("{calibrate: false}"));
    assert!(!calibrate("{providers: [cpu]}"));
}
