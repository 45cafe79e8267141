//! `mqtt:` to an [`MqttPlan`].

use std::path::Path;

use sightline_core::{
    plan::{MqttPlan, MqttTls},
    secret::{Credentials, Secret},
};

use super::{later, outbox, wire::MqttWire};
use crate::{
    address::{Address, AddressError, NetworkAddress},
    defaults,
    files::{MAX_TEXT_BYTES, read_bytes},
    problem::PlaceId,
    read::{Reading, wrong_topic_level},
    suggest::did_you_mean,
    yaml::field::Field,
};

/// The broker and the topics. `place`: where problems of the section as a whole are reported.
pub(super) fn read(reading: Reading<'_>, place: PlaceId, wire: &MqttWire) -> Option<MqttPlan> {
    later::refuse(reading.reporter, &wire.home_assistant, "discovery by Home Assistant");
    // Each part is read before the first `?`, so that the problems of all are told.
    let broker = broker(reading, place, wire);
    let credentials = credentials(reading, place, &wire.username, &wire.password);
    let is_plain = broker.as_ref().is_some_and(|broker| !broker.is_tls);
    let tls = if is_plain {
        refuse_tls_settings(reading, wire);
        None
    } else {
        Some(tls(reading, wire))
    };
    let prefix = match wire.prefix.given() {
        Some((place, text)) => reading.topic_level(place, &text.0),
        None => Some(defaults::MQTT_PREFIX.to_owned()),
    };
    let node = match wire.node.given() {
        Some((place, text)) => reading.topic_level(place, &text.0),
        None => default_node(reading, place),
    };
    let outbox = outbox::read(reading, &wire.outbox);
    let detections = wire.detections.given().is_some_and(|(_, wished)| *wished);

    let Broker { is_tls, address } = broker?;
    if let (Some((at, _)), Some(_)) = (wire.username.given(), &address.credentials) {
        reading.reporter.report_with_help(at, "the user is given twice: here and in `url`", "keep one of them");
    }
    let default_port = if is_tls { defaults::MQTTS_PORT } else { defaults::MQTT_PORT };
    Some(MqttPlan {
        host: address.host,
        port: address.port.unwrap_or(default_port),
        tls,
        credentials: address.credentials.or(credentials),
        prefix: prefix?,
        node: node?,
        detections,
        outbox,
    })
}

struct Broker {
    is_tls: bool,
    address: NetworkAddress,
}

fn broker(reading: Reading<'_>, section: PlaceId, wire: &MqttWire) -> Option<Broker> {
    let (place, text) = match wire.url.given() {
        Some((place, text)) => (place, text.0.as_str()),
        None if wire.url.is_absent() => (section, defaults::MQTT_URL),
        None => return None,
    };
    let result = Address::parse(text, reading.surroundings).and_then(|address| {
        let is_tls = is_tls(address.scheme()).map_err(|error| vec![error])?;
        let network = address.network()?;
        if !matches!(network.path_and_query.as_str(), "" | "/") {
            let error = AddressError::new("a broker's address has no path");
            return Err(vec![error.with_help("write mqtt://HOST:PORT; `prefix` is the first part of the topics")]);
        }
        Ok(Broker { is_tls, address: network })
    });
    match result {
        Ok(broker) => Some(broker),
        Err(errors) => {
            report_all(reading, place, errors);
            None
        }
    }
}

fn is_tls(scheme: &str) -> Result<bool, AddressError> {
    match scheme {
        "mqtt" => Ok(false),
        "mqtts" => Ok(true),
        unknown => {
            let help = did_you_mean(unknown, ["mqtt", "mqtts"]);
            let error = AddressError::new(format!("unknown scheme `{unknown}://`"));
            Err(error.with_help(help.unwrap_or_else(|| "there are mqtt:// and mqtts://".to_owned())))
        }
    }
}

