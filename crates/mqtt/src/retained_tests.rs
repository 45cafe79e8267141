use super::*;

fn count(present: u32) -> Retained {
    Retained::Count { camera: "yard".into(), label: "person".into(), present }
}

#[test]
fn a_burst_becomes_its_first_and_its_last_value() {
    let mut topics = RetainedTopics::default();
    topics.set("t".into(), count(1));
    let (topic, first) = topics.next_to_send().unwrap();
    for present in 2..=50 {
        topics.set("t".into(), count(present));
    }
    assert_eq!(first, Some(count(1)));
    assert!(topics.next_to_send().is_none(), "one value of a topic at a time");
    topics.acknowledge(&topic);
    assert_eq!(topics.next_to_send().unwrap().1, Some(count(50)));
    topics.acknowledge(&topic);
    assert!(topics.is_settled());
}

#[test]
fn while_disconnected_only_the_newest_is_kept() {
    let mut topics = RetainedTopics::default();
    topics.set("t".into(), count(1));
    topics.set("t".into(), count(2));
    assert_eq!(topics.waiting(), 1);
    assert_eq!(topics.next_to_send().unwrap().1, Some(count(2)));
    assert!(topics.next_to_send().is_none());
}

#[test]
fn an_unchanged_value_is_not_published_again() {
    let mut topics = RetainedTopics::default();
    topics.set("t".into(), count(1));
    let (topic, _) = topics.next_to_send().unwrap();
    topics.acknowledge(&topic);
    topics.set("t".into(), count(1));
    assert!(topics.is_settled());
}

#[test]
fn a_value_that_went_back_while_another_was_in_flight_is_published() {
    let mut topics = RetainedTopics::default();
    topics.set("t".into(), count(1));
    let (topic, _) = topics.next_to_send().unwrap();
    topics.set("t".into(), count(2));
    topics.set("t".into(), count(1));
    topics.acknowledge(&topic);
    assert_eq!(topics.next_to_send().unwrap().1, Some(count(1)), "once too often is right, once too seldom is stale");
}

#[test]
fn after_a_rewind_every_topic_is_published_once_with_its_latest_value() {
    let mut topics = RetainedTopics::default();
    topics.set("a".into(), count(1));
    topics.set("b".into(), count(1));
    topics.next_to_send().unwrap();
    topics.set("a".into(), count(7));
    topics.rewind();
    let sent: Vec<_> = std::iter::from_fn(|| topics.next_to_send()).collect();
    assert_eq!(sent, [("a".into(), Some(count(7))), ("b".into(), Some(count(1)))]);
}

fn picture(bytes: usize) -> Retained {
    Retained::Snapshot { camera: "yard".into(), label: "person".into(), jpeg: vec![7; bytes].into() }
}

#[test]
fn pictures_have_a_queue_of_their_own_and_go_one_at_a_time() {
    let mut topics = RetainedTopics::default();
    topics.set("a".into(), picture(1));
    topics.set("b".into(), picture(2));
    topics.set("c".into(), count(1));
    assert_eq!(topics.waiting(), 1);
    let (topic, jpeg) = topics.next_picture().unwrap();
    assert_eq!((&*topic, jpeg.len()), ("a", 1));
    assert!(topics.next_picture().is_none());
    assert_eq!(topics.next_to_send().unwrap().0, "c".into());
    assert!(topics.next_to_send().is_none());
    topics.acknowledge(&"c".into());
    assert!(!topics.is_settled());
    topics.acknowledge(&topic);
    let (topic, jpeg) = topics.next_picture().unwrap();
    assert_eq!((&*topic, jpeg.len()), ("b", 2));
    topics.acknowledge(&topic);
    assert!(topics.is_settled());
}

