//! The tree of a YAML file, with places.
//!
//! saphyr-parser says where each key and value stands, serde_yaml what each scalar means: serde_yaml alone tells a
//! place only with the first error it stops at, and a person wants all of them.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::problem::{Place, PlaceId, Reporter, child_path};

/// Deeper than any configuration; keeps a hostile file from exhausting the stack.
const MAX_DEPTH: usize = 64;
/// More than any configuration; keeps a few aliases of aliases from filling the memory.
const MAX_NODES: usize = 200_000;

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
    let mut builder = Builder { parser: Parser::new_from_str(text), reporter, anchors: HashMap::new(), nodes: 0 };
    match builder.document(whole_file) {
        Ok(root) => root,
        Err(Stop::Syntax(error)) => {
            report_scan_error(&error, reporter);
            None
        }
        Err(Stop::Reported) => None,
    }
}

fn report_scan_error(error: &ScanError, reporter: &Reporter) {
    // "unexpected character: `x'" quotes one character of the file, which may be one of a password.
    let message = error.info().split(": `").next().unwrap_or_default();
    reporter.report_syntax(
        error.marker().line(),
        error.marker().col() + 1,
        format!("not valid YAML: {message}"),
        "look at the indentation, colons and quotes here and just above",
    );
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
    reporter: &'a Reporter,
    /// Nodes that aliases may refer to, with the number of nodes in each.
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
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
        self.reporter.report_syntax(span.start.line(), span.start.col() + 1, message.to_owned(), help);
        Err(Stop::Reported)
    }

    fn node(&mut self, event: Event<'a>, span: Span, place: PlaceId, depth: usize) -> Result<Node, Stop> {
        let nodes_before = self.nodes;
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            self.stop_at(span, "nested too deeply or too large", "no setting needs this much")?;
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
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
            Event::Alias(anchor) => (self.alias(anchor, span)?, 0),
            _ => self.stop_at(span, "not valid YAML: no value where one should be", "write a value here")?,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - nodes_before));
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

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Value, Stop> {
        let Some((value, size)) = self.anchors.get(&anchor).cloned() else {
            return self.stop_at(span, "this alias refers to itself", "an anchor can be used only below its end");
        };
        self.nodes += size;
        Ok(value)
    }

    fn sequence(&mut self, place: PlaceId, depth: usize) -> Result<Value, Stop> {
        let path = self.reporter.place(place).path;
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Sequence(items));
            }
            let place = self.place_at(format!("{path}[{}]", items.len()), span);
            items.push(self.node(event, span, place, depth + 1)?);
        }
    }

    fn mapping(&mut self, place: PlaceId, depth: usize) -> Result<Value, Stop> {
        let path = self.reporter.place(place).path;
        let mut entries: Vec<(String, Node)> = Vec::new();
        loop {
            let (event, key_span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Mapping(entries)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => self.stop_at(key_span, "a key must be plain text", "write `key: value`")?,
            };
            let place = self.place_at(child_path(&path, displayable_key(&key)), key_span);
            let (event, span) = self.next()?;
            let node = self.node(event, span, place, depth + 1)?;
            match entries.iter().find(|(earlier, _)| *earlier == key) {
                Some((_, earlier)) => self.report_duplicate(&key, earlier.place, place),
                None => entries.push((key, node)),
            }
        }
    }

    fn report_duplicate(&self, key: &str, earlier: PlaceId, here: PlaceId) {
        let message = format!("`{}` is given twice", displayable_key(key));
        let help = format!("it is first given at {}; keep one of them", self.reporter.location(earlier));
        self.reporter.report_with_help(here, message, help);
    }

    fn place_at(&self, path: String, span: Span) -> PlaceId {
        self.reporter.add_place(Place { path, line: span.start.line(), column: span.start.col() + 1 })
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
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// The tree, and the messages of what was wrong.
    fn parsed(text: &str) -> (Option<Node>, Vec<String>) {
        let reporter = Reporter::new(Path::new("x.yaml"));
        let whole_file = reporter.add_place(Place { path: String::new(), line: 1, column: 1 });
        let root = parse(text, whole_file, &reporter);
        (root, reporter.into_problems().into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn places_are_those_of_keys_and_list_items() {
        let reporter = Reporter::new(Path::new("x.yaml"));
        let whole_file = reporter.add_place(Place { path: String::new(), line: 1, column: 1 });
        parse("a:\n  b:\n    - 1\n    - {c: 2,\n       d: 3}\n  'e': |\n    text\n  f: 4\n", whole_file, &reporter)
            .unwrap();
        let expected = [
            ("", 1, 1),
            ("a", 1, 1),
            ("a.b", 2, 3),
            ("a.b[0]", 3, 7),
            ("a.b[1]", 4, 7),
            ("a.b[1].c", 4, 8),
            ("a.b[1].d", 5, 8),
            ("a.e", 6, 3),
            ("a.f", 8, 3),
        ];
        for (index, (path, line, column)) in expected.into_iter().enumerate() {
            assert_eq!(reporter.place(PlaceId(index)), Place { path: path.to_owned(), line, column });
        }
    }

    #[test]
    fn hostile_files_are_refused() {
        let too_large = ["nested too deeply or too large".to_owned()];
        assert_eq!(parsed(&"[".repeat(100)).1, too_large);
        assert_eq!(parsed(&"- ".repeat(100_000)).1, too_large);
        // The parser has a limit of its own on brackets, which it looks ahead over.
        for deep in ["[", "{", "a: {"] {
            assert!(parsed(&deep.repeat(100_000)).0.is_none());
        }
        let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..20 {
            let one = format!("*a{}, ", level - 1);
            aliases.push_str(&format!("a{level}: &a{level} [{}]\n", one.repeat(10)));
        }
        assert_eq!(parsed(&aliases).1, too_large);
        assert!(parsed("a: &a [*a]").0.is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-a-z:{}\\[\\]&*!|>'\"%@`#,? \\n\\t]*|.*") {
            let (root, problems) = parsed(&text);
            prop_assert!(root.is_some() || !problems.is_empty());
        }
    }
}
