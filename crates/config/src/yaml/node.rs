//! The tree of a YAML file, with places.
//!
//! saphyr-parser says where each key and value stands, serde_yaml what each scalar means: serde_yaml alone tells a
//! place only with the first error it stops at, and a person wants all of them.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

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
    let mut builder = Builder { parser: Parser::new_from_str(text), reporter, anchors: HashMap::new(), size: 0 };
    match builder.document(whole_file) {
        Ok(root) => root,
        Err(Stop::Syntax(error)) => {
            report_scan_error(&error, text, reporter);
            None
        }
        Err(Stop::Reported) => None,
    }
}

fn report_scan_error(error: &ScanError, text: &str, reporter: &Reporter) {
    // "unexpected character: `x'" quotes one character of the file, which may be one of a password.
    let message = error.info().split(": `").next().unwrap_or_default();
    let (line, column) = place_in_text(text, error.marker().line(), error.marker().col() + 1);
    reporter.report_syntax(
        line,
        column,
        format!("not valid YAML: {message}"),
        "look at the indentation, colons and quotes here and just above",
    );
}

/// The parser counts one line too many where a text ends without a line break: that is the end of the last line.
fn place_in_text(text: &str, line: usize, column: usize) -> (usize, usize) {
    let lines = text.split('\n').count();
    if line <= lines {
        return (line, column);
    }
    let last = text.rsplit('\n').next().unwrap_or_default();
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
        self.reporter.report_syntax(span.start.line(), span.start.col() + 1, message.to_owned(), help);
        Err(Stop::Reported)
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
        Ok(self.reporter.add_place(Place { path, line: span.start.line(), column: span.start.col() + 1 }))
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

    #[test]
    fn what_is_small_and_grows_is_refused_before_it_has_grown() {
        let too_large = ["nested too deeply or too large".to_owned()];
        // A long text over and over.
        let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(10_000));
        assert_eq!(parsed(&long).1, too_large);
        // Long keys, which the path of every value below them repeats.
        let keys = (0..60).map(|level| format!("{}{}:\n", " ".repeat(level), "k".repeat(90)));
        let deep = format!("{}{}[{}]\n", keys.collect::<String>(), " ".repeat(60), "1, ".repeat(50_000));
        assert_eq!(parsed(&deep).1, too_large);
        // Aliases inside of what the next alias stands for: every line is one level deeper than all before it.
        let levels = (1..200).map(|level| format!("a{level}: &a{level} [*a{}]\n", level - 1));
        let stairs = format!("a0: &a0 []\n{}", levels.collect::<String>());
        assert_eq!(parsed(&stairs).1, too_large);
    }

    #[test]
    fn the_end_of_a_file_is_the_end_of_its_last_line() {
        for (text, line, column) in [("[", 1, 2), ("a: 1\nb: [ä", 2, 6), ("a: [\n", 2, 1)] {
            let reporter = Reporter::new(Path::new("x.yaml"));
            let whole_file = reporter.add_place(Place { path: String::new(), line: 1, column: 1 });
            parse(text, whole_file, &reporter);
            let problems = reporter.into_problems();
            let place = (problems[0].line, problems[0].column);
            assert_eq!(place, (Some(line), Some(column)), "{text:?}");
        }
    }

    #[test]
    fn many_keys_are_read_at_once() {
        let many: String = (0..100_000).map(|number| format!("k{number}: 1\n")).collect();
        assert!(parsed(&many).0.is_some());
        let duplicates = parsed(&"k: 1\n".repeat(3)).1;
        assert_eq!(duplicates, ["`k` is given twice", "`k` is given twice"]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-a-z:{}\\[\\]&*!|>'\"%@`#,? \\n\\t]*|.*") {
            let (root, problems) = parsed(&text);
            prop_assert!(root.is_some() || !problems.is_empty());
        }
    }
}
