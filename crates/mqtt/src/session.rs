//! The one task that owns the connection: `run` until told to stop, `serve` retries, `run_once` works.

use std::{fmt, sync::Arc, time::Duration};

use rumqttc::{AsyncClient, Event, EventLoop, Incoming, LastWill, QoS};
use sightline_core::recovery::Recovery;
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    backoff::{Backoff, random_bits},
    error::MqttError,
    options::Connector,
    publisher::ShutdownReport,
    queues::Queues,
    session::connection::{CHANNEL, Connection, Progress},
    settings::MqttSettings,
    topics::OFFLINE,
};

mod connection;
mod sweep;

/// A connection that held for so long was a good one: the next wait is short again.
const HELD: Duration = Duration::from_secs(10);

/// What is known of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// The first attempt is under way.
    Connecting,
    /// The broker has accepted us.
    Connected,
    /// The broker answers, and refuses us; tried again seldom.
    Refused {
        /// Why.
        reason: MqttError,
    },
    /// There is no connection; tried again.
    Down {
        /// Why.
        reason: MqttError,
    },
    /// The publisher has ended.
    Stopped,
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Connected => f.write_str("connected"),
            Self::Refused { reason } | Self::Down { reason } => reason.fmt(f),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

impl From<MqttError> for ConnectionState {
    fn from(reason: MqttError) -> Self {
        if reason.is_refusal() { Self::Refused { reason } } else { Self::Down { reason } }
    }
}

/// Logs and publishes a new state, once per change.
pub(crate) fn report(sender: &watch::Sender<ConnectionState>, broker: &str, state: &ConnectionState) {
    let has_changed = sender.send_if_modified(|current| {
        let is_new = current != state;
        if is_new {
            *current = state.clone();
        }
        is_new
    });
    if !has_changed {
        return;
    }
    match state {
        ConnectionState::Connected => tracing::info!(broker, "connected to the MQTT broker"),
        ConnectionState::Refused { reason } | ConnectionState::Down { reason } => tracing::warn!(broker, "{reason}"),
        ConnectionState::Connecting | ConnectionState::Stopped => {}
    }
}

/// Two speeds of retrying, chosen by the error.
pub(crate) struct Retry {
    soon: Backoff,
    seldom: Backoff,
}

impl Retry {
    pub(crate) const fn new(settings: &MqttSettings) -> Self {
        Self { soon: Backoff::new(settings.backoff), seldom: Backoff::new(settings.slow_backoff) }
    }

    /// The wait after `error` ended a connection, or an attempt, begun at `began`.
    pub(crate) fn wait_after(&mut self, error: &MqttError, began: Instant) -> Duration {
        if matches!(error, MqttError::Lost { .. }) && began.elapsed() >= HELD {
            self.soon.reset();
            self.seldom.reset();
        }
        match error.recovery() {
            Recovery::Retry => self.soon.next_wait(random_bits()),
            _ => self.seldom.next_wait(random_bits()),
        }
    }
}

/// Everything the task owns. Dropping it, be it at the end, by an abort or by a panic, closes the queues and tells
/// everybody who waits.
pub(crate) struct Session {
    connector: Connector,
    queues: Arc<Queues>,
    settings: MqttSettings,
    state: watch::Sender<ConnectionState>,
    stop: watch::Receiver<Option<Instant>>,
    done: watch::Sender<Option<ShutdownReport>>,
    disconnected_cleanly: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        let report =
            ShutdownReport { events_left: self.queues.close(), disconnected_cleanly: self.disconnected_cleanly };
        if report.events_left > 0 {
            let (broker, left) = (&self.connector.peer.broker, report.events_left);
            tracing::warn!(broker, left, "events were left undelivered at the end");
        }
        self.state.send_replace(ConnectionState::Stopped);
        self.done.send_replace(Some(report));
    }
}

impl Session {
    pub(crate) fn new(
        mut connector: Connector,
        queues: Arc<Queues>,
        settings: MqttSettings,
        state: watch::Sender<ConnectionState>,
        stop: watch::Receiver<Option<Instant>>,
        done: watch::Sender<Option<ShutdownReport>>,
    ) -> Self {
        let will = LastWill::new(queues.topics.available(), OFFLINE, QoS::AtLeastOnce, true);
        connector.options.set_last_will(will);
        Self { connector, queues, settings, state, stop, done, disconnected_cleanly: false }
    }

