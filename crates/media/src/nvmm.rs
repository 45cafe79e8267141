//! NVIDIA's own memory (NVMM), in which Jetson's decoders leave their frames and which the CPU does not read.
//!
//! Jetson's compositor (VIC) copies a frame out of it, and scales in the same pass. So of a camera whose pictures are only
//! for a network, a picture of the network's size is copied, 135 KB for 300×300, and not the 3.1 MB of 1920×1080.

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::{frame::PictureSize, ports::SourceError};

use crate::elements::{make, set_nick_if_present};

/// The compositor scales each side down by at most this: beyond it each frame fails ("VIC Configuration failed image scale
/// factor exceeds 16").
const MOST_SCALE: u32 = 16;

/// Whether each frame that such a decoder gives is in NVMM.
pub fn is_all_that_comes_out(decoder: &gst::ElementFactory) -> bool {
    let templates = decoder.static_pad_templates();
    let mut sources = templates.iter().filter(|template| template.direction() == gst::PadDirection::Src).peekable();
    let all_nvmm = |caps: &gst::Caps| {
        (0..caps.size()).all(|index| caps.features(index).is_some_and(|features| features.contains("memory:NVMM")))
    };
    sources.peek().is_some() && sources.all(|template| !template.caps().is_any() && all_nvmm(&template.caps()))
}

/// `nvvidconv ! capsfilter`: NV12 in memory that the CPU reads.
pub struct NvmmBridge {
    /// The compositor.
    pub convert: gst::Element,
    /// Says what it is to give.
    pub filter: gst::Element,
}

impl NvmmBridge {
    /// For frames as large as they come.
    ///
    /// # Errors
    /// [`sightline_core::ports::SourceErrorCode::Config`] naming NVIDIA's package when `nvvidconv` is missing.
    pub fn make() -> Result<Self, SourceError> {
        let convert = make("nvvidconv")?;
        // Its default is the nearest sample. The networks were trained on, and `core::preprocess` gives, the two nearest of
        // each axis.
        set_nick_if_present(&convert, "interpolation-method", "bilinear");
        let filter = make("capsfilter")?;
        give(&filter, None);
        Ok(Self { convert, filter })
    }
}

/// Lets a bridge's filter ask for frames of this size from the next one on, or for as large ones as come.
pub fn give(filter: &gst::Element, size: Option<PictureSize>) {
    let caps = gst::Caps::builder("video/x-raw").field("format", "NV12");
    let caps = match size.map(|size| (i32::try_from(size.width), i32::try_from(size.height))) {
        Some((Ok(width), Ok(height))) => caps.field("width", width).field("height", height),
        _ => caps,
    };
    filter.set_property("caps", caps.build());
}

/// The size to give of `camera`'s frames where those of `wanted` are enough; `None` when they are best left as they are.
///
/// Never larger than the camera's but for rounding: up to whole 2×2 blocks of chroma, and to the rows' padding of 4 bytes that
/// GStreamer assumes where a buffer does not tell its strides.
pub fn scaled_size(camera: PictureSize, wanted: Option<PictureSize>) -> Option<PictureSize> {
    let wanted = wanted?;
    let side = |camera: u32, wanted: u32| wanted.min(camera).max(camera.div_ceil(MOST_SCALE)).max(1);
    let width = side(camera.width, wanted.width).next_multiple_of(4);
    let height = side(camera.height, wanted.height).next_multiple_of(2);
    let is_smaller = u64::from(width) * u64::from(height) < u64::from(camera.width) * u64::from(camera.height);
    is_smaller.then_some(PictureSize { width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_made_smaller_within_what_the_compositor_does() {
        for (camera, wanted, expected) in [
            ((1920, 1080), Some((300, 300)), Some((300, 300))),
            ((1920, 1080), None, None),
            // Even, and the width a multiple of four.
            ((1920, 1080), Some((301, 301)), Some((304, 302))),
            ((1920, 1080), Some((1, 1)), Some((120, 68))),
            // 8K is 25.6 and 14.4 times as large as 300×300.
            ((7680, 4320), Some((300, 300)), Some((480, 300))),
            // A side that is smaller already stays as it is.
            ((160, 1200), Some((300, 300)), Some((160, 300))),
            ((160, 120), Some((300, 300)), None),
            ((300, 300), Some((300, 300)), None),
            ((302, 300), Some((302, 300)), None),
        ] {
            let size = |(width, height)| PictureSize { width, height };
            assert_eq!(scaled_size(size(camera), wanted.map(size)), expected.map(size), "{camera:?} {wanted:?}");
        }
    }
}
