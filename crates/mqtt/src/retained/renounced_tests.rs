//! A reload: what is renounced, owned again, and cleared.

use super::*;

fn count(present: u32) -> Retained {
    Retained::Count { camera: "yard".into(), label: "person".into(), present }
}

fn picture(bytes: usize) -> Retained {
    Retained::Snapshot { camera: "yard".into(), label: "person".into(), jpeg: vec![7; bytes].into() }
}

/// Everything that is sent and acknowledged until nothing is left.
fn settle(topics: &mut RetainedTopics) -> Vec<(String, Option<Retained>)> {
    let mut sent = Vec::new();
    loop {
        if let Some((topic, value)) = topics.next_to_send() {
            topics.acknowledge(&topic);
            sent.push((topic.to_string(), value));
        } else if let Some((topic, jpeg)) = topics.next_picture() {
            topics.acknowledge(&topic);
            sent.push((topic.to_string(), Some(picture(jpeg.len()))));
        } else {
            assert!(topics.is_settled());
            return sent;
        }
    }
}

/// Two counts, a picture, and a topic for a picture that never came, all settled; and another camera's count.
fn settled() -> RetainedTopics {
    let mut topics = RetainedTopics::default();
    topics.set("c/count/a".into(), count(1));
    topics.set("c/count/b".into(), count(1));
    topics.set("c/snapshot/a".into(), picture(9));
    topics.own("c/snapshot/b".into());
    topics.set("c2/count/a".into(), count(1));
    assert_eq!(settle(&mut topics).len(), 4);
    topics
}

#[test]
fn what_is_owned_again_is_not_touched_and_the_rest_is_cleared() {
    let mut topics = settled();
    topics.renounce("c/");
    assert!(topics.owns("c/count/a"), "until the word, nobody else's");
    topics.set("c/count/a".into(), count(1));
    topics.set("c/count/b".into(), count(5));
    topics.own("c/snapshot/a".into());
    topics.clear_renounced();
    let sent = settle(&mut topics);
    assert_eq!(sent, [("c/count/b".into(), Some(count(5))), ("c/snapshot/b".into(), None)]);

    topics.clear_renounced();
    assert!(topics.is_settled(), "each word clears what was renounced since the last");
    assert!(!topics.owns("c/snapshot/b") && topics.clear_leftover("c/snapshot/b"));
}

#[test]
fn a_camera_that_is_gone_leaves_nothing() {
    let mut topics = settled();
    topics.renounce("c/");
    topics.clear_renounced();
    let cleared: Vec<_> = settle(&mut topics);
    let wished = ["c/count/a", "c/count/b", "c/snapshot/a", "c/snapshot/b"].map(|topic| (topic.to_owned(), None));
    assert_eq!(cleared, wished);
    assert_eq!(topics.rewind(), None);
    assert_eq!(settle(&mut topics), [("c2/count/a".into(), Some(count(1)))]);
}

#[test]
fn a_reconnection_before_the_word_publishes_what_is_still_ours() {
    let mut topics = settled();
    topics.renounce("c/");
    topics.rewind();
    assert_eq!(settle(&mut topics).len(), 4);
    topics.set("c/count/a".into(), count(1));
    topics.clear_renounced();
    assert_eq!(settle(&mut topics).iter().filter(|(_, value)| value.is_none()).count(), 3);
}

#[test]
fn a_clearing_that_was_not_acknowledged_is_done_again_on_the_next_connection() {
    let mut topics = settled();
    topics.renounce("c/");
    topics.clear_renounced();
    topics.next_to_send().unwrap();
    topics.rewind();
    let sent = settle(&mut topics);
    assert_eq!(sent.iter().filter(|(_, value)| value.is_none()).count(), 4);
}

#[test]
fn a_value_in_flight_when_its_topic_is_cleared_is_followed_by_the_clearing() {
    let mut topics = RetainedTopics::default();
    for value in [count(1), picture(9)] {
        topics.set("c/t".into(), value);
        let sent = topics.next_to_send().map(|(topic, _)| topic);
        let topic = sent.or_else(|| topics.next_picture().map(|(topic, _)| topic)).unwrap();
        topics.renounce("c/");
        topics.clear_renounced();
        assert!(topics.next_to_send().is_none());
        assert_eq!(topics.acknowledge(&topic), None, "that was the value");
        assert_eq!(topics.next_to_send().unwrap(), (topic.clone(), None));
        assert_eq!(topics.acknowledge(&topic), Some(Cleared::Renounced));
        assert!(topics.is_settled());
    }
}

#[test]
fn a_picture_that_still_waits_when_its_topic_is_cleared_is_not_sent() {
    let mut topics = RetainedTopics::default();
    topics.set("c/t".into(), picture(9));
    topics.renounce("c/");
    topics.clear_renounced();
    assert_eq!(settle(&mut topics), [("c/t".into(), None)]);
}

#[test]
fn a_camera_that_comes_back_while_it_is_cleared_ends_with_its_value() {
    let mut topics = settled();
    topics.renounce("c/");
    topics.clear_renounced();
    let (topic, value) = topics.next_to_send().unwrap();
    assert_eq!((&*topic, value), ("c/count/a", None));
    topics.set("c/count/a".into(), count(1));
    topics.set("c/count/b".into(), count(1));
    assert_eq!(topics.acknowledge(&topic), None);
    let sent = settle(&mut topics);
    assert!(sent.contains(&("c/count/a".into(), Some(count(1)))), "{sent:?}");
    assert!(sent.contains(&("c/count/b".into(), Some(count(1)))), "{sent:?}");
}
