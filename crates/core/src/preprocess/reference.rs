//! The plain, obviously right version that the fast one is held against: per output pixel, in `f64`.

use super::{Placement, color::Matrix};
use crate::{
    frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, FrameView, OwnedPixels, PixelFormat, Plane},
    model::{ColorOrder, InputSpec, TensorLayout},
};

/// How far right and down of the first of its luma samples a chroma sample sits, in luma samples.
#[derive(Clone, Copy)]
pub(super) struct ChromaSite {
    pub horizontal: f64,
    pub vertical: f64,
}

/// In the middle of its 2×2 luma samples.
pub(super) const CENTERED: ChromaSite = ChromaSite { horizontal: 0.5, vertical: 0.5 };
/// MPEG-2: between the rows, in the left column.
pub(super) const LEFT: ChromaSite = ChromaSite { horizontal: 0.0, vertical: 0.5 };

/// The whole tensor of one frame, before rounding to `u8`: what `fill` should give.
pub(super) fn tensor(frame: &FrameView<'_>, input: &InputSpec, placement: &Placement) -> Vec<f64> {
    let mut out = vec![0.0; input.samples_per_image()];
    for y in 0..input.height {
        for x in 0..input.width {
            let inside_x = x >= placement.left && x < placement.left + placement.width;
            let inside_y = y >= placement.top && y < placement.top + placement.height;
            let rgb = (inside_x && inside_y).then(|| pixel(frame, placement, x, y, CENTERED));
            for channel in 0..3 {
                let color = match input.color_order {
                    ColorOrder::Rgb => channel,
                    ColorOrder::Bgr => 2 - channel,
                };
                let (mean, scale) = (f64::from(input.mean[channel]), f64::from(input.scale[channel]));
                let value = rgb.map_or(mean, |rgb| rgb[color]);
                let index = match input.layout {
                    TensorLayout::Nhwc | TensorLayout::NhwcPadded => {
                        (y * input.width + x) * input.layout.channels() + channel
                    }
                    TensorLayout::Nchw => (channel * input.height + y) * input.width + x,
                };
                out[index] = (value - mean) * scale;
            }
        }
    }
    out
}

/// R, G, B (0..=255, not rounded) of tensor pixel (x, y).
pub(super) fn pixel(frame: &FrameView<'_>, to: &Placement, x: usize, y: usize, site: ChromaSite) -> [f64; 3] {
    let (width, height) = (frame.width as f64, frame.height as f64);
    let luma_x = ((x - to.left) as f64 + 0.5) * width / to.width as f64 - 0.5;
    let luma_y = ((y - to.top) as f64 + 0.5) * height / to.height as f64 - 0.5;
    if frame.format == PixelFormat::Rgb {
        return [0, 1, 2].map(|channel| {
            bilinear(frame.width, frame.height, luma_x, luma_y, |x, y| sample(&frame.planes[0], x * 3 + channel, y))
        });
    }
    let luma = bilinear(frame.width, frame.height, luma_x, luma_y, |x, y| sample(&frame.planes[0], x, y));
    let chroma = [0, 1].map(|number| {
        let x = (luma_x - site.horizontal) / 2.0;
        let y = (luma_y - site.vertical) / 2.0;
        bilinear(frame.width.div_ceil(2), frame.height.div_ceil(2), x, y, |x, y| match frame.format {
            PixelFormat::Nv12 => sample(&frame.planes[1], x * 2 + number, y),
            _ => sample(&frame.planes[1 + number], x, y),
        })
    });
    color(frame.colorimetry, luma, chroma)
}

pub(super) fn color(colorimetry: Colorimetry, luma: f64, [cb, cr]: [f64; 2]) -> [f64; 3] {
    let matrix = Matrix::new(colorimetry);
    let luma = (luma - matrix.black) * matrix.luma;
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    let red = luma + matrix.red_cr * cr;
    let green = luma + matrix.green_cb * cb + matrix.green_cr * cr;
    let blue = luma + matrix.blue_cb * cb;
    [red, green, blue].map(|value| value.clamp(0.0, 255.0))
}

fn bilinear(width: usize, height: usize, x: f64, y: f64, sample: impl Fn(usize, usize) -> f64) -> f64 {
    let x = x.clamp(0.0, (width - 1) as f64);
    let y = y.clamp(0.0, (height - 1) as f64);
    let (left, top) = (x.floor() as usize, y.floor() as usize);
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (to_right, down) = (x - left as f64, y - top as f64);
    let upper = sample(left, top) * (1.0 - to_right) + sample(right, top) * to_right;
    let lower = sample(left, bottom) * (1.0 - to_right) + sample(right, bottom) * to_right;
    upper * (1.0 - down) + lower * down
}

fn sample(plane: &Plane<'_>, x: usize, y: usize) -> f64 {
    f64::from(plane.data[y * plane.stride + x])
}

/// A frame whose samples `value(plane, x, y)` says; rows are padded by `padding` bytes of 0xAA, the last one is not.
pub(super) fn frame(
    format: PixelFormat,
    (width, height): (usize, usize),
    padding: usize,
    mut value: impl FnMut(usize, usize, usize) -> u8,
) -> OwnedPixels {
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let sizes = match format {
        PixelFormat::Nv12 => vec![(width, height), (half_width * 2, half_height)],
        PixelFormat::I420 => vec![(width, height), (half_width, half_height), (half_width, half_height)],
        PixelFormat::Rgb => vec![(width * 3, height)],
    };
    let mut planes = Vec::new();
    for (number, (row_bytes, rows)) in sizes.into_iter().enumerate() {
        let stride = row_bytes + padding;
        let mut data = vec![0xAA; stride * (rows - 1) + row_bytes];
        for y in 0..rows {
            for x in 0..row_bytes {
                data[y * stride + x] = value(number, x, y);
            }
        }
        planes.push((data, stride));
    }
    let colorimetry = Colorimetry { matrix: ColorMatrix::Bt601, range: ColorRange::Limited };
    OwnedPixels { format, width, height, colorimetry, planes }
}

/// The frame as packed RGB, each chroma sample repeated over its 2×2 luma samples, as OpenCV's `cvtColor` does it.
pub(super) fn converted_by_repeating(pixels: &OwnedPixels) -> OwnedPixels {
    let view = pixels.view();
    let mut data = Vec::new();
    for y in 0..view.height {
        for x in 0..view.width {
            let chroma = [0, 1].map(|number| match view.format {
                PixelFormat::Nv12 => sample(&view.planes[1], x / 2 * 2 + number, y / 2),
                _ => sample(&view.planes[1 + number], x / 2, y / 2),
            });
            let rgb = color(view.colorimetry, sample(&view.planes[0], x, y), chroma);
            data.extend(rgb.map(|value| value.round() as u8));
        }
    }
    OwnedPixels::rgb(view.width, view.height, data).unwrap()
}
