//! Everything that is counted, for `/metrics`. Named in docs/reference/http.md.

use std::{collections::BTreeMap, sync::Arc};

use sightline_core::{
    event::{CameraState, FrameBalance, LoadState, UndecodedPictures},
    histogram::Stage,
    operations::{MetricFamily, MetricKind, MetricSample, MetricValue},
    outbox::OutboxFigures,
};
use sightline_mqtt::ConnectionState;
use sightline_pipeline::clock::wall_now;

use super::{
    brokers::Broker,
    observed::{Observed, oldest_age},
    process,
};

type Labels = Vec<(&'static str, String)>;

/// Families under construction, each filled by one closure that is called for every one of the things it is about.
struct Collector(Vec<MetricFamily>);

impl Collector {
    fn family(&mut self, kind: MetricKind, name: &'static str, help: &'static str, samples: Vec<MetricSample>) {
        self.0.push(MetricFamily { name, help, kind, samples });
    }

    fn counter(&mut self, name: &'static str, help: &'static str, values: impl Iterator<Item = (Labels, u64)>) {
        let sample = |(labels, count)| MetricSample { labels, value: MetricValue::Count(count) };
        self.family(MetricKind::Counter, name, help, values.map(sample).collect());
    }

    fn gauge(&mut self, name: &'static str, help: &'static str, values: impl Iterator<Item = (Labels, f64)>) {
        let sample = |(labels, value)| MetricSample { labels, value: MetricValue::Gauge(value) };
        self.family(MetricKind::Gauge, name, help, values.map(sample).collect());
    }
}

/// All of it, now.
pub fn collect(observed: &Observed) -> Vec<MetricFamily> {
    let mut collector = Collector(Vec::new());
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_string())];
    collector.gauge("sightline_info", "The version that runs.", std::iter::once((version, 1.0)));
    cameras(&mut collector, observed);
    stages(&mut collector, observed);
    engines(&mut collector, observed);
    load(&mut collector, observed);
    brokers(&mut collector, observed);
    let overdue = std::iter::once((Vec::new(), sightline_media::overdue_teardowns()));
    collector.counter("sightline_source_teardowns_overdue", "Streams that did not close in time.", overdue);
    for (name, help, value) in process::gauges(observed.since) {
        collector.gauge(name, help, value.map(|value| (Vec::new(), value)).into_iter());
    }
    collector.0
}

fn cameras(collector: &mut Collector, observed: &Observed) {
    let roster = observed.roster.read().clone();
    let cameras: Vec<_> =
        roster.iter().map(|camera| (camera.id(), camera.current_status(), camera.tallies())).collect();
    let of = |id: &Arc<str>| vec![("camera", id.to_string())];
    let frames =
        |count: fn(&FrameBalance) -> u64| cameras.iter().map(move |(id, status, _)| (of(id), count(&status.frames)));
    collector.counter("sightline_frames_decoded", "Frames that left the decoder.", frames(|frames| frames.decoded));
    collector.counter("sightline_frames_inferred", "Frames that went through the network.", frames(|it| it.inferred));
    let dropped = cameras.iter().flat_map(|(id, status, _)| {
        let reasons = drop_reasons(&status.frames);
        reasons.map(|(reason, count)| (vec![("camera", id.to_string()), ("reason", reason.to_string())], count))
    });
    collector.counter("sightline_frames_dropped", "Frames that did not go through the network, by reason.", dropped);
    let undecoded = cameras.iter().flat_map(|(id, status, _)| {
        let UndecodedPictures { non_reference, idle, late } = status.undecoded;
        let reasons = [("non_reference", non_reference), ("idle", idle), ("late", late)];
        reasons.map(|(reason, count)| (vec![("camera", id.to_string()), ("reason", reason.to_string())], count))
    });
    let help = "Encoded pictures that were not decoded, by reason.";
    collector.counter("sightline_pictures_undecoded", help, undecoded);
    let idle = cameras.iter().map(|(id, status, _)| (of(id), f64::from(u8::from(status.idle))));
    collector.gauge(
        "sightline_camera_idle",
        "1 while nothing moves, and nothing is there but what stands still.",
        idle,
    );
    let waiting = cameras.iter().map(|(id, status, _)| (of(id), status.frames.waiting as f64));
    collector.gauge("sightline_frames_waiting", "Frames that wait, or are in a batch.", waiting);
    let rates = cameras.iter().map(|(id, status, _)| (of(id), status.fps));
    collector.gauge("sightline_camera_fps", "Frames per second that are inferred.", rates);
    let states = cameras.iter().flat_map(|(id, status, _)| {
        CameraState::ALL.map(|state| {
            let labels = vec![("camera", id.to_string()), ("state", state.name().to_string())];
            (labels, if state == status.state { 1.0 } else { 0.0 })
        })
    });
    collector.gauge("sightline_camera_state", "1 for the state that the camera is in.", states);
    let opened = cameras.iter().map(|(id, _, tallies)| (of(id), tallies.opened));
    collector.counter("sightline_camera_connects", "Attempts to open the camera's stream.", opened);
    let failures = cameras.iter().flat_map(|(id, _, tallies)| {
        let failures = tallies.failures.iter();
        failures.map(|(code, count)| (vec![("camera", id.to_string()), ("code", (*code).to_string())], *count))
    });
    collector.counter("sightline_camera_failures", "Streams that broke or could not be opened, by code.", failures);
}

