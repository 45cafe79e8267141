//! The handle that the rest of the program holds.

use std::{sync::Arc, time::Duration};

use sightline_core::{
    event::{Event, FrameDetections, Retained},
    histogram::StageTimes,
    outbox::{Outbox, OutboxFigures},
    plan::MqttPlan,
    ports::{EventSink, Offered},
};
use tokio::{runtime::Handle, sync::watch, task::AbortHandle, time::Instant};

use crate::{
    connection_state::ConnectionState, counters::PublisherCounters, error::MqttError, options::Connector,
    queues::Queues, session::Session, settings::MqttSettings, topics::Topics,
};

/// Publishes one node's events, detections and retained values.
pub struct Publisher;

impl Publisher {
    /// Starts the one task that owns the connection, on `runtime` (with its I/O and time drivers), and returns at
    /// once. The task tries to connect until [`PublisherHandle::shutdown`], or until the last handle is dropped; then
    /// the broker publishes the last will.
    ///
    /// `outbox` is this publisher's alone. What it hands out stays here until the broker has it, and is handed out
    /// again only by the next process: a second publisher on the same outbox would miss it. Deliveries are recorded in
    /// `stages`.
    ///
    /// # Errors
    /// When certificates or key of the plan cannot be used. A broker that cannot be reached is no error here but a
    /// [`ConnectionState`].
    pub fn start(
        plan: &MqttPlan,
        outbox: Arc<dyn Outbox>,
        stages: Arc<StageTimes>,
        settings: MqttSettings,
        runtime: &Handle,
    ) -> Result<PublisherHandle, MqttError> {
        let connector = Connector::new(plan, "", &settings)?;
        let broker = connector.peer.broker.clone();
        let queues = Queues::new(outbox, stages, Topics::new(plan), plan.detections, broker, &settings);
        let queues = Arc::new(queues);
        let (state_sender, state) = watch::channel(ConnectionState::Connecting);
        let (stop, stop_receiver) = watch::channel(None);
        let (done_sender, done) = watch::channel(None);
        let (renewals, renewals_receiver) = watch::channel(None);
        let session = Session::new(
            connector,
            renewals_receiver,
            queues.clone(),
            settings.clone(),
            state_sender,
            stop_receiver,
            done_sender,
        );
        let task = runtime.spawn(session.run()).abort_handle();
        Ok(PublisherHandle { shared: Arc::new(Shared { queues, settings, renewals, state, stop, done, task }) })
    }
}

/// What a shutdown left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Events that the broker has not acknowledged. A durable outbox keeps them for the next process.
    pub events_left: u64,
    /// `offline` was published and the broker was told goodbye; else its last will says `offline`.
    pub disconnected_cleanly: bool,
}

struct Shared {
    queues: Arc<Queues>,
    settings: MqttSettings,
    renewals: watch::Sender<Option<Connector>>,
    state: watch::Receiver<ConnectionState>,
    stop: watch::Sender<Option<Instant>>,
    done: watch::Receiver<Option<ShutdownReport>>,
    task: AbortHandle,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A publisher's handle: cheap to clone; its [`EventSink`] methods never block and may be called from any thread.
#[derive(Clone)]
pub struct PublisherHandle {
    shared: Arc<Shared>,
}

impl EventSink for PublisherHandle {
    /// After the shutdown a durable outbox still takes events, for the next process; otherwise they are refused.
    fn offer(&self, event: Event) -> Offered {
        self.shared.queues.events.offer(event)
    }

    /// Refused while not connected, and while detections are not wished.
    fn offer_detections(&self, detections: FrameDetections) -> Offered {
        self.shared.queues.offer_detections(detections)
    }

    fn retain(&self, value: Retained) {
        self.shared.queues.retain(value);
    }

