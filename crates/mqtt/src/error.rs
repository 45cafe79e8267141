//! What can be wrong with a connection, in words a user can act on. No message holds a secret.

use std::time::Duration;

use sightline_core::recovery::Recovery;

pub(crate) use self::peer::{Peer, chain};

mod peer;

/// What is wrong with a connection to a broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MqttError {
    /// No TCP connection.
    #[error("cannot reach the MQTT broker {broker}: {cause}; is it running, and are host and port right?")]
    Unreachable {
        /// Its host and port.
        broker: String,
        /// What the system says.
        cause: String,
    },
    /// TCP perhaps, but no CONNACK in time.
    #[error(
        "the MQTT broker {broker} gave no answer in {within:?}; is it overloaded, or is something else on that port?"
    )]
    NoAnswer {
        /// Its host and port.
        broker: String,
        /// The limit.
        within: Duration,
    },
    /// The broker refuses this user.
    #[error("the MQTT broker {broker} refuses the login {user}: {cause}; check mqtt.username and mqtt.password")]
    Login {
        /// Its host and port.
        broker: String,
        /// As whom we came.
        user: String,
        /// What the broker says.
        cause: &'static str,
    },
    /// The broker refuses the connection for another reason.
    #[error("the MQTT broker {broker} refuses the connection: {cause}")]
    Refused {
        /// Its host and port.
        broker: String,
        /// What the broker says.
        cause: &'static str,
    },
    /// The broker cannot serve us now.
    #[error("the MQTT broker {broker} is not available: it refuses connections for now")]
    Unavailable {
        /// Its host and port.
        broker: String,
    },
    /// The broker refuses a subscription.
    #[error("the MQTT broker {broker} refuses the subscription to {filter}; may this user read it?")]
    SubscriptionRefused {
        /// Its host and port.
        broker: String,
        /// What was asked for.
        filter: String,
    },
    /// The TLS handshake failed.
    #[error(
        "no TLS connection to the MQTT broker {broker}: {cause}; check mqtt.ca, the name in the broker's certificate, mqtt.client_cert and mqtt.client_key"
    )]
    Tls {
        /// Its host and port.
        broker: String,
        /// What the TLS library says.
        cause: String,
    },
    /// A certificate or key cannot be used.
    #[error("{what} cannot be used: {cause}; {remedy}")]
    TlsMaterial {
        /// Which.
        what: &'static str,
        /// What the TLS library says.
        cause: String,
        /// What would help.
        remedy: &'static str,
    },
    /// It hung up instead of sending a CONNACK: so do relays whose broker is away.
    #[error(
        "the MQTT broker {broker} closed the connection without an answer; is it starting, and is this its MQTT port, with TLS (mqtts://) or without (mqtt://) as it wants?"
    )]
    HungUp {
        /// Its host and port.
        broker: String,
    },
    /// Whatever answers does not speak MQTT 3.1.1.
    #[error(
        "{broker} does not answer as an MQTT 3.1.1 broker does: {cause}; is this its MQTT port, and TLS (mqtts://) or not (mqtt://) as it wants?"
    )]
    Protocol {
        /// Its host and port.
        broker: String,
        /// What was seen.
        cause: String,
    },
    /// An established connection broke.
    #[error("lost the connection to the MQTT broker {broker}: {cause}")]
    Lost {
        /// Its host and port.
        broker: String,
        /// How.
        cause: String,
    },
    /// The broker of an established connection has fallen silent.
    #[error("gave up the connection to the MQTT broker {broker}: {cause}")]
    Silent {
        /// Its host and port.
        broker: String,
        /// What it does not do.
        cause: String,
    },
}

/// What kind of thing is wrong with a connection to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MqttErrorCode {
    /// Unreachable, reset, closed, name not known.
    Network,
    /// No answer in time.
    Timeout,
    /// Wrong user or password, or not allowed.
    Auth,
    /// The certificate is not trusted, or TLS failed.
    Tls,
    /// The broker refuses us for another reason.
    Refused,
    /// The broker says that it cannot serve anybody now.
    Unavailable,
    /// What answers does not speak MQTT 3.1.1.
    Protocol,
}

impl MqttErrorCode {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Network, Self::Timeout, Self::Auth, Self::Tls, Self::Refused, Self::Unavailable, Self::Protocol];

    /// As status and metrics have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Auth => "auth",
            Self::Tls => "tls",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Protocol => "protocol",
        }
    }
}

impl MqttError {
    /// How to handle it.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::Unavailable { .. }
            | Self::HungUp { .. }
            | Self::Lost { .. }
            | Self::Silent { .. } => Recovery::Retry,
            Self::Login { .. }
            | Self::Refused { .. }
            | Self::SubscriptionRefused { .. }
            | Self::Tls { .. }
            | Self::Protocol { .. } => Recovery::RetrySlowly,
            Self::TlsMaterial { .. } => Recovery::GiveUpProcess,
        }
    }

    /// What kind of thing is wrong.
    #[must_use]
    pub const fn code(&self) -> MqttErrorCode {
        match self {
            Self::Unreachable { .. } | Self::HungUp { .. } | Self::Lost { .. } => MqttErrorCode::Network,
            Self::NoAnswer { .. } | Self::Silent { .. } => MqttErrorCode::Timeout,
            Self::Login { .. } | Self::SubscriptionRefused { .. } => MqttErrorCode::Auth,
            Self::Tls { .. } | Self::TlsMaterial { .. } => MqttErrorCode::Tls,
            Self::Refused { .. } => MqttErrorCode::Refused,
            Self::Unavailable { .. } => MqttErrorCode::Unavailable,
            Self::Protocol { .. } => MqttErrorCode::Protocol,
        }
    }

    /// Whether there was a connection, and it ended.
    pub(crate) const fn ended_a_connection(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Silent { .. })
    }

    /// Whether the broker answered, and said no.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Login { .. } | Self::Refused { .. } | Self::Unavailable { .. } | Self::SubscriptionRefused { .. }
        )
    }
}
