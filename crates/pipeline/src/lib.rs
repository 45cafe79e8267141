//! From frames to events: slots, batches, inference workers, camera tasks, and their supervisor.
//!
//! | module | what it does |
//! |---|---|
//! | [`rate`], [`queue`], [`batcher`] | at most so many frames per second; one slot per camera; fair batches |
//! | [`share`], [`batch_times`], [`governor`], [`load`] | who goes first when not all fit; how large a batch may be; latency held at a target; whether all fits |
//! | [`detector`], [`worker`], [`engine`] | preprocessing, network, decoding; one thread per session |
//! | [`work`] | what is done with a camera's frames, replaceable while its stream goes on |
//! | [`camera`], [`status`], [`backoff`] | one camera's task: open, watch, observe, open again |
//! | [`observation`] | one camera's detections to its messages |
//! | [`snapshots`], [`clips`] | pictures and recordings of what happens, off the frames' way |
//! | [`stamp`] | numbers events in the order in which they are handed on |
//! | [`trouble`] | sessions that fail while they run |
//! | [`runtime`] | all of it, started and stopped |

pub mod attention;
pub mod backoff;
pub mod batch_times;
pub mod batcher;
pub mod camera;
pub mod clips;
pub mod clock;
#[cfg(test)]
mod collected_log;
pub mod detector;
pub mod engine;
pub mod fakes;
pub mod governor;
mod inbox;
pub mod load;
pub mod observation;
mod opening;
pub mod queue;
pub mod rate;
pub mod runtime;
pub mod share;
pub mod snapshots;
pub mod stamp;
pub mod status;
pub mod trouble;
pub mod work;
pub mod worker;
