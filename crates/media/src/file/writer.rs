//! Video files written picture by picture.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::error::FileError;
use crate::{
    elements::{make, set_if_present},
    mp4::Mp4File,
};

/// Encoders of H.264, best first. The second one comes with the parser. (libav's `avenc_mpeg4` of GStreamer 1.22 gives
/// pictures without their times.)
const ENCODERS: [&str; 5] = ["x264enc", "openh264enc", "nvh264enc", "vah264enc", "v4l2h264enc"];
/// Bits per pixel for encoders that know no constant quality: 8 Mbit/s for 1080p at 30 frames per second.
const BITS_PER_PIXEL: f64 = 0.13;
/// Pictures that wait for the encoder; a few are enough to keep it busy.
const MOST_WAITING: u64 = 4;
/// The least that MP4 files are made of.
const LEAST_SIDE: u32 = 16;

/// Writes RGB pictures as an MP4 file, for people to look at. Dropped before [`VideoWriter::finish`] it leaves nothing.
pub struct VideoWriter {
    path: PathBuf,
    file: Mp4File,
    /// Of the pictures as the encoder takes them: even sides.
    info: gst_video::VideoInfo,
    width: usize,
    height: usize,
    frame_duration: gst::ClockTime,
    is_empty: bool,
}

impl VideoWriter {
    /// Begins to write `path`, which appears when it is complete. Pictures have `width`×`height` pixels, at least 16×16;
    /// an odd side becomes even by a repeated last column or row. `nominal_fps` is only what the file says of itself and
    /// how long its last picture is shown: each picture is at its own time.
    ///
    /// # Errors
    /// When the size is impossible, GStreamer has no encoder, or the file cannot be created; each names the file.
    pub fn create(path: &Path, width: u32, height: u32, nominal_fps: f64) -> Result<Self, FileError> {
        let failed = |reason: String| FileError::write(path, reason);
        if width.min(height) < LEAST_SIDE || width.max(height) > i32::MAX as u32 / 2 {
            return Err(failed(format!(
                "pictures of {width}x{height} pixels do not fit; {LEAST_SIDE}x{LEAST_SIDE} do"
            )));
        }
        let fps = if nominal_fps.is_finite() { nominal_fps.clamp(0.1, 1000.0) } else { 25.0 };
        let [even_width, even_height] = [width, height].map(|side| side.next_multiple_of(2));
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, even_width, even_height)
            .fps(gst::Fraction::approximate_f64(fps).unwrap_or(gst::Fraction::new(25, 1)))
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let caps = info.to_caps().map_err(|error| failed(error.to_string()))?;
        let bits_per_second = f64::from(even_width) * f64::from(even_height) * fps * BITS_PER_PIXEL;
        let between = encoding(bits_per_second).map_err(failed)?;
        let file = Mp4File::create(path, &caps, &between, MOST_WAITING * info.size() as u64).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            info,
            width: width as usize,
            height: height as usize,
            frame_duration: gst::ClockTime::from_nseconds((1e9 / fps) as u64),
            is_empty: true,
        })
    }

    /// Appends a picture: packed RGB, `width * height * 3` bytes, shown at `pts` from the file's beginning. Times rise.
    ///
    /// # Errors
    /// When the length is another, or the file cannot be written any more.
    pub fn write(&mut self, rgb: &[u8], pts: Duration) -> Result<(), FileError> {
        let failed = |reason: String| FileError::write(&self.path, reason);
        let expected = self.width * self.height * 3;
        if rgb.len() != expected {
            return Err(failed(format!("a picture has {} bytes instead of {expected}", rgb.len())));
        }
        let mut buffer = gst::Buffer::from_mut_slice(self.padded(rgb).map_err(|reason| failed(reason.into()))?);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::try_from(pts).ok());
            buffer.set_duration(self.frame_duration);
        }
        self.file.push(buffer).map_err(failed)?;
        self.is_empty = false;
        Ok(())
    }

    /// Completes the file. Returns its length in bytes.
    ///
    /// # Errors
    /// When it cannot be completed, or there is not one picture.
    pub fn finish(self) -> Result<u64, FileError> {
        let path = self.path;
        if self.is_empty {
            return Err(FileError::write(&path, "there is no picture to write"));
        }
        self.file.finish().map_err(|reason| FileError::write(&path, reason))
    }

    /// The picture with even sides, in rows of GStreamer's stride.
    fn padded(&self, rgb: &[u8]) -> Result<Vec<u8>, &'static str> {
        let stride = self.info.stride().first().and_then(|stride| usize::try_from(*stride).ok());
        let stride = stride.ok_or("GStreamer knows no stride for RGB")?;
        let row_bytes = self.width * 3;
        let mut padded = vec![0; self.info.size()];
        for (y, row) in padded.chunks_mut(stride).enumerate() {
            let from = y.min(self.height - 1) * row_bytes;
            row[..row_bytes].copy_from_slice(&rgb[from..from + row_bytes]);
            if self.info.width() as usize > self.width {
                row.copy_within(row_bytes - 3..row_bytes, row_bytes);
            }
        }
        Ok(padded)
    }
}

