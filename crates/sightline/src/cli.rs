//! The command line, as the contract has it.

use std::{ffi::OsStr, net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{
    Arg, Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::ErrorKind,
};
use sightline_core::{
    network::architectures::Architecture,
    provider::{CudaOptions, OpenVinoOptions, OpenVinoRuntime, Provider, TensorRtOptions},
    time::WallTime,
};

/// RTSP cameras in, MQTT events out.
#[derive(Debug, Parser)]
#[command(name = "sightline", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run pipelines: cameras in, events out, until SIGTERM or Ctrl-C
    Run(RunArgs),
    /// Validate pipeline files: all problems at once
    Check(CheckArgs),
    /// Detect objects in images or videos: one JSON line per image or frame on stdout
    Detect(DetectArgs),
    /// Run a recording through a camera's pipeline under a virtual clock: its events as JSON lines on stdout
    Replay(ReplayArgs),
    /// What models are there, what they cost, and how to get more
    #[command(subcommand)]
    Models(ModelsCommand),
    /// What this machine has: GStreamer, decoders, libraries, each execution provider really run, broker, clock
    Doctor(DoctorArgs),
    /// How fast this machine is: sessions of each execution provider, the whole pipeline, and how many cameras it holds
    Bench(BenchArgs),
    /// Measure one way to run a pipeline's model: what a calibration starts this program with
    #[command(hide = true)]
    Measure(MeasureArgs),
    /// Print a JSON Schema
    Schema(SchemaArgs),
    /// Simulated cameras, a broker, the daemon and a console, with nothing to configure
    Demo(DemoArgs),
    /// Serve simulated RTSP cameras; their ground truth as JSON lines on stdout
    Sim(SimArgs),
}

/// `sightline run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Pipeline files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Address of the HTTP endpoint (health, metrics, status, history, reload), or `off`; other than loopback addresses
    /// need a token
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8640")]
    pub http: HttpAddress,
    /// File with the token that the HTTP endpoint asks for; left out: the environment's SIGHTLINE_HTTP_TOKEN, else none
    #[arg(long, value_name = "FILE")]
    pub http_token_file: Option<PathBuf>,
    /// Folder for what must outlast the process: events, snapshots and clips; made when it is not there, and used by one
    /// daemon at a time. Left out: systemd's $STATE_DIRECTORY, else ~/.local/state/sightline
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Say more; twice: say a lot more
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Where the HTTP endpoint listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpAddress {
    /// Nowhere.
    Off,
    /// There.
    At(SocketAddr),
}

impl FromStr for HttpAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let address = text.parse().map(Self::At);
        address.map_err(|_| "not an address like 127.0.0.1:8640, and not `off`".into())
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `sightline check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Pipeline files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Also open every camera, the model and the broker
    #[arg(long)]
    pub probe: bool,
    /// How problems are written to stdout
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub format: LogFormat,
}

/// `sightline detect`
#[derive(Debug, Args)]
pub struct DetectArgs {
    /// Images (JPEG, PNG), videos, or folders of them
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// A model's name, or the path of its model.yaml; when left out the COCO one, or our own where that is not here
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
    /// Least score; the model's own default when left out
    #[arg(long, value_name = "S", value_parser = fraction)]
    pub score: Option<f32>,
    /// Write pictures with the boxes drawn into that folder
    #[arg(long, value_name = "DIR")]
    pub draw: Option<PathBuf>,
}

/// `sightline replay`
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The recording: a video file
    #[arg(value_name = "VIDEO")]
    pub video: PathBuf,
    /// The pipeline file whose model, labels, zones and lines are used
    #[arg(long, value_name = "FILE")]
    pub pipeline: PathBuf,
    /// Which of its cameras; may be left out when there is only one
    #[arg(long, value_name = "ID")]
    pub camera: Option<String>,
    /// At most so many frames per second; every frame when left out, whatever the camera's `fps`
    #[arg(long, value_name = "N", value_parser = frames_per_second)]
    pub fps: Option<f32>,
    /// When the recording begins, as in 2026-11-24T08:00:00.000Z
    #[arg(long, value_name = "TIME", default_value = "1970-01-01T00:00:00.000Z")]
    pub start: WallTime,
    /// Also write what happened as a text file, for people and for `diff`
    #[arg(long, value_name = "FILE")]
    pub timeline: Option<PathBuf>,
    /// Also write a video with boxes, tracks, zones and lines drawn in
    #[arg(long, value_name = "FILE.mp4")]
    pub draw: Option<PathBuf>,
}

/// `sightline models`
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models that are there
    List(ListArgs),
    /// Say what a model is: shapes, head, labels, hash, licence, size, parameters and multiply-adds
    Inspect(InspectArgs),
    /// Run the reference pictures kept with models; fail when the answers drift
    Verify(VerifyArgs),
    /// Fetch the published COCO model, verify it and import it
    Pull(PullArgs),
    /// Write a TensorFlow Lite SSD as ONNX and model.yaml, in float32 and in int8
    Import(ImportArgs),
    /// Write an architecture as ONNX and model.yaml, with random weights or given ones
    Build(BuildArgs),
}

/// How a result is written to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// `sightline models list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// How the list is written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// `sightline models inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// A model's name, the path of its model.yaml, or an ONNX file
    #[arg(value_name = "MODEL")]
    pub model: String,
    /// How the facts are written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// `sightline models verify`
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Models by name or by the path of their model.yaml; all whose weights are here when left out
    #[arg(value_name = "MODEL")]
    pub models: Vec<String>,
    /// The execution provider to hold against the reference: tensorrt, cuda, openvino or cpu
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    pub provider: ProviderName,
    /// How the verdicts are written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// `sightline doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Pipeline files, or folders of them: their brokers are looked for; without any the one on this machine is
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Look at these execution providers alone, and fail when one does not run
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub provider: Vec<ProviderName>,
    /// The model to run on them
    #[arg(long, value_name = "MODEL", default_value = "ssd-mobilenet-v1-sim")]
    pub model: String,
    /// How long one provider may take; compiling a model for TensorRT takes minutes
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub timeout: u64,
    /// How the findings are written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
}

