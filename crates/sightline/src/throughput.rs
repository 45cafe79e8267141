//! How fast opened sessions run a model, all at once: what `sightline bench` and a calibration measure.

use std::time::{Duration, Instant};

use sightline_core::{
    model::ModelSpec,
    ports::Backend,
    tensor::{InputBuffer, InputView},
};
use sightline_infer::Reference;

/// What was measured.
pub struct Throughput {
    /// Of all sessions together.
    pub images_per_second: f64,
    /// Milliseconds of each batch, ascending; at least one for each session.
    latencies_ms: Vec<f64>,
}

impl Throughput {
    /// The latency that such a share of the batches stayed below, in milliseconds.
    pub fn latency_ms(&self, share: f64) -> f64 {
        let index = (self.latencies_ms.len() as f64 * share) as usize;
        self.latencies_ms.get(index).copied().unwrap_or_default()
    }
}

/// Runs batches of `batch` pictures, as the sessions of `model` take them, on every session for `seconds`, each at least once.
///
/// # Errors
/// Why a batch failed.
pub fn measure(
    model: &ModelSpec,
    pictures: &[Reference],
    backends: &mut [Box<dyn Backend>],
    batch: usize,
    seconds: Duration,
) -> Result<Throughput, String> {
    let mut input = InputBuffer::new(model.input.element);
    pictures.iter().cycle().take(batch).for_each(|picture| input.append(&picture.input));
    let (shape, input) = (model.input.shape(batch), &input);
    let begun = Instant::now();
    let run = |backend: &mut Box<dyn Backend>| -> Result<Vec<f64>, String> {
        let mut latencies = Vec::new();
        while begun.elapsed() < seconds || latencies.is_empty() {
            let started = Instant::now();
            let view = InputView { shape, data: input.data() };
            backend.run(view, &mut |_| ()).map_err(|error| error.message)?;
            latencies.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(latencies)
    };
    let measured: Result<Vec<Vec<f64>>, String> = std::thread::scope(|scope| {
        let threads: Vec<_> = backends.iter_mut().map(|backend| scope.spawn(|| run(backend))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("it panicked".into()))).collect()
    });
    let elapsed = begun.elapsed().as_secs_f64();
    let mut latencies_ms = measured?.concat();
    latencies_ms.sort_by(f64::total_cmp);
    Ok(Throughput { images_per_second: (latencies_ms.len() * batch) as f64 / elapsed, latencies_ms })
}
