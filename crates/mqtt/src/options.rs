//! From a plan to rumqttc's options.

use rumqttc::{
    MqttOptions, NetworkOptions, TlsConfiguration, Transport,
    tokio_native_tls::native_tls::{Certificate, Identity, TlsConnector},
};
use sightline_core::plan::{MqttPlan, MqttTls};

use crate::{
    backoff::random_bits,
    error::{MqttError, Peer, chain},
    in_flight::IDENTIFIERS,
    settings::MqttSettings,
};

/// MQTT's own limit for what follows the fixed header (3.1.1, 2.2.3). The broker's limit, if lower, is the broker's to
/// enforce; rumqttc's default of 10 KB would break the connection on a frame with eighty detections.
const MAX_PACKET_BYTES: usize = 268_435_455;

/// What a connection is made from, as often as needed.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) options: MqttOptions,
    pub(crate) network: NetworkOptions,
    pub(crate) peer: Peer,
}

impl Connector {
    /// Checks certificates and key; opens nothing.
    ///
    /// `role` becomes part of the client id. The id is drawn once and kept for all reconnects: so the broker ends a
    /// half-open predecessor (and sends its last will) before it answers the new connection, not some time after it.
    /// Its random part keeps two processes with the same node from throwing each other out in turns.
    pub(crate) fn new(plan: &MqttPlan, role: &str, settings: &MqttSettings) -> Result<Self, MqttError> {
        let host = plan.host.trim_start_matches('[').trim_end_matches(']');
        let shown_host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let connect_timeout = whole_seconds(settings.connect_timeout);
        let client_id = format!("sightline-{}{role}-{:08x}", plan.node, random_bits() & 0xFFFF_FFFF);

        let mut options = MqttOptions::new(client_id, host, plan.port);
        options
            .set_clean_session(true)
            .set_keep_alive(whole_seconds(settings.keep_alive))
            .set_inflight(IDENTIFIERS)
            .set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
        if let Some(credentials) = &plan.credentials {
            options.set_credentials(&credentials.username, credentials.password.reveal());
        }
        if let Some(tls) = &plan.tls {
            options.set_transport(Transport::Tls(TlsConfiguration::NativeConnector(tls_connector(tls)?)));
        }

        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(connect_timeout.as_secs());

        let user = match &plan.credentials {
            Some(credentials) => format!("{:?}", credentials.username),
            None => "without a user name".to_owned(),
        };
        let broker = format!("{shown_host}:{}", plan.port);
        let peer = Peer { broker, user, is_tls: plan.tls.is_some(), connect_timeout };
        Ok(Self { options, network, peer })
    }

    /// Takes over what `other` connects with, under the client id that this one has.
    pub(crate) fn renew(&mut self, other: Self) {
        let client_id = self.options.client_id();
        *self = other;
        self.options.set_client_id(client_id);
    }
}

/// rumqttc and the CONNECT packet know whole seconds only, and zero means never.
fn whole_seconds(span: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(span.as_secs().clamp(1, u64::from(u16::MAX)))
}

fn tls_connector(tls: &MqttTls) -> Result<TlsConnector, MqttError> {
    let mut builder = TlsConnector::builder();
    if let Some(pem) = &tls.ca_pem {
        let unusable = |cause| MqttError::TlsMaterial { what: "mqtt.ca", cause, remedy: "give PEM certificates" };
        let certificates = Certificate::stack_from_pem(pem).map_err(|error| unusable(chain(&error)))?;
        if certificates.is_empty() {
            return Err(unusable("no certificate in it".into()));
        }
        // An authority of one's own is meant instead of the system's hundred, not beside them.
        builder.disable_built_in_roots(true);
        for certificate in certificates {
            builder.add_root_certificate(certificate);
        }
    }
    if let Some((certificate, key)) = &tls.client {
        builder.identity(identity(certificate, key.reveal())?);
    }
    builder.build().map_err(|error| MqttError::TlsMaterial {
        what: "mqtt.client_cert with mqtt.client_key",
        cause: chain(&error),
        remedy: "the key must be the certificate's own",
    })
}

fn identity(certificate: &[u8], key: &str) -> Result<Identity, MqttError> {
    const PKCS8: &str = "-----BEGIN PRIVATE KEY-----";
    const REMEDY: &str =
        "give a PEM certificate, and its key as unencrypted PKCS#8 (openssl pkcs8 -topk8 -nocrypt -in key.pem)";
    let unusable =
        |cause| MqttError::TlsMaterial { what: "mqtt.client_cert with mqtt.client_key", cause, remedy: REMEDY };
    // native-tls wants the key to begin with this line; files often carry comments or parameters before it.
    let Some(start) = key.find(PKCS8) else {
        return Err(unusable("the key is not unencrypted PKCS#8 in PEM".into()));
    };
    Identity::from_pkcs8(certificate, &key.as_bytes()[start..]).map_err(|error| unusable(chain(&error)))
}

#[cfg(test)]
mod tests {
    use sightline_core::secret::{Credentials, Secret};

    use super::*;

    fn connector(host: &str) -> Connector {
        let plan = MqttPlan {
            host: host.into(),
            port: 1883,
            tls: None,
            credentials: Some(Credentials { username: "edge".into(), password: Secret::new("hunter2".into()) }),
            prefix: "sightline".into(),
            node: "box-7".into(),
            detections: false,
            outbox: sightline_core::outbox::OutboxPlan::default(),
        };
        Connector::new(&plan, "", &MqttSettings::default()).unwrap()
    }

    #[test]
    fn an_ipv6_host_is_connected_to_bare_and_shown_in_brackets() {
        for host in ["::1", "[::1]"] {
            let connector = connector(host);
            assert_eq!(connector.options.broker_address(), ("::1".into(), 1883));
            assert_eq!(connector.peer.broker, "[::1]:1883");
        }
        assert_eq!(connector("broker.lan").peer.broker, "broker.lan:1883");
    }

    #[test]
    fn client_ids_of_one_node_differ_and_sessions_are_clean() {
        let (one, other) = (connector("::1"), connector("::1"));
        assert!(one.options.client_id().starts_with("sightline-box-7-"));
        assert_ne!(one.options.client_id(), other.options.client_id());
        assert!(one.options.clean_session());
        assert_eq!(one.options.inflight(), IDENTIFIERS);
    }

    #[test]
    fn a_renewed_login_comes_under_the_same_client_id() {
        let mut known = connector("old.lan");
        let client_id = known.options.client_id();
        known.renew(connector("new.lan"));
        assert_eq!((known.options.client_id(), known.peer.broker.as_str()), (client_id, "new.lan:1883"));
    }

    #[test]
    fn whom_errors_talk_about_holds_no_password() {
        assert!(!format!("{:?}", connector("::1").peer).contains("hunter2"));
    }
}
