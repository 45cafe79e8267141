//! Places, hostile files, and texts of any kind.

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
    for (text, line, column) in [("[", 1, 2), ("a: 1\nb: [ä", 2, 6), ("a: [\n", 2, 1), ("a: 1\r\nb: [", 2, 5)] {
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
