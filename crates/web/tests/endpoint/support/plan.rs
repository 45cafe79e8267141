//! A configuration that is full of secrets.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use sightline_core::{
    model::{DetectionSettings, Head, InputSpec, Labels, ModelSpec},
    outbox::OutboxPlan,
    plan::{
        CameraPlan, CameraSpec, DecodingPlan, InferencePlan, MqttPlan, MqttTls, OnUnavailable, PipelinePlan, Plan,
        Priority, Provider, RtspTransport, SourceSpec, StreamUrl,
    },
    provider::OpenVinoOptions,
    secret::{Credentials, Secret},
};

/// The password of everything in [`plan`].
pub const CAMERA_PASSWORD: &str = "canary-of-cameras-and-brokers";

/// One camera and one broker, each with its password.
pub fn plan() -> Plan {
    let credentials = Credentials { username: "viewer".into(), password: Secret::new(CAMERA_PASSWORD.into()) };
    let detection =
        DetectionSettings { score_threshold: 0.5, iou_threshold: 0.5, max_detections: 10, class_agnostic: false };
    let pipeline = PipelinePlan {
        name: "yard".into(),
        file: "/etc/sightline/yard.yaml".into(),
        model: Arc::new(model(detection)),
        detection,
        inference: InferencePlan {
            providers: vec![
                Provider::OpenVino(OpenVinoOptions { device: "GPU".into(), ..OpenVinoOptions::default() }),
                Provider::cpu(),
            ],
            calibrate: false,
            on_unavailable: OnUnavailable::Fallback,
            max_batch: Some(4),
            max_wait: Duration::from_millis(10),
            latency_target: Some(Duration::from_millis(50)),
        },
        mqtt: MqttPlan {
            host: "broker".into(),
            port: 8883,
            tls: Some(MqttTls {
                ca_pem: Some(b"certificate".to_vec()),
                client: Some((b"certificate".to_vec(), Secret::new(CAMERA_PASSWORD.into()))),
            }),
            credentials: Some(credentials.clone()),
            prefix: "sightline".into(),
            node: "n1".into(),
            detections: false,
            outbox: OutboxPlan::default(),
        },
        cameras: vec![camera(credentials)],
    };
    Plan { pipelines: vec![pipeline] }
}

fn camera(credentials: Credentials) -> CameraPlan {
    let address = format!("rtsp://10.0.0.9/live?token={CAMERA_PASSWORD}");
    let source = SourceSpec::Rtsp {
        url: StreamUrl::from(address.as_str()),
        credentials: Some(credentials),
        transport: RtspTransport::Tcp,
        verify_tls: true,
    };
    CameraPlan {
        spec: CameraSpec {
            id: "door".into(),
            source,
            decoder: None,
            stall_timeout: Duration::from_secs(10),
            keep_packets: None,
        },
        fps: 5.0,
        priority: Priority::High,
        labels: BTreeMap::new(),
        zones: Vec::new(),
        lines: Vec::new(),
        masks: Vec::new(),
        snapshots: None,
        clips: None,
        frozen_after: Some(Duration::from_secs(60)),
        dark_after: None,
        motion: None,
        decoding: DecodingPlan::default(),
    }
}

fn model(defaults: DetectionSettings) -> ModelSpec {
    ModelSpec {
        name: "ssd-mobilenet-v1-sim".into(),
        weights: None,
        weights_file_name: "model.onnx".into(),
        weights_searched: Vec::new(),
        sha256: "1939bf67b4f7e0e3d6e79db74426bf689f6ce76648de0b4e86ec030c2bcdf4a5".into(),
        license: "Apache-2.0".into(),
        source: "made here".into(),
        input: InputSpec::rgb_bytes(300, 300),
        head: Head::DetectionOutput { output: "detections".into() },
        labels: Labels::new(vec![Some("person".into())]),
        defaults,
    }
}
