//! The GStreamer pipelines that make a clip.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;

use super::{AccessUnit, ClipOptions, Codec, FrameRate, LONGEST_VIDEO_SECS};
use crate::{error::SimError, scene::Scene, truth::TruthObject};

/// No pipeline here waits longer than this for its next frame; a slow machine takes 0.1 s.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a pipeline that gives no frame is asked whether it failed.
const POLL: gst::ClockTime = gst::ClockTime::from_mseconds(100);
const REFERENCE_KILOBITS: u64 = 1000;
const REFERENCE_PIXELS: u64 = 640 * 360;

/// What comes out of an encoder.
pub(super) struct Encoded {
    pub(super) units: Vec<AccessUnit>,
    pub(super) caps: gst::Caps,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rate: FrameRate,
}

/// What each frame of a scene shows.
type Truth = Vec<Arc<[TruthObject]>>;

/// Encodes one round of a scene.
pub(super) fn scene(scene: &Scene, options: &ClipOptions) -> Result<(Encoded, Truth), SimError> {
    init()?;
    let size = scene.options();
    let encoder = encoder(options, u64::from(size.width) * u64::from(size.height), size.fps)?;
    // block: a frame is drawn when the encoder wants it, so the pictures never pile up in memory.
    let description = format!(
        "appsrc name=src format=time block=true max-bytes=4000000 \
         caps=video/x-raw,format=RGB,width={},height={},framerate={}/1 \
         ! videoconvert ! video/x-raw,format=I420 ! {encoder} ! appsink name=sink sync=false max-buffers=50",
        size.width, size.height, size.fps
    );
    let pipeline = Pipeline::launch(&description)?;
    let source: gst_app::AppSrc = pipeline.element("src")?;
    let rate = FrameRate { frames: size.fps, secs: 1 };
    std::thread::scope(|scope| {
        let drawing = scope.spawn(|| draw_all(scene, rate, &source));
        let encoded = pipeline.collect(usize::MAX);
        if encoded.is_err() {
            // The drawing thread may be waiting for room: stopping the pipeline lets it go.
            pipeline.stop();
        }
        let truth = drawing.join().map_err(|_| SimError::Media("drawing a scene failed".into()))?;
        Ok((encoded?, truth))
    })
}

/// Hands every picture to the encoder. Ends early when the encoder failed, which `collect` reports.
fn draw_all(scene: &Scene, rate: FrameRate, source: &gst_app::AppSrc) -> Truth {
    let mut truth = Vec::with_capacity(scene.frames());
    for index in 0..scene.frames() {
        let picture = scene.render(index);
        truth.push(Arc::from(picture.truth));
        let mut buffer = gst::Buffer::from_mut_slice(picture.rgb);
        if let Some(buffer) = buffer.get_mut() {
            let at = |index: usize| gst::ClockTime::from_nseconds(rate.nanos_at(index as u64));
            buffer.set_pts(at(index));
            buffer.set_duration(at(index + 1) - at(index));
        }
        if source.push_buffer(buffer).is_err() {
            return truth;
        }
    }
    // An error here means that the pipeline is being stopped, which `collect` reports.
    let _ = source.end_of_stream();
    truth
}

/// Decodes and encodes a file.
pub(super) fn video(path: &Path, options: &ClipOptions) -> Result<Encoded, SimError> {
    init()?;
    if !path.is_file() {
        return Err(SimError::Media(format!("video {} is not a file", path.display())));
    }
    // Encoded for the largest picture; x264 stays below its bitrate where the picture needs less.
    let encoder = encoder(options, 1280 * 720, 25)?;
    let description = format!(
        "filesrc name=file ! decodebin ! videoconvert ! videoscale ! videorate \
         ! video/x-raw,format=I420,width=[16,1280],height=[16,720],framerate=[1/1,30/1],pixel-aspect-ratio=1/1 \
         ! {encoder} ! appsink name=sink sync=false max-buffers=50"
    );
    let pipeline = Pipeline::launch(&description)?;
    let file: gst::Element = pipeline.element("file")?;
    file.set_property("location", path);
    let limit = usize::try_from(LONGEST_VIDEO_SECS * 30).unwrap_or(usize::MAX);
    let mut encoded = pipeline
        .collect(limit)
        .map_err(|error| SimError::Media(format!("video {} cannot be played: {error}", path.display())))?;
    let longest = usize::try_from(encoded.rate.frame_at(LONGEST_VIDEO_SECS * 1_000_000_000)).unwrap_or(usize::MAX);
    encoded.units.truncate(longest.max(1));
    if encoded.units.is_empty() {
        return Err(SimError::Media(format!("video {} has no frames", path.display())));
    }
    Ok(encoded)
}

fn init() -> Result<(), SimError> {
    gst::init().map_err(|error| SimError::Media(format!("gstreamer does not start: {error}")))
}

