//! `head.anchors` to default boxes.

use std::path::Path;

use sightline_core::{
    anchors::{GridSize, SsdAnchorParameters, generate},
    model::Anchor,
};

use super::wire::{AnchorsWire, FeatureMapWire, SsdAnchorsWire};
use crate::{files::read_bytes, problem::PlaceId, read::Reading, yaml::field::Field};

/// Cells per side of a feature map. A 4096 pixel input at stride 8 has 512.
const MAX_CELLS: usize = 512;
/// More than any SSD has; 1917 and 8732 are common.
const MAX_ANCHORS: usize = 1_000_000;

/// The default boxes.
pub(super) fn read(reading: Reading<'_>, place: PlaceId, wire: &AnchorsWire) -> Option<Vec<Anchor>> {
    let (place, anchors) = match (wire.file.given(), wire.ssd.given()) {
        (Some((place, _)), None) => (place, from_file(reading, place, &wire.file)?),
        (None, Some((place, parameters))) => (place, generate(&ssd_parameters(reading, place, parameters)?)),
        (Some(_), Some((place, _))) => {
            reading.reporter.report_with_help(place, "`file` and `ssd` exclude each other", "keep one of them");
            return None;
        }
        (None, None) => {
            if wire.file.is_absent() && wire.ssd.is_absent() {
                reading.reporter.report_missing(place, "ssd", "give the generator's parameters, or a `file`");
            }
            return None;
        }
    };
    if let Some((at, count)) = wire.count.given()
        && usize::try_from(*count) != Ok(anchors.len())
    {
        let source = reading.reporter.place(place).path;
        reading.reporter.report(at, format!("{count} boxes are expected, but `{source}` makes {}", anchors.len()));
    }
    Some(anchors)
}

