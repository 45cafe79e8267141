use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{test_events::event, test_log::counting_lines};

fn taken(outbox: &MemoryOutbox) -> Vec<(EventKey, u64)> {
    std::iter::from_fn(|| outbox.take()).map(|(key, event)| (key, event.seq)).collect()
}

#[test]
fn each_event_is_handed_out_once_in_order_and_counted_until_acknowledged() {
    let outbox = MemoryOutbox::default();
    assert_eq!((outbox.newest(), outbox.figures()), (0, OutboxFigures::default()));
    for seq in 10..13 {
        assert_eq!(outbox.push(event(seq)), Offered::Accepted);
    }
    assert_eq!(taken(&outbox), [(1, 10), (2, 11), (3, 12)]);
    assert_eq!((outbox.newest(), outbox.figures().waiting), (3, 3));
    let oldest = outbox.figures().oldest.unwrap();
    for _ in 0..2 {
        outbox.acknowledge(2);
    }
    outbox.acknowledge(99);
    let figures = outbox.figures();
    assert_eq!((figures.offered, figures.acknowledged, figures.waiting), (3, 1, 2));
    assert_eq!((figures.oldest, figures.is_on_disk), (Some(oldest), false));
    outbox.acknowledge(1);
    outbox.acknowledge(3);
    let figures = outbox.figures();
    assert_eq!((figures.waiting, figures.waiting_bytes, figures.oldest), (0, 0, None));
}

#[test]
fn when_full_the_oldest_makes_room_and_what_was_handed_out_is_left_alone() {
    let outbox = MemoryOutbox::new(3, usize::MAX);
    outbox.push(event(0));
    assert_eq!(taken(&outbox), [(1, 0)]);
    for seq in 1..4 {
        assert_eq!(outbox.push(event(seq)), Offered::Accepted);
    }
    assert_eq!(outbox.push(event(4)), Offered::AcceptedDisplacingOldest);
    let figures = outbox.figures();
    assert_eq!((figures.displaced_memory, figures.displaced(), figures.waiting), (1, 1, 4));
    assert_eq!(taken(&outbox), [(3, 2), (4, 3), (5, 4)]);
}

#[test]
fn the_bytes_bound_holds_and_the_newest_is_always_kept() {
    let one = footprint(&event(0));
    let outbox = MemoryOutbox::new(usize::MAX, 5 * one);
    for seq in 0..20 {
        outbox.push(event(seq));
    }
    assert_eq!(outbox.figures().waiting_bytes, 5 * one as u64);
    assert_eq!(taken(&outbox).iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [15, 16, 17, 18, 19]);
    let tiny = MemoryOutbox::new(usize::MAX, 1);
    tiny.push(event(0));
    tiny.push(event(1));
    assert_eq!(taken(&tiny), [(2, 1)]);
}

#[test]
fn displacing_is_logged_once_at_its_begin_and_once_at_its_end() {
    counting_lines(|lines| {
        let outbox = MemoryOutbox::new(10, usize::MAX);
        for episode in 1..=3 {
            for seq in 0..100 {
                outbox.push(event(seq));
            }
            assert_eq!(lines(), 2 * episode - 1);
            taken(&outbox);
            assert_eq!(lines(), 2 * episode);
        }
        assert_eq!(outbox.figures().displaced_memory, 3 * 90);
    });
}

#[test]
fn whoever_waits_is_woken_and_may_take_from_there() {
    let outbox = Arc::new(MemoryOutbox::default());
    let wakings = Arc::new(AtomicUsize::new(0));
    outbox.on_ready({
        let (outbox, wakings) = (Arc::downgrade(&outbox), wakings.clone());
        Arc::new(move || {
            assert!(outbox.upgrade().unwrap().take().is_some());
            wakings.fetch_add(1, Ordering::Relaxed);
        })
    });
    outbox.push(event(0));
    outbox.push(event(1));
    assert_eq!(wakings.load(Ordering::Relaxed), 2);
}
