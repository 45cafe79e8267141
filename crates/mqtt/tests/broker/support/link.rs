//! A TCP link to a broker that spoils what goes through it.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

/// Packet type in the first byte of a PUBACK (MQTT 3.1.1, 3.4.1).
const PUBACK: u8 = 4;

/// What it does, to connections that are open as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// No PUBACK comes back; everything else does.
    SwallowAcknowledgements,
    /// After so many bytes to the broker, counted on each connection, both sides get a reset.
    ResetAfter(usize),
    /// So many bytes a second go to the broker.
    Slow(u32),
}

pub struct Link {
    pub port: u16,
    fault: watch::Sender<Fault>,
    relay: AbortHandle,
}

impl Link {
    pub async fn to(target: u16, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (fault, what) = watch::channel(fault);
        let relay = tokio::spawn(async move {
            // Dropped with this task: what goes through it ends with the link.
            let mut connections = JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                connections.spawn(connection(near, target, what.clone()));
            }
        });
        Self { port, fault, relay: relay.abort_handle() }
    }

    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

async fn connection(mut near: TcpStream, target: u16, fault: watch::Receiver<Fault>) {
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let (from_client, to_client) = near.split();
    let (from_broker, to_broker) = far.split();
    // Either ends when one side is cut.
    let is_reset = tokio::select! {
        is_reset = requests(from_client, to_broker, &fault) => is_reset.unwrap_or(false),
        _ = answers(from_broker, to_client, &fault) => false,
    };
    if is_reset {
        near.set_zero_linger().unwrap();
        far.set_zero_linger().unwrap();
    }
}

/// From the client to the broker. `true` when it is to end in a reset.
async fn requests(
    mut client: impl AsyncRead + Unpin,
    mut broker: impl AsyncWrite + Unpin,
    fault: &watch::Receiver<Fault>,
) -> io::Result<bool> {
    let mut forwarded = 0;
    let mut buffer = [0; 2048];
    loop {
        let read = client.read(&mut buffer).await?;
        if read == 0 {
            return Ok(false);
        }
        let now = *fault.borrow();
        let passed = match now {
            Fault::ResetAfter(bytes) => read.min(bytes.saturating_sub(forwarded)),
            _ => read,
        };
        broker.write_all(&buffer[..passed]).await?;
        forwarded += passed;
        match now {
            Fault::ResetAfter(bytes) if forwarded >= bytes => return Ok(true),
            Fault::Slow(per_second) => {
                tokio::time::sleep(Duration::from_secs(1).mul_f64(passed as f64 / f64::from(per_second))).await;
            }
            _ => {}
        }
    }
}

/// From the broker to the client, packet by packet.
async fn answers(
    mut broker: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    fault: &watch::Receiver<Fault>,
) -> io::Result<()> {
    loop {
        let packet = packet(&mut broker).await?;
        let is_swallowed = packet[0] >> 4 == PUBACK && *fault.borrow() == Fault::SwallowAcknowledgements;
        if !is_swallowed {
            client.write_all(&packet).await?;
        }
    }
}

/// One MQTT packet (3.1.1, 2.2): its type, its remaining length in groups of seven bits, and so many bytes.
async fn packet(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut packet = vec![from.read_u8().await?];
    let mut remaining = 0;
    for group in 0..4 {
        let byte = from.read_u8().await?;
        packet.push(byte);
        remaining |= usize::from(byte & 0x7F) << (7 * group);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let head = packet.len();
    packet.resize(head + remaining, 0);
    from.read_exact(&mut packet[head..]).await?;
    Ok(packet)
}
