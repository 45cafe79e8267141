//! `v4l2://` cameras and `test://` patterns.

use std::{path::Path, sync::Arc};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{SourceError, SourceErrorCode};

use super::{front::Front, sample, stream::Stream};
use crate::{
    elements::{add_and_link, make, source_error},
    tail::{Pace, Tail},
};

/// What is asked of a USB camera, best first. The network sees 300×300, so 720 lines are plenty; raw video costs no
/// decoding, but over USB 2 it is slow at larger sizes, hence the least rate.
const WISHES: [&str; 4] = [
    "video/x-raw,width=[320,1280],height=[240,720],framerate=[10/1,60/1]",
    "image/jpeg,width=[320,1280],height=[240,720]",
    "video/x-h264,width=[320,1920],height=[240,1080]",
    "video/x-raw",
];

/// Fills `pipeline` with v4l2src, a decoder where the camera compresses, and the tail.
///
/// # Errors
/// When the device is not there, cannot be opened or gives nothing usable.
pub fn build_v4l2(
    device: &Path,
    wished: Option<&str>,
    pipeline: &gst::Pipeline,
    stream: &Arc<Stream>,
) -> Result<(), SourceError> {
    let failed = |code, what: &str| source_error(code, format!("v4l2://{}: {what}", device.display()));
    if !device.exists() {
        return Err(failed(SourceErrorCode::NotFound, "no such device"));
    }
    let source = make("v4l2src")?;
    source.set_property("device", device.to_string_lossy().as_ref());
    pipeline.add(&source).map_err(|_| failed(SourceErrorCode::Other, "cannot add v4l2src to the pipeline"))?;
    // Only an open device tells its formats.
    if source.set_state(gst::State::Ready).is_err() {
        return Err(failed(SourceErrorCode::NotFound, "no camera that can be opened; is another program using it?"));
    }
    let pad = source.static_pad("src").ok_or_else(|| failed(SourceErrorCode::Other, "v4l2src has no pad"))?;
    let offered = pad.query_caps(None);
    let Some(chosen) = choose(&offered) else {
        return Err(failed(SourceErrorCode::Codec, "the camera gives neither raw video, JPEG nor H.264"));
    };

    let filter = make("capsfilter")?;
    filter.set_property("caps", &chosen);
    add_and_link(pipeline, &[&filter])?;
    source.link(&filter).map_err(|_| failed(SourceErrorCode::Other, "cannot link v4l2src"))?;
    let tail = Tail::add_to(pipeline, Pace::Live, Some(sample::callbacks(stream, true)))?;
    let filtered = filter.static_pad("src").ok_or_else(|| failed(SourceErrorCode::Other, "capsfilter has no pad"))?;
    let mut head = Vec::new();
    if let Some(parser) = parser_of(&chosen) {
        head.push(make(parser)?);
    }
    Front::new(stream, pipeline, &tail.convert, wished, true).plug(&filtered, head, &chosen);
    Ok(())
}

/// The best of [`WISHES`] that the camera offers, as one media type.
fn choose(offered: &gst::Caps) -> Option<gst::Caps> {
    for wish in WISHES {
        let wish: gst::Caps = wish.parse().ok()?;
        let common = offered.intersect_with_mode(&wish, gst::CapsIntersectMode::First);
        if !common.is_empty() {
            return Some(common);
        }
    }
    None
}

fn parser_of(caps: &gst::CapsRef) -> Option<&'static str> {
    match caps.structure(0)?.name().as_str() {
        "video/x-h264" => Some("h264parse"),
        "image/jpeg" => Some("jpegparse"),
        _ => None,
    }
}

/// Fills `pipeline` with videotestsrc, 640×360 at 15 frames per second, and the tail.
///
/// # Errors
/// For an unknown pattern, naming those that exist.
pub fn build_test(pattern: &str, pipeline: &gst::Pipeline, stream: &Arc<Stream>) -> Result<(), SourceError> {
    let source = make("videotestsrc")?;
    let known: Vec<String> = source
        .find_property("pattern")
        .and_then(|spec| gst::glib::EnumClass::with_type(spec.value_type()))
        .map(|class| class.values().iter().map(|value| value.nick().to_owned()).collect())
        .unwrap_or_default();
    if !known.iter().any(|nick| nick == pattern) {
        let message = format!("test://{pattern}: no such pattern; there are {}", known.join(", "));
        return Err(source_error(SourceErrorCode::Config, message));
    }
    source.set_property_from_str("pattern", pattern);
    source.set_property("is-live", true);
    let filter = make("capsfilter")?;
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", 640)
        .field("height", 360)
        .field("framerate", gst::Fraction::new(15, 1))
        .build();
    filter.set_property("caps", &caps);

    let tail = Tail::add_to(pipeline, Pace::Live, Some(sample::callbacks(stream, true)))?;
    add_and_link(pipeline, &[&source, &filter])?;
    filter
        .link(&tail.convert)
        .map_err(|error| source_error(SourceErrorCode::Other, format!("test://{pattern}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(offered: &str) -> Option<String> {
        gst::init().unwrap();
        let offered: gst::Caps = offered.parse().unwrap();
        choose(&offered).map(|caps| caps.structure(0).unwrap().name().to_string())
    }

    #[test]
    fn a_usb_camera_gives_raw_video_where_it_is_fast_enough_and_jpeg_else() {
        for (offered, expected) in [
            (
                "video/x-raw,format=YUY2,width=640,height=480,framerate=30/1; image/jpeg,width=1280,height=720,framerate=30/1",
                Some("video/x-raw"),
            ),
            (
                "video/x-raw,format=YUY2,width=1280,height=720,framerate=5/1; image/jpeg,width=1280,height=720,framerate=30/1",
                Some("image/jpeg"),
            ),
            ("video/x-h264,width=1280,height=720,framerate=30/1", Some("video/x-h264")),
            ("video/x-raw,format=GRAY8,width=160,height=120,framerate=9/1", Some("video/x-raw")),
            ("video/x-bayer,width=640,height=480", None),
        ] {
            assert_eq!(chosen(offered).as_deref(), expected, "{offered}");
        }
    }
}
