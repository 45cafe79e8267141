//! Each stage of a frame's way by itself, on as many threads as the pipeline has for it: so all cores are as busy as they are
//! in the pipeline, which on most machines makes each of them slower.

use std::{
    path::Path,
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use sightline_core::{
    detector::Postprocessor,
    frame::FrameView,
    model::{DetectionSettings, ModelSpec},
    ports::Backend,
    preprocess::{InputSliceMut, Placement, Preprocessor},
    tensor::{InputBuffer, InputView, OutputView},
};
use sightline_infer::OpenedModel;
use sightline_media::VideoFrame;
use sightline_pipeline::detector::Detector;

use super::{
    bare,
    cpu::{self, ProcessTime},
    flat_out::Endless,
};
use crate::failure::{Failure, Kind, OrFail};

/// Different pictures, so many frames apart: what is in them changes what decoding and preprocessing cost.
const PICTURES: usize = 8;
const FRAMES_APART: usize = 10;

/// What one frame costs in one stage.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Passage {
    /// CPU time, milliseconds.
    pub cpu_ms: f64,
    /// How long it takes, milliseconds.
    pub wall_ms: f64,
}

/// What several threads get done together.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Throughput {
    /// Frames per second, all threads together.
    pub frames_per_second: f64,
    /// CPU time of a frame in milliseconds, whatever thread used it.
    pub cpu_ms: f64,
}

/// What some threads did side by side.
pub struct Measured {
    frames: f64,
    threads: f64,
    elapsed: Duration,
    /// Of those threads.
    own_cpu: Duration,
    /// Of the whole process.
    all_cpu: Duration,
}

impl Measured {
    /// Of a stage that does its work on the threads that call it.
    fn own_passage(&self) -> Passage {
        Passage { cpu_ms: millis(self.own_cpu) / self.frames, wall_ms: self.wall_ms() }
    }

    /// Of a stage that has threads of its own.
    fn passage(&self) -> Passage {
        Passage { cpu_ms: millis(self.all_cpu) / self.frames, wall_ms: self.wall_ms() }
    }

    fn throughput(&self) -> Throughput {
        let frames_per_second = self.frames / self.elapsed.as_secs_f64();
        Throughput { frames_per_second, cpu_ms: millis(self.all_cpu) / self.frames }
    }

    fn wall_ms(&self) -> f64 {
        millis(self.elapsed) * self.threads / self.frames
    }
}

/// A duration in milliseconds.
pub fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

/// What is measured, and with which pictures.
pub struct Subject<'a> {
    model: &'a Arc<ModelSpec>,
    settings: DetectionSettings,
    pictures: &'a [VideoFrame],
    seconds: Duration,
}

/// Pictures of a video to measure with.
///
/// # Errors
/// When it cannot be read.
pub fn pictures(video: &Path) -> Result<Vec<VideoFrame>, Failure> {
    let mut frames = Endless::open(video).or_fail(Kind::Usage)?;
    let mut pictures = Vec::new();
    for index in 0..PICTURES * FRAMES_APART {
        let frame = frames.next().or_fail(Kind::Usage)?;
        if index % FRAMES_APART == 0 {
            pictures.push(frame);
        }
    }
    Ok(pictures)
}

/// Decoding, on as many threads as there are readers.
///
/// # Errors
/// When the video cannot be read.
pub fn decode(video: &Path, readers: usize, seconds: Duration) -> Result<Passage, Failure> {
    let readers: Result<Vec<_>, _> = (0..readers).map(|_| Endless::open(video)).collect();
    let step = |reader: &mut Endless| reader.next().map(|_| 1).map_err(|error| error.to_string());
    Ok(side_by_side(readers.or_fail(Kind::Usage)?, seconds, step)?.passage())
}

impl<'a> Subject<'a> {
    /// Each figure is measured for `seconds`.
    pub fn new(
        model: &'a Arc<ModelSpec>,
        settings: DetectionSettings,
        pictures: &'a [VideoFrame],
        seconds: Duration,
    ) -> Self {
        Self { model, settings, pictures, seconds }
    }

