//! The query of `/api/v1/events`.

use sightline_core::{
    event::EventKind,
    outbox::{EventKey, EventQuery},
    time::WallTime,
};

const NAMES: &str = "from, until, camera, label, type, limit, before";
const DEFAULT_LIMIT: usize = 100;
const MOST: usize = 1000;

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum QueryError {
    #[error("unknown parameter {name:?}; there are {NAMES}")]
    Unknown { name: String },
    #[error("`{name}` is given twice")]
    Twice { name: &'static str },
    #[error("`{name}={value}`: it has to be {wanted}")]
    Value { name: &'static str, value: String, wanted: String },
    #[error("`until` has to be later than `from`")]
    Order,
}

/// Which events `parameters` ask for. The limit is 1..=1000.
pub(super) fn parse(parameters: Vec<(String, String)>) -> Result<EventQuery, QueryError> {
    let mut query = EventQuery::default();
    let mut limit = None;
    for (name, value) in parameters {
        match name.as_str() {
            "from" => set(&mut query.from, "from", time("from", value)?)?,
            "until" => set(&mut query.until, "until", time("until", value)?)?,
            "camera" => set(&mut query.camera, "camera", not_empty("camera", value)?)?,
            "label" => set(&mut query.label, "label", not_empty("label", value)?)?,
            "type" => set(&mut query.kind, "type", kind(value)?)?,
            "limit" => set(&mut limit, "limit", number("limit", value, MOST as u64)?)?,
            "before" => set(&mut query.before, "before", number("before", value, EventKey::MAX)?)?,
            _ => return Err(QueryError::Unknown { name }),
        }
    }
    if let (Some(from), Some(until)) = (query.from, query.until)
        && until <= from
    {
        return Err(QueryError::Order);
    }
    query.limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT);
    Ok(query)
}

fn set<T>(place: &mut Option<T>, name: &'static str, value: T) -> Result<(), QueryError> {
    match place.replace(value) {
        Some(_) => Err(QueryError::Twice { name }),
        None => Ok(()),
    }
}

/// A time as payloads have it, with or without milliseconds, which the calendar has.
fn time(name: &'static str, value: String) -> Result<WallTime, QueryError> {
    let is_written = |time: &WallTime| {
        let written = time.to_string();
        written == value || written.replace(".000Z", "Z") == value
    };
    match value.parse::<WallTime>().ok().filter(is_written) {
        Some(time) => Ok(time),
        None => Err(bad(name, value, "a time in UTC like 2026-11-23T20:15:03.120Z")),
    }
}

fn not_empty(name: &'static str, value: String) -> Result<String, QueryError> {
    if value.is_empty() { Err(bad(name, value, "a name; leave the parameter out for all")) } else { Ok(value) }
}

fn kind(value: String) -> Result<String, QueryError> {
    if EventKind::NAMES.contains(&value.as_str()) {
        return Ok(value);
    }
    Err(bad("type", value, &format!("one of {}", EventKind::NAMES.join(", "))))
}

fn number(name: &'static str, value: String, most: u64) -> Result<u64, QueryError> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(number) if is_plain && (1..=most).contains(&number) => Ok(number),
        _ => Err(bad(name, value, &format!("a whole number from 1 to {most}"))),
    }
}

fn bad(name: &'static str, value: String, wanted: &str) -> QueryError {
    QueryError::Value { name, value, wanted: wanted.to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse_pairs(pairs: &[(&str, &str)]) -> Result<EventQuery, QueryError> {
        parse(pairs.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect())
    }

    #[test]
    fn every_parameter_has_its_place() {
        let query = parse_pairs(&[
            ("from", "2023-11-14T22:13:20Z"),
            ("until", "2023-11-14T22:13:20.500Z"),
            ("camera", "door"),
            ("label", "person"),
            ("type", "zone_entered"),
            ("limit", "1000"),
            ("before", "18446744073709551615"),
        ]);
        let expected = EventQuery {
            from: Some(WallTime::from_micros(1_700_000_000_000_000)),
            until: Some(WallTime::from_micros(1_700_000_000_500_000)),
            camera: Some("door".into()),
            label: Some("person".into()),
            kind: Some("zone_entered".into()),
            before: Some(u64::MAX),
            limit: 1000,
        };
        assert_eq!(query, Ok(expected));
        assert_eq!(parse_pairs(&[]), Ok(EventQuery { limit: 100, ..EventQuery::default() }));
    }

    #[test]
    fn a_bad_value_is_named_and_put_right() {
        for (name, value, wanted) in [
            ("from", "yesterday", "2026-11-23T20:15:03.120Z"),
            ("from", "2026-02-30T00:00:00Z", "a time"),
            ("from", "2026-11-23T24:00:00Z", "a time"),
            ("from", "2026-11-23 20:15:03Z", "a time"),
            ("until", "2026-11-23T20:15:03.120+01", "a time"),
            ("until", "+026-11-23T20:15:03.120Z", "a time"),
            ("camera", "", "a name"),
            ("label", "", "a name"),
            ("type", "zone_entred", "zone_entered"),
            ("limit", "0", "from 1 to 1000"),
            ("limit", "1001", "from 1 to 1000"),
            ("limit", "+5", "from 1 to 1000"),
            ("limit", "", "from 1 to 1000"),
            ("before", "0", "from 1"),
            ("before", "18446744073709551616", "from 1"),
        ] {
            let message = parse_pairs(&[(name, value)]).unwrap_err().to_string();
            assert!(message.contains(&format!("`{name}={value}`")) && message.contains(wanted), "{message}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        assert_eq!(parse_pairs(&[("camera", "a"), ("camera", "a")]), Err(QueryError::Twice { name: "camera" }));
        let unknown = parse_pairs(&[("Camera", "a")]).unwrap_err();
        assert_eq!(unknown.to_string(), format!("unknown parameter \"Camera\"; there are {NAMES}"));
        let same = "2026-11-23T20:15:03Z";
        assert_eq!(parse_pairs(&[("until", same), ("from", same)]), Err(QueryError::Order));
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(pairs in proptest::collection::vec((r"(from|until|limit|before|type|\PC*)", r"\PC*"), 0..5)) {
            if let Ok(query) = parse(pairs) {
                prop_assert!((1..=MOST).contains(&query.limit));
            }
        }

        #[test]
        fn written_times_are_read(millis in 0i64..4_102_444_800_000) {
            let from = WallTime::from_micros(millis * 1000);
            prop_assert_eq!(parse_pairs(&[("from", &from.to_string())]).map(|query| query.from), Ok(Some(from)));
        }
    }
}
