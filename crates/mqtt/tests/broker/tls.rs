//! `mqtts://`: authorities and client certificates.

use std::time::Duration;

use sightline_core::{
    plan::{MqttPlan, MqttTls},
    ports::EventSink,
    recovery::Recovery,
    secret::Secret,
};
use sightline_mqtt::{ConnectionState, MqttError, probe};

use crate::support::{
    broker::{Access, Broker},
    certificates::Certificates,
    first_arrivals,
    material::{EVENTS, event},
    quick, start, subscribe,
};

const LIMIT: Duration = Duration::from_secs(5);

async fn assert_tls_error(plan: &MqttPlan) -> MqttError {
    let publisher = start(plan, quick());
    let state = publisher.first_attempt().await;
    let ConnectionState::Down { reason } = state else { panic!("{state:?}") };
    assert!(matches!(reason, MqttError::Tls { .. }), "{reason:?}");
    assert_eq!(reason.recovery(), Recovery::RetrySlowly);
    let probed = probe(plan, LIMIT).await;
    assert!(matches!(probed, Err(MqttError::Tls { .. })), "{probed:?}");
    reason
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_authority_gives_a_connection_the_wrong_one_a_clear_state() {
    let certificates = Certificates::make();
    let broker = Broker::start_tls(Access::Tls, &certificates);

    let plan = broker.plan_with_tls(certificates.trusting("ca"));
    assert_eq!(probe(&plan, LIMIT).await, Ok(()));
    let mut subscription = subscribe(&plan, &[EVENTS]).await;
    let publisher = start(&plan, quick());
    publisher.offer(event(0));
    assert_eq!(first_arrivals(&mut subscription, 1).await[0].seq, 0);

    let by_name = MqttPlan { host: "localhost".into(), ..plan };
    assert_eq!(probe(&by_name, LIMIT).await, Ok(()));

    let reason = assert_tls_error(&broker.plan_with_tls(certificates.trusting("other-ca"))).await;
    assert!(reason.to_string().contains("certificate verify failed"), "{reason}");
    assert_tls_error(&broker.plan_with_tls(MqttTls { ca_pem: None, client: None })).await;

    let plain = probe(&broker.plan(), LIMIT).await;
    assert!(matches!(plain, Err(MqttError::HungUp { .. } | MqttError::Unreachable { .. })), "{plain:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_certificate_is_shown_where_it_is_wished() {
    let certificates = Certificates::make();
    let broker = Broker::start_tls(Access::TlsWithClientCertificate, &certificates);

    let plan = broker.plan_with_tls(certificates.with_client("ca"));
    assert_eq!(probe(&plan, LIMIT).await, Ok(()));
    let publisher = start(&plan, quick());
    assert_eq!(publisher.first_attempt().await, ConnectionState::Connected);

    let reason = assert_tls_error(&broker.plan_with_tls(certificates.trusting("ca"))).await;
    eprintln!("without a client certificate: {reason}");
}

#[tokio::test]
async fn unusable_material_is_named_without_being_shown() {
    let certificates = Certificates::make();
    let broker = Broker::prepared(Access::Anonymous, None);
    let good = certificates.with_client("ca");
    let key = |text: &str| MqttTls {
        client: Some((certificates.read("client.pem"), Secret::new(text.to_owned()))),
        ..good.clone()
    };
    let foreign_key = String::from_utf8(certificates.read("server.key")).unwrap();
    for (tls, what) in [
        (MqttTls { ca_pem: Some(b"hello".to_vec()), client: None }, "mqtt.ca"),
        (MqttTls { ca_pem: Some(Vec::new()), client: None }, "mqtt.ca"),
        (key("-----BEGIN EC PRIVATE KEY-----\nsecret\n"), "mqtt.client_key"),
        (key("-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n"), "mqtt.client_key"),
        (key(&foreign_key), "mqtt.client_key"),
        (
            MqttTls { client: Some((b"no certificate".to_vec(), Secret::new(foreign_key.clone()))), ..good.clone() },
            "mqtt.client_cert",
        ),
    ] {
        let error = probe(&broker.plan_with_tls(tls), LIMIT).await.unwrap_err();
        let words = format!("{error} {error:?}");
        assert!(matches!(error, MqttError::TlsMaterial { .. }), "{words}");
        assert!(words.contains(what) && !words.contains("secret"), "{words}");
        assert_eq!(error.recovery(), Recovery::GiveUpProcess);
    }
}
