//! RTP packets made once by GStreamer, to be sent over and over.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;

use super::X264;

pub const FPS: u32 = 15;
pub const CLOCK_RATE: u32 = 90_000;

/// RTP packets of one picture, without a meaning of their sequence numbers, times and SSRC.
pub type Picture = Vec<Vec<u8>>;

/// Two seconds of video that begin with a key frame.
pub struct Clip {
    /// `H264`, as an SDP names it.
    pub encoding_name: &'static str,
    pub pictures: Vec<Picture>,
}

impl Clip {
    pub fn h264(width: u32, height: u32) -> Self {
        let elements = format!("{X264} ! rtph264pay pt=96 mtu=600 config-interval=-1");
        Self { encoding_name: "H264", pictures: packets(width, height, &elements) }
    }

    pub fn h265(width: u32, height: u32) -> Self {
        let elements = "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! \
                        rtph265pay pt=96 mtu=600 config-interval=-1";
        Self { encoding_name: "H265", pictures: packets(width, height, elements) }
    }
}

fn packets(width: u32, height: u32, elements: &str) -> Vec<Picture> {
    sightline_media::init().unwrap();
    let pipeline = gst::parse::launch(&format!(
        "videotestsrc num-buffers={} pattern=ball ! \
         video/x-raw,format=I420,width={width},height={height},framerate={FPS}/1 ! {elements} ! \
         appsink name=sink sync=false",
        2 * FPS
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let sink = pipeline.by_name("sink").unwrap().downcast::<AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut pictures: Vec<Picture> = Vec::new();
    let mut time = None;
    while let Ok(sample) = sink.pull_sample() {
        let packet = sample.buffer().unwrap().map_readable().unwrap().to_vec();
        if time.replace(packet[4..8].to_vec()).is_none_or(|before| before != packet[4..8]) {
            pictures.push(Vec::new());
        }
        pictures.last_mut().unwrap().push(packet);
    }
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(pictures.len() > FPS as usize, "{} pictures", pictures.len());
    pictures
}
