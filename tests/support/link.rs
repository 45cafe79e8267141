//! The daemon's way to the broker, which can be cut and mended while the tests' own subscriber stays connected: what
//! the subscriber misses is then really lost.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::{DEADLINE, broker::free_port};

pub struct Link {
    pub port: u16,
    broker: u16,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    /// Nobody listens while it is cut: connections are refused as by a broker that is away.
    is_up: bool,
    streams: Vec<TcpStream>,
}

impl Link {
    /// A link that is cut.
    pub fn cut(broker: u16) -> Self {
        Self { port: free_port(), broker, open: Arc::default() }
    }

    pub fn mend(&self) {
        let until = Instant::now() + DEADLINE;
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", self.port)) {
                Ok(listener) => break listener,
                // The thread of a link that was broken off is still about to free the port.
                Err(error) => assert!(Instant::now() < until, "the link's port: {error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        self.open.lock().expect("no panic").is_up = true;
        let (open, broker) = (self.open.clone(), self.broker);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut open = open.lock().expect("no panic");
                if !open.is_up {
                    return;
                }
                let server = TcpStream::connect(("127.0.0.1", broker)).expect("the broker is there");
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
                    std::thread::spawn(move || copy(from, to));
                }
                open.streams.extend([client, server]);
            }
        });
    }

    /// Cuts all connections, in the middle of whatever they carry.
    pub fn break_off(&self) {
        let mut open = self.open.lock().expect("no panic");
        open.is_up = false;
        for stream in open.streams.drain(..) {
            // The other side may have closed it already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(open);
        // Wakes the listener, which sees that it is no longer wanted and frees the port.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
