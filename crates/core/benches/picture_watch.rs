//! One look at a picture, once a second and camera. `cargo bench -p sightline-core --bench picture_watch`
#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::disallowed_methods, reason = "any moment will do, and there is no other way to have one")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use sightline_core::{
    frame::{ColorMatrix, ColorRange, Colorimetry, FrameBuffer, OwnedPixels, PixelFormat},
    picture_watch::{PictureWatch, PictureWatchSettings},
};

/// NV12 with structure in it, strides padded to 32 bytes as decoders do.
fn frame(width: usize, height: usize) -> OwnedPixels {
    let stride = width.next_multiple_of(32);
    let plane = |rows: usize| {
        let data = (0..stride * rows).map(|index| (index % stride * 7 + index / stride * 3) as u8).collect();
        (data, stride)
    };
    let colorimetry = Colorimetry { matrix: ColorMatrix::Bt709, range: ColorRange::Limited };
    OwnedPixels {
        format: PixelFormat::Nv12,
        width,
        height,
        colorimetry,
        planes: vec![plane(height), plane(height / 2)],
    }
}

fn look(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("picture_watch");
    for (size, width, height) in [("360p", 640, 360), ("1080p", 1920, 1080), ("2160p", 3840, 2160)] {
        // More frames than caches hold: each look finds its frame in memory, as after a second of other work.
        let frames: Vec<OwnedPixels> = (0..(128 << 20) / (width * height)).map(|_| frame(width, height)).collect();
        let mut frames = frames.iter().cycle();
        let mut watch = PictureWatch::new(PictureWatchSettings::default());
        let mut now = Instant::now();
        group.bench_function(size, |bencher| {
            bencher.iter(|| {
                now += Duration::from_secs(1);
                frames.next().map(|frame| watch.look(black_box(frame.view()), now))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, look);
criterion_main!(benches);
