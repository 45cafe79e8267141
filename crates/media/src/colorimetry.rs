//! Colour matrix and range of a stream, from its caps.

use gstreamer as gst;
use gstreamer_video as gst_video;
use sightline_core::frame::{ColorMatrix, ColorRange, Colorimetry};

/// At and above this height an unmarked stream is taken for high definition, hence BT.709.
const HD_FROM_HEIGHT: u32 = 720;

/// The colorimetry that `caps` state, or those which the frame had before it was scaled to `caps`; what is left open is
/// BT.601 below 720 lines and BT.709 from there on, and full range for JPEG (JFIF knows no other), limited for video.
///
/// `height`: in lines, of what the camera sends.
///
/// The caps' own field is read rather than `VideoInfo`'s: the latter fills in GStreamer's guess, which takes 1024×576
/// for high definition, and does not say that it guessed.
pub fn from_caps(caps: &gst::CapsRef, unscaled: Option<&gst::CapsRef>, height: u32, codec: &str) -> Colorimetry {
    let stated = stated_in(caps).or_else(|| stated_in(unscaled?));

    let matrix = match stated.as_ref().map(gst_video::VideoColorimetry::matrix) {
        Some(gst_video::VideoColorMatrix::Bt601 | gst_video::VideoColorMatrix::Fcc) => ColorMatrix::Bt601,
        // BT.2020 and SMPTE 240M are far nearer to 709 than to 601, and the core knows these two only.
        Some(
            gst_video::VideoColorMatrix::Bt709
            | gst_video::VideoColorMatrix::Bt2020
            | gst_video::VideoColorMatrix::Smpte240m,
        ) => ColorMatrix::Bt709,
        _ if codec == "JPEG" || height < HD_FROM_HEIGHT => ColorMatrix::Bt601,
        _ => ColorMatrix::Bt709,
    };
    let range = match stated.as_ref().map(gst_video::VideoColorimetry::range) {
        Some(gst_video::VideoColorRange::Range0_255) => ColorRange::Full,
        Some(gst_video::VideoColorRange::Range16_235) => ColorRange::Limited,
        _ if codec == "JPEG" => ColorRange::Full,
        _ => ColorRange::Limited,
    };
    Colorimetry { matrix, range }
}

fn stated_in(caps: &gst::CapsRef) -> Option<gst_video::VideoColorimetry> {
    caps.structure(0)?.get::<&str>("colorimetry").ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(caps: &str, height: u32, codec: &str) -> (ColorMatrix, ColorRange) {
        gst::init().unwrap();
        let caps: gst::Caps = caps.parse().unwrap();
        let colorimetry = from_caps(&caps, None, height, codec);
        (colorimetry.matrix, colorimetry.range)
    }

    #[test]
    fn what_caps_state_is_taken_and_the_rest_is_guessed_from_height_and_codec() {
        use ColorMatrix::{Bt601, Bt709};
        use ColorRange::{Full, Limited};
        for (caps, height, codec, expected) in [
            ("video/x-raw", 480, "H264", (Bt601, Limited)),
            ("video/x-raw", 719, "H264", (Bt601, Limited)),
            ("video/x-raw", 720, "H264", (Bt709, Limited)),
            ("video/x-raw", 1080, "JPEG", (Bt601, Full)),
            ("video/x-raw,colorimetry=bt601", 1080, "H264", (Bt601, Limited)),
            ("video/x-raw,colorimetry=bt709", 240, "H264", (Bt709, Limited)),
            ("video/x-raw,colorimetry=1:4:0:0", 1080, "JPEG", (Bt601, Full)),
            ("video/x-raw,colorimetry=1:0:0:0", 1080, "H264", (Bt709, Full)),
            ("video/x-raw,colorimetry=bt2020", 2160, "H265", (Bt709, Limited)),
            ("video/x-raw,colorimetry=nonsense", 240, "H264", (Bt601, Limited)),
        ] {
            assert_eq!(of(caps, height, codec), expected, "{caps} {height} {codec}");
        }
    }
}
