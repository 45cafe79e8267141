//! The token is in no answer and in no log line, whatever is done with it. [`Endpoint`] looks at every answer.

use std::sync::Arc;

use sightline_core::secret::Secret;
use sightline_web::{Server, WebSettings};

use crate::support::{Daemon, Endpoint, TOKEN, exchange, log};

#[test]
fn the_token_is_never_told() {
    let endpoint = Endpoint::with_token();
    let shown = format!("Bearer {TOKEN}");
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/api/v1/status"),
        ("GET", "/api/v1/cameras"),
        ("GET", "/api/v1/config"),
        ("GET", "/api/v1/events?limit=0"),
        ("POST", "/api/v1/reload"),
        ("TRACE", "/"),
        ("GET", "/nowhere"),
    ] {
        for headers in [&[][..], &[("Authorization", shown.as_str())], &[("Authorization", &shown[..shown.len() - 1])]]
        {
            endpoint.ask(method, path, headers);
        }
    }
    // Broken HTTP with the token in it.
    exchange(endpoint.address, format!("GET / HTTP/9\r\nAuthorization: {shown}\r\n\r\n").as_bytes());
    exchange(endpoint.address, format!("Authorization: {shown}\r\n\r\n").as_bytes());

    let settings = WebSettings { address: "192.0.2.1:8640".parse().unwrap(), token: Some(Secret::new(TOKEN.into())) };
    assert!(!format!("{settings:?}").contains(TOKEN));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let refused = Server::start(settings, Arc::new(Daemon::default()), runtime.handle()).unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains(TOKEN));

    let log = log();
    assert!(
        log.contains(&format!("operations endpoint: http://{}", endpoint.address)),
        "the log is not looked at: {log}"
    );
    assert!(!log.contains(TOKEN), "{log}");
}
