//! A file taken apart: `filesrc ! typefind ! demuxer`, of whose streams the first video one is used.
//!
//! Not `parsebin`: with it (GStreamer 1.22) a WAV file and a truncated MP4 file now and then gave no error on the
//! pipeline's bus although the demuxer had failed, so that neither a frame nor an error ever came. Without it, 25 runs of
//! each gave 25 errors.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::{SourceError, SourceErrorCode};

use crate::elements::{add_and_link, make, source_error};

/// What a file turned out to hold.
#[derive(Default)]
pub struct Contents {
    has_video: AtomicBool,
    others: Mutex<Vec<String>>,
    /// Locked while what reads the file is plugged in behind the type finder, on its thread. Decoders come on the demuxer's, for
    /// which nobody waits.
    is_closed: Mutex<bool>,
}

impl Contents {
    /// Why there is no video, when that is what is wrong with the file: an error of its own is then only "not linked".
    pub fn without_video(&self) -> Option<String> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let is_without = !self.has_video.load(Ordering::Relaxed) && !others.is_empty();
        is_without.then(|| format!("no video in it, only {}", others.join(", ")))
    }

    /// Starts the pipeline that plays the file. Whoever starts an element that is plugged in just then waits, in GStreamer,
    /// for the type finder's thread, which waits for that element.
    ///
    /// # Errors
    /// When an element refuses.
    pub fn start(&self, pipeline: &gst::Pipeline) -> Result<(), gst::StateChangeError> {
        let _nothing_is_plugged_in = self.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        pipeline.set_state(gst::State::Playing).map(drop)
    }

    /// From now on nothing is plugged in behind the type finder: to be called before the pipeline is stopped, for the same
    /// reason, on no streaming thread.
    pub fn close(&self) {
        *self.is_closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    fn note(&self, media_type: &str) {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(media_type.to_owned());
    }
}

/// Gets the pad of the first video stream, the parser to put behind it (or none), and the stream's caps.
pub type OnVideo = dyn Fn(&gst::Pad, Vec<gst::Element>, &gst::CapsRef) + Send + Sync;

/// Adds the elements to `pipeline`. `on_video` is called on a streaming thread once the file is understood; when it is
/// not, GStreamer posts an error.
///
/// # Errors
/// When GStreamer lacks an element, or the file's name is not UTF-8.
pub fn add_to(pipeline: &gst::Pipeline, path: &Path, on_video: Arc<OnVideo>) -> Result<Arc<Contents>, SourceError> {
    let source = make("filesrc")?;
    let name = path.to_str().ok_or_else(|| {
        source_error(SourceErrorCode::Config, format!("the file name {} is not UTF-8", path.display()))
    })?;
    source.set_property("location", name);
    let typefind = make("typefind")?;
    add_and_link(pipeline, &[&source, &typefind])?;

    let contents = Arc::new(Contents::default());
    let opener = Opener { pipeline: pipeline.downgrade(), contents: Arc::clone(&contents), on_video };
    typefind.connect("have-type", false, move |arguments| {
        let typefind: gst::Element = arguments.first()?.get().ok()?;
        let caps: gst::Caps = arguments.get(2)?.get().ok()?;
        if let Err(message) = opener.open(&typefind, &caps) {
            gst::element_error!(typefind, gst::StreamError::WrongType, ["{message}"]);
        }
        None
    });
    Ok(contents)
}

struct Opener {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    contents: Arc<Contents>,
    on_video: Arc<OnVideo>,
}

impl Opener {
    /// Plugs in what reads a file of these caps: a demuxer, or for a bare stream its parser.
    fn open(&self, typefind: &gst::Element, caps: &gst::Caps) -> Result<(), String> {
        let Some(pipeline) = self.pipeline.upgrade() else { return Ok(()) };
        let is_closed = self.contents.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_closed {
            return Ok(());
        }
        if let Some(demuxer) = best(gst::ElementFactoryType::DEMUXER, caps) {
            let (contents, on_video) = (Arc::clone(&self.contents), Arc::clone(&self.on_video));
            demuxer.connect_pad_added(move |_, pad| pad_added(pad, &contents, on_video.as_ref()));
            return run(&pipeline, typefind, &demuxer);
        }
        let media_type = media_type(caps);
        let parser = best(gst::ElementFactoryType::PARSER, caps).filter(|_| is_video(&media_type));
        let Some(parser) = parser else { return Err(format!("this is {media_type}, which is no video")) };
        let pad = parser.static_pad("src").ok_or("the parser has no pad")?;
        self.contents.has_video.store(true, Ordering::Relaxed);
        pipeline.add(&parser).map_err(|error| error.to_string())?;
        (self.on_video)(&pad, Vec::new(), caps);
        typefind.link(&parser).and_then(|()| parser.sync_state_with_parent()).map_err(|error| error.to_string())
    }
}

/// Links before starting: a demuxer that finds its sink pad linked reads where it likes, else it takes what it is given
/// and cannot read an MP4 file with its index at the end.
fn run(pipeline: &gst::Pipeline, typefind: &gst::Element, demuxer: &gst::Element) -> Result<(), String> {
    pipeline
        .add(demuxer)
        .and_then(|()| typefind.link(demuxer))
        .and_then(|()| demuxer.sync_state_with_parent())
        .map_err(|error| error.to_string())
}

fn pad_added(pad: &gst::Pad, contents: &Contents, on_video: &OnVideo) {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let media_type = media_type(&caps);
    if is_video(&media_type) && !contents.has_video.swap(true, Ordering::Relaxed) {
        let parser = best(gst::ElementFactoryType::PARSER, &caps);
        return on_video(pad, parser.into_iter().collect(), &caps);
    }
    // Left unlinked: a demuxer goes on as long as one of its pads is linked.
    contents.note(&media_type);
}

/// The best ranked element of this type for these caps that can be made.
fn best(kind: gst::ElementFactoryType, caps: &gst::CapsRef) -> Option<gst::Element> {
    let factories = gst::ElementFactory::factories_with_type(kind, gst::Rank::MARGINAL);
    let fitting = factories.iter().filter(|factory| factory.can_sink_all_caps(caps));
    fitting.filter_map(|factory| factory.create().build().ok()).next()
}

fn media_type(caps: &gst::CapsRef) -> String {
    caps.structure(0).map(|structure| structure.name().to_string()).unwrap_or_default()
}

fn is_video(media_type: &str) -> bool {
    media_type.starts_with("video/") || media_type == "image/jpeg"
}
