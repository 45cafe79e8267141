//! Where a camera's encoded stream is listened to: what passes from its parser to its decoder is kept for a while and
//! handed to the recordings that are being made.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::{
    plan::{CameraSpec, SourceSpec},
    ports::{ClipRequest, NotRecorded, Recording},
};

use super::{
    packets::{Packet, Ring},
    recorder::{self, End, Handle},
};
use crate::elements::set_if_present;

/// Packets of one camera in memory, at most: ten seconds of 25 Mbit/s.
const MOST_BYTES: usize = 32 << 20;
/// A recording is asked for when its frame went through decoder and network, and what is kept counts from when a packet
/// arrived: so much later the first packet must still be there.
const INFERENCE_ALLOWANCE: Duration = Duration::from_secs(3);
/// Recordings of one camera at a time, with those whose file is not finished yet.
const MOST_CLIPS: usize = 4;
/// Packets that wait for one recording's disk: eight seconds at 30 frames per second.
const MOST_WAITING: usize = 256;

/// One camera's. Streaming threads and recordings share it; the lock is held for as long as a packet is put into a queue.
pub struct Tap {
    camera: Arc<str>,
    /// The buffers belong to a driver that has only a few of them.
    copies: bool,
    state: Mutex<State>,
}

struct State {
    ring: Ring,
    caps: Option<gst::Caps>,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    clips: Vec<Listener>,
    /// Every recording's thread holds a clone for as long as it lives.
    threads: Arc<()>,
    /// What is received is video that a file can hold.
    is_attached: bool,
    is_closed: bool,
}

/// A recording that follows the stream.
struct Listener {
    packets: SyncSender<Packet>,
    end: Arc<End>,
}

impl State {
    /// Ends every recording with what it has, and forgets what is kept.
    fn cut(&mut self) {
        self.ring.clear();
        // At once and not when the file is complete: what happens from here on is in none of them.
        self.clips.drain(..).for_each(|clip| clip.end.reach());
    }
}

impl Tap {
    /// For a camera that keeps packets; `None` for others.
    pub fn of(camera: &CameraSpec) -> Option<Arc<Self>> {
        let keep = camera.keep_packets?;
        let ring = Ring::new(keep + INFERENCE_ALLOWANCE, MOST_BYTES);
        let state = State {
            ring,
            caps: None,
            segment: None,
            clips: Vec::new(),
            threads: Arc::default(),
            is_attached: false,
            is_closed: false,
        };
        Some(Arc::new(Self {
            camera: Arc::clone(&camera.id),
            copies: matches!(camera.source, SourceSpec::V4l2 { .. }),
            state: Mutex::new(state),
        }))
    }

