//! A decoded GStreamer buffer as the core sees it: mapped, never copied.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use sightline_core::frame::{Colorimetry, FrameBuffer, FrameView, PixelFormat, Plane};

use crate::colorimetry;

/// What the caps say of every frame until they change; made once per caps, not per frame.
#[derive(Clone, Debug)]
pub struct Layout {
    caps: gst::Caps,
    info: gst_video::VideoInfo,
    format: PixelFormat,
    colorimetry: Colorimetry,
}

impl Layout {
    /// Reads raw video caps. `None` when they are not NV12 or I420 (the sink lets nothing else through) or are broken.
    pub fn new(caps: &gst::CapsRef, codec: &str) -> Option<Self> {
        let info = gst_video::VideoInfo::from_caps(caps).ok()?;
        let format = match info.format() {
            gst_video::VideoFormat::Nv12 => PixelFormat::Nv12,
            gst_video::VideoFormat::I420 => PixelFormat::I420,
            _ => return None,
        };
        let colorimetry = colorimetry::from_caps(caps, info.height(), codec);
        Some(Self { caps: caps.to_owned(), info, format, colorimetry })
    }

    /// Whether this layout was made from these very caps. Pointers first: caps are shared by all samples of a stream.
    pub fn is_of(&self, caps: &gst::CapsRef) -> bool {
        std::ptr::eq::<gst::CapsRef>(&*self.caps, caps) || *self.caps == *caps
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.info.width()
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.info.height()
    }
}

/// One mapped frame. Dropping it unmaps the buffer and gives it back to the decoder's pool.
pub struct MappedFrame {
    frame: gst_video::VideoFrame<gst_video::video_frame::Readable>,
    format: PixelFormat,
    colorimetry: Colorimetry,
}

impl MappedFrame {
    /// Maps `buffer`. `None` when it cannot be mapped, or is shorter than its planes say.
    pub fn new(buffer: gst::Buffer, layout: &Layout) -> Option<Self> {
        let size = buffer.size();
        let frame = gst_video::VideoFrame::from_buffer_readable(buffer, &layout.info).ok()?;
        // Strides and offsets are those of the buffer's GstVideoMeta where it has one: libav and hardware decoders pad.
        // They are the decoder's word for it, so they are held against the buffer's true size before anyone indexes.
        for plane in 0..frame.n_planes() {
            let stride = usize::try_from(*frame.plane_stride().get(plane as usize)?).ok()?;
            let offset = *frame.plane_offset().get(plane as usize)?;
            let end = offset.checked_add(stride.checked_mul(frame.plane_height(plane) as usize)?)?;
            if end > size {
                return None;
            }
        }
        Some(Self { frame, format: layout.format, colorimetry: layout.colorimetry })
    }
}

impl FrameBuffer for MappedFrame {
    fn view(&self) -> FrameView<'_> {
        let mut planes = [Plane { data: &[], stride: 0 }; 3];
        for (index, (plane, stride)) in (0..).zip(planes.iter_mut().zip(self.frame.plane_stride())) {
            // Both were checked when the buffer was mapped, so neither default is ever taken.
            let data = self.frame.plane_data(index).unwrap_or_default();
            *plane = Plane { data, stride: usize::try_from(*stride).unwrap_or_default() };
        }
        FrameView {
            format: self.format,
            width: self.frame.width() as usize,
            height: self.frame.height() as usize,
            colorimetry: self.colorimetry,
            planes,
        }
    }
}
