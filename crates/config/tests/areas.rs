//! Zones, lines and masks: what they mean once they are a plan, and what is told of wrong ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may; its helpers are tests too"
)]

mod common;

use std::time::Duration;

use common::{HEAD, assert_told, environment, load_text};
use sightline_core::{
    geometry::{Point, Polygon},
    plan::{CameraPlan, LabelFilter, LinePlan, ReferencePoint, ZonePlan},
};

/// The one camera of a file with these lines from line 6 on, indented by four.
fn camera(settings: &str) -> CameraPlan {
    let text = format!("{HEAD}cameras:\n  a:\n{settings}    url: test://\n");
    let plan = load_text(&text, &environment(&[])).unwrap_or_else(|problems| panic!("\n{text}\n{problems}"));
    plan.pipelines[0].cameras[0].clone()
}

/// What is told of a camera with these lines from line 6 on.
fn assert_camera_told(cases: &[(&str, &[&str])]) {
    for (settings, expected) in cases {
        assert_told(&[(&format!("cameras:\n  a:\n{settings}    url: test://\n"), expected)]);
    }
}

fn point(x: f32, y: f32) -> Point {
    Point { x, y }
}

fn polygon(corners: &[(f32, f32)]) -> Polygon {
    Polygon::new(corners.iter().map(|&(x, y)| point(x, y)).collect()).unwrap()
}

#[test]
fn zones_keep_the_files_order() {
    let camera = camera(
        "    zones:
      driveway: {polygon: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]], labels: [person], loitering: 10s}
      Beet 2:
        polygon:
          - [0.25, 0]
          - [0.75, 0]
          - [0.5, 0.5]
        point: center
        inertia: 0ms
",
    );
    let driveway = ZonePlan {
        id: "driveway".into(),
        polygon: polygon(&[(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)]),
        labels: vec!["person".to_owned()],
        point: ReferencePoint::Foot,
        inertia: Duration::from_millis(400),
        loitering: Some(Duration::from_secs(10)),
    };
    let bed = ZonePlan {
        id: "Beet 2".into(),
        polygon: polygon(&[(0.25, 0.0), (0.75, 0.0), (0.5, 0.5)]),
        labels: Vec::new(),
        point: ReferencePoint::Center,
        inertia: Duration::ZERO,
        loitering: None,
    };
    assert_eq!(camera.zones, [driveway, bed]);
}

#[test]
fn lines_keep_the_files_order_and_their_direction() {
    let camera = camera(
        "    lines:
      gate: {from: [0.1, 0.5], to: [0.9, 0.5], labels: [person, car]}
      door: {to: [0, 0], from: [1, 1], point: center}
",
    );
    let gate = LinePlan {
        id: "gate".into(),
        from: point(0.1, 0.5),
        to: point(0.9, 0.5),
        labels: vec!["person".to_owned(), "car".to_owned()],
        point: ReferencePoint::Foot,
    };
    let door = LinePlan {
        id: "door".into(),
        from: point(1.0, 1.0),
        to: point(0.0, 0.0),
        labels: Vec::new(),
        point: ReferencePoint::Center,
    };
    assert_eq!(camera.lines, [gate, door]);
}

#[test]
fn masks_are_polygons() {
    let camera = camera("    masks: [[[0, 0], [1, 0], [1, 0.1], [0, 0.1]], [[0.5, 0.5], [1, 0.5], [1, 1]]]\n");
    let upper = polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 0.1), (0.0, 0.1)]);
    assert_eq!(camera.masks, [upper, polygon(&[(0.5, 0.5), (1.0, 0.5), (1.0, 1.0)])]);
}

#[test]
fn nothing_asked_for_is_nothing() {
    for settings in ["", "    zones: {}\n    lines: {}\n    masks: []\n", "    zones:\n    lines:\n    masks:\n"] {
        let camera = camera(settings);
        assert!(camera.zones.is_empty() && camera.lines.is_empty() && camera.masks.is_empty(), "{settings}");
    }
}

