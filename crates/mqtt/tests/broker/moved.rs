//! A reload after which the broker is at another address.

use sightline_core::ports::EventSink;

use crate::support::{
    assert_balanced,
    broker::{Access, Broker},
    first_arrivals,
    material::{AVAILABLE, COUNT, EVENTS, count, event},
    next_on, quick,
    raw::until_kept,
    sequence_numbers, start, subscribe, until, until_connected,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_one_hears_offline_and_the_new_one_everything() {
    let (old, new) = (Broker::start(Access::Anonymous), Broker::start(Access::Anonymous));
    let mut at_old = subscribe(&old.plan(), &[AVAILABLE]).await;
    let mut at_new = subscribe(&new.plan(), &[EVENTS]).await;
    let publisher = start(&old.plan(), quick());
    publisher.retain(count(3));
    until_connected(&publisher).await;
    assert_eq!(&next_on(&mut at_old, AVAILABLE).await.payload[..], b"online");
    publisher.offer(event(0));
    until("the old one to have the first event", || publisher.event_figures().acknowledged == 1).await;

    publisher.renew(&new.plan()).unwrap();
    assert_eq!(&next_on(&mut at_old, AVAILABLE).await.payload[..], b"offline");
    publisher.offer(event(1));
    assert_eq!(sequence_numbers(&first_arrivals(&mut at_new, 1).await), [1]);
    until_kept(new.port, &[AVAILABLE, COUNT]).await;
    until_connected(&publisher).await;
    assert_balanced(&publisher);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_old_one_left_unacknowledged_goes_to_the_new_one() {
    let (old, new) = (Broker::start(Access::Anonymous), Broker::start(Access::Anonymous));
    let mut at_new = subscribe(&new.plan(), &[EVENTS]).await;
    let publisher = start(&old.plan(), quick());
    until_connected(&publisher).await;
    // Hung: the usual reason to move.
    old.freeze();
    for seq in 0..50 {
        publisher.offer(event(seq));
    }
    publisher.renew(&new.plan()).unwrap();
    assert_eq!(sequence_numbers(&first_arrivals(&mut at_new, 50).await), (0..50).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.event_figures().acknowledged == 50).await;
    assert_balanced(&publisher);
    old.thaw();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_listener_of_the_same_broker_shows_online_in_the_end() {
    let mut broker = Broker::prepared(Access::Anonymous, None);
    let second = crate::support::broker::free_port();
    broker.configure(&format!("listener {second} 127.0.0.1\nallow_anonymous true"));
    broker.restart();
    let publisher = start(&broker.plan(), quick());
    publisher.retain(count(3));
    until_kept(broker.port, &[AVAILABLE, COUNT]).await;
    let mut availability = subscribe(&broker.plan(), &[AVAILABLE]).await;
    assert_eq!(&next_on(&mut availability, AVAILABLE).await.payload[..], b"online");

    publisher.renew(&crate::support::broker::plan(second)).unwrap();
    for said in ["offline", "online"] {
        assert_eq!(&next_on(&mut availability, AVAILABLE).await.payload[..], said.as_bytes());
    }
    publisher.declared();
    until_kept(broker.port, &[AVAILABLE, COUNT]).await;
}
