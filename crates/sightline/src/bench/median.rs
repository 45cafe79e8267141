//! Medians of figures that have the same form.

use serde_json::{Map, Number, Value};

/// Of every number its own median; of everything else the first.
pub fn of(rounds: &[Value]) -> Value {
    let Some(first) = rounds.first() else { return Value::Null };
    match first {
        Value::Object(fields) => {
            let median =
                |key: &String| of(&rounds.iter().filter_map(|round| round.get(key)).cloned().collect::<Vec<_>>());
            Value::Object(fields.keys().map(|key| (key.clone(), median(key))).collect::<Map<_, _>>())
        }
        Value::Number(number) => {
            let mut figures: Vec<f64> = rounds.iter().filter_map(Value::as_f64).collect();
            figures.sort_by(f64::total_cmp);
            let median = figures.get(figures.len() / 2).copied().unwrap_or_default();
            // What was whole stays so.
            let whole = number.is_u64().then(|| Number::from(median as u64));
            whole.or_else(|| Number::from_f64(median)).map_or(Value::Null, Value::Number)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_number_has_its_own_median_and_the_rest_is_kept() {
        let rounds = [
            json!({"name": "a", "frames": 7, "inner": {"ms": 3.5}}),
            json!({"name": "b", "frames": 5, "inner": {"ms": 1.5}}),
            json!({"name": "c", "frames": 6, "inner": {"ms": 2.5}}),
        ];
        assert_eq!(of(&rounds), json!({"name": "a", "frames": 6, "inner": {"ms": 2.5}}));
        assert_eq!(of(&[]), Value::Null);
    }
}
