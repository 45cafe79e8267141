//! JSON Schemas of the files, made from the wire types, so that they cannot drift from what is read.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use crate::{models::wire::ManifestWire, pipeline::wire::PipelineWire};

/// JSON Schema (draft 2020-12) of a pipeline file. Keys whose function is not built yet are not in it.
#[must_use]
pub fn pipeline_schema() -> Value {
    schema_of::<PipelineWire>("Sightline pipeline file")
}

/// JSON Schema (draft 2020-12) of a `model.yaml`.
#[must_use]
pub fn model_schema() -> Value {
    schema_of::<ManifestWire>("Sightline model.yaml")
}

fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    sorted(schema.to_value())
}

/// With the keys of every object in alphabetical order, whether or not another crate of the build has switched on
/// serde_json's `preserve_order`: the committed files must not depend on that.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> = object.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
