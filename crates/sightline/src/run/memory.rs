//! Gives memory back that is not used any more.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

/// How often. Takes a few milliseconds when streams were closed, and next to nothing when none was.
const EVERY: Duration = Duration::from_secs(10);

/// Gives back regularly what malloc keeps, as long as the runtime lives.
///
/// glibc gives threads heaps of their own, up to eight for each core. A stream that is opened anew has new threads, which use
/// other heaps than those before, and what those before have left stays with the process: without this, memory grows by a
/// quarter in ten minutes in which cameras come and go, though nothing leaks (docs/bounds.md).
pub fn give_back_regularly() {
    if !cfg!(target_env = "gnu") {
        return;
    }
    tokio::spawn(async {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            // An error says that the runtime is ending, and this with it. Cameras' tasks do not wait for it.
            let _ = tokio::task::spawn_blocking(give_back).await;
        }
    });
}

#[cfg(target_env = "gnu")]
fn give_back() {
    unsafe extern "C" {
        /// Of malloc.h: returns whole free pages of all heaps to the system, but for `pad` bytes.
        fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    // SAFETY: the signature is glibc's, and it may be called at any time from any thread.
    unsafe { malloc_trim(0) };
}

#[cfg(not(target_env = "gnu"))]
const fn give_back() {}