fn from_file(reading: Reading<'_>, place: PlaceId, field: &Field<String>) -> Option<Vec<Anchor>> {
    let path = reading.path(field)?;
    match read_file(&path) {
        Ok(anchors) => Some(anchors),
        Err(wrong) => {
            let help = "32-bit little-endian floats: cy, cx, h, w per box, in fractions of the input";
            reading.reporter.report_with_help(place, format!("{}: {wrong}", reading.shown_path(field)), help);
            None
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<Anchor>, String> {
    const BYTES_PER_ANCHOR: usize = 16;
    let most = MAX_ANCHORS * BYTES_PER_ANCHOR;
    let bytes = read_bytes(path, most as u64).map_err(|why| format!("cannot read the file: {why}"))?;
    if bytes.is_empty() || bytes.len() % BYTES_PER_ANCHOR != 0 {
        return Err(format!("{} bytes are no whole number of boxes of {BYTES_PER_ANCHOR} bytes", bytes.len()));
    }
    let value = |chunk: &[u8], index: usize| {
        let at = 4 * index;
        f32::from_le_bytes([chunk[at], chunk[at + 1], chunk[at + 2], chunk[at + 3]])
    };
    let mut anchors = Vec::with_capacity(bytes.len() / BYTES_PER_ANCHOR);
    for (index, chunk) in bytes.chunks_exact(BYTES_PER_ANCHOR).enumerate() {
        let anchor = Anchor {
            center_y: value(chunk, 0),
            center_x: value(chunk, 1),
            height: value(chunk, 2),
            width: value(chunk, 3),
        };
        let is_plausible = |v: f32| v.is_finite() && v.abs() < 16.0;
        let all = [anchor.center_y, anchor.center_x, anchor.height, anchor.width];
        if !all.into_iter().all(is_plausible) || anchor.height <= 0.0 || anchor.width <= 0.0 {
            return Err(format!("box {index} is not one in fractions of the input"));
        }
        anchors.push(anchor);
    }
    Ok(anchors)
}

fn ssd_parameters(reading: Reading<'_>, place: PlaceId, wire: &SsdAnchorsWire) -> Option<SsdAnchorParameters> {
    let feature_maps = feature_maps(reading, place, &wire.feature_maps);
    let min_scale = positive(reading, place, "min_scale", &wire.min_scale);
    let max_scale = positive(reading, place, "max_scale", &wire.max_scale);
    let aspect_ratios = aspect_ratios(reading, place, &wire.aspect_ratios);
    let interpolated = match wire.interpolated_scale_aspect_ratio.given() {
        Some((_, 0.0)) => None,
        Some((place, ratio)) if *ratio < 0.0 => {
            reading.reporter.report(place, "must not be negative; 0 means none");
            None
        }
        Some((_, ratio)) => Some(*ratio),
        None => Some(1.0),
    };
    let parameters = SsdAnchorParameters {
        feature_maps: feature_maps?,
        min_scale: min_scale?,
        max_scale: max_scale?,
        aspect_ratios: aspect_ratios?,
        interpolated_scale_aspect_ratio: interpolated,
        reduce_boxes_in_lowest_layer: wire.reduce_boxes_in_lowest_layer.given().is_none_or(|(_, wished)| *wished),
    };
    let cells: usize = parameters.feature_maps.iter().map(|map| map.rows * map.columns).sum();
    if cells.saturating_mul(parameters.aspect_ratios.len() + 1) > MAX_ANCHORS {
        reading.reporter.report(place, format!("more than {MAX_ANCHORS} default boxes"));
        return None;
    }
    Some(parameters)
}

fn feature_maps(
    reading: Reading<'_>,
    section: PlaceId,
    field: &Field<Vec<Field<FeatureMapWire>>>,
) -> Option<Vec<GridSize>> {
    if field.is_absent() {
        reading.reporter.report_missing(
            section,
            "feature_maps",
            "cells per side, finest map first: [19, 10, 5, 3, 2, 1]",
        );
    }
    let (place, maps) = field.given()?;
    if maps.is_empty() {
        reading.reporter.report(place, "there is no feature map");
    }
    let mut grids = Vec::new();
    for (place, map) in maps.iter().filter_map(Field::given) {
        let sides: Vec<u64> = match map {
            FeatureMapWire::Scalar(side) => vec![*side, *side],
            FeatureMapWire::Sequence(sides) => sides.iter().filter_map(|side| Some(*side.given()?.1)).collect(),
        };
        let [rows, columns] = sides[..] else {
            reading.reporter.report(place, "expected rows and columns, as in [19, 19]");
            continue;
        };
        let rows = reading.whole_number(place, rows, 1, MAX_CELLS);
        let columns = reading.whole_number(place, columns, 1, MAX_CELLS);
        grids.extend(rows.zip(columns).map(|(rows, columns)| GridSize { rows, columns }));
    }
    Some(grids)
}

fn aspect_ratios(reading: Reading<'_>, section: PlaceId, field: &Field<Vec<Field<f64>>>) -> Option<Vec<f64>> {
    if field.is_absent() {
        let help = "width over height: [1, 2, 0.5, 3, 0.333333333333]";
        reading.reporter.report_missing(section, "aspect_ratios", help);
    }
    let (place, ratios) = field.given()?;
    if ratios.is_empty() {
        reading.reporter.report(place, "there is no aspect ratio");
    }
    for (place, ratio) in ratios.iter().filter_map(Field::given) {
        if *ratio <= 0.0 {
            reading.reporter.report(place, "must be greater than 0");
        }
    }
    Some(ratios.iter().filter_map(|ratio| Some(*ratio.given()?.1)).collect())
}

fn positive(reading: Reading<'_>, section: PlaceId, key: &str, field: &Field<f64>) -> Option<f64> {
    if field.is_absent() {
        reading.reporter.report_missing(section, key, "a fraction of the input, such as 0.2 or 0.95");
    }
    let (place, value) = field.given()?;
    if *value <= 0.0 {
        reading.reporter.report(place, "must be greater than 0");
        return None;
    }
    Some(*value)
}
