//! Simulated cameras in a process of their own, so that what they cost is told apart from what watching them costs. One clip,
//! encoded once, is sent over and over by all of them.
//!
//! The child says on stdout what the clip is, then for each line of stdin, a number of cameras, at which port they are. It
//! ends with its stdin.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
};

use anyhow::Context;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sightline_sim::server::{RtspServer, ServerOptions, SimCamera};

use super::video;
use crate::{
    cli::BenchArgs,
    failure::{Failure, Kind, OrFail, Outcome},
};

/// What the cameras send.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Sent {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: f64,
    /// Kilobits per second of one camera, in the mean.
    pub kilobits: u64,
}

/// Path of the `index`th camera.
pub fn path(index: usize) -> String {
    format!("cam-{index}")
}

/// Serves, as a child.
///
/// # Errors
/// When there is nothing to serve.
pub fn execute(args: &BenchArgs) -> Outcome {
    sightline_media::init().or_fail(Kind::Unavailable)?;
    let clip = Arc::new(video::clip(args)?);
    let (fps, seconds) = (clip.rate().per_sec(), clip.frames() as f64 / clip.rate().per_sec());
    let kilobits = (clip.bytes() as f64 * 8.0 / 1000.0 / seconds) as u64;
    answer(&Sent { width: clip.width(), height: clip.height(), fps, kilobits })?;
    let mut server = None;
    for line in std::io::stdin().lines() {
        let number: usize = line.or_fail(Kind::Internal)?.trim().parse().or_fail(Kind::Usage)?;
        // The earlier ones first: they hold their port until then.
        drop(server.take());
        let cameras = (0..number).map(|index| SimCamera { path: path(index), clip: clip.clone() }).collect();
        let started = RtspServer::start(cameras, ServerOptions::default()).or_fail(Kind::Unavailable)?;
        answer(&started.port())?;
        server = Some(started);
    }
    Ok(())
}

fn answer(what: &impl Serialize) -> Outcome {
    let text = serde_json::to_string(what).or_fail(Kind::Internal)?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).or_fail(Kind::Internal)
}

/// The child that serves. It ends with this.
pub struct Server {
    child: Child,
    wishes: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// What its cameras send.
    pub sent: Sent,
}

impl Server {
    /// Starts it. Returns when the clip is encoded.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn start(args: &BenchArgs) -> Result<Self, Failure> {
        video::check(args)?;
        let program = std::env::current_exe().or_fail(Kind::Internal)?;
        let mut command = Command::new(program);
        command.args(["bench", "--in-child=serve"]).arg(format!("--fps={}", args.fps));
        command.arg(format!("--size={}", args.size));
        if let Some(video) = &args.video {
            command.arg("--video").arg(video);
        }
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.context("cannot start this program once more").or_fail(Kind::Internal)?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (wishes, answers) = pipes.context("a child without pipes").or_fail(Kind::Internal)?;
        let mut answers = BufReader::new(answers);
        // Where there is none the child has said why.
        let sent = read(&mut answers).map_err(|_| Failure::said(Kind::Unavailable))?;
        Ok(Self { child, wishes: Some(wishes), answers, sent })
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Serves so many cameras instead of those before; their port.
    ///
    /// # Errors
    /// When it cannot.
    pub fn serve(&mut self, cameras: usize) -> Result<u16, Failure> {
        let wishes = self.wishes.as_mut().context("it has ended").or_fail(Kind::Internal)?;
        writeln!(wishes, "{cameras}").context("the simulated cameras have ended").or_fail(Kind::Unavailable)?;
        read(&mut self.answers).or_fail(Kind::Unavailable)
    }
}

fn read<T: DeserializeOwned>(answers: &mut BufReader<ChildStdout>) -> anyhow::Result<T> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    serde_json::from_str(&line).context("the simulated cameras do not start")
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.wishes.take());
        // Nothing of it is worth waiting for: cameras whose watchers have gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
