//! Receiving, for the demo's console, `check` and the tests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use rumqttc::{AsyncClient, Event, Incoming, QoS, SubscribeFilter, SubscribeReasonCode};
use sightline_core::{plan::MqttPlan, time::WallTime};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    task::AbortHandle,
    time::timeout,
};

use crate::{
    connection_state::{ConnectionState, report},
    error::MqttError,
    options::Connector,
    session::{Retry, connect},
    settings::MqttSettings,
};

/// Messages that wait to be taken by [`Subscription::next`].
const WAITING: usize = 16_384;

/// One message.
#[derive(Clone, Debug)]
pub struct Received {
    /// Where it was published.
    pub topic: String,
    /// What.
    pub payload: Bytes,
    /// Sent because it was retained from before the subscription.
    pub retained: bool,
    /// When it was read from the socket, monotonic.
    pub at: Instant,
    /// The same on the wall clock.
    pub wall: WallTime,
}

/// Messages that match some filters, over reconnects. What is published while there is no connection is missed.
pub struct Subscription {
    receiver: mpsc::Receiver<Received>,
    state: watch::Receiver<ConnectionState>,
    missed: Arc<AtomicU64>,
    task: AbortHandle,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Subscription {
    /// Subscribes to `filters` (MQTT 3.1.1, 4.7), on `runtime`, and returns at once. When 16,384 messages wait, newer
    /// ones are dropped and counted: the socket must go on being read for the connection to live.
    ///
    /// At QoS 0: this is a watcher without a session, for which QoS 1 buys nothing, and mosquitto by default has only
    /// 20 messages of a QoS 1 subscriber in flight. And who never writes reads everything that a dying broker has
    /// sent, where a failing write of a PUBACK would end the connection first.
    ///
    /// # Errors
    /// When certificates or key of the plan cannot be used.
    pub fn start(
        plan: &MqttPlan,
        filters: &[&str],
        settings: &MqttSettings,
        runtime: &Handle,
    ) -> Result<Self, MqttError> {
        let connector = Connector::new(plan, "-subscriber", settings)?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let (state_sender, state) = watch::channel(ConnectionState::Connecting);
        let missed = Arc::new(AtomicU64::new(0));
        let subscriber = Subscriber {
            connector,
            filters: filters.iter().map(|&filter| filter.to_owned()).collect(),
            retry: Retry::new(settings),
            sender,
            state: state_sender,
            missed: missed.clone(),
        };
        let task = runtime.spawn(subscriber.run()).abort_handle();
        Ok(Self { receiver, state, missed, task })
    }

    /// The next message; `None` only when the runtime is shutting down.
    pub async fn next(&mut self) -> Option<Received> {
        self.receiver.recv().await
    }

    /// The next message if one is there.
    pub fn try_next(&mut self) -> Option<Received> {
        self.receiver.try_recv().ok()
    }

    /// The state now and whenever it changes; `Connected` once the broker has granted the subscription.
    #[must_use]
    pub fn connection_state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// Waits until the broker has granted the subscription.
    ///
    /// # Errors
    /// What kept it from doing so last, or [`MqttError::NoAnswer`].
    pub async fn granted(&self, within: Duration) -> Result<(), MqttError> {
        let mut state = self.state.clone();
        let is_connected = |state: &ConnectionState| *state == ConnectionState::Connected;
        if let Ok(Ok(_)) = timeout(within, state.wait_for(is_connected)).await {
            return Ok(());
        }
        let no_answer = || MqttError::NoAnswer { broker: "of the subscription".into(), within };
        Err(self.state.borrow().reason().cloned().unwrap_or_else(no_answer))
    }

    /// Messages dropped because too many waited.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

struct Subscriber {
    connector: Connector,
    filters: Vec<String>,
    retry: Retry,
    sender: mpsc::Sender<Received>,
    state: watch::Sender<ConnectionState>,
    missed: Arc<AtomicU64>,
}

impl Subscriber {
    async fn run(mut self) {
        loop {
            let began = tokio::time::Instant::now();
            let error = self.run_once().await;
            let wait = self.retry.wait_after(&error, began);
            report(&self.state, &self.connector.peer.broker, &error.into());
            tokio::time::sleep(wait).await;
        }
    }

    /// One connection, until it breaks.
    async fn run_once(&self) -> MqttError {
        let peer = &self.connector.peer;
        let (client, mut event_loop) = AsyncClient::new(self.connector.options.clone(), 1);
        event_loop.set_network_options(self.connector.network.clone());
        if let Err(error) = connect(&mut event_loop, &self.connector).await {
            return error;
        }
        let filters = self.filters.iter().map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtMostOnce));
        if client.try_subscribe_many(filters).is_err() {
            return MqttError::Protocol {
                broker: peer.broker.clone(),
                cause: format!("{:?} is no valid topic filter", self.filters),
            };
        }
        loop {
            match event_loop.poll().await {
                Ok(Event::Incoming(Incoming::SubAck(ack))) => {
                    if ack.return_codes.contains(&SubscribeReasonCode::Failure) {
                        let filter = self.filters.join(", ");
                        return MqttError::SubscriptionRefused { broker: peer.broker.clone(), filter };
                    }
                    report(&self.state, &peer.broker, &ConnectionState::Connected);
                }
                Ok(Event::Incoming(Incoming::Publish(message))) => self.take(message),
                Ok(_) => {}
                Err(error) => {
                    // rumqttc reads several packets at a time: those before the error are still good.
                    for event in event_loop.state.events.drain(..) {
                        if let Event::Incoming(Incoming::Publish(message)) = event {
                            self.take(message);
                        }
                    }
                    return peer.lost(&error);
                }
            }
        }
    }

    fn take(&self, message: rumqttc::Publish) {
        let received = Received {
            topic: message.topic,
            payload: message.payload,
            retained: message.retain,
            at: Instant::now(),
            wall: WallTime::from_system(SystemTime::now()),
        };
        if self.sender.try_send(received).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