/// `sightline bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What is measured: `sessions` and `pipeline` when left out, with --cameras `cameras` alone
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    pub part: Vec<BenchPart>,
    /// Execution providers; sessions: all that run here when left out; pipeline and cameras take the first, cpu when left out
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub provider: Vec<ProviderName>,
    /// Models by name or by the path of their model.yaml; all whose weights are here when left out. Pipeline and cameras
    /// take the first
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    pub model: Vec<String>,
    /// Sessions: batch sizes
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 2, 4, 8], value_parser = at_least_one)]
    pub batch: Vec<usize>,
    /// What accelerators compute in, where it is not their default
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,
    /// Batches that run side by side on a CPU; one per core when left out
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub sessions: Option<usize>,
    /// Each figure is the median of so many rounds, in each of which every provider has its turn
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = at_least_one)]
    pub rounds: usize,
    /// How long each figure is measured in a round
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = some_seconds)]
    pub seconds: f64,
    /// How many cameras this machine holds: `auto` looks for the largest number, N tries that one
    #[arg(long, value_name = "N|auto")]
    pub cameras: Option<CamerasWish>,
    /// Frames per second of the simulated cameras, 1 to 60
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub fps: u32,
    /// Size of the simulated cameras' pictures, and of the video that the pipeline is measured with
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1280x720")]
    pub size: BenchSize,
    /// Take this video instead of a simulated scene. The pipeline reads it as it is; cameras serve it encoded anew, its first
    /// minute, at its own rate, at most 1280x720
    #[arg(long, value_name = "FILE")]
    pub video: Option<PathBuf>,
    /// Cameras: how long each number is watched once all of them stream
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = some_seconds)]
    pub window: f64,
    /// Folder for compiled models, which are compiled anew each time when it is left out; the daemon's own has its calibrations
    /// as well
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// How the figures are written
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub format: OutputFormat,
    /// The same as --format json
    #[arg(long)]
    pub json: bool,
    /// A part of the work, in a process of its own: what the command starts itself with
    #[arg(long, hide = true, value_enum)]
    pub in_child: Option<BenchChild>,
    /// Where the simulated cameras are, for a child
    #[arg(long, hide = true, default_value_t = 0)]
    pub port: u16,
    /// Who serves them, for a child
    #[arg(long, hide = true)]
    pub server: Option<u32>,
    /// Their true rate, for a child
    #[arg(long, hide = true, default_value_t = 15.0)]
    pub rate: f64,
}

/// What `sightline bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// The network alone: images per second of each provider, model and batch size.
    Sessions,
    /// CPU time of each stage, and of the whole pipeline from a file to its events.
    Pipeline,
    /// How many simulated cameras are kept up with.
    Cameras,
}

