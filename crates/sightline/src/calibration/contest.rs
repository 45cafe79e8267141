//! Layouts against each other: all have their turn in every round, so that a machine that is slower for a while is so for all.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sightline_core::calibration::{Candidate, NotRun, choose};

use super::layout::Layout;

/// Batches that are tried, ascending.
pub const BATCHES: [usize; 4] = [1, 2, 4, 8];
/// Each figure is that of the best of so many rounds, as what else a machine does can only make a round slower …
const ROUNDS: usize = 5;
/// … in each of which it is measured for so long: a machine that does something else meanwhile does so in bursts.
pub const MEASURED_FOR: Duration = Duration::from_millis(100);
/// Rounds before those, by which it is decided what larger batches are tried on.
const ROUNDS_BEFORE: usize = 2;
/// A batch that gives so much less than a smaller one, in parts of it, is not looked at again, nor are larger ones.
const NOT_WORTH_IT: f64 = 0.9;

/// What one layout turned out to be when it was opened.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Opened {
    /// The library that runs it.
    pub library: String,
    /// Those of the wished batches that it takes; the one that the graph has where it takes none of them.
    pub batches: Vec<usize>,
}

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Figure {
    /// Of all sessions together.
    pub images_per_second: f64,
    /// Median of one batch.
    pub latency_ms: f64,
    /// What the process holds.
    pub memory_mib: u64,
}

/// A layout that can be measured. It is given up when it is dropped.
pub trait Contestant {
    /// Waits until its sessions are open, have run and gave the CPU's answers.
    ///
    /// # Errors
    /// Why it does not run.
    fn opened(&mut self) -> Result<Opened, String>;

    /// Runs batches of that size for a while.
    ///
    /// # Errors
    /// Why it does not run any more.
    fn measure(&mut self, batch: usize) -> Result<Figure, String>;
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Everything that ran.
    pub candidates: Vec<Candidate>,
    /// Everything that did not.
    pub not_run: Vec<NotRun>,
}

/// Measures `layouts`, each of which `start` starts for some batches: all with the smallest batch, and the best layout of each
/// provider with larger ones as well. Figures that are compared are of the same rounds.
pub fn hold<C: Contestant>(layouts: &[Layout], start: impl Fn(&Layout, &[usize]) -> Result<C, String>) -> Outcome {
    let mut contest = Contest { entries: Vec::new(), not_run: Vec::new() };
    // All are started before the first is waited for: opening a model keeps one core busy.
    let started: Vec<_> = layouts.iter().map(|layout| (layout, start(layout, first_batches(layout)))).collect();
    contest.enter(started, &[]);
    contest.hold_rounds(ROUNDS_BEFORE);

    let before = contest.candidates();
    let is_best = |layout: &&Layout| {
        let of_provider = before.iter().filter(|candidate| candidate.provider == layout.provider);
        layout.is_on_cores() && choose(of_provider).is_some_and(|best| is_of(layout, best))
    };
    let best = layouts.iter().filter(is_best);
    let started: Vec<_> = best.map(|layout| (layout, start(layout, &BATCHES[1..]))).collect();
    contest.enter(started, &before);
    contest.entries.iter_mut().flat_map(|entry| &mut entry.tries).for_each(|tried| tried.figures.clear());
    contest.hold_rounds(ROUNDS);
    Outcome { candidates: contest.candidates(), not_run: contest.not_run }
}

/// Accelerators prepare each size, and have one layout alone.
fn first_batches(layout: &Layout) -> &'static [usize] {
    if layout.is_on_cores() { &BATCHES[..1] } else { &BATCHES }
}

fn is_of(layout: &Layout, candidate: &Candidate) -> bool {
    (layout.provider, layout.sessions, layout.threads)
        == (candidate.provider.as_str(), candidate.sessions, candidate.threads)
}

/// Everything that still runs, and what does not.
struct Contest<'a, C> {
    entries: Vec<Entry<'a, C>>,
    not_run: Vec<NotRun>,
}

/// A contestant in its rounds.
struct Entry<'a, C> {
    layout: &'a Layout,
    contestant: C,
    library: String,
    tries: Vec<Tried>,
}