#[test]
fn a_picture_under_which_connections_break_is_given_up_until_there_is_another() {
    let mut topics = RetainedTopics::default();
    topics.set("t".into(), picture(9));
    topics.set("u".into(), picture(1));
    topics.next_picture().unwrap();
    assert_eq!(topics.rewind(), None, "once may be chance");
    topics.next_picture().unwrap();
    assert_eq!(topics.rewind(), Some(GivenUp { topic: "t".into(), bytes: 9 }));
    let (innocent, _) = topics.next_picture().unwrap();
    assert_eq!(&*innocent, "u");
    topics.acknowledge(&innocent);
    assert!(topics.is_settled());
    assert_eq!(topics.rewind(), None);
    topics.set("t".into(), picture(9));
    assert_eq!(topics.next_picture().unwrap().0, innocent, "the same picture is not tried again");
    topics.acknowledge(&innocent);
    assert!(topics.is_settled());
    topics.set("t".into(), picture(8));
    assert_eq!(topics.next_picture().unwrap().1.len(), 8);
}

#[test]
fn a_connection_lost_after_the_picture_was_through_is_not_its_fault() {
    let mut topics = RetainedTopics::default();
    topics.set("t".into(), picture(9));
    for _ in 0..5 {
        let (topic, _) = topics.next_picture().unwrap();
        topics.acknowledge(&topic);
        assert_eq!(topics.rewind(), None);
    }
}

#[test]
fn what_is_not_ours_is_cleared_once_and_what_is_ours_never() {
    let mut topics = RetainedTopics::default();
    topics.set("ours".into(), count(1));
    topics.own("ours without a value".into());
    topics.next_to_send().unwrap();
    topics.acknowledge(&"ours".into());
    assert!(!topics.clear_leftover("ours") && !topics.clear_leftover("ours without a value"));
    assert!(topics.clear_leftover("stale") && !topics.clear_leftover("stale"));
    let (topic, value) = topics.next_to_send().unwrap();
    assert_eq!((&*topic, value), ("stale", None));
    assert!(!topics.is_settled());
    assert_eq!(topics.acknowledge(&topic), Some(Cleared::Leftover));
    assert!(topics.is_settled());
    assert!(topics.clear_leftover("stale"), "left anew");
}

#[test]
fn a_topic_that_becomes_ours_while_it_is_cleared_ends_with_its_value() {
    let mut topics = RetainedTopics::default();
    topics.clear_leftover("queued");
    topics.set("queued".into(), count(1));
    assert_eq!(topics.next_to_send().unwrap(), ("queued".into(), Some(count(1))));
    assert_eq!(topics.acknowledge(&"queued".into()), None);

    topics.clear_leftover("in flight");
    let (topic, _) = topics.next_to_send().unwrap();
    topics.set("in flight".into(), count(2));
    assert!(topics.next_to_send().is_none());
    assert_eq!(topics.acknowledge(&topic), None);
    assert_eq!(topics.next_to_send().unwrap(), (topic.clone(), Some(count(2))));
    topics.acknowledge(&topic);

    topics.clear_leftover("picture");
    topics.set("picture".into(), picture(3));
    assert!(topics.next_to_send().is_none());
    assert_eq!(&*topics.next_picture().unwrap().0, "picture");
}

#[test]
fn what_is_to_be_cleared_is_bounded_and_forgotten_with_the_connection() {
    let mut topics = RetainedTopics::default();
    for round in 0..2 {
        let taken = (0..LEFTOVERS + 10).filter(|n| topics.clear_leftover(&format!("{round}/{n}"))).count();
        assert_eq!(taken, LEFTOVERS);
        topics.next_to_send().unwrap();
        topics.rewind();
        assert!(topics.is_settled());
    }
}

#[test]
fn owning_what_is_being_cleared_stops_the_clearing_that_has_not_begun() {
    let mut topics = RetainedTopics::default();
    topics.clear_leftover("queued");
    topics.own("queued".into());
    assert!(topics.next_to_send().is_none());
    topics.clear_leftover("in flight");
    let (topic, _) = topics.next_to_send().unwrap();
    topics.own("in flight".into());
    assert_eq!(topics.acknowledge(&topic), None);
    assert!(topics.is_settled() && topics.owns("queued") && topics.owns("in flight"));
}
