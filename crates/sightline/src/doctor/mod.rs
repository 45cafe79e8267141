//! `sightline doctor`: what this machine has and lacks, and what to do about it.

mod providers;
mod surroundings;

use std::io::Write as _;

use serde::Serialize;

use crate::{
    cli::{DoctorArgs, OutputFormat},
    failure::{Failure, Kind, OrFail, Outcome},
};

/// How something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// As it should be.
    Ok,
    /// Not there; nothing that is needed everywhere.
    Absent,
    /// Sightline does not work like this.
    Failed,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    /// Which part of the report it belongs to.
    section: &'static str,
    what: String,
    state: State,
    message: String,
    /// What helps.
    remedy: Option<String>,
}

impl Finding {
    fn ok(section: &'static str, what: impl Into<String>, message: impl Into<String>) -> Self {
        Self { section, what: what.into(), state: State::Ok, message: message.into(), remedy: None }
    }

    fn absent(section: &'static str, what: impl Into<String>, message: impl Into<String>) -> Self {
        Self { state: State::Absent, ..Self::ok(section, what, message) }
    }

    fn failed(section: &'static str, what: impl Into<String>, message: impl Into<String>) -> Self {
        Self { state: State::Failed, ..Self::ok(section, what, message) }
    }

    fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// Looks at everything, or at the named providers alone; fails when something that is needed does not work.
pub fn execute(args: &DoctorArgs) -> Outcome {
    let mut findings = Vec::new();
    if args.provider.is_empty() {
        findings.extend(surroundings::machine());
        findings.extend(surroundings::gstreamer());
        findings.extend(providers::libraries());
        findings.extend(providers::all(args));
        findings.extend(surroundings::brokers(&args.paths)?);
        findings.push(surroundings::clock());
    } else {
        findings.extend(providers::named(args));
    }
    let text = match args.format {
        OutputFormat::Text => text(&findings),
        OutputFormat::Json => serde_json::to_string_pretty(&findings).or_fail(Kind::Internal)?,
    };
    // A reader that closes the pipe has seen enough.
    let _ = writeln!(std::io::stdout(), "{}", crate::logging::redact(text.trim_end()));
    let failed = findings.iter().any(|finding| finding.state == State::Failed);
    if failed { Err(Failure::said(Kind::Unavailable)) } else { Ok(()) }
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut section = "";
    for finding in findings {
        if finding.section != section {
            section = finding.section;
            text.push_str(&format!("\n{section}\n"));
        }
        let state = match finding.state {
            State::Ok => "ok    ",
            State::Absent => "-     ",
            State::Failed => "FAILED",
        };
        text.push_str(&format!("  {state} {}: {}\n", finding.what, finding.message));
        if let Some(remedy) = &finding.remedy {
            text.push_str(&format!("         {remedy}\n"));
        }
    }
    text.trim_start().to_owned()
}
