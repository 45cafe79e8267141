//! SIGTERM and Ctrl-C.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code after a second signal: 128 + SIGINT, as shells have it.
const IMPATIENT: i32 = 130;

/// The signals that end the program.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
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

    /// Waits for the first signal to end; returns its name.
    pub async fn first(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "Ctrl-C",
                _ = self.hangup.recv() => tracing::warn!("SIGHUP: reloading is not built yet in this version; restart the daemon instead"),
            }
        }
    }

    /// From now on a further signal ends the process at once.
    pub fn exit_on_second(mut self) {
        tokio::spawn(async move {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            tracing::warn!("second signal: ending at once");
            std::process::exit(IMPATIENT);
        });
    }
}
