//! A frame, or a part of it, as packed RGB: for files that people look at. Networks get theirs from [`crate::preprocess`].

use crate::{
    frame::{FrameView, PixelFormat, Plane},
    geometry::BoxInFrame,
    model::InputSpec,
    preprocess::{InputSliceMut, PreprocessError, Preprocessor},
};

/// The whole view as packed RGB, `width * height * 3` bytes: preprocessing for a model of just its size.
///
/// # Errors
/// When the view is empty, or a plane is shorter than its size and stride need.
pub fn to_rgb(view: FrameView<'_>) -> Result<Vec<u8>, PreprocessError> {
    let same_size = InputSpec::rgb_bytes(view.width, view.height);
    let mut rgb = vec![0; same_size.samples_per_image()];
    Preprocessor::new(&same_size).fill(view, InputSliceMut::U8(&mut rgb))?;
    Ok(rgb)
}

/// The part of `view` that `area` covers: clipped to the frame, rounded outwards to even pixels so that it begins and ends
/// between chroma samples, at least 2×2 where the frame has as many. Nothing is copied.
///
/// A frame of odd size keeps its last column and row, so a part at that edge is odd too.
#[must_use]
pub fn part_of<'a>(view: &FrameView<'a>, area: &BoxInFrame) -> FrameView<'a> {
    let area = area.clipped();
    let (left, width) = even_span(area.x, area.right(), view.width);
    let (top, height) = even_span(area.y, area.bottom(), view.height);
    // Planes too short for their size stay too short, which whoever reads them finds out.
    let from = |plane: Plane<'a>, x_bytes: usize, y: usize| Plane {
        data: plane.data.get(y.saturating_mul(plane.stride).saturating_add(x_bytes)..).unwrap_or(&[]),
        stride: plane.stride,
    };
    let [first, second, third] = view.planes;
    let planes = match view.format {
        PixelFormat::Rgb => [from(first, 3 * left, top), second, third],
        // One U and one V byte for two columns: as many bytes as columns.
        PixelFormat::Nv12 => [from(first, left, top), from(second, left, top / 2), third],
        PixelFormat::I420 => [from(first, left, top), from(second, left / 2, top / 2), from(third, left / 2, top / 2)],
    };
    FrameView { width, height, planes, ..*view }
}

/// First pixel and length of what lies between two fractions of `size` pixels. The first pixel is even.
fn even_span(low: f32, high: f32, size: usize) -> (usize, usize) {
    let pixels = size as f32;
    // A NaN becomes 0 here.
    let first = ((low * pixels).floor().max(0.0) as usize).min(size.saturating_sub(1)) & !1;
    let end = ((high * pixels).ceil().max(0.0) as usize).max(first + 2).next_multiple_of(2).min(size);
    // The last column of a frame of odd size is not left alone.
    let first = if end < first + 2 { first.saturating_sub(2) } else { first };
    (first, end.saturating_sub(first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels};

    /// A frame whose luma tells where a pixel was: columns in Y, chroma neutral.
    fn columns(format: PixelFormat, width: usize, height: usize) -> OwnedPixels {
        let colorimetry = Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Full };
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let stride = width + 5;
        let luma: Vec<u8> = (0..stride * height).map(|at| (at % stride + at / stride * 16) as u8).collect();
        let planes = match format {
            PixelFormat::Nv12 => vec![(luma, stride), (vec![128; 2 * half_width * half_height], 2 * half_width)],
            PixelFormat::I420 => {
                let chroma = (vec![128; half_width * half_height], half_width);
                vec![(luma, stride), chroma.clone(), chroma]
            }
            PixelFormat::Rgb => {
                let rgb = |at: usize| (at % (3 * width) / 3 + at / (3 * width) * 16) as u8;
                vec![((0..3 * width * height).map(rgb).collect(), 3 * width)]
            }
        };
        OwnedPixels { format, width, height, colorimetry, planes }
    }

    #[test]
    fn the_part_is_the_right_one_in_every_format() {
        for format in [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb] {
            let frame = columns(format, 16, 12);
            let area = BoxInFrame { x: 0.25, y: 0.5, width: 0.25, height: 0.25 };
            let part = part_of(&frame.view(), &area);
            assert_eq!((part.width, part.height), (4, 4), "{format:?}: rows 6 to 9, columns 4 to 7");
            let rgb = to_rgb(part).unwrap();
            for row in 0..4u8 {
                for column in 0..4u8 {
                    let at = usize::from(row * 4 + column) * 3;
                    assert_eq!(rgb[at..at + 3], [(6 + row) * 16 + 4 + column; 3], "{format:?} {row} {column}");
                }
            }
        }
    }

    #[test]
    fn rounding_goes_outwards_to_even_pixels_and_stops_at_the_frame() {
        for (low, high, size, expected) in [
            (0.3, 0.4, 10, (2, 2)),
            (0.31, 0.41, 10, (2, 4)),
            (0.0, 1.0, 10, (0, 10)),
            (0.0, 1.0, 11, (0, 11)),
            (0.95, 1.0, 11, (8, 3)),
            (1.0, 1.0, 10, (8, 2)),
            (0.5, 0.5, 10, (4, 2)),
            (0.0, 0.0, 1, (0, 1)),
        ] {
            assert_eq!(even_span(low, high, size), expected, "{low} to {high} of {size}");
        }
    }

    proptest! {
        #[test]
        fn every_box_gives_a_part_of_every_frame(
            x in -1.0f32..2.0, y in -1.0f32..2.0, width in 0.0f32..2.0, height in 0.0f32..2.0,
            frame_width in 1usize..40, frame_height in 1usize..12,
        ) {
            for format in [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb] {
                let frame = columns(format, frame_width, frame_height);
                let part = part_of(&frame.view(), &BoxInFrame { x, y, width, height });
                prop_assert!(part.width >= 1 && part.height >= 1);
                prop_assert_eq!(to_rgb(part).unwrap().len(), part.width * part.height * 3);
            }
        }
    }

    #[test]
    fn planes_that_are_too_short_are_an_error() {
        let mut frame = columns(PixelFormat::I420, 16, 12);
        frame.planes[1].0.truncate(10);
        let area = BoxInFrame { x: 0.5, y: 0.9, width: 0.25, height: 0.1 };
        assert!(to_rgb(part_of(&frame.view(), &area)).is_err());
    }
}