fn drop_reasons(frames: &FrameBalance) -> [(&'static str, u64); 7] {
    [
        ("rate", frames.dropped_rate),
        ("idle", frames.dropped_idle),
        ("superseded", frames.dropped_superseded),
        ("stale", frames.dropped_stale),
        ("load", frames.dropped_load),
        ("failed", frames.dropped_failed),
        ("stopped", frames.dropped_stopped),
    ]
}

fn stages(collector: &mut Collector, observed: &Observed) {
    let sample = |stage: Stage| MetricSample {
        labels: vec![("stage", stage.name().to_string())],
        value: MetricValue::Histogram(observed.stages.snapshot(stage)),
    };
    let help = "How long each stage of a frame's way, and of an event's, takes.";
    collector.family(MetricKind::Histogram, "sightline_stage_seconds", help, Stage::ALL.map(sample).into());
}

/// Engines of one model on one provider, together.
struct ModelFigures {
    sessions: usize,
    batches: u64,
    is_less_than_wished: bool,
    share: f64,
    score_difference: f32,
}

impl Default for ModelFigures {
    fn default() -> Self {
        Self { sessions: 0, batches: 0, is_less_than_wished: false, share: 1.0, score_difference: 0.0 }
    }
}

fn engines(collector: &mut Collector, observed: &Observed) {
    let engines = observed.in_force.read().engines.clone();
    // Pipelines that batch in other ways have engines of their own, be it with the same model.
    let mut models: BTreeMap<(String, &'static str), ModelFigures> = BTreeMap::new();
    for running in &engines {
        let (engine, execution) = (&running.engine, running.engine.execution());
        let figures = models.entry((engine.model.name.clone(), execution.provider.name())).or_default();
        figures.sessions += engine.sessions();
        figures.batches += engine.progress().batches;
        figures.is_less_than_wished |= !running.is_as_wished();
        // Of several engines of one model on one provider the worst.
        figures.share = figures.share.min(execution.placement.share());
        let difference = execution.agreement.map_or(0.0, |agreement| agreement.largest_score_difference);
        figures.score_difference = figures.score_difference.max(difference);
    }
    let of = |(model, provider): &(String, &'static str)| {
        vec![("model", model.clone()), ("provider", (*provider).to_string())]
    };
    let help = "Sessions of each model, and the execution provider that they really run on.";
    let sessions = models.iter().map(|(model, figures)| (of(model), figures.sessions as f64));
    collector.gauge("sightline_inference_sessions", help, sessions);
    let batches = models.iter().map(|(model, figures)| (of(model), figures.batches));
    collector.counter("sightline_inference_batches", "Batches that were run.", batches);
    let as_wished =
        models.iter().map(|(model, figures)| (of(model), f64::from(u8::from(!figures.is_less_than_wished))));
    collector.gauge("sightline_provider_as_wished", "1 when the first provider that was wished runs.", as_wished);
    let help = "Share of the model's nodes that the provider runs itself, from 0 to 1.";
    let shares = models.iter().map(|(model, figures)| (of(model), figures.share));
    collector.gauge("sightline_provider_node_share", help, shares);
    let help = "Largest difference of a score from the CPU's on the model's reference pictures, when it was opened.";
    let differences = models.iter().map(|(model, figures)| (of(model), f64::from(figures.score_difference)));
    collector.gauge("sightline_provider_score_difference", help, differences);
}

fn load(collector: &mut Collector, observed: &Observed) {
    let pipelines = observed.in_force.read().pipelines.clone();
    let loads: Vec<_> = pipelines.iter().map(|pipeline| (pipeline.name(), pipeline.load())).collect();
    let of = |name: &str| vec![("pipeline", name.to_string())];
    let is = |state: LoadState| f64::from(u8::from(state == LoadState::Overloaded));
    let help = "1 while more frames are wished than the network can do, or than can be decoded.";
    collector.gauge("sightline_overloaded", help, loads.iter().map(|(name, load)| (of(name), is(load.state))));
    let help = "1 while the cameras send more than can be decoded.";
    let decoding = loads.iter().map(|(name, load)| (of(name), is(load.decoding)));
    collector.gauge("sightline_decoding_overloaded", help, decoding);
    let help = "Share of the wished frame rates that is let through to hold latency_target, from 0 to 1.";
    collector.gauge("sightline_fps_factor", help, loads.iter().map(|(name, load)| (of(name), load.fps_factor)));
}

fn brokers(collector: &mut Collector, observed: &Observed) {
    let brokers = observed.in_force.read().brokers.clone();
    let now = wall_now();
    let of = |broker: &Broker| vec![("broker", broker.name()), ("base_topic", broker.plan.base_topic())];
    let outboxes: Vec<(&Arc<Broker>, OutboxFigures)> =
        brokers.iter().map(|broker| (broker, broker.publisher.event_figures())).collect();
    let events = |count: fn(&OutboxFigures) -> u64| outboxes.iter().map(move |(broker, it)| (of(broker), count(it)));
    let gauges = |value: fn(&OutboxFigures) -> f64| outboxes.iter().map(move |(broker, it)| (of(broker), value(it)));
    collector.counter("sightline_events_offered", "Events that happened.", events(|it| it.offered));
    let help = "Events that an earlier run had left and this one found.";
    collector.counter("sightline_events_inherited", help, events(|it| it.inherited));
    collector.counter("sightline_events_acknowledged", "Events that the broker has.", events(|it| it.acknowledged));
    let displaced = outboxes.iter().flat_map(|(broker, it)| {
        [("size", it.displaced_size), ("age", it.displaced_age), ("memory", it.displaced_memory)].map(
            |(reason, count)| {
                let mut labels = of(broker);
                labels.push(("reason", reason.to_string()));
                (labels, count)
            },
        )
    });
    collector.counter("sightline_events_displaced", "Events that were forced out of the outbox, by reason.", displaced);
    collector.counter("sightline_events_refused", "Events offered after the end.", events(|it| it.refused));
    collector.gauge("sightline_outbox_events", "Events that wait for the broker.", gauges(|it| it.waiting as f64));
    collector.gauge("sightline_outbox_bytes", "Their bytes.", gauges(|it| it.waiting_bytes as f64));
    let ages = brokers.iter().map(|broker| (of(broker), oldest_age(broker, now).as_secs_f64()));
    collector.gauge("sightline_outbox_oldest_age_seconds", "Age of the oldest event that waits.", ages);
    let help = "1 while events reach the disk; 0 while they wait in memory alone.";
    collector.gauge("sightline_outbox_on_disk", help, gauges(|it| f64::from(u8::from(it.is_on_disk))));
    let help = "Failed attempts to write events to the disk.";
    collector.counter("sightline_outbox_write_failures", help, events(|it| it.write_failures));
    let connected = brokers.iter().map(|broker| {
        let is_connected = *broker.publisher.connection_state().borrow() == ConnectionState::Connected;
        (of(broker), f64::from(u8::from(is_connected)))
    });
    collector.gauge("sightline_broker_connected", "1 while there is a connection to the broker.", connected);
    let reconnects = brokers.iter().map(|broker| (of(broker), broker.publisher.counters().reconnects));
    collector.counter("sightline_broker_reconnects", "Connections to the broker after the first.", reconnects);
    let failures = brokers.iter().flat_map(|broker| {
        broker
            .publisher
            .counters()
            .failures
            .iter()
            .map(|(code, count)| {
                let mut labels = of(broker);
                labels.push(("code", code.as_str().to_string()));
                (labels, count)
            })
            .collect::<Vec<_>>()
    });
    let help = "Attempts to connect that failed and connections that were lost, by code.";
    collector.counter("sightline_broker_failures", help, failures);
    let republished = brokers.iter().map(|broker| (of(broker), broker.publisher.counters().events_republished));
    let help = "Events sent once more because the connection was lost before the broker had acknowledged them.";
    collector.counter("sightline_events_republished", help, republished);
    let detections = brokers.iter().flat_map(|broker| {
        let counters = broker.publisher.counters().detections;
        let outcomes = [
            ("sent", counters.sent),
            ("displaced", counters.displaced),
            ("refused", counters.refused),
            ("lost", counters.lost),
        ];
        outcomes.map(|(outcome, count)| {
            let mut labels = of(broker);
            labels.push(("outcome", outcome.to_string()));
            (labels, count)
        })
    });
    let help = "Per-frame messages, by what became of them.";
    collector.counter("sightline_detections", help, detections);
    let cleared = brokers.iter().map(|broker| (of(broker), broker.publisher.counters().retained_cleared));
    collector.counter(
        "sightline_retained_cleared",
        "Retained topics that nobody owned and that were cleared.",
        cleared,
    );
    let refused = brokers.iter().map(|broker| (of(broker), broker.publisher.counters().snapshots_refused));
    collector.counter("sightline_snapshots_refused", "Pictures that were too large to be published.", refused);
}
