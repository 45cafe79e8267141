//! Single values with a schema of their own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use sightline_core::event::EventKind;

use crate::defaults;

/// A type with a schema of its own.
macro_rules! scalar_type {
    ($(#[$doc:meta])* $name:ident($content:ty), $schema:tt) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        pub(crate) struct $name(pub $content);

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

scalar_type!(
    /// An address, which may hold references and a password.
    AddressText(String),
    { "type": "string", "minLength": 1 }
);
scalar_type!(
    /// A duration with its unit, or a reference to one.
    DurationText(String),
    { "type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)\s*$|\$\{", "format": "duration-with-unit" }
);
scalar_type!(
    /// A duration with its unit, a reference to one, or `off`.
    DurationOrOffText(String),
    { "type": "string", "pattern": r"^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)|off)\s*$|\$\{", "format": "duration-with-unit-or-off" }
);
scalar_type!(
    /// A size with its unit, or a reference to one.
    SizeText(String),
    { "type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)?\s*([KMG]iB|[kKMG]B)\s*$|\$\{", "format": "size-with-unit" }
);
scalar_type!(
    /// One level of an MQTT topic, or a reference to one.
    TopicText(String),
    { "type": "string", "pattern": r"^[^/+#$][^/+#]*$|\$\{", "format": "topic-level" }
);

scalar_type!(
    /// The `type` of an event.
    EventName(String),
    { "type": "string", "enum": EventKind::NAMES }
);
scalar_type!(
    /// A number from 0 to 1.
    Fraction(f64),
    { "type": "number", "minimum": 0, "maximum": 1 }
);
scalar_type!(
    /// A width divided by a height.
    Ratio(f64),
    { "type": "number", "exclusiveMinimum": 0, "maximum": defaults::MAX_ASPECT_RATIO }
);
