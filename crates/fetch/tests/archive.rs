//! Members come out of archives, and damaged archives are told.
#![allow(clippy::unwrap_used, reason = "a test may; its helpers are tests too")]

use std::{fs::File, io::Write, path::Path};

use sightline_fetch::{FetchError, member};
use zip::write::SimpleFileOptions;

fn archive(path: &Path, members: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn a_member_is_found_by_its_file_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    archive(&path, &[("labelmap.txt", b"???\nperson\n"), ("model/detect.tflite", b"TFL3")]);
    assert_eq!(member(&path, "detect.tflite", 100).unwrap(), b"TFL3");
    let error = member(&path, "other.tflite", 100).unwrap_err();
    assert!(matches!(error, FetchError::NoMember { .. }), "{error}");
}

#[test]
fn a_member_that_unpacks_to_too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    archive(&path, &[("detect.tflite", &vec![0; 1_000_000])]);
    assert!(std::fs::metadata(&path).unwrap().len() < 10_000);
    let error = member(&path, "detect.tflite", 999_999).unwrap_err().to_string();
    assert!(error.contains("larger than 999999 bytes"), "{error}");
    assert_eq!(member(&path, "detect.tflite", 1_000_000).unwrap().len(), 1_000_000);
}

#[test]
fn a_truncated_or_altered_archive_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    let noise: Vec<u8> = (0..50_000u32).map(|value| (value.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    archive(&path, &[("detect.tflite", &noise)]);
    let whole = std::fs::read(&path).unwrap();
    for damaged in [whole[..whole.len() / 2].to_vec(), b"no archive at all".to_vec(), Vec::new(), {
        let mut altered = whole.clone();
        altered[whole.len() / 2] ^= 0xff;
        altered
    }] {
        std::fs::write(&path, damaged).unwrap();
        let error = member(&path, "detect.tflite", 100_000).unwrap_err();
        assert!(matches!(error, FetchError::Archive { .. }), "{error}");
    }
}
