//! Who gets an answer: every route with the right token, a wrong one and none; foreign hosts; foreign pages.

use crate::support::{Endpoint, TOKEN};

/// Every route that is not a probe, and one that is none.
const GUARDED: [(&str, &str); 10] = [
    ("GET", "/"),
    ("GET", "/metrics"),
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/cameras"),
    ("GET", "/api/v1/cameras/door"),
    ("GET", "/api/v1/events"),
    ("GET", "/api/v1/config"),
    ("POST", "/api/v1/reload"),
    ("GET", "/nowhere"),
    ("DELETE", "/metrics"),
];

#[test]
fn only_probes_answer_without_the_token() {
    let endpoint = Endpoint::with_token();
    let longer = format!("Bearer {TOKEN}0");
    let basic = format!("Basic {TOKEN}");
    for (method, path) in GUARDED {
        let none = endpoint.ask(method, path, &[]);
        let refused = [&longer, &basic, "Bearer", "Bearer ", "Bearer canary-012345678", TOKEN]
            .map(|shown| endpoint.ask(method, path, &[("Authorization", shown)]));
        for answer in refused.iter().chain([&none]) {
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{method} {path}");
            assert!(answer.error().contains("Authorization: Bearer TOKEN"), "{answer:?}");
        }
        // In the query it would end up in the logs of every proxy.
        assert_eq!(endpoint.ask(method, &format!("{path}?token={TOKEN}"), &[]).status, 401);
        let shown = format!("Bearer {TOKEN}");
        assert_ne!(endpoint.ask(method, path, &[("Authorization", &shown)]).status, 401, "{method} {path}");
    }
    assert_eq!(endpoint.daemon.script().queries.len(), 1, "the history was asked once, by whoever showed the token");
    assert_eq!((endpoint.get("/healthz").status, endpoint.get("/readyz").status), (200, 200));
}

#[test]
fn with_a_token_the_name_of_the_host_does_not_matter() {
    let endpoint = Endpoint::with_token();
    let shown = format!("Bearer {TOKEN}");
    let headers = [("Host", "cameras.example"), ("Authorization", shown.as_str())];
    assert_eq!(endpoint.ask("GET", "/api/v1/status", &headers).status, 200);
    assert_eq!(endpoint.ask("GET", "/healthz", &[("Host", "cameras.example")]).status, 200);
}

#[test]
fn a_rebound_name_gets_nothing() {
    let endpoint = Endpoint::open();
    for (method, path) in GUARDED.into_iter().chain([("GET", "/healthz"), ("GET", "/readyz")]) {
        let answer = endpoint.ask(method, path, &[("Host", "evil.example:8640")]);
        assert_eq!(answer.status, 403, "{method} {path}");
        assert!(answer.error().contains("--http-token-file"), "{answer:?}");
    }
    assert!(endpoint.daemon.script().queries.is_empty(), "the history was read for a stranger");
    let port = endpoint.address.port();
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}"), "localhost".into()]
    {
        assert_eq!(endpoint.ask("GET", "/api/v1/status", &[("Host", &host)]).status, 200, "{host}");
    }
    // The request line counts more than the header.
    assert_eq!(endpoint.ask("GET", "http://evil.example/metrics", &[("Host", "localhost")]).status, 403);
}

#[test]
fn a_foreign_page_starts_no_reload() {
    let endpoint = Endpoint::open();
    let own = format!("http://{}", endpoint.address);
    for foreign in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let answer = endpoint.ask("POST", "/api/v1/reload", &[foreign]);
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (403, "a web page from elsewhere asked for this; it is not done")
        );
    }
    assert_eq!(endpoint.daemon.script().reloads, 0);
    for own in [&[][..], &[("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")], &[("Sec-Fetch-Site", "none")]]
    {
        assert_eq!(endpoint.ask("POST", "/api/v1/reload", own).status, 200, "{own:?}");
    }
    assert_eq!(endpoint.daemon.script().reloads, 3);
}
