//! `sightline models pull` against a web server of this machine: whole, cut off, damaged, wrong; and without any.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Output,
};

use crate::support::{
    output, run, shared, sightline, stderr, stdout,
    web::{Answer, Server},
};

/// A zip archive as it is published, with that `detect.tflite` in it.
fn archive(tflite: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in [("labelmap.txt", &b"???\nperson\n"[..]), ("detect.tflite", tflite)] {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a member");
        zip.write_all(content).expect("written");
    }
    zip.finish().expect("an archive").into_inner()
}

fn pull(url: &str, out: &Path) -> Output {
    run(&["models", "pull", "--url", url, "--out", out.to_str().expect("UTF-8")])
}

/// Models of the folder: nothing hidden, nothing half written.
fn models(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut names: Vec<String> = entries
        .filter(|path| path.join("model.yaml").is_file())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn official(shared: &Path) -> Vec<u8> {
    std::fs::read(shared.join("models/detect.tflite")).expect("the official file")
}

const ALL: [&str; 3] = ["ssd-mobilenet-v1-coco", "ssd-mobilenet-v1-coco-int8", "ssd-mobilenet-v1-coco-int8-original"];

#[test]
fn the_model_is_there_after_a_broken_connection_and_detects() {
    let Some(shared) = shared("model_pull") else { return };
    let home = tempfile::tempdir().expect("a folder");
    let server = Server::start(archive(&official(&shared)), &[Answer::CutAfter(1_000_000), Answer::File]);
    let in_home = |arguments: &[&str]| {
        let mut command = sightline();
        command.args(arguments).env("XDG_DATA_HOME", home.path()).env("SIGHTLINE_MODELS", "");
        output(&mut command)
    };
    let pulled = in_home(&["models", "pull", "--url", &server.url]);
    assert!(pulled.status.success(), "{}", stderr(&pulled));
    assert_eq!(server.ranges.lock().expect("the list")[..], ["", "bytes=1000000-"]);
    assert_eq!(models(&home.path().join("sightline/models")), ALL);
    let manifests: Vec<PathBuf> = stdout(&pulled).lines().map(PathBuf::from).collect();
    assert!(manifests.len() == 3 && manifests.iter().all(|manifest| manifest.is_file()), "{manifests:?}");

    // By its plain name, as a pipeline would have it.
    let dog = shared.join("images/dog.jpg");
    let picture = if dog.exists() { dog } else { first_picture(&shared.join("images")) };
    let found = in_home(&["detect", "--model", "ssd-mobilenet-v1-coco-int8", picture.to_str().expect("UTF-8")]);
    assert!(found.status.success(), "{}", stderr(&found));
    assert!(stdout(&found).contains("\"label\""), "{}", stdout(&found));
}

fn first_picture(folder: &Path) -> PathBuf {
    let mut pictures: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("pictures").map(|entry| entry.expect("an entry").path()).collect();
    pictures.retain(|path| path.extension().is_some_and(|extension| extension == "jpg" || extension == "png"));
    pictures.sort();
    pictures.into_iter().next().expect("a picture")
}

#[test]
fn a_box_without_internet_takes_a_file() {
    let Some(shared) = shared("model_pull") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let zip = folder.path().join("fetched-elsewhere.zip");
    std::fs::write(&zip, archive(&official(&shared))).expect("written");
    for file in [zip, shared.join("models/detect.tflite")] {
        let out = folder.path().join(file.extension().expect("one"));
        let (file, out_name) = (file.to_str().expect("UTF-8"), out.to_str().expect("UTF-8"));
        let output = run(&["models", "pull", "ssd-mobilenet-v1-coco", "--from", file, "--out", out_name]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(models(&out), ALL);
    }
}

#[test]
fn what_is_not_the_published_file_is_refused_and_nothing_is_left() {
    let wrong_model = archive(b"\x10\0\0\0TFL3 another network");
    let damaged = {
        let mut bytes = archive(&vec![7; 100_000]);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        bytes
    };
    let empty_zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new())).finish().expect("an archive").into_inner();
    for (content, told) in [
        (wrong_model, "not the published detect.tflite"),
        (damaged, "is not a zip archive that can be read"),
        (empty_zip, "there is no detect.tflite in"),
        (b"<html>log in to this network</html>".to_vec(), "is not a zip archive that can be read"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(content, &[Answer::File]);
        let output = pull(&server.url, folder.path());
        assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
        assert!(stderr(&output).contains(told), "{told} in {}", stderr(&output));
        assert!(models(folder.path()).is_empty());
    }
}

#[test]
fn a_server_that_fails_is_exit_code_69_and_says_what_else_can_be_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(Vec::new(), &[Answer::Status(404)]);
    let output = pull(&server.url, folder.path());
    assert_eq!(output.status.code(), Some(69), "{}", stderr(&output));
    let text = stderr(&output);
    assert!(text.contains("the server answered 404") && text.contains("--from"), "{text}");
    assert!(models(folder.path()).is_empty());
}

#[test]
fn another_model_cannot_be_pulled() {
    let output = run(&["models", "pull", "yolo"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("ssd-mobilenet-v1-coco"), "{}", stderr(&output));
}
