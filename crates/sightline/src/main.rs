//! `sightline`: RTSP cameras in, MQTT events out. This crate introduces the others to each other and nothing else.

mod bench;
mod calibration;
mod canvas;
mod check;
mod child;
mod cli;
mod configuration;
mod demo;
mod detect;
mod doctor;
mod failure;
mod library;
mod logging;
mod models;
mod references;
mod replay;
mod run;
mod schema;
mod signals;
mod sim;
mod sources;
mod throughput;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command, LogFormat};
use failure::Outcome;
use logging::Detail;

fn main() -> ExitCode {
    keep_onnx_runtime_quiet();
    let outcome = execute(Cli::parse().command);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The builds of ONNX Runtime on PyPI (seen in 1.32) report to their maker: the machine, its processor, the command that runs.
/// Its API to switch that off comes too late for the first report; only the environment is asked before it.
fn keep_onnx_runtime_quiet() {
    // SAFETY: the first thing that `main` does, while there is no other thread that could read the environment.
    unsafe { std::env::set_var("ORT_DISABLE_TELEMETRY", "1") };
}

fn execute(command: Command) -> Outcome {
    match command {
        Command::Run(args) => run::execute(&args),
        Command::Check(args) => check::execute(&args),
        Command::Detect(args) => {
            logging::start(LogFormat::Text, Detail::Trouble);
            detect::execute(&args)
        }
        Command::Replay(args) => {
            logging::start(LogFormat::Text, Detail::Trouble);
            replay::execute(&args)
        }
        Command::Models(command) => {
            logging::start(LogFormat::Text, Detail::Trouble);
            models::execute(&command)
        }
        Command::Doctor(args) => {
            logging::start(LogFormat::Text, Detail::Trouble);
            doctor::execute(&args)
        }
        Command::Bench(args) => {
            logging::start(LogFormat::Text, Detail::Trouble);
            bench::execute(&args)
        }
        Command::Measure(args) => {
            logging::start(LogFormat::Text, Detail::Trouble);
            calibration::measure::execute(&args)
        }
        Command::Schema(args) => schema::execute(&args),
        Command::Demo(args) => demo::execute(&args),
        Command::Sim(args) => {
            logging::start(LogFormat::Text, Detail::Daemon { verbose: 0 });
            sim::execute(&args)
        }
    }
}
