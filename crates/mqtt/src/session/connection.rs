//! The bookkeeping of one connection: what was handed to rumqttc, and what the broker has of it. Never awaits.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use rumqttc::{AsyncClient, Event, Incoming, Outgoing, QoS};
use sightline_core::{event::Retained, time::WallTime};

use crate::{
    error::{MqttError, Peer},
    in_flight::{IDENTIFIERS, InFlight},
    outbox::Key,
    queues::{Allowance, Queues, Work},
    settings::MqttSettings,
    topics::{OFFLINE, ONLINE},
};

/// Retained values on their way at a time.
const RETAINED_WINDOW: usize = 64;
/// Frames' detections in rumqttc's channel at a time. Few, because events queue behind them there; enough to keep a
/// socket busy, because each is written by itself.
const DETECTIONS_WINDOW: u64 = 8;
/// Capacity of rumqttc's channel: never the limit, so that handing over never fails for want of room.
pub(crate) const CHANNEL: usize = IDENTIFIERS as usize + DETECTIONS_WINDOW as usize + 8;

/// A QoS 1 message on its way.
enum Message {
    Online,
    Offline,
    Retained(Arc<str>),
    Event(Key),
}

/// How the end of a connection is coming along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Not wished.
    No,
    /// Wished, as soon as the broker has everything.
    WhenSettled,
    /// `offline` is on its way.
    Offline,
    /// DISCONNECT is on its way.
    Disconnect,
}

/// What one of rumqttc's reports meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Going,
    /// DISCONNECT was written.
    Disconnected,
}

pub(crate) struct Connection {
    client: AsyncClient,
    queues: Arc<Queues>,
    peer: Peer,
    window: usize,
    acknowledge_timeout: Duration,
    in_flight: InFlight<Message>,
    is_online_due: bool,
    pings: u32,
    ending: Ending,
}

impl Connection {
    pub(crate) fn new(client: AsyncClient, queues: Arc<Queues>, peer: &Peer, settings: &MqttSettings) -> Self {
        Self {
            client,
            queues,
            peer: peer.clone(),
            window: settings.window.clamp(1, usize::from(IDENTIFIERS) / 2),
            acknowledge_timeout: settings.acknowledge_timeout,
            in_flight: InFlight::new(),
            is_online_due: true,
            pings: 0,
            ending: Ending::No,
        }
    }

    /// From now on: once the broker has everything, `offline` and goodbye.
    pub(crate) fn end_when_settled(&mut self) {
        self.ending = Ending::WhenSettled;
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending != Ending::No
    }

    /// Hands everything to rumqttc that may be on its way now.
    pub(crate) fn submit_what_is_due(&mut self) -> Result<(), MqttError> {
        if self.is_online_due && self.in_flight.has_room() {
            self.is_online_due = false;
            let topic = self.queues.topics.available();
            self.submit(topic, true, ONLINE.into(), Message::Online)?;
        }
        while let Some(work) = self.queues.next(&self.allowance()) {
            self.submit_work(work)?;
        }
        if self.ending == Ending::WhenSettled && self.in_flight.has_room() && self.queues.close_if_settled() {
            self.ending = Ending::Offline;
            let topic = self.queues.topics.available();
            self.submit(topic, true, OFFLINE.into(), Message::Offline)?;
        }
        Ok(())
    }

    fn allowance(&self) -> Allowance {
        let has_room = self.in_flight.has_room();
        Allowance {
            retained: if has_room { RETAINED_WINDOW } else { 0 },
            events: if has_room { self.window } else { 0 },
            detections: self.queues.detections_submitted() < DETECTIONS_WINDOW,
        }
    }