pub(super) fn report_all(reading: Reading<'_>, place: PlaceId, errors: Vec<AddressError>) {
    for error in errors {
        match error.help {
            Some(help) => reading.reporter.report_with_help(place, error.message, help),
            None => reading.reporter.report(place, error.message),
        }
    }
}

/// `username:` and `password:` as keys of their own; one without the other is a problem.
pub(super) fn credentials(
    reading: Reading<'_>,
    section: PlaceId,
    username: &Field<String>,
    password: &Field<String>,
) -> Option<Credentials> {
    match (username.is_absent(), password.is_absent()) {
        (true, true) => return None,
        (false, true) => {
            // `password: #x` is a comment to YAML: that password is silently no password.
            let help = "a password that begins with `#` needs quotes; an empty one is written \"\"";
            reading.reporter.report_missing(section, "password", help);
        }
        (true, false) => reading.reporter.report_missing(section, "username", "a password needs its user"),
        (false, false) => {}
    }
    let username = reading.non_empty_text(username);
    let password = reading.text(password);
    Some(Credentials { username: username?, password: Secret::new(password?) })
}

fn default_node(reading: Reading<'_>, section: PlaceId) -> Option<String> {
    let Some(hostname) = &reading.surroundings.environment.hostname else {
        reading.reporter.report_missing(
            section,
            "node",
            "this machine's host name is not known: name the machine here",
        );
        return None;
    };
    if let Some(wrong) = wrong_topic_level(hostname) {
        let help = format!("this machine's host name {wrong}: name the machine here");
        reading.reporter.report_missing(section, "node", help);
        return None;
    }
    Some(hostname.clone())
}

fn refuse_tls_settings(reading: Reading<'_>, wire: &MqttWire) {
    for field in [&wire.ca, &wire.client_cert, &wire.client_key] {
        if let Some((place, _)) = field.given() {
            reading.reporter.report_with_help(place, "only an mqtts:// broker speaks TLS", "write mqtts:// in `url`");
        }
    }
}

fn tls(reading: Reading<'_>, wire: &MqttWire) -> MqttTls {
    let ca_pem = pem(reading, &wire.ca, "CERTIFICATE-----");
    let certificate = pem(reading, &wire.client_cert, "CERTIFICATE-----");
    let key = pem(reading, &wire.client_key, "PRIVATE KEY-----");
    let client_key = (&wire.client_key, "client_key");
    for (given, (other, other_name)) in
        [(&wire.client_cert, client_key), (&wire.client_key, (&wire.client_cert, "client_cert"))]
    {
        if let (Some((place, _)), true) = (given.given(), other.is_absent()) {
            let help = "a certificate and its private key belong together";
            reading.reporter.report_with_help(place, format!("`{other_name}` is missing"), help);
        }
    }
    let key = key.and_then(|bytes| String::from_utf8(bytes).ok()).map(Secret::new);
    MqttTls { ca_pem, client: certificate.zip(key) }
}

/// The content of a PEM file (RFC 7468) that holds at least one block of the wished kind.
fn pem(reading: Reading<'_>, field: &Field<String>, label_end: &str) -> Option<Vec<u8>> {
    let (place, _) = field.given()?;
    let path = reading.path(field)?;
    match read_pem(&path, &reading.shown_path(field), label_end) {
        Ok(bytes) => Some(bytes),
        Err(wrong) => {
            reading.reporter.report_with_help(place, wrong, "this key takes the path of a PEM file, not its content");
            None
        }
    }
}

fn read_pem(path: &Path, shown: &str, label_end: &str) -> Result<Vec<u8>, String> {
    let bytes = read_bytes(path, MAX_TEXT_BYTES).map_err(|why| format!("cannot read {shown}: {why}"))?;
    let kind = label_end.trim_end_matches('-').to_lowercase();
    let is_plausible = std::str::from_utf8(&bytes).is_ok_and(|text| {
        text.lines().any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(label_end))
    });
    if !is_plausible {
        return Err(format!("{shown} holds no {kind} in PEM form"));
    }
    Ok(bytes)
}
