//! Layouts against each other: all have their turn in every round, so that a machine that is slower for a while is so for all.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sightline_core::calibration::{Candidate, NotRun, choose};

use super::layout::Layout;

/// Batches that are tried, ascending.
pub const BATCHES: [usize; 4] = [1, 2, 4, 8];
/// Each figure is the median of so many rounds …
const ROUNDS: usize = 3;
/// … in each of which it is measured for so long.
pub const MEASURED_FOR: Duration = Duration::from_millis(150);
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

/// Measures `layouts`, each of which `start` starts for some batches: first all with the smallest batch, then the best layout
/// of each provider with every batch.
pub fn hold<C: Contestant>(layouts: &[Layout], start: impl Fn(&Layout, &[usize]) -> Result<C, String>) -> Outcome {
    let mut outcome = Outcome::default();
    let singles = layouts.iter().map(|layout| (layout, start(layout, first_batches(layout)))).collect();
    let first = rounds(singles, &mut outcome);
    let mut best: Vec<(&Layout, &Candidate)> = Vec::new();
    for layout in layouts {
        let taken = choose(first.iter().filter(|(it, _)| it.provider == layout.provider).map(|it| &it.1));
        // Of an accelerator every batch has been measured already.
        if let Some(candidate) = taken.filter(|it| layout.is_on_cores() && is_of(layout, it)) {
            best.push((layout, candidate));
        }
    }
    let batched = best.iter().map(|(layout, _)| (*layout, start(layout, &BATCHES))).collect();
    let mut of_batches = Outcome::default();
    let second = rounds(batched, &mut of_batches);
    // With single frames it has run.
    let told = |it: NotRun| NotRun { reason: format!("with larger batches: {}", it.reason), ..it };
    outcome.not_run.extend(of_batches.not_run.into_iter().map(told));
    for (layout, candidate) in &first {
        let again = second.iter().find(|(it, again)| it == layout && again.batch == candidate.batch);
        let candidate = match again {
            // The memory is that of a process which has seen no larger batch.
            Some((_, again)) => Candidate { memory_mib: candidate.memory_mib, ..again.clone() },
            None => candidate.clone(),
        };
        outcome.candidates.push(candidate);
    }
    let is_new = |(layout, it): &&(&Layout, Candidate)| {
        !first.iter().any(|(other, single)| other == layout && single.batch == it.batch)
    };
    outcome.candidates.extend(second.iter().filter(is_new).map(|it| it.1.clone()));
    outcome
}

/// Accelerators prepare each size, and have one layout alone.
fn first_batches(layout: &Layout) -> &'static [usize] {
    if layout.is_on_cores() { &BATCHES[..1] } else { &BATCHES }
}

fn is_of(layout: &Layout, candidate: &Candidate) -> bool {
    (layout.provider, layout.sessions, layout.threads)
        == (candidate.provider.as_str(), candidate.sessions, candidate.threads)
}

/// A contestant in its rounds.
struct Entry<'a, C> {
    layout: &'a Layout,
    contestant: C,
    library: String,
    /// Each batch with a figure a round.
    figures: Vec<(usize, Vec<Figure>)>,
}

/// Medians of all rounds.
fn rounds<'a, C: Contestant>(
    started: Vec<(&'a Layout, Result<C, String>)>,
    outcome: &mut Outcome,
) -> Vec<(&'a Layout, Candidate)> {
    let mut refuse = |layout: &Layout, reason| {
        let Layout { provider, sessions, threads } = *layout;
        outcome.not_run.push(NotRun { provider: provider.to_owned(), sessions, threads, reason });
    };
    let mut entries = Vec::new();
    for (layout, started) in started {
        let opened = started.and_then(|mut contestant| contestant.opened().map(|opened| (contestant, opened)));
        match opened {
            Ok((contestant, Opened { library, batches })) => {
                let figures = batches.into_iter().map(|batch| (batch, Vec::new())).collect();
                entries.push(Entry { layout, contestant, library, figures });
            }
            Err(reason) => refuse(layout, reason),
        }
    }
    for round in 0..ROUNDS {
        let mut going_on = Vec::new();
        for mut entry in entries {
            match entry.take_turn(round) {
                Ok(()) => going_on.push(entry),
                Err(reason) => refuse(entry.layout, reason),
            }
        }
        entries = going_on;
    }
    entries.into_iter().flat_map(Entry::candidates).collect()
}

impl<'a, C: Contestant> Entry<'a, C> {
    fn take_turn(&mut self, round: usize) -> Result<(), String> {
        let mut most: f64 = 0.0;
        let mut worth_it = self.figures.len();
        for (index, (batch, figures)) in self.figures.iter_mut().enumerate() {
            let figure = self.contestant.measure(*batch)?;
            figures.push(figure);
            if round == 0 && figure.images_per_second < most * NOT_WORTH_IT {
                worth_it = index;
                break;
            }
            most = most.max(figure.images_per_second);
        }
        self.figures.truncate(worth_it);
        Ok(())
    }

    fn candidates(self) -> Vec<(&'a Layout, Candidate)> {
        let Self { layout, library, figures, .. } = self;
        let candidate = |(batch, figures): (usize, Vec<Figure>)| {
            let candidate = Candidate {
                provider: layout.provider.to_owned(),
                library: library.clone(),
                sessions: layout.sessions,
                threads: layout.threads,
                batch,
                images_per_second: tenths(median(figures.iter().map(|it| it.images_per_second))),
                latency_ms: thousandths(median(figures.iter().map(|it| it.latency_ms))),
                memory_mib: figures.first().map_or(0, |it| it.memory_mib),
            };
            (layout, candidate)
        };
        figures.into_iter().map(candidate).collect()
    }
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// Digits that say something.
fn tenths(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

fn thousandths(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
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
            [3, 3, 6, 3, 1, 0]
        );
        // In turn: the second round does not begin before everything had its first.
        let first = |what: &str| measured.iter().position(|it| it == what).unwrap();
        let second = measured.iter().enumerate().filter(|it| it.1 == "cuda 1x1 1").nth(1).unwrap().0;
        assert!(first("cpu 1x2 1") < second, "{measured:?}");
        // What a process holds that has seen no larger batch.
        let memory: Vec<u64> = outcome.candidates.iter().skip(4).map(|it| it.memory_mib).collect();
        assert_eq!(memory, [1, 1, 4]);
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
