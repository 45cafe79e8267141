//! `/metrics`, read line by line as Prometheus reads it.

use std::collections::BTreeMap;

use sightline_core::{
    histogram::{BOUNDS_MICROS, HistogramSnapshot},
    operations::{MetricFamily, MetricKind, MetricSample, MetricValue},
};

use crate::support::{Endpoint, exposition::Exposition};

/// What Prometheus 2 and 3 send.
const OPEN_METRICS: (&str, &str) =
    ("Accept", "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5");
/// Every character that has to be escaped, and some that have not.
const AWKWARD: &str = "back\\slash \"quoted\"\nnext {line}, a=b é";

fn sample(labels: &[(&'static str, &str)], value: MetricValue) -> MetricSample {
    MetricSample { labels: labels.iter().map(|(name, value)| (*name, (*value).to_string())).collect(), value }
}

fn snapshot() -> HistogramSnapshot {
    let mut snapshot = HistogramSnapshot { sum_micros: 70_001_500, ..HistogramSnapshot::default() };
    snapshot.buckets[0] = 2;
    snapshot.buckets[5] = 3;
    snapshot.buckets[BOUNDS_MICROS.len()] = 1;
    snapshot
}

fn with_metrics() -> Endpoint {
    let endpoint = Endpoint::open();
    let family = |name, help, kind, samples| MetricFamily { name, help, kind, samples };
    endpoint.daemon.script().metrics = vec![
        family(
            "sightline_frames_dropped",
            "Frames that did not go through the network.",
            MetricKind::Counter,
            vec![
                sample(&[("camera", "door"), ("reason", "stale")], MetricValue::Count(u64::MAX)),
                sample(&[("camera", AWKWARD), ("reason", "rate")], MetricValue::Count(0)),
            ],
        ),
        family("sightline_outbox_age_seconds", "Age.", MetricKind::Gauge, vec![sample(&[], MetricValue::Gauge(1.5))]),
        family(
            "sightline_stage_seconds",
            "How long each stage takes.",
            MetricKind::Histogram,
            vec![
                sample(&[("stage", "queue")], MetricValue::Histogram(snapshot())),
                sample(&[("stage", "store")], MetricValue::Histogram(HistogramSnapshot::default())),
            ],
        ),
        family("sightline_reconnects", "None yet.", MetricKind::Counter, Vec::new()),
    ];
    endpoint
}

#[test]
fn prometheus_own_format_is_what_everybody_can_read() {
    let answer = with_metrics().get("/metrics");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let exposition = Exposition::parse(&answer.body);
    assert_eq!(exposition.types["sightline_frames_dropped_total"], "counter");
    assert_eq!(exposition.types["sightline_reconnects_total"], "counter");
    assert_eq!(exposition.types["sightline_outbox_age_seconds"], "gauge");
    assert!(!exposition.has_end, "`# EOF` belongs to OpenMetrics");
    has_all_values(&exposition);
}

#[test]
fn open_metrics_is_given_to_those_who_accept_it() {
    let answer = with_metrics().ask("GET", "/metrics", &[OPEN_METRICS]);
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(content_type));
    let exposition = Exposition::parse(&answer.body);
    assert_eq!(exposition.types["sightline_frames_dropped"], "counter");
    assert_eq!(exposition.helps["sightline_frames_dropped"], "Frames that did not go through the network.");
    assert!(exposition.has_end);
    has_all_values(&exposition);
}

fn has_all_values(exposition: &Exposition) {
    let value = |name: &str, labels: &[(&str, &str)]| exposition.value(name, labels);
    let dropped = "sightline_frames_dropped_total";
    assert_eq!(value(dropped, &[("camera", "door"), ("reason", "stale")]), "18446744073709551615");
    assert_eq!(value(dropped, &[("camera", AWKWARD), ("reason", "rate")]), "0");
    assert_eq!(value("sightline_outbox_age_seconds", &[]), "1.5");

    let queue = ("stage", "queue");
    assert_eq!(value("sightline_stage_seconds_count", &[queue]), "6");
    assert_eq!(value("sightline_stage_seconds_sum", &[queue]), "70.0015");
    let buckets: Vec<(f64, u64)> = exposition
        .samples
        .iter()
        .filter(|((name, labels), _)| {
            name == "sightline_stage_seconds_bucket" && labels.get("stage").map(String::as_str) == Some("queue")
        })
        .map(|((_, labels), count)| (labels["le"].parse().unwrap(), count.parse().unwrap()))
        .collect();
    assert_eq!(buckets.len(), BOUNDS_MICROS.len() + 1);
    for (upper_bound_secs, count) in buckets {
        let expected = match upper_bound_secs {
            bound if bound < 0.02 => 2,
            bound if bound.is_finite() => 5,
            _ => 6,
        };
        assert_eq!(count, expected, "up to {upper_bound_secs} s");
    }
    let empty = BTreeMap::from([("stage", "store"), ("le", "+Inf")]);
    assert_eq!(value("sightline_stage_seconds_bucket", &empty.into_iter().collect::<Vec<_>>()), "0");
}

#[test]
fn a_value_of_the_wrong_kind_is_named() {
    let endpoint = Endpoint::open();
    endpoint.daemon.script().metrics = vec![MetricFamily {
        name: "sightline_up",
        help: "Always 1.",
        kind: MetricKind::Counter,
        samples: vec![sample(&[], MetricValue::Gauge(1.0))],
    }];
    let answer = endpoint.get("/metrics");
    assert_eq!(answer.status, 500);
    assert!(answer.error().contains("sightline_up"), "{answer:?}");
}