    /// The camera is gone, or comes back with other labels, zones or lines: its retained topics are ours no longer,
    /// unless they get a value ([`EventSink::retain`]) or are owned ([`PublisherHandle::own_snapshot`]) before the next
    /// [`PublisherHandle::declared`], which clears the others on the broker. A topic that is owned again is never cleared in
    /// between; one that gets the value it has is not even published again. To be called when the camera's old task
    /// has retained its last value, else that one is owned again.
    fn renounce(&self, camera: &str) {
        self.shared.queues.renounce(camera);
    }
}

impl PublisherHandle {
    /// The connection's state, now and whenever it changes.
    #[must_use]
    pub fn connection_state(&self) -> watch::Receiver<ConnectionState> {
        self.shared.state.clone()
    }

    /// What it has done so far: one consistent snapshot.
    #[must_use]
    pub fn counters(&self) -> PublisherCounters {
        self.shared.queues.counters()
    }

    /// What became of its events: the outbox's figures, and what was refused after the end.
    #[must_use]
    pub fn event_figures(&self) -> OutboxFigures {
        self.shared.queues.events.figures()
    }

    /// Whether frames' detections are published from now on, whatever the plan said at the start.
    pub fn set_detections(&self, is_wished: bool) {
        self.shared.queues.wish_detections(is_wished);
    }

    /// Snapshots of `label` may be published for `camera`: what an earlier run left there stays until there is a newer
    /// one, because it is still the last object's.
    pub fn own_snapshot(&self, camera: &str, label: &str) {
        self.shared.queues.own(self.shared.queues.topics.snapshot(camera, label));
    }

    /// Everything that this run owns has been declared: each retained topic has got a value ([`EventSink::retain`]), or
    /// is a snapshot's ([`Self::own_snapshot`]). From now on, on each connection, what the broker keeps of an earlier
    /// run under this node and this run does not own (a camera, label, zone or line that is gone from the
    /// configuration) is cleared. Without this call nothing is. What is retained later is owned from then on.
    ///
    /// Called again, it also clears what was renounced and not owned again ([`EventSink::renounce`]).
    ///
    /// No other node may have the same prefix and name: the two would clear each other's topics.
    pub fn declared(&self) {
        self.shared.queues.declared();
    }

    /// Connects anew, at once, with the address, the login and the certificates of `plan`, and goes on where it was: for a
    /// reload after which only these differ. Subscribers see no `offline` unless the broker refuses; those of a broker that
    /// is left for another address do.
    ///
    /// # Errors
    /// When certificates or key of the plan cannot be used; nothing changes then.
    pub fn renew(&self, plan: &MqttPlan) -> Result<(), MqttError> {
        let connector = Connector::new(plan, "", &self.shared.settings)?;
        self.shared.renewals.send_replace(Some(connector));
        Ok(())
    }

    /// Waits until the first attempt to connect has succeeded or failed, and says which.
    pub async fn first_attempt(&self) -> ConnectionState {
        let mut state = self.shared.state.clone();
        let is_decided = |state: &ConnectionState| *state != ConnectionState::Connecting;
        match state.wait_for(is_decided).await {
            Ok(decided) => decided.clone(),
            Err(_) => ConnectionState::Stopped,
        }
    }

    /// Sends what is left (trying to connect if need be), publishes `offline` and disconnects; at `deadline` from now
    /// at the latest it gives up. What is offered afterwards is refused. Every call waits for the same end.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        let wished = Instant::now() + deadline;
        self.shared.stop.send_if_modified(|at| {
            let is_sooner = at.is_none_or(|at| wished < at);
            if is_sooner {
                *at = Some(wished);
            }
            is_sooner
        });
        let mut done = self.shared.done.clone();
        if let Ok(report) = done.wait_for(Option::is_some).await
            && let Some(report) = *report
        {
            return report;
        }
        // The task is gone without a word: its runtime was shut down.
        ShutdownReport { events_left: self.shared.queues.close().waiting, disconnected_cleanly: false }
    }
}
