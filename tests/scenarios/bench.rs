//! `sightline bench`: figures for what runs, reasons for what does not.

use serde_json::Value;

use crate::support::{has_openvino, run, stderr};

fn bench(providers: &str) -> (Option<i32>, Value, String) {
    let model = "--model=ssd-mobilenet-v1-sim";
    let output =
        run(&["bench", "--provider", providers, model, "--batch=1,2", "--rounds=1", "--seconds=0.05", "--format=json"]);
    let figures = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    (output.status.code(), figures, stderr(&output))
}

#[test]
fn each_provider_has_its_figures_or_its_reason() {
    let openvino = has_openvino("bench");
    let (code, figures, errors) = bench(if openvino { "cpu,openvino,openvino:NPU" } else { "cpu,openvino:NPU" });
    assert_eq!(code, Some(0), "{errors}");
    let rows = figures["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), if openvino { 4 } else { 2 }, "{figures:#}");
    for row in rows {
        assert!(row["images_per_second"].as_f64() > Some(1.0) && row["latency_ms_p50"].as_f64() > Some(0.0), "{row}");
        assert_eq!(row["node_share"], 1.0, "{row}");
        assert_eq!(row["score_difference"].is_null(), row["provider"] == "cpu", "{row}");
    }
    let [not_run] = figures["not_run"].as_array().expect("a list").as_slice() else { panic!("{figures:#}") };
    assert_eq!(not_run["provider"], "openvino:NPU");
    assert!(not_run["reason"].as_str().expect("a reason").len() > 10, "{not_run}");
}

#[test]
fn where_nothing_runs_it_fails() {
    let (code, figures, _) = bench("openvino:NPU");
    assert_eq!((code, figures["rows"].as_array().map(Vec::len)), (Some(69), Some(0)), "{figures:#}");
}
