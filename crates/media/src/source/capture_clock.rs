//! When the camera took a frame: its own clock by RTCP sender reports, else ours.
//!
//! A sender report (RFC 3550, 6.4.1) pairs the camera's NTP time with an RTP time; rtpjitterbuffer knows which running
//! time that RTP time has. Their difference is all that is kept. It is read from the jitterbuffer's `handle-sync` signal,
//! once per report, and not from `GstReferenceTimestampMeta`: that one is made for every packet, exists from GStreamer
//! 1.22 on only (JetPack has 1.16 and 1.20), and hardware decoders lose it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::{frame::CaptureClock, time::WallTime};

/// Seconds from 1900 (NTP) to 1970 (Unix), RFC 868.
const NTP_TO_UNIX_SECS: i64 = 2_208_988_800;
/// A camera clock that is further off than this was never set: cameras without NTP start at 1970 or at power-on.
const PLAUSIBLE_MICROS: i64 = 24 * 3600 * 1_000_000;
/// A running time that is this far in the future is a wrong one. A server that starts with pictures from the past (its
/// last group of pictures, or what it held back while it waited for PLAY) makes rtpjitterbuffer stamp what follows too
/// late, by 1.6 s with gst-rtsp-server, until it has measured the skew over two seconds.
const NOT_YET: gst::ClockTime = gst::ClockTime::from_mseconds(50);
const UNKNOWN: i64 = i64::MIN;

/// The camera's clock against the pipeline's.
pub struct CameraClock {
    /// Unix microseconds at running time zero; [`UNKNOWN`] before the first report.
    at_zero: AtomicI64,
}

impl CameraClock {
    pub const fn new() -> Self {
        Self { at_zero: AtomicI64::new(UNKNOWN) }
    }

    /// The capture time of a frame of running time `running`, looked at at running time `now`, that was received at
    /// `received`.
    pub fn capture(
        &self,
        running: Option<gst::ClockTime>,
        now: Option<gst::ClockTime>,
        received: WallTime,
    ) -> (WallTime, CaptureClock) {
        let at_zero = self.at_zero.load(Ordering::Relaxed);
        let (Some(running), Some(now)) = (running, now) else { return (received, CaptureClock::Receive) };
        if at_zero == UNKNOWN || running > now + NOT_YET {
            return (received, CaptureClock::Receive);
        }
        let captured = at_zero.saturating_add(micros(running));
        if captured.saturating_sub(received.as_micros()).saturating_abs() > PLAUSIBLE_MICROS {
            return (received, CaptureClock::Receive);
        }
        (WallTime::from_micros(captured), CaptureClock::Rtcp)
    }

    fn forget(&self) {
        self.at_zero.store(UNKNOWN, Ordering::Relaxed);
    }

    fn learn(&self, at_zero: i64) {
        self.at_zero.store(at_zero, Ordering::Relaxed);
    }
}

/// Keeps `clock` up to date with the sender reports that `jitterbuffer` receives.
pub fn follow(jitterbuffer: &gst::Element, clock: &Arc<CameraClock>) {
    // A new jitterbuffer is a new sender with a new RTP time base: the old pair says nothing about it.
    clock.forget();
    if gst::glib::subclass::SignalId::lookup("handle-sync", jitterbuffer.type_()).is_none() {
        return;
    }
    let clock = Arc::clone(clock);
    jitterbuffer.connect("handle-sync", false, move |arguments| {
        let report: gst::Structure = arguments.get(1)?.get().ok()?;
        let now = arguments.first()?.get::<gst::Element>().ok()?.current_running_time()?;
        match time_at_zero(&report, now) {
            Some(at_zero) => clock.learn(at_zero),
            None => clock.forget(),
        }
        None
    });
}

/// Unix microseconds at running time zero, by one `application/x-rtp-sync` structure that came at running time `now`.
/// `None` when it cannot be told.
fn time_at_zero(report: &gst::StructureRef, now: gst::ClockTime) -> Option<i64> {
    let base_rtp: u64 = report.get("base-rtptime").ok()?;
    let base_time: u64 = report.get("base-time").ok()?;
    let clock_rate: u32 = report.get("clock-rate").ok()?;
    let sent_rtp: u64 = report.get("sr-ext-rtptime").ok()?;
    let packet: gst::Buffer = report.get("sr-buffer").ok()?;
    if base_rtp == u64::MAX || base_time == u64::MAX || sent_rtp == u64::MAX || clock_rate == 0 {
        return None;
    }
    // Both are RTP times extended to 64 bits; the report may be a little older than the base.
    let ticks = i128::from(sent_rtp) - i128::from(base_rtp);
    let running_nanos = i128::from(base_time) + ticks * 1_000_000_000 / i128::from(clock_rate);
    // A report is about the moment it is sent.
    if running_nanos > i128::from((now + NOT_YET).nseconds()) {
        return None;
    }
    let running_micros = i64::try_from(running_nanos / 1000).ok()?;
    let packet = packet.map_readable().ok()?;
    Some(unix_micros(sender_ntp_time(&packet)?).saturating_sub(running_micros))
}