/// One batch size of a contestant.
struct Tried {
    batch: usize,
    /// One per round.
    figures: Vec<Figure>,
    /// What was held when it was first measured: later larger batches have been, too.
    memory_mib: Option<u64>,
}

impl<'a, C: Contestant> Contest<'a, C> {
    /// Waits for what was started; what is in `before` already is not measured twice.
    fn enter(&mut self, started: Vec<(&'a Layout, Result<C, String>)>, before: &[Candidate]) {
        for (layout, started) in started {
            let opened = started.and_then(|mut contestant| contestant.opened().map(|opened| (contestant, opened)));
            match opened {
                Ok((contestant, Opened { library, batches })) => {
                    let is_new = |batch: &usize| !before.iter().any(|it| is_of(layout, it) && it.batch == *batch);
                    let batches = batches.into_iter().filter(is_new);
                    let tries = batches.map(|batch| Tried { batch, figures: Vec::new(), memory_mib: None }).collect();
                    self.entries.push(Entry { layout, contestant, library, tries });
                }
                Err(reason) => self.refuse(layout, reason),
            }
        }
    }

    fn refuse(&mut self, layout: &Layout, reason: String) {
        let Layout { provider, sessions, threads } = *layout;
        self.not_run.push(NotRun { provider: provider.to_owned(), sessions, threads, reason });
    }

    fn hold_rounds(&mut self, rounds: usize) {
        for _ in 0..rounds {
            for mut entry in std::mem::take(&mut self.entries) {
                match entry.take_turn() {
                    Ok(()) => self.entries.push(entry),
                    Err(reason) => self.refuse(entry.layout, reason),
                }
            }
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        self.entries.iter().flat_map(Entry::candidates).collect()
    }
}

impl<C: Contestant> Entry<'_, C> {
    fn take_turn(&mut self) -> Result<(), String> {
        let mut most: f64 = 0.0;
        let mut worth_it = self.tries.len();
        for (index, tried) in self.tries.iter_mut().enumerate() {
            let figure = self.contestant.measure(tried.batch)?;
            let is_first = tried.memory_mib.is_none();
            tried.memory_mib.get_or_insert(figure.memory_mib);
            tried.figures.push(figure);
            if is_first && figure.images_per_second < most * NOT_WORTH_IT {
                worth_it = index;
                break;
            }
            most = most.max(figure.images_per_second);
        }
        self.tries.truncate(worth_it);
        Ok(())
    }

    fn candidates(&self) -> impl Iterator<Item = Candidate> {
        self.tries.iter().filter_map(|Tried { batch, figures, memory_mib }| {
            let best = figures.iter().max_by(|a, b| a.images_per_second.total_cmp(&b.images_per_second))?;
            Some(Candidate {
                provider: self.layout.provider.to_owned(),
                library: self.library.clone(),
                sessions: self.layout.sessions,
                threads: self.layout.threads,
                batch: *batch,
                images_per_second: rounded(best.images_per_second, 10.0),
                latency_ms: rounded(best.latency_ms, 1000.0),
                memory_mib: memory_mib.unwrap_or_default(),
            })
        })
    }
}

/// To parts of one: more digits say nothing.
fn rounded(figure: f64, parts: f64) -> f64 {
    (figure * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::{super::layout::CPU, *};

    /// Gives figures by a function of its layout and the batch.
    struct Fake<'a> {
        layout: Layout,
        batches: Vec<usize>,
        measured: &'a RefCell<Vec<String>>,
        speed: fn(&Layout, usize) -> Result<f64, String>,
    }

    impl Contestant for Fake<'_> {
        fn opened(&mut self) -> Result<Opened, String> {
            (self.speed)(&self.layout, 0)?;
            Ok(Opened { library: "a library".into(), batches: self.batches.clone() })
        }

        fn measure(&mut self, batch: usize) -> Result<Figure, String> {
            let Layout { provider, sessions, threads } = &self.layout;
            self.measured.borrow_mut().push(format!("{provider} {sessions}x{threads} {batch}"));
            let images_per_second = (self.speed)(&self.layout, batch)?;
            let memory_mib = self.batches.len() as u64;
            Ok(Figure { images_per_second, latency_ms: 1000.0 / images_per_second, memory_mib })
        }
    }

