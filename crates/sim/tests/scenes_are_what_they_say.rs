//! The ground truth is the pixels': drawn, deterministic, inside the frame, and closed in a loop.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

use std::collections::{BTreeMap, BTreeSet};

use sightline_sim::scene::{Conditions, Light, Scene, SceneKind, SceneOptions, Weather, render};

fn scenes() -> impl Iterator<Item = Scene> {
    SceneKind::ALL.into_iter().map(|kind| Scene::new(kind, &SceneOptions::default()).unwrap())
}

#[test]
fn the_same_seed_draws_the_same_bytes_and_another_one_does_not() {
    for kind in SceneKind::ALL {
        let options = SceneOptions { width: 320, height: 180, ..SceneOptions::default() };
        let picture = render(kind, &options, 77).unwrap();
        assert_eq!(picture, render(kind, &options, 77).unwrap());
        assert_ne!(picture.rgb, render(kind, &SceneOptions { seed: 2, ..options }, 77).unwrap().rgb);
    }
}

#[test]
fn the_truth_without_the_picture_is_the_pictures() {
    for scene in scenes() {
        for index in (0..scene.frames() + 10).step_by(9) {
            assert_eq!(scene.truth(index), scene.render(index).truth, "{:?} {index}", scene.kind());
        }
    }
}

/// What differs from the empty place lies in a box or in the soft dark beneath one, and each box is tight: pixels
/// differ in its outermost rows and columns. Without rain, noise and sunlight, which are the camera's and the sky's.
#[test]
fn boxes_hold_exactly_what_was_drawn() {
    for kind in SceneKind::ALL {
        let scene = Scene::under(kind, &SceneOptions::default(), &Conditions::PLAIN).unwrap();
        let (width, height) = (640, 360);
        for index in (0..scene.frames()).step_by(7) {
            let picture = scene.render(index);
            let empty = scene.render_empty(index);
            let difference = |x: usize, y: usize| {
                let at = (y * width + x) * 3;
                picture.rgb[at..at + 3].iter().zip(&empty[at..at + 3]).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
            };
            let boxes: Vec<_> = picture
                .truth
                .iter()
                .map(|o| {
                    let side = |v: f32, size: usize| (v * size as f32).round() as usize;
                    let b = o.bbox;
                    (side(b.x, width), side(b.y, height), side(b.right(), width), side(b.bottom(), height))
                })
                .collect();
            // The dark beneath an object reaches a little beyond its feet and wheels; an object of which under a
            // quarter is visible has no box, so pixels at the frame's rim may be its own.
            let explained = |x: usize, y: usize| {
                let near = |&(left, top, right, bottom): &(usize, usize, usize, usize)| {
                    let beside = (right - left).max(bottom - top) / 4 + 8;
                    let below = (bottom - top) / 4 + 6;
                    let in_box = x + 2 >= left && x < right + 2 && y + 2 >= top && y < bottom + 2;
                    let at_the_feet = y + below >= bottom && y < bottom + below;
                    let beneath = at_the_feet && x + beside >= left && x < right + beside;
                    in_box || beneath
                };
                boxes.iter().any(near) || x < 190 || x >= width - 190
            };
            for y in 0..height {
                for x in 0..width {
                    let is_explained = difference(x, y) <= 8 || explained(x, y);
                    assert!(is_explained, "{kind:?} frame {index}: ({x}, {y}) {boxes:?}");
                }
            }
            for (object, &(left, top, right, bottom)) in picture.truth.iter().zip(&boxes) {
                let place = format!("{kind:?} frame {index} object {object:?}");
                assert!(left < right && top < bottom && right <= width && bottom <= height, "{place}");
                assert!((0.25..=1.0).contains(&object.visible), "{place}");
                let row = |y: usize| (left..right).any(|x| difference(x, y) > 3);
                let column = |x: usize| (top..bottom).any(|y| difference(x, y) > 3);
                assert!((top..top + 3).any(row) && (bottom - 3..bottom).any(row), "{place}");
                assert!((left..left + 3).any(column) && (right - 3..right).any(column), "{place}");
            }
        }
    }
}

#[test]
fn conditions_move_no_box() {
    let hard = Conditions {
        light: Light::Night,
        weather: Weather::Snow,
        density: 0.8,
        noise: 6.0,
        shutter_secs: 0.03,
        defocus: 3.0,
        vignette: 0.3,
        ..Conditions::PLAIN
    };
    for kind in SceneKind::ALL {
        let plain = Scene::under(kind, &SceneOptions::default(), &Conditions::PLAIN).unwrap();
        let own = Scene::new(kind, &SceneOptions::default()).unwrap();
        let hard = Scene::under(kind, &SceneOptions::default(), &hard).unwrap();
        for index in [30, 75, 120, 160] {
            let picture = plain.render(index);
            assert_eq!(picture.truth, own.render(index).truth, "{kind:?} frame {index}");
            let changed = hard.render(index);
            assert_eq!(picture.truth, changed.truth, "{kind:?} frame {index}");
            assert_ne!(picture.rgb, changed.rgb, "{kind:?} frame {index}");
        }
    }
}

#[test]
fn all_classes_pass_through_the_scenes() {
    let mut seen = BTreeSet::new();
    for scene in scenes() {
        for index in (0..scene.frames()).step_by(10) {
            seen.extend(scene.render(index).truth.iter().map(|object| object.label));
        }
    }
    assert_eq!(Vec::from_iter(seen), ["bicycle", "bus", "car", "dog", "person"]);
}

#[test]
fn objects_come_once_and_leave_once() {
    for scene in scenes() {
        // Per object: in how many frames it is there, and how often it appears.
        let mut lives: BTreeMap<u64, (usize, usize, bool)> = BTreeMap::new();
        for index in 0..scene.frames() {
            let truth = scene.render(index).truth;
            for id in 1..=scene.objects() as u64 {
                let present = truth.iter().any(|object| object.id == id);
                let life = lives.entry(id).or_default();
                life.0 += usize::from(present);
                life.1 += usize::from(present && !life.2);
                life.2 = present;
            }
        }
        for (id, (frames, appearances, at_the_end)) in lives {
            assert_eq!(appearances, 1, "{:?} object {id} is hidden in between", scene.kind());
            assert!(frames >= 20, "{:?} object {id} is there for {frames} frames only", scene.kind());
            assert!(!at_the_end, "{:?} object {id} is there at the end", scene.kind());
        }
    }
}

#[test]
fn the_end_joins_the_start() {
    for scene in scenes() {
        assert_eq!(scene.frames(), 200);
        for index in [0, scene.frames() - 1] {
            let picture = scene.render(index);
            assert!(picture.truth.is_empty());
            assert_eq!(picture.rgb, scene.render_empty(index), "{:?} frame {index}", scene.kind());
        }
        assert_eq!(scene.render(3), scene.render(3 + scene.frames()));
    }
}

#[test]
fn impossible_settings_are_refused() {
    for (width, height, fps) in [(0, 360, 10), (641, 360, 10), (640, 360, 0), (640, 360, 61), (100_000, 360, 10)] {
        let options = SceneOptions { width, height, fps, seed: 1 };
        assert!(Scene::new(SceneKind::Street, &options).is_err(), "{options:?}");
    }
    assert!("streat".parse::<SceneKind>().unwrap_err().to_string().contains("street"));
}
