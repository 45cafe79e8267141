//! The committed schemas and reference pages are those of the code, and the schemas agree with the reader.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may; its helpers are tests too"
)]

mod common;

use common::{environment, load_text, repository};
use serde_json::Value;
use sightline_config::{model_reference, model_schema, pipeline_reference, pipeline_schema};

/// Compares, or rewrites when `UPDATE_SCHEMAS` is set.
fn assert_current(file: &str, text: &str) {
    let path = repository().join("docs/reference").join(file);
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/reference/{file} is not current: UPDATE_SCHEMAS=1 cargo test -p sightline-config --test reference"
    );
}

fn pretty(schema: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(schema).unwrap())
}

#[test]
fn the_committed_files_are_current() {
    assert_current("pipeline.schema.json", &pretty(&pipeline_schema()));
    assert_current("model.schema.json", &pretty(&model_schema()));
    assert_current("pipeline.md", &pipeline_reference());
    assert_current("model.md", &model_reference());
}

#[test]
fn each_key_says_what_it_means() {
    for schema in [pipeline_schema(), model_schema()] {
        let definitions = schema["$defs"].as_object().unwrap().values();
        let objects = definitions.chain([&schema]).filter_map(|object| object["properties"].as_object());
        for (key, property) in objects.flatten() {
            assert!(property["description"].as_str().is_some_and(|text| !text.is_empty()), "{key}: {property}");
        }
    }
}

#[test]
fn functions_that_are_not_built_yet_are_not_in_the_schema() {
    let schema = pipeline_schema().to_string();
    assert!(!schema.contains("\"home_assistant\""));
}

/// A camera's and a broker's every key, as JSON, which is YAML too.
const COMPLETE: &str = r#"{
    "version": 1, "name": "yard",
    "model": {"name": "ssd-mobilenet-v1-coco", "score_threshold": 0.4, "iou_threshold": 0.5},
    "inference": {
        "providers": ["cpu", {"name": "openvino", "device": "GPU", "precision": "fp16", "runtime": "onnxruntime", "streams": 2},
            {"name": "tensorrt", "device": 0, "precision": "int8", "workspace": "1GiB", "cache": false, "batch_sizes": [1, 8]},
            {"name": "cuda", "memory_limit": "2GB", "arena": "power_of_two", "tf32": false},
            {"name": "cpu", "threads": 2, "workers": 3, "arena": false}],
        "on_unavailable": "fail", "max_batch": 4, "max_wait": "5ms", "latency_target": "50ms"
    },
    "mqtt": {
        "url": "mqtt://127.0.0.1:1883", "username": "edge", "password": "x",
        "prefix": "sightline", "node": "${hostname}", "detections": true,
        "outbox": {"max_size": "10MiB", "max_age": "1d", "history_size": "1GB", "history_age": "30d"}
    },
    "defaults": {"fps": 5, "priority": "low", "transport": "tcp", "labels": ["person"], "stall_timeout": "10s",
        "frozen_after": "off", "dark_after": "1m", "decoder": "avdec_h264",
        "motion": {"enabled": false}, "decoding": {"skip_non_reference": false},
        "snapshots": {"quality": 50}, "clips": {"enabled": false}},
    "cameras": {
        "front-door": {
            "url": "rtsps://10.0.0.21/stream1", "username": "viewer", "password": "x", "fps": 0.5, "priority": "high",
            "transport": "udp", "decoder": "avdec_h265", "stall_timeout": "2m", "frozen_after": "30s", "dark_after": "off", "verify_tls": false,
            "labels": {
                "person": {"score": 0.6, "min_area": 0.001, "max_area": 0.5},
                "car": {"min_aspect_ratio": 0.5, "max_aspect_ratio": 4}
            },
            "zones": {
                "driveway": {
                    "polygon": [[0, 0.5], [1, 0.5], [1, 1], [0, 1]], "labels": ["person"], "loitering": "10s",
                    "point": "center", "inertia": "1s"
                },
                "lawn": {"polygon": [[0, 0], [1, 0], [0.5, 0.5]]}
            },
            "lines": {"gate": {"from": [0.1, 0.5], "to": [0.9, 0.5], "labels": ["person"], "point": "foot"}},
            "masks": [[[0, 0], [1, 0], [1, 0.1], [0, 0.1]]],
            "motion": {
                "enabled": "auto", "sensitivity": 0.7, "max_idle": "30s", "masks": [[[0, 0], [0.5, 0], [0.5, 0.5]]]
            },
            "decoding": {"skip_non_reference": true, "key_frames_when_idle": "auto"},
            "snapshots": {
                "enabled": true, "crop": false, "quality": 90, "publish": true, "save": true, "max_files": 10,
                "max_age": "7d"
            },
            "clips": {
                "enabled": true, "events": ["object_started", "line_crossed"], "pre": "5s", "post": "10s",
                "max_files": 10, "max_age": "36h"
            }
        },
        "clip": {"url": "file:///clip.mp4", "loop": true}
    }
}"#;

