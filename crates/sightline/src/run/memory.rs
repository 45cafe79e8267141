//! Keeps malloc from holding memory that nobody uses.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::library;

/// How often. Takes a few milliseconds when streams were closed, and else next to nothing.
const EVERY: Duration = Duration::from_secs(10);

/// malloc's heaps for each core.
const HEAPS_PER_CORE: usize = 2;

/// Lets threads share a few heaps, where glibc would give them up to eight for each core. A camera has four threads, and each
/// heap keeps some free memory to itself. To be called before there are others. Who has told glibc otherwise knows why.
pub fn share_heaps() {
    if ["MALLOC_ARENA_MAX", "GLIBC_TUNABLES"].into_iter().all(|name| std::env::var_os(name).is_none()) {
        limit_heaps(library::cores() * HEAPS_PER_CORE);
    }
}

/// Gives back regularly what malloc keeps, as long as the runtime lives.
///
/// A stream that is opened anew has new threads, which may use other heaps than those before, and what those before have left
/// stays with the process: without this, memory grows by a tenth to a quarter in ten minutes in which cameras come and go,
/// though nothing leaks (docs/bounds.md).
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
fn limit_heaps(most: usize) {
    /// `M_ARENA_MAX` of malloc.h.
    const ARENA_MAX: std::ffi::c_int = -8;
    unsafe extern "C" {
        /// Of malloc.h: sets a parameter of malloc; 0 where it is none.
        fn mallopt(parameter: std::ffi::c_int, value: std::ffi::c_int) -> std::ffi::c_int;
    }
    let most = most.try_into().unwrap_or(std::ffi::c_int::MAX);
    // SAFETY: the signature is glibc's, and there are no other threads yet.
    unsafe { mallopt(ARENA_MAX, most) };
}

#[cfg(not(target_env = "gnu"))]
const fn limit_heaps(_: usize) {}

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
