//! A broker gets another address: what waited for the old one is delivered to the new one.

use sightline_core::outbox::OutboxPlan;

use crate::support::{close, deliver, destination, open, push_all, take};

#[test]
fn the_new_address_takes_over_what_waits_and_the_old_one_takes_it_back() {
    let state = tempfile::tempdir().unwrap();
    let mut next_seq = 0;
    let mut newest = 0;
    for (round, broker) in ["old:1883", "new:1883", "old:1883", "new:1883"].into_iter().enumerate() {
        let store = open(state.path());
        let outbox = store.outboxes(&[(destination(broker), OutboxPlan::default())]).remove(0);
        let waiting = if round == 0 { 0 } else { 5 };
        assert_eq!(outbox.figures().inherited, waiting, "{round}");
        assert_eq!(outbox.newest(), newest, "{round}");
        let waiting = usize::try_from(waiting).unwrap();
        assert_eq!(deliver(&*outbox, waiting), (next_seq - waiting as u64..next_seq).collect::<Vec<_>>());
        push_all(&*outbox, next_seq..next_seq + 5);
        next_seq += 5;
        newest = outbox.newest();
        close(&store);
    }
}

#[test]
fn other_topics_are_another_node_and_take_nothing_over() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    push_all(&*store.outboxes(&[(destination("old:1883"), OutboxPlan::default())])[0], 0..5);
    close(&store);
    drop(store);
    let store = open(state.path());
    let mut elsewhere = destination("new:1883");
    elsewhere.base_topic = "sightline/box-8".into();
    assert_eq!(store.outboxes(&[(elsewhere, OutboxPlan::default())])[0].figures().inherited, 0);
    close(&store);
    drop(store);
    let store = open(state.path());
    assert_eq!(take(&*store.outboxes(&[(destination("old:1883"), OutboxPlan::default())])[0], 5), [0, 1, 2, 3, 4]);
}
