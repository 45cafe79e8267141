//! What is known of a connection, for whoever asks.

use std::fmt;

use tokio::sync::watch;

use crate::error::MqttError;

/// What is known of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// The first attempt is under way.
    Connecting,
    /// The broker has accepted us.
    Connected,
    /// The broker answers, and refuses us; tried again seldom.
    Refused {
        /// Why.
        reason: MqttError,
    },
    /// There is no connection; tried again.
    Down {
        /// Why.
        reason: MqttError,
    },
    /// The publisher has ended.
    Stopped,
}

impl ConnectionState {
    /// One stable word for status and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Refused { .. } => "refused",
            Self::Down { .. } => "down",
            Self::Stopped => "stopped",
        }
    }

    /// What is wrong, if something is: [`MqttError::code`] is its kind, its message holds no secret.
    #[must_use]
    pub const fn reason(&self) -> Option<&MqttError> {
        match self {
            Self::Refused { reason } | Self::Down { reason } => Some(reason),
            Self::Connecting | Self::Connected | Self::Stopped => None,
        }
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { reason } | Self::Down { reason } => reason.fmt(f),
            Self::Connecting | Self::Connected | Self::Stopped => f.write_str(self.code()),
        }
    }
}

impl From<MqttError> for ConnectionState {
    fn from(reason: MqttError) -> Self {
        if reason.is_refusal() { Self::Refused { reason } } else { Self::Down { reason } }
    }
}

/// Logs and publishes a new state, once per change.
pub(crate) fn report(sender: &watch::Sender<ConnectionState>, broker: &str, state: &ConnectionState) {
    let has_changed = sender.send_if_modified(|current| {
        let is_new = current != state;
        if is_new {
            *current = state.clone();
        }
        is_new
    });
    if !has_changed {
        return;
    }
    match state {
        ConnectionState::Connected => tracing::info!(broker, "connected to the MQTT broker"),
        ConnectionState::Refused { reason } | ConnectionState::Down { reason } => tracing::warn!(broker, "{reason}"),
        ConnectionState::Connecting | ConnectionState::Stopped => {}
    }
}
