//! As many connections as there may be: others wait for a place, and nobody is sent away.

use std::{io::Write, thread, time::Duration};

use sightline_web::Limits;

use crate::support::{Endpoint, Method, log, receive, wait_until};

#[test]
fn a_free_place_goes_to_whoever_waits() {
    let limits = Limits { connections: 4, header_time: Duration::from_secs(600), ..Limits::default() };
    let endpoint = Endpoint::within(limits);
    let mut held: Vec<_> = (0..4).map(|_| endpoint.connect()).collect();
    // No other test has this many.
    wait_until("it is told", || log().contains("all 4 connections are taken"));
    let mut waiting = endpoint.connect();
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    held.pop();
    assert_eq!(receive(&mut waiting).map(|answer| answer.status), Some(200));
    assert_eq!(log().matches("all 4 connections are taken").count(), 1, "told again, though it was so all the time");
}

#[test]
fn no_more_are_answered_at_a_time_than_there_are_places() {
    let endpoint = Endpoint::within(Limits { connections: 3, ..Limits::default() });
    endpoint.daemon.script().blocked.insert(Method::Status);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..12).map(|_| scope.spawn(|| endpoint.get("/api/v1/status").status)).collect();
        wait_until("all places are taken", || endpoint.daemon.script().running == 3);
        endpoint.daemon.release();
        for asked in asking {
            assert_eq!(asked.join().unwrap(), 200);
        }
    });
    assert_eq!(endpoint.daemon.script().most_running, 3);
}
