//! Snapshots and clips in the state directory.

use std::{
    collections::HashMap,
    convert::Infallible,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, SystemTime},
};

use sightline_core::{
    event::Event,
    plan::Retention,
    ports::{Archive, ClipRecord, SnapshotFile},
    time::WallTime,
};

use crate::{error::StoreError, folder, names, remembered, sidecar};

/// What clips end in; they alone have notes beside them.
const CLIP: &str = "mp4";
/// How often it is looked for what has become too old: a camera that sees nothing writes nothing.
const TIDY_INTERVAL: Duration = Duration::from_secs(3600);

/// The core's [`Archive`] in a folder. Processes whose cameras have different names may share one.
pub struct FileArchive {
    snapshots: Kind,
    clips: Kind,
    /// The file of each object that has one, by camera and track. Only of this run: a later one counts tracks anew.
    latest: Mutex<HashMap<(String, u64), PathBuf>>,
    /// Dropped with the archive, it ends the thread that tidies.
    housekeeping: OnceLock<mpsc::Sender<Infallible>>,
}

/// One kind of files.
struct Kind {
    root: PathBuf,
    name: &'static str,
    extension: &'static str,
    /// Of the folders of cameras that keep such files.
    planned: Mutex<HashMap<PathBuf, Retention>>,
    /// The last try failed, and that has been told.
    is_failing: AtomicBool,
}

impl Kind {
    fn new(state_dir: &Path, name: &'static str, extension: &'static str) -> Self {
        let root = state_dir.join(name);
        Self { root, name, extension, planned: Mutex::default(), is_failing: AtomicBool::new(false) }
    }

    fn set_cameras<'a>(&self, cameras: impl Iterator<Item = (&'a str, Option<Retention>)>) {
        let planned = cameras.filter_map(|(camera, files)| Some((self.folder(camera), files?))).collect();
        *self.planned.lock().unwrap_or_else(PoisonError::into_inner) = planned;
    }

    fn planned(&self, folder: &Path) -> Option<Retention> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).get(folder).copied()
    }

    fn folder(&self, camera: &str) -> PathBuf {
        self.root.join(names::safe(camera))
    }

    /// Tells once that something went wrong, and once that it works again: a full disk stays full for a while.
    fn note(&self, result: Result<(), StoreError>) {
        let name = self.name;
        match result {
            Err(error) if !self.is_failing.swap(true, Ordering::Relaxed) => {
                tracing::error!(%error, "{name} are not kept until it works again");
            }
            Ok(()) if self.is_failing.swap(false, Ordering::Relaxed) => tracing::info!("{name} are kept again"),
            _ => {}
        }
    }
}

/// What the plan lets one camera keep; `None`: it keeps none of these.
#[derive(Clone, Debug)]
pub struct CameraFiles {
    /// The camera.
    pub camera: Arc<str>,
    /// Its snapshots.
    pub snapshots: Option<Retention>,
    /// Its clips.
    pub clips: Option<Retention>,
}

impl FileArchive {
    /// In `state_dir`, which is made when there is something to keep. Touches no file.
    #[must_use]
    pub fn open(state_dir: &Path, cameras: &[CameraFiles]) -> Self {
        let archive = Self {
            snapshots: Kind::new(state_dir, "snapshots", "jpg"),
            clips: Kind::new(state_dir, "clips", CLIP),
            latest: Mutex::default(),
            housekeeping: OnceLock::new(),
        };
        archive.set_cameras(cameras);
        archive
    }

    /// From now on by these cameras' plans: after a reload. Touches no file; the next tidying does.
    pub fn set_cameras(&self, cameras: &[CameraFiles]) {
        self.snapshots.set_cameras(cameras.iter().map(|it| (&*it.camera, it.snapshots)));
        self.clips.set_cameras(cameras.iter().map(|it| (&*it.camera, it.clips)));
    }

