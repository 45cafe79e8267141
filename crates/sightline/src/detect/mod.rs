//! `sightline detect`: one JSON line per image or frame on stdout.

mod draw;
mod inputs;

use std::{
    collections::BTreeMap,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::{Context, anyhow};
use inputs::Input;
use serde::Serialize;
use sightline_core::{
    detection::Detection,
    event::{WireDetection, rounded},
    frame::FrameView,
    model::{DetectionSettings, Labels},
};
use sightline_media::{FileError, VideoReader};
use sightline_pipeline::detector::Detector;

use crate::{
    cli::DetectArgs,
    failure::{Failure, Kind, OrFail, Outcome},
    library, models,
};

/// One line of output: the contract's form.
#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    frame: u64,
    width: usize,
    height: usize,
    detections: Vec<WireDetection>,
}

/// Runs the model over all inputs. An input that cannot be read is reported and the others go on; the exit code is
/// that of a usage error then.
pub fn execute(args: &DetectArgs) -> Outcome {
    let model = models::load(args.model.as_deref().unwrap_or_else(|| models::for_detect()))?;
    sightline_media::init().or_fail(Kind::Unavailable)?;
    let sessions = library::open_on_all_cores(&model)?;
    let batch_sizes = sessions.batch_sizes;
    let Some(backend) = sessions.backends.into_iter().next() else {
        return Err(Failure::new(Kind::Internal, anyhow!("no session was opened")));
    };
    let settings =
        DetectionSettings { score_threshold: args.score.unwrap_or(model.defaults.score_threshold), ..model.defaults };
    if let Some(folder) = &args.draw {
        let context = || format!("cannot make the folder {}", folder.display());
        std::fs::create_dir_all(folder).with_context(context).or_fail(Kind::Usage)?;
    }
    let mut run = Run {
        detector: Detector::new(model.clone(), backend, batch_sizes),
        settings,
        labels: &model.labels,
        draw: args.draw.as_deref(),
        drawn: BTreeMap::new(),
        out: BufWriter::new(std::io::stdout().lock()),
    };
    let mut unreadable = false;
    for input in inputs::expand(&args.inputs) {
        if let Err(error) = input.and_then(|input| run.input(&input)) {
            if is_closed_pipe(&error) {
                return Ok(());
            }
            tracing::error!("{}", told(&error));
            unreadable = true;
        }
    }
    if unreadable { Err(Failure::said(Kind::Usage)) } else { Ok(()) }
}

/// A file's error tells its cause itself; of others the chain is shown.
fn told(error: &anyhow::Error) -> String {
    if error.is::<FileError>() { error.to_string() } else { format!("{error:#}") }
}

/// Whoever reads stdout has seen enough (`| head`).
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::BrokenPipe)
}

struct Run<'a, W: Write> {
    detector: Detector,
    settings: DetectionSettings,
    labels: &'a Labels,
    draw: Option<&'a Path>,
    /// How many inputs of each name there were.
    drawn: BTreeMap<String, u32>,
    out: W,
}

impl<W: Write> Run<'_, W> {
    fn input(&mut self, input: &Input) -> anyhow::Result<()> {
        match input {
            Input::Image(path) => {
                let pixels = sightline_media::read_image(path)?;
                let view = sightline_core::frame::FrameBuffer::view(&pixels);
                let name = self.drawing_name(path);
                self.frame(path, 0, view, &draw::file_name(&name, None))
            }
            Input::Video(path) => {
                let name = self.drawing_name(path);
                for frame in VideoReader::open(path, None)? {
                    let frame = frame?;
                    self.frame(path, frame.index, frame.buffer.view(), &draw::file_name(&name, Some(frame.index)))?;
                }
                Ok(())
            }
        }
    }

    /// A name for the input's drawings that no earlier input has taken: `a`, `a-2` for another folder's `a.jpg`.
    fn drawing_name(&mut self, path: &Path) -> String {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let count = self.drawn.entry(stem.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { stem } else { format!("{stem}-{count}") }
    }

    fn frame(&mut self, source: &Path, number: u64, view: FrameView<'_>, drawing: &Path) -> anyhow::Result<()> {
        self.detector.load(&[view])?;
        let detections = self.detector.run(&[self.settings])?.pop().unwrap_or_default();
        let line = Line {
            source: &source.to_string_lossy(),
            frame: number,
            width: view.width,
            height: view.height,
            detections: wire(&detections, self.labels),
        };
        serde_json::to_writer(&mut self.out, &line).map_err(std::io::Error::from)?;
        self.out.write_all(b"\n")?;
        // A line at a time, so that a reader of a long video sees progress.
        self.out.flush()?;
        if let Some(folder) = self.draw {
            draw::write(view, &line.detections, &folder.join(drawing))?;
        }
        Ok(())
    }
}

fn wire(detections: &[Detection], labels: &Labels) -> Vec<WireDetection> {
    let named = |detection: &Detection| {
        let label = labels.name(detection.class_id)?.into();
        Some(WireDetection { label, score: rounded(detection.score), r#box: detection.bbox.into(), track: None })
    };
    detections.iter().filter_map(named).collect()
}
