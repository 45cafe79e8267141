//! A library that cannot be loaded leaves the process able to load one that can. In a file of its own, as a process
//! loads one library only.

mod support;

use std::path::Path;

use sightline_infer::{InferError, library};

#[test]
fn a_failed_load_can_be_tried_again_and_a_good_one_stays() {
    let nowhere = Path::new("/nowhere/libonnxruntime.so");
    for _ in 0..2 {
        let error = library::load(Some(nowhere)).unwrap_err();
        assert!(matches!(error, InferError::LibraryUnusable { .. }), "{error}");
    }
    if !support::has_runtime() {
        return;
    }
    let first = library::load(None).unwrap();
    assert!(!first.build_info.is_empty());
    println!("{first:?}");
    let second = library::load(Some(nowhere)).unwrap();
    assert_eq!(first.path, second.path);
}
