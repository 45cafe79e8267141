//! The event store on a real disk, one scenario a file.
#![allow(clippy::unwrap_used, reason = "a failing unwrap is the failing test")]

mod bounds_age;
mod bounds_bytes;
mod damaged_at_run_time;
mod damaged_at_start;
mod delivery;
mod full_disk;
mod history_queries;
mod killed;
mod long_outage;
mod moved_broker;
mod released;
mod support;
mod two_processes;
mod unwritable_start;
mod write_limit;