    fn held(speed: fn(&Layout, usize) -> Result<f64, String>) -> (Outcome, Vec<String>) {
        let layout = |provider, sessions, threads| Layout { provider, sessions, threads };
        let layouts = [layout("cuda", 1, 1), layout(CPU, 2, 1), layout(CPU, 1, 2)];
        let measured = RefCell::new(Vec::new());
        let outcome = hold(&layouts, |layout, batches| {
            Ok(Fake { layout: layout.clone(), batches: batches.to_vec(), measured: &measured, speed })
        });
        (outcome, measured.into_inner())
    }

    fn shown(outcome: &Outcome) -> Vec<String> {
        let shown = outcome.candidates.iter().map(|it| {
            let Candidate { provider, sessions, threads, batch, images_per_second, .. } = it;
            format!("{provider} {sessions}x{threads} {batch}: {images_per_second}")
        });
        shown.collect()
    }

    #[test]
    fn larger_batches_are_tried_on_the_best_layout_and_while_they_gain_something() {
        let (outcome, measured) = held(|layout, batch| {
            Ok(match (layout.provider, layout.sessions, batch) {
                ("cuda", ..) => 100.0 * batch.max(1) as f64,
                (_, 1, _) => 50.0,
                (_, _, 0..=2) => 60.0,
                (_, _, _) => 40.0,
            })
        });
        assert_eq!(
            shown(&outcome),
            [
                "cuda 1x1 1: 100",
                "cuda 1x1 2: 200",
                "cuda 1x1 4: 400",
                "cuda 1x1 8: 800",
                "cpu 2x1 1: 60",
                "cpu 1x2 1: 50",
                "cpu 2x1 2: 60"
            ]
        );
        let turns = |what: &str| measured.iter().filter(|it| *it == what).count();
        assert_eq!(
            ["cuda 1x1 8", "cpu 1x2 1", "cpu 2x1 1", "cpu 2x1 2", "cpu 2x1 4", "cpu 2x1 8"].map(turns),
            [7, 7, 7, 5, 1, 0]
        );
        // In turn: of what is compared nothing is measured twice before everything was once.
        let last = |what: &str| measured.iter().rposition(|it| it == what).unwrap();
        let nth =
            |what: &str, back: usize| measured.iter().enumerate().filter(|it| it.1 == what).nth_back(back).unwrap().0;
        for back in 0..ROUNDS - 1 {
            assert!(nth("cpu 2x1 2", back + 1) < nth("cuda 1x1 1", back), "{measured:?}");
        }
        assert!(last("cuda 1x1 1") < last("cpu 2x1 1") && last("cpu 2x1 1") < last("cpu 2x1 2"));
        // What a process holds that has seen no larger batch.
        let memory: Vec<u64> = outcome.candidates.iter().skip(4).map(|it| it.memory_mib).collect();
        assert_eq!(memory, [1, 1, 3]);
    }

    #[test]
    fn what_does_not_run_is_told_and_does_not_stop_the_others() {
        let (outcome, _) = held(|layout, batch| match (layout.provider, layout.sessions, batch) {
            ("cuda", _, 0) => Err("no driver".into()),
            (_, 1, 1) => Err("it crashed".into()),
            _ => Ok(10.0),
        });
        let reasons: Vec<_> = outcome.not_run.iter().map(|it| (it.provider.as_str(), it.reason.as_str())).collect();
        assert_eq!(reasons, [("cuda", "no driver"), (CPU, "it crashed")]);
        assert_eq!(shown(&outcome).first().map(String::as_str), Some("cpu 2x1 1: 10"));
    }

    #[test]
    fn where_nothing_runs_there_is_no_candidate() {
        let (outcome, _) = held(|_, _| Err("no".into()));
        assert_eq!((outcome.candidates.len(), outcome.not_run.len()), (0, 3));
    }
}
