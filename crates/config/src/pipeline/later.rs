//! Keys of the contract whose function comes with a later version: known, and refused when they ask for it.

use serde_json::Value;

use crate::{problem::Reporter, yaml::field::Field};

/// Reports a key that asks for a function that does not exist yet.
pub(super) fn refuse(reporter: &Reporter, field: &Field<Value>, function: &str) {
    let Some((place, value)) = field.given() else {
        return;
    };
    if asks_for_something(value) {
        let message = format!("{function}: not built yet in this version");
        reporter.report_with_help(place, message, "remove it");
    }
}

/// Empty lists and mappings ask for nothing, and neither do `false`, `{enabled: false}` and `{discovery: false}`.
fn asks_for_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(settings) if settings.is_empty() => false,
        Value::Object(settings) => {
            let switched_off =
                ["enabled", "discovery"].iter().any(|key| settings.get(*key) == Some(&Value::Bool(false)));
            !switched_off
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_asks_for_a_function_is_refused() {
        for nothing in [
            json!(null),
            json!(false),
            json!([]),
            json!({}),
            json!({"enabled": false}),
            json!({"discovery": false, "prefix": "homeassistant"}),
        ] {
            assert!(!asks_for_something(&nothing), "{nothing}");
        }
        for something in [json!(true), json!({"enabled": true}), json!({"driveway": {}}), json!([[]]), json!("on")] {
            assert!(asks_for_something(&something), "{something}");
        }
    }
}