    /// Tidies at once and then every hour, on a thread of its own that ends with the archive.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn keep_tidy(archive: &Arc<Self>) -> io::Result<()> {
        Self::tidy_every(archive, TIDY_INTERVAL)
    }

    fn tidy_every(archive: &Arc<Self>, interval: Duration) -> io::Result<()> {
        let (alive, ended) = mpsc::channel();
        let weak = Arc::downgrade(archive);
        let run = move || {
            while let Some(archive) = weak.upgrade() {
                archive.tidy(WallTime::from_system(SystemTime::now()));
                drop(archive);
                if ended.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("tidy".into()).spawn(run)?;
        // One thread is enough: a second one ends here.
        let _ = archive.housekeeping.set(alive);
        Ok(())
    }

    /// Removes from every camera's folder what is not allowed at `now`, and what interrupted writes left. A camera of which
    /// no such files are kept now, or which is not known, is held to what its folder was allowed last. Blocks.
    pub fn tidy(&self, now: WallTime) {
        for kind in [&self.snapshots, &self.clips] {
            // That it works says nothing about writing, so it ends no failure that has been told.
            if let Err(error) = self.tidy_kind(kind, now) {
                kind.note(Err(error));
            }
        }
        // Somebody else may have removed files, too.
        self.lock_latest().retain(|_, path| path.exists());
    }

    /// Goes through all folders and returns the first error.
    fn tidy_kind(&self, kind: &Kind, now: WallTime) -> Result<(), StoreError> {
        let folders = folder::names_in(&kind.root)?.into_iter().map(|camera| kind.root.join(camera));
        let results = folders.filter(|folder| folder.is_dir()).map(|folder| self.tidy_folder(kind, &folder, now));
        results.fold(Ok(()), Result::and)
    }

    fn tidy_folder(&self, kind: &Kind, folder: &Path, now: WallTime) -> Result<(), StoreError> {
        folder::remove_partial(folder, now)?;
        match kind.planned(folder) {
            Some(files) => {
                remembered::remember(folder, files)?;
                self.retain(kind, folder, files, now)?;
            }
            None => self.retain(kind, folder, remembered::of(folder)?, now)?,
        }
        if kind.extension == CLIP { remove_lone_notes(folder) } else { Ok(()) }
    }

    fn try_keep_snapshot(
        &self,
        snapshot: &SnapshotFile<'_>,
        files: Retention,
        now: WallTime,
    ) -> Result<(), StoreError> {
        let SnapshotFile { camera, label, track, capture, jpeg } = *snapshot;
        let folder = self.snapshots.folder(camera);
        let path = folder.join(format!("{}-{}-{track}.jpg", names::time(capture), names::safe(label)));
        folder::write(&path, jpeg)?;
        let earlier = self.lock_latest().insert((camera.to_owned(), track), path.clone());
        // After the new one is there: a crash in between leaves two and not none.
        if let Some(earlier) = earlier.filter(|earlier| *earlier != path) {
            folder::remove(&earlier)?;
        }
        remembered::remember(&folder, files)?;
        self.retain(&self.snapshots, &folder, files, now)
    }

    fn try_finish_clip(&self, clip: &ClipRecord<'_>, files: Retention, now: WallTime) -> Result<(), StoreError> {
        folder::write(&sidecar_of(clip.path), &sidecar::content(clip))?;
        let folder = self.clips.folder(clip.camera);
        remembered::remember(&folder, files)?;
        self.retain(&self.clips, &folder, files, now)
    }

    fn retain(&self, kind: &Kind, folder: &Path, files: Retention, now: WallTime) -> Result<(), StoreError> {
        let removed = folder::retain(folder, kind.extension, files, now)?;
        if !removed.is_empty() {
            self.lock_latest().retain(|_, path| !removed.contains(path));
        }
        if kind.extension != CLIP {
            return Ok(());
        }
        removed.iter().try_for_each(|clip| folder::remove(&sidecar_of(clip)))
    }

    fn lock_latest(&self) -> std::sync::MutexGuard<'_, HashMap<(String, u64), PathBuf>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Archive for FileArchive {
    fn keep_snapshot(&self, snapshot: &SnapshotFile<'_>, files: Retention, now: WallTime) {
        self.snapshots.note(self.try_keep_snapshot(snapshot, files, now));
    }

    fn clip_path(&self, event: &Event) -> PathBuf {
        let (time, kind) = (names::time(event.change.time.capture), event.change.kind.name());
        self.clips.folder(&event.origin.camera).join(format!("{time}-{kind}-{}.mp4", event.id))
    }

    fn clip_finished(&self, clip: &ClipRecord<'_>, files: Retention, now: WallTime) {
        self.clips.note(self.try_finish_clip(clip, files, now));
    }
}

fn sidecar_of(clip: &Path) -> PathBuf {
    clip.with_extension("json")
}

/// Removes notes beside clips that are gone. A clip is there before its note.
fn remove_lone_notes(folder: &Path) -> Result<(), StoreError> {
    for name in folder::names_in(folder)? {
        let path = folder.join(&name);
        let is_note = path.extension() == Some(OsStr::new("json")) && names::time_of(&name).is_some();
        if is_note && !path.with_extension(CLIP).exists() {
            folder::remove(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
