//! Counting log lines in the unit tests.

use std::{cell::Cell, sync::Once};

use tracing::{Metadata, span};

thread_local! {
    /// Lines that this thread has logged.
    static LINES: Cell<usize> = const { Cell::new(0) };
}

/// One for all tests and from then on: with one for each test, a line that another thread logs for the first time at the
/// same moment is taken for one that nobody wishes.
struct Lines;

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
        LINES.set(LINES.get() + 1);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Runs `test`, which may ask how many lines its thread has logged so far.
pub(crate) fn counting_lines(test: impl FnOnce(&dyn Fn() -> usize)) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| tracing::subscriber::set_global_default(Lines).unwrap());
    let before = LINES.get();
    test(&|| LINES.get() - before);
}
