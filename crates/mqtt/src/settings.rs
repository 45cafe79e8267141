//! The numbers that are not in a pipeline file.

use std::time::Duration;

/// Bounds and times of a connection. The defaults are for a daemon; tests shorten the times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttSettings {
    /// Events on their way at a time, 1..=128. One round trip of 1 ms and a window of 100 allow 100,000 events/s.
    pub window: usize,
    /// Frames' detections waiting for the socket; beyond it the oldest is forced out.
    pub detections_waiting: usize,
    /// Bytes of the largest picture that is published. A picture is one MQTT packet, and events wait while it is
    /// written; brokers often take less (AWS IoT 128 KB), mosquitto by default 256 MB.
    pub snapshot_bytes: usize,
    /// A ping so often; whole seconds, at least one. A dead connection is noticed within two of them.
    pub keep_alive: Duration,
    /// Limit for name look-up, TCP, TLS and CONNACK together; whole seconds, at least one.
    pub connect_timeout: Duration,
    /// No PUBACK for so long although pings are answered: the connection is made anew.
    pub acknowledge_timeout: Duration,
    /// Least and greatest ceiling of the wait before the next try; the wait is drawn from the upper half below the
    /// ceiling, and the ceiling doubles with each failure.
    pub backoff: (Duration, Duration),
    /// The same after a refused login or a failed TLS handshake: a wrong password must not lock the account.
    pub slow_backoff: (Duration, Duration),
}

impl Default for MqttSettings {
    fn default() -> Self {
        Self {
            window: 100,
            detections_waiting: 256,
            snapshot_bytes: 2 * 1024 * 1024,
            keep_alive: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            acknowledge_timeout: Duration::from_secs(30),
            backoff: (Duration::from_secs(1), Duration::from_secs(30)),
            slow_backoff: (Duration::from_secs(20), Duration::from_secs(60)),
        }
    }
}
