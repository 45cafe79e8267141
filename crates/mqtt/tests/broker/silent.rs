//! Something accepts TCP and never says a word.

use std::{net::TcpListener, time::Duration};

use sightline_core::recovery::Recovery;
use sightline_mqtt::{ConnectionState, MqttError, MqttSettings, probe};

use crate::support::{broker::plan, quick, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_attempt_ends_at_the_connection_timeout() {
    // Never accepted: the kernel completes the handshake all the same.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plan = plan(listener.local_addr().unwrap().port());
    let publisher = start(&plan, MqttSettings { connect_timeout: Duration::from_secs(1), ..quick() });
    let state = publisher.first_attempt().await;
    let ConnectionState::Down { reason } = state else { panic!("{state:?}") };
    assert!(matches!(reason, MqttError::NoAnswer { .. }), "{reason:?}");
    assert_eq!(reason.recovery(), Recovery::Retry);

    let limit = Duration::from_millis(200);
    let expected = MqttError::NoAnswer { broker: format!("127.0.0.1:{}", plan.port), within: limit };
    assert_eq!(probe(&plan, limit).await, Err(expected));
}
