//! `sightline demo`: cameras, a broker, the daemon and a subscriber, all on this machine, nothing to configure.
//!
//! Nothing is short-circuited: the cameras are real RTSP streams, the broker is mosquitto, the daemon is this same
//! program in a process of its own, and every figure shown came over MQTT.

mod broker;
mod console;
mod daemon;
mod figures;

use std::{fmt::Write as _, time::Duration};

use anyhow::{Context, anyhow};
use broker::Broker;
use console::{Console, say};
use daemon::Daemon;
use sightline_core::plan::MqttPlan;
use sightline_mqtt::{MqttSettings, Subscription};
use sightline_sim::scene::SceneKind;
use tokio::time::{Instant, MissedTickBehavior};

use crate::{
    cli::{DemoArgs, LogFormat},
    failure::{Failure, Kind, OrFail, Outcome},
    logging::{self, Detail},
    models,
    signals::Signals,
    sim::Cameras,
};

/// How often the table of figures is shown.
const TABLE_EVERY: Duration = Duration::from_secs(5);
const PREFIX: &str = "sightline";
const NODE: &str = "demo";

/// Runs the demo until Ctrl-C, or for the wished time.
pub fn execute(args: &DemoArgs) -> Outcome {
    // The daemon logs for itself; of the demo's own machinery only trouble is of interest.
    logging::start(LogFormat::Text, Detail::Trouble);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().or_fail(Kind::Internal)?;
    runtime.block_on(demo(args))
}

async fn demo(args: &DemoArgs) -> Outcome {
    let mut signals = Signals::listen().or_fail(Kind::Internal)?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder").or_fail(Kind::Internal)?;
    let model = args.model.clone().unwrap_or_else(|| models::OWN.to_owned());
    say("Preparing the cameras …\n");
    let cameras = Cameras::for_demo(args).await?;
    let broker = Broker::start(folder.path()).or_fail(Kind::Unavailable)?;
    let pipeline = folder.path().join("demo.yaml");
    let yaml = pipeline_file(&model, broker.port, &cameras);
    std::fs::write(&pipeline, yaml).context("cannot write the demo's pipeline file").or_fail(Kind::Internal)?;

    let mqtt = subscriber_plan(broker.port);
    let mut console = Console::new(mqtt.base_topic());
    let mut messages = subscribe(&mqtt).await?;
    let mut daemon = Daemon::start(&pipeline, folder.path()).or_fail(Kind::Internal)?;
    introduce(&model, &broker, &cameras);

    let until = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    watch(&mut console, &mut messages, &mut daemon, &mut signals, until).await?;
    tokio::select! {
        outcome = wind_down(&mut console, &mut messages, &mut daemon) => outcome?,
        // The second one: no summary, but broker and daemon end with this process.
        name = signals.stop() => return Err(Failure::new(Kind::Internal, anyhow!("ended at once by a second {name}"))),
    }
    say(&console.figures.summary(console.elapsed().as_secs_f64()));
    if !console.figures.balance_is_exact() {
        return Err(Failure::new(Kind::Internal, anyhow!("the cameras' frames do not add up; this is a bug")));
    }
    Ok(())
}

