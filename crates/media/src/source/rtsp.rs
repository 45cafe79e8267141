//! `rtsp://` and `rtsps://` cameras.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::{
    plan::RtspTransport,
    ports::{SourceError, SourceErrorCode},
    secret::Credentials,
};

use super::{capture_clock, front::Front, sample, silence::Step, stream::Stream, watch};
use crate::{
    elements::{make, set_if_present, source_error},
    tail::{Pace, Tail},
};

/// No UDP packet for so long: TCP is tried, or it is a failure.
const UDP_TIMEOUT_MICROS: u64 = 5_000_000;
/// No answer from the server for so long is a failure. A server that opens its camera on demand (mediamtx, go2rtc,
/// gst-rtsp-server) answers DESCRIBE only when the next keyframe is there, which took more than 5 s in the bench.
const TCP_TIMEOUT_MICROS: u64 = 10_000_000;
/// How long rtpjitterbuffer waits for a packet that UDP may still deliver out of order. In TCP there is no other order.
const REORDER_WAIT_MILLIS: u32 = 200;
const USER_AGENT: &str = concat!("Sightline/", env!("CARGO_PKG_VERSION"));

/// What a camera's `SourceSpec::Rtsp` says.
pub struct Settings<'a> {
    pub url: &'a str,
    /// The address as it may be told.
    pub shown: String,
    pub credentials: Option<&'a Credentials>,
    pub transport: RtspTransport,
    pub verify_tls: bool,
}

/// The elements for one RTP payload: depayloader, parser, and what the parser gives.
struct Payload {
    depayloader: &'static str,
    parser: &'static str,
    encoded: &'static str,
}

fn payload(encoding_name: &str) -> Option<Payload> {
    match encoding_name {
        "H264" => Some(Payload { depayloader: "rtph264depay", parser: "h264parse", encoded: "video/x-h264" }),
        "H265" => Some(Payload { depayloader: "rtph265depay", parser: "h265parse", encoded: "video/x-h265" }),
        "JPEG" => Some(Payload { depayloader: "rtpjpegdepay", parser: "jpegparse", encoded: "image/jpeg" }),
        _ => None,
    }
}

/// Fills `pipeline` with rtspsrc and the tail; the decoder follows when the server has said what it sends.
///
/// # Errors
/// For an address that is none, and when GStreamer lacks an element.
pub fn build(
    settings: &Settings<'_>,
    wished: Option<&str>,
    pipeline: &gst::Pipeline,
    stream: &Arc<Stream>,
) -> Result<(), SourceError> {
    let encrypted = scheme_is_encrypted(settings)?;
    let source = make("rtspsrc")?;
    source.set_property("location", settings.url);
    source.set_property("user-agent", USER_AGENT);
    if let Some(credentials) = settings.credentials {
        source.set_property("user-id", &credentials.username);
        source.set_property("user-pw", credentials.password.reveal());
    }
    // RTP over UDP beside an encrypted RTSP connection would travel in the clear.
    let transport = if encrypted { RtspTransport::Tcp } else { settings.transport };
    let (protocols, latency) = match transport {
        RtspTransport::Tcp => ("tcp", 0),
        RtspTransport::Udp => ("udp", REORDER_WAIT_MILLIS),
        RtspTransport::Auto => ("udp+tcp", REORDER_WAIT_MILLIS),
    };
    source.set_property_from_str("protocols", protocols);
    source.set_property("latency", latency);
    source.set_property("timeout", UDP_TIMEOUT_MICROS);
    source.set_property("tcp-timeout", TCP_TIMEOUT_MICROS);
    // For servers that state a duration (recordings) `auto` would buffer seconds ahead as a player does.
    source.set_property_from_str("buffer-mode", "slave");
    if encrypted && settings.verify_tls {
        note_refused_certificate(&source, stream);
    } else if encrypted {
        accept_any_certificate(&source);
    }

    let tail = Tail::add_to(pipeline, Pace::Live, Some(sample::callbacks(stream, true)))?;
    let cannot_add = |_| source_error(SourceErrorCode::Other, "cannot add rtspsrc to the pipeline");
    pipeline.add(&source).map_err(cannot_add)?;

    follow_jitterbuffers(&source, stream, Duration::from_millis(latency.into()));
    select_video(&source, stream);
    let front = Front::new(stream, pipeline, &tail.convert, wished, true);
    source.connect_pad_added(move |_, pad| plug(&front, pad));
    Ok(())
}

fn scheme_is_encrypted(settings: &Settings<'_>) -> Result<bool, SourceError> {
    let url = &settings.shown;
    let parsed = url::Url::parse(settings.url)
        .map_err(|error| source_error(SourceErrorCode::Config, format!("`{url}` is no address: {error}")))?;
    match parsed.scheme() {
        "rtsp" => Ok(false),
        "rtsps" => Ok(true),
        other => {
            let message = format!("`{url}`: `{other}` is neither rtsp nor rtsps");
            Err(source_error(SourceErrorCode::Config, message))
        }
    }
}

