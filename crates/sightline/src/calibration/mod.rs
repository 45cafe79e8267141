//! `inference.providers: auto`: the fastest way to run a model that gives the CPU's answers, found by measuring it on this
//! machine, once, and kept in the state directory.

mod contest;
mod kept;
mod layout;
pub mod measure;
mod process;

use std::{path::Path, time::Instant};

use sightline_core::{
    calibration::{Calibration, Candidate, NotRun},
    plan::{InferencePlan, PipelinePlan},
    provider::Provider,
};
use sightline_pipeline::clock::wall_now;
use tracing::{debug, info, warn};

use self::{
    contest::Outcome,
    kept::{Conditions, Known},
    process::Measured,
};
use crate::{library, models, run};

/// `off`: nothing is measured, and `auto` is the CPU.
pub const VARIABLE: &str = "SIGHTLINE_CALIBRATION";

/// What a pipeline's model is to run on, and what was measured for it. Measures where nothing is kept that holds: takes some ten
/// seconds then, with a GPU that builds engines minutes.
pub fn decide(pipeline: &PipelinePlan, state_dir: &Path) -> (InferencePlan, Option<Calibration>) {
    let inference = &pipeline.inference;
    let is_decided = !inference.calibrate || pipeline.model.weights.is_none() || is_off();
    let calibration = if is_decided { None } else { kept_or_measured(pipeline, state_dir) };
    let Some(calibration) = calibration else { return (inference.clone(), None) };
    let calibration = match inference.max_batch {
        Some(said) => calibration.within(said),
        None => calibration,
    };
    (taken(inference, &calibration, library::most_sessions(library::cores())), Some(calibration))
}

/// What daemons with that state directory, or the one that is used when none is named, know of `models`: a line for each of
/// which something is kept.
pub fn told(models: &[String], state_dir: Option<&Path>) -> String {
    let state_dir = state_dir.map_or_else(run::default_state_dir, Path::to_path_buf);
    let line = |name: &String| {
        let model = models::load(name).ok()?;
        let file = kept::file(&state_dir, &model);
        let known = match kept::read(&file, &Conditions::of(&model)) {
            Known::Nothing => return None,
            Known::Measured(calibration) => format!("{}, measured {}", shown(&calibration.chosen), calibration.at),
            Known::Outdated(why) => format!("made anew at the next start: {why}"),
        };
        Some(format!("\ncalibration of {}: {known} ({})\n", model.name, file.display()))
    };
    models.iter().filter_map(line).collect()
}

fn is_off() -> bool {
    match std::env::var(VARIABLE) {
        Ok(said) if said == "off" => true,
        Ok(said) if !said.is_empty() && said != "on" => {
            warn!(said, "{VARIABLE} is neither `on` nor `off`; calibrating");
            false
        }
        _ => false,
    }
}

/// The plan with what was chosen, and the best of the CPU behind it.
fn taken(inference: &InferencePlan, calibration: &Calibration, most_sessions: usize) -> InferencePlan {
    let chosen = &calibration.chosen;
    let fallback = calibration.best_of(layout::CPU).filter(|it| it.provider != chosen.provider);
    let candidates = [Some(chosen), fallback].into_iter().flatten();
    let mut providers: Vec<Provider> = candidates.filter_map(|it| layout::as_measured(it, most_sessions)).collect();
    if fallback.is_none() && chosen.provider != layout::CPU {
        providers.push(Provider::cpu());
    }
    let max_batch = inference.max_batch.or(Some(chosen.batch));
    InferencePlan { providers, max_batch, ..inference.clone() }
}

