//! Every kind of problem is told with its file, line and path, and all at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may; its helpers are tests too"
)]

mod common;

use common::{HEAD, assert_told, environment, folder, load_text, told};
use sightline_config::load;

#[test]
fn malformed_yaml() {
    assert_told(&[
        (
            "cameras:\n  a: {url: test://, fps: 5\n",
            &["p.yaml:6: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'"],
        ),
        ("cameras:\n\ta: 1\n", &["p.yaml:5: not valid YAML: tabs disallowed within this context (block indentation)"]),
        ("cameras:\n  a: {url: test://}\n---\nversion: 1\n", &["p.yaml:6: a second document begins here"]),
        ("cameras: !secret x\n", &["p.yaml:4: YAML tags have no meaning here"]),
        ("cameras: {[a]: {url: test://}}\n", &["p.yaml:4: a key must be plain text"]),
    ]);
    let problems = load_text("", &environment(&[])).unwrap_err();
    assert_eq!(told(&problems), ["p.yaml: the file is empty"]);
    let problems = load_text("- a\n", &environment(&[])).unwrap_err();
    assert_eq!(told(&problems), ["p.yaml:1: expected a mapping (`key: value` lines), found a list"]);
}

#[test]
fn keys_unknown_missing_or_twice() {
    assert_told(&[
        (
            "camera:\n  a: {url: test://}\n",
            &["p.yaml:1: cameras: `cameras` is missing", "p.yaml:4: camera: unknown key `camera`"],
        ),
        ("cameras:\n  a:\n    url: test://\n    fsp: 3\n", &["p.yaml:7: cameras.a.fsp: unknown key `fsp`"]),
        (
            "cameras:\n  a: {fps: 1}\n  b:\n",
            &["p.yaml:5: cameras.a.url: `url` is missing", "p.yaml:6: cameras.b.url: `url` is missing"],
        ),
        (
            "cameras:\n  a:\n    url: test://\n    fps: 3\n    fps: 4\n",
            &["p.yaml:8: cameras.a.fps: `fps` is given twice"],
        ),
        ("cameras:\n  a: {url: test://}\n  a: {url: test://}\n", &["p.yaml:6: cameras.a: `a` is given twice"]),
        ("cameras: {}\n", &["p.yaml:4: cameras: there is no camera"]),
        (
            "cameras:\n  a: &x {url: test://}\n  b: {<<: *x, url: test://}\n",
            &["p.yaml:6: cameras.b.<<: unknown key `<<`"],
        ),
    ]);
    let problems = load_text("{}\n", &environment(&[])).unwrap_err();
    assert_eq!(
        told(&problems),
        [
            "p.yaml:1: version: `version` is missing",
            "p.yaml:1: name: `name` is missing",
            "p.yaml:1: model: `model` is missing",
            "p.yaml:1: cameras: `cameras` is missing",
        ]
    );
}

#[test]
fn suggestions() {
    for (text, suggestion) in [
        ("cameras: {a: {url: test://, transprot: tcp}}", "did you mean `transport`?"),
        ("cameras: {a: {url: 'rtsp://h/', transport: tpc}}", "did you mean `tcp`?"),
        ("cameras: {a: {url: test://, labels: [persn]}}", "did you mean `person`?"),
        ("cameras: {a: {url: test://, labels: {trafic light: {}}}}", "did you mean `traffic light`?"),
        ("cameras: {a: {url: 'rtps://h/'}}", "did you mean `rtsp`?"),
        ("inference: {providers: [tensort]}\ncameras: {a: {url: test://}}", "did you mean `tensorrt`?"),
    ] {
        let problems = load_text(&format!("{HEAD}{text}\n"), &environment(&[])).expect_err(text);
        assert_eq!(problems.as_slice()[0].help.as_deref(), Some(suggestion), "{problems}");
    }
    let text = "version: 1\nname: a\nmodel: {name: ssd-mobilenet-v1-cocoo}\ncameras: {a: {url: test://}}\n";
    let problems = load_text(text, &environment(&[])).unwrap_err();
    assert_eq!(told(&problems), ["p.yaml:3: model.name: there is no model of this name"]);
    assert_eq!(problems.as_slice()[0].help.as_deref(), Some("did you mean `ssd-mobilenet-v1-coco`?"));
}

