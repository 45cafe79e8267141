//! `sightline check`: validation, and with `--probe` a try of everything the files name.

use std::{fmt::Write as _, io::Write as _, sync::Arc, time::Duration};

use serde::Serialize;
use sightline_config::{Environment, Problems, models};
use sightline_core::{
    execution::{Execution, PassedOver},
    plan::{CameraSpec, Plan},
    ports::{FrameSource, SourceCallbacks, SourceEvent, StreamInfo},
};
use tokio::sync::mpsc;
use tracing::warn;

use crate::{
    cli::{CheckArgs, LogFormat},
    configuration,
    failure::{Failure, Kind, OrFail, Outcome},
    library::{self, Sessions},
    logging::{self, Detail},
    sources::{Sources, unknown_scenes},
};

/// How long a camera may take to send its first frame.
const CAMERA_DEADLINE: Duration = Duration::from_secs(15);
/// How long a broker may take to let us in.
const BROKER_DEADLINE: Duration = Duration::from_secs(5);
/// How long a camera may take to be closed again.
const TEARDOWN_DEADLINE: Duration = Duration::from_secs(2);

/// What was tried, and how it went.
#[derive(Serialize)]
struct Probe {
    what: String,
    ok: bool,
    message: String,
    /// What a failure of it would end `run` with.
    #[serde(skip)]
    kind: Kind,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    problems: Option<&'a Problems>,
    probes: &'a [Probe],
}

