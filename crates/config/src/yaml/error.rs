//! What is wrong with one value, in words that never quote it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::node::Node;
use crate::problem::{PlaceId, Reporter};

/// What is wrong with one value.
#[derive(Debug)]
pub(super) struct ValueError {
    message: String,
    help: Option<String>,
}

impl ValueError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    pub fn expected(what: &str, node: &Node) -> Self {
        Self::new(format!("expected {what}, found {}", node.kind()))
    }

    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub fn report(self, reporter: &Reporter, at: PlaceId) {
        match self.help {
            Some(help) => reporter.report_with_help(at, self.message, help),
            None => reporter.report(at, self.message),
        }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ValueError {}

/// serde's own wording quotes the value; all that could do so is overridden.
impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("expected one of {}", backticked(expected)))
    }
}

/// Words as a message lists them.
pub(super) fn backticked(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}
