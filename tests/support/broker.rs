//! A real mosquitto on a free loopback port, with user and password: that of the mqtt crate's tests, as this binary's
//! pipeline files name it.

use std::ops::{Deref, DerefMut};

use sightline_core::plan::MqttPlan;

use super::mosquitto::{self, Access};
pub use super::mosquitto::{PASSWORD, USER, free_port};

pub struct Broker {
    mosquitto: mosquitto::Broker,
}

impl Broker {
    pub fn start() -> Self {
        Self { mosquitto: mosquitto::Broker::start(Access::Password) }
    }

    /// A broker that has its port but does not run yet.
    pub fn not_yet() -> Self {
        Self { mosquitto: mosquitto::Broker::prepared(Access::Password, None) }
    }

    /// How a subscriber of the tests connects.
    pub fn plan(&self) -> MqttPlan {
        self.plan_with_password(PASSWORD)
    }

    pub fn plan_with_password(&self, password: &str) -> MqttPlan {
        topics_of_tests(self.mosquitto.plan_with_login(password))
    }

    /// The `mqtt` section of a pipeline file.
    pub fn yaml(&self) -> String {
        self.yaml_at(self.port)
    }

    /// The same for a daemon that reaches it at another port.
    pub fn yaml_at(&self, port: u16) -> String {
        yaml(port, PASSWORD)
    }
}

/// The same plan for the topics that pipeline files of tests have.
pub fn topics_of_tests(plan: MqttPlan) -> MqttPlan {
    MqttPlan { prefix: "test".into(), node: "box".into(), detections: false, ..plan }
}

/// The `mqtt` section for a broker at `port` of this machine that knows [`USER`] by `password`.
pub fn yaml(port: u16, password: &str) -> String {
    format!(
        "mqtt: {{url: \"mqtt://127.0.0.1:{port}\", username: {USER}, password: \"{password}\", prefix: test, \
         node: box, detections: true}}\n"
    )
}

impl Deref for Broker {
    type Target = mosquitto::Broker;

    fn deref(&self) -> &Self::Target {
        &self.mosquitto
    }
}

impl DerefMut for Broker {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.mosquitto
    }
}
