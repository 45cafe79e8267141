//! An RTSP server of the tests' own that plays pre-encoded video and misbehaves on command.
//!
//! It speaks as much of RTSP 1.0 (RFC 2326) as a player needs, from scripts that can be changed while it runs. Also that
//! of the scenarios in `tests/`, which have no GStreamer of their own: hence what it sends is beside it, in `clip`.

mod connection;
mod player;

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::clip::{self, Clip};

/// What the peer does. Read anew for each request and each picture.
#[derive(Clone)]
pub struct Script {
    pub clip: Arc<Clip>,
    /// What DESCRIBE answers instead of a description of `clip`.
    pub description: Option<String>,
    /// Basic authentication with the tests' user, and this password.
    pub password: Option<String>,
    /// Requests of this method get no answer.
    pub mute_at: Option<&'static str>,
    pub sending: Sending,
    /// UDP streams are agreed to, and nothing is sent in them: a firewall.
    pub swallows_udp: bool,
    /// RTCP sender reports, two a second.
    pub reports: bool,
    pub pictures_per_second: u32,
}

/// What is sent as RTP.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// Nothing at all.
    Nothing,
    /// The clip.
    Video,
    /// Packets of the clip's size and of random bytes behind the RTP header.
    Noise,
    /// Of each packet only the beginning: what kind of unit it carries, and next to nothing of it.
    Truncated,
    /// The clip without every so manieth packet, and pairs of packets the other way round.
    Lossy { every: usize },
}

/// How the peer goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leave {
    /// RTCP BYE in the stream; the connection stays.
    Bye,
    /// The TCP connection is closed in order.
    Close,
    /// The TCP connection is reset.
    Reset,
    /// The connection stays, the stream stops, requests get no answer.
    Silence,
    /// Nothing of what the client sends is acknowledged any more: the machine is gone.
    Vanish,
}

/// Shared by the peer's threads.
struct Shared {
    script: Mutex<Script>,
    connections: Mutex<Vec<TcpStream>>,
    left: Mutex<Option<Leave>>,
    is_over: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
    requests: AtomicUsize,
}

impl Shared {
    fn script(&self) -> Script {
        self.script.lock().unwrap().clone()
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn left(&self) -> Option<Leave> {
        *self.left.lock().unwrap()
    }
}

/// A running peer. Dropping it ends all its threads.
pub struct Peer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Peer {
    /// `change` changes the script of a good camera.
    pub fn start(change: impl FnOnce(&mut Script)) -> Self {
        let mut script = Script {
            clip: Arc::new(Clip::h264(320, 180)),
            description: None,
            password: None,
            mute_at: None,
            sending: Sending::Video,
            swallows_udp: false,
            reports: true,
            pictures_per_second: clip::FPS,
        };
        change(&mut script);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            connections: Mutex::default(),
            left: Mutex::default(),
            is_over: AtomicBool::new(false),
            threads: Mutex::default(),
            requests: AtomicUsize::new(0),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared, acceptor: Some(acceptor) }
    }

    pub fn url(&self) -> String {
        format!("rtsp://{}/cam", self.address)
    }

    /// Changes what it does from now on.
    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.shared.script.lock().unwrap());
    }

    /// Leaves every connection that there is, and meets new ones in the same way until [`Peer::come_back`].
    pub fn leave(&self, how: Leave) {
        *self.shared.left.lock().unwrap() = Some(how);
        let connections = std::mem::take(&mut *self.shared.connections.lock().unwrap());
        for connection in connections {
            let connection = socket2::Socket::from(connection);
            match how {
                Leave::Bye | Leave::Silence => {}
                // It may be closed already, as this client's last connection is.
                Leave::Close => drop(connection.shutdown(std::net::Shutdown::Both)),
                // The last handle's closing sends RST instead of FIN then; the threads drop theirs when they notice.
                Leave::Reset => connection.set_linger(Some(Duration::ZERO)).unwrap(),
                Leave::Vanish => connection.attach_filter(&[drop_everything()]).unwrap(),
            }
        }
    }

    /// Serves new connections again after [`Peer::leave`].
    pub fn come_back(&self) {
        *self.shared.left.lock().unwrap() = None;
    }

    /// Requests received so far.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

/// The packet filter program `ret 0`: no segment reaches the socket, so none is acknowledged.
fn drop_everything() -> socket2::SockFilter {
    const RETURN_CONSTANT: u16 = 0x06;
    socket2::SockFilter::new(RETURN_CONSTANT, 0, 0, 0)
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        self.acceptor.take().unwrap().join().unwrap();
        for thread in std::mem::take(&mut *self.shared.threads.lock().unwrap()) {
            thread.join().unwrap();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((connection, _)) = listener.accept() {
        if shared.is_over() {
            return;
        }
        let serving = Arc::clone(shared);
        shared.connections.lock().unwrap().push(connection.try_clone().unwrap());
        let thread = std::thread::spawn(move || connection::serve(connection, &serving));
        shared.threads.lock().unwrap().push(thread);
    }
}
