//! Whether a provider gives the CPU's answers.

use sightline_core::{
    agreement::{self, Comparison},
    detection::Detection,
    detector::Postprocessor,
    execution::Agreement,
    model::{DetectionSettings, ModelSpec},
    ports::Backend,
    preprocess::Placement,
    provider::Provider,
    tensor::{InputBuffer, InputView, OutputView},
};

use crate::{
    job::{Job, Opened, Refusal},
    onnxruntime,
};

/// Half precision differs by a hundredth, 8-bit kernels of another kind by a tenth; wrong channels or layouts by more than
/// half, and zeros by 1.
const MOST_RELATIVE_ERROR: f32 = 0.25;

/// Graphs that suppress boxes themselves are compared by all that they leave, whatever the model's own threshold.
const LEAST_SCORE: f32 = 0.05;

/// A picture as the model takes it.
pub struct Reference {
    /// One image's samples.
    pub input: InputBuffer,
    /// Where the picture lies in them.
    pub placement: Placement,
}

/// The CPU's answers to the reference pictures, asked for once.
pub(crate) struct CpuAnswers<'a> {
    job: Job<'a>,
    references: &'a dyn Fn() -> Vec<Reference>,
    answers: Option<Vec<Answer>>,
}

struct Answer {
    reference: Reference,
    /// Raw outputs.
    outputs: Vec<Vec<f32>>,
    detections: Vec<Detection>,
}

impl<'a> CpuAnswers<'a> {
    /// Nothing is asked yet.
    pub(crate) fn new(job: Job<'a>, references: &'a dyn Fn() -> Vec<Reference>) -> Self {
        Self { job, references, answers: None }
    }

    fn get(&mut self) -> Result<&[Answer], Refusal> {
        if self.answers.is_none() {
            self.answers = Some(self.ask()?);
        }
        Ok(self.answers.as_deref().unwrap_or_default())
    }

    fn ask(&self) -> Result<Vec<Answer>, Refusal> {
        let job = Job { sessions: 1, most_sessions: 1, max_batch: 1, ..self.job };
        let mut opened = onnxruntime::open(&Provider::cpu(), job)?;
        let batch = opened.batch_sizes.fitting(1);
        let Some(cpu) = opened.backends.first_mut() else { return Ok(Vec::new()) };
        let mut postprocessor = Postprocessor::new(job.spec, settings(job.spec));
        let mut answers = Vec::new();
        for reference in (self.references)() {
            let (mut raw, mut detections) = (Vec::new(), Ok(Vec::new()));
            run(job.spec, &mut **cpu, batch, std::slice::from_ref(&&reference), &mut |outputs| {
                raw = outputs.iter().map(|output| image(output, 0, batch).to_vec()).collect();
                detections = decode(&mut postprocessor, outputs, 0, &reference.placement);
            })?;
            answers.push(Answer { detections: detections?, outputs: raw, reference });
        }
        Ok(answers)
    }
}

/// Runs every reference picture with every batch size and holds the answers against the CPU's.
///
/// # Errors
/// A provider's refusal that says what differs, or that it does not run.
pub(crate) fn check(
    spec: &ModelSpec,
    answers: &mut CpuAnswers<'_>,
    opened: &mut Opened,
    max_batch: usize,
) -> Result<Agreement, Refusal> {
    let answers = answers.get()?;
    let sizes = opened.batch_sizes.run_with(max_batch);
    let mut total = Total::default();
    let mut postprocessor = Postprocessor::new(spec, settings(spec));
    for backend in &mut opened.backends {
        for &size in &sizes {
            // Every picture alone; in larger batches as many as they hold.
            let batches = if size == 1 { answers.len() } else { answers.len().min(1) };
            for first in 0..batches {
                let batch: Vec<&Answer> = answers.iter().cycle().skip(first).take(size).collect();
                let inputs: Vec<&Reference> = batch.iter().map(|answer| &answer.reference).collect();
                let mut outcome = Ok(());
                run(spec, &mut **backend, size, &inputs, &mut |outputs| {
                    outcome = batch.iter().enumerate().try_for_each(|(index, answer)| {
                        total.add(spec, answer, &mut postprocessor, outputs, index, size)
                    });
                })?;
                outcome?;
            }
        }
    }
    let relative_error = total.relative_error();
    let Total { comparison, .. } = total;
    if let Some(error) = relative_error.filter(|error| !error.is_finite() || *error > MOST_RELATIVE_ERROR) {
        let reason = format!("its raw outputs are {:.0} % off the CPU's on the reference pictures", error * 100.0);
        return Err(Refusal::Provider(reason));
    }
    if let Some(first) = comparison.drift.first() {
        let more = comparison.drift.len() - 1;
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let reason =
            format!("its answers are not the CPU's on the reference pictures: {}{more}", first.text(&spec.labels));
        return Err(Refusal::Provider(reason));
    }
    Ok(Agreement {
        pictures: answers.len(),
        detections: answers.iter().map(|answer| answer.detections.len()).sum(),
        largest_score_difference: comparison.largest_score_difference,
        least_iou: comparison.least_iou,
        relative_error,
    })
}

