//! A broker whose certificate is wrong or has expired, until somebody renews it.

use sightline_core::ports::EventSink;
use sightline_mqtt::MqttErrorCode;

use crate::support::{
    assert_balanced,
    broker::{Access, Broker},
    certificates::{Certificates, EXPIRED, OUR_NAMES, VALID},
    material::event,
    quick, start, until, until_connected, until_failed,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_told_and_ends_with_a_good_certificate() {
    let certificates = Certificates::make();
    for (authority, names, days, told) in [
        ("other-ca", OUR_NAMES, VALID, "unable to get local issuer certificate"),
        ("ca", "DNS:elsewhere.example,IP:192.0.2.1", VALID, "IP address mismatch"),
        ("ca", OUR_NAMES, EXPIRED, "certificate has expired"),
    ] {
        certificates.replace_server(authority, names, days);
        let mut broker = Broker::start_tls(Access::Tls, &certificates);
        let publisher = start(&broker.plan_with_tls(certificates.trusting("ca")), quick());
        publisher.offer(event(0));
        let words = until_failed(&publisher, "down", MqttErrorCode::Tls).await;
        assert!(words.contains(told), "{words}");

        certificates.replace_server("ca", OUR_NAMES, VALID);
        broker.kill();
        broker.restart();
        until_connected(&publisher).await;
        until("the acknowledgement", || publisher.event_figures().acknowledged == 1).await;
        assert_balanced(&publisher);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_expires_while_connected_keeps_us_out_until_it_is_renewed() {
    let certificates = Certificates::make();
    let mut broker = Broker::start_tls(Access::Tls, &certificates);
    let publisher = start(&broker.plan_with_tls(certificates.trusting("ca")), quick());
    until_connected(&publisher).await;
    for (days, state) in [(EXPIRED, "down"), (VALID, "connected")] {
        certificates.replace_server("ca", OUR_NAMES, days);
        broker.kill();
        broker.restart();
        if state == "down" {
            until_failed(&publisher, state, MqttErrorCode::Tls).await;
        }
    }
    until_connected(&publisher).await;
    assert!(publisher.counters().reconnects >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_wants_a_client_certificate_is_told_of_until_it_does_not() {
    let certificates = Certificates::make();
    let mut broker = Broker::start_tls(Access::TlsWithClientCertificate, &certificates);
    let publisher = start(&broker.plan_with_tls(certificates.trusting("ca")), quick());
    let words = until_failed(&publisher, "down", MqttErrorCode::Tls).await;
    assert!(words.contains("mqtt.client_cert"), "{words}");
    broker.configure("require_certificate false");
    broker.kill();
    broker.restart();
    until_connected(&publisher).await;
}
