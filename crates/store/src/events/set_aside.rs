//! What becomes of a database that cannot be used: it is kept under another name, for whoever wants to look.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use sightline_core::time::WallTime;

use crate::{error::StoreError, folder, names};

/// What SQLite keeps beside a database: its write-ahead log and that log's index.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];
/// So many are kept; the oldest goes.
const KEPT: usize = 3;

/// Renames `database` and its companions to `<name>.damaged-<time>…`, so that SQLite finds them together, and removes
/// what is too many. Nobody may have it open. Returns the new name.
pub fn set_aside(database: &Path, now: WallTime) -> Result<PathBuf, StoreError> {
    let aside = free_name(database, now);
    rename(database, &aside)?;
    for companion in COMPANIONS {
        rename(&with_suffix(database, companion), &with_suffix(&aside, companion))?;
    }
    remove_oldest(database)?;
    Ok(aside)
}

/// Two within a millisecond are two.
fn free_name(database: &Path, now: WallTime) -> PathBuf {
    let later = |millis: i64| WallTime::from_micros(now.as_micros().saturating_add(millis * 1000));
    let name = |millis| with_suffix(database, &format!(".damaged-{}", names::time(later(millis))));
    (0..).map(name).find(|name| !name.exists()).unwrap_or_else(|| name(0))
}

/// That there is no such file is no error.
fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::when("rename", from)(error)),
        _ => Ok(()),
    }
}

fn remove_oldest(database: &Path) -> Result<(), StoreError> {
    let Some((state_dir, name)) = database.parent().zip(database.file_name().and_then(OsStr::to_str)) else {
        return Ok(());
    };
    let prefix = format!("{name}.damaged-");
    let is_main = |name: &String| name.starts_with(&prefix) && !COMPANIONS.iter().any(|it| name.ends_with(it));
    let mut aside: Vec<String> = folder::names_in(state_dir)?.into_iter().filter(is_main).collect();
    // Names are in the order of time.
    aside.sort();
    for name in aside.iter().take(aside.len().saturating_sub(KEPT)) {
        let path = state_dir.join(name);
        for companion in COMPANIONS {
            folder::remove(&with_suffix(&path, companion))?;
        }
        folder::remove(&path)?;
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> WallTime {
        WallTime::from_micros((1_700_000_000 + second) * 1_000_000)
    }

    #[test]
    fn the_newest_three_are_kept_with_their_companions() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("events.sqlite3");
        fs::write(folder.path().join("unrelated.damaged-1"), "stays").unwrap();
        for second in 0..5 {
            for suffix in ["", "-wal", "-shm"] {
                fs::write(with_suffix(&database, suffix), second.to_string()).unwrap();
            }
            set_aside(&database, at(second)).unwrap();
        }
        let mut names = folder::names_in(folder.path()).unwrap();
        names.sort();
        let times = ["20231114T221322.000Z", "20231114T221323.000Z", "20231114T221324.000Z"];
        let of = |time| ["", "-shm", "-wal"].map(|suffix| format!("events.sqlite3.damaged-{time}{suffix}"));
        let mut expected: Vec<String> = times.into_iter().flat_map(of).collect();
        expected.push("unrelated.damaged-1".into());
        assert_eq!(names, expected);
        let newest = folder.path().join("events.sqlite3.damaged-20231114T221324.000Z");
        assert_eq!(fs::read_to_string(newest).unwrap(), "4");
    }

    #[test]
    fn two_at_one_moment_are_both_kept() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("events.sqlite3");
        for content in ["first", "second"] {
            fs::write(&database, content).unwrap();
            let aside = set_aside(&database, at(0)).unwrap();
            assert_eq!(fs::read_to_string(aside).unwrap(), content);
        }
    }
}
