//! A mosquitto to start and kill, things to publish, and waiting for conditions.
#![allow(dead_code, reason = "the bench uses less of it than the tests")]

pub mod broker;
pub mod certificates;
pub mod link;
pub mod material;
pub mod raw;
pub mod slow_disk;

use std::{
    collections::HashSet,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_core::{outbox::Outbox, plan::MqttPlan};
use sightline_mqtt::{
    ConnectionState, MqttErrorCode, MqttSettings, Publisher, PublisherHandle, Received, Subscription,
    memory::MemoryOutbox,
};
use tokio::runtime::Handle;

/// Longest wait for anything that must happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The daemon's settings, but for short waits between tries.
pub fn quick() -> MqttSettings {
    MqttSettings {
        backoff: (Duration::from_millis(100), Duration::from_millis(400)),
        slow_backoff: (Duration::from_millis(200), Duration::from_millis(400)),
        ..MqttSettings::default()
    }
}

pub fn start(plan: &MqttPlan, settings: MqttSettings) -> PublisherHandle {
    start_with(plan, Arc::new(MemoryOutbox::default()), settings)
}

pub fn start_with(plan: &MqttPlan, outbox: Arc<dyn Outbox>, settings: MqttSettings) -> PublisherHandle {
    Publisher::start(plan, outbox, Arc::default(), settings, &Handle::current()).unwrap()
}

/// A subscription that the broker has granted.
pub async fn subscribe(plan: &MqttPlan, filters: &[&str]) -> Subscription {
    let subscription = Subscription::start(plan, filters, &quick(), &Handle::current()).unwrap();
    subscription.granted(PATIENCE).await.unwrap();
    subscription
}

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain: {what}"))
}

/// Waits until `condition` holds, looking every few milliseconds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub async fn until_state(handle: &PublisherHandle, is_wished: impl Fn(&ConnectionState) -> bool) -> ConnectionState {
    let mut state = handle.connection_state();
    let outcome = tokio::time::timeout(PATIENCE, state.wait_for(|state| is_wished(state))).await;
    match outcome {
        Ok(state) => state.unwrap().clone(),
        Err(_) => panic!("waited {PATIENCE:?} in vain; the state is {}", *handle.connection_state().borrow()),
    }
}

/// Waits until the connection is `down` or `refused` for that kind of reason, which was counted; the reason in words.
pub async fn until_failed(handle: &PublisherHandle, state: &str, code: MqttErrorCode) -> String {
    let is_meant = |now: &ConnectionState| now.code() == state && now.reason().is_some_and(|it| it.code() == code);
    let failed = until_state(handle, is_meant).await;
    assert!(handle.counters().failures.of(code) >= 1, "{:?}", handle.counters().failures);
    failed.to_string()
}

pub async fn until_connected(handle: &PublisherHandle) {
    until_state(handle, |state| *state == ConnectionState::Connected).await;
}

/// The next message, which must come.
pub async fn next(subscription: &mut Subscription) -> Received {
    within("a message", subscription.next()).await.unwrap()
}

/// The next message on `topic`; others are skipped.
pub async fn next_on(subscription: &mut Subscription, topic: &str) -> Received {
    loop {
        let message = next(subscription).await;
        if message.topic == topic {
            return message;
        }
    }
}

pub fn json(message: &Received) -> serde_json::Value {
    serde_json::from_slice(&message.payload).unwrap()
}

/// An event as a subscriber sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub id: String,
    pub seq: u64,
    pub replayed: bool,
}

pub fn seen(message: &Received) -> Seen {
    let event = json(message);
    Seen {
        id: event["id"].as_str().unwrap().to_owned(),
        seq: event["seq"].as_u64().unwrap(),
        replayed: event["replayed"].as_bool().unwrap(),
    }
}

/// Takes messages until `count` different events were seen; returns them in the order of their first arrival.
pub async fn first_arrivals(subscription: &mut Subscription, count: usize) -> Vec<Seen> {
    let mut ids = HashSet::new();
    let mut arrivals = Vec::new();
    while arrivals.len() < count {
        let Ok(message) = tokio::time::timeout(PATIENCE, subscription.next()).await else {
            let missing: Vec<u64> =
                (0..count as u64).filter(|seq| !arrivals.iter().any(|event: &Seen| event.seq == *seq)).collect();
            panic!(
                "only {} of {count} events arrived; of the first {count} these are missing: {missing:?}",
                arrivals.len()
            );
        };
        let event = seen(&message.unwrap());
        if ids.insert(event.id.clone()) {
            arrivals.push(event);
        }
    }
    arrivals
}

pub fn sequence_numbers(arrivals: &[Seen]) -> Vec<u64> {
    arrivals.iter().map(|event| event.seq).collect()
}

/// Everything offered is accounted for.
pub fn assert_balanced(handle: &PublisherHandle) {
    let e = handle.event_figures();
    assert_eq!(e.offered + e.inherited, e.acknowledged + e.displaced() + e.refused + e.waiting, "{e:?}");
    let d = handle.counters().detections;
    assert_eq!(d.offered, d.sent + d.displaced + d.refused + d.lost + d.waiting, "{d:?}");
}
