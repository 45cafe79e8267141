//! From what rumqttc reports to what a user can act on.

use std::{error::Error, io, time::Duration};

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError, mqttbytes};

use super::MqttError;

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
            ConnectionError::MqttState(StateError::ConnectionAborted) => MqttError::HungUp { broker },
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
            ConnectionError::MqttState(StateError::AwaitPingResp) => return self.silent("no answer to a ping"),
            ConnectionError::FlushTimeout => {
                return self.silent(format!("it took no bytes for {} s", self.connect_timeout.as_secs()));
            }
            ConnectionError::MqttState(StateError::ConnectionAborted) => "the broker closed it".into(),
            ConnectionError::MqttState(error) => io_cause(error).map_or_else(|| error.to_string(), chain_ref),
            error => error.to_string(),
        };
        self.broke(cause)
    }

    /// It does not do what it should, for too long.
    pub(crate) fn silent(&self, cause: impl Into<String>) -> MqttError {
        MqttError::Silent { broker: self.broker.clone(), cause: cause.into() }
    }

    /// What broke an established connection, in our own words.
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
    use sightline_core::recovery::Recovery;

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
            (ConnectionError::MqttState(StateError::ConnectionAborted), Recovery::Retry, false),
        ] {
            let told = peer.not_connected(&error);
            assert_eq!((told.recovery(), told.is_refusal()), (recovery, is_refusal), "{told}");
        }
        let lost = peer.lost(&ConnectionError::MqttState(StateError::AwaitPingResp));
        assert_eq!(lost.to_string(), "gave up the connection to the MQTT broker b:1883: no answer to a ping");
    }
}
