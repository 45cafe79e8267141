//! Making GStreamer elements, with an error that says what to install.

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{SourceError, SourceErrorCode};

use crate::log::redact;

/// An error whose message is ready. Every error of this crate's is made here, so that none tells a credential that
/// GStreamer has put into its words.
pub fn source_error(code: SourceErrorCode, message: impl AsRef<str>) -> SourceError {
    SourceError { code, message: redact(message.as_ref()).into_owned() }
}

/// Makes an element that the pipeline cannot do without.
///
/// # Errors
/// [`SourceErrorCode::Config`] naming the package when this installation lacks it: trying again cannot help.
pub fn make(factory: &str) -> Result<gst::Element, SourceError> {
    gst::ElementFactory::make(factory).build().map_err(|_| {
        let package = debian_package(factory);
        source_error(
            SourceErrorCode::Config,
            format!("this GStreamer installation lacks the element `{factory}`; install {package}"),
        )
    })
}

/// Whether this installation has an element.
pub fn exists(factory: &str) -> bool {
    gst::ElementFactory::find(factory).is_some()
}

/// Where Debian, Ubuntu and JetPack ship an element that this crate uses.
pub fn debian_package(factory: &str) -> &'static str {
    match factory {
        "h264parse" | "h265parse" => "gstreamer1.0-plugins-bad",
        "filesrc" | "filesink" => "libgstreamer1.0-0",
        // NVIDIA's own, on JetPack.
        "nvvidconv" => "nvidia-l4t-gstreamer",
        "parsebin" | "videoconvert" | "videotestsrc" | "appsink" | "appsrc" => "gstreamer1.0-plugins-base",
        "capsfilter" | "typefind" => "libgstreamer1.0-0",
        _ => "gstreamer1.0-plugins-good",
    }
}

/// Sets a property where this GStreamer has it: Debian 12 ships 1.22, JetPack 1.16 and 1.20.
pub fn set_if_present(element: &gst::Element, property: &str, value: impl Into<gst::glib::Value>) {
    let Some(spec) = element.find_property(property) else { return };
    let value = value.into();
    // A property that changed its type between versions must not panic here: its default is good enough.
    if value.type_().is_a(spec.value_type()) {
        element.set_property_from_value(property, &value);
    }
}

/// Sets an enumeration's property to its value called `nick`, in whichever case, where this GStreamer has both.
pub fn set_nick_if_present(element: &gst::Element, property: &str, nick: &str) {
    let class = element.find_property(property).and_then(|spec| gst::glib::EnumClass::with_type(spec.value_type()));
    let value = class.as_ref().and_then(|class| {
        let named = class.values().iter().find(|value| value.nick().eq_ignore_ascii_case(nick))?;
        class.to_value(named.value())
    });
    if let Some(value) = value {
        element.set_property_from_value(property, &value);
    }
}

/// The first error on the pipeline's bus, in its own words.
pub fn first_error(pipeline: &gst::Pipeline) -> Option<String> {
    error_text(&pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?)
}

/// What an error message says, with the detail in brackets where there is one that helps. `None` for other messages.
pub fn error_text(message: &gst::Message) -> Option<String> {
    let gst::MessageView::Error(error) = message.view() else { return None };
    let debug = error.debug();
    let detail = debug.as_deref().and_then(|text| text.trim().lines().last()).filter(|line| !line.contains("../"));
    let text = error.error().message().trim_end_matches('.').to_owned();
    let words = detail.map_or(text.clone(), |detail| format!("{text} ({})", detail.trim_end_matches('.')));
    Some(redact(&words).into_owned())
}

/// Adds `elements` to `pipeline` and links them in this order.
///
/// # Errors
/// [`SourceErrorCode::Other`] when GStreamer refuses, naming the elements.
pub fn add_and_link(pipeline: &gst::Pipeline, elements: &[&gst::Element]) -> Result<(), SourceError> {
    let refused = |error: gst::glib::BoolError| {
        let names: Vec<_> = elements.iter().map(|element| element.name().to_string()).collect();
        source_error(SourceErrorCode::Other, format!("cannot link {}: {error}", names.join(" ! ")))
    };
    pipeline.add_many(elements).map_err(refused)?;
    gst::Element::link_many(elements).map_err(refused)
}
