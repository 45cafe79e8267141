//! A TCP relay in front of a broker: keeps the publisher out until the subscriber is back.

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

use super::broker::{free_port, is_free};

pub struct Gate {
    pub port: u16,
    target: u16,
    relay: Option<AbortHandle>,
}

impl Gate {
    /// Closed: connections are refused.
    pub fn new(target: u16) -> Self {
        Self { port: free_port(), target, relay: None }
    }

    pub async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let target = self.target;
        let relay = async move {
            // Dropped with this task: closing the gate cuts what goes through it.
            let mut connections = JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                connections.spawn(async move {
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", target)).await else { return };
                    near.set_nodelay(true).unwrap();
                    far.set_nodelay(true).unwrap();
                    // Ends with an error when either side is cut, which is the point.
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        };
        self.relay = Some(tokio::spawn(relay).abort_handle());
    }

    pub async fn close(&mut self) {
        if let Some(relay) = self.relay.take() {
            relay.abort();
        }
        // Aborting takes effect when the runtime next looks at the task.
        let port = self.port;
        super::until("the gate to close", || is_free(port)).await;
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(relay) = self.relay.take() {
            relay.abort();
        }
    }
}
