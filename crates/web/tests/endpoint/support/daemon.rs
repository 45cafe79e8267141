//! A daemon that says what a test told it to say, and hangs where a test wants it to.

use std::{collections::BTreeSet, sync::Arc};

use parking_lot::{Condvar, Mutex, MutexGuard};
use sightline_core::{
    event::{CameraState, CameraStatus, FrameBalance, UndecodedPictures},
    operations::{CameraReport, DaemonStatus, MetricFamily, Operations, ReloadError, ReloadReport},
    outbox::{EventQuery, HistoryError, RecordedEvent},
    plan::Plan,
    time::WallTime,
};

/// Something that is asked of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    Alive,
    NotReady,
    Status,
    Events,
    Reload,
}

/// What the daemon says.
pub struct Script {
    pub alive: Result<(), String>,
    pub not_ready: Vec<String>,
    pub cameras: Vec<CameraReport>,
    pub metrics: Vec<MetricFamily>,
    /// The newest first.
    pub history: Result<Vec<RecordedEvent>, HistoryError>,
    pub plan: Arc<Plan>,
    pub reload: Result<ReloadReport, ReloadError>,
    /// Queries of the history so far.
    pub queries: Vec<EventQuery>,
    /// Reloads so far.
    pub reloads: usize,
    /// What hangs.
    pub blocked: BTreeSet<Method>,
    /// What panics.
    pub broken: BTreeSet<Method>,
    /// How many calls run at this moment, and how many did at most.
    pub running: usize,
    pub most_running: usize,
}

pub struct Daemon {
    script: Mutex<Script>,
    released: Condvar,
}

impl Default for Daemon {
    fn default() -> Self {
        let script = Script {
            alive: Ok(()),
            not_ready: Vec::new(),
            cameras: Vec::new(),
            metrics: Vec::new(),
            history: Ok(Vec::new()),
            plan: Arc::new(Plan { pipelines: Vec::new() }),
            reload: Ok(ReloadReport::default()),
            queries: Vec::new(),
            reloads: 0,
            blocked: BTreeSet::new(),
            broken: BTreeSet::new(),
            running: 0,
            most_running: 0,
        };
        Self { script: Mutex::new(script), released: Condvar::new() }
    }
}

impl Daemon {
    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock()
    }

    /// Lets everything go on that hangs.
    pub fn release(&self) {
        self.script.lock().blocked.clear();
        self.released.notify_all();
    }

    /// The script, once `method` does not hang any more.
    fn entered(&self, method: Method) -> MutexGuard<'_, Script> {
        let mut script = self.script.lock();
        assert!(!script.broken.contains(&method), "{method:?} is to panic");
        script.running += 1;
        script.most_running = script.most_running.max(script.running);
        while script.blocked.contains(&method) {
            self.released.wait(&mut script);
        }
        script.running -= 1;
        script
    }
}

impl Operations for Daemon {
    fn alive(&self) -> Result<(), String> {
        self.entered(Method::Alive).alive.clone()
    }

    fn not_ready(&self) -> Vec<String> {
        self.entered(Method::NotReady).not_ready.clone()
    }

    fn status(&self) -> DaemonStatus {
        let not_ready = self.entered(Method::Status).not_ready.clone();
        DaemonStatus { nodes: Vec::new(), brokers: Vec::new(), ready: not_ready.is_empty(), not_ready }
    }

    fn cameras(&self) -> Vec<CameraReport> {
        self.script().cameras.clone()
    }

    fn metrics(&self) -> Vec<MetricFamily> {
        self.script().metrics.clone()
    }

    fn events(&self, query: &EventQuery) -> Result<Vec<RecordedEvent>, HistoryError> {
        let mut script = self.entered(Method::Events);
        script.queries.push(query.clone());
        let mut found = script.history.clone()?;
        found.retain(|event| query.before.is_none_or(|before| event.key < before));
        found.truncate(query.limit);
        Ok(found)
    }

    fn config(&self) -> Arc<Plan> {
        Arc::clone(&self.script().plan)
    }

    fn reload(&self) -> Result<ReloadReport, ReloadError> {
        let mut script = self.entered(Method::Reload);
        script.reloads += 1;
        script.reload.clone()
    }
}

/// A camera that streams.
pub fn camera(id: &str) -> CameraReport {
    let status = CameraStatus {
        state: CameraState::Streaming,
        code: None,
        message: None,
        since: WallTime::from_micros(1_700_000_000_000_000),
        fps: 4.5,
        codec: Some("H264".into()),
        decoder: Some("avdec_h264".into()),
        idle: false,
        undecoded: UndecodedPictures::default(),
        frames: FrameBalance { decoded: 10, inferred: 9, waiting: 1, ..FrameBalance::default() },
    };
    CameraReport {
        id: id.into(),
        pipeline: "yard".into(),
        source: format!("rtsp://10.0.0.9/{id}"),
        model: "ssd-mobilenet-v1-sim".into(),
        provider: "cpu".into(),
        status,
    }
}
