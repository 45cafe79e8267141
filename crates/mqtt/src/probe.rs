//! Tries a broker out.

use std::time::Duration;

use rumqttc::{AsyncClient, Event, Outgoing};
use sightline_core::plan::MqttPlan;
use tokio::time::timeout;

use crate::{error::MqttError, options::Connector, session::connect, settings::MqttSettings};

/// Whether the plan's certificates and keys can be used. Opens nothing.
///
/// # Errors
/// When they cannot: [`MqttError::TlsMaterial`].
pub fn check(plan: &MqttPlan) -> Result<(), MqttError> {
    Connector::new(plan, "-check", &MqttSettings::default()).map(drop)
}

/// Connects with the plan's credentials and certificates, and leaves again. Publishes nothing.
///
/// # Errors
/// What is wrong: [`MqttError::Unreachable`], [`MqttError::NoAnswer`], [`MqttError::Login`], [`MqttError::Tls`], …
pub async fn probe(plan: &MqttPlan, within: Duration) -> Result<(), MqttError> {
    let settings = MqttSettings { connect_timeout: within + Duration::from_secs(1), ..MqttSettings::default() };
    let connector = Connector::new(plan, "-probe", &settings)?;
    let (client, mut event_loop) = AsyncClient::new(connector.options.clone(), 1);
    event_loop.set_network_options(connector.network.clone());

    let work = async {
        connect(&mut event_loop, &connector).await?;
        // The answer is known; a goodbye that fails changes nothing.
        if client.try_disconnect().is_ok() {
            while let Ok(event) = event_loop.poll().await {
                if event == Event::Outgoing(Outgoing::Disconnect) {
                    break;
                }
            }
        }
        Ok(())
    };
    match timeout(within, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(MqttError::NoAnswer { broker: connector.peer.broker.clone(), within }),
    }
}
