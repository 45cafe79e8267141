//! A server on a port of its own, and a client that trusts nothing.

mod client;
mod daemon;
pub mod exposition;
mod log;
mod plan;

use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use sightline_core::secret::Secret;
use sightline_web::{Limits, Server, WebSettings};
use tokio::runtime::Runtime;

pub use client::{Answer, exchange, receive};
pub use daemon::{Daemon, Method, camera};
pub use log::log;
pub use plan::{CAMERA_PASSWORD, plan};

/// The token of every test that has one. No answer and no log line may hold it: [`Endpoint`] looks at each answer.
pub const TOKEN: &str = "canary-0123456789";

/// So long a test waits for what has to happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running endpoint in front of a [`Daemon`].
pub struct Endpoint {
    pub daemon: Arc<Daemon>,
    pub address: SocketAddr,
    server: Option<Server>,
    runtime: Option<Runtime>,
}

impl Endpoint {
    /// For programs on this machine.
    pub fn open() -> Self {
        Self::start(None, Limits::default())
    }

    /// For whoever shows the token.
    pub fn with_token() -> Self {
        Self::start(Some(TOKEN), Limits::default())
    }

    pub fn within(limits: Limits) -> Self {
        Self::start(None, limits)
    }

    fn start(token: Option<&str>, limits: Limits) -> Self {
        log();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let daemon = Arc::new(Daemon::default());
        let address = "127.0.0.1:0".parse().unwrap();
        let settings = WebSettings { address, token: token.map(|token| Secret::new(token.into())) };
        let server = Server::start_within(limits, settings, Arc::clone(&daemon) as _, runtime.handle()).unwrap();
        Self { daemon, address: server.address(), server: Some(server), runtime: Some(runtime) }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// A request with a body of no length, and with these headers beside `Host`.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let own_host = self.address.to_string();
        let has_host = headers.iter().any(|(name, _)| *name == "Host");
        let mut request = format!("{method} {path} HTTP/1.1\r\n");
        let host = if has_host { None } else { Some(("Host", own_host.as_str())) };
        for (name, value) in host.iter().chain(headers) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let answer = exchange(self.address, format!("{request}\r\n").as_bytes());
        answer.unwrap_or_else(|| panic!("no answer to {method} {path} {headers:?}"))
    }

    /// A connection on which nothing was sent yet.
    pub fn connect(&self) -> TcpStream {
        client::connect(self.address)
    }

    /// Stops the server; whether every request came to its end in time.
    pub fn stop(&mut self, deadline: Duration) -> bool {
        let server = self.server.take().expect("it is stopped once");
        self.runtime.as_ref().unwrap().block_on(server.stop(deadline))
    }

    /// Drops the server; the runtime that it ran on goes on.
    pub fn drop_server(&mut self) {
        self.server = None;
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // A test that failed may have left calls blocked: nobody waits for their threads.
        self.daemon.release();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Waits until `condition` holds.
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < until, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