/// The NTP time of a compound RTCP packet, which starts with the sender report (RFC 3550, 6.1 and 6.4.1).
fn sender_ntp_time(packet: &[u8]) -> Option<u64> {
    const SENDER_REPORT: u8 = 200;
    if *packet.get(1)? != SENDER_REPORT {
        return None;
    }
    let ntp = u64::from_be_bytes(packet.get(8..16)?.try_into().ok()?);
    // Zero is "no wall clock here".
    (ntp != 0).then_some(ntp)
}

/// 32.32 fixed-point seconds since 1900 to Unix microseconds. Times before 1968 are those after 2036, RFC 4330, 3.
fn unix_micros(ntp: u64) -> i64 {
    let seconds = i64::try_from(ntp >> 32).unwrap_or_default();
    let era = if seconds < 1 << 31 { 1i64 << 32 } else { 0 };
    let fraction_micros = i64::try_from(((ntp & 0xFFFF_FFFF) * 1_000_000) >> 32).unwrap_or_default();
    (seconds + era - NTP_TO_UNIX_SECS) * 1_000_000 + fraction_micros
}

fn micros(time: gst::ClockTime) -> i64 {
    i64::try_from(time.useconds()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_times_become_unix_times() {
        for (ntp, unix) in [
            (2_208_988_800u64 << 32, 0i64),
            (((2_208_988_800 + 1_700_000_000) << 32) | 0x8000_0000, 1_700_000_000_500_000),
            // 2036-02-07T06:28:16Z, where 32 bits of seconds start anew
            (0, 2_085_978_496_000_000),
        ] {
            assert_eq!(unix_micros(ntp), unix);
        }
    }

    const NOW: gst::ClockTime = gst::ClockTime::from_seconds(6);

    fn report(packet: Vec<u8>, sent_rtp: u64) -> gst::Structure {
        gst::init().unwrap();
        gst::Structure::builder("application/x-rtp-sync")
            .field("base-rtptime", 90_000u64)
            .field("base-time", 2_000_000_000u64)
            .field("clock-rate", 90_000u32)
            .field("sr-ext-rtptime", sent_rtp)
            .field("sr-buffer", gst::Buffer::from_mut_slice(packet))
            .build()
    }

    fn sender_report(kind: u8, unix_secs: u64) -> Vec<u8> {
        let mut packet = vec![0x80, kind, 0, 6, 1, 2, 3, 4];
        packet.extend(((unix_secs + 2_208_988_800) << 32).to_be_bytes());
        packet.extend([0; 12]);
        packet
    }

    #[test]
    fn a_report_gives_the_camera_time_of_each_running_time() {
        // RTP time 180 000 is one second after the base, which is at running time 2 s: so 3 s are Unix 1 700 000 000.
        let at_zero = time_at_zero(&report(sender_report(200, 1_700_000_000), 180_000), NOW).unwrap();
        assert_eq!(at_zero, 1_699_999_997_000_000);
        // One that was sent before the base.
        let at_zero = time_at_zero(&report(sender_report(200, 1_700_000_000), 0), NOW).unwrap();
        assert_eq!(at_zero, 1_699_999_999_000_000);

        let clock = CameraClock::new();
        let received = WallTime::from_micros(1_700_000_005_000_000);
        let running = Some(gst::ClockTime::from_seconds(5));
        assert_eq!(clock.capture(running, Some(NOW), received), (received, CaptureClock::Receive), "no report yet");
        clock.learn(1_699_999_997_000_000);
        let captured = WallTime::from_micros(1_700_000_002_000_000);
        assert_eq!(clock.capture(running, Some(NOW), received), (captured, CaptureClock::Rtcp));
    }

    #[test]
    fn running_times_in_the_future_are_not_believed() {
        let early = gst::ClockTime::from_seconds(2);
        assert_eq!(time_at_zero(&report(sender_report(200, 1_700_000_000), 180_000), early), None, "3 s is not yet");

        let clock = CameraClock::new();
        clock.learn(1_700_000_000_000_000);
        let received = WallTime::from_micros(1_700_000_002_000_000);
        let running = Some(gst::ClockTime::from_seconds(3));
        assert_eq!(clock.capture(running, Some(early), received), (received, CaptureClock::Receive));
    }

    #[test]
    fn receiver_reports_invalid_pairs_and_unset_clocks_are_not_believed() {
        assert_eq!(time_at_zero(&report(sender_report(201, 1_700_000_000), 180_000), NOW), None);
        assert_eq!(time_at_zero(&report(sender_report(200, 1_700_000_000), u64::MAX), NOW), None);
        assert_eq!(time_at_zero(&report(vec![0x80, 200, 0, 6], 180_000), NOW), None);

        let clock = CameraClock::new();
        clock.learn(0); // a camera that believes it is 1970
        let received = WallTime::from_micros(1_700_000_000_000_000);
        assert_eq!(clock.capture(Some(gst::ClockTime::ZERO), Some(NOW), received), (received, CaptureClock::Receive));
    }
}
