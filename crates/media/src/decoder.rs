//! Which element decodes a stream: the best ranked that really starts, or the one that the camera names.

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{SourceError, SourceErrorCode};

use crate::{
    elements::{set_if_present, source_error},
    nvmm::{self, NvmmBridge},
    picture_memory,
};

/// A decoder that has reached READY, which is where hardware decoders open their device.
pub struct Decoder {
    /// Its factory's name, `avdec_h264`.
    pub name: String,
    /// The decoder.
    pub element: gst::Element,
    /// What brings its frames into memory, where it leaves them in NVIDIA's.
    pub bridge: Option<NvmmBridge>,
}

impl Decoder {
    /// What to put into the pipeline, in this order.
    pub fn elements(&self) -> Vec<gst::Element> {
        let mut elements = vec![self.element.clone()];
        if let Some(NvmmBridge { convert, filter }) = &self.bridge {
            elements.extend([convert.clone(), filter.clone()]);
        }
        elements
    }
}

/// The codec's name as messages have it: `H264`, `H265`, `JPEG`, `VP8`, …; empty for raw video.
pub fn codec_name(caps: &gst::CapsRef) -> String {
    let Some(structure) = caps.structure(0) else { return String::new() };
    match structure.name().as_str() {
        "video/x-raw" => String::new(),
        "video/x-h264" => "H264".into(),
        "video/x-h265" => "H265".into(),
        "image/jpeg" => "JPEG".into(),
        "video/mpeg" => format!("MPEG{}", structure.get::<i32>("mpegversion").unwrap_or_default()),
        other => other.rsplit('/').next().unwrap_or_default().trim_start_matches("x-").to_uppercase(),
    }
}

/// Names of the decoders that this installation has for `caps`, best ranked first.
pub fn available(caps: &gst::CapsRef) -> Vec<String> {
    ranked(caps).iter().map(|factory| factory.name().to_string()).collect()
}

fn ranked(caps: &gst::CapsRef) -> Vec<gst::ElementFactory> {
    // Caps of a stream that is not decoded yet seldom fix every field, so they need only have something in common with
    // what a decoder takes. Decoders for pictures with transparency would pass that, unless it is said that there is none.
    let mut caps = caps.to_owned();
    for structure in caps.make_mut().iter_mut() {
        if !structure.has_field("codec-alpha") {
            structure.set("codec-alpha", false);
        }
    }
    let decoders = gst::ElementFactory::factories_with_type(gst::ElementFactoryType::DECODER, gst::Rank::MARGINAL);
    // The list comes sorted by rank, best first.
    decoders.iter().filter(|factory| factory.can_sink_any_caps(&caps)).cloned().collect()
}

/// Whether a decoder of this name is installed at all.
///
/// # Errors
/// [`SourceErrorCode::Config`] naming those that are, per codec.
pub fn check_override(name: &str) -> Result<(), SourceError> {
    if gst::ElementFactory::find(name).is_some_and(|factory| factory.has_type(gst::ElementFactoryType::DECODER)) {
        return Ok(());
    }
    let listed = ["video/x-h264", "video/x-h265", "image/jpeg"].map(|media_type| {
        let caps = gst::Caps::new_empty_simple(media_type);
        format!("{}: {}", codec_name(&caps), joined(&available(&caps)))
    });
    let message = format!("no decoder `{name}` here; there are, for {}", listed.join("; for "));
    Err(source_error(SourceErrorCode::Config, message))
}

/// Makes the decoder for `caps`: `wished`, or the best ranked one that reaches READY.
///
/// `one_thread` keeps libav from decoding frames in parallel.
///
/// # Errors
/// [`SourceErrorCode::Codec`] when there is none or none starts, [`SourceErrorCode::Config`] when `wished` is not one for
/// these caps.
pub fn make_for(caps: &gst::CapsRef, wished: Option<&str>, one_thread: bool) -> Result<Decoder, SourceError> {
    let codec = codec_name(caps);
    let candidates = ranked(caps);
    if let Some(wished) = wished {
        return make_wished(wished, caps, &codec, one_thread);
    }
    if candidates.is_empty() {
        let message = format!("no decoder for {codec} is installed; install gstreamer1.0-libav");
        return Err(source_error(SourceErrorCode::Codec, message));
    }
    for factory in &candidates {
        match start(factory, one_thread) {
            Ok(decoder) => return Ok(decoder),
            Err(reason) => tracing::info!(decoder = %factory.name(), codec, reason, "decoder does not start"),
        }
    }
    let message = format!("no decoder for {codec} starts; tried {}", joined(&available(caps)));
    Err(source_error(SourceErrorCode::Codec, message))
}

