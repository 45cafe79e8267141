//! The endpoint over a real socket in front of a daemon that does as it is told. One scenario a file; one binary, so that
//! they link once and run side by side.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing unwrap in a test is the failing test")]

mod support;

mod access;
mod canary;
mod documented;
mod events;
mod full;
mod metrics;
mod oversized;
mod probes;
mod reload;
mod routes;
mod slow;
mod start;
mod stop;
mod strange;
mod stuck;
