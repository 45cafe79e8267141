//! What this installation of GStreamer has of what cameras need.

use gstreamer as gst;

use crate::{
    decoder,
    elements::{debian_package, exists},
};

/// Elements that no camera does without, and those that some need.
const ELEMENTS: [&str; 16] = [
    "appsink",
    "appsrc",
    "capsfilter",
    "filesrc",
    "h264parse",
    "h265parse",
    "mp4mux",
    "parsebin",
    "rtph264depay",
    "rtph265depay",
    "rtpjpegdepay",
    "rtspsrc",
    "typefind",
    "v4l2src",
    "videoconvert",
    "videotestsrc",
];
/// What cameras send, as GStreamer calls it.
const CODECS: [&str; 5] = ["video/x-h264", "video/x-h265", "image/jpeg", "video/mpeg, mpegversion=4", "video/x-vp8"];

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// GStreamer's version: `1.22.0`.
    pub version: String,
    /// Elements that are missing, with the Debian package that has them.
    pub missing: Vec<(&'static str, &'static str)>,
    /// Decoders per codec, the one that is tried first in front.
    pub decoders: Vec<(String, Vec<String>)>,
}

/// Looks. GStreamer must have been started ([`crate::init`]).
#[must_use]
pub fn inventory() -> Inventory {
    let (major, minor, micro, _) = gst::version();
    let missing = ELEMENTS.into_iter().filter(|element| !exists(element));
    let decoders = CODECS.into_iter().filter_map(|codec| {
        let caps: gst::Caps = codec.parse().ok()?;
        Some((decoder::codec_name(&caps), decoder::available(&caps)))
    });
    Inventory {
        version: format!("{major}.{minor}.{micro}"),
        missing: missing.map(|element| (element, debian_package(element))).collect(),
        decoders: decoders.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_setup_installs_is_all_there() {
        crate::init().unwrap();
        let inventory = inventory();
        assert_eq!(inventory.missing, []);
        assert!(inventory.version.starts_with("1."));
        for (codec, decoders) in &inventory.decoders {
            assert!(!decoders.is_empty(), "no decoder for {codec}");
        }
        assert_eq!(inventory.decoders[0].0, "H264");
    }
}
