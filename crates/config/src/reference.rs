//! The reference pages, made from the schemas: a table per object with key, type, default and meaning.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::schema::{model_schema, pipeline_schema};

/// `docs/reference/pipeline.md`.
#[must_use]
pub fn pipeline_reference() -> String {
    let introduction = "Durations carry a unit: `10ms`, `1.5s`, `2m`, `1h`, `7d`. Inside any text `${env:NAME}` stands for \
         an environment variable, `${file:PATH}` for a file's content without the newline at its end (a relative path \
         starts at the pipeline file's folder), `${hostname}` for this machine's name; `$${` is a plain `${`. \
         A point is `[x, y]` in fractions of the frame, `[0, 0]` its top left corner and `[1, 1]` its bottom right. \
         Names that become a part of MQTT topics hold no `/`, `+` or `#` and do not begin with `$`.\n\n\
         `sightline check FILE` tells everything that is wrong with a file; `sightline schema pipeline` prints its \
         JSON Schema for your editor.";
    page("Pipeline files", introduction, &pipeline_schema())
}

/// `docs/reference/model.md`.
#[must_use]
pub fn model_reference() -> String {
    let introduction = "A model is a folder with a `model.yaml`, the weights beside it or elsewhere. \
         [models/README.md](../../models/README.md) shows one from beginning to end.\n\n\
         A pipeline file that names the model makes `sightline check` tell everything that is wrong with its manifest; \
         `sightline schema model` prints the JSON Schema for your editor.";
    page("model.yaml", introduction, &model_schema())
}

fn page(title: &str, introduction: &str, schema: &Value) -> String {
    let definitions = Definitions(schema);
    let mut page = format!(
        "# {title}\n\n<!-- Made from the schema by sightline-config; UPDATE_SCHEMAS=1 cargo test -p sightline-config \
         --test reference rewrites it. -->\n\n{introduction}\n"
    );
    append_object(&mut page, None, schema, &definitions);
    for name in definitions.objects_in_order_of_mention() {
        append_object(&mut page, Some(&name), definitions.get(&name), &definitions);
    }
    page
}

fn append_object(page: &mut String, name: Option<&str>, object: &Value, definitions: &Definitions<'_>) {
    let heading = name.unwrap_or("The file");
    let description = object["description"].as_str().unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## {heading}\n\n{description}\n\n| key | type | default | meaning |\n|---|---|---|---|\n");
    let required: Vec<&str> = object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let is_optional = |key: &str| !required.contains(&key);
    let mut rows: Vec<_> = properties(object).collect();
    rows.sort_by_key(|(key, _)| is_optional(key));
    for (key, property) in rows {
        let default = match property.get("default") {
            Some(default) => format!("`{}`", yaml_literal(default)),
            None if required.contains(&key.as_str()) => "**required**".to_owned(),
            None => String::new(),
        };
        let meaning = property["description"].as_str().unwrap_or_default();
        let kind = definitions.type_of(property);
        let _ = writeln!(page, "| `{key}` | {} | {default} | {} |", one_line(&kind), one_line(meaning));
    }
}

fn properties(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object["properties"].as_object().into_iter().flat_map(Map::iter)
}

/// Table cells hold no line break and no bare `|`.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A default as one would write it in YAML.
fn yaml_literal(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(yaml_literal).collect::<Vec<_>>().join(", ")),
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
        }
        other => other.to_string(),
    }
}

/// A schema with its `$defs`.
struct Definitions<'a>(&'a Value);

impl<'a> Definitions<'a> {
    fn get(&self, name: &str) -> &'a Value {
        &self.0["$defs"][name]
    }

    /// Definitions with keys of their own, in the order in which a reader meets them.
    fn objects_in_order_of_mention(&self) -> Vec<String> {
        let mut met: Vec<String> = Vec::new();
        self.meet(self.0, &mut met);
        met.retain(|name| properties(self.get(name)).next().is_some());
        met
    }

    fn meet(&self, schema: &Value, met: &mut Vec<String>) {
        let mut here = Vec::new();
        for (_, property) in properties(schema) {
            collect_references(property, &mut here);
        }
        if properties(schema).next().is_none() {
            collect_references(schema, &mut here);
        }
        for name in here {
            if !met.contains(&name) {
                met.push(name.clone());
                self.meet(self.get(&name), met);
            }
        }
    }

    /// A schema's type in words.
    fn type_of(&self, schema: &Value) -> String {
        if let Some(name) = referenced(schema) {
            return self.type_of_definition(name);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            return choices.iter().map(|choice| self.type_of(choice)).collect::<Vec<_>>().join(" or ");
        }
        if let Some(value) = schema.get("const") {
            return format!("`{}`", yaml_literal(value));
        }
        if let Some(values) = schema["enum"].as_array() {
            return values.iter().map(|v| format!("`{}`", yaml_literal(v))).collect::<Vec<_>>().join(", ");
        }
        match schema["type"].as_str() {
            Some("array") if schema["format"] == "point" => "point".to_owned(),
            Some("array") => {
                let items = self.type_of(&schema["items"]);
                let several = items.contains(" or ") || items.contains(", ");
                if several { format!("list of ({items})") } else { format!("list of {items}") }
            }
            Some("object") if schema.get("additionalProperties").is_some_and(Value::is_object) => {
                format!("mapping of names to {}", self.type_of(&schema["additionalProperties"]))
            }
            Some("string") => match schema["format"].as_str() {
                Some("duration-with-unit") => "duration".to_owned(),
                Some("topic-level") => "name".to_owned(),
                _ => "text".to_owned(),
            },
            Some("boolean") => "`true`, `false`".to_owned(),
            Some("integer") => format!("whole number{}", range(schema)),
            Some("number") => format!("number{}", range(schema)),
            _ => "any".to_owned(),
        }
    }

    fn type_of_definition(&self, name: &str) -> String {
        let definition = self.get(name);
        if properties(definition).next().is_some() {
            return format!("[{name}](#{})", name.to_lowercase());
        }
        self.type_of(definition)
    }
}

fn range(schema: &Value) -> String {
    let bound = |key: &str| schema.get(key).map(yaml_literal);
    let least = bound("minimum").map(|n| format!("≥ {n}")).or(bound("exclusiveMinimum").map(|n| format!("> {n}")));
    let most = bound("maximum").map(|n| format!("≤ {n}"));
    let bounds: Vec<String> = least.into_iter().chain(most).collect();
    if bounds.is_empty() { String::new() } else { format!(" {}", bounds.join(", ")) }
}

fn referenced(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

fn collect_references(schema: &Value, into: &mut Vec<String>) {
    into.extend(referenced(schema).map(str::to_owned));
    match schema {
        Value::Object(map) => map.values().for_each(|value| collect_references(value, into)),
        Value::Array(items) => items.iter().for_each(|value| collect_references(value, into)),
        _ => {}
    }
}
