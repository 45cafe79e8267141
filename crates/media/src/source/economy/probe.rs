//! Where pictures on their way to the decoder are stopped.

use std::{
    sync::{Arc, LazyLock},
    thread,
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use sightline_core::ports::SkippedPicture;

use super::{Picture, Verdict, turns::Turns};
use crate::source::stream::Stream;

/// Key frames of dozens of cameras take less time together, and one that takes as long by itself has a decoder that hangs.
const LONGEST_TURN: Duration = Duration::from_millis(500);
/// All cameras' decoders share one machine.
static TURNS: LazyLock<Turns> =
    LazyLock::new(|| Turns::new(thread::available_parallelism().map_or(1, usize::from), LONGEST_TURN));

/// Lets through `parser` only what `stream`'s camera needs.
pub fn attach(parser: &gst::Element, stream: &Arc<Stream>) {
    let Some(pad) = parser.static_pad("src") else { return };
    let stream = Arc::clone(stream);
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM, move |pad, info| {
        let buffer = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => buffer,
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Caps(caps) = event.view() {
                    let left_out = stream.economy.begin(caps.caps());
                    stream.reporter.skipped(SkippedPicture::Idle, left_out);
                }
                return gst::PadProbeReturn::Ok;
            }
            _ => return gst::PadProbeReturn::Ok,
        };
        let mut left_out = 0;
        let wanted = stream.reporter.wanted_decoding();
        let now = Instant::now();
        let picture = Picture { buffer, waited: stream.arrivals.waited(now) };
        let verdict = stream.economy.decide(&picture, now, wanted, &mut left_out);
        if left_out > 0 {
            stream.reporter.skipped(SkippedPicture::Idle, left_out);
        }
        match verdict {
            Verdict::Decode => gst::PadProbeReturn::Ok,
            Verdict::DecodeInTurn => {
                let Some(decoder) = pad.peer() else { return gst::PadProbeReturn::Ok };
                let buffer = buffer.clone();
                let turn = TURNS.take();
                // Here and not by the pad, to know when it has been decoded.
                info.flow_res = decoder.chain(buffer);
                drop(turn);
                gst::PadProbeReturn::Handled
            }
            Verdict::Keep => gst::PadProbeReturn::Drop,
            Verdict::LeaveOut(why) => {
                stream.reporter.skipped(why, 1);
                gst::PadProbeReturn::Drop
            }
            Verdict::CatchUp(kept) => {
                // Straight into the decoder, on the thread that feeds it: through this pad they would come here again.
                let decoder = pad.peer();
                for buffer in kept {
                    // What it does not take, the picture that follows tells to who asks.
                    if decoder.as_ref().is_none_or(|decoder| decoder.chain(buffer).is_err()) {
                        break;
                    }
                }
                gst::PadProbeReturn::Ok
            }
        }
    });
}