    /// Width and height of the pictures.
    pub fn size(&self) -> (u32, u32) {
        self.pictures.first().map_or((0, 0), |picture| (picture.width, picture.height))
    }

    /// From a picture to the input tensor.
    ///
    /// # Errors
    /// When a picture cannot be read.
    pub fn preprocess(&self, threads: usize) -> Result<Passage, Failure> {
        let context = || (Preprocessor::new(&self.model.input), self.empty_input(1), 0);
        let contexts = (0..threads).map(|_| context()).collect();
        let measured = side_by_side(contexts, self.seconds, |(preprocessor, input, next)| {
            *next += 1;
            let view = self.view(*next);
            preprocessor.fill(view, image(input, 0, self.model)).map(|_| 1).map_err(|error| error.to_string())
        })?;
        Ok(measured.own_passage())
    }

    /// The network alone, in batches of that size.
    ///
    /// # Errors
    /// When a session fails.
    pub fn session(&self, opened: &mut OpenedModel, batch: usize) -> Result<(Passage, Throughput), Failure> {
        let (input, _) = self.loaded(batch)?;
        let shape = self.model.input.shape(batch);
        let contexts = opened.backends.iter_mut().collect();
        let measured = side_by_side(contexts, self.seconds, |backend: &mut &mut Box<dyn Backend>| {
            let view = InputView { shape, data: input.data() };
            backend.run(view, &mut |_| ()).map(|()| batch).map_err(|error| error.message)
        })?;
        Ok((measured.passage(), measured.throughput()))
    }

    /// From the network's outputs to detections.
    ///
    /// # Errors
    /// When a session fails or its outputs do not fit.
    pub fn postprocess(&self, opened: &mut OpenedModel) -> Result<Passage, Failure> {
        let batch = opened.batch_sizes.fitting(1);
        let threads = opened.backends.len();
        let backend = opened.backends.first_mut().ok_or_else(|| failed("no session was opened".into()))?;
        let mut answers = Vec::new();
        for index in 0..self.pictures.len() {
            let (input, placement) = self.loaded_from(index, batch)?;
            let view = InputView { shape: self.model.input.shape(batch), data: input.data() };
            let mut kept = Vec::new();
            let mut keep = |outputs: &[OutputView<'_>]| {
                kept.extend(outputs.iter().map(|output| (output.shape.to_vec(), output.data.to_vec())));
            };
            backend.run(view, &mut keep).map_err(|error| failed(error.message))?;
            answers.push((kept, placement));
        }
        let context = || (Postprocessor::new(self.model, self.settings), Vec::new(), 0);
        let contexts = (0..threads).map(|_| context()).collect();
        let measured = side_by_side(contexts, self.seconds, |(postprocessor, detections, next)| {
            *next = (*next + 1) % answers.len();
            let (outputs, placement) = &answers[*next];
            let views: Vec<OutputView<'_>> = outputs.iter().map(|(shape, data)| OutputView { shape, data }).collect();
            let outcome = postprocessor.detections(&views, 0, placement, detections);
            outcome.map(|()| 1).map_err(|error| error.to_string())
        })?;
        Ok(measured.own_passage())
    }

    /// Preprocessing, network and decoding together, as a worker runs them, in batches of that size.
    ///
    /// # Errors
    /// When a session fails.
    pub fn detector(&self, opened: OpenedModel, batch: usize) -> Result<Throughput, Failure> {
        let OpenedModel { backends, batch_sizes, .. } = opened;
        let detector = |backend| Detector::new(self.model.clone(), backend, batch_sizes.clone());
        let contexts = backends.into_iter().map(|backend| (detector(backend), 0)).collect();
        let settings = vec![self.settings; batch];
        let measured = side_by_side(contexts, self.seconds, |(detector, next): &mut (Detector, usize)| {
            let views: Vec<FrameView<'_>> = (0..batch).map(|offset| self.view(*next + offset)).collect();
            *next += batch;
            detector.load(&views).map_err(|error| error.to_string())?;
            detector.run(&settings).map(|_| batch).map_err(|error| error.to_string())
        })?;
        Ok(measured.throughput())
    }