#[test]
fn a_file_with_every_key_satisfies_schema_and_reader() {
    let value: Value = serde_json::from_str(COMPLETE).unwrap();
    let validator = jsonschema::validator_for(&pipeline_schema()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    load_text(COMPLETE, &environment(&[])).unwrap();
    // Every key of the schema is in it, so that the schema promises nothing that the reader refuses.
    let schema = pipeline_schema();
    // What needs a file, and what belongs to a list of providers that is not there.
    let elsewhere = ["path", "ca", "client_cert", "client_key", "calibrate"];
    let definitions = schema["$defs"].as_object().unwrap().values();
    let objects = definitions.chain([&schema]).filter_map(|object| object["properties"].as_object());
    for (key, _) in objects.flatten() {
        assert!(elsewhere.contains(&key.as_str()) || COMPLETE.contains(&format!("\"{key}\"")), "{key}");
    }
}

#[test]
fn schema_and_reader_refuse_the_same() {
    let validator = jsonschema::validator_for(&pipeline_schema()).unwrap();
    let environment = environment(&[]);
    for (pointer, wrong) in [
        ("/version", serde_json::json!(2)),
        ("/name", serde_json::json!("a/b")),
        ("/model/score_threshold", serde_json::json!(1.5)),
        ("/inference/max_batch", serde_json::json!(0)),
        ("/inference/max_wait", serde_json::json!("5")),
        ("/inference/latency_target", serde_json::json!("fast")),
        ("/inference/providers", serde_json::json!([])),
        ("/inference/providers/1/name", serde_json::json!("npu")),
        ("/inference/providers/1/streams", serde_json::json!(0)),
        ("/inference/providers/1/precision", serde_json::json!("int4")),
        ("/inference/providers/2/batch_sizes", serde_json::json!([])),
        ("/inference/providers/2/workspace", serde_json::json!("1")),
        ("/inference/providers/3/arena", serde_json::json!("big")),
        ("/mqtt/prefix", serde_json::json!("#")),
        ("/mqtt/detections", serde_json::json!("yes")),
        ("/mqtt/outbox/max_size", serde_json::json!("100")),
        ("/cameras/front-door/frozen_after", serde_json::json!("never")),
        ("/defaults/fps", serde_json::json!(0)),
        ("/defaults/priority", serde_json::json!("urgent")),
        ("/cameras/front-door/priority", serde_json::json!(1)),
        ("/defaults/transport", serde_json::json!("sctp")),
        ("/cameras", serde_json::json!({})),
        ("/cameras/clip", serde_json::json!({"loop": true})),
        ("/cameras/clip", serde_json::json!({"url": "file:///x.mp4", "lop": true})),
        ("/cameras/front-door/fps", serde_json::json!(121)),
        ("/cameras/front-door/labels/person/max_area", serde_json::json!(2)),
        ("/cameras/front-door/labels/car/min_aspect_ratio", serde_json::json!(0)),
        ("/cameras/front-door/labels/car/max_aspect_ratio", serde_json::json!(1001)),
        ("/cameras/front-door/zones/driveway", serde_json::json!({"labels": ["person"]})),
        ("/cameras/front-door/zones/driveway/polygon", serde_json::json!([[0, 0], [1, 1]])),
        ("/cameras/front-door/zones/driveway/polygon/2", serde_json::json!([0.5])),
        ("/cameras/front-door/zones/driveway/polygon/2", serde_json::json!([0.5, 0.5, 0.5])),
        ("/cameras/front-door/zones/driveway/polygon/2/0", serde_json::json!(1.5)),
        ("/cameras/front-door/zones/driveway/polygon/2/0", serde_json::json!("left")),
        ("/cameras/front-door/zones/driveway/point", serde_json::json!("feet")),
        ("/cameras/front-door/zones/driveway/inertia", serde_json::json!("1")),
        ("/cameras/front-door/lines/gate", serde_json::json!({"from": [0, 0]})),
        ("/cameras/front-door/lines/gate/to", serde_json::json!({"x": 1, "y": 1})),
        ("/cameras/front-door/masks", serde_json::json!([[0, 0], [1, 0], [1, 1]])),
        ("/cameras/front-door/masks/0", serde_json::json!([])),
        ("/cameras/front-door/snapshots", serde_json::json!(true)),
        ("/cameras/front-door/snapshots/quality", serde_json::json!(0)),
        ("/cameras/front-door/snapshots/max_files", serde_json::json!(0)),
        ("/cameras/front-door/snapshots/max_age", serde_json::json!("1w")),
        ("/cameras/front-door/clips/events", serde_json::json!([])),
        ("/cameras/front-door/clips/events/0", serde_json::json!("door_opened")),
        ("/cameras/front-door/clips/max_files", serde_json::json!(2_000_000)),
        ("/defaults/clips", serde_json::json!({"before": "5s"})),
    ] {
        let mut value: Value = serde_json::from_str(COMPLETE).unwrap();
        *value.pointer_mut(pointer).unwrap() = wrong.clone();
        assert!(!validator.is_valid(&value), "the schema allows {pointer} = {wrong}");
        assert!(load_text(&value.to_string(), &environment).is_err(), "the reader allows {pointer} = {wrong}");
    }
}
