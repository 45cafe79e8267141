//! The bookkeeping of one connection: what was handed to rumqttc, and what the broker has of it. Never awaits.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use rumqttc::{AsyncClient, Event, Incoming, Outgoing, QoS, SubscribeFilter, SubscribeReasonCode};
use sightline_core::{outbox::EventKey, time::WallTime};

use crate::{
    error::{MqttError, Peer},
    in_flight::{IDENTIFIERS, InFlight},
    queues::{Allowance, Queues, Work},
    session::{payload, sweep::Sweep},
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
const CHANNEL_IS_FULL: &str = "the client's channel took no message";

/// What is on its way and will be acknowledged.
enum Message {
    Online,
    Offline,
    Retained(Arc<str>),
    Event(EventKey),
    /// The UNSUBSCRIBE behind a picture, see [`Connection::submit_picture`].
    Picture(Arc<str>),
    Subscribe,
    Unsubscribe,
}

/// A QoS 0 message on its way to the socket.
enum Unacknowledged {
    Detections,
    Picture,
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
    /// We come back in a moment, and leave as soon as everything on its way is acknowledged.
    Leaving {
        /// We come back elsewhere: `offline` is to be said before.
        for_elsewhere: bool,
    },
    /// DISCONNECT is on its way.
    Disconnect {
        /// Behind `offline`.
        is_last: bool,
    },
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
    /// In the order they were handed to rumqttc, which is the order it reports them in.
    unacknowledged: VecDeque<Unacknowledged>,
    is_online_due: bool,
    sweep: Sweep,
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
            unacknowledged: VecDeque::new(),
            is_online_due: true,
            sweep: Sweep::Due,
            pings: 0,
            ending: Ending::No,
        }
    }

    /// From now on: once the broker has everything, `offline` and goodbye.
    pub(crate) fn end_when_settled(&mut self) {
        self.ending = Ending::WhenSettled;
    }

    /// From now on nothing more, and goodbye once what is on its way is acknowledged. A socket that is closed over
    /// something unread is reset, and the broker, not having read the goodbye, would publish the last will.
    pub(crate) fn leave(&mut self, for_elsewhere: bool) -> Result<(), MqttError> {
        self.ending = Ending::Leaving { for_elsewhere };
        self.submit_what_is_due()
    }

    fn disconnect(&mut self, is_last: bool) -> Result<(), MqttError> {
        self.ending = Ending::Disconnect { is_last };
        self.client.try_disconnect().map_err(|_| self.peer.broke(CHANNEL_IS_FULL))
    }

    /// Whether the goodbye was one for good.
    pub(crate) fn has_said_offline(&self) -> bool {
        self.ending == Ending::Disconnect { is_last: true }
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending != Ending::No
    }

    /// Hands everything to rumqttc that may be on its way now.
    pub(crate) fn submit_what_is_due(&mut self) -> Result<(), MqttError> {
        match self.ending {
            Ending::Leaving { for_elsewhere } if self.in_flight.oldest().is_none() => {
                if !for_elsewhere {
                    return self.disconnect(false);
                }
                self.ending = Ending::Leaving { for_elsewhere: false };
                return self.submit(self.queues.topics.available(), true, OFFLINE.into(), Message::Offline);
            }
            Ending::Leaving { .. } | Ending::Disconnect { .. } => return Ok(()),
            Ending::No | Ending::WhenSettled | Ending::Offline => {}
        }
        if self.is_online_due && self.in_flight.has_room() {
            self.is_online_due = false;
            let topic = self.queues.topics.available();
            self.submit(topic, true, ONLINE.into(), Message::Online)?;
        }
        while let Some(work) = self.queues.next(&self.allowance()) {
            self.submit_work(work)?;
        }
        if !self.is_ending() {
            self.submit_sweep()?;
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
            pictures: has_room,
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
                let payload = payload::of_retained(&value).map_err(unwritable)?;
                self.submit(topic.to_string(), true, payload, Message::Retained(topic))
            }
            // What an empty payload does to a retained topic: MQTT 3.1.1, 3.3.1.3.
            Work::Clear(topic) => self.submit(topic.to_string(), true, Vec::new(), Message::Retained(topic)),
            Work::Picture(topic, jpeg) => self.submit_picture(topic, &jpeg),
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
                self.unacknowledged.push_back(Unacknowledged::Detections);
                self.hand_over(topic, QoS::AtMostOnce, false, payload)
            }
        }
    }

    /// A picture goes at QoS 0, which nobody acknowledges. The UNSUBSCRIBE behind it, from a topic that we are not
    /// subscribed to, is answered all the same (MQTT 3.1.1, 3.10.4), and not before the broker has read the picture:
    /// so the next one waits until this one has gone through, and a connection that was lost meanwhile can be told
    /// from one lost later.
    fn submit_picture(&mut self, topic: Arc<str>, jpeg: &[u8]) -> Result<(), MqttError> {
        self.unacknowledged.push_back(Unacknowledged::Picture);
        self.hand_over(topic.to_string(), QoS::AtMostOnce, true, jpeg.to_vec())?;
        self.unsubscribe(topic.to_string(), Message::Picture(topic))
    }

    fn unsubscribe(&mut self, filter: String, what: Message) -> Result<(), MqttError> {
        self.client.try_unsubscribe(filter).map_err(|_| self.peer.broke(CHANNEL_IS_FULL))?;
        self.in_flight.submitted(what, Instant::now());
        Ok(())
    }

    /// Behind everything else, so that our own values are not among what the broker sends, or rarely.
    fn submit_sweep(&mut self) -> Result<(), MqttError> {
        if self.sweep == Sweep::Due && self.in_flight.has_room() && self.queues.may_sweep() {
            self.sweep = Sweep::Asking;
            let filters = self.queues.topics.of_cameras().map(|filter| SubscribeFilter::new(filter, QoS::AtMostOnce));
            self.client.try_subscribe_many(filters).map_err(|_| self.peer.broke(CHANNEL_IS_FULL))?;
            self.in_flight.submitted(Message::Subscribe, Instant::now());
        }
        while self.in_flight.has_room()
            && let Some(filter) = self.sweep.next_to_leave()
        {
            self.unsubscribe(filter, Message::Unsubscribe)?;
        }
        Ok(())
    }

    fn submit(&mut self, topic: String, retain: bool, payload: Vec<u8>, what: Message) -> Result<(), MqttError> {
        self.hand_over(topic, QoS::AtLeastOnce, retain, payload)?;
        self.in_flight.submitted(what, Instant::now());
        Ok(())
    }

    fn hand_over(&self, topic: String, qos: QoS, retain: bool, payload: Vec<u8>) -> Result<(), MqttError> {
        self.client.try_publish(topic, qos, retain, payload).map_err(|_| self.peer.broke(CHANNEL_IS_FULL))
    }

    /// Takes in one of rumqttc's reports.
    ///
    /// # Errors
    /// When the connection is of no use any more.
    pub(crate) fn on_event(&mut self, event: &Event) -> Result<Progress, MqttError> {
        match event {
            Event::Outgoing(Outgoing::Publish(0)) => {
                if let Some(Unacknowledged::Detections) = self.unacknowledged.pop_front() {
                    self.queues.detections_sent();
                }
            }
            Event::Outgoing(
                Outgoing::Publish(packet_id) | Outgoing::Subscribe(packet_id) | Outgoing::Unsubscribe(packet_id),
            ) => {
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
            Event::Incoming(Incoming::UnsubAck(ack)) => self.on_acknowledgement(ack.pkid)?,
            Event::Incoming(Incoming::SubAck(ack)) => {
                self.on_acknowledgement(ack.pkid)?;
                self.on_subscription(&ack.return_codes);
            }
            // Live ones are our own, come back.
            Event::Incoming(Incoming::Publish(message)) if message.retain && !self.is_ending() => {
                self.sweep.heard();
                self.queues.found_retained(&message.topic, &message.payload);
            }
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
        Ok(Progress::Going)
    }

    fn on_acknowledgement(&mut self, packet_id: u16) -> Result<(), MqttError> {
        let Some((message, submitted)) = self.in_flight.acknowledged(packet_id) else { return Ok(()) };
        match message {
            Message::Event(key) => self.queues.event_acknowledged(key, submitted.elapsed()),
            Message::Retained(topic) | Message::Picture(topic) => self.queues.retained_acknowledged(&topic),
            Message::Offline if self.ending == Ending::Offline => self.disconnect(true)?,
            Message::Offline | Message::Online | Message::Subscribe | Message::Unsubscribe => {}
        }
        Ok(())
    }

    fn on_subscription(&mut self, codes: &[SubscribeReasonCode]) {
        let is_granted = self.sweep.answered(codes);
        self.queues.sweep_answered(is_granted);
    }

    /// The connection is over.
    pub(crate) fn ended(&self) {
        if self.sweep == Sweep::Asking && !self.is_ending() {
            self.queues.sweep_unanswered();
        }
        self.queues.disconnected();
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
        if self.sweep.on_ping(|| self.queues.topics.of_cameras().to_vec()) {
            self.queues.sweep_is_over();
        }
        let is_overdue = |submitted: Instant| submitted.elapsed() > self.acknowledge_timeout;
        if self.in_flight.oldest().is_some_and(is_overdue) {
            let cause = format!("it has left a message unacknowledged for {:?}", self.acknowledge_timeout);
            return Err(self.peer.silent(cause));
        }
        Ok(())
    }
}