    fn submit_work(&mut self, work: Work) -> Result<(), MqttError> {
        let now = WallTime::from_system(SystemTime::now());
        // The core's types hold nothing that JSON cannot (no maps with odd keys), so this does not happen.
        let broker = &self.peer;
        let unwritable = |error: serde_json::Error| broker.broke(format!("a payload cannot be written: {error}"));
        match work {
            Work::Retained(topic, value) => {
                let payload = match &value {
                    Retained::Node(status) => serde_json::to_vec(status).map_err(unwritable)?,
                    Retained::Camera { status, .. } => serde_json::to_vec(status).map_err(unwritable)?,
                    Retained::Count { present, .. } => present.to_string().into_bytes(),
                    Retained::Zone { inside, .. } => inside.to_string().into_bytes(),
                    Retained::Line { crossings, .. } => serde_json::to_vec(crossings).map_err(unwritable)?,
                    Retained::Snapshot { jpeg, .. } => jpeg.to_vec(),
                };
                self.submit(topic.to_string(), true, payload, Message::Retained(topic))
            }
            Work::Event(key, mut event) => {
                event.change.time.published = Some(now);
                let payload = serde_json::to_vec(&event).map_err(unwritable)?;
                let topic = self.queues.topics.events(&event.origin.camera);
                self.submit(topic, false, payload, Message::Event(key))
            }
            Work::Detections(mut detections) => {
                detections.time.published = Some(now);
                let payload = serde_json::to_vec(&detections).map_err(unwritable)?;
                let topic = self.queues.topics.detections(&detections.origin.camera);
                self.hand_over(topic, QoS::AtMostOnce, false, payload)
            }
        }
    }

    fn submit(&mut self, topic: String, retain: bool, payload: Vec<u8>, what: Message) -> Result<(), MqttError> {
        self.hand_over(topic, QoS::AtLeastOnce, retain, payload)?;
        self.in_flight.submitted(what, Instant::now());
        Ok(())
    }

    fn hand_over(&self, topic: String, qos: QoS, retain: bool, payload: Vec<u8>) -> Result<(), MqttError> {
        self.client
            .try_publish(topic, qos, retain, payload)
            .map_err(|_| self.peer.broke("the client's channel took no message"))
    }

    /// Takes in one of rumqttc's reports.
    ///
    /// # Errors
    /// When the connection is of no use any more.
    pub(crate) fn on_event(&mut self, event: &Event) -> Result<Progress, MqttError> {
        match event {
            Event::Outgoing(Outgoing::Publish(0)) => self.queues.detections_sent(),
            Event::Outgoing(Outgoing::Publish(packet_id)) => {
                if !self.in_flight.written(*packet_id) {
                    return Err(self.peer.broke("the client wrote a message that it was not given"));
                }
            }
            Event::Outgoing(Outgoing::AwaitAck(_)) => {
                return Err(self.peer.broke("a packet identifier was given out twice"));
            }
            Event::Outgoing(Outgoing::PingReq) => self.on_ping()?,
            Event::Outgoing(Outgoing::Disconnect) => return Ok(Progress::Disconnected),
            Event::Incoming(Incoming::PubAck(ack)) => self.on_acknowledgement(ack.pkid)?,
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
        Ok(Progress::Going)
    }

    fn on_acknowledgement(&mut self, packet_id: u16) -> Result<(), MqttError> {
        match self.in_flight.acknowledged(packet_id) {
            Some(Message::Event(key)) => self.queues.event_acknowledged(key),
            Some(Message::Retained(topic)) => self.queues.retained_acknowledged(&topic),
            Some(Message::Offline) => {
                self.ending = Ending::Disconnect;
                self.client.try_disconnect().map_err(|_| self.peer.broke("the client's channel is full"))?;
            }
            Some(Message::Online) | None => {}
        }
        Ok(())
    }

    /// Every keep-alive interval, whatever else goes on.
    ///
    /// `online` is said again after 2, 4, 8, … intervals: when this machine lost its power, the broker keeps our
    /// predecessor's half-open connection for one and a half intervals (mosquitto 2.0: and up to 5 s more), and only
    /// then publishes its last will, `offline`, over our first `online`. The predecessor had another client id, so our
    /// connecting did not end it.
    fn on_ping(&mut self) -> Result<(), MqttError> {
        self.pings = self.pings.saturating_add(1);
        self.is_online_due |= self.pings > 1 && self.pings.is_power_of_two() && !self.is_ending();
        let is_overdue = |submitted: Instant| submitted.elapsed() > self.acknowledge_timeout;
        if self.in_flight.oldest().is_some_and(is_overdue) {
            let cause = format!("the broker has acknowledged nothing for {:?}", self.acknowledge_timeout);
            return Err(self.peer.broke(cause));
        }
        Ok(())
    }
}
