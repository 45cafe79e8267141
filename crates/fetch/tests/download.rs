//! A file comes complete and right, or not at all, whatever the line and the server do.
#![allow(clippy::unwrap_used, reason = "a test may; its helpers are tests too")]

mod server;

use std::{fs, path::Path, time::Duration};

use server::{Answer, Server};
use sha2::{Digest, Sha256};
use sightline_fetch::{Download, FetchError, Progress, download};
use tempfile::TempDir;

fn content() -> Vec<u8> {
    (0..300_000u32).flat_map(|value| value.to_le_bytes()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Try {
    folder: TempDir,
    progress: Vec<Progress>,
}

impl Try {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), progress: Vec::new() }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("file.zip")
    }

    fn partial(&self) -> std::path::PathBuf {
        self.folder.path().join("file.zip.part")
    }

    fn get(&mut self, url: &str, sha256: Option<&str>) -> Result<(), FetchError> {
        let file = self.file();
        let wish = Download { url, file: &file, sha256, most_bytes: 2_000_000, pause: Duration::ZERO };
        download(&wish, &mut |progress| self.progress.push(progress))
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn a_file_comes_whole_and_its_progress_is_told() {
    let server = Server::start(content(), &[Answer::File]);
    let mut attempt = Try::new();
    attempt.get(&server.url, Some(&sha256(&content()))).unwrap();
    assert_eq!(fs::read(attempt.file()).unwrap(), content());
    assert!(!attempt.partial().exists());
    assert_eq!(attempt.progress[0], Progress { received: 0, total: Some(1_200_000) });
    assert_eq!(attempt.progress.last().unwrap().received, 1_200_000);
    assert!(attempt.progress.is_sorted_by_key(|progress| progress.received));
}

#[test]
fn a_broken_connection_is_taken_up_where_it_ended() {
    let answers = [Answer::CutAfter(100_000), Answer::Status(503), Answer::CutAfter(50_000), Answer::File];
    let server = Server::start(content(), &answers);
    let mut attempt = Try::new();
    attempt.get(&server.url, Some(&sha256(&content()))).unwrap();
    assert_eq!(fs::read(attempt.file()).unwrap(), content());
    let ranges = server.ranges.lock().unwrap().clone();
    assert_eq!(ranges, ["", "bytes=100000-", "bytes=100000-", "bytes=150000-"]);
}

#[test]
fn a_later_call_continues_what_an_earlier_one_left() {
    let mut attempt = Try::new();
    let server = Server::start(content(), &[Answer::CutAfter(200_000), Answer::Status(500)]);
    let error = attempt.get(&server.url, Some(&sha256(&content()))).unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 500, .. }), "{error}");
    assert_eq!(fs::metadata(attempt.partial()).unwrap().len(), 200_000);
    let server = Server::start(content(), &[Answer::File]);
    attempt.get(&server.url, Some(&sha256(&content()))).unwrap();
    assert_eq!(server.ranges.lock().unwrap()[0], "bytes=200000-");
    assert_eq!(fs::read(attempt.file()).unwrap(), content());
}

#[test]
fn a_server_that_cannot_resume_sends_it_all_again() {
    let server = Server::start(content(), &[Answer::CutAfter(100_000), Answer::Whole]);
    let mut attempt = Try::new();
    attempt.get(&server.url, Some(&sha256(&content()))).unwrap();
    assert_eq!(fs::read(attempt.file()).unwrap(), content());
}

#[test]
fn a_beginning_of_another_file_is_thrown_away() {
    let server = Server::start(content(), &[Answer::File]);
    let mut attempt = Try::new();
    fs::write(attempt.partial(), b"something else").unwrap();
    attempt.get(&server.url, Some(&sha256(&content()))).unwrap();
    assert_eq!(fs::read(attempt.file()).unwrap(), content());
    assert_eq!(server.ranges.lock().unwrap()[..], ["bytes=14-", ""]);
}

#[test]
fn a_wrong_file_is_not_kept() {
    let server = Server::start(content(), &[Answer::File]);
    let mut attempt = Try::new();
    let error = attempt.get(&server.url, Some(&sha256(b"another"))).unwrap_err().to_string();
    assert!(error.contains(&sha256(&content())) && error.contains("nothing was kept"), "{error}");
    assert!(is_empty(attempt.folder.path()));
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let server = Server::start(vec![7; 2_000_001], &[Answer::File]);
    let mut attempt = Try::new();
    let error = attempt.get(&server.url, None).unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { most: 2_000_000, .. }), "{error}");
    assert!(!attempt.file().exists());
}

#[test]
fn what_is_not_there_is_asked_for_once() {
    let server = Server::start(content(), &[Answer::Status(404)]);
    let mut attempt = Try::new();
    let error = attempt.get(&server.url, None).unwrap_err().to_string();
    assert!(error.contains("the server answered 404"), "{error}");
    assert_eq!(server.ranges.lock().unwrap().len(), 1);
}

#[test]
fn a_password_in_the_address_is_not_told() {
    let mut attempt = Try::new();
    // Port 9 (discard) answers nowhere.
    let error = attempt.get("http://user:hunter2@127.0.0.1:9/a.zip?token=s3cret", None).unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(told.contains("127.0.0.1:9/a.zip"), "{told}");
    assert!(!told.contains("hunter2") && !told.contains("s3cret"), "{told}");
}

#[test]
fn an_address_must_be_of_the_web() {
    for url in ["ftp://127.0.0.1/x", "file:///etc/passwd", "models.zip", ""] {
        let error = Try::new().get(url, None).unwrap_err();
        assert!(matches!(error, FetchError::Address), "{url}: {error}");
    }
}
