//! Stopping: requests that are there come to their end, within the deadline; no others begin.

use std::{io::Write, net::TcpStream, thread, time::Duration};

use sightline_web::Limits;

use crate::support::{Endpoint, Method, PATIENCE, receive, wait_until};

const STATUS: &[u8] = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// An endpoint with a request that hangs, and the connection on which its answer is awaited.
fn with_hanging_request() -> (Endpoint, TcpStream) {
    let endpoint = Endpoint::open();
    endpoint.daemon.script().blocked.insert(Method::Status);
    let mut asking = endpoint.connect();
    asking.write_all(STATUS).unwrap();
    wait_until("the request hangs", || endpoint.daemon.script().running == 1);
    (endpoint, asking)
}

#[test]
fn a_request_that_is_there_gets_its_answer() {
    let (mut endpoint, mut asking) = with_hanging_request();
    let (daemon, address) = (endpoint.daemon.clone(), endpoint.address);
    thread::scope(|scope| {
        let stopping = scope.spawn(|| endpoint.stop(PATIENCE));
        wait_until("nobody is accepted any more", || TcpStream::connect(address).is_err());
        daemon.release();
        assert_eq!(receive(&mut asking).map(|answer| answer.status), Some(200));
        assert!(stopping.join().unwrap());
    });
}

#[test]
fn a_request_that_hangs_is_cut_off_at_the_deadline() {
    let (mut endpoint, mut asking) = with_hanging_request();
    assert!(!endpoint.stop(Duration::from_millis(50)));
    assert!(receive(&mut asking).is_none());
}

#[test]
fn connections_without_a_request_hold_nothing_up() {
    // Longer than the test's patience: who waits for a request to come fails it.
    let mut endpoint = Endpoint::within(Limits { header_time: Duration::from_secs(600), ..Limits::default() });
    let mut idle = endpoint.connect();
    assert_eq!(endpoint.get("/healthz").status, 200, "the connection before is accepted as well by then");
    assert!(endpoint.stop(PATIENCE));
    assert!(receive(&mut idle).is_none());
}

#[test]
fn a_server_that_is_dropped_is_gone() {
    let (mut endpoint, mut asking) = with_hanging_request();
    endpoint.drop_server();
    wait_until("nobody listens", || TcpStream::connect(endpoint.address).is_err());
    assert!(receive(&mut asking).is_none());
}
