//! MQTT over TLS with certificates on both sides. A server whose certificate has expired, or comes from another authority,
//! is refused for that reason; with a good one the daemon goes on by itself, and nothing is lost.

use sightline_sim::scene::SceneKind;

use crate::support::{
    beside_others,
    broker::topics_of_tests,
    cameras,
    certificates::{Certificates, EXPIRED, OUR_NAMES, VALID},
    daemon::Daemon,
    ledger::Ledger,
    listener::Listener,
    mosquitto::{Access, Broker},
    pipeline, wait_until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_certificate_is_refused_and_a_good_one_taken() {
    let _turn = beside_others().await;
    let server = cameras::serve(vec![("street", cameras::scene(SceneKind::Street))]);
    let certificates = Certificates::make();
    let mut broker = Broker::start_tls(Access::TlsWithClientCertificate, &certificates);
    let mut ledger = Ledger::open("broker_certificates");
    let file = |name: &str| certificates.path(name).display().to_string();
    let mqtt = format!(
        "mqtt: {{url: \"mqtts://127.0.0.1:{}\", ca: \"{}\", client_cert: \"{}\", client_key: \"{}\", prefix: test, \
         node: box}}\n",
        broker.port,
        file("ca.pem"),
        file("client.pem"),
        file("client.key")
    );
    certificates.replace_server("ca", OUR_NAMES, EXPIRED);
    broker.kill();
    broker.restart();
    ledger.inject();
    let mut daemon = Daemon::start(&pipeline(&mqtt, &cameras::yaml(&server, &["street"])));
    daemon.wait_for_broker("down", Some("tls")).await;
    let message = daemon.broker().await["message"].to_string();
    assert!(message.contains("expired"), "{message}");

    certificates.replace_server("other-ca", OUR_NAMES, VALID);
    broker.kill();
    broker.restart();
    ledger.inject();
    let failures = daemon.metric("sightline_broker_failures_total", &[("code", "tls")]).await;
    // The certificate is somebody's to mend, so that it is not tried every second; a reload asks for a try at once.
    assert_eq!(daemon.ask("POST", "/api/v1/reload").await.status, 200);
    daemon.wait_for_metric("sightline_broker_failures_total", &[("code", "tls")], failures + 1.0).await;
    daemon.wait_for_broker("down", Some("tls")).await;
    assert_eq!(daemon.get("/readyz").await.status, 503);

    certificates.replace_server("ca", OUR_NAMES, VALID);
    broker.kill();
    broker.restart();
    let listener = Listener::start_as(&topics_of_tests(broker.plan_with_tls(certificates.with_client("ca")))).await;
    daemon.wait_for_broker("connected", None).await;
    wait_until("events arrive", || listener.event_count() >= 2).await;

    ledger.close(&mut daemon, &listener).await;
}
