//! The encoded packets of a camera's last seconds, so that a recording can begin before its event.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use gstreamer as gst;

/// One encoded picture as it came, referred to and not copied.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The picture.
    pub buffer: gst::Buffer,
    /// When it is shown, in nanoseconds of running time.
    pub pts: i64,
    /// When it is decoded, in the same; where the stream says so.
    pub dts: Option<i64>,
    /// When it was received.
    pub arrived: Instant,
    /// It can be decoded without any other.
    pub is_key: bool,
}

/// Packets in the order received, beginning with a key frame. Bounded by time and by bytes; whole groups of pictures (a key
/// frame and what follows it until the next one) are dropped, oldest first, because what refers to a dropped key frame is
/// of no use.
#[derive(Debug)]
pub struct Ring {
    packets: VecDeque<Packet>,
    /// Number of packets in each group of pictures, oldest first.
    groups: VecDeque<usize>,
    bytes: usize,
    keep: Duration,
    most_bytes: usize,
}

impl Ring {
    /// Keeps packets for `keep` and back to the key frame before that, but never more than `most_bytes`.
    pub fn new(keep: Duration, most_bytes: usize) -> Self {
        Self { packets: VecDeque::new(), groups: VecDeque::new(), bytes: 0, keep, most_bytes }
    }

    /// Takes in the newest packet. Without a key frame to refer to it is of no use and not kept.
    pub fn push(&mut self, packet: Packet) {
        let newest = packet.arrived;
        if packet.is_key {
            self.groups.push_back(0);
        }
        let Some(group) = self.groups.back_mut() else { return };
        *group += 1;
        self.bytes += packet.buffer.size();
        self.packets.push_back(packet);

        while self.bytes > self.most_bytes || self.oldest_group_is_not_needed(newest) {
            self.drop_oldest_group();
        }
    }

    /// Whether what is to be kept begins in a later group.
    fn oldest_group_is_not_needed(&self, newest: Instant) -> bool {
        let next_key = self.groups.front().and_then(|&length| self.packets.get(length));
        next_key.is_some_and(|key| newest.saturating_duration_since(key.arrived) >= self.keep)
    }

    fn drop_oldest_group(&mut self) {
        let length = self.groups.pop_front().unwrap_or_default();
        let dropped: usize = self.packets.drain(..length).map(|packet| packet.buffer.size()).sum();
        self.bytes -= dropped;
    }

    /// Forgets everything: what comes does not go on from what was.
    pub fn clear(&mut self) {
        self.packets.clear();
        self.groups.clear();
        self.bytes = 0;
    }

    /// From the last key frame that was received at `from` or before; from the oldest one when all are later.
    pub fn since(&self, from: Instant) -> impl Iterator<Item = &Packet> {
        let mut begin = 0;
        let mut key = 0;
        for length in &self.groups {
            if self.packets.get(key).is_some_and(|packet| packet.arrived > from) {
                break;
            }
            begin = key;
            key += length;
        }
        self.packets.range(begin..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Ten packets a second of 100 bytes, a key frame every second, numbered by their PTS.
    fn packet(start: Instant, number: i64) -> Packet {
        gst::init().unwrap();
        Packet {
            buffer: gst::Buffer::from_slice([0u8; 100]),
            pts: number,
            dts: None,
            arrived: start + SECOND / 10 * u32::try_from(number).unwrap(),
            is_key: number % 10 == 0,
        }
    }

    fn filled(keep: Duration, most_bytes: usize, count: i64) -> (Ring, Instant) {
        let start = Instant::now();
        let mut ring = Ring::new(keep, most_bytes);
        (0..count).for_each(|number| ring.push(packet(start, number)));
        (ring, start)
    }

    fn first_since(ring: &Ring, from: Instant) -> Option<i64> {
        ring.since(from).next().map(|packet| packet.pts)
    }

    #[test]
    fn time_is_kept_and_back_to_the_key_frame_before_it() {
        let (ring, start) = filled(3 * SECOND, usize::MAX, 58);
        // The newest came at 5.7 s, so the key frame of 2 s is the last one at or before 2.7 s.
        assert_eq!(first_since(&ring, start), Some(20));
        assert_eq!(ring.packets.len(), 38);
        assert_eq!(ring.bytes, 3800);
    }

    #[test]
    fn a_recording_begins_at_the_last_key_frame_before_its_moment() {
        let (ring, start) = filled(30 * SECOND, usize::MAX, 58);
        for (millis, first) in [(0, 0), (999, 0), (1000, 10), (2500, 20), (5000, 50), (9000, 50)] {
            let from = start + Duration::from_millis(millis);
            assert_eq!(first_since(&ring, from), Some(first), "{millis} ms");
        }
        assert_eq!(ring.since(start + 5 * SECOND).count(), 8);
    }

    #[test]
    fn bytes_are_bounded_by_dropping_whole_groups() {
        let start = Instant::now();
        let mut ring = Ring::new(60 * SECOND, 2500);
        for number in 0..200 {
            ring.push(packet(start, number));
            assert!(ring.bytes <= 2500, "{} bytes", ring.bytes);
            assert!(ring.packets.front().is_some_and(|packet| packet.is_key));
            assert_eq!(ring.packets.len(), ring.groups.iter().sum::<usize>());
        }
        assert_eq!(first_since(&ring, start), Some(180));
    }

    #[test]
    fn a_group_that_is_too_large_alone_is_dropped_and_the_next_one_kept() {
        let start = Instant::now();
        let mut ring = Ring::new(60 * SECOND, 750);
        (0..10).for_each(|number| ring.push(packet(start, number)));
        assert_eq!((ring.packets.len(), ring.bytes), (0, 0), "the last ones refer to what is gone");
        (10..15).for_each(|number| ring.push(packet(start, number)));
        assert_eq!(first_since(&ring, start), Some(10));
    }

    #[test]
    fn nothing_is_kept_before_the_first_key_frame_and_after_forgetting() {
        let (mut ring, start) = filled(3 * SECOND, usize::MAX, 15);
        ring.clear();
        ring.push(packet(start, 15));
        assert_eq!(first_since(&ring, start), None);
        ring.push(packet(start, 20));
        assert_eq!(first_since(&ring, start), Some(20));
    }
}
