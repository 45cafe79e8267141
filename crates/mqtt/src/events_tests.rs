use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{memory::MemoryOutbox, test_events::event};

const SOON: Duration = Duration::from_millis(2);

fn events(outbox: &Arc<MemoryOutbox>) -> Events {
    Events::new(outbox.clone(), Arc::default(), Arc::new(|| {}))
}

fn sent(events: &Events) -> Vec<(u64, bool)> {
    std::iter::from_fn(|| events.next()).map(|(_, event)| (event.seq, event.replayed)).collect()
}

fn acknowledge(events: &Events, key: EventKey) {
    events.acknowledged(key, SOON, WallTime::from_micros(0));
}

#[test]
fn what_was_offered_before_the_connection_says_that_it_was_delayed() {
    let outbox = Arc::new(MemoryOutbox::default());
    outbox.push(event(0)); // As an earlier process would have.
    let events = events(&outbox);
    events.offer(event(1));
    events.connected();
    events.offer(event(2));
    assert_eq!(sent(&events), [(0, true), (1, true), (2, false)]);
}

#[test]
fn after_a_lost_connection_the_unacknowledged_go_out_again_as_replayed() {
    let events = events(&Arc::default());
    events.connected();
    for seq in 0..5 {
        events.offer(event(seq));
    }
    let keys: Vec<_> = (0..3).map(|_| events.next().unwrap().0).collect();
    acknowledge(&events, keys[1]); // A broker may acknowledge out of order.
    assert_eq!(events.in_flight(), 2);
    events.disconnected();
    assert_eq!(events.in_flight(), 0);
    events.offer(event(5));
    events.connected();
    events.offer(event(6));
    let again = [(0, true), (2, true), (3, true), (4, true), (5, true), (6, false)];
    assert_eq!((sent(&events), events.republished()), (again.to_vec(), 2));
}

#[test]
fn an_acknowledgement_is_recorded_with_its_times_once() {
    let outbox = Arc::new(MemoryOutbox::default());
    let stages = Arc::new(StageTimes::default());
    let events = Events::new(outbox, stages.clone(), Arc::new(|| {}));
    let capture = event(0).change.time.capture.as_micros();
    events.connected();
    for (seq, now) in [(0, capture + 700_000), (1, capture - 1)] {
        events.offer(event(seq));
        let (key, _) = events.next().unwrap();
        for _ in 0..2 {
            events.acknowledged(key, SOON, WallTime::from_micros(now));
        }
    }
    let delivery = stages.snapshot(Stage::Delivery);
    assert_eq!((delivery.count(), delivery.sum_micros), (2, 4_000));
    let whole = stages.snapshot(Stage::CaptureToAcknowledged);
    assert_eq!((whole.count(), whole.sum_micros), (1, 700_000), "a capture in the future has no duration");
}

#[test]
fn the_end_waits_for_everything_offered_and_refuses_what_memory_would_forget() {
    let events = events(&Arc::default());
    events.connected();
    events.offer(event(0));
    assert!(!events.close_if_settled(), "not even handed out");
    let (key, _) = events.next().unwrap();
    assert!(!events.close_if_settled(), "not acknowledged");
    acknowledge(&events, key);
    assert!(events.close_if_settled());
    assert_eq!(events.offer(event(1)), Offered::Refused);
    let figures = events.figures();
    assert_eq!((figures.offered, figures.acknowledged, figures.refused, figures.waiting), (2, 1, 1, 0));
}

/// Keeps events as a durable outbox says that it does.
struct OnDisk(MemoryOutbox);

impl Outbox for OnDisk {
    fn push(&self, event: Event) -> Offered {
        self.0.push(event)
    }
    fn take(&self) -> Option<(EventKey, Event)> {
        self.0.take()
    }
    fn acknowledge(&self, key: EventKey) {
        self.0.acknowledge(key);
    }
    fn newest(&self) -> EventKey {
        self.0.newest()
    }
    fn on_ready(&self, wake: Arc<dyn Fn() + Send + Sync>) {
        self.0.on_ready(wake);
    }
    fn figures(&self) -> OutboxFigures {
        OutboxFigures { is_on_disk: true, ..self.0.figures() }
    }
}

#[test]
fn after_the_end_a_durable_outbox_still_takes_events_for_the_next_start() {
    let events = Events::new(Arc::new(OnDisk(MemoryOutbox::default())), Arc::default(), Arc::new(|| {}));
    assert_eq!(events.close().waiting, 0);
    assert_eq!(events.offer(event(0)), Offered::Accepted);
    assert_eq!((events.figures().waiting, events.figures().refused), (1, 0));
}

#[derive(Clone, Debug)]
enum Step {
    Offer,
    Send,
    Acknowledge(prop::sample::Index),
    Reconnect,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Offer),
        4 => Just(Step::Send),
        3 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
        1 => Just(Step::Reconnect),
    ];
    prop::collection::vec(step, 0..300)
}

proptest! {
    /// Whatever the order of offers, sends, acknowledgements (in any order) and reconnections: nothing acknowledged is
    /// sent again, everything else is either displaced and counted or still there, each connection sends in order,
    /// and exactly what was offered before the connection carries `replayed`.
    #[test]
    fn nothing_is_lost_or_repeated(steps in steps(), max_events in 1_usize..40) {
        let outbox = Arc::new(MemoryOutbox::new(max_events, usize::MAX));
        let events = events(&outbox);
        events.connected();
        let (mut offered, mut offered_before, mut acknowledged) = (0_u64, 0_u64, Vec::new());
        let mut on_this_connection: BTreeMap<u64, EventKey> = BTreeMap::new();
        let mut last_sent: Option<u64> = None;
        for step in steps {
            match step {
                Step::Offer => {
                    events.offer(event(offered));
                    offered += 1;
                }
                Step::Send => {
                    let Some((key, event)) = events.next() else { continue };
                    prop_assert!(!acknowledged.contains(&event.seq), "an acknowledged event was sent again");
                    prop_assert!(last_sent.is_none_or(|last| last < event.seq), "order was not kept");
                    prop_assert_eq!(event.replayed, event.seq < offered_before);
                    last_sent = Some(event.seq);
                    on_this_connection.insert(event.seq, key);
                }
                Step::Acknowledge(index) => {
                    if on_this_connection.is_empty() {
                        continue;
                    }
                    let seq = *index.get(&on_this_connection.keys().copied().collect::<Vec<_>>());
                    acknowledge(&events, on_this_connection.remove(&seq).unwrap());
                    acknowledged.push(seq);
                }
                Step::Reconnect => {
                    events.disconnected();
                    events.connected();
                    on_this_connection.clear();
                    (last_sent, offered_before) = (None, offered);
                }
            }
            prop_assert_eq!(events.in_flight(), on_this_connection.len());
            let figures = events.figures();
            prop_assert_eq!(figures.acknowledged, acknowledged.len() as u64);
            prop_assert_eq!(offered, figures.acknowledged + figures.displaced() + figures.waiting);
        }
        let expected = events.figures().waiting;
        events.disconnected();
        events.connected();
        let left: Vec<u64> = sent(&events).into_iter().map(|(seq, _)| seq).collect();
        prop_assert_eq!(left.len() as u64, expected);
        prop_assert!(left.is_sorted());
        prop_assert!(left.iter().all(|seq| !acknowledged.contains(seq)));
    }
}