/// `videoconvert ! encoder ! parser`, with the first encoder that starts.
fn encoding(bits_per_second: f64) -> Result<Vec<gst::Element>, String> {
    let other = |factory| make(factory).map_err(|error| error.message);
    let (convert, parser) = (other("videoconvert")?, other("h264parse")?);
    match ENCODERS.iter().find_map(|factory| started(factory, bits_per_second)) {
        Some(encoder) => Ok(vec![convert, encoder, parser]),
        None => Err(format!("no encoder starts; tried {}; install gstreamer1.0-plugins-ugly", ENCODERS.join(", "))),
    }
}

/// The encoder in READY, which is where hardware encoders open their device.
fn started(factory: &str, bits_per_second: f64) -> Option<gst::Element> {
    let encoder = gst::ElementFactory::make(factory).build().ok()?;
    match factory {
        "x264enc" => {
            encoder.set_property_from_str("pass", "qual");
            encoder.set_property_from_str("speed-preset", "veryfast");
        }
        // Bits here and kilobits there.
        "openh264enc" => set_if_present(&encoder, "bitrate", bits_per_second as u32),
        _ => set_if_present(&encoder, "bitrate", (bits_per_second / 1000.0) as u32),
    }
    if encoder.set_state(gst::State::Ready).is_ok() {
        return Some(encoder);
    }
    tracing::info!(encoder = factory, "encoder does not start");
    // An element must be in NULL before it is dropped; this one did not get far, so nothing can fail here.
    let _ = encoder.set_state(gst::State::Null);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VideoReader;

    #[test]
    fn every_encoder_that_is_installed_makes_an_mp4_file() {
        gst::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut tried = 0;
        for factory in ENCODERS {
            let Some(encoder) = started(factory, 1e6) else { continue };
            let path = folder.path().join(format!("{}.mp4", encoder.name()));
            let caps = "video/x-raw,format=RGB,width=64,height=32,framerate=10/1".parse::<gst::Caps>().unwrap();
            let between = [make("videoconvert").unwrap(), encoder, make("h264parse").unwrap()];
            let file = Mp4File::create(&path, &caps, &between, 100_000).unwrap();
            for index in 0..5 {
                let mut buffer = gst::Buffer::from_mut_slice(vec![90u8; 64 * 32 * 3]);
                buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(index * 100));
                file.push(buffer).unwrap();
            }
            file.finish().unwrap_or_else(|reason| panic!("{path:?}: {reason}"));
            let times: Vec<_> = VideoReader::open(&path, None).unwrap().map(|frame| frame.unwrap().pts).collect();
            assert_eq!(times.len(), 5, "{path:?}");
            assert!(times[4].abs_diff(Duration::from_millis(400)) < Duration::from_millis(2), "{path:?}: {times:?}");
            tried += 1;
        }
        assert!(tried >= 2, "this installation has x264enc and openh264enc");
    }
}