#[test]
fn values_of_the_wrong_kind() {
    let camera = |settings: &str| format!("cameras:\n  a:\n    url: test://\n    {settings}\n");
    for (settings, expected) in [
        ("fps: fast", "cameras.a.fps: expected a number, found text"),
        ("fps: \"5\"", "cameras.a.fps: expected a number, found text"),
        ("fps: .inf", "cameras.a.fps: expected a number, found text"),
        ("fps: [5]", "cameras.a.fps: expected a number, found a list"),
        ("loop: maybe", "cameras.a.loop: expected `true` or `false`, found text"),
        ("labels: person", "cameras.a.labels: expected a list or a mapping, found text"),
        ("labels: {person: 0.6}", "cameras.a.labels.person: expected a mapping (`key: value` lines), found a number"),
        ("labels: [[person]]", "cameras.a.labels[0]: expected text, found a list"),
        ("transport: 5", "cameras.a.transport: expected one of `tcp`, `udp`, `auto`"),
    ] {
        let text = format!("{HEAD}{}", camera(settings));
        let problems = load_text(&text, &environment(&[])).expect_err(settings);
        assert_eq!(told(&problems), [format!("p.yaml:7: {expected}")], "{settings}");
    }
}

#[test]
fn values_out_of_range() {
    assert_told(&[
        ("cameras:\n  a:\n    url: test://\n    fps: 0\n", &["p.yaml:7: cameras.a.fps: must be greater than 0"]),
        ("cameras: {a: {url: test://, fps: 121}}\n", &["p.yaml:4: cameras.a.fps: must be at most 120"]),
        ("defaults:\n  fps: -1\ncameras: {a: {url: test://}}\n", &["p.yaml:5: defaults.fps: must be greater than 0"]),
        (
            "mqtt: {outbox: {max_size: 100, max_age: 1ms}}\ncameras: {a: {url: test://}}\n",
            &[
                "p.yaml:4: mqtt.outbox.max_size: a size needs a unit",
                "p.yaml:4: mqtt.outbox.max_age: must be at least 1s",
            ],
        ),
        (
            "mqtt: {outbox: {max_size: 10 MIB, history_size: 1KiB}}\ncameras: {a: {url: test://}}\n",
            &[
                "p.yaml:4: mqtt.outbox.max_size: not a size",
                "p.yaml:4: mqtt.outbox.history_size: must be at least 256KiB",
            ],
        ),
        (
            "cameras: {a: {url: test://, frozen_after: 1s, dark_after: never}}\n",
            &[
                "p.yaml:4: cameras.a.frozen_after: must be at least 2s",
                "p.yaml:4: cameras.a.dark_after: not a duration",
            ],
        ),
        (
            "cameras: {a: {url: test://, stall_timeout: 10}}\n",
            &["p.yaml:4: cameras.a.stall_timeout: a duration needs a unit"],
        ),
        (
            "cameras: {a: {url: test://, stall_timeout: 1ms}}\n",
            &["p.yaml:4: cameras.a.stall_timeout: must be at least 100ms"],
        ),
        (
            "cameras: {a: {url: test://, stall_timeout: 5 days}}\n",
            &["p.yaml:4: cameras.a.stall_timeout: not a duration"],
        ),
        (
            "cameras: {a: {url: test://, decoder: 'x ! y'}}\n",
            &["p.yaml:4: cameras.a.decoder: not the name of a GStreamer element"],
        ),
        (
            "cameras:\n  a:\n    url: test://\n    labels:\n      person:\n        score: 1.5\n        min_area: 0.5\n        max_area: 0.1\n",
            &[
                "p.yaml:9: cameras.a.labels.person.score: must lie between 0 and 1, not 1.5",
                "p.yaml:10: cameras.a.labels.person.min_area: `min_area` is greater than `max_area`",
            ],
        ),
        (
            "cameras:\n  a:\n    url: test://\n    labels:\n      person: {min_aspect_ratio: 0, max_aspect_ratio: 1001}\n      car:\n        max_aspect_ratio: 0.5\n        min_aspect_ratio: 2\n",
            &[
                "p.yaml:8: cameras.a.labels.person.min_aspect_ratio: must be greater than 0 and at most 1000, not 0",
                "p.yaml:8: cameras.a.labels.person.max_aspect_ratio: must be greater than 0 and at most 1000, not 1001",
                "p.yaml:11: cameras.a.labels.car.min_aspect_ratio: `min_aspect_ratio` is greater than `max_aspect_ratio`",
            ],
        ),
        (
            "cameras: {a: {url: test://, labels: [person, person]}}\n",
            &["p.yaml:4: cameras.a.labels[1]: this label is in the list twice"],
        ),
        (
            "cameras: {a: {url: test://, labels: [gnu]}}\n",
            &["p.yaml:4: cameras.a.labels[0]: the model has no such label"],
        ),
        (
            "cameras: {a: {url: test://, labels: ['???']}}\n",
            &["p.yaml:4: cameras.a.labels[0]: the model has no such label"],
        ),
        (
            "inference:\n  max_batch: 0\n  max_wait: 11s\n  providers: []\n  latency_target: 4ms\ncameras: {a: {url: test://, priority: urgent}}\n",
            &[
                "p.yaml:5: inference.max_batch: must lie between 1 and 256, not 0",
                "p.yaml:6: inference.max_wait: must be at most 10s",
                "p.yaml:7: inference.providers: names no provider",
                "p.yaml:8: inference.latency_target: must be at least 5ms",
                "p.yaml:9: cameras.a.priority: expected one of `low`, `normal`, `high`",
            ],
        ),
        (
            "inference:\n  max_batch: 2.5\n  on_unavailable: panic\n  providers: [cpu, cpu, {name: cuda, device: 0}, {device: GPU}, npu]\ncameras: {a: {url: test://}}\n",
            &[
                "p.yaml:5: inference.max_batch: expected a whole number of 0 or more, found a number",
                "p.yaml:6: inference.on_unavailable: expected one of `fallback`, `fail`",
                "p.yaml:7: inference.providers[1]: this provider is in the list twice",
                "p.yaml:7: inference.providers[3].name: `name` is missing",
                "p.yaml:7: inference.providers[4]: expected one of `tensorrt`, `cuda`, `openvino`, `cpu`",
            ],
        ),
        (
            "inference:\n  providers: fastest\ncameras: {a: {url: test://}}\n",
            &["p.yaml:5: inference.providers: expected one of `auto`"],
        ),
        (
            "inference:\n  calibrate: false\n  providers: [cpu]\ncameras: {a: {url: test://}}\n",
            &["p.yaml:5: inference.calibrate: belongs to `providers: auto`"],
        ),
        (
            "inference:\n  providers:\n  - {name: cpu, device: GPU, workers: 0}\n  - {name: cuda, device: first, arena: big, streams: 2}\n  - {name: tensorrt, precision: bf16, workspace: 1KiB}\n  - {name: openvino, device: \"CPU;rm\", precision: int8, batch_sizes: []}\ncameras: {a: {url: test://}}\n",
            &[
                "p.yaml:6: inference.providers[0].device: cpu has no `device`",
                "p.yaml:6: inference.providers[0].workers: must lie between 1 and 256, not 0",
                "p.yaml:7: inference.providers[1].device: is not a GPU's number",
                "p.yaml:7: inference.providers[1].arena: expected one of `as_requested`, `power_of_two`",
                "p.yaml:7: inference.providers[1].streams: cuda has no `streams`",
                "p.yaml:8: inference.providers[2].precision: tensorrt has no `bf16` here",
                "p.yaml:8: inference.providers[2].workspace: must be at least 64MiB",
                "p.yaml:9: inference.providers[3].device: is not a device's name",
                "p.yaml:9: inference.providers[3].precision: openvino is not told `int8`",
                "p.yaml:9: inference.providers[3].batch_sizes: names no size",
            ],
        ),
    ]);
}

