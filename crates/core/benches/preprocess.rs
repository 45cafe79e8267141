//! Frame to tensor, as it happens for every inferred frame. `cargo bench -p sightline-core --bench preprocess`
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sightline_core::{
    frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels, PixelFormat},
    model::{ColorOrder, InputSpec, ResizeMode, TensorLayout},
    preprocess::{InputSliceMut, Preprocessor},
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

fn preprocess(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("preprocess");
    for (size, width, height) in [("720p", 1280, 720), ("1080p", 1920, 1080)] {
        for format in [PixelFormat::Nv12, PixelFormat::I420, PixelFormat::Rgb] {
            let pixels = frame(format, width, height);

            let spec = input(ElementType::U8, TensorLayout::Nhwc, ResizeMode::Stretch);
            let mut preprocessor = Preprocessor::new(&spec);
            let mut tensor = vec![0u8; spec.samples_per_image()];
            group.bench_function(format!("{size} {format:?} to u8 NHWC"), |bencher| {
                bencher.iter(|| preprocessor.fill(black_box(pixels.view()), InputSliceMut::U8(&mut tensor)));
            });

            let spec = input(ElementType::F32, TensorLayout::Nchw, ResizeMode::Stretch);
            let mut preprocessor = Preprocessor::new(&spec);
            let mut tensor = vec![0f32; spec.samples_per_image()];
            group.bench_function(format!("{size} {format:?} to f32 NCHW"), |bencher| {
                bencher.iter(|| preprocessor.fill(black_box(pixels.view()), InputSliceMut::F32(&mut tensor)));
            });
        }
        let pixels = frame(PixelFormat::Nv12, width, height);
        let spec = input(ElementType::U8, TensorLayout::Nhwc, ResizeMode::Letterbox);
        let mut preprocessor = Preprocessor::new(&spec);
        let mut tensor = vec![0u8; spec.samples_per_image()];
        group.bench_function(format!("{size} Nv12 to u8 NHWC, letterbox"), |bencher| {
            bencher.iter(|| preprocessor.fill(black_box(pixels.view()), InputSliceMut::U8(&mut tensor)));
        });
    }
    // Cameras of two sizes take turns: the tables are made anew for every frame.
    let pixels = [frame(PixelFormat::Nv12, 1280, 720), frame(PixelFormat::Nv12, 1920, 1080)];
    let spec = input(ElementType::U8, TensorLayout::Nhwc, ResizeMode::Stretch);
    let mut preprocessor = Preprocessor::new(&spec);
    let mut tensor = vec![0u8; spec.samples_per_image()];
    group.bench_function("one 720p and one 1080p Nv12 to u8 NHWC", |bencher| {
        bencher.iter(|| {
            for pixels in &pixels {
                let _ = black_box(preprocessor.fill(black_box(pixels.view()), InputSliceMut::U8(&mut tensor)));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, preprocess);
criterion_main!(benches);
