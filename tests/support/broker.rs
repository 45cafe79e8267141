//! A real mosquitto on a free loopback port, with user and password.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use sightline_core::{
    plan::MqttPlan,
    secret::{Credentials, Secret},
};

pub const USER: &str = "edge";
/// Looked for in everything the daemon writes: it must not be there.
pub const PASSWORD: &str = "canary-7f3d-broker";

pub struct Broker {
    child: Option<Child>,
    folder: tempfile::TempDir,
    pub port: u16,
}

impl Broker {
    pub fn start() -> Self {
        let mut broker = Self::not_yet();
        broker.up();
        broker
    }

    /// A broker that has its port but does not run yet.
    pub fn not_yet() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let passwords = folder.path().join("passwords");
        let made = Command::new("mosquitto_passwd")
            .args(["-b", "-c"])
            .arg(&passwords)
            .args([USER, PASSWORD])
            .output()
            .expect("mosquitto_passwd runs: it comes with mosquitto (make setup)");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\npersistence false\nuser root\n",
            passwords.display()
        );
        std::fs::write(folder.path().join("mosquitto.conf"), config).expect("a configuration");
        Self { child: None, folder, port }
    }

    pub fn up(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log");
        let child = Command::new(mosquitto())
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("mosquitto runs (make setup installs it)");
        self.child = Some(child);
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "mosquitto does not answer: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn down(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("it ends");
        }
    }

    /// How a subscriber of the tests connects.
    pub fn plan(&self) -> MqttPlan {
        let credentials = Credentials { username: USER.into(), password: Secret::new(PASSWORD.into()) };
        MqttPlan {
            host: "127.0.0.1".into(),
            port: self.port,
            tls: None,
            credentials: Some(credentials),
            prefix: "test".into(),
            node: "box".into(),
            detections: false,
            outbox: sightline_core::outbox::OutboxPlan::default(),
        }
    }

    /// The `mqtt` section of a pipeline file.
    pub fn yaml(&self) -> String {
        format!(
            "mqtt: {{url: \"mqtt://127.0.0.1:{}\", username: {USER}, password: \"{PASSWORD}\", prefix: test, node: box, detections: true}}\n",
            self.port
        )
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.down();
    }
}

/// A port below the range that outgoing connections and servers take theirs from (32768 and up): while nobody listens
/// at it, nobody else gets it. Never the same one twice in this process.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Another process of this kind begins elsewhere.
        let nth = std::process::id().wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(nth % 12_000).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Debian puts it where a user's PATH does not look.
fn mosquitto() -> PathBuf {
    let usual = Path::new("/usr/sbin/mosquitto");
    if usual.exists() { usual.into() } else { "mosquitto".into() }
}
