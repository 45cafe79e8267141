//! One mosquitto on a port of its own, that can be killed, frozen and started again.

use std::{
    fmt::Write as _,
    fs::OpenOptions,
    hash::{BuildHasher, Hasher, RandomState},
    io::Write as _,
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sightline_core::{
    plan::{MqttPlan, MqttTls},
    secret::{Credentials, Secret},
};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use super::{PATIENCE, certificates::Certificates};

pub const USER: &str = "edge";
/// Looked for in everything that is written anywhere: it must not be there.
pub const PASSWORD: &str = "canary-7f3d-sesame";

/// What the broker asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Anonymous,
    Password,
    Tls,
    TlsWithClientCertificate,
}

pub struct Broker {
    pub port: u16,
    pub directory: TempDir,
    process: Option<Child>,
}

impl Broker {
    pub fn start(access: Access) -> Self {
        let mut broker = Self::prepared(access, None);
        broker.restart();
        broker
    }

    pub fn start_tls(access: Access, certificates: &Certificates) -> Self {
        let mut broker = Self::prepared(access, Some(certificates));
        broker.restart();
        broker
    }

    /// Configured, not started.
    pub fn prepared(access: Access, certificates: Option<&Certificates>) -> Self {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let port = free_port();
        // `user root`: else mosquitto started as root becomes another user, who cannot read this directory.
        // No limits: what the broker itself drops is not what these tests are about.
        let mut config = format!(
            "user root\nlistener {port} 127.0.0.1\nset_tcp_nodelay true\nmax_inflight_messages 0\n\
             max_queued_messages 0\nlog_dest file {}\n",
            path("mosquitto.log")
        );
        let is_open = access != Access::Password;
        writeln!(config, "allow_anonymous {is_open}").unwrap();
        if let Some(certificates) = certificates {
            let file = |name: &str| certificates.path(name).display().to_string();
            let (ca, certificate, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
            writeln!(config, "cafile {ca}\ncertfile {certificate}\nkeyfile {key}").unwrap();
            writeln!(config, "require_certificate {}", access == Access::TlsWithClientCertificate).unwrap();
        }
        std::fs::write(directory.path().join("mosquitto.conf"), config).unwrap();
        let broker = Self { port, directory, process: None };
        if access == Access::Password {
            broker.know_user();
        }
        broker
    }

    /// One more line of its configuration, for the next start. `{}` stands for its directory.
    pub fn configure(&self, line: &str) {
        let line = line.replace("{}", &self.directory.path().display().to_string());
        let mut config = OpenOptions::new().append(true).open(self.directory.path().join("mosquitto.conf")).unwrap();
        writeln!(config, "{line}").unwrap();
    }

    /// [`USER`] has [`PASSWORD`] from the next start on.
    pub fn know_user(&self) {
        self.set_password(PASSWORD);
        self.configure("password_file {}/passwords");
    }

    /// [`USER`] has another password from the next start on.
    pub fn set_password(&self, password: &str) {
        let passwords = self.directory.path().join("passwords").display().to_string();
        let made = Command::new("mosquitto_passwd").args(["-b", "-c", &passwords, USER, password]).output();
        assert!(made.unwrap().status.success());
    }

    /// SIGTERM: it saves what it is to save.
    pub fn stop(&mut self) {
        self.signal("TERM");
        if let Some(mut process) = self.process.take() {
            process.wait().unwrap();
        }
    }

    /// Starts it and waits until it listens.
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "it runs already");
        let config = self.directory.path().join("mosquitto.conf");
        let null = Stdio::null;
        let mut command = Command::new("/usr/sbin/mosquitto");
        command.arg("-c").arg(config).stdin(null()).stdout(null()).stderr(null());
        let mut process = command.spawn().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = process.try_wait().unwrap() {
                panic!("mosquitto ended with {status}: {}", self.log());
            }
            assert!(Instant::now() < deadline, "mosquitto does not listen: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        self.process = Some(process);
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("mosquitto.log")).unwrap_or_default()
    }

    /// SIGKILL: no goodbye, nothing saved.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// SIGSTOP: the kernel goes on acknowledging TCP, the broker does nothing.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let id = self.process.as_ref().unwrap().id();
        // The shell's own `kill`: a minimal Debian has no other.
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().unwrap();
        assert!(status.success());
    }

    pub fn plan(&self) -> MqttPlan {
        plan(self.port)
    }

    pub fn plan_with_login(&self, password: &str) -> MqttPlan {
        let credentials = Credentials { username: USER.into(), password: Secret::new(password.into()) };
        MqttPlan { credentials: Some(credentials), ..self.plan() }
    }

    pub fn plan_with_tls(&self, tls: MqttTls) -> MqttPlan {
        MqttPlan { tls: Some(tls), ..self.plan() }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A plan without login or TLS for a broker at `port` of this machine.
pub fn plan(port: u16) -> MqttPlan {
    MqttPlan {
        host: "127.0.0.1".into(),
        port,
        tls: None,
        credentials: None,
        prefix: "sightline".into(),
        node: "box-7".into(),
        detections: true,
        outbox: sightline_core::outbox::OutboxPlan::default(),
    }
}

/// A port below the range that outgoing connections take theirs from (32768 and up): between a kill and a restart
/// nobody else gets it. Never the same one twice in this process.
pub fn free_port() -> u16 {
    static FIRST: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    loop {
        let nth = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + u16::try_from(FIRST.wrapping_add(nth) % 12_000).unwrap();
        if is_free(port) {
            return port;
        }
    }
}

/// Whether nobody listens on `port`. Without listening on it: a process that another test is just forking would hold
/// the listening socket for a moment longer.
pub fn is_free(port: u16) -> bool {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], port).into()).is_ok()
}