#[test]
fn names_that_are_no_topic_level() {
    assert_told(&[
        (
            "cameras:\n  front/door: {url: test://}\n",
            &["p.yaml:5: cameras.front/door: the camera's id must not hold `/`, `+` or `#`"],
        ),
        ("cameras:\n  $a: {url: test://}\n", &["p.yaml:5: cameras.$a: the camera's id must not begin with `$`"]),
        ("cameras:\n  '': {url: test://}\n", &["p.yaml:5: cameras.: the camera's id must not be empty"]),
        (
            "mqtt:\n  prefix: a/b\n  node: '#'\ncameras: {a: {url: test://}}\n",
            &[
                "p.yaml:5: mqtt.prefix: must not hold `/`, `+` or `#`",
                "p.yaml:6: mqtt.node: must not hold `/`, `+` or `#`",
            ],
        ),
    ]);
    let text = "version: 2\nname: a+b\nmodel: {name: ssd-mobilenet-v1-coco}\ncameras: {a: {url: test://}}\n";
    let problems = load_text(text, &environment(&[])).unwrap_err();
    assert_eq!(
        told(&problems),
        ["p.yaml:1: version: version 2 of the format is not known", "p.yaml:2: name: must not hold `/`, `+` or `#`"]
    );
}

#[test]
fn addresses() {
    for (url, expected) in [
        ("10.0.0.1/stream", "an address needs a scheme, as in rtsp:// or mqtt://"),
        ("http://h/", "unknown scheme `http://`"),
        ("rtsp://", "the address is not valid: no host"),
        ("rtsp://h:70000/", "the address is not valid: invalid port number"),
        ("rtsp://u:a/b@h/", "an `@` after the first `/`, `?` or `#`"),
        ("v4l2://video0", "the address names no device"),
        ("sim://", "the address names no scene"),
        ("file://", "the address names no file"),
        ("rtsp://${env:NO_SUCH}@h/", "environment variable `NO_SUCH` is not set"),
    ] {
        let text = format!("{HEAD}cameras:\n  a:\n    fps: 1\n    url: {url}\n");
        let problems = load_text(&text, &environment(&[])).expect_err(url);
        assert_eq!(told(&problems), [format!("p.yaml:7: cameras.a.url: {expected}")], "{url}");
    }
}