/// No flag of `GTlsCertificateFlags` is left to be checked. Cameras sign their own certificates.
fn accept_any_certificate(source: &gst::Element) {
    let none = source
        .find_property("tls-validation-flags")
        .and_then(|spec| gst::glib::FlagsClass::with_type(spec.value_type()))
        .and_then(|class| class.builder().build());
    if let Some(none) = none {
        set_if_present(source, "tls-validation-flags", none);
    }
}

/// rtspsrc itself says only "generic error" when the certificate does not pass.
fn note_refused_certificate(source: &gst::Element, stream: &Arc<Stream>) {
    let stream = Arc::clone(stream);
    source.connect("accept-certificate", false, move |_| {
        stream.certificate_refused.store(true, Ordering::Relaxed);
        Some(false.to_value())
    });
}

/// Lets rtspsrc SETUP one video stream that can be decoded, and nothing else: audio and metadata would be received,
/// reordered and thrown away.
fn select_video(source: &gst::Element, stream: &Arc<Stream>) {
    const NOTHING: u32 = u32::MAX;
    let chosen = AtomicU32::new(NOTHING);
    let stream = Arc::clone(stream);
    source.connect("select-stream", false, move |arguments| {
        stream.silence.reached(Step::Described);
        let number: u32 = arguments.get(1)?.get().ok()?;
        let caps: gst::Caps = arguments.get(2)?.get().ok()?;
        let text = |field| caps.structure(0).and_then(|it| it.get::<String>(field).ok()).unwrap_or_default();
        let encoding_name = text("encoding-name").to_uppercase();
        if text("media") != "video" {
            return Some(false.to_value());
        }
        if payload(&encoding_name).is_none() {
            stream.note_unsupported(encoding_name);
            return Some(false.to_value());
        }
        // The first one; and the same one again when rtspsrc opens the camera a second time over TCP.
        let first =
            chosen.compare_exchange(NOTHING, number, Ordering::Relaxed, Ordering::Relaxed).unwrap_or_else(|it| it);
        Some((first == NOTHING || first == number).to_value())
    });
}

/// What only the jitterbuffer knows: the camera's clock, and when packets arrived.
fn follow_jitterbuffers(source: &gst::Element, stream: &Arc<Stream>, latency: Duration) {
    let stream = Arc::clone(stream);
    // `connect` panics where a signal does not exist; the manager is rtpbin, but for RealMedia servers rdtmanager.
    source.connect("new-manager", false, move |arguments| {
        let manager: gst::Element = arguments.get(1)?.get().ok()?;
        gst::glib::subclass::SignalId::lookup("new-jitterbuffer", manager.type_())?;
        let stream = Arc::clone(&stream);
        manager.connect("new-jitterbuffer", false, move |arguments| {
            let jitterbuffer: gst::Element = arguments.get(1)?.get().ok()?;
            capture_clock::follow(&jitterbuffer, &stream.clock);
            stream.arrivals.begin(latency);
            let arrivals = Arc::clone(&stream.arrivals);
            let packets = gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
            jitterbuffer.static_pad("sink")?.add_probe(packets, move |_, info| {
                arrivals.note_arriving(info);
                gst::PadProbeReturn::Ok
            });
            None
        });
        None
    });
}

fn plug(front: &Front, pad: &gst::Pad) {
    let Some(caps) = pad.current_caps().or_else(|| Some(pad.query_caps(None))) else { return };
    let encoding_name: String =
        caps.structure(0).and_then(|structure| structure.get("encoding-name").ok()).unwrap_or_default();
    let Some(payload) = payload(&encoding_name) else {
        let message = format!("{}: cannot decode {encoding_name}", front.stream.address);
        front.stream.reporter.fail(source_error(SourceErrorCode::Codec, message));
        return;
    };
    match (make(payload.depayloader), make(payload.parser)) {
        (Ok(depayloader), Ok(parser)) => {
            note_packets(pad, &front.stream, encoding_name);
            let encoded = gst::Caps::new_empty_simple(payload.encoded);
            front.plug(pad, vec![depayloader, parser], &encoded);
        }
        (Err(error), _) | (_, Err(error)) => front.stream.reporter.fail(error),
    }
}

/// Packets and not pictures: a camera whose packets make no picture is not silent, but cannot be decoded.
fn note_packets(pad: &gst::Pad, stream: &Arc<Stream>, codec: String) {
    let stream = Arc::clone(stream);
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        stream.silence.packet();
        stream.arrivals.note_handed_on(info);
        watch::data_arrived(&stream, &codec);
        gst::PadProbeReturn::Ok
    });
}
