//! A daemon that hangs: what hangs is told in time, and what does not hang is answered.

use std::{thread, time::Duration};

use sightline_web::Limits;

use crate::support::{Endpoint, Method, wait_until};

const SOON: Duration = Duration::from_millis(100);

#[test]
fn calls_that_hang_take_no_more_than_their_places() {
    let endpoint = Endpoint::within(Limits { calls: 2, call_time: SOON, ..Limits::default() });
    endpoint.daemon.script().blocked.insert(Method::Events);
    for _ in 0..2 {
        let late = endpoint.get("/api/v1/events");
        assert_eq!((late.status, late.header("retry-after")), (503, Some("5")));
        assert_eq!(late.error(), "the daemon gave no answer in 100ms");
    }
    for path in ["/api/v1/events", "/api/v1/cameras", "/metrics"] {
        let busy = endpoint.get(path);
        assert_eq!((busy.status, busy.header("retry-after")), (503, Some("5")));
        assert!(busy.error().contains("try again"), "{busy:?}");
    }
    assert_eq!(endpoint.daemon.script().running, 2);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(endpoint.get(path).status, 200, "{path} has places of its own");
    }
    assert_eq!(endpoint.ask("POST", "/api/v1/reload", &[]).status, 200);

    endpoint.daemon.release();
    wait_until("it answers again", || endpoint.get("/api/v1/events").status == 200);
}

#[test]
fn a_daemon_that_does_not_say_it_is_alive_is_not() {
    let endpoint = Endpoint::within(Limits { probe_time: SOON, ..Limits::default() });
    endpoint.daemon.script().blocked.insert(Method::Alive);
    for _ in 0..5 {
        let answer = endpoint.get("/healthz");
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (503, "the daemon gave no answer in 100ms\n"),
            "not the first time only"
        );
    }
    assert!(endpoint.daemon.script().running <= 2, "each probe hangs on a thread more");
    wait_until("it is ready all the same", || endpoint.get("/readyz").status == 200);
    assert_eq!(endpoint.get("/metrics").status, 200);

    endpoint.daemon.release();
    wait_until("it is alive again", || endpoint.get("/healthz").status == 200);
}

#[test]
fn many_probes_at_a_time_wait_for_each_other() {
    let endpoint = Endpoint::open();
    thread::scope(|scope| {
        let probes: Vec<_> = (0..16).map(|_| scope.spawn(|| endpoint.get("/healthz").status)).collect();
        for probe in probes {
            assert_eq!(probe.join().unwrap(), 200);
        }
    });
}
