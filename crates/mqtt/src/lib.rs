//! Events to MQTT 3.1.1: the topics and payloads of the contract, delivered at least once over outages of the broker.
//!
//! ```text
//! any thread: offer, offer_detections, retain          one tokio task (`session`)
//!        ├────► `core::outbox::Outbox` ──► events ──┐
//!        └────► queues (retained, detections) ──────┴────► one rumqttc client per connection ────► broker
//!                     ▲                                               │
//!                     └────────────── PUBACK ─────────────────────────┘
//! ```
//!
//! The outbox is the truth, not rumqttc: every connection gets a fresh rumqttc client with a clean session, an event
//! leaves the outbox on its PUBACK and in no other way but being displaced. What the outbox has handed out stays in
//! `events` until then, and goes out first, in order, after the next CONNACK. rumqttc's own retransmission is never
//! used: it forgets what is in flight when the broker lost the session, and would send what it keeps behind newer
//! messages.
//!
//! Retained topics are made true on every connection: the latest value of each is published before the first event,
//! pictures after the events, and once the program has declared what it owns (`PublisherHandle::declared`), what the
//! broker still keeps of an earlier run is looked for and cleared (`session::sweep`). A reload renounces a camera's
//! topics, publishes the new ones and declares again: what was not owned again is cleared, the rest is not touched.

mod backoff;
mod connection_state;
mod counters;
mod error;
mod events;
mod in_flight;
mod leftover;
pub mod memory;
mod options;
mod probe;
mod publisher;
mod queues;
mod retained;
mod session;
mod settings;
mod subscription;
#[cfg(test)]
mod test_events;
#[cfg(test)]
mod test_log;
pub mod topics;

pub use connection_state::ConnectionState;
pub use counters::{DetectionCounters, FailureCounts, PublisherCounters};
pub use error::{MqttError, MqttErrorCode};
pub use probe::{check, probe};
pub use publisher::{Publisher, PublisherHandle, ShutdownReport};
pub use settings::MqttSettings;
pub use subscription::{Received, Subscription};