/// Shows what arrives until somebody, or the clock, ends the demo.
async fn watch(
    console: &mut Console,
    messages: &mut Subscription,
    daemon: &mut Daemon,
    signals: &mut Signals,
    until: Option<Instant>,
) -> Outcome {
    let mut table = tokio::time::interval_at(Instant::now() + TABLE_EVERY, TABLE_EVERY);
    table.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let time_is_up = async {
        match until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(time_is_up);
    loop {
        tokio::select! {
            message = messages.next() => {
                let Some(message) = message else {
                    return Err(Failure::new(Kind::Unavailable, anyhow!("the demo's broker is gone")));
                };
                console.on_message(&message.topic, &message.payload, message.wall);
            }
            _ = table.tick() => console.show_table(),
            () = &mut time_is_up => return Ok(()),
            _ = signals.stop() => return Ok(()),
            status = daemon.ended() => {
                let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                let words = daemon.last_words();
                return Err(Failure::new(Kind::Internal, anyhow!("the daemon ended ({status}); its last words:\n{words}")));
            }
        }
    }
}

/// Stops the daemon and takes in its last messages: the objects' ends and the frames' final balance.
async fn wind_down(console: &mut Console, messages: &mut Subscription, daemon: &mut Daemon) -> Outcome {
    daemon.terminate().await.or_fail(Kind::Internal)?;
    let deadline = tokio::time::sleep(Daemon::stop_deadline());
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            Some(message) = messages.next() => console.on_message(&message.topic, &message.payload, message.wall),
            ended = daemon.ended() => {
                let status = ended.or_fail(Kind::Internal)?;
                while let Some(message) = messages.try_next() {
                    console.on_message(&message.topic, &message.payload, message.wall);
                }
                if !status.success() {
                    let words = daemon.last_words();
                    return Err(Failure::new(Kind::Internal, anyhow!("the daemon ended badly ({status}):\n{words}")));
                }
                return Ok(());
            }
            () = &mut deadline => {
                return Err(Failure::new(Kind::Internal, anyhow!("the daemon did not end within {:?}", Daemon::stop_deadline())));
            }
        }
    }
}

fn introduce(model: &str, broker: &Broker, cameras: &Cameras) {
    let mut text = format!("Model {model}. MQTT on 127.0.0.1:{}: listen in with\n", broker.port);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  mosquitto_sub -p {} -v -t '{PREFIX}/{NODE}/+/events'", broker.port);
    for (id, url) in cameras.addresses() {
        let _ = writeln!(text, "  camera {id:<14} {url}");
    }
    say(&text);
    say("Ctrl-C ends the demo.\n\n");
}

fn pipeline_file(model: &str, mqtt_port: u16, cameras: &Cameras) -> String {
    let mut yaml = format!(
        "version: 1\nname: demo\nmodel: {{{}}}\nmqtt: {{url: \"mqtt://127.0.0.1:{mqtt_port}\", prefix: {PREFIX}, node: {NODE}, detections: true}}\ndefaults: {{fps: 10}}\ncameras:\n",
        models::yaml_reference(model)
    );
    for (id, url) in cameras.addresses() {
        // Writing to a String cannot fail.
        let _ = writeln!(yaml, "  {id}:\n    url: \"{url}\"{}", places(&id));
    }
    yaml
}

/// Zones and lines of the scene that a camera is named after; none for a video.
fn places(id: &str) -> &'static str {
    let scene = id.trim_end_matches(|c: char| c == '-' || c.is_ascii_digit());
    match scene.parse() {
        Ok(SceneKind::Street) => "\n    lines: {middle: {from: [0.5, 1], to: [0.5, 0.6]}}",
        Ok(SceneKind::Office) => {
            "\n    zones: {desk: {polygon: [[0.2, 0.75], [0.8, 0.75], [0.8, 1], [0.2, 1]], loitering: 3s}}"
        }
        Ok(SceneKind::Crossing) => "\n    lines: {kerb: {from: [0, 0.8], to: [1, 0.8], labels: [person]}}",
        Ok(SceneKind::Parking) => {
            "\n    zones: {yard: {polygon: [[0, 0.6], [1, 0.6], [1, 1], [0, 1]], labels: [car], loitering: 3s}}"
        }
        Err(_) => "",
    }
}

fn subscriber_plan(port: u16) -> MqttPlan {
    MqttPlan {
        host: "127.0.0.1".into(),
        port,
        tls: None,
        credentials: None,
        prefix: PREFIX.into(),
        node: NODE.into(),
        detections: false,
        outbox: sightline_core::outbox::OutboxPlan::default(),
    }
}

async fn subscribe(plan: &MqttPlan) -> Result<Subscription, Failure> {
    let filter = format!("{}/#", plan.base_topic());
    let runtime = tokio::runtime::Handle::current();
    let subscription =
        Subscription::start(plan, &[&filter], &MqttSettings::default(), &runtime).or_fail(Kind::Unavailable)?;
    subscription.granted(Duration::from_secs(10)).await.or_fail(Kind::Unavailable)?;
    Ok(subscription)
}