/// Checks, and says what was found on stdout.
pub fn execute(args: &CheckArgs) -> Outcome {
    // A provider that is passed over is told on stderr.
    logging::start(LogFormat::Text, Detail::Trouble);
    let plan = match configuration::load(&args.paths, &Environment::from_process()) {
        Ok(plan) => plan,
        Err(problems) => {
            print(args.format, &Report { ok: false, problems: Some(&problems), probes: &[] }, &problems.to_string());
            return Err(Failure::said(Kind::Config));
        }
    };
    let unknown = unknown_scenes(&plan);
    if !unknown.is_empty() {
        let probe = |(camera, message): (&CameraSpec, String)| Probe {
            what: format!("camera {}", camera.id),
            ok: false,
            message,
            kind: Kind::Config,
        };
        return tell(args.format, &unknown.into_iter().map(probe).collect::<Vec<_>>());
    }
    if !args.probe {
        let cameras: usize = plan.pipelines.iter().map(|pipeline| pipeline.cameras.len()).sum();
        let text = format!("ok: {} pipeline(s), {cameras} camera(s)", plan.pipelines.len());
        for pipeline in plan.pipelines.iter().filter(|pipeline| pipeline.model.weights.is_none()) {
            // The file is right, and still `run` would end with this: on stderr, so that stdout stays the verdict.
            warn!(pipeline = pipeline.name, "{}", models::missing_weights_message(&pipeline.model));
        }
        print(args.format, &Report { ok: true, problems: None, probes: &[] }, &text);
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new().or_fail(Kind::Internal)?;
    let probes = runtime.block_on(probe(&plan));
    runtime.shutdown_background();
    tell(args.format, &probes)
}

/// Prints how each try went.
fn tell(format: LogFormat, probes: &[Probe]) -> Outcome {
    let ok = probes.iter().all(|probe| probe.ok);
    let mut text = String::new();
    for Probe { what, ok, message, .. } in probes {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {what}: {message}", if *ok { "ok    " } else { "FAILED" });
    }
    print(format, &Report { ok, problems: None, probes }, text.trim_end());
    match probes.iter().find(|probe| !probe.ok) {
        None => Ok(()),
        Some(failed) => Err(Failure::said(failed.kind)),
    }
}

fn print(format: LogFormat, report: &Report<'_>, text: &str) {
    let line = match format {
        LogFormat::Text => text.to_string(),
        // The report is made of strings and booleans: it always serialises.
        LogFormat::Json => serde_json::to_string(report).unwrap_or_default(),
    };
    // A reader that closes the pipe has seen enough.
    let _ = writeln!(std::io::stdout(), "{}", logging::redact(&line));
}

async fn start_sources(plan: &Plan) -> Result<Arc<Sources>, Failure> {
    let sources = Sources::start()?;
    sources.provide(plan).await?;
    Ok(sources)
}

/// Tries every model, broker and camera of the plan; cameras all at once.
async fn probe(plan: &Plan) -> Vec<Probe> {
    let mut probes = Vec::new();
    for pipeline in &plan.pipelines {
        probes.push(probe_model(pipeline));
        let broker = format!("broker {}:{}", pipeline.mqtt.host, pipeline.mqtt.port);
        let answer = sightline_mqtt::probe(&pipeline.mqtt, BROKER_DEADLINE).await;
        probes.push(finding(broker, answer.map(|()| "it lets us in".to_string()).map_err(|error| error.to_string())));
    }
    let specs = || plan.pipelines.iter().flat_map(|pipeline| &pipeline.cameras).map(|camera| &camera.spec);
    let sources = match start_sources(plan).await {
        Ok(sources) => sources,
        Err(failure) => {
            let cause = failure.cause.map_or_else(String::new, |cause| format!("{cause:#}"));
            probes.push(finding("cameras".into(), Err(cause)));
            return probes;
        }
    };
    let tries: Vec<_> =
        specs().map(|spec| (spec.id.clone(), tokio::spawn(probe_camera(sources.clone(), spec.clone())))).collect();
    for (id, attempt) in tries {
        let result = attempt.await.unwrap_or_else(|panic| Err(panic.to_string()));
        probes.push(finding(format!("camera {id}"), result));
    }
    probes
}

fn finding(what: String, result: Result<String, String>) -> Probe {
    let ok = result.is_ok();
    Probe { what, ok, message: result.unwrap_or_else(|message| message), kind: Kind::Unavailable }
}

fn probe_model(pipeline: &sightline_core::plan::PipelinePlan) -> Probe {
    let opened = library::open(&pipeline.model, &pipeline.inference, Sessions::exactly(1), None);
    let kind = opened.as_ref().map_or_else(|failure| failure.kind, |_| Kind::Unavailable);
    let result = opened
        .map(|opened| runs_on(&opened.execution))
        .map_err(|failure| failure.cause.map_or_else(String::new, |cause| format!("{cause:#}")));
    Probe { kind, ..finding(format!("model {}", pipeline.model.name), result) }
}

fn runs_on(execution: &Execution) -> String {
    let Execution { provider, device, placement, library, passed_over, .. } = execution;
    let mut text = format!("runs on {} ({device}, {placement}, {library})", provider.name());
    for PassedOver { provider, reason } in passed_over {
        // Writing to a String cannot fail.
        let _ = write!(text, "; not on {provider}: {reason}");
    }
    text
}

fn describe(stream: &StreamInfo) -> String {
    let StreamInfo { codec, decoder, width, height } = stream;
    if decoder.is_empty() {
        return format!("{width}×{height}, not encoded");
    }
    format!("{width}×{height} {codec} decoded by {decoder}")
}

/// Opens a camera and waits for its first frame.
async fn probe_camera(sources: Arc<Sources>, spec: CameraSpec) -> Result<String, String> {
    let (sender, mut news) = mpsc::channel::<Result<(), String>>(4);
    let (on_frame, on_event) = (sender.clone(), sender);
    let stream = Arc::new(std::sync::Mutex::new(None));
    let seen = stream.clone();
    // The first news decides; later ones find the channel full or closed.
    let callbacks = SourceCallbacks::of_all(
        move |_| drop(on_frame.try_send(Ok(()))),
        move |event| match event {
            SourceEvent::Streaming(info) => {
                *seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(info)
            }
            SourceEvent::Failed(error) => drop(on_event.try_send(Err(format!("{}: {error}", error.code.as_str())))),
            SourceEvent::Ended => drop(on_event.try_send(Err("it ended before its first frame".into()))),
        },
    );
    let running = sources.start(&spec, callbacks).map_err(|error| format!("{}: {error}", error.code.as_str()))?;
    let first = tokio::time::timeout(CAMERA_DEADLINE, news.recv()).await;
    // Stopping blocks up to its deadline; its outcome changes nothing about what was found.
    let _ = tokio::task::spawn_blocking(move || running.stop(TEARDOWN_DEADLINE)).await;
    match first {
        Ok(Some(Ok(()))) => {
            let info = stream.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            Ok(info.map_or_else(|| "sends frames".to_string(), |info| describe(&info)))
        }
        Ok(Some(Err(reason))) => Err(reason),
        Ok(None) | Err(_) => Err(format!("no frame within {} s", CAMERA_DEADLINE.as_secs())),
    }
}
