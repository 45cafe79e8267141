//! Connections to brokers: one per distinct broker and node, shared by all pipelines that wish the same.

use std::{sync::Arc, time::Duration};

use sightline_core::{
    event::{NodeStatus, Retained, Ulid},
    histogram::StageTimes,
    objects::LabelRules,
    outbox::Outbox,
    plan::{MqttPlan, PipelinePlan, Plan},
    ports::EventSink,
    time::WallTime,
};
use sightline_mqtt::{MqttSettings, Publisher, PublisherHandle};
use sightline_pipeline::{runtime::RunningPipeline, stamp::EventLog};
use sightline_store::{Destination, EventStore, moves};
use tokio::task::JoinSet;

use crate::failure::{Failure, Kind, OrFail};

/// How long starting waits for the brokers' first answers. Cameras start in any case: events are kept.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// A connection to a broker and what is published over it.
pub struct Broker {
    /// How it is reached. `detections` is what any of its pipelines wishes.
    pub plan: MqttPlan,
    /// The connection.
    pub publisher: PublisherHandle,
    /// Numbers its events.
    pub events: Arc<EventLog>,
    /// The run that its events' numbers count in.
    epoch: Ulid,
}

impl Broker {
    /// Host and port.
    pub fn name(&self) -> String {
        destination(&self.plan).broker
    }
}

/// The connections that `plan` wishes, each once.
fn wished(plan: &Plan) -> Vec<MqttPlan> {
    let mut plans: Vec<MqttPlan> = Vec::new();
    for pipeline in &plan.pipelines {
        match plans.iter_mut().find(|plan| is_same(plan, &pipeline.mqtt)) {
            Some(known) => known.detections |= pipeline.mqtt.detections,
            None => plans.push(pipeline.mqtt.clone()),
        }
    }
    plans
}

/// Whether certificates and keys of `plan` can be used.
///
/// # Errors
/// When they cannot.
pub fn check(plan: &Plan) -> Result<(), Failure> {
    wished(plan).iter().try_for_each(sightline_mqtt::check).or_fail(Kind::Config)
}

/// The connections that `plan` wishes: those of `running` that it goes on wishing, and new ones.
///
/// # Errors
/// When certificates or keys cannot be used. A broker that cannot be reached is no error: it is tried again.
pub fn open(
    plan: &Plan,
    running: &[Arc<Broker>],
    store: &EventStore,
    stages: &Arc<StageTimes>,
    since: WallTime,
) -> Result<Vec<Arc<Broker>>, Failure> {
    let wished = wished(plan);
    let held: Vec<_> = running.iter().map(|broker| destination(&broker.plan)).collect();
    let moves = moves(&held, &wished.iter().map(destination).collect::<Vec<_>>());
    let known: Vec<_> = wished
        .iter()
        .enumerate()
        .map(|(index, plan)| {
            let from = moves.iter().find(|(_, to)| *to == index).and_then(|(from, _)| running.get(*from));
            from.or_else(|| of(running, plan))
        })
        .collect();
    // What runs keeps its outbox until it has been shut down.
    let is_left = |broker: &&Arc<Broker>| !known.iter().flatten().any(|known| Arc::ptr_eq(known, broker));
    let left = running.iter().filter(is_left).map(|broker| &broker.plan);
    let claimed: Vec<_> = wished.iter().chain(left).map(|plan| (destination(plan), plan.outbox)).collect();
    let outboxes = store.outboxes(&claimed);
    let mut brokers = Vec::new();
    for ((plan, known), outbox) in wished.iter().zip(known).zip(outboxes) {
        brokers.push(match known {
            Some(known) => go_on(known, plan.clone())?,
            None => start(plan.clone(), outbox, stages, since)?,
        });
    }
    Ok(brokers)
}

fn start(
    plan: MqttPlan,
    outbox: Arc<dyn Outbox>,
    stages: &Arc<StageTimes>,
    since: WallTime,
) -> Result<Arc<Broker>, Failure> {
    let runtime = tokio::runtime::Handle::current();
    let publisher = Publisher::start(&plan, outbox, stages.clone(), MqttSettings::default(), &runtime);
    let publisher = publisher.or_fail(Kind::Config)?;
    let sink: Arc<dyn EventSink> = Arc::new(publisher.clone());
    // One per connection, or two brokers' events would be numbered alike.
    let epoch = Ulid::new(since, fastrand::u128(..));
    let events = Arc::new(EventLog::new(sink, epoch));
    Ok(Arc::new(Broker { plan, publisher, events, epoch }))
}

