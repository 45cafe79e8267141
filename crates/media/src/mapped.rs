//! A decoded GStreamer buffer as the core sees it: mapped, never copied.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use sightline_core::frame::{Colorimetry, FrameBuffer, FrameView, PictureSize, PixelFormat, Plane};

use crate::colorimetry;

/// What the caps say of every frame until they change; made once per caps, not per frame.
#[derive(Clone, Debug)]
pub struct Layout {
    caps: gst::Caps,
    info: gst_video::VideoInfo,
    format: PixelFormat,
    colorimetry: Colorimetry,
    camera_size: PictureSize,
}

impl Layout {
    /// Reads raw video caps, and the `unscaled` ones of a frame that was scaled to them. `None` when they are not NV12 or I420
    /// (the sink lets nothing else through) or are broken.
    pub fn new(caps: &gst::CapsRef, unscaled: Option<&gst::CapsRef>, codec: &str) -> Option<Self> {
        let info = gst_video::VideoInfo::from_caps(caps).ok()?;
        let format = match info.format() {
            gst_video::VideoFormat::Nv12 => PixelFormat::Nv12,
            gst_video::VideoFormat::I420 => PixelFormat::I420,
            _ => return None,
        };
        let camera_size =
            unscaled.and_then(size_in).unwrap_or(PictureSize { width: info.width(), height: info.height() });
        let colorimetry = colorimetry::from_caps(caps, unscaled, camera_size.height, codec);
        Some(Self { caps: caps.to_owned(), info, format, colorimetry, camera_size })
    }

    /// Whether this layout was made from these very caps. Pointers first: caps are shared by all samples of a stream.
    pub fn is_of(&self, caps: &gst::CapsRef) -> bool {
        std::ptr::eq::<gst::CapsRef>(&*self.caps, caps) || *self.caps == *caps
    }

    /// The size of what the camera sends: the frame's where it was not scaled.
    pub fn camera_size(&self) -> PictureSize {
        self.camera_size
    }
}

/// The size that caps state, in any memory.
pub fn size_in(caps: &gst::CapsRef) -> Option<PictureSize> {
    let structure = caps.structure(0)?;
    let side = |name| structure.get::<i32>(name).ok().and_then(|side| u32::try_from(side).ok());
    Some(PictureSize { width: side("width")?, height: side("height")? })
}

/// One mapped frame. Dropping it unmaps the buffer and gives it back to the decoder.
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

#[cfg(test)]
mod tests {
    use sightline_core::frame::{ColorMatrix, ColorRange};

    use super::*;

    #[test]
    fn of_a_scaled_frame_size_and_colours_are_the_cameras() {
        gst::init().unwrap();
        const SMALL: &str = "video/x-raw,format=NV12,width=300,height=300";
        const NVMM: &str = "video/x-raw(memory:NVMM),format=NV12,width=1280,height=720";
        for (caps, unscaled, size, matrix, range) in [
            (SMALL.into(), None, (300, 300), ColorMatrix::Bt601, ColorRange::Limited),
            (SMALL.into(), Some(NVMM.into()), (1280, 720), ColorMatrix::Bt709, ColorRange::Limited),
            (
                SMALL.into(),
                Some(format!("{NVMM},colorimetry=1:4:0:0")),
                (1280, 720),
                ColorMatrix::Bt601,
                ColorRange::Full,
            ),
            // Who scales may convert as well, and says so.
            (
                format!("{SMALL},colorimetry=bt709"),
                Some(format!("{NVMM},colorimetry=1:4:0:0")),
                (1280, 720),
                ColorMatrix::Bt709,
                ColorRange::Limited,
            ),
        ] {
            let caps: String = caps;
            let parse = |text: &str| text.parse::<gst::Caps>().unwrap();
            let unscaled = unscaled.as_deref().map(parse);
            let layout = Layout::new(&parse(&caps), unscaled.as_deref(), "H264").unwrap();
            let expected = (PictureSize { width: size.0, height: size.1 }, Colorimetry { matrix, range });
            assert_eq!((layout.camera_size(), layout.colorimetry), expected, "{caps} of {unscaled:?}");
        }
    }
}
