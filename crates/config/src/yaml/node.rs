//! The tree of a YAML file, with places.
//!
//! saphyr-parser says where each key and value stands, serde_yaml what each scalar means: serde_yaml alone tells a
//! place only with the first error it stops at, and a person wants all of them.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::problem::{Place, PlaceId, Reporter, child_path};

/// Deeper than any configuration; keeps a hostile file from exhausting the stack.
const MAX_DEPTH: usize = 64;
/// More bytes than any configuration takes; keeps aliases of aliases, of long texts or inside long keys, from filling
/// the memory.
const MAX_SIZE: usize = 64 * 1024 * 1024;
/// About what a node takes beside its texts: itself and its place.
const NODE_SIZE: usize = 128;

/// A value and where it stands: at its key in a mapping, at its own start in a list.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: PlaceId,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    /// A scalar as written. `plain`: without quotes, so that it may be a number or true/false.
    Scalar {
        text: String,
        plain: bool,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

impl Value {
    /// Levels below it: 0 for a scalar.
    fn height(&self) -> usize {
        let below = match self {
            Self::Null | Self::Scalar { .. } => return 0,
            Self::Sequence(items) => items.iter().map(|item| item.value.height()).max(),
            Self::Mapping(entries) => entries.iter().map(|(_, entry)| entry.value.height()).max(),
        };
        1 + below.unwrap_or(0)
    }
}

impl Node {
    /// What it is, for messages: the kind alone, never the content.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Scalar { text, plain: true } if parse_bool(text).is_some() => "true or false",
            Value::Scalar { text, plain: true } if parse_number(text).is_some() => "a number",
            Value::Scalar { .. } => "text",
        }
    }
}

/// What a plain scalar means, null, boolean, number or text, is serde_yaml's to say.
fn resolve(text: &str) -> serde_yaml::Value {
    // An error can only be one of syntax, and what has syntax is no plain scalar: it is text.
    serde_yaml::from_str(text).unwrap_or_else(|_| text.into())
}

/// `true` or `false`.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    resolve(text).as_bool()
}

/// A finite number. Infinities and NaN are no settings of ours.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    resolve(text).as_f64().filter(|number| number.is_finite())
}

/// The tree of `text`; `None` after a problem that leaves no tree.
pub(super) fn parse(text: &str, whole_file: PlaceId, reporter: &Reporter) -> Option<Node> {
    // Editors on Windows put a byte order mark in front; the parser would take it for content.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parser = Parser::new_from_str(text);
    let end = end_of(text);
    let mut builder = Builder { parser, end, reporter, anchors: HashMap::new(), size: 0 };
    match builder.document(whole_file) {
        Ok(root) => root,
        Err(Stop::Syntax(error)) => {
            // "unexpected character: `x'" quotes one character of the file, which may be one of a password.
            let message = error.info().split(": `").next().unwrap_or_default();
            let (line, column) = builder.line_and_column(error.marker());
            let help = "look at the indentation, colons and quotes here and just above";
            reporter.report_syntax(line, column, format!("not valid YAML: {message}"), help);
            None
        }
        Err(Stop::Reported) => None,
    }
}

/// Line and column behind the last character. YAML's line breaks are `\n`, `\r` and both together.
fn end_of(text: &str) -> (usize, usize) {
    let breaks = |of: &str| text.matches(of).count();
    let lines = 1 + breaks("\n") + breaks("\r") - breaks("\r\n");
    let last = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    (lines, last.chars().count() + 1)
}

/// Why building ended early.
enum Stop {
    Syntax(ScanError),
    Reported,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Syntax(error)
    }
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Line and column of the text's end.
    end: (usize, usize),
    reporter: &'a Reporter,
    /// What aliases may refer to.
    anchors: HashMap<usize, Anchored>,
    /// Bytes that everything built so far takes, roughly.
    size: usize,
}

/// A value that an alias stands for.
struct Anchored {
    value: Value,
    /// Bytes that a copy takes, roughly.
    size: usize,
    /// Levels below it.
    height: usize,
}

