//! A decoded video frame in the decoder's own format, and the moments it went through.

use crate::time::WallTime;

/// Layout of the samples in a frame's planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// 4:2:0, plane 0 Y, plane 1 interleaved U and V.
    Nv12,
    /// 4:2:0, planes Y, U, V.
    I420,
    /// Packed 8-bit R, G, B in plane 0 (still images).
    Rgb,
}

impl PixelFormat {
    /// How many planes a frame of this format has.
    #[must_use]
    pub const fn plane_count(self) -> usize {
        match self {
            Self::Nv12 => 2,
            Self::I420 => 3,
            Self::Rgb => 1,
        }
    }
}

/// The matrix between Y'CbCr and R'G'B' (ITU-R BT.601 or BT.709).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColorMatrix {
    /// Standard definition.
    Bt601,
    /// High definition.
    Bt709,
}

/// Whether luma spans 16..=235 or 0..=255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColorRange {
    /// 16..=235 for Y, 16..=240 for U and V: video.
    Limited,
    /// 0..=255: JPEG and some cameras.
    Full,
}

/// How a Y'CbCr frame's samples turn into R'G'B'. Ignored for [`PixelFormat::Rgb`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colorimetry {
    /// The matrix.
    pub matrix: ColorMatrix,
    /// The range.
    pub range: ColorRange,
}

/// One plane of samples.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// The rows, `stride` bytes apart; the last row may be shorter than the stride.
    pub data: &'a [u8],
    /// Bytes from the start of one row to the start of the next.
    pub stride: usize,
}

/// A frame's pixels, borrowed from whoever owns them (a mapped GStreamer buffer, an image).
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// Layout of the samples.
    pub format: PixelFormat,
    /// Visible width in pixels.
    pub width: usize,
    /// Visible height in pixels.
    pub height: usize,
    /// Colour matrix and range.
    pub colorimetry: Colorimetry,
    /// As many planes as [`PixelFormat::plane_count`] says; the rest are empty.
    pub planes: [Plane<'a>; 3],
}

/// Owner of a frame's pixels. `media` implements it on a mapped GStreamer buffer, so that nothing is copied.
///
/// `Sync`, because one frame can be the best picture of several objects at once.
pub trait FrameBuffer: Send + Sync {
    /// The pixels.
    fn view(&self) -> FrameView<'_>;
}

/// Which clock a frame's capture time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureClock {
    /// The camera's own, by its RTCP sender reports.
    Rtcp,
    /// This machine's, when the first packet of the frame arrived.
    Receive,
}

/// Size of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureSize {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Size and number of a frame, as payloads carry it.
///
/// The size is the camera's. A source that scaled the frame ([`crate::ports::SourceCallbacks::wanted_size`]) gives pixels of
/// another size, which [`FrameView`] tells; boxes are fractions and hold in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FrameInfo {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Number of the frame since the camera's start in this process, from 0, never going back at a reconnect.
    pub seq: u64,
}

/// When a frame was captured and decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameTimes {
    /// When the camera took it, as well as it can be known.
    pub capture: WallTime,
    /// How `capture` is known.
    pub clock: CaptureClock,
    /// When it left the decoder, wall clock.
    pub decoded: WallTime,
    /// When it left the decoder, monotonic: for ages and deadlines.
    pub decoded_at: std::time::Instant,
    /// When it arrived from its camera, monotonic; when it left the decoder where that is not known.
    pub arrived_at: std::time::Instant,
}

/// One decoded frame on its way to inference. Dropping it gives its buffer back to the decoder.
pub struct Frame {
    /// Size and number.
    pub info: FrameInfo,
    /// Its moments.
    pub times: FrameTimes,
    /// Its pixels.
    pub buffer: Box<dyn FrameBuffer>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("info", &self.info).field("times", &self.times).finish_non_exhaustive()
    }
}

/// Pixels owned in memory: still images, tests, simulated frames.
#[derive(Clone, Debug)]
pub struct OwnedPixels {
    /// Layout of the samples.
    pub format: PixelFormat,
    /// Visible width in pixels.
    pub width: usize,
    /// Visible height in pixels.
    pub height: usize,
    /// Colour matrix and range.
    pub colorimetry: Colorimetry,
    /// (samples, stride) per plane.
    pub planes: Vec<(Vec<u8>, usize)>,
}

impl OwnedPixels {
    /// Packed RGB, `width * height * 3` bytes, no padding. `None` when the length is another.
    #[must_use]
    pub fn rgb(width: usize, height: usize, data: Vec<u8>) -> Option<Self> {
        if data.len() != width * height * 3 {
            return None;
        }
        let colorimetry = Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Full };
        Some(Self { format: PixelFormat::Rgb, width, height, colorimetry, planes: vec![(data, width * 3)] })
    }
}

impl FrameBuffer for OwnedPixels {
    fn view(&self) -> FrameView<'_> {
        let mut planes = [Plane { data: &[], stride: 0 }; 3];
        for (plane, (data, stride)) in planes.iter_mut().zip(&self.planes) {
            *plane = Plane { data, stride: *stride };
        }
        FrameView { format: self.format, width: self.width, height: self.height, colorimetry: self.colorimetry, planes }
    }
}
