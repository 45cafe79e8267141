//! Video as RTP packets for [`super::peer::Peer`], from what the simulated cameras send.

use std::time::Duration;

use sightline_media::VideoWriter;
use sightline_sim::clip::{Clip as Encoded, ClipOptions};

pub const FPS: u32 = 15;
pub const CLOCK_RATE: u32 = 90_000;

/// Bytes of a packet behind its header.
const PAYLOAD: usize = 1200;
/// Of RTP (RFC 3550, 5.1): version 2, payload type 96. Sequence number, time and SSRC are the player's.
const HEADER: [u8; 12] = [0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const MARKER: u8 = 0x80;
/// A fragment of a unit that is larger than a packet (RFC 6184, 5.8).
const FU_A: u8 = 28;

/// RTP packets of one picture, without a meaning of their sequence numbers, times and SSRC.
pub type Picture = Vec<Vec<u8>>;

/// Video that begins with a key frame.
pub struct Clip {
    /// `H264`, as an SDP names it.
    pub encoding_name: &'static str,
    pub pictures: Vec<Picture>,
}

impl Clip {
    /// A pattern that moves, two seconds of it.
    pub fn h264(width: u32, height: u32) -> Self {
        Self::drawn(width, height, |x, y, time| ((x + 5 * time) ^ (y + 3 * time)) as u8)
    }

    /// A black picture, for two seconds.
    pub fn black(width: u32, height: u32) -> Self {
        Self::drawn(width, height, |_, _, _| 0)
    }

    /// One picture of the moving pattern, as often as it is wanted.
    pub fn still(width: u32, height: u32) -> Self {
        let moving = Self::h264(width, height);
        Self { pictures: moving.pictures.into_iter().take(1).collect(), ..moving }
    }

    /// `grey` is a pixel's value by column, row and number of the picture.
    fn drawn(width: u32, height: u32, grey: impl Fn(u32, u32, u32) -> u8) -> Self {
        sightline_media::init().expect("GStreamer starts");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("drawn.mp4");
        let mut writer = VideoWriter::create(&path, width, height, f64::from(FPS)).expect("a video");
        for time in 0..2 * FPS {
            let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            let rgb: Vec<u8> = pixels.flat_map(|(x, y)| [grey(x, y, time); 3]).collect();
            writer.write(&rgb, Duration::from_secs(1) * time / FPS).expect("a picture");
        }
        writer.finish().expect("a whole video");
        let encoded = Encoded::from_video(&path, &ClipOptions::default()).expect("an encoded video");
        let units = encoded.access_units().expect("its frames");
        Self { encoding_name: "H264", pictures: units.iter().map(|unit| packets(unit)).collect() }
    }
}

/// A picture's packets (RFC 6184): each unit of H.264 as it is, or in fragments.
fn packets(picture: &[u8]) -> Picture {
    let mut packets: Picture = Vec::new();
    let mut send = |payload: &[&[u8]]| packets.push([&HEADER[..], &payload.concat()].concat());
    for unit in units(picture) {
        if unit.len() <= PAYLOAD {
            send(&[unit]);
            continue;
        }
        let (head, body) = (unit[0], &unit[1..]);
        let last = body.chunks(PAYLOAD).len() - 1;
        for (index, chunk) in body.chunks(PAYLOAD).enumerate() {
            let (is_first, is_last) = (index == 0, index == last);
            let fragment = u8::from(is_first) << 7 | u8::from(is_last) << 6 | head & 0x1F;
            send(&[&[head & 0xE0 | FU_A, fragment], chunk]);
        }
    }
    packets.last_mut().expect("a picture is not empty")[1] |= MARKER;
    packets
}

/// The units between start codes (H.264, annex B).
fn units(picture: &[u8]) -> Vec<&[u8]> {
    let code = [0, 0, 1];
    let starts: Vec<usize> =
        picture.windows(3).enumerate().filter(|(_, bytes)| *bytes == code).map(|(at, _)| at + 3).collect();
    let ends = starts.iter().skip(1).map(|next| next - 3).chain([picture.len()]);
    // A start code of four bytes leaves its first, and a unit never ends in zero.
    let unit = |(&start, end): (&usize, usize)| {
        let zeros = picture[start..end].iter().rev().take_while(|byte| **byte == 0).count();
        &picture[start..end - zeros]
    };
    starts.iter().zip(ends).map(unit).collect()
}

#[test]
fn units_are_found_and_large_ones_are_cut() {
    let large = [&[0x65][..], &[7; 2 * PAYLOAD + 10]].concat();
    let picture = [&[0, 0, 0, 1, 9, 16, 0, 0, 1][..], &large, &[0, 0, 0, 1, 0x41, 5]].concat();
    assert_eq!(units(&picture), [&[9, 16][..], &large, &[0x41, 5]]);
    let packets = packets(&picture);
    let heads: Vec<_> = packets.iter().map(|packet| (packet[1], packet[12], packet[13], packet.len())).collect();
    let full = 14 + PAYLOAD;
    let expected = [
        (96, 9, 16, 14),
        (96, 0x7C, 0x85, full),
        (96, 0x7C, 0x05, full),
        (96, 0x7C, 0x45, 24),
        (96 | MARKER, 0x41, 5, 14),
    ];
    assert_eq!(heads, expected);
}