#[test]
fn settings_that_do_not_fit_the_source() {
    assert_told(&[
        (
            "cameras:\n  a:\n    url: rtsp://h/\n    loop: true\n    verify_tls: false\n",
            &[
                "p.yaml:7: cameras.a.loop: only a file can be played again",
                "p.yaml:8: cameras.a.verify_tls: only an rtsps:// camera has a certificate to verify",
            ],
        ),
        (
            "cameras: {a: {url: test://, transport: tcp}}\n",
            &["p.yaml:4: cameras.a.transport: only an rtsp:// or rtsps:// camera has a transport"],
        ),
        (
            "cameras:\n  a:\n    url: test://\n    username: u\n    password: p\n",
            &["p.yaml:7: cameras.a.username: only an rtsp:// or rtsps:// camera has a user and a password"],
        ),
        (
            "cameras:\n  a:\n    url: rtsp://u:p@h/\n    username: u\n    password: p\n",
            &["p.yaml:7: cameras.a.username: user and password are given twice: here and in `url`"],
        ),
        (
            "cameras:\n  a:\n    url: rtsp://h/\n    password: p\n",
            &["p.yaml:5: cameras.a.username: `username` is missing"],
        ),
        (
            "cameras:\n  a:\n    url: rtsp://h/\n    username: u\n    password: #p\n",
            &["p.yaml:5: cameras.a.password: `password` is missing"],
        ),
    ]);
}

