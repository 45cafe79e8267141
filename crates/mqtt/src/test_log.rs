//! Counting log lines in the unit tests.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tracing::{Metadata, span, subscriber::with_default};

struct Lines(Arc<AtomicUsize>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Runs `test`, which may ask how many lines were logged so far.
pub(crate) fn counting_lines(test: impl FnOnce(&dyn Fn() -> usize)) {
    let lines = Arc::new(AtomicUsize::new(0));
    let logged = lines.clone();
    with_default(Lines(lines), || test(&|| logged.load(Ordering::Relaxed)));
}