impl<'a> Builder<'a> {
    fn document(&mut self, whole_file: PlaceId) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    self.stop_at(span, "a second document begins here", "keep one document a file: remove the `---`")?;
                }
                Event::DocumentStart(_) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span, whole_file, 0)?);
                }
                _ => {}
            }
        }
        if root.is_none() {
            self.reporter.report_file("the file is empty", None);
        }
        Ok(root)
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.parser.next_event() {
            Some(event) => Ok(event?),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn stop_at<T>(&self, span: Span, message: &str, help: &str) -> Result<T, Stop> {
        let (line, column) = self.line_and_column(&span.start);
        self.reporter.report_syntax(line, column, message.to_owned(), help);
        Err(Stop::Reported)
    }

    /// The parser counts one line too many where a text ends without a line break: that is the end of its last line.
    fn line_and_column(&self, marker: &Marker) -> (usize, usize) {
        (marker.line(), marker.col() + 1).min(self.end)
    }

    /// Takes so many bytes more, on a level so many below the root.
    fn grow(&mut self, size: usize, depth: usize, span: Span) -> Result<(), Stop> {
        self.size = self.size.saturating_add(size);
        if depth > MAX_DEPTH || self.size > MAX_SIZE {
            return self.stop_at(span, "nested too deeply or too large", "no setting needs this much");
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, span: Span, place: PlaceId, depth: usize) -> Result<Node, Stop> {
        let size_before = self.size;
        self.grow(NODE_SIZE, depth, span)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.grow(text.len(), depth, span)?;
                let plain = style == ScalarStyle::Plain && !self.is_tagged_text(tag.as_deref(), span)?;
                (scalar(text.into_owned(), plain), anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.is_tagged_text(tag.as_deref(), span)?;
                (self.sequence(place, depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                self.is_tagged_text(tag.as_deref(), span)?;
                (self.mapping(place, depth)?, anchor)
            }
            Event::Alias(anchor) => (self.alias(anchor, depth, span)?, 0),
            _ => self.stop_at(span, "not valid YAML: no value where one should be", "write a value here")?,
        };
        if anchor != 0 {
            let size = self.size - size_before;
            self.grow(size, depth, span)?;
            self.anchors.insert(anchor, Anchored { value: value.clone(), size, height: value.height() });
        }
        Ok(Node { place, value })
    }

    /// `!!str` makes a plain scalar text; other tags of the core schema change nothing; the rest are foreign.
    fn is_tagged_text(&self, tag: Option<&Tag>, span: Span) -> Result<bool, Stop> {
        match tag {
            None => Ok(false),
            Some(tag) if tag.is_yaml_core_schema() => Ok(tag.suffix == "str"),
            Some(_) => self.stop_at(span, "YAML tags have no meaning here", "write the value without the `!…`"),
        }
    }

    fn alias(&mut self, anchor: usize, depth: usize, span: Span) -> Result<Value, Stop> {
        let Some(&Anchored { size, height, .. }) = self.anchors.get(&anchor) else {
            return self.stop_at(span, "this alias refers to itself", "an anchor can be used only below its end");
        };
        // Before it is copied: the copy may be what fills the memory.
        self.grow(size, depth + height, span)?;
        Ok(self.anchors[&anchor].value.clone())
    }

    fn sequence(&mut self, place: PlaceId, depth: usize) -> Result<Value, Stop> {
        let path = self.reporter.place(place).path;
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Sequence(items));
            }
            let place = self.place_at(format!("{path}[{}]", items.len()), depth, span)?;
            items.push(self.node(event, span, place, depth + 1)?);
        }
    }

    fn mapping(&mut self, place: PlaceId, depth: usize) -> Result<Value, Stop> {
        let path = self.reporter.place(place).path;
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut places: HashMap<String, PlaceId> = HashMap::new();
        loop {
            let (event, key_span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Mapping(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => self.stop_at(key_span, "a key must be plain text", "write `key: value`")?,
            };
            let place = self.place_at(child_path(&path, displayable_key(&key)), depth, key_span)?;
            self.grow(2 * key.len(), depth, key_span)?;
            let (event, span) = self.next()?;
            let node = self.node(event, span, place, depth + 1)?;
            match places.get(&key) {
                Some(&earlier) => self.report_duplicate(&key, earlier, place),
                None => {
                    places.insert(key.clone(), place);
                    entries.push((key, node));
                }
            }
        }
    }

    fn report_duplicate(&self, key: &str, earlier: PlaceId, here: PlaceId) {
        let message = format!("`{}` is given twice", displayable_key(key));
        let help = format!("it is first given at {}; keep one of them", self.reporter.location(earlier));
        self.reporter.report_with_help(here, message, help);
    }

    fn place_at(&mut self, path: String, depth: usize, span: Span) -> Result<PlaceId, Stop> {
        self.grow(path.len(), depth, span)?;
        let (line, column) = self.line_and_column(&span.start);
        Ok(self.reporter.add_place(Place { path, line, column }))
    }
}

fn scalar(text: String, plain: bool) -> Value {
    if plain && resolve(&text).is_null() {
        return Value::Null;
    }
    Value::Scalar { text, plain }
}

/// A key as it may be shown: an address where a key should be (a colon or a line break gone astray) may hold a
/// password.
pub(crate) fn displayable_key(key: &str) -> &str {
    let like_an_address = key.contains("://") || key.contains('@');
    if like_an_address || key.len() > 100 { "…" } else { key }
}

#[cfg(test)]
mod tests;