/// What decoding keeps for comparing.
fn settings(spec: &ModelSpec) -> DetectionSettings {
    let least = if spec.head.is_raw() { spec.defaults.score_threshold } else { LEAST_SCORE };
    DetectionSettings { score_threshold: spec.defaults.score_threshold.min(least), ..spec.defaults }
}

/// What was found over all runs.
#[derive(Default)]
struct Total {
    comparison: Comparison,
    /// Of each raw output the squared lengths of difference and of answer, summed.
    lengths: Vec<(f64, f64)>,
}

impl Total {
    fn add(
        &mut self,
        spec: &ModelSpec,
        answer: &Answer,
        postprocessor: &mut Postprocessor,
        outputs: &[OutputView<'_>],
        index: usize,
        batch: usize,
    ) -> Result<(), Refusal> {
        // Suppressed lists of a graph's own need not have the same order: only their detections can be compared.
        if spec.head.is_raw() {
            self.lengths.resize(answer.outputs.len(), (0.0, 0.0));
            for ((output, expected), lengths) in outputs.iter().zip(&answer.outputs).zip(&mut self.lengths) {
                let found = image(output, index, batch);
                if found.len() != expected.len() {
                    return Err(Refusal::Provider("its outputs have another length than the CPU's".into()));
                }
                for (found, expected) in found.iter().zip(expected) {
                    lengths.0 += f64::from(found - expected).powi(2);
                    lengths.1 += f64::from(*expected).powi(2);
                }
            }
        }
        let found = decode(postprocessor, outputs, index, &answer.reference.placement)?;
        self.comparison.add(agreement::compare(&answer.detections, &found, settings(spec).score_threshold));
        Ok(())
    }

    /// The largest over the raw outputs.
    fn relative_error(&self) -> Option<f32> {
        let one = |(difference, answer): &(f64, f64)| match (*difference, *answer) {
            (0.0, _) => 0.0,
            (difference, answer) => (difference / answer).sqrt() as f32,
        };
        // NaN is the worst.
        self.lengths.iter().map(one).max_by(f32::total_cmp)
    }
}

/// One image's part of an output of a batch.
fn image<'a>(output: &OutputView<'a>, index: usize, batch: usize) -> &'a [f32] {
    let length = output.data.len() / batch.max(1);
    output.data.get(index * length..(index + 1) * length).unwrap_or_default()
}

/// Runs `pictures` in a batch of `size`, which is filled up with the last one.
fn run(
    spec: &ModelSpec,
    backend: &mut dyn Backend,
    size: usize,
    pictures: &[&Reference],
    read: &mut dyn FnMut(&[OutputView<'_>]),
) -> Result<(), Refusal> {
    let mut input = InputBuffer::new(spec.input.element);
    pictures.iter().for_each(|picture| input.append(&picture.input));
    for _ in pictures.len()..size {
        if let Some(last) = pictures.last() {
            input.append(&last.input);
        }
    }
    let view = InputView { shape: spec.input.shape(size), data: input.data() };
    backend.run(view, read).map_err(|error| Refusal::Provider(error.message))
}

fn decode(
    postprocessor: &mut Postprocessor,
    outputs: &[OutputView<'_>],
    index: usize,
    placement: &Placement,
) -> Result<Vec<Detection>, Refusal> {
    let mut detections = Vec::new();
    let decoded = postprocessor.detections(outputs, index, placement, &mut detections);
    decoded.map_err(|error| Refusal::Provider(format!("its outputs cannot be decoded: {error}")))?;
    Ok(detections)
}
