//! Frame to tensor, as it happens for every inferred frame. `cargo bench -p sightline-core --bench preprocess`
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sightline_core::{
    frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels, PixelFormat},
    model::{ColorOrder, InputSpec, ResizeMode, TensorLayout},
    preprocess::{InputSliceMut, Preprocessor},
    simd::Level,
    tensor::ElementType,
};

/// A picture with structure in it, strides padded to 32 bytes as decoders do.
fn frame(format: PixelFormat, width: usize, height: usize) -> OwnedPixels {
    let plane = |row_bytes: usize, rows: usize| {
        let stride = row_bytes.next_multiple_of(32);
        let data = (0..stride * rows).map(|index| (index % stride * 7 + index / stride * 3) as u8).collect();
        (data, stride)
    };
    let planes = match format {
        PixelFormat::Nv12 => vec![plane(width, height), plane(width, height / 2)],
        PixelFormat::I420 => vec![plane(width, height), plane(width / 2, height / 2), plane(width / 2, height / 2)],
        PixelFormat::Rgb => vec![plane(width * 3, height)],
    };
    let colorimetry = Colorimetry { matrix: ColorMatrix::Bt709, range: ColorRange::Limited };
    OwnedPixels { format, width, height, colorimetry, planes }
}

fn input(element: ElementType, layout: TensorLayout, resize: ResizeMode) -> InputSpec {
    let (mean, scale) = match element {
        ElementType::U8 => ([0.0; 3], [1.0; 3]),
        ElementType::F32 => ([127.5; 3], [1.0 / 127.5; 3]),
    };
    let color_order = ColorOrder::Rgb;
    InputSpec { name: None, layout, element, color_order, width: 300, height: 300, resize, mean, scale }
}

/// Every kind of frame and tensor with the best instructions of this CPU, and what matters most with each level of them.
fn preprocess(criterion: &mut Criterion) {
    let best = Level::best();
    for (size, width, height) in [("720p", 1280, 720), ("1080p", 1920, 1080), ("2160p", 3840, 2160)] {
        for format in [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb] {
            let pixels = frame(format, width, height);
            for level in Level::available() {
                let tensor = (ElementType::U8, TensorLayout::Nhwc, ResizeMode::Stretch);
                fill(criterion, &format!("{size} {format:?} to u8 NHWC"), level, &pixels, tensor);
                let tensor = (ElementType::U8, TensorLayout::NhwcPadded, ResizeMode::Stretch);
                fill(criterion, &format!("{size} {format:?} to u8 NHWC of four channels"), level, &pixels, tensor);
                if size == "1080p" || level == best {
                    let tensor = (ElementType::F32, TensorLayout::Nchw, ResizeMode::Stretch);
                    fill(criterion, &format!("{size} {format:?} to f32 NCHW"), level, &pixels, tensor);
                    let tensor = (ElementType::F32, TensorLayout::Nhwc, ResizeMode::Stretch);
                    fill(criterion, &format!("{size} {format:?} to f32 NHWC"), level, &pixels, tensor);
                }
            }
        }
        let pixels = frame(PixelFormat::Nv12, width, height);
        let tensor = (ElementType::U8, TensorLayout::Nhwc, ResizeMode::Letterbox);
        fill(criterion, &format!("{size} Nv12 to u8 NHWC, letterbox"), best, &pixels, tensor);
    }
    // Cameras of two sizes take turns: the tables are made anew for every frame.
    let pixels = [frame(PixelFormat::Nv12, 1280, 720), frame(PixelFormat::Nv12, 1920, 1080)];
    let spec = input(ElementType::U8, TensorLayout::Nhwc, ResizeMode::Stretch);
    for level in Level::available() {
        let mut preprocessor = Preprocessor::with_level(&spec, level);
        let mut tensor = vec![0u8; spec.samples_per_image()];
        let name = format!("preprocess/one 720p and one 1080p Nv12 to u8 NHWC/{}", level.name());
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| {
                for pixels in &pixels {
                    let _ = black_box(preprocessor.fill(black_box(pixels.view()), InputSliceMut::U8(&mut tensor)));
                }
            });
        });
    }
}

fn fill(
    criterion: &mut Criterion,
    name: &str,
    level: Level,
    pixels: &OwnedPixels,
    (element, layout, resize): (ElementType, TensorLayout, ResizeMode),
) {
    let spec = input(element, layout, resize);
    let mut preprocessor = Preprocessor::with_level(&spec, level);
    let (mut bytes, mut floats) = (vec![0u8; spec.samples_per_image()], vec![0f32; spec.samples_per_image()]);
    criterion.bench_function(&format!("preprocess/{name}/{}", level.name()), |bencher| {
        bencher.iter(|| {
            let tensor = match element {
                ElementType::U8 => InputSliceMut::U8(&mut bytes),
                ElementType::F32 => InputSliceMut::F32(&mut floats),
            };
            preprocessor.fill(black_box(pixels.view()), tensor)
        });
    });
}

criterion_group!(benches, preprocess);
criterion_main!(benches);
