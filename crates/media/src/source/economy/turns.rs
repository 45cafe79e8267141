//! Who of those that can wait decodes now.
//!
//! Cameras that a switch or a power cut has started at the same moment have their key frames at the same moment. Decoded all at once, they take
//! the machine from a camera in which something moves for as long as all of them take together, and its pictures are late. One
//! after the other they are done no later, half of them much sooner, and it hardly notices.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Of a machine's cameras.
#[derive(Debug)]
pub struct Turns {
    /// So many may have one at a time.
    most: usize,
    /// Who takes longer than this no longer holds up the others, and nobody waits for longer: where there is no time for all of them
    /// they are decoded at once again, and not later and later.
    longest: Duration,
    taken: Mutex<Taken>,
    given_back: Condvar,
}

#[derive(Debug, Default)]
struct Taken {
    /// How many there have been.
    count: u64,
    /// Those that there are: the number, and until when the others wait for it.
    turns: Vec<(u64, Instant)>,
}

/// While it lives somebody decodes.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    number: u64,
}

impl Turns {
    /// As many at a time as there are cores.
    pub fn new(cores: usize, longest: Duration) -> Self {
        Self { most: cores.max(1), longest, taken: Mutex::default(), given_back: Condvar::new() }
    }

    /// Waits for one.
    pub fn take(&self) -> Turn<'_> {
        let patience = Instant::now() + self.longest;
        let mut taken = self.lock();
        loop {
            let now = Instant::now();
            taken.turns.retain(|(_, until)| now < *until);
            if taken.turns.len() < self.most || now >= patience {
                taken.count += 1;
                let number = taken.count;
                taken.turns.push((number, now + self.longest));
                return Turn { turns: self, number };
            }
            let next = taken.turns.iter().map(|(_, until)| *until).fold(patience, Instant::min);
            let waited = self.given_back.wait_timeout(taken, next.saturating_duration_since(now));
            taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.lock().turns.retain(|(number, _)| *number != self.number);
        self.turns.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const SHORT: Duration = Duration::from_millis(10);

    #[test]
    fn no_more_than_so_many_have_one_at_a_time_and_each_gets_one() {
        let (turns, now, most) = (Turns::new(2, HOUR), AtomicUsize::new(0), AtomicUsize::new(0));
        let decode = || {
            for _ in 0..20 {
                let _turn = turns.take();
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(1));
                now.fetch_sub(1, Ordering::SeqCst);
            }
        };
        thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(decode))));
        assert!(most.into_inner() <= 2);
    }

    #[test]
    fn who_never_ends_is_not_waited_for() {
        let turns = Turns::new(1, SHORT);
        let (started, hangs) = (Instant::now(), turns.take());
        let next = turns.take();
        assert!(started.elapsed() >= SHORT);
        // It ends after all, and takes nobody's turn away.
        drop(hangs);
        assert_eq!(turns.lock().turns.len(), 1);
        drop(next);
        assert!(turns.lock().turns.is_empty());
    }

    #[test]
    fn who_has_waited_for_long_waits_no_longer() {
        let turns = Turns::new(1, SHORT);
        // Somebody always has one: when it ends, the next one has just begun.
        turns.lock().turns.push((0, Instant::now() + HOUR));
        let started = Instant::now();
        let _turn = turns.take();
        assert!(started.elapsed() >= SHORT);
        assert_eq!(turns.lock().turns.len(), 2);
    }
}
