//! Why the program ends, and with which exit code: see the contract.

use std::process::ExitCode;

use crate::logging;

/// What kind of failure ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line, or an input named on it, is wrong.
    Usage,
    /// A needed service, library or provider is not available.
    Unavailable,
    /// A bug, or the operating system.
    Internal,
    /// The configuration or a model is wrong.
    Config,
}

impl Kind {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Unavailable => 69,
            Self::Internal => 70,
            Self::Config => 78,
        }
    }
}

/// A failure that ends the program.
#[derive(Debug)]
pub struct Failure {
    /// Its kind.
    pub kind: Kind,
    /// What is written to stderr; empty when everything was said already.
    pub cause: Option<anyhow::Error>,
}

/// What every command returns.
pub type Outcome = Result<(), Failure>;

impl Failure {
    /// A failure of that kind.
    pub fn new(kind: Kind, cause: impl Into<anyhow::Error>) -> Self {
        Self { kind, cause: Some(cause.into()) }
    }

    /// A failure of which everything was said already.
    pub const fn said(kind: Kind) -> Self {
        Self { kind, cause: None }
    }

    /// Whoever reads stdout has seen enough (`| head`).
    pub fn is_closed_pipe(&self) -> bool {
        let error = self.cause.as_ref().and_then(|cause| cause.downcast_ref::<std::io::Error>());
        error.map(std::io::Error::kind) == Some(std::io::ErrorKind::BrokenPipe)
    }

    /// Writes the cause and its chain to stderr; the exit code.
    #[expect(clippy::print_stderr, reason = "the program's last words, also when logging never started")]
    pub fn report(&self) -> ExitCode {
        if let Some(cause) = &self.cause {
            eprintln!("sightline: {}", logging::redact(&format!("{cause:#}")));
        }
        ExitCode::from(self.kind.code())
    }
}

/// `result.or_fail(Kind::Config)?`
pub trait OrFail<T> {
    /// Turns an error into a failure of that kind.
    fn or_fail(self, kind: Kind) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, kind: Kind) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(kind, error))
    }
}
