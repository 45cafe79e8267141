use std::sync::atomic::{AtomicUsize, Ordering};

use sightline_core::plan::MqttPlan;
use tracing::{Metadata, span, subscriber::with_default};

use super::*;
use crate::test_events::event;

const ALL: Allowance = Allowance { retained: 64, events: 100, pictures: true, detections: true };

fn queues(outbox_events: usize) -> Queues {
    let plan = MqttPlan {
        host: "b".into(),
        port: 1883,
        tls: None,
        credentials: None,
        prefix: "p".into(),
        node: "n".into(),
        detections: true,
        outbox: sightline_core::outbox::OutboxPlan::default(),
    };
    let settings = MqttSettings { outbox_events, ..MqttSettings::default() };
    Queues::new(Topics::new(&plan), true, "b:1883".into(), &settings)
}

fn count(label: &str, present: u32) -> Retained {
    Retained::Count { camera: "c".into(), label: label.into(), present }
}

/// Counts log lines.
struct Lines(Arc<AtomicUsize>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn displacing_is_logged_once_at_its_begin_and_once_at_its_end() {
    let lines = Arc::new(AtomicUsize::new(0));
    with_default(Lines(lines.clone()), || {
        let queues = queues(10);
        for episode in 1..=3 {
            for seq in 0..100 {
                queues.offer(event(seq));
            }
            assert_eq!(lines.load(Ordering::Relaxed), 2 * episode - 1);
            queues.connected();
            while let Some(Work::Event(key, _)) = queues.next(&ALL) {
                queues.event_acknowledged(key);
            }
            assert_eq!(lines.load(Ordering::Relaxed), 2 * episode);
            queues.disconnected();
        }
        assert_eq!(queues.counters().events_displaced, 3 * 90);
    });
}

#[test]
fn after_a_connack_every_retained_topic_comes_before_the_first_event() {
    let queues = queues(10);
    queues.offer(event(0));
    for label in ["a", "b", "c"] {
        queues.retain(count(label, 1));
    }
    queues.connected();
    // One in flight at a time, as if there were more topics than the window holds: events wait all the same.
    let narrow = Allowance { retained: 1, ..ALL };
    for left in [2, 1, 0] {
        let Some(Work::Retained(topic, _)) = queues.next(&narrow) else { panic!("a retained topic is due") };
        if left > 0 {
            assert!(queues.next(&narrow).is_none(), "an event came before the last retained topic");
        }
        queues.retained_acknowledged(&topic);
    }
    assert!(matches!(queues.next(&narrow), Some(Work::Event(..))));
}

#[test]
fn no_kind_waits_for_another_kind_s_window() {
    let queues = queues(10);
    queues.connected();
    queues.retain(count("a", 1));
    queues.offer(event(0));
    let full = Allowance { retained: 0, ..ALL };
    assert!(matches!(queues.next(&full), Some(Work::Event(..))));
    assert!(matches!(queues.next(&ALL), Some(Work::Retained(..))));
}

fn picture(label: &str, bytes: usize) -> Retained {
    Retained::Snapshot { camera: "c".into(), label: label.into(), jpeg: vec![7; bytes].into() }
}

#[test]
fn a_picture_comes_when_no_event_is_left_to_hand_over() {
    let queues = queues(10);
    queues.connected();
    queues.retain(picture("a", 9));
    queues.offer(event(0));
    queues.offer(event(1));
    let narrow = Allowance { events: 1, ..ALL };
    let Some(Work::Event(first, _)) = queues.next(&narrow) else { panic!("an event is due") };
    assert!(queues.next(&narrow).is_none(), "a picture overtook an event");
    queues.event_acknowledged(first);
    assert!(matches!(queues.next(&narrow), Some(Work::Event(..))));
    assert!(matches!(queues.next(&narrow), Some(Work::Picture(..))));
}

#[test]
fn a_picture_that_is_too_large_is_counted_and_told_once() {
    let lines = Arc::new(AtomicUsize::new(0));
    with_default(Lines(lines.clone()), || {
        let queues = queues(10);
        queues.connected();
        let limit = MqttSettings::default().snapshot_bytes;
        queues.retain(picture("a", limit));
        queues.retain(picture("b", limit + 1));
        queues.retain(picture("a", limit + 1));
        let Some(Work::Picture(topic, jpeg)) = queues.next(&ALL) else { panic!("one was not too large") };
        assert_eq!((&*topic, jpeg.len()), ("p/n/c/snapshot/a", limit));
        queues.retained_acknowledged(&topic);
        assert!(queues.next(&ALL).is_none());
        assert_eq!(queues.counters().snapshots_refused, 2);
        assert_eq!(lines.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn leftovers_are_cleared_once_everything_ours_was_declared() {
    let queues = queues(10);
    queues.connected();
    queues.retain(count("ours", 1));
    queues.own("p/n/c/snapshot/ours".into());
    let Some(Work::Retained(topic, _)) = queues.next(&ALL) else { panic!("a retained topic is due") };
    queues.retained_acknowledged(&topic);
    let find_all = || {
        queues.found_retained("p/n/c/count/ours", b"7");
        queues.found_retained("p/n/c/snapshot/ours", b"\xFF\xD8\xFF");
        queues.found_retained("p/n/c/count/gone", b"7");
    };
    find_all();
    assert!(queues.next(&ALL).is_none() && !queues.may_sweep());
    queues.declared();
    assert!(queues.may_sweep());
    find_all();
    let Some(Work::Clear(topic)) = queues.next(&ALL) else { panic!("a topic is to be cleared") };
    assert_eq!(&*topic, "p/n/c/count/gone");
    queues.retained_acknowledged(&topic);
    assert!(queues.next(&ALL).is_none());
    assert_eq!(queues.counters().retained_cleared, 1);
}

#[test]
fn a_zone_called_count_is_ours_only_below_a_camera_of_ours() {
    let queues = queues(10);
    queues.connected();
    queues.own(queues.topics.camera_status("c"));
    queues.declared();
    queues.found_retained("p/n/c/zone/count/person", b"1");
    queues.found_retained("p/n/node/zone/count/person", b"1");
    let mut cleared = Vec::new();
    while let Some(work) = queues.next(&ALL) {
        if let Work::Clear(topic) = work {
            cleared.push(topic);
        }
    }
    assert_eq!(cleared, ["p/n/c/zone/count/person".into()]);
}

#[test]
fn a_broker_that_hangs_up_on_the_question_for_leftovers_is_asked_twice_and_told_of_once() {
    let lines = Arc::new(AtomicUsize::new(0));
    with_default(Lines(lines.clone()), || {
        let queues = queues(10);
        queues.declared();
        queues.sweep_unanswered();
        assert!(queues.may_sweep());
        queues.sweep_unanswered();
        assert!(!queues.may_sweep());
        assert_eq!(lines.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_refused_subscription_is_told_once_however_often_it_is_refused() {
    let lines = Arc::new(AtomicUsize::new(0));
    with_default(Lines(lines.clone()), || {
        let queues = queues(10);
        queues.declared();
        for is_granted in [true, false, false, true, false] {
            queues.sweep_answered(is_granted);
        }
        assert_eq!(lines.load(Ordering::Relaxed), 1);
        assert!(queues.may_sweep(), "somebody may allow it");
    });
}
