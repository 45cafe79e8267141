//! Every route answers what it is for, in a form that clients can rely on.

use crate::support::{CAMERA_PASSWORD, Endpoint, camera, plan};

#[test]
fn the_root_lists_the_routes() {
    let endpoint = Endpoint::open();
    let answer = endpoint.get("/");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    for route in
        ["/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/cameras", "/api/v1/events", "/api/v1/config"]
    {
        assert!(answer.body.contains(route), "{route} is not in {}", answer.body);
        assert_eq!(endpoint.get(route).status, 200, "{route}");
    }
    assert!(answer.body.contains("POST /api/v1/reload"), "{}", answer.body);
}

#[test]
fn status_says_what_runs() {
    let endpoint = Endpoint::open();
    endpoint.daemon.script().not_ready = vec!["the model of yard is being loaded".into()];
    let status = endpoint.get("/api/v1/status").json();
    let expected = serde_json::json!({
        "nodes": [], "brokers": [], "ready": false, "not_ready": ["the model of yard is being loaded"]
    });
    assert_eq!(status, expected);
}

#[test]
fn cameras_are_listed_and_found_by_their_id() {
    let endpoint = Endpoint::open();
    let unknown = endpoint.get("/api/v1/cameras/door");
    assert_eq!((unknown.status, unknown.error().as_str()), (404, "no camera \"door\": there are none"));
    endpoint.daemon.script().cameras = vec![camera("yard"), camera("door")];

    let listed = endpoint.get("/api/v1/cameras").json();
    let ids: Vec<_> = listed["cameras"].as_array().unwrap().iter().map(|camera| camera["id"].clone()).collect();
    assert_eq!(ids, ["yard", "door"], "in the configuration's order");

    let door = endpoint.get("/api/v1/cameras/door").json();
    assert_eq!(door, listed["cameras"][1]);
    assert_eq!((&door["state"], &door["source"]), (&"streaming".into(), &"rtsp://10.0.0.9/door".into()));
    assert_eq!(door["frames"]["decoded"], 10);
    assert_eq!(endpoint.get("/api/v1/cameras/d%6For").json(), door, "percent-encoded");

    let unknown = endpoint.get("/api/v1/cameras/door%22%20");
    assert_eq!((unknown.status, unknown.error().as_str()), (404, r#"no camera "door\" "; there are yard, door"#));
    assert_eq!(endpoint.get("/api/v1/cameras/%FF").status, 400);
    assert_eq!(endpoint.get("/api/v1/cameras/").status, 404);
}

#[test]
fn the_configuration_has_no_secret() {
    let endpoint = Endpoint::open();
    endpoint.daemon.script().plan = plan().into();
    let answer = endpoint.get("/api/v1/config");
    assert!(!answer.body.contains(CAMERA_PASSWORD), "{}", answer.body);
    let pipeline = &answer.json()["pipelines"][0];
    assert_eq!(pipeline["mqtt"]["credentials"], serde_json::json!({ "username": "viewer", "password": "***" }));
    assert_eq!(pipeline["cameras"][0]["spec"]["source"], "rtsp://10.0.0.9/live…");
    assert_eq!(pipeline["model"]["name"], "ssd-mobilenet-v1-sim");
}

#[test]
fn what_is_not_there_and_what_is_not_meant_is_told_as_json() {
    let endpoint = Endpoint::open();
    let unknown = endpoint.get("/api/v2/status?x=1");
    assert_eq!(
        (unknown.status, unknown.error().as_str()),
        (404, "there is no /api/v2/status; `/` lists what there is")
    );
    for (method, path, allowed) in [
        ("POST", "/api/v1/status", "GET,HEAD"),
        ("DELETE", "/api/v1/cameras/door", "GET,HEAD"),
        ("GET", "/api/v1/reload", "POST"),
        ("OPTIONS", "/api/v1/reload", "POST"),
    ] {
        let answer = endpoint.ask(method, path, &[]);
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allowed)), "{method} {path}");
        assert!(answer.error().contains(method), "{answer:?}");
    }
}

#[test]
fn a_head_request_has_the_headers_alone() {
    let endpoint = Endpoint::open();
    let (head, full) = (endpoint.ask("HEAD", "/api/v1/status", &[]), endpoint.get("/api/v1/status"));
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), full.header("content-length"));
}

#[test]
fn no_answer_is_kept_or_guessed_at_by_browsers() {
    let endpoint = Endpoint::open();
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/metrics"),
        ("GET", "/nowhere"),
        ("POST", "/"),
        ("GET", "/api/v1/config"),
    ] {
        let answer = endpoint.ask(method, path, &[]);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method} {path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{method} {path}");
        assert_eq!(answer.header("connection"), Some("close"), "{method} {path}");
    }
}
