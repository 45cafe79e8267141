//! What systemd hears at its socket (sd_notify(3)): the start takes its time, READY, the watchdog, a reload, the end.

use std::{
    os::unix::net::UnixDatagram,
    time::{Duration, Instant},
};

use crate::support::{
    PATIENCE, beside_others,
    broker::free_port,
    daemon::{Daemon, Launch},
};

/// The socket that systemd listens at.
struct Systemd {
    socket: UnixDatagram,
}

impl Systemd {
    /// The next message that is not only about the watchdog.
    fn hears(&self) -> String {
        loop {
            let message = self.next();
            if message.trim() != "WATCHDOG=1" {
                return message;
            }
        }
    }

    fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let read = self.socket.recv(&mut buffer).expect("a message in time");
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_is_told() {
    let _turn = beside_others().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let systemd = Systemd { socket };
    let yaml = format!(
        "version: 1\nname: one\nmodel: {{name: ssd-mobilenet-v1-sim}}\nmqtt: {{url: \"mqtt://127.0.0.1:{}\"}}\n\
         cameras:\n  pattern: {{url: \"test://ball\"}}\n",
        free_port()
    );
    let environment = [("NOTIFY_SOCKET", path.to_str().expect("UTF-8")), ("WATCHDOG_USEC", "1000000")];
    let environment = environment.map(|(name, value)| (name.to_string(), value.to_string())).into();
    let mut daemon = Daemon::launch(&yaml, Launch { environment, ..Launch::default() });

    assert!(systemd.hears().starts_with("EXTEND_TIMEOUT_USEC="), "a model may have to be compiled first");
    let ready = systemd.hears();
    assert!(ready.contains("READY=1") && ready.contains("STATUS=1 camera"), "{ready}");
    let loaded = daemon.log().find("model loaded").expect("a model");
    let running = daemon.log().find(" running ").expect("it runs");
    assert!(loaded < running, "it is ready when the model is: {}", daemon.log());

    let first = Instant::now();
    for _ in 0..4 {
        assert_eq!(systemd.next().trim(), "WATCHDOG=1");
    }
    // Twice a second, as an interval of a second asks for; the first may have come together with READY.
    assert!(first.elapsed() > Duration::from_millis(1200), "{:?}", first.elapsed());

    daemon.signal("-HUP");
    let reloading = systemd.hears();
    assert!(reloading.contains("RELOADING=1") && reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert!(systemd.hears().contains("READY=1"));
    daemon.rewrite("cameras: nonsense");
    daemon.signal("-HUP");
    assert!(systemd.hears().contains("RELOADING=1"));
    assert!(systemd.hears().contains("READY=1"), "a bad file ends the reload as well");

    daemon.signal("-TERM");
    assert!(systemd.hears().contains("STOPPING=1"));
    assert!(daemon.ended().await.success());
}
