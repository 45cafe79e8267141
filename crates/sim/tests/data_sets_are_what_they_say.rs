//! Samples to train with: the same for the same seed, the classes and sizes that were asked for.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

use std::collections::BTreeMap;

use sightline_sim::dataset::{CLASSES, Sample, sample};

const COUNT: u64 = 400;

fn samples() -> Vec<Sample> {
    // Small pictures: boxes are fractions of the frame whatever its size.
    (0..COUNT).map(|seed| sample(seed, 192, 108).unwrap()).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_does_not() {
    for seed in 0..12 {
        let first = sample(seed, 160, 90).unwrap();
        assert_eq!(first, sample(seed, 160, 90).unwrap(), "seed {seed}");
        assert_ne!(first.picture.rgb, sample(seed + 1, 160, 90).unwrap().picture.rgb, "seed {seed}");
    }
}

#[test]
fn impossible_sizes_are_refused() {
    for (width, height) in [(0, 270), (481, 270), (480, 62), (8000, 270)] {
        assert!(sample(1, width, height).is_err(), "{width}x{height}");
    }
}

#[test]
fn classes_and_sizes_are_shared_out_as_designed() {
    let samples = samples();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut heights = Vec::new();
    for object in samples.iter().flat_map(|sample| &sample.picture.truth) {
        *counts.entry(object.label).or_default() += 1;
        heights.push(object.bbox.height);
    }
    let all = heights.len();
    for class in CLASSES {
        let share = counts[class] as f32 / all as f32;
        assert!((0.11..0.40).contains(&share), "{class}: {share} of {all}");
    }
    let share_of = |low: f32, high: f32| {
        heights.iter().filter(|&&height| (low..high).contains(&height)).count() as f32 / all as f32
    };
    assert!(share_of(0.12, 0.6) > 0.65, "{}", share_of(0.12, 0.6));
    assert!(share_of(0.0, 0.12) > 0.03, "{}", share_of(0.0, 0.12));
    assert!(share_of(0.6, 1.01) > 0.05, "{}", share_of(0.6, 1.01));
    let empty = samples.iter().filter(|sample| sample.picture.truth.is_empty()).count() as f32 / COUNT as f32;
    assert!((0.08..0.22).contains(&empty), "{empty}");
    let most = samples.iter().map(|sample| sample.picture.truth.len()).max().unwrap();
    assert!((6..=16).contains(&most), "{most}");
}

#[test]
fn what_can_hardly_be_seen_is_ignored_and_not_asked_for() {
    let samples = samples();
    for object in samples.iter().flat_map(|sample| &sample.picture.truth) {
        assert!(object.visible >= 0.35 && object.bbox.height >= 0.05, "{object:?}");
        let b = object.bbox;
        assert!(b.x >= 0.0 && b.y >= 0.0 && b.right() <= 1.0001 && b.bottom() <= 1.0001, "{object:?}");
    }
    let ignored = samples.iter().map(|sample| sample.ignored.len()).sum::<usize>();
    assert!(ignored > 0);
    for object in samples.iter().flat_map(|sample| &sample.ignored) {
        assert!(object.visible < 0.35 || object.bbox.height < 0.05 || object.bbox.width < 0.01, "{object:?}");
    }
}
