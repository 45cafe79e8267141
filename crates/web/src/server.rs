//! The server: listens, accepts so many connections at a time, stops.

use std::{
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use sightline_core::operations::Operations;
use tokio::{net::TcpListener, runtime::Handle, sync::watch, task::JoinSet};
use tracing::{info, warn};

use crate::{Limits, WebError, WebSettings, access::Access, connection, routes};

/// Pause after a failed accept: mostly there are no file descriptors left, and somebody has to close one first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The running operations endpoint. Dropping it cuts every connection off.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    /// The one task that accepts and owns the connections; in a set because a set aborts what is left on its drop.
    acceptor: JoinSet<()>,
}

impl Server {
    /// Listens from now on, and answers on `runtime`'s threads out of `operations`.
    ///
    /// # Errors
    /// When `settings` are refused by [`WebSettings::check`], or the address is not to be had.
    pub fn start(settings: WebSettings, operations: Arc<dyn Operations>, runtime: &Handle) -> Result<Self, WebError> {
        Self::start_within(Limits::default(), settings, operations, runtime)
    }

    /// [`Server::start`] with other limits than the documented ones.
    ///
    /// # Errors
    /// The same.
    pub fn start_within(
        limits: Limits,
        settings: WebSettings,
        operations: Arc<dyn Operations>,
        runtime: &Handle,
    ) -> Result<Self, WebError> {
        settings.check()?;
        let (listener, address) = listen(settings.address, runtime)?;
        let (access, who) = match settings.token {
            Some(token) => (Access::Token(token), "whoever shows the token"),
            None => (Access::ThisMachine, "programs on this machine"),
        };
        let routes = routes::router(access, operations, limits);
        let (stop, stopped) = watch::channel(false);
        let mut acceptor = JoinSet::new();
        acceptor.spawn_on(accept(listener, routes, limits, stopped), runtime);
        info!("operations endpoint: http://{address} answers {who}");
        Ok(Self { address, stop, acceptor })
    }

    /// Where it listens; with the port that was given for port 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nobody from now on, and lets requests come to their end until `deadline` has passed. Whether all did; the
    /// others were cut off.
    pub async fn stop(mut self, deadline: Duration) -> bool {
        // No receiver is left only when the task has ended already.
        let _ = self.stop.send(true);
        tokio::time::timeout(deadline, self.acceptor.join_next()).await.is_ok()
    }
}

fn listen(address: SocketAddr, runtime: &Handle) -> Result<(TcpListener, SocketAddr), WebError> {
    let _inside = runtime.enter();
    let listener = StdListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        Ok((TcpListener::from_std(listener)?, bound))
    });
    listener.map_err(|cause| WebError::Listen { address, cause: cause.to_string() })
}

/// Accepts connections, at most so many at a time, until told to stop; then waits for those that are there.
async fn accept(listener: TcpListener, routes: Router, limits: Limits, stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut health = Health::default();
    let mut stop = stopped.clone();
    loop {
        health.has_places(connections.len(), limits.connections);
        tokio::select! {
            () = connection::stop_requested(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < limits.connections => match accepted {
                Ok((stream, _)) => {
                    health.accepts();
                    connections.spawn(connection::serve(stream, routes.clone(), limits, stopped.clone()));
                }
                Err(cause) => {
                    health.cannot_accept(&cause);
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// What was last told about the endpoint, so that each change is told once.
#[derive(Default)]
struct Health {
    is_full: bool,
    is_failing: bool,
}

impl Health {
    /// Told as full when the last place is taken, and forgotten only when half of them are free again.
    fn has_places(&mut self, taken: usize, most: usize) {
        if taken >= most && !self.is_full {
            self.is_full = true;
            warn!("operations endpoint: all {most} connections are taken, others wait; who holds them, `ss -tn` shows");
        } else if taken <= most / 2 {
            self.is_full = false;
        }
    }

    fn cannot_accept(&mut self, cause: &std::io::Error) {
        if !self.is_failing {
            self.is_failing = true;
            warn!("operations endpoint: cannot accept connections: {cause}; trying on");
        }
    }

    fn accepts(&mut self) {
        if self.is_failing {
            self.is_failing = false;
            info!("operations endpoint: accepts connections again");
        }
    }
}
