//! What can be wrong with a connection, in words a user can act on. No message holds a secret.

use std::{error::Error, io, time::Duration};

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError, mqttbytes};
use sightline_core::recovery::Recovery;

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
}

impl MqttError {
    /// How to handle it.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::Unavailable { .. } | Self::Lost { .. } => {
                Recovery::Retry
            }
            Self::Login { .. }
            | Self::Refused { .. }
            | Self::SubscriptionRefused { .. }
            | Self::Tls { .. }
            | Self::Protocol { .. } => Recovery::RetrySlowly,
            Self::TlsMaterial { .. } => Recovery::GiveUpProcess,
        }
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

/// Whom errors talk about: enough to tell them apart, nothing secret.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// `host:port`
    pub(crate) broker: String,
    /// The user name, or that there is none.
    pub(crate) user: String,
    /// Whether TLS is wished.
    pub(crate) is_tls: bool,
    /// Limit for connecting.
    pub(crate) connect_timeout: Duration,
}

impl Peer {
    /// What kept a connection from being made.
    pub(crate) fn not_connected(&self, error: &ConnectionError) -> MqttError {
        let broker = self.broker.clone();
        match error {
            ConnectionError::ConnectionRefused(code) => self.refused(*code),
            ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
                MqttError::NoAnswer { broker, within: self.connect_timeout }
            }
            // An I/O error inside the TLS layer: the peer hung up in mid-handshake.
            ConnectionError::Tls(TlsError::Io(error)) => MqttError::Tls { broker, cause: chain(error) },
            ConnectionError::Tls(error) => MqttError::Tls { broker, cause: tls_cause(error) },
            ConnectionError::Io(error) => MqttError::Unreachable { broker, cause: chain(error) },
            ConnectionError::MqttState(StateError::ConnectionAborted) => {
                MqttError::Protocol { broker, cause: "it closed the connection without an answer".into() }
            }
            // TLS 1.3: the broker rejects a missing or wrong client certificate only after our handshake is done, so
            // its alert arrives where the CONNACK is awaited.
            ConnectionError::MqttState(error) if self.is_tls && io_cause(error).is_some() => {
                MqttError::Tls { broker, cause: io_cause(error).map_or_else(String::new, chain_ref) }
            }
            ConnectionError::MqttState(error) => match io_cause(error) {
                Some(cause) => MqttError::Unreachable { broker, cause: chain(cause) },
                None => MqttError::Protocol { broker, cause: error.to_string() },
            },
            ConnectionError::NotConnAck(_) => {
                MqttError::Protocol { broker, cause: "the first packet is no CONNACK".into() }
            }
            ConnectionError::RequestsDone => MqttError::Protocol { broker, cause: "the client ended".into() },
        }
    }

    fn refused(&self, code: ConnectReturnCode) -> MqttError {
        let broker = self.broker.clone();
        let user = self.user.clone();
        match code {
            ConnectReturnCode::BadUserNamePassword => {
                MqttError::Login { broker, user, cause: "bad user name or password" }
            }
            ConnectReturnCode::NotAuthorized => MqttError::Login { broker, user, cause: "not authorised" },
            ConnectReturnCode::RefusedProtocolVersion => {
                MqttError::Refused { broker, cause: "it does not speak MQTT 3.1.1" }
            }
            ConnectReturnCode::BadClientId => MqttError::Refused { broker, cause: "client id rejected" },
            ConnectReturnCode::ServiceUnavailable => MqttError::Unavailable { broker },
            ConnectReturnCode::Success => MqttError::Protocol { broker, cause: "success reported as refusal".into() },
        }
    }

    /// What broke an established connection.
    pub(crate) fn lost(&self, error: &ConnectionError) -> MqttError {
        let cause = match error {
            ConnectionError::MqttState(StateError::AwaitPingResp) => "no answer to a ping".into(),
            ConnectionError::MqttState(StateError::ConnectionAborted) => "the broker closed it".into(),
            ConnectionError::FlushTimeout => {
                format!("it took no bytes for {} s", self.connect_timeout.as_secs())
            }
            ConnectionError::MqttState(error) => io_cause(error).map_or_else(|| error.to_string(), chain_ref),
            error => error.to_string(),
        };
        self.broke(cause)
    }

    /// The same, in our own words.
    pub(crate) fn broke(&self, cause: impl Into<String>) -> MqttError {
        MqttError::Lost { broker: self.broker.clone(), cause: cause.into() }
    }
}

fn io_cause(error: &StateError) -> Option<&io::Error> {
    match error {
        StateError::Io(error) | StateError::Deserialization(mqttbytes::Error::Io(error)) => Some(error),
        _ => None,
    }
}

fn tls_cause(error: &TlsError) -> String {
    match error {
        TlsError::NativeTls(error) => chain(error),
        error => tidy(&error.to_string()),
    }
}

/// OpenSSL's `error:0A000086:SSL routines:FUNCTION:REASON:FILE:LINE:DETAIL` as `REASON`, with the detail in
/// parentheses where there is one (`self-signed certificate in certificate chain`). Anything else as it is.
fn tidy(text: &str) -> String {
    let Some(rest) = text.strip_prefix("error:") else { return text.to_owned() };
    let Some(reason) = rest.split(':').nth(3) else { return text.to_owned() };
    match rest.rfind('(') {
        Some(detail) if rest.ends_with(')') => format!("{reason} {}", &rest[detail..]),
        _ => reason.to_owned(),
    }
}

fn chain_ref(error: &io::Error) -> String {
    chain(error)
}

/// An error and its causes, each once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = tidy(&error.to_string());
    let mut source = error.source();
    while let Some(cause) = source {
        let words = tidy(&cause.to_string());
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_errors_are_told_without_openssl_s_file_names() {
        for (text, told) in [
            (
                "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:\
                 ../ssl/statem/statem_clnt.c:1889: (self-signed certificate in certificate chain)",
                "certificate verify failed (self-signed certificate in certificate chain)",
            ),
            (
                "error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:\
                 ../ssl/record/rec_layer_s3.c:1602:SSL alert number 116",
                "tlsv13 alert certificate required",
            ),
            ("Connection refused (os error 111)", "Connection refused (os error 111)"),
        ] {
            assert_eq!(tidy(text), told);
        }
    }

    #[test]
    fn what_the_network_does_is_retried_soon_and_what_people_did_seldom() {
        let peer = Peer {
            broker: "b:1883".into(),
            user: "\"edge\"".into(),
            is_tls: false,
            connect_timeout: Duration::from_secs(5),
        };
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        for (error, recovery, is_refusal) in [
            (ConnectionError::Io(refused), Recovery::Retry, false),
            (ConnectionError::NetworkTimeout, Recovery::Retry, false),
            (ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized), Recovery::RetrySlowly, true),
            (ConnectionError::ConnectionRefused(ConnectReturnCode::BadUserNamePassword), Recovery::RetrySlowly, true),
            (ConnectionError::ConnectionRefused(ConnectReturnCode::ServiceUnavailable), Recovery::Retry, true),
            (ConnectionError::MqttState(StateError::ConnectionAborted), Recovery::RetrySlowly, false),
        ] {
            let told = peer.not_connected(&error);
            assert_eq!((told.recovery(), told.is_refusal()), (recovery, is_refusal), "{told}");
        }
        let lost = peer.lost(&ConnectionError::MqttState(StateError::AwaitPingResp));
        assert_eq!(lost.to_string(), "lost the connection to the MQTT broker b:1883: no answer to a ping");
    }
}
