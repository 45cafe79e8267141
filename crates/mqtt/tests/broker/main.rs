//! The crate against a real mosquitto. One scenario a file; one binary, so that they link once and run side by side.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing unwrap in a test is the failing test")]

mod support;

mod away_at_start;
mod detections;
mod hung;
mod killed;
mod last_will;
mod leftovers;
mod login;
mod overflow;
mod payloads;
mod predecessor;
mod retained;
mod shutdown;
mod silent;
mod snapshots;
mod tls;
