//! SIGTERM, Ctrl-C and SIGHUP.

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// Exit code after a second signal: 128 + SIGINT, as shells have it.
const IMPATIENT: i32 = 130;

/// What a signal wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The end; the signal's name.
    Stop(&'static str),
    /// The configuration is to be read again.
    Reload,
}

/// The signals that the program hears.
pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hangup: Stream,
}

impl Signals {
    /// From now on these signals no longer kill the process.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Signal::Stop("Ctrl-C"),
            _ = self.hangup.recv() => Signal::Reload,
        }
    }

    /// Waits for a signal to end; returns its name. A SIGHUP meanwhile is kept for [`Self::next`].
    pub async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "Ctrl-C",
        }
    }

    /// From now on a further signal ends the process at once.
    pub fn exit_on_second(mut self) {
        tokio::spawn(async move {
            self.stop().await;
            tracing::warn!("second signal: ending at once");
            std::process::exit(IMPATIENT);
        });
    }
}
