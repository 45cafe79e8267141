//! Log lines go to stderr; stdout belongs to what a script reads.

mod redact;

use std::{backtrace::BacktraceStatus, io::IsTerminal};

use tracing_subscriber::EnvFilter;

use self::redact::RedactedStderr;
pub use self::redact::{hide, hide_secrets_of, redact};

use crate::cli::LogFormat;

/// How much is logged unless `RUST_LOG` says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Trouble only: for commands whose output is something else.
    Trouble,
    /// What a daemon tells, and with each `-v` more of it.
    Daemon {
        /// How many `-v`.
        verbose: u8,
    },
}

/// Starts logging.
pub fn start(format: LogFormat, detail: Detail) {
    let default = match detail {
        Detail::Trouble => "warn",
        Detail::Daemon { verbose: 0 } => "info",
        Detail::Daemon { verbose: 1 } => {
            "info,sightline=debug,sightline_pipeline=debug,sightline_media=debug,sightline_mqtt=debug,sightline_store=debug,sightline_web=debug"
        }
        Detail::Daemon { .. } => "debug",
    };
    // Whoever sets GST_DEBUG wants to see what it brings.
    let with_gstreamer = format!("{default},gstreamer=trace");
    let default = if std::env::var_os("GST_DEBUG").is_some() { &with_gstreamer } else { default };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(RedactedStderr);
    let started = match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // Fails only when logging was started before, which is as good.
    drop(started);
    tell_panics();
}

/// A panic is told as any other trouble, and without secrets: its message may quote what it was about.
fn tell_panics() {
    /// What the `openvino` crate panics with where an older library lacks a function: `infer` catches it, and tells it as the
    /// error that it is.
    const CAUGHT: &str = "`openvino_c` function not loaded";

    std::panic::set_hook(Box::new(|panic| {
        if panic.payload_as_str().is_some_and(|said| said.starts_with(CAUGHT)) {
            return;
        }
        // By RUST_BACKTRACE, as usual.
        let backtrace = std::backtrace::Backtrace::capture();
        let backtrace = matches!(backtrace.status(), BacktraceStatus::Captured).then(|| format!("\n{backtrace}"));
        let thread = std::thread::current();
        let backtrace = backtrace.unwrap_or_default();
        tracing::error!(thread = thread.name(), "{panic}; this is a bug{backtrace}");
    }));
}
