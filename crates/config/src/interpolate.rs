//! `${env:NAME}`, `${file:PATH}` and `${hostname}` inside a value.

use std::path::{Path, PathBuf};

use crate::{environment::Environment, files};

/// Larger than any password or token; keeps `${file:/dev/zero}` from filling the memory.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A value with its references still unresolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(pub Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Reference(Reference),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// An environment variable.
    Env(String),
    /// A file's content without the newline at its end; a relative path starts at the pipeline file's folder.
    File(PathBuf),
    /// This machine's name.
    Hostname,
}

/// What is wrong with a reference. Names variables and paths, never their content nor the text around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReferenceError {
    pub message: String,
    pub help: String,
}

impl ReferenceError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// Where references are resolved.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub environment: &'a Environment,
    /// The folder of the file being read.
    pub folder: &'a Path,
}

impl Template {
    /// Finds the references. `$${` stands for a literal `${`; any other `$` is itself.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(dollar) = rest.find("${") {
            if let Some(before) = rest[..dollar].strip_suffix('$') {
                literal.push_str(before);
                literal.push_str("${");
                rest = &rest[dollar + 2..];
                continue;
            }
            literal.push_str(&rest[..dollar]);
            let inside = &rest[dollar + 2..];
            let end = inside.find('}').ok_or_else(|| {
                ReferenceError::new("`${` without its `}`", "close the reference, or write $${ for a plain ${")
            })?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Reference(Reference::parse(&inside[..end])?));
            rest = &inside[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self(parts))
    }

    /// The value with every reference replaced, or what is wrong with each that cannot be.
    pub fn resolve(&self, surroundings: Surroundings<'_>) -> Result<String, Vec<ReferenceError>> {
        let mut value = String::new();
        let mut errors = Vec::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => value.push_str(text),
                Part::Reference(reference) => match reference.resolve(surroundings) {
                    Ok(text) => value.push_str(&text),
                    Err(error) => errors.push(error),
                },
            }
        }
        if errors.is_empty() { Ok(value) } else { Err(errors) }
    }
}

impl Reference {
    fn parse(inside: &str) -> Result<Self, ReferenceError> {
        match inside.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            None if inside == "hostname" => Ok(Self::Hostname),
            // The text is not quoted: it may be a password that happens to hold `${`.
            _ => Err(ReferenceError::new(
                "unknown kind of reference in `${…}`",
                "there are ${env:NAME}, ${file:PATH} and ${hostname}; write $${ for a plain ${",
            )),
        }
    }

    /// The text it stands for.
    pub fn resolve(&self, surroundings: Surroundings<'_>) -> Result<String, ReferenceError> {
        match self {
            Self::Env(name) => surroundings.environment.variable(name).ok_or_else(|| {
                let help = "set it where the daemon starts, for systemd with Environment= or EnvironmentFile=";
                ReferenceError::new(format!("environment variable `{name}` is not set"), help)
            }),
            Self::File(path) => read_reference(&surroundings.folder.join(path)),
            Self::Hostname => surroundings.environment.hostname.clone().ok_or_else(|| {
                ReferenceError::new("this machine's host name is not known", "write a name in place of ${hostname}")
            }),
        }
    }
}

fn read_reference(path: &Path) -> Result<String, ReferenceError> {
    let text = files::read_text(path, MAX_FILE_BYTES).map_err(|why| {
        let help = "the file must exist and be readable for the daemon's user";
        ReferenceError::new(format!("cannot read `{}`: {why}", path.display()), help)
    })?;
    let without_newline = text.strip_suffix('\n').unwrap_or(&text);
    Ok(without_newline.strip_suffix('\r').unwrap_or(without_newline).to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn environment() -> Environment {
        Environment {
            variable: Arc::new(|name| (name == "USER_NAME").then(|| "viewer".to_owned())),
            hostname: Some("box-7".to_owned()),
            ..Environment::empty()
        }
    }

    fn resolve(text: &str, folder: &Path) -> Result<String, Vec<ReferenceError>> {
        let environment = environment();
        let surroundings = Surroundings { environment: &environment, folder };
        Template::parse(text).map_err(|error| vec![error])?.resolve(surroundings)
    }

    #[test]
    fn references_are_replaced_and_all_else_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "a b\n").unwrap();
        std::fs::write(folder.path().join("windows"), "c\r\n").unwrap();
        std::fs::write(folder.path().join("two"), "d\n\n").unwrap();
        for (text, value) in [
            ("", ""),
            ("plain", "plain"),
            ("${env:USER_NAME}", "viewer"),
            ("a ${hostname} ${env:USER_NAME}!", "a box-7 viewer!"),
            ("${file:secret}", "a b"),
            ("${file:windows}", "c"),
            ("${file:two}", "d\n"),
            ("pa$$word $1", "pa$$word $1"),
            ("$${env:USER_NAME}", "${env:USER_NAME}"),
            ("$$${hostname}", "$${hostname}"),
        ] {
            assert_eq!(resolve(text, folder.path()), Ok(value.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_resolved_is_named() {
        let folder = Path::new("/nowhere");
        for (text, message) in [
            ("${env:UNSET}", "environment variable `UNSET` is not set"),
            ("${file:x}", "cannot read `/nowhere/x`: No such file or directory (os error 2)"),
            ("${file:/dev/zero}", "cannot read `/dev/zero`: larger than 64 KiB"),
            ("${secret}", "unknown kind of reference in `${…}`"),
            ("${env:}", "unknown kind of reference in `${…}`"),
            ("${env:X", "`${` without its `}`"),
        ] {
            let errors = resolve(text, folder).unwrap_err();
            assert_eq!(errors[0].message, message, "{text}");
        }
        assert_eq!(resolve("${env:A} ${env:B}", folder).unwrap_err().len(), 2);
    }

    proptest! {
        #[test]
        fn text_without_references_stays_as_it_is(text in "[^$]*|[a-z$@:/]*") {
            prop_assert_eq!(resolve(&text, Path::new("/")), Ok(text));
        }

        #[test]
        fn an_escaped_text_comes_back(text in "[a-z${}:]*") {
            // Escaping every `${` gives a text that resolves to the original, unless a `$` stands before one.
            prop_assume!(!text.contains("$${"));
            prop_assert_eq!(resolve(&text.replace("${", "$${"), Path::new("/")), Ok(text));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[$({}):a-z]*|.*") {
            let _ = Template::parse(&text);
        }
    }
}
