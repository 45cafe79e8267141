//! The peer's stream: pictures at their times, as the script wants them.

use std::{
    io::Write,
    net::{TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use super::{
    super::clip::{CLOCK_RATE, Picture},
    Leave, Sending, Shared,
};

const SSRC: [u8; 4] = [0x51, 0x67, 0x71, 0x3E];
const REPORT_EVERY: Duration = Duration::from_millis(500);
const NTP_TO_UNIX_SECS: u64 = 2_208_988_800;

/// Where packets go.
pub enum Channel {
    /// Channels 0 and 1 of the RTSP connection (RFC 2326, 10.12).
    Interleaved(Arc<Mutex<TcpStream>>),
    Udp {
        rtp: UdpSocket,
        rtcp: UdpSocket,
    },
}

/// A stream that was set up.
pub struct Track {
    channel: Channel,
    is_stopped: AtomicBool,
}

impl Track {
    pub fn new(channel: Channel) -> Self {
        Self { channel, is_stopped: AtomicBool::new(false) }
    }

    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
    }

    /// Errors say that the client is gone, which the connection's reader notices, too.
    fn send(&self, is_rtcp: bool, packet: &[u8]) {
        let _ = match &self.channel {
            Channel::Interleaved(connection) => {
                let mut framed = vec![b'$', u8::from(is_rtcp)];
                framed.extend(u16::try_from(packet.len()).unwrap().to_be_bytes());
                framed.extend(packet);
                connection.lock().unwrap().write_all(&framed)
            }
            Channel::Udp { rtp, rtcp } => (if is_rtcp { rtcp } else { rtp }).send(packet).map(|_| ()),
        };
    }
}

/// Sends until the track is stopped or the peer leaves.
pub fn play(track: &Track, shared: &Shared) {
    let mut picture = 0;
    let mut time: u32 = 0x1234_0000;
    let mut sequence: u16 = 65_000;
    let mut random = fastrand::Rng::with_seed(4711);
    let mut due = Instant::now();
    let mut next_report = due;
    while !track.is_stopped.load(Ordering::SeqCst) && !shared.is_over() {
        let script = shared.script();
        if script.swallows_udp && matches!(track.channel, Channel::Udp { .. }) {
            return;
        }
        match shared.left() {
            None => {}
            Some(Leave::Bye) => return track.send(true, &[report(time), bye()].concat()),
            Some(_) => return,
        }
        if script.reports && next_report <= due {
            track.send(true, &report(time));
            next_report = due + REPORT_EVERY;
        }
        let pictures = &script.clip.pictures;
        let packets = stamped(&pictures[picture % pictures.len()], time, &mut sequence);
        for packet in changed(packets, script.sending, &mut random) {
            track.send(false, &packet);
        }
        picture += 1;
        time = time.wrapping_add(CLOCK_RATE / script.pictures_per_second);
        due += Duration::from_secs(1) / script.pictures_per_second;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// The picture's packets with their place in this stream.
fn stamped(picture: &Picture, time: u32, sequence: &mut u16) -> Picture {
    let mut packets = picture.clone();
    for packet in &mut packets {
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
        packet[4..8].copy_from_slice(&time.to_be_bytes());
        packet[8..12].copy_from_slice(&SSRC);
        *sequence = sequence.wrapping_add(1);
    }
    packets
}

fn changed(mut packets: Picture, sending: Sending, random: &mut fastrand::Rng) -> Picture {
    const RTP_HEADER: usize = 12;
    match sending {
        Sending::Nothing => return Vec::new(),
        Sending::Video => {}
        Sending::Noise => packets.iter_mut().for_each(|packet| random.fill(&mut packet[RTP_HEADER..])),
        Sending::Truncated => {
            packets.iter_mut().for_each(|packet| packet.truncate(RTP_HEADER + 4));
        }
        Sending::Lossy { every } => {
            packets.retain(|packet| usize::from(u16::from_be_bytes([packet[2], packet[3]])) % every != 0);
            packets.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        }
    }
    packets
}

/// A sender report of now (RFC 3550, 6.4.1).
fn report(time: u32) -> Vec<u8> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
    let ntp = (now.as_secs() + NTP_TO_UNIX_SECS) << 32 | fraction;
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(SSRC);
    packet.extend(ntp.to_be_bytes());
    packet.extend(time.to_be_bytes());
    packet.extend([0; 8]);
    packet
}

/// RFC 3550, 6.6.
fn bye() -> Vec<u8> {
    [&[0x81, 203, 0, 1][..], &SSRC].concat()
}
