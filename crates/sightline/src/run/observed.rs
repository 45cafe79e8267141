//! The daemon as it is seen from outside: the operations endpoint's side of it. Nothing here waits for the daemon.

use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use sightline_core::{
    execution::PassedOver,
    histogram::StageTimes,
    operations::{BrokerReport, CameraReport, DaemonStatus, MetricFamily, Operations, ReloadError, ReloadReport},
    outbox::{EventQuery, History, HistoryError, RecordedEvent},
    plan::Plan,
    time::WallTime,
};
use sightline_mqtt::ConnectionState;
use sightline_pipeline::runtime::{Roster, RunningPipeline};
use sightline_store::EventStore;
use tokio::sync::{mpsc, oneshot};

use super::{
    brokers::{self, Broker},
    engines::RunningEngine,
    liveness::Liveness,
    metrics,
};

/// What can be looked at while everything runs.
pub struct Observed {
    /// The cameras.
    pub roster: Roster,
    /// The history.
    pub store: Arc<EventStore>,
    /// How long each stage takes.
    pub stages: Arc<StageTimes>,
    /// When the daemon started.
    pub since: WallTime,
    /// What a reload replaces.
    pub in_force: RwLock<InForce>,
}

/// The plan and what it led to.
pub struct InForce {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Its pipelines, in its order.
    pub pipelines: Vec<RunningPipeline>,
    /// Connections to brokers.
    pub brokers: Vec<Arc<Broker>>,
    /// Models in memory.
    pub engines: Vec<RunningEngine>,
}

/// Somebody wishes a reload, and waits for what comes of it.
pub type ReloadRequest = oneshot::Sender<Result<ReloadReport, ReloadError>>;

/// Answers operators.
pub struct Operator {
    observed: Arc<Observed>,
    liveness: Arc<Liveness>,
    reloads: mpsc::Sender<ReloadRequest>,
}

impl Operator {
    /// Hands reloads on to `reloads`.
    pub const fn new(observed: Arc<Observed>, liveness: Arc<Liveness>, reloads: mpsc::Sender<ReloadRequest>) -> Self {
        Self { observed, liveness, reloads }
    }
}

impl Operations for Operator {
    fn alive(&self) -> Result<(), String> {
        self.liveness.check()
    }

    fn not_ready(&self) -> Vec<String> {
        let in_force = self.observed.in_force.read();
        let mut reasons = Vec::new();
        for RunningEngine { engine, .. } in &in_force.engines {
            let (model, execution) = (&engine.model.name, engine.execution());
            for PassedOver { provider, reason } in &execution.passed_over {
                reasons.push(format!("{model} runs on {}; {provider} was wished: {reason}", execution.provider));
            }
            if let Some(reason) = engine.failure() {
                reasons.push(format!("{model} fails on {}: {reason}", execution.provider));
            }
        }
        for broker in &in_force.brokers {
            let state = broker.publisher.connection_state().borrow().clone();
            if state != ConnectionState::Connected {
                reasons.push(format!("broker {}: {state}", broker.name()));
            }
        }
        reasons
    }

    fn status(&self) -> DaemonStatus {
        let not_ready = self.not_ready();
        let in_force = self.observed.in_force.read();
        let InForce { plan, pipelines, brokers, .. } = &*in_force;
        let node = |broker| brokers::node_status(broker, pipelines, &plan.pipelines, self.observed.since);
        DaemonStatus {
            nodes: brokers.iter().map(|broker| node(broker)).collect(),
            brokers: brokers.iter().map(|broker| report(broker)).collect(),
            ready: not_ready.is_empty(),
            not_ready,
        }
    }

    fn cameras(&self) -> Vec<CameraReport> {
        let cameras = self.observed.roster.read().clone();
        let report = |camera: &Arc<sightline_pipeline::camera::Camera>| {
            let status = camera.current_status();
            let work = camera.work.read();
            CameraReport {
                id: camera.id().clone(),
                pipeline: work.pipeline.name.clone(),
                source: camera.spec.source.to_string(),
                model: work.pipeline.engine.model.name.clone(),
                provider: work.pipeline.engine.execution().provider.name().to_string(),
                status,
            }
        };
        cameras.iter().map(report).collect()
    }

    fn metrics(&self) -> Vec<MetricFamily> {
        metrics::collect(&self.observed)
    }

    fn events(&self, query: &EventQuery) -> Result<Vec<RecordedEvent>, HistoryError> {
        self.observed.store.events(query)
    }

    fn config(&self) -> Arc<Plan> {
        self.observed.in_force.read().plan.clone()
    }

    fn reload(&self) -> Result<ReloadReport, ReloadError> {
        let refused = |message: &str| ReloadError { message: message.to_string() };
        let (answer, answered) = oneshot::channel();
        self.reloads.try_send(answer).map_err(|_| refused("a reload is under way already; try again"))?;
        answered.blocking_recv().unwrap_or_else(|_| Err(refused("the daemon is stopping")))
    }
}

fn report(broker: &Broker) -> BrokerReport {
    let state = broker.publisher.connection_state().borrow().clone();
    BrokerReport {
        broker: broker.name(),
        base_topic: broker.plan.base_topic(),
        state: state.code(),
        code: state.reason().map(|reason| reason.code().as_str()),
        message: state.reason().map(ToString::to_string),
        reconnects: broker.publisher.counters().reconnects,
        outbox: broker.publisher.event_figures(),
    }
}

/// How long the oldest event has waited.
pub fn oldest_age(broker: &Broker, now: WallTime) -> Duration {
    broker.publisher.event_figures().oldest.map_or(Duration::ZERO, |oldest| now.saturating_since(oldest))
}