fn kept_or_measured(pipeline: &PipelinePlan, state_dir: &Path) -> Option<Calibration> {
    let model = pipeline.model.name.as_str();
    let (file, conditions) = (kept::file(state_dir, &pipeline.model), Conditions::of(&pipeline.model));
    let path = file.display();
    let why = match kept::read(&file, &conditions) {
        Known::Measured(calibration) => {
            info!(model, "calibrated {}: {}; kept in {path}", calibration.at, shown(&calibration.chosen));
            return Some(calibration);
        }
        Known::Nothing => "this model was not measured on this machine yet".to_owned(),
        Known::Outdated(why) => format!("what is kept in {path} does not hold: {why}"),
    };
    info!(model, why, "calibrating: measuring once what runs the model fastest here; takes some ten seconds");
    let begun = Instant::now();
    let layouts = layout::all(library::cores(), kept::found());
    let start = |layout: &layout::Layout, batches: &[usize]| Measured::start(pipeline, layout, batches, state_dir);
    let Outcome { candidates, not_run } = contest::hold(&layouts, start);
    for NotRun { provider, sessions, threads, reason } in &not_run {
        info!(model, provider, sessions, threads, reason, "not measured");
    }
    for candidate in &candidates {
        debug!(model, "measured {}", shown(candidate));
    }
    let Some(calibration) = Calibration::new(wall_now(), candidates, not_run) else {
        warn!(model, "nothing could be measured; the CPU is used, and it is tried again at the next start");
        return None;
    };
    if calibration.chosen.was_disturbed() {
        warn!(
            model,
            "the machine did something else while it was measured; to measure anew, delete {path} and restart"
        );
    }
    let seconds = begun.elapsed().as_secs();
    info!(model, seconds, "calibrated: {}; kept in {path}", shown(&calibration.chosen));
    if let Err(error) = kept::write(&file, conditions, &calibration) {
        warn!(model, %error, "the calibration cannot be kept in {path}; it is made again at the next start");
    }
    Some(calibration)
}

/// `openvino:CPU, 2 sessions of 1 thread, batches of 1: 731.0 images/s, 2.700 ms`
fn shown(candidate: &Candidate) -> String {
    let Candidate { provider, sessions, threads, batch, images_per_second, latency_ms, .. } = candidate;
    let plural = |number: usize| if number == 1 { "" } else { "s" };
    format!(
        "{provider}, {sessions} session{} of {threads} thread{}, batches of {batch}: {images_per_second} images/s, \
         {latency_ms} ms",
        plural(*sessions),
        plural(*threads),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sightline_core::{plan::OnUnavailable, time::WallTime};

    use super::*;

    fn candidate(provider: &str, batch: usize, images_per_second: f64) -> Candidate {
        let (provider, library) = (provider.to_owned(), "a library".to_owned());
        let latency_ms = 1000.0 / images_per_second;
        Candidate { provider, library, sessions: 2, threads: 1, batch, images_per_second, latency_ms, memory_mib: 1 }
    }

    fn plan(max_batch: Option<usize>) -> InferencePlan {
        InferencePlan {
            providers: vec![Provider::cpu()],
            calibrate: true,
            latency_target: None,
            on_unavailable: OnUnavailable::Fallback,
            max_batch,
            max_wait: Duration::ZERO,
        }
    }

    fn with(candidates: &[Candidate], max_batch: Option<usize>) -> (Vec<String>, Option<usize>) {
        let calibration = Calibration::new(WallTime::from_micros(0), candidates.to_vec(), Vec::new()).unwrap();
        let plan = taken(&plan(max_batch), &calibration, 2);
        (plan.providers.iter().map(ToString::to_string).collect(), plan.max_batch)
    }

    #[test]
    fn what_was_chosen_comes_first_and_the_cpu_stands_in_for_it() {
        let (cpu, openvino) = (candidate("cpu", 1, 100.0), candidate("openvino:CPU", 2, 200.0));
        let both = ["openvino:CPU", "cpu"].map(str::to_owned).to_vec();
        assert_eq!(with(&[cpu.clone(), openvino.clone()], None), (both.clone(), Some(2)));
        assert_eq!(with(std::slice::from_ref(&openvino), None), (both, Some(2)));
        let slow = Candidate { images_per_second: 50.0, ..openvino };
        assert_eq!(with(&[cpu, slow], None), (vec!["cpu".to_owned()], Some(1)));
    }

    #[test]
    fn a_bound_of_batches_that_the_file_names_stays() {
        assert_eq!(with(&[candidate("cpu", 1, 100.0)], Some(8)).1, Some(8));
    }

    #[test]
    fn shown_as_a_sentence() {
        let shown = shown(&candidate("cpu", 1, 100.0));
        assert_eq!(shown, "cpu, 2 sessions of 1 thread, batches of 1: 100 images/s, 10 ms");
    }
}
