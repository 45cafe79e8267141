//! The hidden command `measure`: one layout, in this process, measured at the request of the one that started it.

use std::{
    io::{BufRead, Write},
    time::Duration,
};

use serde::Serialize;
use sightline_config::Environment;
use sightline_core::{
    execution::BatchSizes,
    model::ModelSpec,
    plan::{InferencePlan, OnUnavailable},
    ports::Backend,
};
use sightline_infer::{OpenedModel, Reference};

use super::{
    contest::{Figure, MEASURED_FOR, Opened},
    layout,
};
use crate::{
    cli::MeasureArgs,
    configuration,
    failure::{Failure, Kind, OrFail, Outcome},
    library::{self, Sessions},
    references, throughput,
};

/// The command's name.
pub const COMMAND: &str = "measure";

/// Opens the model, says so, and measures one batch size for each line on stdin until there are no more.
pub fn execute(args: &MeasureArgs) -> Outcome {
    let (model, mut opened) = match open(args) {
        Ok(opened) => opened,
        Err(failure) => return say::<Opened>(&Err(library::reason(failure))),
    };
    let batches = taken(&opened.batch_sizes, &args.batch);
    let model = library::as_taken(&model, &opened.backends);
    let pictures = references::of(&model);
    say(&Ok(Opened { library: opened.execution.library.clone(), batches }))?;
    for line in std::io::stdin().lock().lines() {
        // Whoever started it is gone.
        let Ok(line) = line else { break };
        let batch = line.trim().parse().or_fail(Kind::Usage)?;
        say(&measure(&model, &pictures, &mut opened.backends, batch))?;
    }
    Ok(())
}

fn say<T: Serialize>(answer: &Result<T, String>) -> Outcome {
    let line = serde_json::to_string(answer).or_fail(Kind::Internal)?;
    let mut stdout = std::io::stdout();
    // Whoever started it is gone, which is nobody's trouble.
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|_| Failure::said(Kind::Unavailable))
}

/// The model of the pipeline file, on the layout alone.
fn open(args: &MeasureArgs) -> Result<(std::sync::Arc<ModelSpec>, OpenedModel), Failure> {
    let failed = |message: String| Failure::new(Kind::Config, anyhow::anyhow!(message));
    let plan = configuration::load(std::slice::from_ref(&args.pipeline), &Environment::from_process());
    let plan = plan.map_err(|problems| failed(problems.to_string()))?;
    let model = plan.pipelines.into_iter().map(|pipeline| pipeline.model).find(|model| model.sha256 == args.sha256);
    let model = model.ok_or_else(|| failed("the pipeline file names another model by now".into()))?;
    sightline_media::init().or_fail(Kind::Unavailable)?;
    let provider = layout::provider(&args.provider, args.sessions, args.threads, &args.batch);
    let plan = InferencePlan {
        providers: provider.into_iter().collect(),
        calibrate: false,
        latency_target: None,
        on_unavailable: OnUnavailable::Fail,
        max_batch: args.batch.iter().copied().max(),
        max_wait: Duration::ZERO,
    };
    let opened = library::open(&model, &plan, Sessions::exactly(args.sessions), Some(&args.state_dir))?;
    Ok((model, opened))
}

/// Those of `wished` that the graph takes; what it has where it takes none of them.
fn taken(sizes: &BatchSizes, wished: &[usize]) -> Vec<usize> {
    let taken: Vec<usize> = wished.iter().copied().filter(|batch| sizes.takes(*batch)).collect();
    if taken.is_empty() { vec![sizes.fitting(1)] } else { taken }
}

/// Runs batches on all sessions at once for a while, each at least one.
fn measure(
    model: &ModelSpec,
    pictures: &[Reference],
    backends: &mut [Box<dyn Backend>],
    batch: usize,
) -> Result<Figure, String> {
    let measured = throughput::measure(model, pictures, backends, batch, MEASURED_FOR)?;
    Ok(Figure {
        images_per_second: measured.images_per_second,
        latency_ms: measured.latency_ms(0.5),
        memory_mib: resident_mib(),
    })
}

/// What this process holds, as Linux tells it (proc(5)).
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_of_one_size_is_measured_with_that_one() {
        assert_eq!(taken(&BatchSizes::Any, &[1, 2]), [1, 2]);
        assert_eq!(taken(&BatchSizes::Only(vec![1, 8]), &[1, 2, 4, 8]), [1, 8]);
        assert_eq!(taken(&BatchSizes::Only(vec![3]), &[1, 2]), [3]);
    }

    #[test]
    fn this_process_holds_memory() {
        assert!(resident_mib() > 0);
    }
}
