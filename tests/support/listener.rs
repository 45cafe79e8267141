//! A subscriber that keeps everything.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::Value;
use sightline_core::{outbox::RecordedEvent, plan::MqttPlan};
use sightline_mqtt::{ConnectionState, MqttSettings, Subscription};
use tokio::{runtime::Handle, sync::watch};

use super::{PATIENCE, broker::Broker, canary, wait_until};

#[derive(Clone, Debug)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub at: Instant,
}

impl Message {
    /// The payload as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or(Value::Null)
    }
}

pub struct Listener {
    messages: Arc<Mutex<Vec<Message>>>,
    connection: watch::Receiver<ConnectionState>,
}

impl Listener {
    /// Subscribes to everything of the node and returns once the broker has granted it.
    pub async fn start(broker: &Broker) -> Self {
        Self::start_as(&broker.plan()).await
    }

    /// The same with another login, or over TLS.
    pub async fn start_as(plan: &MqttPlan) -> Self {
        let settings = MqttSettings {
            backoff: (Duration::from_millis(100), Duration::from_millis(500)),
            ..MqttSettings::default()
        };
        let mut subscription =
            Subscription::start(plan, &["test/box/#"], &settings, &Handle::current()).expect("a subscription");
        subscription.granted(Duration::from_secs(20)).await.expect("the broker grants it");
        let connection = subscription.connection_state();
        let messages = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn({
            let messages = messages.clone();
            async move {
                while let Some(message) = subscription.next().await {
                    let (topic, payload, at) = (message.topic, message.payload.to_vec(), message.at);
                    messages.lock().push(Message { topic, payload, at });
                }
            }
        });
        Self { messages, connection }
    }

    /// Waits until it has noticed that its broker is gone.
    pub async fn has_lost_the_broker(&self) {
        self.wait_for_connection(false).await;
    }

    /// Waits until a broker has granted its subscription (again).
    pub async fn is_subscribed(&self) {
        self.wait_for_connection(true).await;
    }

    async fn wait_for_connection(&self, is_wanted: bool) {
        let mut connection = self.connection.clone();
        let changed = connection.wait_for(|state| (*state == ConnectionState::Connected) == is_wanted);
        tokio::time::timeout(PATIENCE, changed).await.expect("in time").expect("it listens");
    }

    pub fn all(&self) -> Vec<Message> {
        self.messages.lock().clone()
    }

    /// Messages whose topic is `test/box/<rest>`.
    pub fn on(&self, rest: &str) -> Vec<Message> {
        let topic = format!("test/box/{rest}");
        self.messages.lock().iter().filter(|message| message.topic == topic).cloned().collect()
    }

    /// The events of a camera, in order of arrival.
    pub fn events(&self, camera: &str) -> Vec<Value> {
        self.on(&format!("{camera}/events")).iter().map(Message::json).collect()
    }

    /// How many events of all cameras have arrived.
    pub fn event_count(&self) -> usize {
        self.messages.lock().iter().filter(|message| message.topic.ends_with("/events")).count()
    }

    /// Waits until the last of these events is there.
    pub async fn wait_for_last_of(&self, offered: &[RecordedEvent]) {
        let last: Value = serde_json::from_str(&offered.last().expect("events").payload).expect("JSON");
        let camera = last["camera"].as_str().expect("a camera");
        wait_until(&format!("{last} arrives"), || self.events(camera).iter().any(|event| event["id"] == last["id"]))
            .await;
    }

    /// The last `status` of a camera.
    pub fn status(&self, camera: &str) -> Value {
        self.on(&format!("{camera}/status")).last().map_or(Value::Null, Message::json)
    }

    pub async fn wait_for_state(&self, camera: &str, state: &str) {
        let what = format!("camera {camera} is {state}");
        wait_until(&what, || self.status(camera)["state"] == state).await;
    }

    /// Waits for such an event; the first one.
    pub async fn wait_for_event(&self, camera: &str, kind: &str, label: &str) -> Value {
        let what = format!("camera {camera} reports {kind} of a {label}");
        let is_it = |event: &Value| event["type"] == kind && event["label"] == label;
        let mut found = None;
        wait_until(&what, || {
            found = self.events(camera).into_iter().find(is_it);
            found.is_some()
        })
        .await;
        found.expect("it was found")
    }

    /// How many frames of a camera were inferred between two moments.
    pub fn frames_between(&self, camera: &str, from: Instant, to: Instant) -> usize {
        self.on(&format!("{camera}/detections")).iter().filter(|m| m.at >= from && m.at < to).count()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for Message { topic, payload, .. } in self.messages.lock().iter() {
                canary::assert_absent(topic, payload);
            }
        }
    }
}
