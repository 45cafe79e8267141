//! MQTT over TLS with certificates on both sides. A server whose certificate has expired, or comes from another authority,
//! is refused for that reason; with a good one the daemon goes on by itself, or after a reload with the other
//! authority, and nothing is lost.

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
    let cameras = cameras::yaml(&server, &["street"]);
    tokio::join!(an_expired_one_is_replaced(&cameras), one_of_another_authority_is_trusted(&cameras));
}

/// A broker whose certificate is wrong, and a daemon that is told so.
struct Refusal {
    certificates: Certificates,
    broker: Broker,
    daemon: Daemon,
    ledger: Ledger,
}

impl Refusal {
    async fn of(name: &'static str, cameras: &str, authority: &str, days: i32) -> Self {
        let certificates = Certificates::make();
        certificates.replace_server(authority, OUR_NAMES, days);
        let broker = Broker::start_tls(Access::TlsWithClientCertificate, &certificates);
        let mut ledger = Ledger::open(name);
        ledger.inject();
        let daemon = Daemon::start(&pipeline(&mqtt(&broker, &certificates, "ca"), cameras));
        daemon.wait_for_broker("down", Some("tls")).await;
        assert!(daemon.metric("sightline_broker_failures_total", &[("code", "tls")]).await >= 1.0);
        assert_eq!(daemon.get("/readyz").await.status, 503);
        Self { certificates, broker, daemon, ledger }
    }

    /// Hears the broker, whose certificate that authority has signed.
    async fn listener(&self, authority: &str) -> Listener {
        let tls = self.certificates.with_client(authority);
        Listener::start_as(&topics_of_tests(self.broker.plan_with_tls(tls))).await
    }

    async fn ends(mut self, listener: Listener) {
        self.daemon.wait_for_broker("connected", None).await;
        wait_until("events arrive", || listener.event_count() >= 2).await;
        self.ledger.close(&mut self.daemon, &listener).await;
    }
}

fn mqtt(broker: &Broker, certificates: &Certificates, authority: &str) -> String {
    let file = |name: &str| certificates.path(name).display().to_string();
    format!(
        "mqtt: {{url: \"mqtts://127.0.0.1:{}\", ca: \"{}\", client_cert: \"{}\", client_key: \"{}\", prefix: test, \
         node: box}}\n",
        broker.port,
        file(&format!("{authority}.pem")),
        file("client.pem"),
        file("client.key")
    )
}

/// It goes on by itself.
async fn an_expired_one_is_replaced(cameras: &str) {
    let mut refusal = Refusal::of("broker_certificate_expired", cameras, "ca", EXPIRED).await;
    let message = refusal.daemon.broker().await["message"].to_string();
    assert!(message.contains("expired"), "{message}");
    refusal.certificates.replace_server("ca", OUR_NAMES, VALID);
    refusal.broker.kill();
    refusal.broker.restart();
    let listener = refusal.listener("ca").await;
    refusal.ends(listener).await;
}

/// The certificate is somebody's to mend, so that it is not tried every second; a reload with another one tries at once.
async fn one_of_another_authority_is_trusted(cameras: &str) {
    let refusal = Refusal::of("broker_certificate_other", cameras, "other-ca", VALID).await;
    let message = refusal.daemon.broker().await["message"].to_string();
    assert!(!message.contains("expired"), "{message}");
    let listener = refusal.listener("other-ca").await;
    refusal.daemon.rewrite(&pipeline(&mqtt(&refusal.broker, &refusal.certificates, "other-ca"), cameras));
    assert_eq!(refusal.daemon.ask("POST", "/api/v1/reload").await.status, 200);
    refusal.ends(listener).await;
}