    /// Runs until stopped, and not past the stop's deadline.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        tokio::select! {
            () = self.serve() => {}
            () = deadline_passed(stop) => {}
        }
    }

    async fn serve(&mut self) {
        let mut retry = Retry::new(&self.settings);
        loop {
            let began = Instant::now();
            let Err(error) = self.run_once().await else { return };
            let wait = retry.wait_after(&error, began);
            let is_refused = error.recovery() != Recovery::Retry;
            report(&self.state, &self.connector.peer.broker, &error.into());

            let was_stopping = self.is_stopping();
            tokio::select! {
                () = sleep(wait), if !(was_stopping && is_refused) => {}
                () = stop_requested(self.stop.clone()), if !was_stopping || is_refused => {}
            }
            // A refusal will not turn into a welcome within a shutdown's few seconds.
            if self.is_stopping() && (is_refused || self.queues.has_no_events()) {
                return;
            }
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// One connection from CONNECT to its end. `Ok` when stopped and nothing is left to do.
    async fn run_once(&mut self) -> Result<(), MqttError> {
        // A fresh client each time: neither its channel nor its state can carry anything over from the last one.
        let (client, mut event_loop) = AsyncClient::new(self.connector.options.clone(), CHANNEL);
        event_loop.set_network_options(self.connector.network.clone());
        tokio::select! {
            connected = connect(&mut event_loop, &self.connector) => connected?,
            () = stopped_without_events(self.stop.clone(), &self.queues) => return Ok(()),
        }

        self.queues.connected();
        report(&self.state, &self.connector.peer.broker, &ConnectionState::Connected);
        let mut connection = Connection::new(client, self.queues.clone(), &self.connector.peer, &self.settings);
        let outcome = self.drive(&mut connection, &mut event_loop).await;
        // Acknowledgements that arrived together with the end of the connection are still good.
        for event in event_loop.state.events.drain(..) {
            if connection.on_event(&event).is_err() {
                break;
            }
        }
        connection.ended();
        outcome
    }

    async fn drive(&mut self, connection: &mut Connection, event_loop: &mut EventLoop) -> Result<(), MqttError> {
        loop {
            connection.submit_what_is_due()?;
            // One poll future runs to its end while more is submitted: dropping it between rumqttc's bookkeeping and
            // its write would lose a packet that it then waits for.
            let poll = event_loop.poll();
            tokio::pin!(poll);
            let polled = loop {
                tokio::select! {
                    polled = &mut poll => break polled,
                    () = self.queues.wake.notified() => connection.submit_what_is_due()?,
                    () = stop_requested(self.stop.clone()), if !connection.is_ending() => {
                        connection.end_when_settled();
                        connection.submit_what_is_due()?;
                    }
                }
            };
            let event = polled.map_err(|error| self.connector.peer.lost(&error))?;
            if connection.on_event(&event)? == Progress::Disconnected {
                self.disconnected_cleanly = true;
                return Ok(());
            }
        }
    }
}

/// Waits for the CONNACK.
pub(crate) async fn connect(event_loop: &mut EventLoop, connector: &Connector) -> Result<(), MqttError> {
    match event_loop.poll().await {
        Ok(Event::Incoming(Incoming::ConnAck(_))) => Ok(()),
        Ok(_) => Err(connector.peer.broke("the client reported something before the CONNACK")),
        Err(error) => Err(connector.peer.not_connected(&error)),
    }
}

async fn stop_requested(mut stop: watch::Receiver<Option<Instant>>) {
    if stop.wait_for(Option::is_some).await.is_err() {
        // All handles are gone: this task is about to be aborted.
        std::future::pending::<()>().await;
    }
}

async fn stopped_without_events(stop: watch::Receiver<Option<Instant>>, queues: &Queues) {
    stop_requested(stop).await;
    if !queues.has_no_events() {
        std::future::pending::<()>().await;
    }
}

async fn deadline_passed(mut stop: watch::Receiver<Option<Instant>>) {
    loop {
        let deadline = *stop.borrow_and_update();
        let changed = match deadline {
            None => stop.changed().await,
            Some(deadline) => tokio::select! {
                () = sleep_until(deadline) => return,
                changed = stop.changed() => changed,
            },
        };
        if changed.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
