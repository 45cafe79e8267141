//! A strict reader of metrics as text, written from the format's description and not from the encoder.

use std::collections::BTreeMap;

type Labels = BTreeMap<String, String>;

/// Metrics as they were written.
#[derive(Debug, Default)]
pub struct Exposition {
    pub types: BTreeMap<String, String>,
    pub helps: BTreeMap<String, String>,
    /// Name and labels of each sample, and its value as it was written.
    pub samples: BTreeMap<(String, Labels), String>,
    pub has_end: bool,
}

impl Exposition {
    /// Panics at a line that is not right, at a sample without a family, and at one that is there twice.
    pub fn parse(text: &str) -> Self {
        let mut read = Self::default();
        let body = text.strip_suffix('\n').expect("the last line has an end");
        for line in body.split('\n') {
            assert!(!read.has_end, "a line after the end: {line}");
            if line == "# EOF" {
                read.has_end = true;
            } else if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
                assert!(read.helps.insert(name.into(), help.into()).is_none(), "twice: {line}");
            } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                assert!(read.types.insert(name.into(), kind.into()).is_none(), "twice: {line}");
            } else {
                read.take_sample(line);
            }
        }
        read
    }

    fn take_sample(&mut self, line: &str) {
        let end_of_name = line.find(['{', ' ']).expect("a name");
        let (name, rest) = line.split_at(end_of_name);
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
        assert!(!rest.starts_with("{}"), "braces without labels: {line}");
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest),
            None => (Labels::new(), rest),
        };
        let value = rest.strip_prefix(' ').expect("a space before the value");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(self.has_family_of(name), "no family before {line}");
        assert!(self.samples.insert((name.into(), labels), value.into()).is_none(), "twice: {line}");
    }

    fn has_family_of(&self, name: &str) -> bool {
        let bare = ["_total", "_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        self.types.contains_key(name) || bare.is_some_and(|name| self.types.contains_key(name))
    }

    /// The value of the one sample of this name with exactly these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> &str {
        let labels: Labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let key = (name.to_string(), labels);
        self.samples.get(&key).unwrap_or_else(|| panic!("{key:?} is not in {:#?}", self.samples))
    }
}

/// Reads `name="value",…}` and gives the labels and what comes after.
fn labels(mut rest: &str) -> (Labels, &str) {
    let mut labels = Labels::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return (labels, after);
        }
        let (name, after) = rest.split_once("=\"").expect("a label");
        let (value, after) = quoted(after);
        assert!(labels.insert(name.trim_start_matches(',').into(), value).is_none(), "label {name} is there twice");
        rest = after;
    }
}

/// Reads up to the closing quotation mark, and gives what was meant and what comes after.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &text[index + 1..]),
            '\\' => match characters.next().expect("something is escaped").1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                other => panic!("\\{other} is no escape"),
            },
            plain => value.push(plain),
        }
    }
    panic!("no closing quotation mark in {text}")
}
