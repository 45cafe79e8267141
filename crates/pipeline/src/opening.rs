//! A source is opened once at a time: an open that hangs keeps its thread, and a second one would keep another.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Marks that a source is being opened, until it is dropped.
pub struct Opening(Arc<AtomicBool>);

impl Opening {
    /// `None` when it is already.
    pub fn begin(is_opening: &Arc<AtomicBool>) -> Option<Self> {
        (!is_opening.swap(true, Ordering::AcqRel)).then(|| Self(is_opening.clone()))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_opened_once_at_a_time() {
        let is_opening = Arc::default();
        let first = Opening::begin(&is_opening);
        assert!(first.is_some() && Opening::begin(&is_opening).is_none());
        drop(first);
        assert!(Opening::begin(&is_opening).is_some(), "the hanging one has come to its end");
    }
}