/// What a child of `sightline bench` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchChild {
    /// One round of one provider's sessions.
    Sessions,
    /// One round of the pipeline.
    Pipeline,
    /// Serves cameras.
    Serve,
    /// Watches one number of them.
    Watch,
}

/// How many cameras are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CamerasWish {
    /// As many as are held.
    Auto,
    /// So many.
    Number(usize),
}

impl FromStr for CamerasWish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            number => {
                let number = at_least_one(number).map(Self::Number);
                number.map_err(|_| "neither `auto` nor a whole number of 1 or more".into())
            }
        }
    }
}

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchSize {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl FromStr for BenchSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        match sides {
            Some((width @ 64..=3840, height @ 64..=2160)) if width % 2 == 0 && height % 2 == 0 => {
                Ok(Self { width, height })
            }
            _ => Err("not a size like 1280x720: even, from 64x64 to 3840x2160".into()),
        }
    }
}

impl std::fmt::Display for BenchSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// `sightline measure`
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// The pipeline file whose model it is
    #[arg(long, value_name = "FILE")]
    pub pipeline: PathBuf,
    /// SHA-256 of the model's weights
    #[arg(long, value_name = "HEX")]
    pub sha256: String,
    /// Execution provider
    #[arg(long, value_name = "NAME")]
    pub provider: String,
    /// Sessions side by side
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub sessions: usize,
    /// Threads of each
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: usize,
    /// Batch sizes that may be asked for
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = at_least_one)]
    pub batch: Vec<usize>,
    /// Folder for compiled models
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
}

/// What an accelerator computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// 32-bit floats.
    Fp32,
    /// 16-bit floats.
    Fp16,
    /// 16-bit floats with eight bits of exponent: OpenVINO alone.
    Bf16,
    /// 8-bit integers: TensorRT alone.
    Int8,
}

impl Precision {
    /// As it is read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
        }
    }
}

fn some_seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|seconds| (0.01..=3600.0).contains(seconds)).ok_or_else(|| "not from 0.01 to 3600".into())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number >= 1).ok_or_else(|| "not a whole number of 1 or more".into())
}

/// An execution provider by its name; `openvino:GPU` names OpenVINO's device, `onnxruntime-openvino` OpenVINO through ONNX
/// Runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderName(pub Provider);

impl FromStr for ProviderName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, device) = text.split_once(':').map_or((text, None), |(name, device)| (name, Some(device)));
        let provider = match name {
            "tensorrt" => Provider::TensorRt(TensorRtOptions { device: gpu(device)?, ..TensorRtOptions::default() }),
            "cuda" => Provider::Cuda(CudaOptions { device: gpu(device)?, ..CudaOptions::default() }),
            "openvino" | "onnxruntime-openvino" => {
                let mut options = OpenVinoOptions::default();
                if name != "openvino" {
                    options.runtime = OpenVinoRuntime::OnnxRuntime;
                }
                if let Some(device) = device {
                    options.device = device.to_owned();
                }
                Provider::OpenVino(options)
            }
            "cpu" => Provider::cpu(),
            _ => return Err("not one of tensorrt, cuda, openvino, openvino:DEVICE, onnxruntime-openvino, cpu".into()),
        };
        if device.is_some() && matches!(provider, Provider::Cpu(_)) {
            return Err("cpu takes no device".into());
        }
        Ok(Self(provider))
    }
}

fn gpu(number: Option<&str>) -> Result<u32, String> {
    number.map_or(Ok(0), |number| number.parse().map_err(|_| format!("{number} is not a GPU's number, as in cuda:1")))
}

impl std::fmt::Display for ProviderName {
    /// As it is read.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Provider::OpenVino(options) if options.runtime == OpenVinoRuntime::OnnxRuntime => {
                write!(f, "onnxruntime-openvino:{}", options.device)
            }
            provider => write!(f, "{provider}"),
        }
    }
}