#[test]
fn label_filters_have_aspect_ratios() {
    let camera = camera("    labels: {person: {min_aspect_ratio: 0.2, max_aspect_ratio: 1}, car: {}}\n");
    let person = LabelFilter { min_aspect_ratio: 0.2, max_aspect_ratio: 1.0, ..LabelFilter::default() };
    assert_eq!(camera.labels["person"], person);
    let car = camera.labels["car"];
    assert_eq!((car.min_aspect_ratio, car.max_aspect_ratio), (0.0, f32::INFINITY));
}

#[test]
fn polygons_of_more_corners_than_any_has_are_refused_unseen() {
    let corners = "[0.5, 0.5], ".repeat(1001);
    assert_camera_told(&[(
        &format!("    masks: [[{corners}]]\n"),
        &["p.yaml:6: cameras.a.masks[0]: a polygon has at most 1000 points, this one has 1001"],
    )]);
}

#[test]
fn polygons_that_are_none() {
    assert_camera_told(&[
        (
            "    zones:\n      d: {polygon: [[0, 0], [1, 0]]}\n",
            &["p.yaml:7: cameras.a.zones.d.polygon: a polygon has at least 3 points, this one has 2"],
        ),
        (
            "    zones:\n      d:\n        polygon:\n          - [0, 0]\n          - [1, 1]\n          - [1, 0]\n          - [0, 1]\n",
            &[
                "p.yaml:11: cameras.a.zones.d.polygon[2]: the side from point 1 crosses or touches the side from point 3",
            ],
        ),
        (
            "    zones:\n      d:\n        polygon:\n          - [0, 0]\n          - [1, 0]\n          - [1, 1]\n          - [0, 0]\n",
            &["p.yaml:12: cameras.a.zones.d.polygon[3]: point 4 is the same as the one after it"],
        ),
        (
            "    masks:\n      - [[0, 0], [1, 0], [1, 1]]\n      - [[0, 0], [0.5, 0.5], [1, 1]]\n      - []\n      -\n",
            &[
                "p.yaml:6: cameras.a.masks[3]: this mask is empty",
                "p.yaml:8: cameras.a.masks[1]: its points lie on one line, so that nothing is inside",
                "p.yaml:9: cameras.a.masks[2]: a polygon has at least 3 points, this one has 0",
            ],
        ),
        (
            "    zones:\n      d: {loitering: 5s}\n      e:\n",
            &[
                "p.yaml:7: cameras.a.zones.d.polygon: `polygon` is missing",
                "p.yaml:8: cameras.a.zones.e.polygon: `polygon` is missing",
            ],
        ),
    ]);
}

#[test]
fn a_polygon_that_is_none_has_a_remedy() {
    for (corners, remedy) in [
        ("[[0, 0], [1, 0]]", "add corners; the last one is joined to the first by itself"),
        ("[[0, 0], [1, 1], [1, 0], [0, 1]]", "list the corners in the order in which one walks around the area"),
        ("[[0, 0], [1, 0], [1, 1], [0, 0]]", "remove one of the two; the last point is joined to the first by itself"),
        ("[[0, 0], [0.5, 0.5], [1, 1]]", "move one of them off the line"),
        ("[0, 0, 1, 1]", "as in [[0, 0.5], [1, 0.5], [1, 1]]; `masks` is a list of such lists"),
    ] {
        let text = format!("{HEAD}cameras: {{a: {{url: test://, zones: {{d: {{polygon: {corners}}}}}}}}}\n");
        let problems = load_text(&text, &environment(&[])).expect_err(corners);
        assert_eq!(problems.as_slice()[0].help.as_deref(), Some(remedy), "{problems}");
    }
}

