//! `sightline bench` beyond the network alone: a frame's way stage by stage and whole, cameras that are kept up with, and what
//! there is without a named model's weights. Short, on pictures of a few pixels: what the figures are is not the matter here.

use serde_json::Value;

use crate::support::{output, project, run, sightline, stderr, stdout};

/// Of a simulated camera that costs next to nothing.
const SMALL: [&str; 5] = ["--model=ssd-mobilenet-v1-sim", "--provider=cpu", "--size=160x90", "--fps=5", "--json"];

fn figures(arguments: &[&str]) -> Value {
    let output = run(&[&["bench"], arguments, &SMALL].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)))
}

fn number(figures: &Value, place: &str) -> f64 {
    figures.pointer(place).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number {place} in {figures:#}"))
}

#[test]
fn every_stage_and_the_whole_pipeline_have_their_cost() {
    let figures = figures(&["--part=pipeline", "--rounds=1", "--seconds=0.2"]);
    assert_eq!((&figures["rows"], &figures["cameras"]), (&serde_json::json!([]), &Value::Null));
    let pipeline = &figures["pipeline"];
    for stage in ["decode", "preprocess", "inference", "postprocess"] {
        let cpu_ms = number(pipeline, &format!("/stages/{stage}/cpu_ms"));
        assert!(cpu_ms > 0.0 && number(pipeline, &format!("/stages/{stage}/wall_ms")) > 0.0, "{pipeline:#}");
        assert!(
            cpu_ms < number(pipeline, "/pipeline/cpu_ms"),
            "{stage} alone costs more than everything: {pipeline:#}"
        );
    }
    for whole in ["session", "detector", "bare", "pipeline"] {
        assert!(number(pipeline, &format!("/{whole}/frames_per_second")) > 1.0, "{pipeline:#}");
    }
    // Flat out means that every frame is inferred.
    assert!(number(pipeline, "/inferred") > 0.0 && pipeline["dropped"] == 0, "{pipeline:#}");
    let with_decoding = |network: &str| {
        let parts = number(pipeline, "/stages/decode/cpu_ms") + number(pipeline, &format!("/{network}/cpu_ms"));
        parts / number(pipeline, "/pipeline/cpu_ms")
    };
    if cfg!(target_arch = "x86_64") {
        assert!(number(pipeline, "/plain_session/frames_per_second") > 1.0, "{pipeline:#}");
        assert!((with_decoding("plain_session") - number(pipeline, "/plain_ratio")).abs() < 1e-6, "{pipeline:#}");
    }
    let ratio = with_decoding("session");
    assert!((ratio - number(pipeline, "/overhead_ratio")).abs() < 1e-6, "{pipeline:#}");
    assert!(ratio < number(pipeline, "/stages_ratio"), "{pipeline:#}");
    assert_eq!((&pipeline["width"], &pipeline["height"]), (&160.into(), &90.into()));
}

#[test]
fn cameras_are_served_and_watched() {
    let figures = figures(&["--cameras=2", "--window=1"]);
    assert_eq!(figures["pipeline"], Value::Null);
    let cameras = &figures["cameras"];
    let [tried] = cameras["tries"].as_array().expect("tries").as_slice() else { panic!("{cameras:#}") };
    assert_eq!((&tried["cameras"], &tried["streaming"], &tried["events"].is_u64()), (&2.into(), &2.into(), &true));
    // Two cameras of five frames a second, for a second or however long it took.
    assert!(number(cameras, "/fps") == 5.0 && number(tried, "/sent") >= 10.0, "{cameras:#}");
    assert!(number(tried, "/inferred") >= 1.0 && number(tried, "/age_ms_p95") > 0.0, "{tried:#}");
    assert!(number(tried, "/cores_pipeline") > 0.0, "{tried:#}");
    // On a machine that is busy with other scenarios they need not be kept up with, but then it says why.
    let holds = tried["holds"].as_bool().expect("a verdict");
    assert_eq!(cameras["held"], if holds { 2 } else { 0 }, "{cameras:#}");
    assert_eq!(holds, tried["limited_by"] == "" && cameras["limited_by"].is_null(), "{cameras:#}");
}

#[test]
fn without_the_weights_of_a_named_model_it_says_so_and_takes_our_own() {
    let arguments =
        ["bench", "--part=sessions,pipeline", "--model=ssd-mobilenet-v1-coco", "--provider=cpu", "--batch=1"];
    let short = ["--rounds=1", "--seconds=0.05", "--size=160x90", "--fps=5"];
    // Not the weights that whoever runs the tests has fetched.
    let mut command = sightline();
    command.env("SIGHTLINE_MODELS", project().join("models")).env("XDG_DATA_HOME", "/nowhere");
    let output = output(command.args(arguments).args(short));
    let (said, told) = (stdout(&output), stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("no weights of ssd-mobilenet-v1-coco; measuring ssd-mobilenet-v1-sim instead"), "{told}");
    assert!(said.contains("| cpu | ONNX Runtime") && said.contains("| ssd-mobilenet-v1-sim | 1 |"), "{said}");
    assert!(said.contains("ssd-mobilenet-v1-sim on cpu, 160x90:") && said.contains("CPU ms a frame"), "{said}");
    assert!(said.contains("not run: ssd-mobilenet-v1-coco on any: "), "{said}");
}

#[test]
fn a_video_that_is_not_there_is_named_at_once() {
    for part in ["pipeline", "cameras"] {
        let output = run(&["bench", "--part", part, "--model=ssd-mobilenet-v1-sim", "--video=/nowhere/at-all.mp4"]);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{}", stderr(&output));
        assert!(stderr(&output).contains("/nowhere/at-all.mp4"), "{}", stderr(&output));
    }
}
