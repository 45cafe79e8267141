//! A file that is no OpenVINO C library, or not all of one, is an error and not the process's end. Each is tried in a process
//! of its own: what the loader did not survive could not be told otherwise, and a process has one environment.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod openvino_support;

use std::{
    path::Path,
    process::{Command, Output},
};

use openvino_support::tell;
use sightline_infer::openvino_library;

/// What the process of its own does; nothing to be run for itself.
#[test]
#[ignore = "run by the others in processes of their own"]
fn load_and_say() {
    for _ in 0..2 {
        match openvino_library::load() {
            Ok(library) => println!("LOADED {}", library.name()),
            Err(error) => println!("REFUSED {error}"),
        }
    }
}

fn load_in_a_process(executable: &Path, variable: &str, current_folder: &Path) -> Output {
    Command::new(executable)
        .args(["--exact", "load_and_say", "--ignored", "--nocapture"])
        .env("SIGHTLINE_OPENVINO", variable)
        .env_remove("INTEL_OPENVINO_DIR")
        .env_remove("LD_LIBRARY_PATH")
        .current_dir(current_folder)
        .output()
        .unwrap()
}

/// Lines of the process that came to its end.
#[track_caller]
fn said(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}: {text}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    text.lines().filter(|line| line.contains("LOADED ") || line.contains("REFUSED ")).map(str::to_owned).collect()
}

#[test]
fn a_broken_library_is_refused_with_its_path_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let executable = std::env::current_exe().unwrap();
    let mut files = vec![(folder.path().join("absent.so"), "No such file")];
    let text = folder.path().join("text.so");
    std::fs::write(&text, "not a library").unwrap();
    files.push((text, "it is no shared library"));
    // The C library is one that every computer has, and it knows nothing of OpenVINO.
    let places = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib64/libc.so.6"];
    let libc = places.iter().map(Path::new).find(|path| path.exists()).unwrap();
    files.push((libc.to_path_buf(), "it has no ov_get_openvino_version"));
    if let Ok((whole, _)) = openvino_library::locate() {
        let bytes = std::fs::read(whole).unwrap();
        for (name, length) in [("half.so", bytes.len() / 2), ("most.so", bytes.len() / 10 * 9), ("start.so", 4096)] {
            let part = folder.path().join(name);
            std::fs::write(&part, &bytes[..length]).unwrap();
            files.push((part, "it is cut off after"));
        }
        // Whole, but without the libraries that it needs beside it: the loader's own words.
        let lonely = folder.path().join("libopenvino_c.so");
        std::fs::write(&lonely, &bytes).unwrap();
        files.push((lonely, "cannot open shared object file"));
    } else {
        tell("SKIPPED: no OpenVINO to cut off; run `make setup-openvino`");
    }
    for (path, reason) in files {
        let lines = said(&load_in_a_process(&executable, path.to_str().unwrap(), folder.path()));
        assert_eq!(lines.len(), 2, "{lines:?}");
        for line in lines {
            println!("{line}");
            for part in ["REFUSED OpenVINO at", path.to_str().unwrap(), "(SIGHTLINE_OPENVINO) cannot be used", reason] {
                assert!(line.contains(part), "{part} is not in: {line}");
            }
        }
    }
}

#[test]
fn a_folder_may_be_named_instead_of_the_file() {
    let Ok((library, _)) = openvino_library::locate() else {
        tell("SKIPPED: no OpenVINO to name; run `make setup-openvino`");
        return;
    };
    let folder = library.parent().unwrap();
    let executable = std::env::current_exe().unwrap();
    let lines = said(&load_in_a_process(&executable, folder.to_str().unwrap(), Path::new("/")));
    assert!(lines.len() == 2 && lines.iter().all(|line| line.contains("LOADED OpenVINO 20")), "{lines:?}");
}

#[test]
fn without_a_library_the_folders_are_told_and_where_to_get_one() {
    // Far from the project's runtime folder.
    let folder = tempfile::tempdir().unwrap();
    let far = folder.path().join("bin/test");
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    std::fs::copy(std::env::current_exe().unwrap(), &far).unwrap();
    let lines = said(&load_in_a_process(&far, "", folder.path()));
    if lines.iter().any(|line| line.contains("LOADED ")) {
        tell("SKIPPED: OpenVINO is installed in this system");
        return;
    }
    for part in ["no OpenVINO", ".runtime/openvino/lib", "lib/sightline/openvino", "make setup-openvino"] {
        assert!(lines[0].contains(part), "{part} is not in: {}", lines[0]);
    }
}
