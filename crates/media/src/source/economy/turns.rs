//! Who of those that can wait decodes now.
//!
//! Cameras that a switch or a power cut has started at the same moment have their key frames at the same moment. Decoded all at once, they take
//! the machine from a camera in which something moves for as long as all of them take together, and its pictures are late. One
//! after the other they are done no later, half of them much sooner, and it hardly notices.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Who takes longer than this no longer holds up the others.
const LONGEST: Duration = Duration::from_millis(500);

/// Of a machine's cameras.
#[derive(Debug)]
pub struct Turns {
    /// So many may have one at a time.
    most: usize,
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
    pub fn new(cores: usize) -> Self {
        Self { most: cores.max(1), taken: Mutex::default(), given_back: Condvar::new() }
    }

    /// Waits for one.
    pub fn take(&self) -> Turn<'_> {
        let mut taken = self.lock();
        loop {
            let now = Instant::now();
            taken.turns.retain(|(_, until)| now < *until);
            if taken.turns.len() < self.most {
                taken.count += 1;
                let number = taken.count;
                taken.turns.push((number, now + LONGEST));
                return Turn { turns: self, number };
            }
            let next = taken.turns.iter().map(|(_, until)| until.saturating_duration_since(now)).min();
            let waited = self.given_back.wait_timeout(taken, next.unwrap_or_default());
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

    #[test]
    fn no_more_than_so_many_have_one_at_a_time() {
        let (turns, now, most) = (Turns::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        let decode = || {
            for _ in 0..20 {
                let _turn = turns.take();
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(1));
                now.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let started = Instant::now();
        thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(decode))));
        // A machine that is busy for so long may see more of them: nobody waits for ever.
        assert!(most.into_inner() <= 2 || started.elapsed() > LONGEST);
    }

    #[test]
    fn who_never_ends_is_not_waited_for() {
        let turns = Turns::new(1);
        let (started, hangs) = (Instant::now(), turns.take());
        let next = turns.take();
        assert!(started.elapsed() >= LONGEST);
        // It ends after all, and takes nobody's turn away.
        drop(hangs);
        assert_eq!(turns.lock().turns.len(), 1);
        drop(next);
        assert!(turns.lock().turns.is_empty());
    }
}
