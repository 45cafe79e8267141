//! JPEG files of frames.

use image::{ExtendedColorType, codecs::jpeg};
use sightline_core::{
    frame::FrameView,
    geometry::BoxInFrame,
    picture::{part_of, to_rgb},
    ports::{PictureEncoder, PictureError},
};

/// The core's [`PictureEncoder`] on the `image` crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct JpegEncoder;

impl PictureEncoder for JpegEncoder {
    fn jpeg(&self, frame: FrameView<'_>, area: Option<BoxInFrame>, quality: u8) -> Result<Vec<u8>, PictureError> {
        encode_jpeg(frame, area, quality)
    }
}

/// A JPEG file (JFIF) of `frame`, or of the part of it that `area` covers: clipped to the frame, rounded outwards to even
/// pixels, at least 2×2 where the frame has as many. `quality` is 1..=100; what is beyond is taken for the nearest of them.
///
/// # Errors
/// When the frame is empty, its planes are shorter than its size needs, or it has more than 65535 rows or columns.
pub fn encode_jpeg(frame: FrameView<'_>, area: Option<BoxInFrame>, quality: u8) -> Result<Vec<u8>, PictureError> {
    let part = area.map_or(frame, |area| part_of(&frame, &area));
    let cannot = |reason: String| PictureError {
        message: format!("cannot make a JPEG file of {}x{} pixels: {reason}", part.width, part.height),
    };
    // Both by JPEG itself: its header has 16 bits for each.
    let (Ok(width), Ok(height)) = (u16::try_from(part.width), u16::try_from(part.height)) else {
        return Err(cannot("a side is longer than 65535 pixels".into()));
    };
    let rgb = to_rgb(part).map_err(|error| cannot(error.to_string()))?;
    let mut file = Vec::new();
    jpeg::JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100))
        .encode(&rgb, width.into(), height.into(), ExtendedColorType::Rgb8)
        .map_err(|error| cannot(error.to_string()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use sightline_core::frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels, PixelFormat};

    use super::*;

    /// Left half one colour, right half another, as Y, U and V.
    fn halves(
        format: PixelFormat,
        colorimetry: Colorimetry,
        width: usize,
        height: usize,
        yuv: [[u8; 3]; 2],
    ) -> OwnedPixels {
        let plane = |channel: usize, width: usize, height: usize| -> Vec<u8> {
            (0..width * height).map(|at| yuv[usize::from(2 * (at % width) >= width)][channel]).collect()
        };
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let [u, v] = [plane(1, half_width, half_height), plane(2, half_width, half_height)];
        let mut planes = vec![(plane(0, width, height), width)];
        match format {
            PixelFormat::Nv12 => {
                planes.push((u.iter().zip(&v).flat_map(|(&u, &v)| [u, v]).collect(), 2 * half_width));
            }
            _ => planes.extend([(u, half_width), (v, half_width)]),
        }
        OwnedPixels { format, width, height, colorimetry, planes }
    }

    fn decoded(frame: FrameView<'_>, area: Option<BoxInFrame>) -> RgbImage {
        let file = encode_jpeg(frame, area, 90).unwrap();
        image::load_from_memory_with_format(&file, image::ImageFormat::Jpeg).unwrap().to_rgb8()
    }

    fn assert_near(picture: &RgbImage, (x, y): (u32, u32), expected: [u8; 3], what: &str) {
        let found = picture.get_pixel(x, y).0;
        let near = found.iter().zip(expected).all(|(&found, expected)| found.abs_diff(expected) <= 6);
        assert!(near, "{what}: {found:?} at ({x}, {y}) is not {expected:?}");
    }

    #[test]
    fn colours_are_those_of_the_frames_colorimetry() {
        use ColorMatrix::{Bt601, Bt709};
        use ColorRange::{Full, Limited};
        // Pure red and pure blue in each colorimetry, from the definitions of BT.601 and BT.709.
        for (matrix, range, red, blue) in [
            (Bt601, Limited, [81, 90, 240], [41, 240, 110]),
            (Bt601, Full, [76, 85, 255], [29, 255, 107]),
            (Bt709, Limited, [63, 102, 240], [32, 240, 118]),
            (Bt709, Full, [54, 99, 255], [18, 255, 116]),
        ] {
            for format in [PixelFormat::Nv12, PixelFormat::I420] {
                let frame = halves(format, Colorimetry { matrix, range }, 64, 32, [red, blue]);
                let picture = decoded(frame.view(), None);
                assert_eq!(picture.dimensions(), (64, 32));
                let what = format!("{format:?} {matrix:?} {range:?}");
                assert_near(&picture, (8, 16), [255, 0, 0], &what);
                assert_near(&picture, (56, 16), [0, 0, 255], &what);
            }
        }
    }

    #[test]
    fn a_crop_is_the_part_that_was_asked_for() {
        let colorimetry = Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Limited };
        let frame = halves(PixelFormat::Nv12, colorimetry, 101, 51, [[81, 90, 240], [41, 240, 110]]);
        let right_edge = BoxInFrame { x: 0.75, y: 0.25, width: 0.5, height: 1.0 };
        let picture = decoded(frame.view(), Some(right_edge));
        assert_eq!(picture.dimensions(), (101 - 74, 51 - 12), "it stops at the frame's odd edge");
        assert_near(&picture, (1, 1), [0, 0, 255], "right half");
        assert_near(&picture, (26, 38), [0, 0, 255], "the very corner");
        let left = BoxInFrame { x: -0.5, y: -0.5, width: 0.75, height: 0.75 };
        let picture = decoded(frame.view(), Some(left));
        assert_eq!(picture.dimensions(), (26, 14));
        assert_near(&picture, (20, 7), [255, 0, 0], "left half");
    }

    #[test]
    fn rgb_pictures_and_the_smallest_ones_are_encoded_too() {
        let green = OwnedPixels::rgb(3, 1, [10, 200, 30].repeat(3)).unwrap();
        let picture = decoded(green.view(), None);
        assert_eq!(picture.dimensions(), (3, 1));
        assert_near(&picture, (1, 0), [10, 200, 30], "packed RGB");
        let nothing = BoxInFrame { x: 0.5, y: 0.5, width: 0.0, height: 0.0 };
        assert_eq!(decoded(green.view(), Some(nothing)).dimensions(), (2, 1));
    }

    #[test]
    fn what_cannot_be_a_jpeg_file_is_an_error() {
        let empty = OwnedPixels::rgb(0, 0, Vec::new()).unwrap();
        assert!(encode_jpeg(empty.view(), None, 90).is_err());
        let wide = OwnedPixels::rgb(70_000, 1, vec![0; 210_000]).unwrap();
        let error = encode_jpeg(wide.view(), None, 90).unwrap_err().to_string();
        assert!(error.contains("70000x1"), "{error}");
    }
}
