//! The operations endpoint of a running daemon: who gets an answer, and that what it answers is true. (Its manners as a
//! server are tested in `crates/web`.)

use std::collections::BTreeSet;

use serde_json::Value;
use sightline_core::histogram::Stage;
use sightline_sim::scene::SceneKind;

use crate::support::{
    TOKEN, beside_others,
    broker::Broker,
    cameras,
    canary::CANARY,
    client::exchange,
    daemon::{Daemon, Launch},
    listener::Listener,
    project, run, stderr, wait_until,
};

/// Shorter than a token may be, and otherwise one.
const TOO_SHORT: &str = "guess";

#[test]
fn a_wide_address_without_a_token_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.yaml");
    let yaml = "version: 1\nname: p\nmodel: {name: ssd-mobilenet-v1-sim}\ncameras: {a: {url: \"test://ball\"}}\n";
    std::fs::write(&path, yaml).expect("a file");
    let token = folder.path().join("token");
    std::fs::write(&token, TOO_SHORT).expect("a token");
    let (path, token) = (path.to_str().expect("UTF-8"), token.to_str().expect("UTF-8"));
    for (arguments, told) in [
        (vec!["run", "--http", "0.0.0.0:0", path], "--http-token-file"),
        (vec!["run", "--http", "[::]:0", path], "--http-token-file"),
        (vec!["run", "--http", "127.0.0.1:0", "--http-token-file", token, path], "16"),
        (vec!["run", "--http", "127.0.0.1:0", "--http-token-file", "/nowhere/token", path], "/nowhere/token"),
    ] {
        let refused = run(&arguments);
        assert_eq!(refused.status.code(), Some(78), "{arguments:?}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(told), "{arguments:?}: {}", stderr(&refused));
        assert!(!stderr(&refused).contains(TOO_SHORT), "{}", stderr(&refused));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_tells_what_is() {
    let _turn = beside_others().await;
    let login = cameras::with_password("viewer", CANARY);
    let server = cameras::serve_with(vec![("office", cameras::scene(SceneKind::Office))], login);
    let broker = Broker::start();
    let listener = Listener::start(&broker).await;
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).expect("a token");
    let yaml = format!(
        "version: 1\nname: yard\nmodel: {{name: ssd-mobilenet-v1-sim}}\n{}cameras:\n  office: {{url: \"{}\", username: \
         viewer, password: \"{CANARY}\", labels: [person], fps: 10}}\n",
        broker.yaml(),
        server.url(0).expect("an address").replace(&format!("viewer:{CANARY}@"), "")
    );
    let arguments = vec!["--http-token-file".to_string(), token.display().to_string()];
    let mut daemon = Daemon::launch_in(folder, &yaml, Launch { arguments, ..Launch::default() });
    listener.wait_for_event("office", "object_ended", "person").await;

    only_with_the_token(&daemon).await;
    assert_eq!(daemon.get("/healthz").await.body.trim(), "ok");
    assert_eq!(daemon.get("/readyz").await.body.trim(), "ready");

    let status = daemon.get("/api/v1/status").await.json();
    assert_eq!(status["ready"], true, "{status:#}");
    let on_topic = listener.on("status").last().expect("a status").json();
    assert_eq!(without_load(status["nodes"][0].clone()), without_load(on_topic.clone()), "as on its topic");
    for load in [&status["nodes"][0]["pipelines"][0]["load"], &on_topic["pipelines"][0]["load"]] {
        assert_eq!((&load["state"], &load["batch"], &load["fps_factor"]), (&"ok".into(), &2.into(), &1.0.into()));
    }
    assert_eq!(status["brokers"][0]["state"], "connected", "{status:#}");

    let camera = daemon.get("/api/v1/cameras").await.json()["cameras"][0].clone();
    assert_eq!((&camera["id"], &camera["state"]), (&"office".into(), &"streaming".into()), "{camera:#}");
    assert_eq!(daemon.get("/api/v1/cameras/office").await.json()["id"], "office");
    assert_eq!(daemon.get("/api/v1/cameras/nobody").await.status, 404);

    let config = daemon.get("/api/v1/config").await;
    assert!(config.body.contains("***"), "secrets are replaced: {}", config.body);

    the_history_is_what_was_published(&daemon, &listener).await;
    every_metric_is_documented(&daemon.get("/metrics").await.body);
    for stage in Stage::ALL {
        let passed = daemon.metric("sightline_stage_seconds_count", &[("stage", stage.name())]).await;
        assert!(passed >= 1.0, "nothing has passed {}", stage.name());
    }
    let (status, _) = daemon.terminate().await;
    assert!(status.success(), "{status}");
}

/// A node's status without what is of the moment.
fn without_load(mut status: Value) -> Value {
    for pipeline in status["pipelines"].as_array_mut().expect("pipelines") {
        assert!(pipeline.as_object_mut().is_some_and(|pipeline| pipeline.remove("load").is_some()), "{pipeline:#}");
    }
    status
}

/// All but the probes want it.
async fn only_with_the_token(daemon: &Daemon) {
    let address = daemon.running().await;
    let wrong = "x".repeat(TOKEN.len());
    for route in ["/", "/metrics", "/api/v1/status", "/api/v1/cameras", "/api/v1/events", "/api/v1/config"] {
        for authorization in [String::new(), format!("Authorization: Bearer {wrong}\r\n")] {
            let request = format!("GET {route} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n");
            let answer = exchange(address, request.as_bytes()).expect("an answer");
            assert_eq!(answer.status, 401, "{route}");
        }
        assert_eq!(daemon.get(route).await.status, 200, "{route}");
    }
    let reload = exchange(address, b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("an answer");
    assert_eq!(reload.status, 401);
    for probe in ["/healthz", "/readyz"] {
        let request = format!("GET {probe} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(exchange(address, request.as_bytes()).expect("an answer").status, 200, "{probe}");
    }
}

async fn the_history_is_what_was_published(daemon: &Daemon, listener: &Listener) {
    let ended = listener.events("office").into_iter().find(|event| event["type"] == "object_ended").expect("one");
    let at = ended["time"]["capture"].as_str().expect("a time").to_string();
    let ids = |answer: Value| -> Vec<Value> {
        let events = answer["events"].as_array().expect("events").clone();
        events.into_iter().map(|event| event["event"]["id"].clone()).collect()
    };
    let ask = async |query: &str| ids(daemon.get(&format!("/api/v1/events?{query}")).await.json());
    // Written and read on threads of their own: what was published is on disk, and its acknowledgement follows.
    let id = &ended["id"];
    for query in
        ["camera=office&label=person&type=object_ended&limit=1000".to_string(), format!("from={at}&limit=1000")]
    {
        assert!(ask(&query).await.contains(id), "{query} finds {id}");
    }
    for query in ["camera=garden".to_string(), "label=car".to_string(), format!("until={at}&limit=1000")] {
        assert!(!ask(&query).await.contains(id), "{query} does not find {id}");
    }
    assert_eq!(daemon.get("/api/v1/events?colour=red").await.status, 400);
    wait_until("events arrive", || listener.events("office").len() >= 3).await;
    let first = daemon.get("/api/v1/events?limit=1").await.json();
    let next = daemon.get(&format!("/api/v1/events?limit=1&before={}", first["next"])).await.json();
    assert_ne!(ids(first), ids(next), "the next page is another");
}

/// The reference has every name, and no name that is not there.
fn every_metric_is_documented(exposition: &str) {
    let reference = std::fs::read_to_string(project().join("docs/reference/http.md")).expect("the reference");
    let documented: BTreeSet<&str> = reference
        .split('`')
        .filter(|word| {
            (word.starts_with("sightline_") || word.starts_with("process_"))
                && word.chars().all(|it| it.is_ascii_lowercase() || it == '_')
        })
        .collect();
    let told: BTreeSet<String> = exposition
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(
            |(name, kind)| {
                if kind == "counter" { format!("{}_total", name.trim_end_matches("_total")) } else { name.into() }
            },
        )
        .collect();
    assert!(told.len() > 20, "{exposition}");
    assert_eq!(told.iter().map(String::as_str).collect::<BTreeSet<_>>(), documented);
}
