//! The one task that owns the connection: `run` until told to stop, `serve` retries, `run_once` works.

use std::{sync::Arc, time::Duration};

use rumqttc::{AsyncClient, Event, EventLoop, Incoming, LastWill, QoS};
use sightline_core::{outbox::OutboxFigures, recovery::Recovery};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    backoff::{Backoff, random_bits},
    connection_state::{ConnectionState, report},
    error::MqttError,
    options::Connector,
    publisher::ShutdownReport,
    queues::Queues,
    session::connection::{CHANNEL, Connection, Progress},
    settings::MqttSettings,
    topics::OFFLINE,
};

mod connection;
mod payload;
mod sweep;

/// A connection that held for so long was a good one: the next wait is short again.
const HELD: Duration = Duration::from_secs(10);

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
        if error.ended_a_connection() && began.elapsed() >= HELD {
            self.soon.reset();
            self.seldom.reset();
        }
        match error.recovery() {
            Recovery::Retry => self.soon.next_wait(random_bits()),
            _ => self.seldom.next_wait(random_bits()),
        }
    }
}

/// How long a connection that is left for a new login or address may take to say goodbye.
const LEAVE_DEADLINE: Duration = Duration::from_secs(2);

/// How a connection ended that did not fail.
enum End {
    /// There is nothing left to do.
    Stopped,
    /// There is a new login, or an address, to come back with.
    Renewed,
}

/// Everything the task owns. Dropping it, be it at the end, by an abort or by a panic, closes the queues and tells
/// everybody who waits.
pub(crate) struct Session {
    connector: Connector,
    renewals: watch::Receiver<Option<Connector>>,
    queues: Arc<Queues>,
    settings: MqttSettings,
    state: watch::Sender<ConnectionState>,
    stop: watch::Receiver<Option<Instant>>,
    done: watch::Sender<Option<ShutdownReport>>,
    disconnected_cleanly: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        let OutboxFigures { waiting, is_on_disk, .. } = self.queues.close();
        let broker = &self.connector.peer.broker;
        match (waiting, is_on_disk) {
            (0, _) => {}
            (_, true) => tracing::info!(broker, waiting, "events wait on disk for the next start"),
            (_, false) => tracing::warn!(broker, waiting, "events are undelivered at the end and kept in memory only"),
        }
        self.state.send_replace(ConnectionState::Stopped);
        let report = ShutdownReport { events_left: waiting, disconnected_cleanly: self.disconnected_cleanly };
        self.done.send_replace(Some(report));
    }
}

impl Session {
    pub(crate) fn new(
        connector: Connector,
        renewals: watch::Receiver<Option<Connector>>,
        queues: Arc<Queues>,
        settings: MqttSettings,
        state: watch::Sender<ConnectionState>,
        stop: watch::Receiver<Option<Instant>>,
        done: watch::Sender<Option<ShutdownReport>>,
    ) -> Self {
        Self { connector, renewals, queues, settings, state, stop, done, disconnected_cleanly: false }
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
            let error = match self.run_once().await {
                Ok(End::Stopped) => return,
                Ok(End::Renewed) => {
                    retry = Retry::new(&self.settings);
                    continue;
                }
                Err(error) => error,
            };
            let wait = retry.wait_after(&error, began);
            let is_refused = error.recovery() != Recovery::Retry;
            self.queues.failed(error.code());
            report(&self.state, &self.connector.peer.broker, &error.into());

            let was_stopping = self.is_stopping();
            tokio::select! {
                () = sleep(wait), if !(was_stopping && is_refused) => {}
                () = stop_requested(self.stop.clone()), if !was_stopping || is_refused => {}
                () = renewed(&mut self.renewals), if !was_stopping => retry = Retry::new(&self.settings),
            }
            // A refusal will not turn into a welcome within a shutdown's few seconds.
            if self.is_stopping() && (is_refused || self.queues.events.is_settled()) {
                return;
            }
        }
    }

    /// Whether the next connection is one to another address.
    fn is_moving(&self) -> bool {
        let renewed = self.renewals.borrow();
        renewed.as_ref().is_some_and(|renewed| renewed.peer.broker != self.connector.peer.broker)
    }

    fn is_stopping(&self) -> bool {
        self.stop.borrow().is_some()
    }

    /// One connection from CONNECT to its end.
    async fn run_once(&mut self) -> Result<End, MqttError> {
        if self.is_moving() {
            self.state.send_replace(ConnectionState::Connecting);
        }
        if let Some(renewed) = self.renewals.borrow_and_update().clone() {
            self.connector.renew(renewed);
        }
        // A fresh client each time: neither its channel nor its state can carry anything over from the last one.
        let mut options = self.connector.options.clone();
        options.set_last_will(LastWill::new(self.queues.topics.available(), OFFLINE, QoS::AtLeastOnce, true));
        let (client, mut event_loop) = AsyncClient::new(options, CHANNEL);
        event_loop.set_network_options(self.connector.network.clone());
        tokio::select! {
            connected = connect(&mut event_loop, &self.connector) => connected?,
            () = stopped_without_events(self.stop.clone(), &self.queues) => return Ok(End::Stopped),
            () = renewed(&mut self.renewals) => return Ok(End::Renewed),
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

    async fn drive(&mut self, connection: &mut Connection, event_loop: &mut EventLoop) -> Result<End, MqttError> {
        let mut leave_by = None;
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
                    () = renewed(&mut self.renewals), if !connection.is_ending() => {
                        leave_by = Some(Instant::now() + LEAVE_DEADLINE);
                        connection.leave(self.is_moving())?;
                    }
                    // The one that is left may be hung; its last will says what we could not.
                    () = sleep_until(leave_by.unwrap_or_else(Instant::now)), if leave_by.is_some() => {
                        return Ok(End::Renewed);
                    }
                }
            };
            let event = polled.map_err(|error| self.connector.peer.lost(&error))?;
            if connection.on_event(&event)? == Progress::Disconnected {
                self.disconnected_cleanly = connection.has_said_offline();
                return Ok(if self.disconnected_cleanly { End::Stopped } else { End::Renewed });
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

async fn renewed(renewals: &mut watch::Receiver<Option<Connector>>) {
    if renewals.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn stopped_without_events(stop: watch::Receiver<Option<Instant>>, queues: &Queues) {
    stop_requested(stop).await;
    if !queues.events.is_settled() {
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
