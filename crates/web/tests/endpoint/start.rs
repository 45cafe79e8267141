//! Starting: what stands against it is told at once, with what would help.

use std::{net::TcpListener, sync::Arc};

use sightline_core::secret::Secret;
use sightline_web::{Server, WebError, WebSettings};

use crate::support::{Daemon, Endpoint, TOKEN};

fn start(address: &str, token: Option<&str>) -> Result<Server, WebError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let settings =
        WebSettings { address: address.parse().unwrap(), token: token.map(|token| Secret::new(token.into())) };
    Server::start(settings, Arc::new(Daemon::default()), runtime.handle())
}

#[test]
fn a_taken_port_is_named_with_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let message = start(&address, None).unwrap_err().to_string();
    assert!(message.contains(&address) && message.contains("`--http ADDRESS`"), "{message}");
}

#[test]
fn an_address_of_another_machine_is_refused() {
    assert!(matches!(start("192.0.2.1:8640", Some(TOKEN)), Err(WebError::Listen { .. })));
}

#[test]
fn nobody_listens_widely_without_a_token() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        assert!(matches!(start(address, None), Err(WebError::NoToken { .. })), "{address}");
    }
    assert!(start("0.0.0.0:0", Some(TOKEN)).is_ok());
    assert!(matches!(start("127.0.0.1:0", Some("short")), Err(WebError::TokenLength { .. })));
}

#[test]
fn the_port_that_was_given_for_port_zero_is_known() {
    assert_ne!(Endpoint::open().address.port(), 0);
}
