//! Tells when the wished frames do not fit, and when they do again.

use std::time::{Duration, Instant};

use sightline_core::event::{LoadState, LoadStatus};
use sightline_pipeline::runtime::RunningPipeline;
use tracing::{info, warn};

/// How often one looks.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While less is done than is wished its figures are published this often.
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// What a status says of a pipeline's load, but for the figures that are never the same.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    pipeline: String,
    state: LoadState,
    decoding: LoadState,
    batch: usize,
    fps_factor: f64,
}

/// What the log said of a pipeline: whether the wished frames fit, and whether decoding keeps up.
type Told = (LoadState, LoadState);

/// What was told last.
#[derive(Default)]
pub struct LoadWatch {
    told: Vec<(String, Told)>,
    published: Vec<Said>,
    published_at: Option<Instant>,
}

impl LoadWatch {
    /// Looks at the pipelines, and logs each change once; whether their status is to be published.
    pub fn look(&mut self, pipelines: &[RunningPipeline], now: Instant) -> bool {
        let loads: Vec<LoadStatus> = pipelines.iter().map(RunningPipeline::load).collect();
        let mut is_news = false;
        for (index, (pipeline, load)) in pipelines.iter().zip(&loads).enumerate() {
            let told = self.told.iter().find(|(name, _)| name == pipeline.name());
            let told = told.map_or(Told::default(), |(_, told)| *told);
            if told == (load.state, load.decoding) {
                continue;
            }
            is_news = true;
            // Pipelines that share a model's sessions are told of together.
            if !pipelines[..index].iter().any(|earlier| earlier.shares_sessions_with(pipeline)) {
                let sharing = pipelines.iter().filter(|other| other.shares_sessions_with(pipeline));
                tell(&sharing.map(RunningPipeline::name).collect::<Vec<_>>(), told, load);
            }
        }
        let told = |(it, load): (&RunningPipeline, &LoadStatus)| (it.name().to_string(), (load.state, load.decoding));
        self.told = pipelines.iter().zip(&loads).map(told).collect();
        let said = |(pipeline, load): (&RunningPipeline, &LoadStatus)| Said {
            pipeline: pipeline.name().to_string(),
            state: load.state,
            decoding: load.decoding,
            batch: load.batch,
            fps_factor: load.fps_factor,
        };
        self.publishes(pipelines.iter().zip(&loads).map(said).collect(), is_news, now)
    }

    /// Whether this is to be published: news at once, and every so often while less is done than is wished, or when it is no longer what
    /// was published last, or the retained status would tell of it for ever.
    fn publishes(&mut self, current: Vec<Said>, is_news: bool, now: Instant) -> bool {
        let is_other = current.iter().any(|said| {
            // Of a new pipeline everything was published when it came.
            self.published
                .iter()
                .find(|earlier| earlier.pipeline == said.pipeline)
                .is_some_and(|earlier| earlier != said)
        });
        let is_held = current.iter().any(|said| said.state == LoadState::Overloaded || said.fps_factor < 1.0);
        let is_due = self.published_at.is_none_or(|at| now.saturating_duration_since(at) >= RENEW_EVERY);
        let publishes = is_news || (is_due && (is_other || is_held));
        if publishes {
            self.published_at = Some(now);
            self.published = current;
            return true;
        }
        let known = std::mem::take(&mut self.published);
        let of = |said: Said| known.iter().find(|earlier| earlier.pipeline == said.pipeline).cloned().unwrap_or(said);
        self.published = current.into_iter().map(of).collect();
        false
    }
}

fn tell(pipelines: &[&str], (was, was_decoding): Told, load: &LoadStatus) {
    let LoadStatus { inferred_share, decoded_share, latency_ms_p95, batch, fps_factor, .. } = *load;
    match load.state {
        LoadState::Overloaded if load.decoding == LoadState::Overloaded => warn!(
            ?pipelines,
            inferred_share,
            decoded_share,
            latency_ms_p95,
            "the cameras send more than this machine can decode, and some pictures are left out; fewer cameras, a smaller picture or a lower \
             frame rate set in them, a hardware decoder or a motion gate help, and `priority` says whose go last"
        ),
        LoadState::Overloaded if was_decoding == LoadState::Overloaded => {
            info!(
                ?pipelines,
                inferred_share, "all pictures are decoded in time again, but not all wished frames are inferred"
            );
        }
        LoadState::Overloaded if was == LoadState::Overloaded => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(state: LoadState, batch: usize, fps_factor: f64) -> Vec<Said> {
        vec![Said { pipeline: "all".into(), state, decoding: LoadState::Ok, batch, fps_factor }]
    }

    /// At which seconds it is published, when each of these is so for so many.
    fn published(periods: &[(u64, Vec<Said>)]) -> Vec<u64> {
        let (mut watch, start) = (LoadWatch::default(), Instant::now());
        let seconds = periods.iter().flat_map(|(seconds, said)| (0..*seconds).map(move |_| said));
        let looks = seconds
            .zip(0..)
            .filter(|(said, second)| watch.publishes((*said).clone(), false, start + Duration::from_secs(*second)));
        looks.map(|(_, second)| second).collect()
    }

    #[test]
    fn what_is_as_it_was_published_is_not_published_again() {
        assert_eq!(published(&[(60, said(LoadState::Ok, 8, 1.0))]), Vec::<u64>::new());
    }

    #[test]
    fn while_less_is_done_it_is_published_every_ten_seconds_and_once_more_afterwards() {
        let (all, less) = (said(LoadState::Ok, 8, 1.0), said(LoadState::Ok, 8, 0.9));
        assert_eq!(published(&[(5, all.clone()), (13, less), (60, all)]), [5, 15, 25]);
    }

    #[test]
    fn a_smaller_batch_is_published_though_all_is_done() {
        assert_eq!(published(&[(5, said(LoadState::Ok, 8, 1.0)), (60, said(LoadState::Ok, 4, 1.0))]), [5]);
    }
}
