//! One folder of files whose names begin with their time.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use sightline_core::{
    plan::Retention,
    ports::{is_partial, partial_path},
    time::WallTime,
};

use crate::{error::StoreError, names};

/// An incomplete file that nobody has written to for so long is nobody's any more. Of another process's, which may well use
/// the same folder, none is as old: a clip takes minutes.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// Writes a file that appears under its name when it is complete, folder and all.
pub fn write(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let partial = partial_path(path);
    let written = try_write(path, &partial, content);
    if written.is_err() {
        // What there is of it would take the room that it lacks.
        let _ = fs::remove_file(&partial);
    }
    written.map_err(StoreError::when("write", path))
}

fn try_write(path: &Path, partial: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(partial)?;
    file.write_all(content)?;
    // The name comes after the content is on the disk, or a power cut would leave an empty file under it.
    file.sync_all()?;
    fs::rename(partial, path)
}

/// Removes a file; that it is gone already is no error.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::when("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes what `files` does not allow at `now`: the oldest first. A file is a name that begins with a time and ends in
/// `extension`; others are not ours and stay. Its age is that of its last modification: the time in its name is the
/// camera's, whose clock may be wrong. Returns what was removed.
pub fn retain(folder: &Path, extension: &str, files: Retention, now: WallTime) -> Result<Vec<PathBuf>, StoreError> {
    let mut kept = Vec::new();
    for name in names_in(folder)? {
        let is_ours = Path::new(&name).extension().is_some_and(|it| it == extension) && names::time_of(&name).is_some();
        if let Some(written) = is_ours.then(|| written(&folder.join(&name))).transpose()?.flatten() {
            kept.push((written, name));
        }
    }
    kept.sort();
    let too_many = kept.len().saturating_sub(files.max_files);
    let oldest_allowed = before(now, files.max_age);
    let goes = |(index, (written, _)): &(usize, (WallTime, String))| *index < too_many || *written < oldest_allowed;
    let mut removed = Vec::new();
    for (_, (_, name)) in kept.into_iter().enumerate().filter(goes) {
        let path = folder.join(name);
        remove(&path)?;
        removed.push(path);
    }
    Ok(removed)
}

/// Removes what interrupted writes left in `folder`: what nobody has written to for [`ABANDONED_AFTER`].
pub fn remove_partial(folder: &Path, now: WallTime) -> Result<(), StoreError> {
    for name in names_in(folder)?.iter().filter(|name| is_partial(name)) {
        let path = folder.join(name);
        if written(&path)?.is_some_and(|written| written < before(now, ABANDONED_AFTER)) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// When a file was last modified; `None` when it is gone.
fn written(path: &Path) -> Result<Option<WallTime>, StoreError> {
    match fs::symlink_metadata(path).and_then(|metadata| metadata.modified()) {
        Ok(time) => Ok(Some(WallTime::from_system(time))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::when("read", path)(error)),
    }
}

fn before(now: WallTime, span: Duration) -> WallTime {
    now.minus_micros(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))
}

/// The names in a folder; none when there is no such folder.
pub fn names_in(folder: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(StoreError::when("read", folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        // Ours are all readable text.
        names.extend(entry.map_err(StoreError::when("read", folder))?.file_name().into_string().ok());
    }
    Ok(names)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    fn at(hour: i64) -> WallTime {
        WallTime::from_micros(1_700_000_000_000_000 + hour * 3_600_000_000)
    }

    fn filled(hours: std::ops::Range<i64>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        // Not in the order of time: no file system promises one.
        for hour in hours.rev() {
            let path = folder.path().join(format!("{}-person-{hour}.jpg", names::time(at(hour))));
            write(&path, b"jpeg").unwrap();
            set_written(&path, at(hour));
        }
        folder
    }

    pub fn set_written(path: &Path, time: WallTime) {
        let time = std::time::UNIX_EPOCH + Duration::from_micros(u64::try_from(time.as_micros()).unwrap());
        File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    }

    fn left(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = names_in(folder).unwrap();
        names.sort();
        names.iter().map(|name| name.rsplit('-').next().unwrap().replace(".jpg", "")).collect()
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let folder = filled(0..5);
        let files = Retention { max_files: 2, max_age: 1000 * HOUR };
        let removed = retain(folder.path(), "jpg", files, at(5)).unwrap();
        assert_eq!(removed.len(), 3);
        assert_eq!(left(folder.path()), ["3", "4"]);
        assert!(retain(folder.path(), "jpg", files, at(5)).unwrap().is_empty());
    }

    #[test]
    fn what_is_too_old_goes_and_what_is_from_the_future_stays() {
        let folder = filled(0..5);
        let files = Retention { max_files: 100, max_age: HOUR };
        retain(folder.path(), "jpg", files, at(3)).unwrap();
        assert_eq!(left(folder.path()), ["2", "3", "4"]);
        retain(folder.path(), "jpg", files, at(100)).unwrap();
        assert!(left(folder.path()).is_empty());
    }

    /// Its pictures are named by its clock, which is a day slow and then set right.
    #[test]
    fn a_camera_with_a_wrong_clock_loses_nothing_of_what_was_just_written() {
        let folder = tempfile::tempdir().unwrap();
        for (number, (named, written)) in [(10, 0), (-24, 1), (-23, 2), (3, 3)].into_iter().enumerate() {
            let path = folder.path().join(format!("{}-person-{number}.jpg", names::time(at(named))));
            write(&path, b"jpeg").unwrap();
            set_written(&path, at(written));
        }
        retain(folder.path(), "jpg", Retention { max_files: 100, max_age: 2 * HOUR }, at(3)).unwrap();
        assert_eq!(left(folder.path()), ["1", "2", "3"], "what was written two hours ago stays");
        retain(folder.path(), "jpg", Retention { max_files: 1, max_age: 2 * HOUR }, at(3)).unwrap();
        assert_eq!(left(folder.path()), ["3"], "written last, whatever its name says");
    }

    #[test]
    fn files_of_others_stay() {
        let folder = filled(0..3);
        for other in ["notes.jpg", "20231114T221320.123Z-person-1.png", "README"] {
            std::fs::write(folder.path().join(other), "mine").unwrap();
        }
        retain(folder.path(), "jpg", Retention { max_files: 1, max_age: HOUR }, at(100)).unwrap();
        assert_eq!(names_in(folder.path()).unwrap().len(), 3);
    }

    #[test]
    fn a_file_replaces_one_of_its_name_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/a.jpg");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names_in(path.parent().unwrap()).unwrap(), ["a.jpg"]);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_and_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        // A full disk.
        std::os::unix::fs::symlink("/dev/full", partial_path(&path)).unwrap();
        let error = write(&path, b"content").unwrap_err().to_string();
        assert!(error.contains("a.jpg") && error.contains("disk full"), "{error}");
        assert!(names_in(folder.path()).unwrap().is_empty());
    }

    #[test]
    fn leftovers_are_removed_and_what_is_being_written_stays() {
        let folder = filled(0..1);
        let (abandoned, being_written) = (folder.path().join("a.mp4"), folder.path().join("b.mp4"));
        for (path, minute) in [(abandoned, 0), (being_written, 1)] {
            fs::write(partial_path(&path), "half").unwrap();
            set_written(&partial_path(&path), before(at(0), MINUTE * (1 - minute)));
        }
        remove_partial(folder.path(), at(1)).unwrap();
        assert_eq!(left(folder.path()), [".b.mp4.part", "0"]);
        remove_partial(&folder.path().join("missing"), at(1)).unwrap();
    }
}