    /// Decoding and network beside each other, see [`bare`].
    ///
    /// # Errors
    /// When the video cannot be read or a session fails.
    pub fn bare(
        &self,
        video: &Path,
        sources: usize,
        opened: &mut OpenedModel,
        batch: usize,
    ) -> Result<Throughput, Failure> {
        let (input, _) = self.loaded(batch)?;
        let view = InputView { shape: self.model.input.shape(batch), data: input.data() };
        bare::run(video, sources, opened, view, self.seconds)
    }

    fn view(&self, index: usize) -> FrameView<'_> {
        self.pictures[index % self.pictures.len()].buffer.view()
    }

    fn empty_input(&self, batch: usize) -> InputBuffer {
        let mut input = InputBuffer::new(self.model.input.element);
        input.resize(batch * self.model.input.samples_per_image());
        input
    }

    fn loaded(&self, batch: usize) -> Result<(InputBuffer, Placement), Failure> {
        self.loaded_from(0, batch)
    }

    /// A batch that begins with that picture; the placement is the first one's.
    fn loaded_from(&self, first: usize, batch: usize) -> Result<(InputBuffer, Placement), Failure> {
        let (mut preprocessor, mut input) = (Preprocessor::new(&self.model.input), self.empty_input(batch));
        let mut placements = Vec::new();
        for offset in 0..batch {
            let placement = preprocessor.fill(self.view(first + offset), image(&mut input, offset, self.model));
            placements.push(placement.or_fail(Kind::Usage)?);
        }
        let placement = placements.into_iter().next().ok_or_else(|| failed("an empty batch".into()))?;
        Ok((input, placement))
    }
}

/// The memory of one image of a batch.
fn image<'a>(input: &'a mut InputBuffer, index: usize, model: &ModelSpec) -> InputSliceMut<'a> {
    let samples = model.input.samples_per_image();
    let range = index * samples..(index + 1) * samples;
    match input {
        InputBuffer::U8(data) => InputSliceMut::U8(&mut data[range]),
        InputBuffer::F32(data) => InputSliceMut::F32(&mut data[range]),
    }
}

/// Repeats `step`, which says how many frames it was, on one thread per context, after once for nothing.
fn side_by_side<C: Send>(
    contexts: Vec<C>,
    seconds: Duration,
    step: impl Fn(&mut C) -> Result<usize, String> + Sync,
) -> Result<Measured, Failure> {
    let threads = contexts.len();
    let (begin, end) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    let work = |mut context: C| -> Result<(usize, Duration), String> {
        let mut outcome = step(&mut context);
        begin.wait();
        let (until, cpu_before) = (Instant::now() + seconds, cpu::of_this_thread());
        let mut frames = 0;
        while outcome.is_ok() && (frames == 0 || Instant::now() < until) {
            outcome = step(&mut context);
            frames += outcome.as_ref().copied().unwrap_or_default();
        }
        let cpu = cpu::of_this_thread().saturating_sub(cpu_before);
        // Nothing is torn down before the time was taken.
        end.wait();
        outcome.map(|_| (frames, cpu))
    };
    let (elapsed, all_cpu, done) = std::thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> = contexts.into_iter().map(|context| scope.spawn(move || work(context))).collect();
        begin.wait();
        let (begun, before) = (Instant::now(), ProcessTime::of_this());
        end.wait();
        let (elapsed, all_cpu) = (begun.elapsed(), ProcessTime::of_this().since(before));
        let done: Result<Vec<_>, String> =
            started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("it panicked".into()))).collect();
        (elapsed, all_cpu, done)
    });
    let done = done.map_err(failed)?;
    let frames = done.iter().map(|(frames, _)| *frames).sum::<usize>() as f64;
    let own_cpu = done.iter().map(|(_, cpu)| *cpu).sum();
    Ok(Measured { frames, threads: threads as f64, elapsed, own_cpu, all_cpu })
}

/// A measurement that failed.
pub fn failed(reason: String) -> Failure {
    Failure::new(Kind::Unavailable, anyhow!(reason))
}
