//! Sessions that fail while they run: told once to whoever can replace them.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

/// So many batches in a row must fail: one bad batch may be a passing shortage of memory, a lost device fails them all.
pub(crate) const FAILURES_IN_A_ROW: u32 = 3;

/// Whether an engine's sessions fail. Shared by its workers.
#[derive(Debug, Default)]
pub struct Trouble {
    reason: OnceLock<String>,
    told: Arc<Notify>,
}

impl Trouble {
    /// No trouble yet; `told` is woken when there is.
    #[must_use]
    pub const fn new(told: Arc<Notify>) -> Self {
        Self { reason: OnceLock::new(), told }
    }

    /// Why the sessions fail, if they do.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.get().map(String::as_str)
    }

    /// A session fails and will go on failing. Only the first one is told.
    pub(crate) fn report(&self, reason: &str) {
        if self.reason.set(reason.to_owned()).is_ok() {
            self.told.notify_one();
        }
    }
}