#[test]
fn the_broker() {
    assert_told(&[
        ("mqtt: {url: 'http://h'}\ncameras: {a: {url: test://}}\n", &["p.yaml:4: mqtt.url: unknown scheme `http://`"]),
        (
            "mqtt: {url: 'mqtt://h/topic'}\ncameras: {a: {url: test://}}\n",
            &["p.yaml:4: mqtt.url: a broker's address has no path"],
        ),
        (
            "mqtt:\n  url: mqtt://h\n  ca: ca.pem\ncameras: {a: {url: test://}}\n",
            &["p.yaml:6: mqtt.ca: only an mqtts:// broker speaks TLS"],
        ),
        (
            "mqtt: {url: 'mqtt://u:p@h', username: u, password: p}\ncameras: {a: {url: test://}}\n",
            &["p.yaml:4: mqtt.username: the user is given twice: here and in `url`"],
        ),
        ("mqtt: {username: u}\ncameras: {a: {url: test://}}\n", &["p.yaml:4: mqtt.password: `password` is missing"]),
        (
            "mqtt: {password: '${file:/no/such}', username: '${env:NO_SUCH}'}\ncameras: {a: {url: test://}}\n",
            &[
                "p.yaml:4: mqtt.password: cannot read `/no/such`: No such file or directory (os error 2)",
                "p.yaml:4: mqtt.username: environment variable `NO_SUCH` is not set",
            ],
        ),
    ]);
}

#[test]
fn certificates() {
    let certificate = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
    let pipeline = format!(
        "{HEAD}mqtt:\n  url: mqtts://h\n  ca: not.pem\n  client_cert: good.pem\ncameras: {{a: {{url: test://}}}}\n"
    );
    let folder = folder(&[("p.yaml", &pipeline), ("not.pem", "hello"), ("good.pem", certificate)]);
    let problems = load(&[folder.path().join("p.yaml")], &environment(&[])).unwrap_err();
    let not_pem = folder.path().join("not.pem");
    assert_eq!(
        told(&problems),
        [
            format!("p.yaml:6: mqtt.ca: `{}` holds no certificate in PEM form", not_pem.display()),
            "p.yaml:7: mqtt.client_cert: `client_key` is missing".to_owned(),
        ]
    );
}

#[test]
fn a_machine_without_a_name() {
    let nameless = sightline_config::Environment { hostname: None, ..environment(&[]) };
    let text = format!("{HEAD}cameras: {{a: {{url: test://}}}}\n");
    assert_eq!(told(&load_text(&text, &nameless).unwrap_err()), ["p.yaml:1: mqtt.node: `node` is missing"]);
}

#[test]
fn functions_that_are_not_built_yet() {
    assert_told(&[(
        "mqtt:\n  home_assistant: {discovery: true}\ncameras:\n  a:\n    url: test://\n",
        &["p.yaml:5: mqtt.home_assistant: discovery by Home Assistant: not built yet in this version"],
    )]);
    let text =
        format!("{HEAD}mqtt: {{home_assistant: {{discovery: false, prefix: ha}}}}\ncameras: {{a: {{url: test://}}}}\n");
    load_text(&text, &environment(&[])).unwrap();
}

#[test]
fn how_little_a_camera_may_do() {
    assert_told(&[
        (
            "cameras: {a: {url: test://, motion: {enabled: atuo, sensitivity: 2, max_idle: 0s}}}\n",
            &[
                "p.yaml:4: cameras.a.motion.enabled: expected one of `true`, `false`, `auto`",
                "p.yaml:4: cameras.a.motion.sensitivity: must lie between 0 and 1, not 2",
                "p.yaml:4: cameras.a.motion.max_idle: must be at least 1s",
            ],
        ),
        (
            "cameras: {a: {url: test://, decoding: {key_frames_when_idle: true}}}\n",
            &[
                "p.yaml:4: cameras.a.decoding.key_frames_when_idle: nothing says when the camera is idle: it has no motion gate",
            ],
        ),
    ]);
}

