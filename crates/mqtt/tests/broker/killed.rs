//! The broker dies without a word, again and again, with messages in flight, and remembers nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sightline_core::ports::EventSink;
use sightline_mqtt::ConnectionState;

use crate::support::{
    PATIENCE, assert_balanced,
    broker::{Access, Broker, plan},
    first_arrivals,
    link::Link,
    material::{EVENTS, event},
    quick, sequence_numbers, start, subscribe, until, until_connected, until_state, within,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_lost_and_first_arrivals_keep_their_order() {
    const KILLS: u64 = 4;
    let mut broker = Broker::start(Access::Anonymous);
    let mut gate = Link::closed(broker.port);
    gate.open().await;
    let mut subscription = subscribe(&broker.plan(), &[EVENTS]).await;
    let publisher = start(&plan(gate.port), quick());
    until_connected(&publisher).await;

    // A plain thread, as a camera's: about 2,000 events a second, until told to stop.
    let is_over = Arc::new(AtomicBool::new(false));
    let offered = Arc::new(AtomicU64::new(0));
    let offering = std::thread::spawn({
        let (publisher, is_over, offered) = (publisher.clone(), is_over.clone(), offered.clone());
        move || {
            while !is_over.load(Ordering::Relaxed) {
                publisher.offer(event(offered.fetch_add(1, Ordering::Relaxed)));
                std::thread::sleep(Duration::from_micros(500));
            }
        }
    });

    for _ in 0..KILLS {
        let before = publisher.event_figures().acknowledged;
        until("events to flow", || publisher.event_figures().acknowledged > before + 200).await;
        // Frozen first, so that there are messages in flight for certain when it dies.
        broker.freeze();
        until("events to pile up", || publisher.event_figures().waiting > 150).await;
        broker.kill();
        until_state(&publisher, |state| *state != ConnectionState::Connected).await;
        let mut subscribed = subscription.connection_state();
        within("the subscriber to notice", subscribed.wait_for(|s| *s != ConnectionState::Connected)).await.unwrap();

        // The subscriber comes first: what is published while it is away would be the broker's to keep, and it
        // keeps nothing.
        gate.close().await;
        broker.restart();
        subscription.granted(PATIENCE).await.unwrap();
        gate.open().await;
        until_connected(&publisher).await;
    }
    is_over.store(true, Ordering::Relaxed);
    offering.join().unwrap();
    let offered = offered.load(Ordering::Relaxed);

    let arrivals = first_arrivals(&mut subscription, usize::try_from(offered).unwrap()).await;
    assert_eq!(sequence_numbers(&arrivals), (0..offered).collect::<Vec<_>>());
    assert!(arrivals.iter().any(|event| event.replayed) && arrivals.iter().any(|event| !event.replayed));
    until("all acknowledgements", || publisher.event_figures().acknowledged == offered).await;
    assert!(publisher.counters().reconnects >= KILLS);
    assert_balanced(&publisher);
}
