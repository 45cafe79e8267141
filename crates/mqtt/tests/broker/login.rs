//! User and password.

use std::time::Duration;

use sightline_core::{ports::EventSink, recovery::Recovery};
use sightline_mqtt::{ConnectionState, MqttError, probe};

use crate::support::{
    broker::{Access, Broker, PASSWORD, USER},
    first_arrivals,
    material::{EVENTS, event},
    quick, start, subscribe,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_password_is_welcome() {
    let broker = Broker::start(Access::Password);
    let plan = broker.plan_with_login(PASSWORD);
    assert_eq!(probe(&plan, Duration::from_secs(5)).await, Ok(()));
    let mut subscription = subscribe(&plan, &[EVENTS]).await;
    let publisher = start(&plan, quick());
    assert_eq!(publisher.first_attempt().await, ConnectionState::Connected);
    publisher.offer(event(0));
    assert_eq!(first_arrivals(&mut subscription, 1).await[0].seq, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_a_refusal_that_does_not_tell_it() {
    const WRONG: &str = "battery staple";
    let broker = Broker::start(Access::Password);
    let plan = broker.plan_with_login(WRONG);
    let publisher = start(&plan, quick());

    let state = publisher.first_attempt().await;
    let ConnectionState::Refused { reason } = state else { panic!("{state:?}") };
    assert_eq!(reason.recovery(), Recovery::RetrySlowly);
    let words = format!("{reason} {reason:?}");
    assert!(!words.contains(WRONG), "{words}");
    assert!(words.contains(USER) && words.contains(&format!("127.0.0.1:{}", broker.port)), "{words}");

    let probed = probe(&plan, Duration::from_secs(5)).await;
    assert_eq!(probed, Err(reason));
    let anonymous = probe(&broker.plan(), Duration::from_secs(5)).await;
    assert!(matches!(anonymous, Err(MqttError::Login { .. })), "{anonymous:?}");
}
