//! `make soak`: sixteen cameras and a broker that fail all the time, and what that costs the daemon in the end.
//!
//! The bounds that are asserted here are those of `docs/bounds.md`. Not a part of `make test`: it takes ten minutes, and
//! memory is worth measuring of a release build only.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    reason = "a failure here is the failing test"
)]

mod account;
mod cost;
mod crowd;
mod faults;
mod fleet;
mod process;
#[path = "../support/mod.rs"]
mod support;
mod under_faults;
