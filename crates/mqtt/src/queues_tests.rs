use sightline_core::plan::MqttPlan;

use super::*;
use crate::{memory::MemoryOutbox, test_events::event, test_log::counting_lines};

const ALL: Allowance = Allowance { retained: 64, events: 100, pictures: true, detections: true };

fn queues() -> Queues {
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
    let outbox = Arc::new(MemoryOutbox::default());
    Queues::new(outbox, Arc::default(), Topics::new(&plan), true, "b:1883".into(), &MqttSettings::default())
}

fn count(label: &str, present: u32) -> Retained {
    Retained::Count { camera: "c".into(), label: label.into(), present }
}

#[test]
fn after_a_connack_every_retained_topic_comes_before_the_first_event() {
    let queues = queues();
    queues.events.offer(event(0));
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
    let queues = queues();
    queues.connected();
    queues.retain(count("a", 1));
    queues.events.offer(event(0));
    let full = Allowance { retained: 0, ..ALL };
    assert!(matches!(queues.next(&full), Some(Work::Event(..))));
    assert!(matches!(queues.next(&ALL), Some(Work::Retained(..))));
}

fn picture(label: &str, bytes: usize) -> Retained {
    Retained::Snapshot { camera: "c".into(), label: label.into(), jpeg: vec![7; bytes].into() }
}

#[test]
fn a_picture_comes_when_no_event_is_left_to_hand_over() {
    let queues = queues();
    queues.connected();
    queues.retain(picture("a", 9));
    queues.events.offer(event(0));
    queues.events.offer(event(1));
    let narrow = Allowance { events: 1, ..ALL };
    let Some(Work::Event(first, _)) = queues.next(&narrow) else { panic!("an event is due") };
    assert!(queues.next(&narrow).is_none(), "a picture overtook an event");
    queues.event_acknowledged(first, Duration::ZERO);
    let Some(Work::Event(second, _)) = queues.next(&narrow) else { panic!("an event is due") };
    queues.event_acknowledged(second, Duration::ZERO);
    assert!(matches!(queues.next(&narrow), Some(Work::Picture(..))));
}

#[test]
fn a_picture_that_is_too_large_is_counted_and_told_once() {
    counting_lines(|lines| {
        let queues = queues();
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
        assert_eq!(lines(), 1);
    });
}

#[test]
fn leftovers_are_cleared_once_everything_ours_was_declared() {
    let queues = queues();
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
    let queues = queues();
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
    counting_lines(|lines| {
        let queues = queues();
        queues.declared();
        queues.sweep_unanswered();
        assert!(queues.may_sweep());
        queues.sweep_unanswered();
        assert!(!queues.may_sweep());
        assert_eq!(lines(), 1);
    });
}

#[test]
fn a_refused_subscription_is_told_once_however_often_it_is_refused() {
    counting_lines(|lines| {
        let queues = queues();
        queues.declared();
        for is_granted in [true, false, false, true, false] {
            queues.sweep_answered(is_granted);
        }
        assert_eq!(lines(), 1);
        assert!(queues.may_sweep(), "somebody may allow it");
    });
}

#[test]
fn a_camera_s_renounced_topics_are_cleared_before_the_next_event_and_no_others() {
    let queues = queues();
    queues.connected();
    let other = Retained::Count { camera: "c2".into(), label: "a".into(), present: 1 };
    for value in [count("a", 1), count("b", 1), other] {
        queues.retain(value);
    }
    while let Some(Work::Retained(topic, _)) = queues.next(&ALL) {
        queues.retained_acknowledged(&topic);
    }
    queues.declared();
    queues.renounce("c");
    queues.retain(count("a", 1));
    assert!(queues.next(&ALL).is_none(), "nothing changes before the word");
    queues.events.offer(event(0));
    queues.declared();
    let Some(Work::Clear(topic)) = queues.next(&ALL) else { panic!("a topic is to be cleared") };
    assert_eq!(&*topic, "p/n/c/count/b");
    assert!(matches!(queues.next(&ALL), Some(Work::Event(..))));
    queues.retained_acknowledged(&topic);
    assert!(queues.next(&ALL).is_none());
    assert_eq!(queues.counters().retained_cleared, 1);
}

#[test]
fn detections_may_be_wished_later_and_no_more() {
    let queues = queues();
    queues.connected();
    for (is_wished, offered) in [(false, Offered::Refused), (true, Offered::Accepted), (false, Offered::Refused)] {
        queues.wish_detections(is_wished);
        assert_eq!(queues.offer_detections(crate::test_events::detections(1)), offered);
    }
    assert!(matches!(queues.next(&ALL), Some(Work::Detections(_))), "what was taken is sent");
    let counters = queues.counters().detections;
    assert_eq!((counters.offered, counters.refused, counters.waiting), (3, 2, 1));
}