/// The same connection with other settings, be it to another address: its outbox and the numbers of its events go on.
fn go_on(known: &Arc<Broker>, plan: MqttPlan) -> Result<Arc<Broker>, Failure> {
    if known.plan == plan {
        return Ok(known.clone());
    }
    if !is_same(&known.plan, &plan) || (&known.plan.credentials, &known.plan.tls) != (&plan.credentials, &plan.tls) {
        known.publisher.renew(&plan).or_fail(Kind::Config)?;
    }
    known.publisher.set_detections(plan.detections);
    let Broker { publisher, events, epoch, .. } = &**known;
    Ok(Arc::new(Broker { plan, publisher: publisher.clone(), events: events.clone(), epoch: *epoch }))
}

/// Gives up the outboxes of connections that are no longer there: what still waits in them is kept for a later start.
pub fn release_outboxes(brokers: &[Arc<Broker>], store: &EventStore) {
    let claimed: Vec<_> = brokers.iter().map(|broker| (destination(&broker.plan), broker.plan.outbox)).collect();
    // They are in use already: claiming them again releases the others.
    drop(store.outboxes(&claimed));
}

/// Waits a moment for every broker's first answer.
pub async fn first_answers(brokers: &[Arc<Broker>]) {
    let until = tokio::time::Instant::now() + FIRST_ANSWER;
    for broker in brokers {
        // The publisher logs the outcome; events are kept until the broker is there.
        let _ = tokio::time::timeout_at(until, broker.publisher.first_attempt()).await;
    }
}

/// Shuts connections down, all at once: brokers that do not answer must not add up.
pub async fn shut_down(brokers: Vec<Arc<Broker>>, deadline: Duration) {
    let mut flushing = JoinSet::new();
    for broker in brokers {
        flushing.spawn(async move { broker.publisher.shutdown(deadline).await });
    }
    // Each publisher says itself what it could not deliver.
    flushing.join_all().await;
}

/// Whether they go to the same topics of the same broker. Of one configuration their other settings are the same then, but
/// for what each pipeline publishes: `config` refuses anything else.
fn is_same(one: &MqttPlan, other: &MqttPlan) -> bool {
    destination(one) == destination(other)
}

/// The one of `brokers` that serves `plan`.
pub fn of<'a>(brokers: &'a [Arc<Broker>], plan: &MqttPlan) -> Option<&'a Arc<Broker>> {
    brokers.iter().find(|broker| is_same(&broker.plan, plan))
}

fn destination(plan: &MqttPlan) -> Destination {
    Destination { broker: format!("{}:{}", plan.host, plan.port), base_topic: plan.base_topic() }
}

/// Tells each connection that all topics of this plan are known, so that it clears what an earlier one left behind.
pub fn declare_topics(brokers: &[Arc<Broker>], plan: &Plan) {
    for pipeline in &plan.pipelines {
        let Some(broker) = of(brokers, &pipeline.mqtt) else { continue };
        for camera in &pipeline.cameras {
            if !camera.snapshots.as_ref().is_some_and(|snapshots| snapshots.publish) {
                continue;
            }
            let rules = LabelRules::new(&pipeline.model.labels, &camera.labels, pipeline.detection.score_threshold);
            for label in rules.names() {
                broker.publisher.own_snapshot(&camera.spec.id, label);
            }
        }
    }
    for broker in brokers {
        broker.publisher.declared();
    }
}

/// The node's status, as its connection gets it.
pub fn node_status(
    broker: &Broker,
    pipelines: &[RunningPipeline],
    plans: &[PipelinePlan],
    since: WallTime,
) -> NodeStatus {
    let own = pipelines.iter().zip(plans).filter(|(_, plan)| is_same(&broker.plan, &plan.mqtt));
    NodeStatus {
        version: env!("CARGO_PKG_VERSION").to_string(),
        since,
        epoch: broker.epoch,
        pipelines: own.map(|(pipeline, _)| pipeline.status()).collect(),
    }
}

/// Publishes the status of the node over every connection.
pub fn publish_node_status(
    brokers: &[Arc<Broker>],
    pipelines: &[RunningPipeline],
    plans: &[PipelinePlan],
    since: WallTime,
) {
    for broker in brokers {
        broker.events.sink().retain(Retained::Node(node_status(broker, pipelines, plans, since)));
    }
}
