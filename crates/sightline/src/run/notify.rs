//! What systemd hears (sd_notify(3)). Everywhere else each of these does nothing.

use std::{sync::Arc, time::Duration};

use sd_notify::NotifyState;
use tracing::{debug, error};

use super::liveness::Liveness;

/// Models run, brokers were tried.
pub fn ready(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A reload begins; [`ready`] ends it.
pub fn reloading() {
    // `Type=notify-reload` (systemd 253) wants the moment with it.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(_) => send(&[NotifyState::Reloading]),
    }
}

/// The end begins.
pub fn stopping() {
    send(&[NotifyState::Stopping]);
}

/// Tells the watchdog, where there is one, twice an interval that inference goes on; is silent from the moment on when it
/// does not, so that systemd restarts the daemon.
pub fn keep_watchdog(liveness: Arc<Liveness>) {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    debug!(?interval, "systemd's watchdog is told of inference's progress");
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(interval / 2);
        let mut is_told = false;
        loop {
            tick.tick().await;
            match liveness.check() {
                Ok(()) => {
                    send(&[NotifyState::Watchdog]);
                    is_told = false;
                }
                Err(reason) if !is_told => {
                    error!(reason, "the watchdog is not told any more: systemd will restart the daemon");
                    is_told = true;
                }
                Err(_) => {}
            }
        }
    });
}

/// Starting takes longer than systemd may allow for: a model is being compiled for an accelerator.
pub fn extend_start(by: Duration) {
    send(&[NotifyState::ExtendTimeoutUsec(u32::try_from(by.as_micros()).unwrap_or(u32::MAX))]);
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        debug!(%error, "systemd was not told");
    }
}
