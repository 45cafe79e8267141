//! How well objects are followed, against exact ground truth.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failure here is the failing test"
)]

mod default_model;
mod detections;
mod metrics;
mod recordings;
mod runner;
mod scripts;
mod simulated;
mod table;
