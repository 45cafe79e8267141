//! The crate against a real mosquitto. One scenario a file; one binary, so that they link once and run side by side.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing unwrap in a test is the failing test")]

mod support;

mod away_at_start;
mod detections;
mod hung;
mod inherited;
mod killed;
mod last_will;
mod leftovers;
mod login;
mod moved;
mod never_acknowledges;
mod overflow;
mod password_changed;
mod payloads;
mod predecessor;
mod renewed_login;
mod renounced;
mod reset;
mod retained;
mod shutdown;
mod silent;
mod slow_disk;
mod slow_link;
mod snapshots;
mod stage_times;
mod taken_over;
mod tls;
mod tls_renewed;
