//! A plan to running parts: engines, publishers, cameras.

use std::{path::Path, sync::Arc, time::Duration};

use sightline_core::{
    event::{NodeStatus, PipelineStatus, Retained, Ulid},
    objects::LabelRules,
    plan::{MqttPlan, PipelinePlan, Plan},
    ports::{EventSink, FrameSource},
    time::WallTime,
};
use sightline_media::JpegEncoder;
use sightline_mqtt::{MqttSettings, Publisher, PublisherHandle, memory::MemoryOutbox};
use sightline_pipeline::{
    clock::wall_now,
    engine::{Engine, EngineParts},
    runtime::{PipelineParts, Runtime, Surroundings},
    snapshots::SnapshotTaker,
    stamp::EventLog,
};
use sightline_store::{CameraFiles, FileArchive};
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::{
    failure::{Failure, Kind, OrFail},
    library,
    sources::Sources,
};

/// How long starting waits for the brokers' first answers. Cameras start in any case: events are kept.
const FIRST_ANSWER: Duration = Duration::from_secs(5);
/// SIGTERM to exit takes at most five seconds: this for the cameras and workers …
const RUNTIME_DEADLINE: Duration = Duration::from_millis(2800);
/// … and this for what is still to be published.
const FLUSH_DEADLINE: Duration = Duration::from_millis(1500);

/// A connection to a broker and what is published over it.
struct Broker {
    plan: MqttPlan,
    publisher: PublisherHandle,
    /// The run that its events' numbers count in.
    epoch: Ulid,
    events: Arc<EventLog>,
}

/// Everything that runs.
pub struct Daemon {
    runtime: Runtime,
    brokers: Vec<Broker>,
}

impl Daemon {
    /// Starts a plan: models first, then brokers, then cameras.
    ///
    /// # Errors
    /// When a model or its provider is not available, or a broker's certificates cannot be used. Cameras and brokers
    /// that cannot be reached are no errors: they are tried again.
    pub async fn start(plan: Plan, state_dir: &Path) -> Result<Self, Failure> {
        let since = wall_now();
        let cameras = plan.pipelines.iter().flat_map(|pipeline| &pipeline.cameras).map(|camera| &camera.spec);
        let sources: Arc<dyn FrameSource> = Sources::start(cameras).await?;
        // Opening sessions can take minutes on an accelerator; meanwhile a signal must still be heard.
        let plan = Arc::new(plan);
        let opening = tokio::task::spawn_blocking({
            let plan = plan.clone();
            move || start_engines(&plan.pipelines)
        });
        let (engines, engine_of) = opening.await.or_fail(Kind::Internal)??;
        let brokers = start_brokers(&plan.pipelines, since).await?;
        let parts = plan
            .pipelines
            .iter()
            .cloned()
            .zip(engine_of)
            .filter_map(|(plan, engine)| {
                let events = broker_of(&brokers, &plan.mqtt)?.events.clone();
                Some(PipelineParts { plan, engine: engines.get(engine)?.clone(), events })
            })
            .collect::<Vec<_>>();
        let mqtt_of_pipeline: Vec<MqttPlan> = parts.iter().map(|part| part.plan.mqtt.clone()).collect();
        let surroundings = surroundings(&plan, state_dir, sources).or_fail(Kind::Internal)?;
        let runtime = Runtime::start(parts, surroundings);
        publish_node_status(&brokers, runtime.pipelines(), &mqtt_of_pipeline, since);
        declare_topics(&brokers, &plan);
        Ok(Self { runtime, brokers })
    }

    /// Stops everything: sources, then workers, then brokers. Takes less than five seconds.
    pub async fn stop(self) {
        let stopped = self.runtime.stop(RUNTIME_DEADLINE).await;
        if !stopped.stragglers.is_empty() {
            warn!(stragglers = ?stopped.stragglers, "did not end in time");
        }
        for (camera, frames) in &stopped.balances {
            info!(%camera, decoded = frames.decoded, inferred = frames.inferred, dropped = frames.dropped(), "frames");
        }
        // All at once: brokers that do not answer must not add up to more than five seconds.
        let mut flushing = JoinSet::new();
        for broker in self.brokers {
            flushing.spawn(async move { broker.publisher.shutdown(FLUSH_DEADLINE).await });
        }
        // Each publisher says itself what it could not deliver.
        flushing.join_all().await;
    }
}

/// What keeps pictures and recordings, and removes those that are too many or too old.
fn surroundings(plan: &Plan, state_dir: &Path, source: Arc<dyn FrameSource>) -> std::io::Result<Surroundings> {
    let cameras = plan.pipelines.iter().flat_map(|pipeline| &pipeline.cameras).map(|camera| CameraFiles {
        camera: camera.spec.id.clone(),
        snapshots: camera.snapshots.as_ref().and_then(|snapshots| snapshots.files),
        clips: camera.clips.as_ref().map(|clips| clips.files),
    });
    let archive = Arc::new(FileArchive::open(state_dir, &cameras.collect::<Vec<_>>()));
    FileArchive::keep_tidy(&archive)?;
    let snapshots = SnapshotTaker::start(Arc::new(JpegEncoder), archive.clone())?;
    Ok(Surroundings { source, snapshots: Arc::new(snapshots), archive, stages: Arc::default() })
}

