//! Events to MQTT 3.1.1: the topics and payloads of the contract, delivered at least once over outages of the broker.
//!
//! ```text
//! any thread: offer, offer_detections, retain          one tokio task (`session`)
//!        └────► queues (outbox, retained, detections) ────► one rumqttc client per connection ────► broker
//!                     ▲                                               │
//!                     └────────────── PUBACK ─────────────────────────┘
//! ```
//!
//! The outbox is the truth, not rumqttc: every connection gets a fresh rumqttc client with a clean session, an event
//! leaves the outbox on its PUBACK and in no other way but being displaced, and after the next CONNACK everything
//! still in it is sent again in order. rumqttc's own retransmission is never used: it forgets what is in flight when
//! the broker lost the session, and would send what it keeps behind newer messages.
//!
//! Retained topics are made true on every connection: the latest value of each is published before the first event,
//! pictures after the events, and once the program has declared what it owns (`PublisherHandle::declared`), what the
//! broker still keeps of an earlier run is looked for and cleared (`session::sweep`).

mod backoff;
mod counters;
mod error;
mod in_flight;
mod leftover;
mod options;
mod outbox;
mod probe;
mod publisher;
mod queues;
mod retained;
mod session;
mod settings;
mod subscription;
#[cfg(test)]
mod test_events;
pub mod topics;

pub use counters::PublisherCounters;
pub use error::MqttError;
pub use probe::probe;
pub use publisher::{Publisher, PublisherHandle, ShutdownReport};
pub use session::ConnectionState;
pub use settings::MqttSettings;
pub use subscription::{Received, Subscription};