    /// Listens to what `parser` gives, from its first buffer on.
    pub fn attach(self: &Arc<Self>, parser: &gst::Element) {
        let Some(pad) = parser.static_pad("src") else { return };
        // Many cameras say their parameter sets in RTSP only. In the stream before every key frame, each of them is one
        // that a file can begin with.
        set_if_present(parser, "config-interval", -1i32);
        let mut state = self.lock();
        state.cut();
        state.is_attached = true;
        drop(state);
        let tap = Arc::clone(self);
        let what = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::EVENT_FLUSH;
        pad.add_probe(what, move |_, info| {
            match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => tap.buffer(buffer, Instant::now()),
                Some(gst::PadProbeData::Event(event)) => tap.event(event),
                _ => {}
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn buffer(&self, buffer: &gst::Buffer, arrived: Instant) {
        let mut state = self.lock();
        let Some(segment) = &state.segment else { return };
        let running = |time: Option<gst::ClockTime>| segment.to_running_time_full(time?).map(nanoseconds);
        let dts = running(buffer.dts());
        // A picture without any time has no place in a file.
        let Some(pts) = running(buffer.pts()).or(dts) else { return };
        if state.is_closed {
            return;
        }
        let buffer = if self.copies { buffer.copy_deep().unwrap_or_else(|_| buffer.clone()) } else { buffer.clone() };
        let is_key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let packet = Packet { buffer, pts, dts, arrived, is_key };
        state.clips.retain(|clip| match clip.packets.try_send(packet.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                clip.end.cut_short();
                false
            }
            Err(TrySendError::Disconnected(_)) => {
                clip.end.reach();
                false
            }
        });
        state.ring.push(packet);
    }

    fn event(&self, event: &gst::Event) {
        match event.view() {
            gst::EventView::Caps(caps) => self.caps(caps.caps()),
            gst::EventView::Segment(segment) => {
                self.lock().segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
            }
            // What follows begins anew: a file that is played again, a stream that has ended.
            gst::EventView::FlushStop(_) | gst::EventView::Eos(_) => self.cut(),
            _ => {}
        }
    }

    /// Ends recordings where the stream becomes another one: an MP4 file describes its video once.
    fn caps(&self, caps: &gst::CapsRef) {
        let mut state = self.lock();
        if state.caps.as_ref().is_some_and(|known| !is_same_video(known, caps)) {
            state.cut();
        }
        state.caps = Some(caps.to_owned());
    }

    /// Ends recordings with what they have; none waits for the disk here.
    pub fn cut(&self) {
        self.lock().cut();
    }

    /// The camera stops: nothing is kept and recorded any more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.cut();
        state.is_closed = true;
    }

    /// Begins a recording, or says why not.
    pub fn record(&self, clip: ClipRequest) -> Result<Box<dyn Recording>, NotRecorded> {
        let end = Arc::new(End::new(clip.until));
        let (packets, live) = sync_channel(MOST_WAITING);
        let (caps, kept, thread) = {
            let mut state = self.lock();
            if !state.is_attached {
                return Err(NotRecorded::Impossible);
            }
            let known = state.caps.clone().filter(|_| !state.is_closed);
            let caps = known.ok_or(NotRecorded::NothingToRecord)?;
            state.clips.retain(|clip| !clip.end.is_over());
            if Arc::strong_count(&state.threads) > MOST_CLIPS {
                return Err(NotRecorded::TooMany { most: MOST_CLIPS });
            }
            let kept: Vec<Packet> = state.ring.since(clip.from).cloned().collect();
            state.clips.push(Listener { packets, end: Arc::clone(&end) });
            (caps, kept, Arc::clone(&state.threads))
        };
        let job = recorder::Job { clip, caps, kept, live, end: Arc::clone(&end), thread };
        recorder::spawn(&self.camera, job).map_err(|error| NotRecorded::NoThread { reason: error.to_string() })?;
        Ok(Box::new(Handle(end)))
    }
}

fn nanoseconds(time: gst::Signed<gst::ClockTime>) -> i64 {
    let magnitude = i64::try_from(time.abs().nseconds()).unwrap_or(i64::MAX);
    if time.is_negative() { -magnitude } else { magnitude }
}

/// Whether what a file says of its video at its start holds on. A parser also changes caps for a frame rate that it has
/// just measured.
fn is_same_video(known: &gst::CapsRef, new: &gst::CapsRef) -> bool {
    let (Some(known), Some(new)) = (known.structure(0), new.structure(0)) else { return false };
    let is_same = |field: &str| {
        let [known, new] = [known, new].map(|caps| caps.value(field).ok().and_then(|value| value.serialize().ok()));
        known == new
    };
    known.name() == new.name() && ["width", "height", "stream-format", "codec_data"].into_iter().all(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tap() -> Arc<Tap> {
        gst::init().unwrap();
        let camera = CameraSpec {
            id: "cam".into(),
            source: SourceSpec::Test { pattern: "ball".into() },
            decoder: None,
            stall_timeout: Duration::from_secs(5),
            keep_packets: Some(Duration::from_secs(1)),
        };
        let tap = Tap::of(&camera).unwrap();
        tap.event(&gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
        tap
    }

    fn buffer(number: u64) -> gst::Buffer {
        let mut buffer = gst::Buffer::from_slice([0u8; 100]);
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(number));
        buffer
    }

    #[test]
    fn a_recording_whose_disk_is_too_slow_is_cut_short_and_holds_nothing_up() {
        let tap = tap();
        let (listener, end, taken) = listener(Instant::now() + Duration::from_secs(100));
        tap.lock().clips.push(listener);
        (0..3).for_each(|number| tap.buffer(&buffer(number), Instant::now()));
        assert!(!end.is_cut_short());
        (3..9).for_each(|number| tap.buffer(&buffer(number), Instant::now()));
        assert!(end.is_cut_short());
        assert!(!Handle(end).extend(Instant::now()), "no later event is in it");
        assert_eq!(taken.iter().map(|packet| packet.pts).collect::<Vec<_>>(), [0, 1_000_000, 2_000_000]);
        assert_eq!(tap.lock().ring.since(Instant::now()).count(), 1, "every one of these is a key frame");
    }

    /// A recording of which only the queue exists.
    fn listener(until: Instant) -> (Listener, Arc<End>, std::sync::mpsc::Receiver<Packet>) {
        let end = Arc::new(End::new(until));
        let (packets, taken) = sync_channel(3);
        (Listener { packets, end: Arc::clone(&end) }, end, taken)
    }

    type Cut = fn(&Tap, &gst::Caps);

    #[test]
    fn a_recording_ends_at_once_when_the_stream_becomes_another_one() {
        let caps = |width: i32| gst::Caps::builder("video/x-h264").field("width", width).build();
        let now = Instant::now();
        let cuts: [(&str, Cut); 4] = [
            ("another size", |tap, caps| tap.caps(caps)),
            ("the end of the stream", |tap, _| tap.event(&gst::event::Eos::new())),
            ("a file from its beginning", |tap, _| tap.event(&gst::event::FlushStop::new(true))),
            ("a stop", |tap, _| tap.close()),
        ];
        for (what, cut) in cuts {
            let tap = tap();
            tap.caps(&caps(320));
            let (listener, end, taken) = listener(now + Duration::from_secs(100));
            tap.lock().clips.push(listener);
            tap.buffer(&buffer(0), now);
            tap.caps(&caps(320));
            let recording = Handle(end);
            assert!(recording.extend(now), "{what}: not yet");
            cut(&tap, &caps(640));
            assert!(!recording.extend(now), "{what}");
            assert_eq!(taken.iter().count(), 1, "{what}: what was received still belongs to it");
        }
    }

    #[test]
    fn why_a_recording_does_not_begin_is_told_apart() {
        let tap = tap();
        let now = Instant::now();
        let refused = |tap: &Tap| {
            let (path, on_done) = ("a.mp4".into(), Box::new(|_| ()));
            tap.record(ClipRequest { path, from: now, until: now, on_done }).err()
        };
        assert_eq!(refused(&tap), Some(NotRecorded::Impossible), "no video that a file can hold has been found");
        tap.lock().is_attached = true;
        assert_eq!(refused(&tap), Some(NotRecorded::NothingToRecord), "no caps yet");
        tap.caps(&gst::Caps::builder("video/x-h264").build());
        let threads = [(); MOST_CLIPS].map(|()| Arc::clone(&tap.lock().threads));
        tap.cut();
        assert_eq!(refused(&tap), Some(NotRecorded::TooMany { most: MOST_CLIPS }));
        drop(threads);
        tap.close();
        assert_eq!(refused(&tap), Some(NotRecorded::NothingToRecord));
    }

    #[test]
    fn nothing_is_kept_of_a_camera_that_was_stopped() {
        let tap = tap();
        tap.buffer(&buffer(0), Instant::now());
        tap.close();
        tap.buffer(&buffer(1), Instant::now());
        assert_eq!(tap.lock().ring.since(Instant::now()).count(), 0);
    }

    #[test]
    fn a_measured_frame_rate_makes_no_other_video_but_a_new_size_does() {
        gst::init().unwrap();
        let caps = |text: &str| text.parse::<gst::Caps>().unwrap();
        let known = caps("video/x-h264,stream-format=avc,width=320,height=180,codec_data=(buffer)0102");
        for (text, is_same) in [
            ("video/x-h264,stream-format=avc,width=320,height=180,codec_data=(buffer)0102,framerate=15/1", true),
            ("video/x-h264,stream-format=avc,width=320,height=182,codec_data=(buffer)0102", false),
            ("video/x-h264,stream-format=avc,width=320,height=180,codec_data=(buffer)0103", false),
            ("video/x-h264,stream-format=byte-stream,width=320,height=180", false),
            ("video/x-h265,stream-format=avc,width=320,height=180,codec_data=(buffer)0102", false),
        ] {
            assert_eq!(is_same_video(&known, &caps(text)), is_same, "{text}");
        }
    }
}
