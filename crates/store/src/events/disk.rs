//! Whether the disk takes what it is given, and when that is tried again.

use std::time::{Duration, Instant};

use super::fault::Fault;

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// Tells once when it stops working, and once when it works again.
#[derive(Debug, Default)]
pub struct Disk {
    failing: Option<Failing>,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    next_try: Instant,
    interval: Duration,
}

impl Disk {
    pub const fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// When it is to be tried again; `None`: it works.
    pub fn next_try(&self) -> Option<Instant> {
        self.failing.as_ref().map(|failing| failing.next_try)
    }

    /// Whether it may be tried now.
    pub fn may_try(&self, now: Instant) -> bool {
        self.next_try().is_none_or(|next_try| next_try <= now)
    }

    /// A try has failed.
    pub fn failed(&mut self, state_dir: &str, fault: &Fault, now: Instant) {
        if let Some(failing) = &mut self.failing {
            failing.interval = (failing.interval * 2).min(LONGEST_RETRY);
            failing.next_try = now + failing.interval;
            tracing::debug!(state_dir, %fault, "events still do not reach the disk");
            return;
        }
        self.failing = Some(Failing { since: now, next_try: now + FIRST_RETRY, interval: FIRST_RETRY });
        tracing::error!(
            state_dir,
            %fault,
            "events do not reach the disk: they are kept in memory and delivered from there, and a crash would lose \
             them; is the disk full, or may the daemon not write there?"
        );
    }

    /// A try has succeeded. Whether that is new.
    pub fn worked(&mut self, state_dir: &str, now: Instant) -> bool {
        let Some(failing) = self.failing.take() else { return false };
        let after = now.saturating_duration_since(failing.since);
        tracing::info!(state_dir, ?after, "events reach the disk again");
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_at_growing_intervals_until_one_succeeds() {
        let (start, mut disk) = (Instant::now(), Disk::default());
        let fault = Fault::Full("full".into());
        assert!(disk.may_try(start) && !disk.worked("", start));
        let (mut now, mut waited) = (start, Vec::new());
        for _ in 0..8 {
            disk.failed("", &fault, now);
            let next = disk.next_try().unwrap();
            assert!(!disk.may_try(now) && disk.may_try(next));
            waited.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(waited, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert!(disk.worked("", now) && !disk.worked("", now) && disk.may_try(start));
    }
}
