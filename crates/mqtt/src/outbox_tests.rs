use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::test_events::event;

fn sequence(outbox: &mut Outbox) -> Vec<u64> {
    std::iter::from_fn(|| outbox.next_to_send()).map(|(_, event)| event.seq).collect()
}

#[test]
fn events_go_out_in_order_and_stay_until_acknowledged() {
    let mut outbox = Outbox::new(10, usize::MAX);
    for seq in 0..3 {
        outbox.push(event(seq));
    }
    let (first, sent) = outbox.next_to_send().unwrap();
    assert_eq!((sent.seq, sent.replayed, outbox.len(), outbox.in_flight()), (0, false, 3, 1));
    assert!(outbox.acknowledge(first));
    assert!(!outbox.acknowledge(first), "acknowledged once");
    assert_eq!(sequence(&mut outbox), [1, 2]);
}

#[test]
fn after_a_rewind_the_unacknowledged_go_out_again_as_replayed() {
    let mut outbox = Outbox::new(10, usize::MAX);
    for seq in 0..4 {
        outbox.push(event(seq));
    }
    let keys: Vec<Key> = (0..3).map(|_| outbox.next_to_send().unwrap().0).collect();
    assert!(outbox.acknowledge(keys[1]), "a broker may acknowledge out of order");
    outbox.rewind();
    outbox.push(event(4));
    let again: Vec<_> = std::iter::from_fn(|| outbox.next_to_send()).map(|(_, e)| (e.seq, e.replayed)).collect();
    assert_eq!(again, [(0, true), (2, true), (3, true), (4, false)]);
}

#[test]
fn a_full_outbox_forces_out_the_oldest_waiting_event() {
    let mut outbox = Outbox::new(3, usize::MAX);
    for seq in 0..3 {
        assert_eq!(outbox.push(event(seq)).displaced, 0);
    }
    let (in_flight, _) = outbox.next_to_send().unwrap();
    assert_eq!(outbox.push(event(3)).displaced, 1);
    assert!(outbox.acknowledge(in_flight), "the one in flight was kept");
    assert_eq!(sequence(&mut outbox), [2, 3]);
}

#[test]
fn when_all_is_in_flight_the_oldest_of_it_makes_room() {
    let mut outbox = Outbox::new(2, usize::MAX);
    outbox.push(event(0));
    outbox.push(event(1));
    let (first, _) = outbox.next_to_send().unwrap();
    let (second, _) = outbox.next_to_send().unwrap();
    assert_eq!(outbox.push(event(2)).displaced, 1);
    assert!(!outbox.acknowledge(first), "its late acknowledgement counts for nothing");
    assert!(outbox.acknowledge(second));
    assert_eq!(sequence(&mut outbox), [2]);
}

#[test]
fn the_bytes_bound_holds_and_the_newest_is_always_kept() {
    let one = footprint(&event(0));
    let mut outbox = Outbox::new(usize::MAX, 5 * one);
    for seq in 0..20 {
        outbox.push(event(seq));
    }
    assert_eq!(sequence(&mut outbox), [15, 16, 17, 18, 19]);
    let mut tiny = Outbox::new(usize::MAX, 1);
    tiny.push(event(0));
    assert_eq!((tiny.push(event(1)).displaced, tiny.len()), (1, 1));
}

#[derive(Clone, Debug)]
enum Step {
    Offer,
    Send,
    Acknowledge(prop::sample::Index),
    Disconnect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Offer),
        4 => Just(Step::Send),
        3 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
        1 => Just(Step::Disconnect),
    ];
    prop::collection::vec(step, 0..300)
}

proptest! {
    /// Whatever the order of offers, sends, acknowledgements (in any order) and disconnections: nothing acknowledged is
    /// sent again, everything else is either displaced and counted or still there, each connection sends in order,
    /// and what was sent before carries `replayed`.
    #[test]
    fn nothing_is_lost_or_repeated(steps in steps(), max_events in 1_usize..40) {
        let mut outbox = Outbox::new(max_events, usize::MAX);
        let (mut offered, mut displaced, mut acknowledged) = (0_u64, 0_u64, Vec::new());
        let mut sent_before: Vec<u64> = Vec::new();
        let mut on_this_connection: BTreeMap<u64, Key> = BTreeMap::new();
        let mut last_sent: Option<u64> = None;
        for step in steps {
            match step {
                Step::Offer => {
                    displaced += outbox.push(event(offered)).displaced;
                    offered += 1;
                }
                Step::Send => {
                    let Some((key, event)) = outbox.next_to_send() else { continue };
                    prop_assert!(!acknowledged.contains(&event.seq), "an acknowledged event was sent again");
                    prop_assert!(last_sent.is_none_or(|last| last < event.seq), "order was not kept");
                    prop_assert!(event.replayed || !sent_before.contains(&event.seq));
                    last_sent = Some(event.seq);
                    on_this_connection.insert(event.seq, key);
                }
                Step::Acknowledge(index) => {
                    if on_this_connection.is_empty() {
                        continue;
                    }
                    let seq = *index.get(&on_this_connection.keys().copied().collect::<Vec<_>>());
                    let key = on_this_connection.remove(&seq).unwrap();
                    if outbox.acknowledge(key) {
                        acknowledged.push(seq);
                    }
                }
                Step::Disconnect => {
                    sent_before.extend(on_this_connection.keys());
                    on_this_connection.clear();
                    last_sent = None;
                    outbox.rewind();
                }
            }
            prop_assert!(outbox.len() <= max_events);
            prop_assert_eq!(offered, acknowledged.len() as u64 + displaced + outbox.len() as u64);
        }
        outbox.rewind();
        let left = sequence(&mut outbox);
        prop_assert_eq!(left.len() as u64, offered - displaced - acknowledged.len() as u64);
        prop_assert!(left.is_sorted());
        prop_assert!(left.iter().all(|seq| !acknowledged.contains(seq)));
    }
}
