//! The contract's topics. Pure.
//!
//! Names go in as they are (spaces are legal: `count/traffic light`), but for what would change the topic's levels or
//! is forbidden in a topic name (MQTT 3.1.1, 4.7.1 and 4.7.3): `/`, `+`, `#` and control characters become `_`.

use std::borrow::Cow;

use sightline_core::{event::Retained, plan::MqttPlan};

/// Payload of `available` while connected.
pub const ONLINE: &str = "online";
/// Payload of `available` otherwise; the last will.
pub const OFFLINE: &str = "offline";

/// Builds topics below one `<prefix>/<node>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    base: String,
}

impl Topics {
    /// Below `<prefix>/<node>`. The prefix may have several levels, the node is one.
    #[must_use]
    pub fn new(plan: &MqttPlan) -> Self {
        Self { base: format!("{}/{}", plan.prefix.trim_matches('/'), level(&plan.node)) }
    }

    /// `<base>`
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `<base>/available`
    #[must_use]
    pub fn available(&self) -> String {
        format!("{}/available", self.base)
    }

    /// `<base>/<camera>/events`
    #[must_use]
    pub fn events(&self, camera: &str) -> String {
        format!("{}/{}/events", self.base, level(camera))
    }

    /// `<base>/<camera>/detections`
    #[must_use]
    pub fn detections(&self, camera: &str) -> String {
        format!("{}/{}/detections", self.base, level(camera))
    }

    /// `<base>/<camera>/status`
    #[must_use]
    pub fn camera_status(&self, camera: &str) -> String {
        format!("{}/{}/status", self.base, level(camera))
    }

    /// `<base>/<camera>/snapshot/<label>`
    #[must_use]
    pub fn snapshot(&self, camera: &str, label: &str) -> String {
        format!("{}/{}/snapshot/{}", self.base, level(camera), level(label))
    }

    /// What a camera's topics, and no others of ours, begin with: `<base>/<camera>/`
    pub(crate) fn camera_prefix(&self, camera: &str) -> String {
        format!("{}/{}/", self.base, level(camera))
    }

    /// Filters for every topic on which [`Self::retained`] may put something of a camera, and as little else as MQTT's
    /// wildcards allow (3.1.1, 4.7.1). `<base>/status` is not among them: every run publishes it.
    pub(crate) fn of_cameras(&self) -> [String; 5] {
        ["status", "count/+", "zone/+/+", "line/+", "snapshot/+"].map(|rest| format!("{}/+/{rest}", self.base))
    }

    /// The topic that a retained value lives on.
    #[must_use]
    pub fn retained(&self, value: &Retained) -> String {
        match value {
            Retained::Node(_) => format!("{}/status", self.base),
            Retained::Camera { camera, .. } => self.camera_status(camera),
            Retained::Zone { camera, zone, label, .. } => {
                format!("{}/{}/zone/{}/{}", self.base, level(camera), level(zone), level(label))
            }
            Retained::Line { camera, line, .. } => format!("{}/{}/line/{}", self.base, level(camera), level(line)),
            Retained::Snapshot { camera, label, .. } => self.snapshot(camera, label),
            Retained::Count { camera, label, .. } => format!("{}/{}/count/{}", self.base, level(camera), level(label)),
        }
    }
}

/// A name as one level of a topic.
fn level(name: &str) -> Cow<'_, str> {
    let is_forbidden = |c: char| matches!(c, '/' | '+' | '#') || c.is_control();
    if !name.contains(is_forbidden) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.replace(is_forbidden, "_"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sightline_core::event::LineCrossings;

    use super::*;

    fn topics(prefix: &str, node: &str) -> Topics {
        Topics::new(&MqttPlan {
            host: "127.0.0.1".into(),
            port: 1883,
            tls: None,
            credentials: None,
            prefix: prefix.into(),
            node: node.into(),
            detections: false,
            outbox: sightline_core::outbox::OutboxPlan::default(),
        })
    }

    #[test]
    fn topics_are_those_of_the_contract() {
        let topics = topics("sightline", "box-7");
        let count = Retained::Count { camera: "front-door".into(), label: "traffic light".into(), present: 1 };
        assert_eq!(topics.available(), "sightline/box-7/available");
        assert_eq!(topics.events("front-door"), "sightline/box-7/front-door/events");
        assert_eq!(topics.detections("front-door"), "sightline/box-7/front-door/detections");
        assert_eq!(topics.retained(&count), "sightline/box-7/front-door/count/traffic light");
        let (camera, label): (Arc<str>, Arc<str>) = ("front-door".into(), "person".into());
        let zone = Retained::Zone { camera: camera.clone(), zone: "drive/way".into(), label: label.clone(), inside: 2 };
        assert_eq!(topics.retained(&zone), "sightline/box-7/front-door/zone/drive_way/person");
        let line = Retained::Line { camera: camera.clone(), line: "gate".into(), crossings: LineCrossings::default() };
        assert_eq!(topics.retained(&line), "sightline/box-7/front-door/line/gate");
        let snapshot = Retained::Snapshot { camera, label, jpeg: Arc::new([]) };
        assert_eq!(topics.retained(&snapshot), "sightline/box-7/front-door/snapshot/person");
        assert_eq!(topics.snapshot("front-door", "person"), topics.retained(&snapshot));
        assert_eq!(topics.camera_status("front-door"), "sightline/box-7/front-door/status");
    }

    #[test]
    fn filters_cover_the_cameras_retained_topics() {
        let wished = ["status", "count/+", "zone/+/+", "line/+", "snapshot/+"].map(|rest| format!("p/n/+/{rest}"));
        assert_eq!(topics("p", "n").of_cameras(), wished);
    }

    #[test]
    fn names_stay_one_level() {
        for (name, written) in [
            ("person", "person"),
            ("traffic light", "traffic light"),
            ("a/b", "a_b"),
            ("#", "_"),
            ("c++", "c__"),
            ("nul\0", "nul_"),
            ("größe", "größe"),
        ] {
            assert_eq!(level(name), written);
        }
    }

    #[test]
    fn a_prefix_keeps_its_levels() {
        assert_eq!(topics("site/hall/", "a/b").base(), "site/hall/a_b");
    }
}
