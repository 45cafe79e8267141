//! A link on which messages take seconds. (Not longer than a keep-alive interval, behind which nobody hears the pings.)

use sightline_core::ports::EventSink;

use crate::support::{
    assert_balanced,
    broker::{Access, Broker, plan},
    first_arrivals,
    link::{Fault, Link},
    material::{COUNT, EVENTS, count, event, snapshot},
    next_on, quick, sequence_numbers, start, subscribe, until,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_in_order_and_the_connection_holds() {
    let broker = Broker::start(Access::Anonymous);
    let link = Link::to(broker.port, Fault::Slow(100_000)).await;
    let mut events = subscribe(&broker.plan(), &[EVENTS]).await;
    let mut counts = subscribe(&broker.plan(), &[COUNT]).await;
    let publisher = start(&plan(link.port), quick());
    for seq in 0..300 {
        publisher.offer(event(seq));
    }
    publisher.retain(snapshot("person", 150_000));
    publisher.retain(count(1));
    assert_eq!(&next_on(&mut counts, COUNT).await.payload[..], b"1");
    let arrivals = first_arrivals(&mut events, 300).await;
    assert_eq!(sequence_numbers(&arrivals), (0..300).collect::<Vec<_>>());
    until("all acknowledgements", || publisher.event_figures().acknowledged == 300).await;
    publisher.retain(count(2));
    assert_eq!(&next_on(&mut counts, COUNT).await.payload[..], b"2", "the picture is through");
    assert_eq!(publisher.counters().reconnects, 0, "{:?}", publisher.counters());
    assert_balanced(&publisher);
}