/// One engine per distinct pair of model and inference settings; for each pipeline the index of its own.
fn start_engines(pipelines: &[PipelinePlan]) -> Result<(Vec<Arc<Engine>>, Vec<usize>), Failure> {
    let mut first_users: Vec<&PipelinePlan> = Vec::new();
    let mut engine_of = Vec::new();
    for pipeline in pipelines {
        let same = |user: &&PipelinePlan| user.model == pipeline.model && user.inference == pipeline.inference;
        let index = first_users.iter().position(same).unwrap_or_else(|| {
            first_users.push(pipeline);
            first_users.len() - 1
        });
        engine_of.push(index);
    }
    let mut engines = Vec::new();
    for (index, user) in first_users.iter().enumerate() {
        let users = pipelines.iter().zip(&engine_of).filter(|(_, engine)| **engine == index);
        let cameras = users.map(|(pipeline, _)| pipeline.cameras.len()).sum();
        let sessions = library::open_for_cameras(&user.model, &user.inference, cameras)?;
        let parts = EngineParts {
            model: user.model.clone(),
            inference: user.inference.clone(),
            provider: sessions.provider,
            backends: sessions.backends,
            fixed_batch: sessions.fixed_batch,
            stages: Arc::default(),
        };
        engines.push(Engine::start(parts, &index.to_string()).or_fail(Kind::Internal)?);
    }
    Ok((engines, engine_of))
}

/// One connection per distinct broker, node and login. A broker that does not answer is waited for a moment only.
async fn start_brokers(pipelines: &[PipelinePlan], since: WallTime) -> Result<Vec<Broker>, Failure> {
    let mut plans: Vec<MqttPlan> = Vec::new();
    for pipeline in pipelines {
        match plans.iter_mut().find(|plan| is_same(plan, &pipeline.mqtt)) {
            Some(known) => known.detections |= pipeline.mqtt.detections,
            None => plans.push(pipeline.mqtt.clone()),
        }
    }
    let runtime = tokio::runtime::Handle::current();
    let mut brokers = Vec::new();
    for plan in plans {
        let outbox = Arc::new(MemoryOutbox::default());
        let publisher = Publisher::start(&plan, outbox, Arc::default(), MqttSettings::default(), &runtime);
        let publisher = publisher.or_fail(Kind::Config)?;
        let sink: Arc<dyn EventSink> = Arc::new(publisher.clone());
        // One per connection, or two brokers' events would be numbered alike.
        let epoch = Ulid::new(since, fastrand::u128(..));
        brokers.push(Broker { plan, publisher, epoch, events: Arc::new(EventLog::new(sink, epoch)) });
    }
    let until = tokio::time::Instant::now() + FIRST_ANSWER;
    for broker in &brokers {
        // The publisher logs the outcome; events are kept until the broker is there.
        let _ = tokio::time::timeout_at(until, broker.publisher.first_attempt()).await;
    }
    Ok(brokers)
}

/// Equal but for what each pipeline publishes over the connection.
fn is_same(one: &MqttPlan, other: &MqttPlan) -> bool {
    let other = MqttPlan { detections: one.detections, ..other.clone() };
    *one == other
}

fn broker_of<'a>(brokers: &'a [Broker], plan: &MqttPlan) -> Option<&'a Broker> {
    brokers.iter().find(|broker| is_same(&broker.plan, plan))
}

/// Tells each connection that all topics of this run are known, so that it clears what an earlier run left behind.
fn declare_topics(brokers: &[Broker], plan: &Plan) {
    for pipeline in &plan.pipelines {
        let Some(broker) = broker_of(brokers, &pipeline.mqtt) else { continue };
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
        let address = |plan: &MqttPlan| (plan.host.clone(), plan.port, plan.base_topic());
        let same = brokers.iter().filter(|other| address(&other.plan) == address(&broker.plan)).count();
        if same > 1 {
            // Each would take the other's topics for left-overs.
            let base = broker.plan.base_topic();
            warn!(base, "two connections publish under one base topic; what earlier runs left there is not cleared");
            continue;
        }
        broker.publisher.declared();
    }
}

fn publish_node_status(
    brokers: &[Broker],
    pipelines: &[PipelineStatus],
    mqtt_of_pipeline: &[MqttPlan],
    since: WallTime,
) {
    for broker in brokers {
        let own = pipelines.iter().zip(mqtt_of_pipeline).filter(|(_, mqtt)| is_same(&broker.plan, mqtt));
        broker.events.sink().retain(Retained::Node(NodeStatus {
            version: env!("CARGO_PKG_VERSION").to_string(),
            since,
            epoch: broker.epoch,
            pipelines: own.map(|(pipeline, _)| pipeline.clone()).collect(),
        }));
    }
}
