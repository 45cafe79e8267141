//! Simulated cameras: for `sightline sim`, for the demo, and for `sim://` in pipeline files.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{anyhow, bail};
use sightline_core::secret::{Credentials, Secret};
use sightline_sim::{
    clip::{Clip, ClipOptions},
    scene::{Scene, SceneKind, SceneOptions},
    server::{OnFrame, RtspServer, ServerOptions, SimCamera},
};
use tracing::info;

use crate::{
    cli::{DemoArgs, SimArgs},
    failure::{Failure, Kind, OrFail, Outcome},
    signals::Signals,
};

/// Any free port.
pub const ANY_PORT: u16 = 0;

/// What a camera shows.
#[derive(Clone, Debug)]
enum Show {
    Scene(SceneKind, SceneOptions),
    Video(PathBuf),
}

/// Cameras served by this process for as long as this lives.
pub struct Cameras {
    server: RtspServer,
    ids: Vec<String>,
}

impl Cameras {
    /// The demo's: its videos first, then simulated scenes up to the wished number.
    ///
    /// # Errors
    /// When a video cannot be played, or encoders are lacking.
    pub async fn for_demo(args: &DemoArgs) -> Result<Self, Failure> {
        let mut shows = videos(&args.video).or_fail(Kind::Usage)?;
        for index in 0..args.cameras.saturating_sub(shows.len()) {
            let kind = SceneKind::ALL[index % SceneKind::ALL.len()];
            let seed = 1 + (index / SceneKind::ALL.len()) as u64;
            let id = if seed == 1 { kind.name().to_string() } else { format!("{}-{seed}", kind.name()) };
            shows.push((id, Show::Scene(kind, SceneOptions { seed, ..SceneOptions::default() })));
        }
        if shows.is_empty() {
            return Err(Failure::new(Kind::Usage, anyhow!("no cameras; give --cameras 1 or more, or --video FILE")));
        }
        Self::serve(shows, ServerOptions::default()).await
    }

    /// One camera per scene, named like it.
    ///
    /// # Errors
    /// When there is no scene of a name, or encoders are lacking.
    pub async fn of_scenes(names: &[String], port: u16) -> Result<Self, Failure> {
        let shows = scenes(names).or_fail(Kind::Config)?;
        Self::serve(shows, ServerOptions { port, ..ServerOptions::default() }).await
    }

    /// Id and address of each.
    pub fn addresses(&self) -> impl Iterator<Item = (String, String)> {
        let addresses = self.ids.iter().enumerate();
        addresses.filter_map(|(index, id)| Some((id.clone(), self.server.url(index)?)))
    }

    async fn serve(mut shows: Vec<(String, Show)>, options: ServerOptions) -> Result<Self, Failure> {
        make_ids_unique(&mut shows);
        // Drawing and encoding takes a second or two for each.
        let serving = tokio::task::spawn_blocking(move || -> Result<Self, Failure> {
            sightline_media::init().or_fail(Kind::Unavailable)?;
            let cameras = encode(&shows)?;
            let ids = shows.into_iter().map(|(id, _)| id).collect();
            Ok(Self { server: RtspServer::start(cameras, options).or_fail(Kind::Unavailable)?, ids })
        });
        serving.await.or_fail(Kind::Internal)?
    }
}

/// `sightline sim`
pub fn execute(args: &SimArgs) -> Outcome {
    let mut shows = videos(&args.video).or_fail(Kind::Usage)?;
    let all: Vec<String> = SceneKind::ALL.iter().map(|kind| kind.name().to_string()).collect();
    let names = if args.scenes.is_empty() { &all } else { &args.scenes };
    shows.extend(scenes(names).or_fail(Kind::Usage)?);
    let credentials = args.auth.as_deref().map(credentials).transpose().or_fail(Kind::Usage)?;
    let on_frame: OnFrame = Box::new(|frame| {
        // A reader that closes the pipe has seen enough; the cameras go on.
        let _ = writeln!(std::io::stdout(), "{}", frame.line());
    });
    let options = ServerOptions { port: args.port, credentials, on_frame: Some(on_frame), ..ServerOptions::default() };
    let runtime = tokio::runtime::Runtime::new().or_fail(Kind::Internal)?;
    runtime.block_on(async {
        let mut signals = Signals::listen().or_fail(Kind::Internal)?;
        let cameras = Cameras::serve(shows, options).await?;
        for (id, url) in cameras.addresses() {
            info!(camera = id, url, "serving");
        }
        let time_is_up = async {
            match args.seconds {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = signals.stop() => {}
            () = time_is_up => {}
        }
        cameras.server.stop();
        Ok(())
    })
}

/// Encodes every show, as many at a time as there are cores.
fn encode(shows: &[(String, Show)]) -> Result<Vec<SimCamera>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut cameras = Vec::new();
    for group in shows.chunks(cores) {
        let clips: Vec<anyhow::Result<Clip>> = std::thread::scope(|scope| {
            let threads: Vec<_> = group.iter().map(|(_, show)| scope.spawn(|| clip_of(show))).collect();
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err(anyhow!("encoding panicked; this is a bug in sightline")))
            };
            threads.into_iter().map(join).collect()
        });
        for ((id, _), clip) in group.iter().zip(clips) {
            cameras.push(SimCamera { path: id.clone(), clip: Arc::new(clip.or_fail(Kind::Unavailable)?) });
        }
    }
    Ok(cameras)
}

fn clip_of(show: &Show) -> anyhow::Result<Clip> {
    let options = ClipOptions::default();
    Ok(match show {
        Show::Scene(kind, scene) => Clip::from_scene(&Scene::new(*kind, scene)?, &options)?,
        Show::Video(path) => Clip::from_video(path, &options)?,
    })
}

fn scenes(names: &[String]) -> anyhow::Result<Vec<(String, Show)>> {
    let show = |name: &String| Ok((name.clone(), Show::Scene(name.parse()?, SceneOptions::default())));
    names.iter().map(show).collect()
}

/// One camera per video, named after its file.
fn videos(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, Show)>> {
    let mut shows: Vec<(String, Show)> = Vec::new();
    for path in paths {
        if !path.is_file() {
            bail!("no such video: {}", path.display());
        }
        shows.push((camera_id(path), Show::Video(path.clone())));
    }
    Ok(shows)
}

/// `street`, `street-2`, … where a video is named like a scene or like another video.
fn make_ids_unique(shows: &mut [(String, Show)]) {
    let mut taken = BTreeSet::new();
    for (id, _) in shows {
        let candidates = std::iter::once(id.clone()).chain((2..).map(|number| format!("{id}-{number}")));
        if let Some(free) = candidates.into_iter().find(|candidate| !taken.contains(candidate)) {
            *id = free;
        }
        taken.insert(id.clone());
    }
}

/// A file's name as one level of a topic, short enough for the console's column.
fn camera_id(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.chars().take(14).map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}

fn credentials(text: &str) -> anyhow::Result<Credentials> {
    let Some((username, password)) = text.split_once(':') else { bail!("--auth wants USER:PASSWORD") };
    Ok(Credentials { username: username.into(), password: Secret::new(password.into()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_cameras_have_one_id() {
        let mut shows: Vec<_> =
            ["a-2", "a", "a", "street", "street"].map(|id| (id.to_string(), Show::Video(PathBuf::new()))).into();
        make_ids_unique(&mut shows);
        let ids: Vec<_> = shows.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["a-2", "a", "a-3", "street", "street-2"]);
    }
}
