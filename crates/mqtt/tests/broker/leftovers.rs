//! What an earlier run of this node has left retained on the broker.

use std::{path::PathBuf, time::Duration};

use sightline_core::{
    event::{CameraState, Retained},
    plan::MqttPlan,
    ports::EventSink,
};
use sightline_mqtt::{ConnectionState, MqttError, MqttSettings, PublisherHandle, ShutdownReport, Subscription};
use tokio::runtime::Handle;

use crate::support::{
    PATIENCE, assert_balanced,
    broker::{Access, Broker, PASSWORD},
    first_arrivals,
    material::{AVAILABLE, COUNT, EVENTS, camera_status, count, event, line, node_status, snapshot, zone},
    quick,
    raw::{kept, plant, until_kept},
    start, subscribe, until, until_connected, within,
};

/// What [`run`] owns and publishes.
const OURS: [&str; 6] = [
    AVAILABLE,
    COUNT,
    "sightline/box-7/status",
    "sightline/box-7/front-door/status",
    "sightline/box-7/front-door/zone/drive/person",
    "sightline/box-7/front-door/line/gate",
];
/// What [`run`] owns, and may publish some day.
const PICTURE: &str = "sightline/box-7/front-door/snapshot/person";

const CLEAN: ShutdownReport = ShutdownReport { events_left: 0, disconnected_cleanly: true };

fn settings() -> MqttSettings {
    MqttSettings { keep_alive: Duration::from_secs(1), ..quick() }
}

fn values() -> [Retained; 5] {
    [node_status(), camera_status(CameraState::Streaming, 5.0), count(3), zone("drive", 1), line("gate", 2, 1)]
}

/// A run as the wiring makes one: every value, the pictures that there may be, and then the word.
fn run(plan: &MqttPlan) -> PublisherHandle {
    let publisher = start(plan, settings());
    values().into_iter().for_each(|value| publisher.retain(value));
    publisher.own_snapshot("front-door", "person");
    publisher.declared();
    publisher
}

/// An earlier run with one more of everything, shut down in good order. What it has left beyond [`OURS`] and
/// [`PICTURE`]: six topics.
async fn predecessor(plan: &MqttPlan) {
    let camera = |value| match value {
        Retained::Camera { status, .. } => Retained::Camera { camera: "gone".into(), status },
        value => value,
    };
    let publisher = start(plan, settings());
    values().into_iter().for_each(|value| publisher.retain(value));
    publisher.retain(camera(camera_status(CameraState::Streaming, 5.0)));
    publisher.retain(Retained::Count { camera: "gone".into(), label: "person".into(), present: 4 });
    publisher.retain(zone("lawn", 2));
    publisher.retain(line("fence", 7, 7));
    publisher.retain(snapshot("person", 1000));
    publisher.retain(snapshot("cat", 1000));
    publisher.retain(Retained::Count { camera: "front-door".into(), label: "cat".into(), present: 1 });
    until_connected(&publisher).await;
    assert_eq!(publisher.shutdown(PATIENCE).await, CLEAN);
}

