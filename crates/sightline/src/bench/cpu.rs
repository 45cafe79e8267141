//! CPU time, as the kernel tells it below `/proc`.

use std::{path::Path, time::Duration};

/// Of `/proc/PID/stat`: `USER_HZ`, which is 100 on every architecture that we run on.
const TICK: Duration = Duration::from_millis(10);
/// User and system time are each rounded down to ticks, at both ends.
const TICKS_OFF: u32 = 2;

/// CPU time that a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessTime {
    /// All of its threads, those that have ended too; in ticks.
    all: Duration,
    /// The threads that are there, to the nanosecond.
    living: Duration,
}

impl ProcessTime {
    /// Of this process, until now.
    pub fn of_this() -> Self {
        Self::read(Path::new("/proc/self"))
    }

    /// Of process `id`; zero when there is none.
    pub fn of(id: u32) -> Self {
        Self::read(Path::new(&format!("/proc/{id}")))
    }

    fn read(process: &Path) -> Self {
        let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
        let tasks = std::fs::read_dir(process.join("task")).into_iter().flatten().flatten();
        let of_task = |folder: std::fs::DirEntry| std::fs::read_to_string(folder.path().join("schedstat")).ok();
        let living = tasks.filter_map(of_task).map(|text| nanoseconds(&text)).sum();
        Self { all: ticks(&stat), living }
    }

    /// What was used between `earlier` and here: to the nanosecond, unless threads that ended took some of it along.
    pub fn since(self, earlier: Self) -> Duration {
        let (all, living) = (self.all.saturating_sub(earlier.all), self.living.saturating_sub(earlier.living));
        if all.abs_diff(living) <= TICK * TICKS_OFF { living } else { all }
    }
}

/// CPU time of the calling thread, until now.
pub fn of_this_thread() -> Duration {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/thread-self/{name}"));
    // Kernels without scheduler statistics have only ticks.
    read("schedstat").map_or_else(|_| ticks(&read("stat").unwrap_or_default()), |text| nanoseconds(&text))
}

/// How busy the whole machine has been since its start.
#[derive(Clone, Copy, Debug, Default)]
pub struct MachineTime {
    busy: u64,
    all: u64,
}

impl MachineTime {
    /// Until now.
    pub fn now() -> Self {
        Self::parse(&std::fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    fn parse(stat: &str) -> Self {
        let line = stat.lines().next().unwrap_or_default();
        // user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user.
        let times: Vec<u64> = line.split_whitespace().skip(1).take(8).filter_map(|time| time.parse().ok()).collect();
        let all = times.iter().sum();
        let idle: u64 = times.iter().skip(3).take(2).sum();
        Self { busy: all - idle, all }
    }

    /// Share of the time since `earlier` that its cores were busy, with whatever: 0 to 1.
    pub fn busy_since(self, earlier: Self) -> f64 {
        let all = self.all.saturating_sub(earlier.all);
        if all == 0 { 0.0 } else { self.busy.saturating_sub(earlier.busy) as f64 / all as f64 }
    }
}

/// `utime` and `stime` of a `stat` file.
fn ticks(stat: &str) -> Duration {
    // The name, which may hold anything, ends with the last parenthesis; utime and stime are the fields 14 and 15.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let times = fields.split_whitespace().skip(11).take(2).filter_map(|time| time.parse::<u32>().ok());
    TICK * times.sum::<u32>()
}

/// The first number of a `schedstat` file.
fn nanoseconds(schedstat: &str) -> Duration {
    let first = schedstat.split_whitespace().next().and_then(|time| time.parse().ok());
    Duration::from_nanos(first.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let stat = "4960 (a) b (c) R 1 2 3 4 -1 4194304 103 0 0 0 12 30 0 0 20 0 1 0 27 31 41";
        assert_eq!(ticks(stat), Duration::from_millis(420));
        assert_eq!(ticks(""), Duration::ZERO);
    }

    #[test]
    fn the_machine_is_busy_but_while_it_is_idle_or_waits_for_a_disk() {
        let earlier = MachineTime::parse("cpu  10 0 10 100 20 0 0 0 5 0\ncpu0 1 2 3");
        let later = MachineTime::parse("cpu  30 0 20 150 40 0 0 0 5 0\n");
        assert!((later.busy_since(earlier) - 0.3).abs() < 1e-9);
        assert!(later.busy_since(later).abs() < 1e-9);
    }

    #[test]
    fn work_is_seen_and_what_a_thread_did_that_ended_too() {
        let busy = || {
            let until = of_this_thread() + Duration::from_millis(60);
            while of_this_thread() < until {}
        };
        let before = ProcessTime::of_this();
        busy();
        std::thread::spawn(busy).join().unwrap();
        assert!(ProcessTime::of_this().since(before) >= Duration::from_millis(100));
    }
}
