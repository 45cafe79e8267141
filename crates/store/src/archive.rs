//! Snapshots and clips in the state directory.

use std::{
    collections::HashMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sightline_core::{
    event::Event,
    plan::Retention,
    ports::{Archive, ClipRecord, SnapshotFile},
    time::WallTime,
};

use crate::{error::StoreError, folder, names, sidecar};

/// The core's [`Archive`] in a folder. One process at a time uses a folder.
pub struct FileArchive {
    snapshots: Kind,
    clips: Kind,
    /// The file of each object that has one, by camera and track. Only of this run: a later one counts tracks anew.
    latest: Mutex<HashMap<(String, u64), PathBuf>>,
}

/// One kind of files.
struct Kind {
    root: PathBuf,
    name: &'static str,
    /// The last try failed, and that has been told.
    is_failing: AtomicBool,
}

impl Kind {
    fn new(state_dir: &Path, name: &'static str) -> Self {
        Self { root: state_dir.join(name), name, is_failing: AtomicBool::new(false) }
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

impl FileArchive {
    /// In `state_dir`, which is made when there is something to keep. Removes what interrupted writes of an earlier run
    /// left there.
    #[must_use]
    pub fn open(state_dir: &Path) -> Self {
        let archive = Self {
            snapshots: Kind::new(state_dir, "snapshots"),
            clips: Kind::new(state_dir, "clips"),
            latest: Mutex::default(),
        };
        for kind in [&archive.snapshots, &archive.clips] {
            kind.note(remove_leftovers(&kind.root));
        }
        archive
    }

    /// Removes what a camera's plan does not allow at `now`; for the start, when nothing has been added yet. `None` stands
    /// for what the camera does not keep: what an earlier plan made it keep stays.
    pub fn tidy(&self, camera: &str, snapshots: Option<Retention>, clips: Option<Retention>, now: WallTime) {
        if let Some(files) = snapshots {
            self.snapshots.note(self.retain_snapshots(camera, files, now));
        }
        if let Some(files) = clips {
            self.clips.note(self.retain_clips(camera, files, now));
        }
    }

    fn try_keep_snapshot(
        &self,
        snapshot: &SnapshotFile<'_>,
        files: Retention,
        now: WallTime,
    ) -> Result<(), StoreError> {
        let SnapshotFile { camera, label, track, capture, jpeg } = *snapshot;
        let name = format!("{}-{}-{track}.jpg", names::time(capture), names::safe(label));
        let path = self.snapshots.folder(camera).join(name);
        folder::write(&path, jpeg)?;
        let earlier = self.lock_latest().insert((camera.to_owned(), track), path.clone());
        // After the new one is there: a crash in between leaves two and not none.
        if let Some(earlier) = earlier.filter(|earlier| *earlier != path) {
            folder::remove(&earlier)?;
        }
        self.retain_snapshots(camera, files, now)
    }

    fn retain_snapshots(&self, camera: &str, files: Retention, now: WallTime) -> Result<(), StoreError> {
        let removed = folder::retain(&self.snapshots.folder(camera), "jpg", files, now)?;
        // There are never more objects remembered than files kept.
        self.lock_latest().retain(|_, path| !removed.contains(path));
        Ok(())
    }

    fn try_finish_clip(&self, clip: &ClipRecord<'_>, files: Retention, now: WallTime) -> Result<(), StoreError> {
        folder::write(&sidecar_of(clip.path), &sidecar::content(clip))?;
        self.retain_clips(clip.camera, files, now)
    }

    fn retain_clips(&self, camera: &str, files: Retention, now: WallTime) -> Result<(), StoreError> {
        let removed = folder::retain(&self.clips.folder(camera), "mp4", files, now)?;
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

/// Temporary files in every camera's folder, and notes beside clips that are gone.
fn remove_leftovers(root: &Path) -> Result<(), StoreError> {
    for camera in folder::names_in(root)? {
        let camera = root.join(camera);
        if !camera.is_dir() {
            continue;
        }
        folder::remove_partial(&camera)?;
        for name in folder::names_in(&camera)? {
            let path = camera.join(&name);
            let is_note = path.extension() == Some(OsStr::new("json")) && names::time_of(&name).is_some();
            if is_note && !path.with_extension("mp4").exists() {
                folder::remove(&path)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
