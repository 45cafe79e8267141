//! The first sessions of a process are opened by many at once. In a file of its own, as ONNX Runtime hears of our operators only
//! once in a process. Where two may tell it at the same moment, this fails in about one run of ten.

mod support;

use std::sync::Barrier;

const THREADS: usize = 16;

#[test]
fn nobody_is_refused() {
    if !support::has_runtime() {
        return;
    }
    // So that nobody is held up by it.
    sightline_infer::library::load(None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let spec = support::tiny::raw_model(folder.path());
    let together = Barrier::new(THREADS);
    let opened = std::thread::scope(|scope| {
        let open = || {
            together.wait();
            support::open_on_cpu(&spec).map(drop)
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(opened.iter().all(Result::is_ok), "{opened:?}");
}
