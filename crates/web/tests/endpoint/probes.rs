//! Probes: whether the daemon is alive and ready, for supervisors that read no more than the status code.

use crate::support::{Endpoint, Method, TOKEN};

#[test]
fn a_daemon_that_is_well_says_so() {
    let endpoint = Endpoint::open();
    let (alive, ready) = (endpoint.get("/healthz"), endpoint.get("/readyz"));
    assert_eq!((alive.status, alive.body.as_str()), (200, "ok\n"));
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
    assert_eq!(ready.header("content-type"), Some("text/plain; charset=utf-8"));
}

#[test]
fn reasons_are_told_line_by_line() {
    let endpoint = Endpoint::open();
    endpoint.daemon.script().alive = Err("no frame was inferred for 60 s".into());
    endpoint.daemon.script().not_ready = vec!["the model is being loaded".into(), "no broker was tried yet".into()];
    let (alive, ready) = (endpoint.get("/healthz"), endpoint.get("/readyz"));
    assert_eq!((alive.status, alive.body.as_str()), (503, "no frame was inferred for 60 s\n"));
    assert_eq!((ready.status, ready.body.as_str()), (503, "the model is being loaded\nno broker was tried yet\n"));
}

#[test]
fn with_a_token_reasons_are_for_those_who_show_it() {
    let endpoint = Endpoint::with_token();
    endpoint.daemon.script().alive = Err("camera door hangs".into());
    endpoint.daemon.script().not_ready = vec!["the model of camera door is being loaded".into()];
    let shown = format!("Bearer {TOKEN}");
    for (path, without, with) in [
        ("/healthz", "not alive\n", "camera door hangs\n"),
        ("/readyz", "not ready\n", "the model of camera door is being loaded\n"),
    ] {
        let (passerby, reader) = (endpoint.get(path), endpoint.ask("GET", path, &[("Authorization", &shown)]));
        assert_eq!((passerby.status, passerby.body.as_str()), (503, without));
        assert_eq!((reader.status, reader.body.as_str()), (503, with));
    }
}

#[test]
fn a_daemon_that_breaks_is_not_alive() {
    let endpoint = Endpoint::open();
    endpoint.daemon.script().broken = [Method::Alive, Method::Status].into();
    assert_eq!(endpoint.get("/healthz").status, 503);
    let status = endpoint.get("/api/v1/status");
    assert_eq!((status.status, status.error().as_str()), (500, "the daemon broke while answering; its log says where"));
    assert_eq!(endpoint.get("/readyz").status, 200);
}
