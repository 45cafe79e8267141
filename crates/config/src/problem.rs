//! What is wrong with a file, said so that it can be put right: place, path, and remedy.

use std::{
    cell::RefCell,
    collections::HashSet,
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;

/// One thing that is wrong. Its text never holds a secret, nor any text that came out of a `${…}` reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Problem {
    /// The file it is in.
    pub file: PathBuf,
    /// Line, from 1; absent when the file as a whole is meant.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// Path of the key, such as `cameras.front-door.fps`; empty when the file as a whole is meant.
    pub path: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What would be right, where that can be said.
    pub help: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a set of files, in the order of the files and of their lines. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }

    pub(crate) fn one(problem: Problem) -> Self {
        Self(vec![problem])
    }

    /// `Ok(value)` when nothing is wrong. Equal problems are told once: an alias shows the same lines twice.
    pub(crate) fn none_or<T>(problems: Vec<Problem>, value: Option<T>) -> Result<T, Self> {
        if let (true, Some(value)) = (problems.is_empty(), value) {
            return Ok(value);
        }
        let mut told = HashSet::new();
        Err(Self(problems.into_iter().filter(|problem| told.insert(problem.clone())).collect()))
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Where a key or an entry of a list stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `cameras.front-door.fps`, `cameras.front-door.labels[2]`; empty for the whole file.
    pub path: String,
    pub line: usize,
    pub column: usize,
}

/// Index into a [`Reporter`]'s places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlaceId(pub usize);

/// Collects the problems of one file. Taking `&self` lets every stage of reading report and go on.
pub(crate) struct Reporter {
    file: PathBuf,
    places: RefCell<Vec<Place>>,
    problems: RefCell<Vec<Problem>>,
}

impl Reporter {
    pub fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), places: RefCell::default(), problems: RefCell::default() }
    }

    pub fn add_place(&self, place: Place) -> PlaceId {
        let mut places = self.places.borrow_mut();
        places.push(place);
        PlaceId(places.len() - 1)
    }

    /// Where `key` would stand in the mapping at `parent`: its path, with the line of the mapping.
    pub fn child(&self, parent: PlaceId, key: &str) -> PlaceId {
        let Place { path, line, column } = self.place(parent);
        self.add_place(Place { path: child_path(&path, key), line, column })
    }

    /// Where an entry without a value stands in the list at `parent`: its path, with the line of the list.
    pub fn item(&self, parent: PlaceId, index: usize) -> PlaceId {
        let Place { path, line, column } = self.place(parent);
        self.add_place(Place { path: format!("{path}[{index}]"), line, column })
    }

    pub fn place(&self, id: PlaceId) -> Place {
        self.places.borrow()[id.0].clone()
    }

    /// `pipelines/yard.yaml:14`, for a problem elsewhere that names this place.
    pub fn location(&self, id: PlaceId) -> String {
        format!("{}:{}", self.file.display(), self.place(id).line)
    }

    pub fn report(&self, at: PlaceId, message: impl Into<String>) {
        self.push(self.place(at), message.into(), None);
    }

    pub fn report_with_help(&self, at: PlaceId, message: impl Into<String>, help: impl Into<String>) {
        self.push(self.place(at), message.into(), Some(help.into()));
    }

    /// A key that should be there and is not: its path, with the line of what it is missing from.
    pub fn report_missing(&self, inside: PlaceId, key: &str, help: impl Into<String>) {
        let place = self.place(self.child(inside, key));
        self.push(place, format!("`{key}` is missing"), Some(help.into()));
    }

    /// The file cannot be read as YAML from `line` on.
    pub fn report_syntax(&self, line: usize, column: usize, message: String, help: &str) {
        self.push(Place { path: String::new(), line, column }, message, Some(help.to_owned()));
    }

    /// The file as a whole.
    pub fn report_file(&self, message: impl Into<String>, help: Option<String>) {
        self.problems.borrow_mut().push(whole_file(&self.file, message, help));
    }

    fn push(&self, place: Place, message: String, help: Option<String>) {
        let Place { path, line, column } = place;
        let file = self.file.clone();
        self.problems.borrow_mut().push(Problem { file, line: Some(line), column: Some(column), path, message, help });
    }

    /// All problems, by line.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }
}

/// A problem of a file or folder as a whole.
pub(crate) fn whole_file(file: &Path, message: impl Into<String>, help: Option<String>) -> Problem {
    Problem { file: file.to_owned(), line: None, column: None, path: String::new(), message: message.into(), help }
}

/// The path of `key` inside the mapping at `parent`.
pub(crate) fn child_path(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        Problem {
            file: "pipelines/yard.yaml".into(),
            line: Some(14),
            column: Some(5),
            path: "cameras.front-door.fps".into(),
            message: "must be greater than 0".into(),
            help: Some("write the frames per second".into()),
        }
    }

    #[test]
    fn a_problem_reads_like_a_compilers() {
        assert_eq!(
            problem().to_string(),
            "pipelines/yard.yaml:14: cameras.front-door.fps: must be greater than 0\n  help: write the frames per second"
        );
        let bare = whole_file(Path::new("x.yaml"), "the file is empty", None);
        assert_eq!(bare.to_string(), "x.yaml: the file is empty");
    }

    #[test]
    fn problems_serialise_as_a_list_of_objects() {
        let problems = Problems::none_or::<()>(vec![problem(), problem()], None).unwrap_err();
        assert_eq!(
            serde_json::to_value(&problems).unwrap(),
            serde_json::json!([{
                "file": "pipelines/yard.yaml", "line": 14, "column": 5, "path": "cameras.front-door.fps",
                "message": "must be greater than 0", "help": "write the frames per second",
            }])
        );
    }
}