/// The encoder's part of a pipeline description.
fn encoder(options: &ClipOptions, pixels: u64, fps: u32) -> Result<String, SimError> {
    let &ClipOptions { codec, kilobits, key_frame_secs } = options;
    let by_size = (REFERENCE_KILOBITS * pixels / REFERENCE_PIXELS).clamp(100, 8000);
    let kilobits = kilobits.map_or(by_size, u64::from);
    let key_interval = u64::from(fps) * u64::from(key_frame_secs.max(1));
    let (element, package, description) = match codec {
        // One thread: the same bytes on every machine, and one slice to a frame.
        Codec::H264 => (
            "x264enc",
            "gstreamer1.0-plugins-ugly",
            format!(
                "x264enc name=encoder tune=zerolatency speed-preset=veryfast bframes=0 threads=1 byte-stream=true \
                 aud=true bitrate={kilobits} key-int-max={key_interval} \
                 ! video/x-h264,stream-format=byte-stream,alignment=au,profile=main"
            ),
        ),
        Codec::H265 => (
            "x265enc",
            "gstreamer1.0-plugins-bad",
            format!(
                "x265enc name=encoder tune=zerolatency speed-preset=ultrafast bitrate={kilobits} \
                 key-int-max={key_interval} option-string=bframes=0:repeat-headers=1:pools=none:log-level=none \
                 ! video/x-h265,stream-format=byte-stream,alignment=au"
            ),
        ),
        Codec::Jpeg => {
            ("jpegenc", "gstreamer1.0-plugins-good", "jpegenc name=encoder quality=80 ! image/jpeg".to_owned())
        }
    };
    if gst::ElementFactory::find(element).is_none() {
        return Err(SimError::Media(format!("gstreamer has no element {element}: install {package}")));
    }
    Ok(description)
}

/// A pipeline that is stopped when it goes out of scope.
struct Pipeline(gst::Pipeline);

impl Drop for Pipeline {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Pipeline {
    fn launch(description: &str) -> Result<Self, SimError> {
        let element =
            gst::parse::launch(description).map_err(|error| SimError::Media(format!("gstreamer: {error}")))?;
        let pipeline = element.downcast::<gst::Pipeline>();
        pipeline.map(Self).map_err(|_| SimError::Media("gstreamer made no pipeline of its description".into()))
    }

    fn element<T: IsA<gst::Element>>(&self, name: &str) -> Result<T, SimError> {
        let found = self.0.by_name(name).and_then(|element| element.downcast::<T>().ok());
        found.ok_or_else(|| SimError::Media(format!("gstreamer pipeline lacks its element {name}")))
    }

    fn stop(&self) {
        // Going to NULL cannot fail for these elements; a failure would only leave memory in use.
        let _ = self.0.set_state(gst::State::Null);
    }

    /// Runs to the end, or to `limit` frames.
    fn collect(&self, limit: usize) -> Result<Encoded, SimError> {
        let sink: gst_app::AppSink = self.element("sink")?;
        if self.0.set_state(gst::State::Playing).is_err() {
            let reason = self.error().unwrap_or_else(|| "no reason given".into());
            return Err(SimError::Media(format!("gstreamer pipeline does not start: {reason}")));
        }
        let mut units = Vec::new();
        let mut described = None;
        let mut last = Instant::now();
        while units.len() < limit && !sink.is_eos() {
            let Some(sample) = sink.try_pull_sample(POLL) else {
                if let Some(error) = self.error() {
                    return Err(SimError::Media(format!("gstreamer pipeline failed: {error}")));
                }
                if last.elapsed() > PATIENCE {
                    return Err(SimError::Media(format!("gstreamer pipeline gave no frame for {PATIENCE:?}")));
                }
                continue;
            };
            last = Instant::now();
            if described.is_none() {
                described = sample.caps().map(gst::CapsRef::to_owned);
            }
            if let Some(buffer) = sample.buffer() {
                units.push(access_unit(buffer)?);
            }
        }
        let Some(caps) = described else {
            return Err(SimError::Media("gstreamer pipeline ended without a frame".into()));
        };
        let (width, height, rate) = format_of(&caps)?;
        Ok(Encoded { units, caps, width, height, rate })
    }

    /// What the pipeline says went wrong, if it says so.
    fn error(&self) -> Option<String> {
        let message = self.0.bus()?.pop_filtered(&[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(error) => Some(error.error().to_string()),
            _ => None,
        }
    }
}

/// The bytes without the encoder's timestamps: the server stamps them as they go out.
fn access_unit(encoded: &gst::BufferRef) -> Result<AccessUnit, SimError> {
    let is_key = !encoded.flags().contains(gst::BufferFlags::DELTA_UNIT);
    let bytes = encoded.map_readable().map_err(|_| SimError::Media("an encoded frame cannot be read".into()))?;
    Ok(AccessUnit { buffer: gst::Buffer::from_slice(bytes.to_vec()), is_key })
}

fn format_of(caps: &gst::Caps) -> Result<(u32, u32, FrameRate), SimError> {
    let lacking = || SimError::Media(format!("encoded video says too little about itself: {caps}"));
    let structure = caps.structure(0).ok_or_else(lacking)?;
    let size = |field: &str| structure.get::<i32>(field).ok().and_then(|v| u32::try_from(v).ok()).ok_or_else(lacking);
    let fraction = structure.get::<gst::Fraction>("framerate").map_err(|_| lacking())?;
    let frames = u32::try_from(fraction.numer()).ok().filter(|&f| f > 0).ok_or_else(lacking)?;
    let secs = u32::try_from(fraction.denom()).ok().filter(|&s| s > 0).ok_or_else(lacking)?;
    Ok((size("width")?, size("height")?, FrameRate { frames, secs }))
}
