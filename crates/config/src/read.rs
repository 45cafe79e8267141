//! Reading single values of a wire type: references resolved, ranges held, problems reported at the value's place.
//!
//! After a problem each function gives a value that lets reading go on; it never reaches a caller of the crate,
//! because a file with a problem makes no plan.

use std::{path::PathBuf, time::Duration};

use crate::{
    duration,
    interpolate::{Surroundings, Template},
    problem::{PlaceId, Reporter},
    size,
    yaml::field::Field,
};

/// The `version` that every file of ours begins with.
pub(crate) fn check_version(reporter: &Reporter, root: PlaceId, field: &Field<u64>) {
    const HELP: &str = "this version of Sightline reads `version: 1`";
    match field {
        Field::Given(_, 1) | Field::Wrong => {}
        Field::Given(place, other) => {
            reporter.report_with_help(*place, format!("version {other} of the format is not known"), HELP);
        }
        Field::Absent => reporter.report_missing(root, "version", HELP),
    }
}

/// Where values are read from and reported to.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub reporter: &'a Reporter,
    pub surroundings: Surroundings<'a>,
}

impl Reading<'_> {
    /// A text with its references resolved.
    pub fn text(&self, field: &Field<String>) -> Option<String> {
        let (place, text) = field.given()?;
        self.resolve(place, text)
    }

    /// The same for the text inside a type of its own.
    pub fn resolve(&self, place: PlaceId, text: &str) -> Option<String> {
        let resolved =
            Template::parse(text).map_err(|error| vec![error]).and_then(|template| template.resolve(self.surroundings));
        match resolved {
            Ok(value) => Some(value),
            Err(errors) => {
                for error in errors {
                    self.reporter.report_with_help(place, error.message, error.help);
                }
                None
            }
        }
    }

    /// A text that must not be empty.
    pub fn non_empty_text(&self, field: &Field<String>) -> Option<String> {
        let (place, _) = field.given()?;
        let text = self.text(field)?;
        if text.is_empty() {
            self.reporter.report(place, "must not be empty");
            return None;
        }
        Some(text)
    }

    /// A path; a relative one starts at the file's folder.
    pub fn path(&self, field: &Field<String>) -> Option<PathBuf> {
        Some(self.surroundings.folder.join(self.non_empty_text(field)?))
    }

    /// A path for a message. One that came out of a reference is not shown: `client_key: ${file:key.pem}` resolves to
    /// the key itself.
    pub fn shown_path(&self, field: &Field<String>) -> String {
        match field.given() {
            Some((_, text)) if !text.contains("${") => format!("`{}`", self.surroundings.folder.join(text).display()),
            _ => "the file that it names".to_owned(),
        }
    }

    /// A text that can stand as one level of an MQTT topic.
    pub fn topic_level(&self, place: PlaceId, text: &str) -> Option<String> {
        let value = self.resolve(place, text)?;
        if let Some(wrong) = wrong_topic_level(&value) {
            self.reporter.report_with_help(place, wrong, TOPIC_LEVEL_HELP);
            return None;
        }
        Some(value)
    }

    /// A duration within bounds.
    pub fn duration(&self, place: PlaceId, text: &str, least: Duration, most: Duration) -> Option<Duration> {
        let value = self.resolve(place, text)?;
        match duration::parse(&value) {
            Ok(value) if value < least => {
                self.reporter.report(place, format!("must be at least {}", duration::display(least)))
            }
            Ok(value) if value > most => {
                self.reporter.report(place, format!("must be at most {}", duration::display(most)))
            }
            Ok(value) => return Some(value),
            Err(wrong) => self.reporter.report_with_help(place, wrong, duration::HELP),
        }
        None
    }

    /// A size in bytes within bounds.
    pub fn size(&self, place: PlaceId, text: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.resolve(place, text)?;
        match size::parse(&value) {
            Ok(value) if value < least => {
                self.reporter.report(place, format!("must be at least {}", size::display(least)))
            }
            Ok(value) if value > most => {
                self.reporter.report(place, format!("must be at most {}", size::display(most)))
            }
            Ok(value) => return Some(value),
            Err(wrong) => self.reporter.report_with_help(place, wrong, size::HELP),
        }
        None
    }

    /// A number from 0 to 1.
    pub fn fraction(&self, place: PlaceId, value: f64) -> Option<f32> {
        if !(0.0..=1.0).contains(&value) {
            self.reporter.report(place, format!("must lie between 0 and 1, not {value}"));
            return None;
        }
        Some(to_f32(value))
    }

    /// A whole number within bounds.
    pub fn whole_number(&self, place: PlaceId, value: u64, least: usize, most: usize) -> Option<usize> {
        match usize::try_from(value) {
            Ok(value) if (least..=most).contains(&value) => Some(value),
            _ => {
                self.reporter.report(place, format!("must lie between {least} and {most}, not {value}"));
                None
            }
        }
    }
}

/// Settings need no more digits than 32 bits have.
#[expect(clippy::cast_possible_truncation, reason = "rounding is meant; ranges are checked before")]
pub(crate) const fn to_f32(value: f64) -> f32 {
    value as f32
}

pub(crate) const TOPIC_LEVEL_HELP: &str = "it is one level of an MQTT topic: no `/`, `+`, `#`, no `$` in front";

/// Why a text cannot be one level of an MQTT topic (MQTT 3.1.1, sections 1.5.3 and 4.7), if it cannot.
pub(crate) fn wrong_topic_level(text: &str) -> Option<&'static str> {
    if text.trim() != text {
        return Some("must not begin or end with a blank");
    }
    if text.is_empty() {
        return Some("must not be empty");
    }
    if text.starts_with('$') {
        return Some("must not begin with `$`");
    }
    if text.contains(['/', '+', '#']) {
        return Some("must not hold `/`, `+` or `#`");
    }
    if text.chars().any(char::is_control) {
        return Some("must not hold a control character");
    }
    if text.len() > 256 {
        return Some("must not be longer than 256 bytes");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_levels_are_what_mqtt_allows() {
        for good in ["sightline", "front-door", "Büro 2", "box-7.local"] {
            assert_eq!(wrong_topic_level(good), None, "{good}");
        }
        for bad in ["", " ", "a/b", "a+", "#", "$SYS", " x", "x\n", "a\u{0}b"] {
            assert!(wrong_topic_level(bad).is_some(), "{bad:?}");
        }
        assert!(wrong_topic_level(&"x".repeat(300)).is_some());
    }
}