#[test]
fn points_that_are_none() {
    assert_camera_told(&[
        (
            "    zones:\n      d:\n        polygon:\n          - [0, 0, 0]\n          - [640, -0.1]\n          - [1, x]\n          - []\n          - [1, ~]\n          -\n          - 0.5\n          - [.nan, 0]\n",
            &[
                "p.yaml:8: cameras.a.zones.d.polygon[5]: this point is empty",
                "p.yaml:9: cameras.a.zones.d.polygon[0]: a point is two numbers, these are 3",
                "p.yaml:10: cameras.a.zones.d.polygon[1]: x must lie between 0 and 1, not 640",
                "p.yaml:10: cameras.a.zones.d.polygon[1]: y must lie between 0 and 1, not -0.1",
                "p.yaml:11: cameras.a.zones.d.polygon[2][1]: expected a number, found text",
                "p.yaml:12: cameras.a.zones.d.polygon[3]: a point is two numbers, these are 0",
                "p.yaml:13: cameras.a.zones.d.polygon[4]: a point is two numbers, and one is empty here",
                "p.yaml:15: cameras.a.zones.d.polygon[6]: expected a list, found a number",
                "p.yaml:16: cameras.a.zones.d.polygon[7][0]: expected a number, found text",
            ],
        ),
        (
            "    masks: [[[0], [2, 0]]]\n",
            &[
                "p.yaml:6: cameras.a.masks[0]: a polygon has at least 3 points, this one has 2",
                "p.yaml:6: cameras.a.masks[0][0]: a point is two numbers, this one is 1",
                "p.yaml:6: cameras.a.masks[0][1]: x must lie between 0 and 1, not 2",
            ],
        ),
        (
            "    masks: [[0, 0]]\n",
            &[
                "p.yaml:6: cameras.a.masks[0]: expected a list of points",
                "p.yaml:6: cameras.a.masks[0][0]: expected a list, found a number",
                "p.yaml:6: cameras.a.masks[0][1]: expected a list, found a number",
            ],
        ),
    ]);
    let text = format!("{HEAD}cameras: {{a: {{url: test://, lines: {{g: {{from: [320, 0], to: [0, 240]}}}}}}}}\n");
    let problems = load_text(&text, &environment(&[])).unwrap_err();
    let helps: Vec<&str> = problems.as_slice().iter().filter_map(|problem| problem.help.as_deref()).collect();
    assert_eq!(
        helps,
        [
            "a fraction of the frame, origin top left: pixels divided by the frame's width",
            "a fraction of the frame, origin top left: pixels divided by the frame's height",
        ]
    );
}

#[test]
fn lines_that_are_none() {
    assert_camera_told(&[
        (
            "    lines:\n      g: {from: [0.5, 0.5], to: [0.5, 0.50]}\n      h: {from: [0, 0]}\n      i: {}\n",
            &[
                "p.yaml:7: cameras.a.lines.g: `from` and `to` are the same point",
                "p.yaml:8: cameras.a.lines.h.to: `to` is missing",
                "p.yaml:9: cameras.a.lines.i.from: `from` is missing",
                "p.yaml:9: cameras.a.lines.i.to: `to` is missing",
            ],
        ),
        (
            "    lines:\n      g: {from: [0, 0], to: [1.5, 1], loitering: 3s}\n",
            &[
                "p.yaml:7: cameras.a.lines.g.to: x must lie between 0 and 1, not 1.5",
                "p.yaml:7: cameras.a.lines.g.loitering: unknown key `loitering`",
            ],
        ),
    ]);
}

const SQUARE: &str = "polygon: [[0, 0], [1, 0], [1, 1], [0, 1]]";

