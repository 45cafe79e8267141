//! One recording: packets as received into an MP4 file, on a thread of its own.

use std::{
    fs, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{ClipError, ClipFacts, ClipRequest, Recording};

use super::packets::Packet;
use crate::{elements::make, mp4::Mp4File};

/// What is on its way to the disk beside what the recording's queue holds.
const MOST_WAITING_BYTES: u64 = 4 << 20;
/// How long after its end a recording waits for what still belongs to it. The stream's next picture ends it sooner.
const LAST_PACKET: Duration = Duration::from_millis(500);

/// What a recording is made of.
pub struct Job {
    pub clip: ClipRequest,
    /// Of the packets.
    pub caps: gst::Caps,
    /// Packets that had been received already, from a key frame on.
    pub kept: Vec<Packet>,
    /// Those that follow, without a gap.
    pub live: Receiver<Packet>,
    pub end: Arc<End>,
    /// Held until the recording's thread ends, which may be long after `end` when the disk is slow.
    pub thread: Arc<()>,
}

/// The end as it is known by now.
#[derive(Clone, Copy)]
struct Moment {
    until: Instant,
    /// Nothing moves it any more.
    is_over: bool,
}

/// When a recording ends: shared by whoever asked for it and its thread.
pub struct End {
    moment: Mutex<Moment>,
    /// The disk is too slow.
    is_cut_short: AtomicBool,
}

impl End {
    pub fn new(until: Instant) -> Self {
        Self { moment: Mutex::new(Moment { until, is_over: false }), is_cut_short: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Moment> {
        self.moment.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has ended; nothing extends it any more.
    pub fn is_over(&self) -> bool {
        self.lock().is_over
    }

    /// Whether it ends before `moment`; if so, it has ended from here on.
    fn comes_before(&self, moment: Instant) -> bool {
        let mut end = self.lock();
        end.is_over |= moment >= end.until;
        moment >= end.until
    }

    /// No more packets come, so nothing prolongs it any more. What has been received still belongs to it.
    pub fn reach(&self) {
        self.lock().is_over = true;
    }

    /// No more packets come because the disk takes none.
    pub fn cut_short(&self) {
        self.is_cut_short.store(true, Ordering::Relaxed);
        self.reach();
    }

    /// Whether it ended because the disk takes none.
    pub fn is_cut_short(&self) -> bool {
        self.is_cut_short.load(Ordering::Relaxed)
    }

    /// How long to wait for the next packet.
    fn left(&self, now: Instant) -> Duration {
        self.lock().until.saturating_duration_since(now) + LAST_PACKET
    }
}

/// What whoever asked for a recording holds of it.
pub struct Handle(pub Arc<End>);

impl Recording for Handle {
    fn extend(&self, until: Instant) -> bool {
        let mut end = self.0.lock();
        if !end.is_over {
            end.until = until.max(end.until);
        }
        !end.is_over
    }
}

/// Starts the recording's thread.
///
/// # Errors
/// When the operating system gives no thread; `on_done` is not called then.
pub fn spawn(camera: &Arc<str>, job: Job) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(format!("clip-{camera}"));
    let camera = Arc::clone(camera);
    thread.spawn(move || run(&camera, job)).map(|_| ())
}

fn run(camera: &str, job: Job) {
    let Job { clip, caps, kept, live, end, thread: _thread } = job;
    let result = write(&clip, &caps, kept, &live, &end);
    end.reach();
    if end.is_cut_short() {
        let path = clip.path.display();
        tracing::warn!(camera, %path, "the clip ends early: the disk takes packets more slowly than the camera sends them");
    }
    (clip.on_done)(result.map_err(|reason| {
        let message = format!("cannot record the clip {}: {reason}", clip.path.display());
        ClipError { message }
    }));
}

fn write(
    clip: &ClipRequest,
    caps: &gst::CapsRef,
    kept: Vec<Packet>,
    live: &Receiver<Packet>,
    end: &End,
) -> Result<ClipFacts, String> {
    if let Some(folder) = clip.path.parent() {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    let mut kept = kept.into_iter();
    let mut next = || kept.next().or_else(|| next_live(live, end));
    let first = loop {
        let packet = next().filter(|packet| !end.comes_before(packet.arrived));
        let packet = packet.ok_or("the camera sent nothing to begin it with")?;
        // There is none among those kept when the camera has just begun to send.
        if packet.is_key {
            break packet;
        }
    };
    let file = Mp4File::create(&clip.path, caps, &muxable(caps, first.dts.is_some())?, MOST_WAITING_BYTES)?;
    let (begun, mut timeline) = (first.arrived, Timeline::beginning_with(&first));
    file.push(timeline.placed(&first))?;
    while let Some(packet) = next() {
        // B-frames come after the picture that is shown after them, and without them there would be a gap before it.
        if end.comes_before(packet.arrived) && packet.pts > timeline.latest_shown {
            break;
        }
        if timeline.shows(&packet) {
            file.push(timeline.placed(&packet))?;
        }
    }
    // Before the file is finished, which takes a while: what happens meanwhile is not in it.
    end.reach();
    let bytes = file.finish()?;
    Ok(ClipFacts { begun, duration: timeline.duration(), bytes })
}

/// The next packet of the stream; `None` when the recording has reached its end, or its camera has gone.
fn next_live(live: &Receiver<Packet>, end: &End) -> Option<Packet> {
    loop {
        match live.recv_timeout(end.left(Instant::now())) {
            Ok(packet) => return Some(packet),
            Err(RecvTimeoutError::Disconnected) => return None,
            // It may have been extended meanwhile.
            Err(RecvTimeoutError::Timeout) if end.comes_before(Instant::now()) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// What stands between the packets and the muxer: a parser for the form that MP4 wants, and where the stream does not say
/// when pictures are decoded (RTP does not), what finds that out of their order. GStreamer before 1.22 lacks the latter, and
/// only streams with B-frames miss it.
fn muxable(caps: &gst::CapsRef, has_dts: bool) -> Result<Vec<gst::Element>, String> {
    let (parser, form, timestamper) = match caps.structure(0).map(|structure| structure.name().as_str()) {
        Some("video/x-h264") => ("h264parse", "avc", "h264timestamper"),
        Some("video/x-h265") => ("h265parse", "hvc1", "h265timestamper"),
        _ => return Err(format!("MP4 files of {caps} are not written")),
    };
    let element = |factory| make(factory).map_err(|error| error.message);
    let (parser, filter) = (element(parser)?, element("capsfilter")?);
    // The parser asks whoever follows what to make of a byte stream, and a timestamper takes that, too.
    let wanted = caps.structure(0).map(|structure| {
        gst::Caps::builder(structure.name().as_str()).field("stream-format", form).field("alignment", "au").build()
    });
    filter.set_property("caps", wanted);
    let mut elements = vec![parser, filter];
    if !has_dts && let Ok(timestamper) = gst::ElementFactory::make(timestamper).build() {
        elements.push(timestamper);
    }
    Ok(elements)
}

/// The packets' times in the file: from 0, in nanoseconds of the stream.
struct Timeline {
    origin: i64,
    first_shown: i64,
    latest_shown: i64,
    /// In the first group of pictures.
    is_first_group: bool,
    end: i64,
}

impl Timeline {
    fn beginning_with(first: &Packet) -> Self {
        Self {
            origin: first.dts.map_or(first.pts, |dts| dts.min(first.pts)),
            first_shown: first.pts,
            latest_shown: first.pts,
            is_first_group: true,
            end: first.pts,
        }
    }

    /// Whether the picture can be shown: of an open group of pictures the first ones, shown before its key frame, refer to
    /// the group before.
    fn shows(&mut self, packet: &Packet) -> bool {
        self.is_first_group &= !packet.is_key;
        !(self.is_first_group && packet.pts < self.first_shown)
    }

    /// The packet's buffer with its place in the file; the same memory.
    fn placed(&mut self, packet: &Packet) -> gst::Buffer {
        let duration = packet.buffer.duration().and_then(|duration| i64::try_from(duration.nseconds()).ok());
        self.latest_shown = self.latest_shown.max(packet.pts);
        self.end = self.end.max(packet.pts.saturating_add(duration.unwrap_or_default()));
        let place = |time: i64| u64::try_from(time.saturating_sub(self.origin)).ok().map(gst::ClockTime::from_nseconds);
        let mut buffer = packet.buffer.copy();
        let (pts, dts) = (place(packet.pts), packet.dts.and_then(place));
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(pts);
            buffer.set_dts(dts);
        }
        buffer
    }

    fn duration(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.end.saturating_sub(self.first_shown)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_moved_later_and_never_earlier_until_it_is_reached() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let end = Arc::new(End::new(now + second));
        let handle = Handle(Arc::clone(&end));
        assert!(handle.extend(now + 3 * second));
        assert!(handle.extend(now + 2 * second));
        assert!(!end.comes_before(now + 2 * second));
        assert!(end.comes_before(now + 3 * second));
        assert!(!handle.extend(now + 9 * second), "it has ended");
        assert!(end.is_over());
    }

    #[test]
    fn a_stream_that_is_cut_ends_the_recording_at_once_and_what_was_received_still_belongs_to_it() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let end = Arc::new(End::new(now + 3 * second));
        end.reach();
        assert!(!Handle(Arc::clone(&end)).extend(now + 9 * second));
        assert!(!end.comes_before(now + 2 * second), "it waits in the queue");
        assert!(end.comes_before(now + 3 * second));
    }

    fn packet(pts: i64, dts: Option<i64>, is_key: bool) -> Packet {
        gst::init().unwrap();
        Packet { buffer: gst::Buffer::from_slice([0u8; 4]), pts, dts, arrived: Instant::now(), is_key }
    }

    #[test]
    fn times_begin_at_zero_and_keep_their_order_of_decoding() {
        let first = packet(1_000, Some(900), true);
        let mut timeline = Timeline::beginning_with(&first);
        let placed = timeline.placed(&first);
        assert_eq!(
            (placed.pts(), placed.dts()),
            (gst::ClockTime::from_nseconds(100).into(), Some(gst::ClockTime::ZERO))
        );
        let late = packet(1_400, Some(1_000), false);
        assert!(timeline.shows(&late));
        let placed = timeline.placed(&late);
        assert_eq!(placed.pts().map(gst::ClockTime::nseconds), Some(500));
        assert_eq!(placed.dts().map(gst::ClockTime::nseconds), Some(100));
        assert_eq!(timeline.duration(), Duration::from_nanos(400));
    }

    #[test]
    fn pictures_that_refer_to_what_was_before_the_recording_are_left_out() {
        let mut timeline = Timeline::beginning_with(&packet(1_000, None, true));
        assert!(!timeline.shows(&packet(900, None, false)));
        assert!(timeline.shows(&packet(1_100, None, false)));
        assert!(timeline.shows(&packet(1_500, None, true)));
        assert!(timeline.shows(&packet(1_450, None, false)), "it refers to what is in the file");
    }
}
