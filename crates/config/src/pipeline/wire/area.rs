//! Zones, lines and masks as they are written.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::scalar::{DurationText, Fraction};
use crate::yaml::field::Field;

/// An area to watch: who enters, who leaves, who stays, and how many are inside.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Zone", extend("required" = ["polygon"]))]
pub(crate) struct ZoneWire {
    /// The area's corners in the order in which one walks around it, 3 to 1000. The last one is joined to the first;
    /// no side may cross or touch another.
    pub polygon: Field<PolygonWire>,
    /// Labels that count here; each must be one that the camera reports. Left out or empty: all that it reports.
    pub labels: Field<Vec<Field<String>>>,
    /// An object that has been inside for so long is told as loitering, once for each stay. At most 1d. Left out:
    /// none is.
    pub loitering: Field<DurationText>,
    /// What of an object must be inside: `foot`, the middle of its box's bottom edge, where it stands; or `center`, the
    /// middle of its box.
    #[schemars(extend("default" = "foot"))]
    pub point: Field<ReferencePointWire>,
    /// An object has entered or left once it was inside or outside for so long: what flickers at the edge does
    /// neither. From 0s to 1m.
    #[schemars(extend("default" = "400ms"))]
    pub inertia: Field<DurationText>,
}

/// A line to watch: who crosses it, and which way.
///
/// Seen from `from` towards `to`, `in` is from the left side to the right. Over a line drawn from the picture's left to
/// its right, `in` is towards the bottom of the picture; swap `from` and `to` to swap `in` and `out`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Line", extend("required" = ["from", "to"]))]
pub(crate) struct LineWire {
    /// One end.
    pub from: Field<PointWire>,
    /// The other end; not the same point.
    pub to: Field<PointWire>,
    /// Labels that count here; each must be one that the camera reports. Left out or empty: all that it reports.
    pub labels: Field<Vec<Field<String>>>,
    /// What of an object must cross: `foot`, the middle of its box's bottom edge, where it stands; or `center`, the
    /// middle of its box.
    #[schemars(extend("default" = "foot"))]
    pub point: Field<ReferencePointWire>,
}

/// Which point of an object's box is held against zones and lines.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ReferencePoint")]
pub(crate) enum ReferencePointWire {
    Foot,
    Center,
}

/// More corners than any area needs: every side is held against every other.
pub(crate) const MAX_CORNERS: usize = 1000;

/// Corners in order.
#[derive(Debug, Deserialize)]
pub(crate) struct PolygonWire(pub Vec<Field<PointWire>>);

impl JsonSchema for PolygonWire {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Polygon".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let corners = generator.subschema_for::<PointWire>();
        json_schema!({ "type": "array", "items": corners, "minItems": 3, "maxItems": MAX_CORNERS })
    }
}

/// `[x, y]`
#[derive(Debug, Deserialize)]
pub(crate) struct PointWire(pub Vec<Field<f64>>);

impl JsonSchema for PointWire {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Point".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let coordinate = generator.subschema_for::<Fraction>();
        json_schema!({ "type": "array", "format": "point", "items": coordinate, "minItems": 2, "maxItems": 2 })
    }
}