fn make_wished(wished: &str, caps: &gst::CapsRef, codec: &str, one_thread: bool) -> Result<Decoder, SourceError> {
    let there_are = || format!("for {codec} there are: {}", joined(&available(caps)));
    let Some(factory) = gst::ElementFactory::find(wished) else {
        return Err(source_error(SourceErrorCode::Config, format!("no decoder `{wished}` here; {}", there_are())));
    };
    if !factory.can_sink_any_caps(caps) {
        let message = format!("the decoder `{wished}` does not decode {codec}; {}", there_are());
        return Err(source_error(SourceErrorCode::Config, message));
    }
    start(&factory, one_thread).map_err(|reason| {
        let message = format!("the decoder `{wished}` does not start ({reason}); {}", there_are());
        source_error(SourceErrorCode::Codec, message)
    })
}

/// Makes the element and takes it to READY.
fn start(factory: &gst::ElementFactory, one_thread: bool) -> Result<Decoder, String> {
    // First what can be missing: an element must not be dropped in READY.
    let bridge =
        nvmm::is_all_that_comes_out(factory).then(NvmmBridge::make).transpose().map_err(|error| error.message)?;
    let element = factory.create().build().map_err(|error| error.to_string())?;
    set_up(&element, one_thread);
    if picture_memory::SHARING_DECODERS.contains(&factory.name().as_str()) {
        picture_memory::offer_to(&element);
    }
    if element.set_state(gst::State::Ready).is_err() {
        // An element must be in NULL before it is dropped; this one did not get far, so nothing can fail here.
        let _ = element.set_state(gst::State::Null);
        return Err("it does not reach READY".into());
    }
    Ok(Decoder { name: factory.name().to_string(), element, bridge })
}

fn set_up(element: &gst::Element, one_thread: bool) {
    if one_thread {
        // libav's frame threading holds back one frame per thread (66 ms each at 15 fps), and with a camera per core
        // there is no idle core for it to use.
        set_if_present(element, "max-threads", 1i32);
    }
    // A frame with missing slices shows grey blocks, which a network takes for objects.
    set_if_present(element, "output-corrupt", false);
    set_if_present(element, "discard-corrupted-frames", true);
    // Before GStreamer 1.20 ten errors in a row end the stream. Packet loss over UDP makes such rows; whether a stream is
    // beyond decoding is for `source::watch` to say.
    set_if_present(element, "max-errors", -1i32);
}

fn joined(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(text: &str) -> gst::Caps {
        gst::init().unwrap();
        text.parse().unwrap()
    }

    #[test]
    fn codecs_are_named_as_messages_have_them() {
        for (text, name) in [
            ("video/x-h264,stream-format=avc", "H264"),
            ("video/x-h265", "H265"),
            ("image/jpeg", "JPEG"),
            ("video/x-vp8", "VP8"),
            ("video/mpeg,mpegversion=4", "MPEG4"),
            ("video/x-raw,format=I420", ""),
        ] {
            assert_eq!(codec_name(&caps(text)), name);
        }
    }

    #[test]
    fn an_unknown_decoder_is_refused_with_those_that_exist() {
        gst::init().unwrap();
        let error = check_override("avdec_h246").unwrap_err();
        assert_eq!(error.code, SourceErrorCode::Config);
        assert!(error.message.contains("`avdec_h246`") && error.message.contains("avdec_h264"), "{error}");
    }

    #[test]
    fn an_element_that_is_no_decoder_is_refused() {
        gst::init().unwrap();
        assert_eq!(check_override("videoconvert").unwrap_err().code, SourceErrorCode::Config);
    }

    #[test]
    fn a_decoder_of_another_codec_is_refused() {
        let error = make_for(&caps("video/x-h264"), Some("avdec_h265"), true).err().unwrap();
        assert_eq!(error.code, SourceErrorCode::Config);
        assert!(error.message.contains("does not decode H264"), "{error}");
    }

    #[test]
    fn a_codec_without_decoder_is_named() {
        let error = make_for(&caps("video/x-nothing-of-the-kind"), None, true).err().unwrap();
        assert_eq!(error.code, SourceErrorCode::Codec);
        assert!(error.message.contains("NOTHING-OF-THE-KIND"), "{error}");
    }

    #[test]
    fn libav_decodes_on_one_thread_and_keeps_damaged_frames_back() {
        let decoder = make_for(&caps("video/x-h264"), Some("avdec_h264"), true).unwrap();
        let element = &decoder.element;
        assert_eq!(element.property::<i32>("max-threads"), 1);
        assert!(!element.property::<bool>("output-corrupt"));
        element.set_state(gst::State::Null).unwrap();
    }
}
