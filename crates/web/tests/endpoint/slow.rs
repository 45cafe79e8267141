//! Clients that send their request a byte at a time, or nothing at all, hold nobody up and are shown out.

use std::{io::Write, time::Duration};

use sightline_web::Limits;

use crate::support::{Endpoint, receive};

const BEGINNING: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";

#[test]
fn others_are_answered_meanwhile() {
    // Longer than the test's patience: whoever has to wait for the slow ones fails it.
    let endpoint = Endpoint::within(Limits { header_time: Duration::from_secs(600), ..Limits::default() });
    let mut slow: Vec<_> = (0..40).map(|_| endpoint.connect()).collect();
    for stream in &mut slow[..30] {
        stream.write_all(BEGINNING).unwrap();
    }
    for _ in 0..20 {
        for stream in &mut slow[..30] {
            stream.write_all(b"x").unwrap();
        }
        assert_eq!(endpoint.get("/api/v1/status").status, 200);
    }
    slow[0].write_all(b"\r\n\r\n").unwrap();
    assert_eq!(receive(&mut slow[0]).map(|answer| answer.status), Some(200), "slow is not wrong");
}

#[test]
fn whoever_takes_too_long_is_shown_out() {
    let limits = Limits { header_time: Duration::from_millis(200), connections: 3, ..Limits::default() };
    let endpoint = Endpoint::within(limits);
    let mut slow: Vec<_> = (0..3).map(|_| endpoint.connect()).collect();
    for stream in &mut slow[1..] {
        stream.write_all(BEGINNING).unwrap();
    }
    // All places are taken by then; this waits until one is free again.
    assert_eq!(endpoint.get("/healthz").status, 200);
    for stream in &mut slow {
        assert!(receive(stream).is_none_or(|answer| answer.status == 408));
    }
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let endpoint = Endpoint::within(Limits { transfer_time: Duration::from_millis(200), ..Limits::default() });
    let mut stream = endpoint.connect();
    stream.write_all(b"POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nx").unwrap();
    assert_eq!(receive(&mut stream).map(|answer| answer.status), Some(408));
    assert_eq!(endpoint.daemon.script().reloads, 0);
}

#[test]
fn whoever_does_not_take_its_answer_is_cut_off() {
    const MORE_THAN_SOCKETS_HOLD: usize = 32 * 1024 * 1024;
    let moment = Duration::from_millis(200);
    let limits = Limits {
        connections: 1,
        header_time: moment,
        call_time: moment,
        reload_time: moment,
        probe_time: 10 * moment,
        transfer_time: moment,
        ..Limits::default()
    };
    let endpoint = Endpoint::within(limits);
    endpoint.daemon.script().alive = Err("x".repeat(MORE_THAN_SOCKETS_HOLD));
    let mut deaf = endpoint.connect();
    deaf.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(endpoint.get("/readyz").status, 200, "the only place is free again");
    let cut = receive(&mut deaf).expect("the beginning of an answer");
    assert!(cut.body.starts_with("xxx"), "{cut:?}");
    assert!(cut.body.len() < MORE_THAN_SOCKETS_HOLD, "it was sent whole");
}
