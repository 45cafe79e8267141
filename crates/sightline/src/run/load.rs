//! Tells when the wished frames do not fit, and when they do again.

use std::time::{Duration, Instant};

use sightline_core::event::{LoadState, LoadStatus};
use sightline_pipeline::runtime::RunningPipeline;
use tracing::{info, warn};

/// How often one looks.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While less is done than is wished its figures are published this often.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// What was told last.
#[derive(Default)]
pub struct LoadWatch {
    told: Vec<(String, LoadState)>,
    published_at: Option<Instant>,
}

impl LoadWatch {
    /// Looks at the pipelines, and logs each change once; whether their status is to be published.
    pub fn look(&mut self, pipelines: &[RunningPipeline], now: Instant) -> bool {
        let loads: Vec<LoadStatus> = pipelines.iter().map(RunningPipeline::load).collect();
        let mut is_news = false;
        for (index, (pipeline, load)) in pipelines.iter().zip(&loads).enumerate() {
            let told = self.told.iter().find(|(name, _)| name == pipeline.name());
            if told.map_or(LoadState::Ok, |(_, state)| *state) == load.state {
                continue;
            }
            is_news = true;
            // Pipelines that share a model's sessions are told of together.
            if !pipelines[..index].iter().any(|earlier| earlier.shares_sessions_with(pipeline)) {
                let sharing = pipelines.iter().filter(|other| other.shares_sessions_with(pipeline));
                tell(&sharing.map(RunningPipeline::name).collect::<Vec<_>>(), load);
            }
        }
        let is_held = loads.iter().any(|load| load.state == LoadState::Overloaded || load.fps_factor < 1.0);
        let is_due = self.published_at.is_none_or(|at| now.saturating_duration_since(at) >= RENEW_EVERY);
        self.told = pipelines.iter().zip(&loads).map(|(it, load)| (it.name().to_string(), load.state)).collect();
        let publishes = is_news || (is_held && is_due);
        if publishes {
            self.published_at = Some(now);
        }
        publishes
    }
}

fn tell(pipelines: &[&str], load: &LoadStatus) {
    let LoadStatus { inferred_share, latency_ms_p95, batch, fps_factor, .. } = *load;
    match load.state {
        LoadState::Overloaded => warn!(
            ?pipelines,
            inferred_share,
            latency_ms_p95,
            batch,
            fps_factor,
            "more frames are wished than the network can do, and some are left out; lower `fps`, fewer cameras, a motion gate or a \
             faster provider help, and `priority` says whose go first"
        ),
        LoadState::Ok => info!(?pipelines, "all wished frames are inferred again"),
    }
}
