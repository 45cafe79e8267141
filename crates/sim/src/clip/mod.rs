//! Clips: video encoded once, so that sending it over and over costs next to nothing.

mod encode;

use std::{path::Path, sync::Arc};

use gstreamer as gst;

use crate::{error::SimError, scene::Scene, truth::TruthObject};

/// Videos are cut off after this many seconds, so that a clip stays in memory easily (8 MB at 1 Mbit/s).
pub const LONGEST_VIDEO_SECS: u64 = 60;

/// What a clip is encoded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// H.264, byte-stream, one access unit per buffer.
    H264,
    /// H.265, byte-stream, one access unit per buffer.
    H265,
    /// JPEG, one picture per buffer. Sides should be multiples of 8: RTP carries no others (RFC 2435, 3.1.5), so
    /// clients show the padding of the last blocks.
    Jpeg,
}

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipOptions {
    /// With what.
    pub codec: Codec,
    /// Kilobits per second; `None`: 1000 for 640×360, more or less as the picture is larger or smaller. Not for JPEG.
    pub kilobits: Option<u32>,
    /// Seconds from one key frame to the next: the longest wait of a client that joins.
    pub key_frame_secs: u32,
}

impl Default for ClipOptions {
    fn default() -> Self {
        Self { codec: Codec::H264, kilobits: None, key_frame_secs: 1 }
    }
}

/// Frames per second as a fraction, because 29.97 is 30000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    /// Frames …
    pub frames: u32,
    /// … in so many seconds.
    pub secs: u32,
}

impl FrameRate {
    /// Frames per second.
    #[must_use]
    pub fn per_sec(self) -> f64 {
        f64::from(self.frames) / f64::from(self.secs)
    }

    /// Nanoseconds from frame 0 to frame `index`.
    #[must_use]
    pub fn nanos_at(self, index: u64) -> u64 {
        let nanos = u128::from(index) * u128::from(self.secs) * 1_000_000_000 / u128::from(self.frames);
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }

    /// The last frame that is not later than `nanos` after frame 0.
    #[must_use]
    pub fn frame_at(self, nanos: u64) -> u64 {
        let frames = (u128::from(nanos) + 1) * u128::from(self.frames) / (u128::from(self.secs) * 1_000_000_000);
        u64::try_from(frames).unwrap_or(u64::MAX)
    }
}

/// One encoded frame. Cloning shares its bytes.
#[derive(Clone, Debug)]
pub(crate) struct AccessUnit {
    /// The bytes; no timestamps.
    pub(crate) buffer: gst::Buffer,
    /// Whether decoding can begin here.
    pub(crate) is_key: bool,
}

/// An encoded video that repeats without end, and what it shows.
#[derive(Debug)]
pub struct Clip {
    codec: Codec,
    caps: gst::Caps,
    width: u32,
    height: u32,
    rate: FrameRate,
    units: Vec<AccessUnit>,
    truth: Vec<Arc<[TruthObject]>>,
    objects: u64,
}

impl Clip {
    /// Draws and encodes one round of a scene; its ground truth goes with it. Takes a second or two.
    ///
    /// # Errors
    /// When GStreamer lacks the encoder, saying which package has it, or the encoder fails.
    pub fn from_scene(scene: &Scene, options: &ClipOptions) -> Result<Self, SimError> {
        let scene_options = scene.options();
        let rate = FrameRate { frames: scene_options.fps, secs: 1 };
        let (encoded, truth) = encode::scene(scene, options)?;
        if encoded.units.len() != scene.frames() {
            let message = format!("encoder made {} frames out of {}", encoded.units.len(), scene.frames());
            return Err(SimError::Media(message));
        }
        let objects = u64::try_from(scene.objects()).unwrap_or(u64::MAX);
        Ok(Self::new(options.codec, encoded, rate, truth, objects))
    }

    /// Decodes a video file of any kind that GStreamer plays and encodes it anew: at most 1280×720, at most 30 frames
    /// a second, the first [`LONGEST_VIDEO_SECS`] seconds, without B-frames. It has no ground truth.
    ///
    /// Always encoded anew: a camera's stream has no B-frames and repeats its parameter sets, and a file's rarely does.
    ///
    /// # Errors
    /// When the file is not there, holds no video that can be decoded, or an encoder is lacking.
    pub fn from_video(path: &Path, options: &ClipOptions) -> Result<Self, SimError> {
        let encoded = encode::video(path, options)?;
        let rate = encoded.rate;
        let truth = vec![Arc::from([]); encoded.units.len()];
        Ok(Self::new(options.codec, encoded, rate, truth, 0))
    }