#[test]
fn the_model_section() {
    for (model, expected) in [
        ("{}", "model.name: `name` is missing"),
        ("{name: a/b}", "model.name: a model's name is that of a folder"),
        ("{name: a, path: b}", "model.path: `name` and `path` exclude each other"),
        ("{path: nowhere/model.yaml}", "model.path: there is no such model.yaml"),
        ("{name: ssd-mobilenet-v1-coco, score_threshold: 2}", "model.score_threshold: must lie between 0 and 1, not 2"),
        ("ssd-mobilenet-v1-coco", "model: expected a mapping (`key: value` lines), found text"),
    ] {
        let text = format!("version: 1\nname: a\nmodel: {model}\ncameras: {{a: {{url: test://}}}}\n");
        let problems = load_text(&text, &environment(&[])).expect_err(model);
        assert_eq!(told(&problems), [format!("p.yaml:3: {expected}")], "{model}");
    }
}

#[test]
fn two_files_that_share_a_brokers_topics_and_not_its_settings() {
    let cameras = |id: &str| format!("cameras: {{{id}: {{url: test://}}}}\n");
    let pipeline = |name: &str, mqtt: &str| {
        format!("version: 1\nname: {name}\nmodel: {{name: ssd-mobilenet-v1-coco}}\nmqtt: {mqtt}\n{}", cameras(name))
    };
    let told_of = |second: &str| {
        let first = pipeline("a", "{url: 'mqtt://h'}");
        let folder = folder(&[("a.yaml", &first), ("b.yaml", &pipeline("b", second))]);
        load(&[folder.path().to_owned()], &environment(&[])).map(|_| ()).map_err(|problems| told(&problems))
    };
    let refused =
        Err(vec!["b.yaml:4: mqtt: the same broker, prefix and node as another file's, but other settings".to_owned()]);
    assert_eq!(told_of("{url: 'mqtt://h', username: u, password: p}"), refused);
    assert_eq!(told_of("{url: 'mqtt://h', outbox: {max_age: 1h}}"), refused);
    assert_eq!(told_of("{url: 'mqtt://h', detections: true}"), Ok(()));
    assert_eq!(told_of("{url: 'mqtt://h', node: another, username: u, password: p}"), Ok(()));
    assert_eq!(told_of("{url: 'mqtt://other', username: u, password: p}"), Ok(()));
}

#[test]
fn over_several_files() {
    let first = format!("{HEAD}cameras:\n  front: {{url: test://}}\n");
    let second = format!("{HEAD}cameras:\n  back: {{url: test://}}\n  front: {{url: test://, fps: 0}}\n");
    let folder = folder(&[("a.yaml", &first), ("b.yml", &second), (".hidden.yaml", "["), ("notes.txt", "[")]);
    let problems = load(&[folder.path().to_owned()], &environment(&[])).unwrap_err();
    assert_eq!(
        told(&problems),
        [
            "b.yml:2: name: there is another pipeline of this name",
            "b.yml:6: cameras.front: there is another camera of this name",
            "b.yml:6: cameras.front.fps: must be greater than 0",
        ]
    );
    let help = problems.as_slice()[1].help.as_deref().unwrap();
    let earlier = format!("it is at {}:5;", folder.path().join("a.yaml").display());
    assert!(help.starts_with(&earlier), "{help}");
}

#[test]
fn files_that_are_not_there() {
    let empty = folder(&[("readme.txt", "")]);
    let problems = load(&[empty.path().to_owned(), "/no/such.yaml".into()], &environment(&[])).unwrap_err();
    let messages: Vec<&str> = problems.as_slice().iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        ["no pipeline file in this folder", "cannot read the file: No such file or directory (os error 2)"]
    );
    let problems = load(&[], &environment(&[])).unwrap_err();
    assert_eq!(problems.as_slice()[0].message, "no pipeline file was named");
}
