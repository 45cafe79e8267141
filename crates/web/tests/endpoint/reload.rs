//! `POST /api/v1/reload`: what was done, or why nothing was.

use sightline_core::operations::{ReloadError, ReloadReport};

use crate::support::{Endpoint, Method, exchange, wait_until};

#[test]
fn what_was_done_is_told() {
    let endpoint = Endpoint::open();
    endpoint.daemon.script().reload =
        Ok(ReloadReport { added: vec!["gate".into()], unchanged: vec!["door".into()], ..ReloadReport::default() });
    let answer = endpoint.ask("POST", "/api/v1/reload", &[]);
    assert_eq!(answer.status, 200);
    let expected = serde_json::json!({
        "added": ["gate"], "removed": [], "restarted": [], "changed": [], "unchanged": ["door"], "models": []
    });
    assert_eq!(answer.json(), expected);
}

#[test]
fn a_bad_configuration_changes_nothing_and_says_why() {
    let endpoint = Endpoint::open();
    let message = "yard.yaml:7: cameras.door.fps: must be above 0\nyard.yaml:9: unknown key `zone`";
    endpoint.daemon.script().reload = Err(ReloadError { message: message.into() });
    let answer = endpoint.ask("POST", "/api/v1/reload", &[]);
    assert_eq!((answer.status, answer.error().as_str()), (422, message));
}

#[test]
fn one_reload_at_a_time() {
    let endpoint = Endpoint::open();
    endpoint.daemon.script().blocked.insert(Method::Reload);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| endpoint.ask("POST", "/api/v1/reload", &[]));
        wait_until("the first reload begins", || endpoint.daemon.script().running == 1);
        let second = endpoint.ask("POST", "/api/v1/reload", &[]);
        assert_eq!(second.status, 409);
        assert!(second.error().contains("another reload is running"), "{second:?}");
        assert_eq!(endpoint.get("/api/v1/status").status, 200, "what is read goes on meanwhile");
        endpoint.daemon.release();
        assert_eq!(first.join().unwrap().status, 200);
    });
    assert_eq!(endpoint.ask("POST", "/api/v1/reload", &[]).status, 200);
}

#[test]
fn a_body_is_read_and_not_heeded_up_to_its_bound() {
    let endpoint = Endpoint::open();
    let post = |length: usize| {
        let head = format!("POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        exchange(endpoint.address, &[head.as_bytes(), &vec![b'x'; length]].concat()).map(|answer| answer.status)
    };
    assert_eq!(post(64 * 1024), Some(200));
    assert_eq!(post(64 * 1024 + 1), Some(413));
    assert_eq!(endpoint.daemon.script().reloads, 1);
}
