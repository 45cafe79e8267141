//! Points and polygons of zones, lines and masks.

use sightline_core::{
    geometry::{Point, Polygon, PolygonError},
    plan::ReferencePoint,
};

use super::wire::{MAX_CORNERS, PointWire, PolygonWire, ReferencePointWire};
use crate::{
    problem::PlaceId,
    read::{Reading, TOPIC_LEVEL_HELP, to_f32, wrong_topic_level},
    yaml::field::Field,
};

/// `masks:`
pub(super) fn masks(reading: Reading<'_>, field: &Field<Vec<Field<PolygonWire>>>) -> Vec<Polygon> {
    let Some((list, masks)) = field.given() else {
        return Vec::new();
    };
    let mut polygons = Vec::new();
    for (index, mask) in masks.iter().enumerate() {
        match mask {
            Field::Given(place, corners) => polygons.extend(polygon(reading, *place, corners)),
            Field::Absent => {
                let place = reading.reporter.item(list, index);
                reading.reporter.report_with_help(place, "this mask is empty", "list its corners, or remove it");
            }
            Field::Wrong => {}
        }
    }
    polygons
}

/// A polygon, if its corners make one; `place` is that of their list.
pub(super) fn polygon(reading: Reading<'_>, place: PlaceId, wire: &PolygonWire) -> Option<Polygon> {
    if wire.0.len() > MAX_CORNERS {
        let message = format!("a polygon has at most {MAX_CORNERS} points, this one has {}", wire.0.len());
        reading.reporter.report_with_help(place, message, "leave out points that lie on the same side");
        return None;
    }
    // All are read before one is missed, so that the problems of all are told.
    let corners: Vec<Option<(PlaceId, Point)>> =
        wire.0.iter().enumerate().map(|(index, field)| corner(reading, place, index, field)).collect();
    let Some(corners) = corners.into_iter().collect::<Option<Vec<_>>>() else {
        let is_wrong = |corner: &Field<PointWire>| matches!(corner, Field::Wrong);
        if wire.0.iter().all(is_wrong) {
            // A pair of brackets is missing: each number was told, this says what to do.
            let help = "as in [[0, 0.5], [1, 0.5], [1, 1]]; `masks` is a list of such lists";
            reading.reporter.report_with_help(place, "expected a list of points", help);
        } else if wire.0.len() < 3 {
            // What its shape is cannot be said, but that corners are missing can.
            report_polygon(reading, place, PolygonError::TooFewPoints(wire.0.len()));
        }
        return None;
    };
    let (places, points): (Vec<PlaceId>, Vec<Point>) = corners.into_iter().unzip();
    match Polygon::new(points) {
        Ok(polygon) => Some(polygon),
        Err(error) => {
            let number = match error {
                PolygonError::TooFewPoints(_) | PolygonError::NoArea => None,
                PolygonError::RepeatedPoint(number) | PolygonError::CrossesItself(_, number) => Some(number),
            };
            let corner = number.and_then(|number| places.get(number - 1)).copied();
            report_polygon(reading, corner.unwrap_or(place), error);
            None
        }
    }
}

fn corner(reading: Reading<'_>, list: PlaceId, index: usize, field: &Field<PointWire>) -> Option<(PlaceId, Point)> {
    if field.is_absent() {
        let place = reading.reporter.item(list, index);
        reading.reporter.report_with_help(place, "this point is empty", POINT_HELP);
    }
    let (place, wire) = field.given()?;
    Some((place, point(reading, place, wire)?))
}

fn report_polygon(reading: Reading<'_>, place: PlaceId, error: PolygonError) {
    let help = match error {
        PolygonError::TooFewPoints(_) => "add corners; the last one is joined to the first by itself",
        PolygonError::RepeatedPoint(_) => "remove one of the two; the last point is joined to the first by itself",
        PolygonError::CrossesItself(..) => "list the corners in the order in which one walks around the area",
        PolygonError::NoArea => "move one of them off the line",
    };
    reading.reporter.report_with_help(place, error.to_string(), help);
}

const POINT_HELP: &str = "write [x, y], each a fraction of the frame from 0 to 1 with the origin at the top left";

/// A point in fractions of the frame.
pub(super) fn point(reading: Reading<'_>, place: PlaceId, wire: &PointWire) -> Option<Point> {
    let [x, y] = wire.0.as_slice() else {
        let message = match wire.0.len() {
            1 => "a point is two numbers, this one is 1".to_owned(),
            count => format!("a point is two numbers, these are {count}"),
        };
        reading.reporter.report_with_help(place, message, POINT_HELP);
        return None;
    };
    if x.is_absent() || y.is_absent() {
        reading.reporter.report_with_help(place, "a point is two numbers, and one is empty here", POINT_HELP);
    }
    // Both are read before the first `?`, so that the problems of both are told.
    let x = coordinate(reading, place, "x", "width", x);
    let y = coordinate(reading, place, "y", "height", y);
    Some(Point { x: x?, y: y? })
}

fn coordinate(reading: Reading<'_>, point: PlaceId, name: &str, extent: &str, field: &Field<f64>) -> Option<f32> {
    let (_, &value) = field.given()?;
    if !(0.0..=1.0).contains(&value) {
        let help = format!("a fraction of the frame, origin top left: pixels divided by the frame's {extent}");
        reading.reporter.report_with_help(point, format!("{name} must lie between 0 and 1, not {value}"), help);
        return None;
    }
    Some(to_f32(value))
}

/// `point:`
pub(super) fn reference_point(field: &Field<ReferencePointWire>) -> ReferencePoint {
    match field.given() {
        Some((_, ReferencePointWire::Center)) => ReferencePoint::Center,
        Some((_, ReferencePointWire::Foot)) | None => ReferencePoint::Foot,
    }
}

/// Reports an id that cannot be a part of a topic. `whose`: "zone", "line".
pub(super) fn check_id(reading: Reading<'_>, place: PlaceId, whose: &str, id: &str) {
    if let Some(wrong) = wrong_topic_level(id) {
        reading.reporter.report_with_help(place, format!("the {whose}'s id {wrong}"), TOPIC_LEVEL_HELP);
    }
}