#[test]
fn settings_of_zones_and_lines() {
    let zone = |settings: &str| format!("    zones:\n      d: {{{SQUARE}, {settings}}}\n");
    for (settings, expected) in [
        ("loitering: 0s", "loitering: must be at least 1ms"),
        ("loitering: 25h", "loitering: must be at most 1d"),
        ("loitering: 10", "loitering: a duration needs a unit"),
        ("inertia: 61s", "inertia: must be at most 1m"),
        ("inertia: -1s", "inertia: not a duration"),
        ("point: feet", "point: expected one of `foot`, `center`"),
        ("labels: person", "labels: expected a list, found text"),
        ("labels: [gnu]", "labels[0]: the model has no such label"),
        ("labels: [person, person]", "labels[1]: this label is in the list twice"),
        ("dwell: 3s", "dwell: unknown key `dwell`"),
    ] {
        assert_camera_told(&[(&zone(settings), &[&format!("p.yaml:7: cameras.a.zones.d.{expected}")])]);
    }
    for bound in ["loitering: 24h", "loitering: 1d", "loitering: 1ms", "inertia: 0s", "inertia: 1m"] {
        camera(&zone(bound));
    }
    assert_camera_told(&[
        (
            "    zones: [driveway]\n",
            &["p.yaml:6: cameras.a.zones: expected a mapping (`key: value` lines), found a list"],
        ),
        (
            "    zones:\n      d: [[0, 0], [1, 0], [1, 1]]\n",
            &["p.yaml:7: cameras.a.zones.d: expected a mapping (`key: value` lines), found a list"],
        ),
        (
            &format!("    zones:\n      d/e: {{{SQUARE}}}\n      d: {{{SQUARE}}}\n      d: {{{SQUARE}}}\n"),
            &[
                "p.yaml:7: cameras.a.zones.d/e: the zone's id must not hold `/`, `+` or `#`",
                "p.yaml:9: cameras.a.zones.d: `d` is given twice",
            ],
        ),
        (
            "    lines:\n      $g: {from: [0, 0], to: [1, 1]}\n",
            &["p.yaml:7: cameras.a.lines.$g: the line's id must not begin with `$`"],
        ),
    ]);
}

#[test]
fn a_zone_watches_what_its_camera_reports() {
    let told = "the camera does not report this label";
    let text = format!(
        "defaults: {{labels: [dog]}}\ncameras:\n  a:\n    url: test://\n    labels: [person, car]\n    zones:\n      d: {{{SQUARE}, labels: [person, dog]}}\n    lines:\n      g: {{from: [0, 0], to: [1, 1], labels: [bus]}}\n  b: {{url: test://, zones: {{d: {{{SQUARE}, labels: [cat, dog]}}}}}}\n  c: {{url: test://, labels: [], zones: {{d: {{{SQUARE}, labels: [cat]}}}}}}\n"
    );
    assert_told(&[(
        &text,
        &[
            &format!("p.yaml:10: cameras.a.zones.d.labels[1]: {told}"),
            &format!("p.yaml:12: cameras.a.lines.g.labels[0]: {told}"),
            &format!("p.yaml:13: cameras.b.zones.d.labels[0]: {told}"),
        ],
    )]);
    // Labels that are themselves wrong are told once, and not blamed on the zone as well.
    let zone = format!("    zones: {{d: {{{SQUARE}, labels: [person]}}}}\n");
    assert_camera_told(&[
        (&format!("    labels: [persn]\n{zone}"), &["p.yaml:6: cameras.a.labels[0]: the model has no such label"]),
        (
            &format!("    labels: {{car: {{}}, persn: {{}}}}\n{zone}"),
            &["p.yaml:6: cameras.a.labels.persn: the model has no such label"],
        ),
        (
            &format!("    labels: [car, [person]]\n{zone}"),
            &["p.yaml:6: cameras.a.labels[1]: expected text, found a list"],
        ),
        (
            &format!("    labels: person\n{zone}"),
            &["p.yaml:6: cameras.a.labels: expected a list or a mapping, found text"],
        ),
    ]);
}

#[test]
fn slips_in_zones_are_understood() {
    for (settings, suggestion) in [
        (format!("zones: {{d: {{{SQUARE}, labels: [persn]}}}}"), "did you mean `person`?"),
        (format!("zones: {{d: {{{SQUARE}, loitring: 3s}}}}"), "did you mean `loitering`?"),
        (format!("zones: {{d: {{{SQUARE}, point: centre}}}}"), "did you mean `center`?"),
        ("lines: {g: {from: [0, 0], to: [1, 1], labels: [cra]}}".to_owned(), "did you mean `car`?"),
        ("zone: {}".to_owned(), "did you mean `zones`?"),
        ("labels: {person: {min_aspect_ration: 1}}".to_owned(), "did you mean `min_aspect_ratio`?"),
    ] {
        let text = format!("{HEAD}cameras: {{a: {{url: test://, {settings}}}}}\n");
        let problems = load_text(&text, &environment(&[])).expect_err(&text);
        assert_eq!(problems.as_slice()[0].help.as_deref(), Some(suggestion), "{problems}");
    }
}
