//! Faults without end, from a seed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    fleet::Fleet,
    support::{
        broker::Broker,
        daemon::Daemon,
        link::{Fault, Link},
        listener::Listener,
    },
};

/// How often each fault was injected.
pub type Tally = BTreeMap<&'static str, usize>;

fn count(tally: &mut Tally, fault: &'static str) {
    *tally.entry(fault).or_default() += 1;
}

fn millis(random: &mut fastrand::Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.u64(range))
}

/// What has happened to a camera, and until when.
struct Outage {
    camera: usize,
    is_killed: bool,
    until: Instant,
}

/// Cameras die, fall silent and come back; the pipeline file is edited and read again. All is well at the end.
pub async fn of_cameras(
    fleet: &mut Fleet,
    daemon: &Daemon,
    random: &mut fastrand::Rng,
    tally: &mut Tally,
    until: Instant,
) {
    let mut outages: Vec<Outage> = Vec::new();
    while Instant::now() < until {
        sleep(millis(random, 300..1500)).await;
        let now = Instant::now();
        outages.extract_if(.., |outage| outage.until <= now).for_each(|outage| end(fleet, outage));
        if random.u8(..5) == 0 {
            count(tally, "reload");
            fleet.change_one(random, daemon);
            continue;
        }
        let camera = random.usize(..fleet.len());
        if outages.iter().any(|outage| outage.camera == camera) {
            continue;
        }
        let is_killed = random.bool();
        let outage = Outage { camera, is_killed, until: Instant::now() + millis(random, 500..8000) };
        count(tally, if is_killed { "camera killed" } else { "camera silent" });
        if is_killed { fleet.server.kill(camera) } else { fleet.server.pause(camera) }.expect("a camera");
        outages.push(outage);
    }
    outages.into_iter().for_each(|outage| end(fleet, outage));
    fleet.restore(daemon);
}

fn end(fleet: &Fleet, Outage { camera, is_killed, .. }: Outage) {
    if is_killed { fleet.server.revive(camera) } else { fleet.server.resume(camera) }.expect("a camera");
}

/// The way to the broker, and the broker.
pub struct Uplink {
    pub broker: Broker,
    pub link: Link,
    pub listener: Listener,
}

impl Uplink {
    /// The way is closed, spoilt and slowed, the broker killed. All is well at the end.
    pub async fn fails(&mut self, random: &mut fastrand::Rng, tally: &mut Tally, until: Instant) {
        loop {
            sleep(millis(random, 2000..8000)).await;
            if Instant::now() >= until {
                return;
            }
            match random.u8(..7) {
                0 => {
                    count(tally, "link closed");
                    self.link.close().await;
                    sleep(millis(random, 200..6000)).await;
                    self.link.open().await;
                }
                1 => {
                    count(tally, "broker killed");
                    self.dies(random).await;
                }
                2 => self.spoil("link reset", Fault::ResetAfter(random.usize(100..20_000)), random, tally).await,
                3 => self.spoil("link stalled", Fault::Stalled, random, tally).await,
                4 => self.spoil("link slow", Fault::Slow(random.u32(500..5000)), random, tally).await,
                5 => self.spoil("link late", Fault::Late(millis(random, 50..1000)), random, tally).await,
                _ => self.spoil("acknowledgements lost", Fault::SwallowAcknowledgements, random, tally).await,
            }
        }
    }

    async fn spoil(&self, name: &'static str, fault: Fault, random: &mut fastrand::Rng, tally: &mut Tally) {
        count(tally, name);
        self.link.set(fault);
        sleep(millis(random, 500..10_000)).await;
        self.link.set(Fault::None);
    }

    /// Without a word, with messages in flight; what it knew is lost.
    async fn dies(&mut self, random: &mut fastrand::Rng) {
        // Frozen first, so that there are messages in flight for certain when it dies.
        self.broker.freeze();
        sleep(millis(random, 200..2000)).await;
        self.broker.kill();
        self.listener.has_lost_the_broker().await;
        self.link.close().await;
        sleep(millis(random, 0..3000)).await;
        // The listener comes first: what is published while it is away would be the broker's to keep, and it keeps
        // nothing.
        self.broker.restart();
        self.listener.is_subscribed().await;
        self.link.open().await;
    }
}