    fn new(
        codec: Codec,
        encoded: encode::Encoded,
        rate: FrameRate,
        truth: Vec<Arc<[TruthObject]>>,
        objects: u64,
    ) -> Self {
        let encode::Encoded { units, caps, width, height, .. } = encoded;
        Self { codec, caps, width, height, rate, units, truth, objects }
    }

    /// What it is encoded with.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Width in pixels.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Frames per second.
    #[must_use]
    pub const fn rate(&self) -> FrameRate {
        self.rate
    }

    /// Frames in one round; at least one.
    #[must_use]
    pub const fn frames(&self) -> usize {
        self.units.len()
    }

    /// Bytes in one round.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.units.iter().map(|unit| unit.buffer.size()).sum()
    }

    /// How many of its frames a decoder can begin with.
    #[must_use]
    pub fn key_frames(&self) -> usize {
        self.units.iter().filter(|unit| unit.is_key).count()
    }

    /// What frame `index` shows, counted over all rounds: each round's objects have ids of their own.
    #[must_use]
    pub fn truth(&self, index: u64) -> Vec<TruthObject> {
        let (round, position) = self.position(index);
        let of_this_round = |object: &TruthObject| TruthObject { id: object.id + round * self.objects, ..*object };
        self.truth[position].iter().map(of_this_round).collect()
    }

    /// The bytes of each frame of one round, H.264 and H.265 with start codes: for cameras that send them in their own way.
    ///
    /// # Errors
    /// When GStreamer cannot read its own memory.
    pub fn access_units(&self) -> Result<Vec<Vec<u8>>, SimError> {
        let bytes = |unit: &AccessUnit| unit.buffer.map_readable().map(|bytes| bytes.to_vec());
        let units: Result<_, _> = self.units.iter().map(bytes).collect();
        units.map_err(|_| SimError::Media("an encoded frame cannot be read".into()))
    }

    pub(crate) fn unit(&self, index: u64) -> &AccessUnit {
        &self.units[self.position(index).1]
    }

    pub(crate) const fn caps(&self) -> &gst::Caps {
        &self.caps
    }

    /// Which round, and which frame of it.
    const fn position(&self, index: u64) -> (u64, usize) {
        let frames = self.units.len() as u64;
        (index / frames, (index % frames) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{SceneKind, SceneOptions};

    fn small() -> SceneOptions {
        SceneOptions { width: 160, height: 90, fps: 5, seed: 1 }
    }

    #[test]
    fn a_scene_becomes_as_many_frames_with_a_key_frame_every_second() {
        let scene = Scene::new(SceneKind::Street, &small()).unwrap();
        let clip = Clip::from_scene(&scene, &ClipOptions::default()).unwrap();
        assert_eq!((clip.width(), clip.height(), clip.frames()), (160, 90, 100));
        assert_eq!(clip.key_frames(), 20);
        assert!(clip.unit(0).is_key && clip.unit(100).is_key && !clip.unit(1).is_key);
        let kilobits = clip.bytes() * 8 / 20 / 1000;
        assert!((5..200).contains(&kilobits), "{kilobits} kbit/s");
    }

    #[test]
    fn every_round_has_objects_of_its_own() {
        let scene = Scene::new(SceneKind::Street, &small()).unwrap();
        let clip = Clip::from_scene(&scene, &ClipOptions::default()).unwrap();
        let (first, second) = (clip.truth(15), clip.truth(115));
        assert!(!first.is_empty());
        assert_eq!(first.len(), second.len());
        for (a, b) in first.iter().zip(&second) {
            assert_eq!(a.id + scene.objects() as u64, b.id);
            assert_eq!(a.bbox, b.bbox);
        }
    }

    #[test]
    fn the_rate_of_american_television_does_not_drift() {
        let rate = FrameRate { frames: 30_000, secs: 1001 };
        assert_eq!(rate.nanos_at(30_000), 1_001_000_000_000);
        for index in [0, 1, 2, 29, 30, 1_000_003] {
            assert_eq!(rate.frame_at(rate.nanos_at(index)), index);
        }
    }

    #[test]
    fn a_missing_video_is_named() {
        let error = Clip::from_video(Path::new("/nowhere/at-all.mp4"), &ClipOptions::default()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at-all.mp4"), "{error}");
    }
}
