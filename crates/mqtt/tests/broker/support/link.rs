//! A TCP proxy in front of a broker, that spoils what goes through it or keeps it out. Also that of the scenarios in
//! `tests/`.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{
        mpsc::{self, Receiver, Sender},
        watch,
    },
    task::{JoinHandle, JoinSet},
    time::Instant,
};

use super::broker::free_port;

/// Chunks or packets of a direction that are held at most; then whoever sends feels it.
const IN_BETWEEN: usize = 32;
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
    /// Each way takes so much longer.
    Late(Duration),
    /// Connections are taken and held, and nothing goes through them.
    Stalled,
}

pub struct Link {
    pub port: u16,
    target: u16,
    fault: watch::Sender<Fault>,
    relay: Option<JoinHandle<()>>,
}

impl Link {
    pub async fn to(target: u16, fault: Fault) -> Self {
        let mut link = Self::closed(target);
        link.set(fault);
        link.open().await;
        link
    }

    /// Connections are refused, as by a broker that is away.
    pub fn closed(target: u16) -> Self {
        Self { port: free_port(), target, fault: watch::Sender::new(Fault::None), relay: None }
    }

    pub async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        let (target, fault) = (self.target, self.fault.clone());
        let relay = async move {
            // Dropped with this task: what goes through it ends with the link.
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                connections.spawn(connection(near, target, fault.subscribe()));
            }
        };
        self.relay = Some(tokio::spawn(relay));
    }

    /// Cuts all connections, in the middle of whatever they carry, and takes no other.
    pub async fn close(&mut self) {
        if let Some(relay) = self.relay.take() {
            relay.abort();
            // Ends with the error of having been aborted; then the port is free.
            let _ = relay.await;
        }
    }

    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(relay) = self.relay.take() {
            relay.abort();
        }
    }
}

async fn connection(mut near: TcpStream, target: u16, fault: watch::Receiver<Fault>) {
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let (from_client, to_client) = near.split();
    let (from_broker, to_broker) = far.split();
    let (requests_read, requests) = mpsc::channel(IN_BETWEEN);
    let (answers_read, answers) = mpsc::channel(IN_BETWEEN);
    // Either ends when one side is cut.
    let is_reset = tokio::select! {
        outcome = async { tokio::try_join!(read(from_client, requests_read), forward(requests, to_broker, fault.clone())) }
            => outcome.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset),
        _ = async { tokio::try_join!(read_packets(from_broker, answers_read), answer(answers, to_client, fault.clone())) }
            => false,
    };
    if is_reset {
        near.set_zero_linger().unwrap();
        far.set_zero_linger().unwrap();
    }
}

/// What arrived, and when: it is read before its time to go on, so that latency costs no throughput.
type Arrival = (Instant, Vec<u8>);

/// What the client sends, as it comes.
async fn read(mut from: impl AsyncRead + Unpin, arrivals: Sender<Arrival>) -> io::Result<()> {
    let mut buffer = [0; 2048];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Ok(()),
            read if arrivals.send((Instant::now(), buffer[..read].to_vec())).await.is_err() => return Ok(()),
            _ => {}
        }
    }
}

/// What the broker sends, packet by packet.
async fn read_packets(mut from: impl AsyncRead + Unpin, arrivals: Sender<Arrival>) -> io::Result<()> {
    while arrivals.send((Instant::now(), packet(&mut from).await?)).await.is_ok() {}
    Ok(())
}

/// From the client to the broker. Fails with a reset when it is to end in one.
async fn forward(
    mut arrivals: Receiver<Arrival>,
    mut broker: impl AsyncWrite + Unpin,
    mut fault: watch::Receiver<Fault>,
) -> io::Result<()> {
    let mut forwarded = 0;
    while let Some((at, bytes)) = arrivals.recv().await {
        let now = wait_for_its_turn(at, &mut fault).await;
        let passed = match now {
            Fault::ResetAfter(limit) => bytes.len().min(limit.saturating_sub(forwarded)),
            _ => bytes.len(),
        };
        broker.write_all(&bytes[..passed]).await?;
        forwarded += passed;
        match now {
            Fault::ResetAfter(limit) if forwarded >= limit => return Err(io::ErrorKind::ConnectionReset.into()),
            Fault::Slow(per_second) => {
                tokio::time::sleep(Duration::from_secs(1).mul_f64(passed as f64 / f64::from(per_second))).await;
            }
            _ => {}
        }
    }
    Ok(())
}

/// From the broker to the client.
async fn answer(
    mut arrivals: Receiver<Arrival>,
    mut client: impl AsyncWrite + Unpin,
    mut fault: watch::Receiver<Fault>,
) -> io::Result<()> {
    while let Some((at, packet)) = arrivals.recv().await {
        let now = wait_for_its_turn(at, &mut fault).await;
        let is_swallowed = packet[0] >> 4 == PUBACK && now == Fault::SwallowAcknowledgements;
        if !is_swallowed {
            client.write_all(&packet).await?;
        }
    }
    Ok(())
}

/// Waits as the fault wants it; the fault at the end.
async fn wait_for_its_turn(arrived: Instant, fault: &mut watch::Receiver<Fault>) -> Fault {
    // A link that is gone lets nothing through either: its connections are about to be cut.
    let now = fault.wait_for(|fault| *fault != Fault::Stalled).await.map(|fault| *fault);
    let Ok(now) = now else { return std::future::pending().await };
    if let Fault::Late(by) = now {
        tokio::time::sleep_until(arrived + by).await;
    }
    now
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