/// `sightline models pull`
#[derive(Debug, Args)]
pub struct PullArgs {
    /// Which model
    #[arg(value_name = "NAME", default_value = "ssd-mobilenet-v1-coco")]
    pub model: String,
    /// Take this file, fetched elsewhere, instead: the archive, or the detect.tflite in it
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    pub from: Option<PathBuf>,
    /// Fetch the archive from here, a mirror, instead
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Folder of models to write to; the user's own when left out
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `sightline models import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// A quantised SSD that ends in TFLite_Detection_PostProcess
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The model's name; the published model's own, or the file's when left out
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// One class name a line, the background (`???`) first; COCO's for the published model when left out
    #[arg(long, value_name = "FILE")]
    pub classes: Option<PathBuf>,
    /// Folder of models to write to; the user's own when left out
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite models of that name
    #[arg(long)]
    pub force: bool,
}

/// `sightline models build`
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Which architecture
    #[arg(value_name = "NAME", value_parser = ArchitectureParser)]
    pub architecture: ArchitectureName,
    /// Share of the published channels, such as 0.5
    #[arg(long, value_name = "W", default_value_t = 1.0)]
    pub width: f64,
    /// Height and width of the picture, in pixels; the published one when left out
    #[arg(long, value_name = "S")]
    pub size: Option<usize>,
    /// One class name a line; a detector's first one is `???`, the background
    #[arg(long, value_name = "FILE")]
    pub classes: Option<PathBuf>,
    /// Take the weights of this ONNX file, which the same architecture was written to; random ones when left out
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Seed of random weights
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "weights")]
    pub seed: u64,
    /// Folder to write; when left out one here that is named after the architecture
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite a model that is in that folder
    #[arg(long)]
    pub force: bool,
}

/// An architecture by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchitectureName(pub Architecture);

/// Parses and lists the architectures' names.
#[derive(Clone, Copy, Debug)]
struct ArchitectureParser;

impl TypedValueParser for ArchitectureParser {
    type Value = ArchitectureName;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let name =
            PossibleValuesParser::new(Architecture::ALL.map(Architecture::name)).parse_ref(command, argument, value)?;
        let found = Architecture::ALL.into_iter().find(|architecture| architecture.name() == name);
        found.map(ArchitectureName).ok_or_else(|| clap::Error::new(ErrorKind::InvalidValue).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Architecture::ALL.into_iter().map(|architecture| PossibleValue::new(architecture.name()))))
    }
}

/// `sightline schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_enum)]
    pub of: SchemaOf,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// A pipeline file.
    Pipeline,
    /// A model.yaml.
    Model,
    /// An event on MQTT.
    Event,
}

/// `sightline demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// End after so many seconds with a summary; until Ctrl-C when left out
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
    /// A camera plays this video; may be given several times
    #[arg(long, value_name = "FILE")]
    pub video: Vec<PathBuf>,
    /// How many simulated cameras
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub cameras: usize,
    /// A model's name, or the path of its model.yaml
    #[arg(long, value_name = "M")]
    pub model: Option<String>,
}

/// `sightline sim`
#[derive(Debug, Args)]
pub struct SimArgs {
    /// Scenes to serve; all of them when left out
    #[arg(value_name = "SCENE")]
    pub scenes: Vec<String>,
    /// Cameras that play this video, besides the scenes
    #[arg(long, value_name = "FILE")]
    pub video: Vec<PathBuf>,
    /// Port of the RTSP server; 0: any free one
    #[arg(long, default_value_t = 8554)]
    pub port: u16,
    /// `USER:PASSWORD` that clients must give
    #[arg(long, value_name = "USER:PASSWORD")]
    pub auth: Option<String>,
    /// End after so many seconds; until Ctrl-C when left out
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
}

fn frames_per_second(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("not a number greater than 0".into()),
    }
}

fn fraction(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("not a number from 0 to 1".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn cameras_are_a_number_or_auto_and_sizes_are_what_a_scene_can_be() {
        assert_eq!(("auto".parse(), "12".parse()), (Ok(CamerasWish::Auto), Ok(CamerasWish::Number(12))));
        assert!("0".parse::<CamerasWish>().unwrap_err().contains("neither `auto` nor"));
        assert_eq!("640x360".parse(), Ok(BenchSize { width: 640, height: 360 }));
        for wrong in ["640", "641x360", "62x64", "640x360x2", "8000x64"] {
            assert!(wrong.parse::<BenchSize>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_http_address_is_one_or_off() {
        assert_eq!("off".parse(), Ok(HttpAddress::Off));
        assert_eq!("[::1]:8640".parse(), Ok(HttpAddress::At(([0, 0, 0, 0, 0, 0, 0, 1], 8640).into())));
        assert!("everywhere".parse::<HttpAddress>().unwrap_err().contains("not an address"));
    }
}
