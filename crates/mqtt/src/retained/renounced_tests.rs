//! A reload: what is renounced, owned again, and cleared.

use std::collections::BTreeSet;

use proptest::prelude::*;

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

#[derive(Clone, Debug)]
enum Step {
    Set(usize, u32),
    Own(usize),
    Renounce,
    Declare,
    Send,
    Acknowledge,
    Reconnect { has_forgotten: bool },
}

/// The last two are pictures'.
const TOPICS: [&str; 5] = ["c/a", "c/b", "c/c", "c/d", "c/e"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let topic = 0..TOPICS.len();
    let step = prop_oneof![
        4 => (topic.clone(), 1..4_u32).prop_map(|(topic, value)| Step::Set(topic, value)),
        1 => topic.prop_map(Step::Own),
        2 => Just(Step::Renounce),
        2 => Just(Step::Declare),
        6 => Just(Step::Send),
        6 => Just(Step::Acknowledge),
        1 => any::<bool>().prop_map(|has_forgotten| Step::Reconnect { has_forgotten }),
    ];
    prop::collection::vec(step, 0..200)
}

/// A broker, and what is on its way back from it.
#[derive(Default)]
struct Broker {
    kept: BTreeMap<Arc<str>, Retained>,
    unacknowledged: VecDeque<Arc<str>>,
}

impl Broker {
    /// `false` when nothing was to be sent. Nothing owned may be cleared.
    fn receive(&mut self, topics: &mut RetainedTopics) -> bool {
        let (topic, value) = match topics.next_to_send() {
            Some(sent) => sent,
            None => match topics.next_picture() {
                Some((topic, jpeg)) => (topic, Some(picture(jpeg.len()))),
                None => return false,
            },
        };
        assert!(value.is_some() || !topics.owns(&topic), "{topic} is ours and was cleared");
        match value {
            Some(value) => self.kept.insert(topic.clone(), value),
            None => self.kept.remove(&topic),
        };
        self.unacknowledged.push_back(topic);
        true
    }
}

proptest! {
    /// Whatever the order: what is owned is never cleared, and in the end the broker keeps the latest value of each
    /// topic that is ours, and nothing on those that were renounced and not owned again.
    #[test]
    fn the_broker_ends_with_what_is_ours(steps in steps()) {
        let (mut topics, mut broker) = (RetainedTopics::default(), Broker::default());
        let mut values: BTreeMap<&str, Retained> = BTreeMap::new();
        let mut owned: BTreeSet<&str> = BTreeSet::new();
        let mut renounced: BTreeSet<&str> = BTreeSet::new();
        for step in steps.into_iter().chain([Step::Declare]) {
            match step {
                Step::Set(topic, value) => {
                    let value = if topic < 3 { count(value) } else { picture(value as usize) };
                    topics.set(TOPICS[topic].into(), value.clone());
                    values.insert(TOPICS[topic], value);
                    owned.insert(TOPICS[topic]);
                    renounced.remove(TOPICS[topic]);
                }
                Step::Own(topic) => {
                    topics.own(TOPICS[topic].into());
                    owned.insert(TOPICS[topic]);
                    renounced.remove(TOPICS[topic]);
                }
                Step::Renounce => {
                    topics.renounce("c/");
                    renounced.clone_from(&owned);
                }
                Step::Declare => {
                    topics.clear_renounced();
                    for topic in std::mem::take(&mut renounced) {
                        owned.remove(topic);
                        values.remove(topic);
                    }
                }
                Step::Send => {
                    broker.receive(&mut topics);
                }
                Step::Acknowledge => {
                    if let Some(topic) = broker.unacknowledged.pop_front() {
                        topics.acknowledge(&topic);
                    }
                }
                Step::Reconnect { has_forgotten } => {
                    topics.rewind();
                    broker.unacknowledged.clear();
                    if has_forgotten {
                        broker.kept.clear();
                    }
                }
            }
            for topic in TOPICS {
                prop_assert_eq!(topics.owns(topic), owned.contains(topic));
            }
        }
        // Another value for each picture: one may have been given up for the connections that were lost under it.
        for topic in TOPICS.into_iter().skip(3).filter(|topic| owned.contains(topic)) {
            topics.set(topic.into(), picture(99));
            values.insert(topic, picture(99));
        }
        while broker.receive(&mut topics) || !broker.unacknowledged.is_empty() {
            if let Some(topic) = broker.unacknowledged.pop_front() {
                topics.acknowledge(&topic);
            }
        }
        prop_assert!(topics.is_settled());
        for topic in TOPICS {
            let kept = broker.kept.get(topic);
            match (values.get(topic), owned.contains(topic)) {
                (Some(value), _) => prop_assert_eq!(kept, Some(value)),
                // Owned while it was being cleared: either is right.
                (None, true) => {}
                (None, false) => prop_assert_eq!(kept, None),
            }
        }
    }
}
