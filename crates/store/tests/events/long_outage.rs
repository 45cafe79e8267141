//! However long the broker is away, memory holds a window of its events, and order is kept.

use sightline_store::StoreSettings;

use crate::support::{close, deliver, open_with, outbox, push_all, until};

const SETTINGS: fn() -> StoreSettings = || StoreSettings { window: 50, ..StoreSettings::default() };

#[test]
fn what_is_beyond_the_window_is_read_back_in_order_while_more_comes_in() {
    let state = tempfile::tempdir().unwrap();
    let store = open_with(state.path(), SETTINGS());
    let outbox_ = outbox(&store);
    push_all(&*outbox_, 0..1000);
    until("all to be written", || outbox_.figures().waiting == 1000 && outbox_.figures().oldest.is_some());
    let mut delivered = Vec::new();
    for seq in 1000..1500 {
        push_all(&*outbox_, [seq]);
        delivered.extend(deliver(&*outbox_, 2));
    }
    delivered.extend(deliver(&*outbox_, 500));
    assert_eq!(delivered, (0..1500).collect::<Vec<_>>());
    assert!(outbox_.take().is_none());
    close(&store);
}

#[test]
fn the_next_process_reads_it_back_as_well() {
    let state = tempfile::tempdir().unwrap();
    for (taken, expected) in [(0, 0..0), (700, 0..700), (300, 700..1000), (0, 0..0)] {
        let store = open_with(state.path(), SETTINGS());
        let outbox_ = outbox(&store);
        if expected == (0..0) && taken == 0 && outbox_.newest() == 0 {
            push_all(&*outbox_, 0..1000);
        }
        assert_eq!(deliver(&*outbox_, taken), expected.collect::<Vec<_>>());
        close(&store);
    }
}