fn and_picture() -> Vec<&'static str> {
    [&OURS[..], &[PICTURE]].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_cleared_and_nothing_of_ours_or_of_others_is() {
    let mut broker = Broker::prepared(Access::Anonymous, None);
    broker.configure("log_type all");
    broker.restart();
    predecessor(&broker.plan()).await;
    // Other nodes: one beside us, and one whose prefix is our base.
    let beside = MqttPlan { node: "box-70".into(), ..broker.plan() };
    let below = MqttPlan { prefix: "sightline/box-7".into(), node: "box-1".into(), ..broker.plan() };
    predecessor(&beside).await;
    predecessor(&below).await;
    for (topic, payload) in [
        ("sightline/box-7/front-door/enabled", &b"ON"[..]),
        ("sightline/box-7/box-1/zone/count/person", b"5"),
        ("sightline/box-7/box-1/count/status", br#"{"state":"streaming","since":"2026-01-01T00:00:00.000Z"}"#),
        ("sightline/box-7/notes/count/of-mine", b"do not delete"),
    ] {
        plant(broker.port, topic, payload).await;
    }
    let mut expected = kept(broker.port).await;
    let before = expected.len();
    for topic in [
        "sightline/box-7/gone/status",
        "sightline/box-7/gone/count/person",
        "sightline/box-7/front-door/zone/lawn/person",
        "sightline/box-7/front-door/line/fence",
        "sightline/box-7/front-door/snapshot/cat",
        "sightline/box-7/front-door/count/cat",
    ] {
        assert!(expected.remove(topic).is_some(), "{topic}");
    }
    assert_eq!(expected.len(), before - 6);

    let publisher = run(&broker.plan());
    until("six topics to be cleared", || publisher.counters().retained_cleared == 6).await;
    // Our own values change while they come back on the subscription.
    publisher.retain(count(8));
    publisher.retain(snapshot("person", 2000));
    expected.get_mut(COUNT).unwrap().payload = b"8".to_vec();
    for filter in ["status", "count/+", "zone/+/+", "line/+", "snapshot/+"] {
        // As mosquitto logs an UNSUBSCRIBE; a SUBSCRIBE's line ends with the QoS.
        let left = format!("\tsightline/box-7/+/{filter}");
        let is_left = || broker.log().lines().any(|line| line.ends_with(&left));
        until("the end of the subscription to be logged", is_left).await;
    }
    assert_eq!(publisher.shutdown(PATIENCE).await, CLEAN);
    let mut is = kept(broker.port).await;
    assert_eq!(is[PICTURE].payload.len(), 2000);
    is.remove(PICTURE);
    expected.remove(PICTURE);
    assert_eq!(is, expected);
    assert_eq!(publisher.counters().retained_cleared, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_cleared_before_everything_is_declared() {
    let broker = Broker::start(Access::Anonymous);
    predecessor(&broker.plan()).await;
    let before: Vec<String> = kept(broker.port).await.into_keys().collect();
    let publisher = start(&broker.plan(), settings());
    until_connected(&publisher).await;
    publisher.offer(event(0));
    until("an acknowledgement", || publisher.event_figures().acknowledged == 1).await;
    assert!(kept(broker.port).await.into_keys().eq(before));
    assert_eq!(publisher.counters().retained_cleared, 0);

    values().into_iter().for_each(|value| publisher.retain(value));
    publisher.declared();
    // A picture that was not declared goes as well.
    until_kept(broker.port, &OURS).await;
    assert_eq!(publisher.counters().retained_cleared, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_with_a_restarted_broker_is_cleared_again() {
    let mut broker = Broker::prepared(Access::Anonymous, None);
    broker.configure("persistence true");
    broker.configure("persistence_location {}/");
    broker.restart();
    predecessor(&broker.plan()).await;
    broker.stop();
    broker.restart();
    assert_eq!(kept(broker.port).await.len(), OURS.len() + 7, "it did not save");

    let publisher = run(&broker.plan());
    let kept_first = until_kept(broker.port, &and_picture()).await;
    assert_eq!(kept_first[PICTURE].payload.len(), 1000, "the last object's picture is from before");
    // What it saved last is older than what was cleared.
    broker.kill();
    publisher.retain(count(5));
    broker.restart();
    let kept_again = until_kept(broker.port, &and_picture()).await;
    assert_eq!(kept_again[COUNT].payload, b"5");
    assert!(publisher.counters().retained_cleared >= 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_forgets_everything_is_told_what_is_ours() {
    let mut broker = Broker::start(Access::Anonymous);
    let publisher = run(&broker.plan());
    publisher.retain(snapshot("person", 1000));
    until_kept(broker.port, &and_picture()).await;
    broker.kill();
    broker.restart();
    until_kept(broker.port, &and_picture()).await;
    assert_eq!(publisher.counters().retained_cleared, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_does_not_wait_for_the_looking() {
    let broker = Broker::start(Access::Anonymous);
    let publisher = start(&broker.plan(), MqttSettings { keep_alive: Duration::from_secs(60), ..quick() });
    until_connected(&publisher).await;
    publisher.declared();
    assert_eq!(publisher.shutdown(PATIENCE).await, CLEAN);
}

/// Everything but the clearing of what a [`predecessor`] has left. The watchers are anonymous.
async fn assert_the_rest_works(broker: &Broker, plan: &MqttPlan) {
    let publisher = run(plan);
    publisher.retain(snapshot("person", 2000));
    until_connected(&publisher).await;
    let mut events = subscribe(&broker.plan(), &[EVENTS]).await;
    for seq in 0..50 {
        publisher.offer(event(seq));
    }
    first_arrivals(&mut events, 50).await;
    until("all acknowledgements", || publisher.event_figures().acknowledged == 50).await;
    until("the answer to the subscription", || broker.log().contains("Sending SUBACK to sightline-box-7-")).await;
    assert_balanced(&publisher);
    assert_eq!(publisher.counters().reconnects, 0);
    assert_eq!(publisher.shutdown(PATIENCE).await, CLEAN);
    let kept = kept(broker.port).await;
    assert_eq!(kept[PICTURE].payload.len(), 2000);
    assert_eq!(kept[COUNT].payload, b"3");
    assert!(kept.contains_key("sightline/box-7/gone/status"), "who cleared it?");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_may_only_write_publishes_all_the_same() {
    let mut broker = Broker::prepared(Access::Anonymous, None);
    broker.know_user();
    broker.configure("log_type all");
    broker.configure("acl_file {}/acl");
    let acl = "topic readwrite #\nuser edge\ntopic write sightline/#\n";
    std::fs::write(broker.directory.path().join("acl"), acl).unwrap();
    broker.restart();
    predecessor(&broker.plan()).await;
    assert_the_rest_works(&broker, &broker.plan_with_login(PASSWORD)).await;
}

/// mosquitto's `acl_file` grants every subscription and then sends nothing; its plugin refuses them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_subscription_breaks_nothing() {
    let Some(plugin) = dynamic_security() else {
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("SKIPPED: this mosquitto has no mosquitto_dynamic_security.so\n"),
        );
        return;
    };
    let literal = |topic: &str| serde_json::json!({"acltype": "subscribeLiteral", "topic": topic, "allow": true});
    let acls = ["sightline/#", "zz/last", EVENTS].map(literal);
    let security = serde_json::json!({
        "defaultACLAccess":
            {"publishClientSend": true, "publishClientReceive": true, "subscribe": false, "unsubscribe": true},
        "roles": [{"rolename": "watcher", "acls": acls}],
        "groups": [{"groupname": "everybody", "roles": [{"rolename": "watcher"}]}],
        "anonymousGroup": "everybody",
    });
    let mut broker = Broker::prepared(Access::Anonymous, None);
    broker.configure("log_type all");
    broker.configure(&format!("plugin {}", plugin.display()));
    broker.configure("plugin_opt_config_file {}/security.json");
    std::fs::write(broker.directory.path().join("security.json"), security.to_string()).unwrap();
    broker.restart();
    let filter = "sightline/box-7/+/status";
    let refused = Subscription::start(&broker.plan(), &[filter], &quick(), &Handle::current()).unwrap();
    let is_refused = |state: &ConnectionState| {
        matches!(state, ConnectionState::Refused { reason: MqttError::SubscriptionRefused { .. } })
    };
    within("a refusal", refused.connection_state().wait_for(is_refused)).await.unwrap();
    drop(refused);
    predecessor(&broker.plan()).await;
    assert_the_rest_works(&broker, &broker.plan()).await;
}

fn dynamic_security() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("mosquitto_dynamic_security.so")).find(|path| path.exists())
}
