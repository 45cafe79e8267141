//! What is done with a camera's frames. A reload can put other work in its place while the stream goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;
use sightline_core::{
    event::{EndReason, FrameBalance, ModelIdentity, Origin},
    frame::{Frame, PictureSize},
    model::DetectionSettings,
    motion::Followed,
    picture_watch::{PictureState, PictureWatch, PictureWatchSettings},
    plan::CameraPlan,
    ports::{Archive, FrameUse, SkippedPicture},
};
use tokio::sync::mpsc;

use crate::{
    attention::Attention,
    batcher::InFlight,
    clips::ClipTaker,
    engine::Engine,
    observation::Observation,
    queue::{CameraKey, CameraWish},
    stamp::EventLog,
    worker::{CameraPort, InferredFrame},
};

/// What the cameras of one pipeline share.
#[derive(Clone)]
pub struct PipelineContext {
    /// The pipeline's name.
    pub name: String,
    /// This machine's name in topics.
    pub node: String,
    /// Thresholds.
    pub detection: DetectionSettings,
    /// Publish every inferred frame as well.
    pub publishes_detections: bool,
    /// The sessions that run its model.
    pub engine: Arc<Engine>,
    /// Where its events go.
    pub events: Arc<EventLog>,
}

impl PipelineContext {
    /// Whether a camera would notice no difference.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.engine, &other.engine)
            && Arc::ptr_eq(&self.events, &other.events)
            && self.name == other.name
            && self.node == other.node
            && self.detection == other.detection
            && self.publishes_detections == other.publishes_detections
    }
}

/// A camera's place in its engine's queue, its objects, and what is made of them.
pub struct Work {
    /// What is wished of the camera.
    pub plan: CameraPlan,
    /// Its pipeline.
    pub pipeline: PipelineContext,
    /// Its place in the engine's queue.
    pub key: CameraKey,
    /// Its objects. Locked for one frame's observation at a time, never over an await.
    pub observation: Mutex<Observation>,
    /// Sees whether its picture is frozen or black. Locked by the stream's own thread alone, so never contended.
    pub picture_watch: Mutex<PictureWatch>,
    /// How closely it is watched.
    pub attention: Attention,
    /// Records its events, where its plan wishes it.
    pub clips: Option<Arc<ClipTaker>>,
    /// Whether it is still this that is done. What is late publishes nothing any more: its topics are renounced.
    pub is_in_force: Arc<AtomicBool>,
}

/// What [`Work::begin`] needs beside the plan.
pub struct WorkParts {
    /// What is wished of the camera.
    pub plan: CameraPlan,
    /// Its pipeline.
    pub pipeline: PipelineContext,
    /// Where recordings are kept.
    pub archive: Arc<dyn Archive>,
    /// Where the engine's answers go.
    pub results: mpsc::Sender<InferredFrame>,
}

/// What came before, of a camera that goes on.
pub struct Earlier<'a> {
    /// The work, which has ended.
    pub work: &'a Work,
    /// The camera's frames so far.
    pub counts: FrameBalance,
}

impl Work {
    /// Takes a place in the engine's queue and publishes a first value of every count.
    #[must_use]
    pub fn begin(parts: WorkParts, earlier: Option<&Earlier<'_>>) -> Self {
        let WorkParts { plan, pipeline, archive, results } = parts;
        let engine = &pipeline.engine;
        let execution = engine.execution();
        let origin = Arc::new(Origin {
            node: pipeline.node.clone(),
            pipeline: pipeline.name.clone(),
            camera: plan.spec.id.to_string(),
            model: ModelIdentity { name: engine.model.name.clone(), sha256: engine.model.sha256.clone() },
            provider: execution.provider.name().to_string(),
            execution: Some(execution.summary()),
        });
        let (labels, threshold) = (&engine.model.labels, pipeline.detection.score_threshold);
        let events = pipeline.events.clone();
        let mut observation = Observation::new(&plan, labels, threshold, origin, events, pipeline.publishes_detections);
        if let Some(earlier) = earlier {
            observation.count_on_from(&earlier.work.observation.lock());
        }
        observation.publish_counts();
        let settings = observation.decoding(pipeline.detection);
        let port = CameraPort { settings, keeps_pictures: plan.snapshots.is_some(), results };
        let counts = earlier.map(|earlier| earlier.counts).unwrap_or_default();
        let key = engine.add_camera(CameraWish { fps: plan.fps, priority: plan.priority }, port, counts);
        let undecoded = earlier.map(|earlier| earlier.work.attention.undecoded()).unwrap_or_default();
        let attention = Attention::new(&plan, undecoded);
        let clips = plan.clips.clone().map(|clips| Arc::new(ClipTaker::new(plan.spec.id.clone(), clips, archive)));
        let watched =
            |plan: &CameraPlan| PictureWatchSettings { frozen_after: plan.frozen_after, dark_after: plan.dark_after };
        let fresh = PictureWatch::new(watched(&plan));
        // Of a stream that goes on a frozen picture is still frozen.
        let picture_watch = match earlier.map(|earlier| earlier.work) {
            Some(work) if watched(&work.plan) == watched(&plan) => {
                Mutex::new(std::mem::replace(&mut *work.picture_watch.lock(), fresh))
            }
            _ => Mutex::new(fresh),
        };
        Self {
            plan,
            pipeline,
            key,
            observation: Mutex::new(observation),
            picture_watch,
            attention,
            clips,
            is_in_force: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Gives up its place and ends its objects for `reason`; the camera's frames so far.
    pub fn end(&self, reason: EndReason) -> FrameBalance {
        self.is_in_force.store(false, Ordering::Release);
        let counts = self.pipeline.engine.remove_camera(self.key);
        self.end_objects(reason);
        if let Some(clips) = &self.clips {
            clips.source_ended();
        }
        counts
    }

    /// Ends all objects that are present, for `reason`.
    pub fn end_objects(&self, reason: EndReason) {
        self.observation.lock().end_all(reason);
        self.attention.follow(Followed::Nothing);
    }

    /// Whether a result is to be observed: one of an earlier work has another model's labels, and work that has ended
    /// begins no objects.
    #[must_use]
    pub fn wants(&self, in_flight: &InFlight) -> bool {
        self.is_in_force.load(Ordering::Acquire) && in_flight.is_of(&self.pipeline.engine.batcher, self.key)
    }

    /// What a frame is for that was decoded at `decoded_at`. One that is over the wished rate is accounted for.
    #[must_use]
    pub fn use_of_frame(&self, decoded_at: Instant) -> FrameUse {
        if self.pipeline.engine.batcher.admit(self.key, decoded_at) {
            return FrameUse::Inference;
        }
        if self.picture_watch.lock().is_due(decoded_at) { FrameUse::Look } else { FrameUse::Nothing }
    }

    /// Counts pictures that were not decoded.
    pub fn skipped(&self, why: SkippedPicture, pictures: u64, now: Instant) {
        self.attention.count_skipped(why, pictures);
        if why == SkippedPicture::Late {
            (0..pictures).for_each(|_| self.pipeline.engine.batcher.left_undecoded(self.key, now));
        }
    }

    /// Takes in a decoded frame. What its picture shows, when it was looked at: about once a second.
    pub fn put(&self, frame: Frame, for_what: FrameUse) -> Option<PictureState> {
        let decoded_at = frame.times.decoded_at;
        let mut watch = self.picture_watch.lock();
        let shown = watch.is_due(decoded_at).then(|| watch.look(frame.buffer.view(), decoded_at));
        drop(watch);
        let batcher = &self.pipeline.engine.batcher;
        match for_what {
            FrameUse::Inference if self.attention.admits(&frame) => {
                batcher.put(self.key, frame, decoded_at);
            }
            FrameUse::Inference => batcher.pass_over(self.key),
            FrameUse::Look | FrameUse::Nothing => {}
        }
        shown
    }

    /// The size at which the camera's pictures are enough. A snapshot shows the whole picture, so none is then.
    #[must_use]
    pub fn wanted_size(&self) -> Option<PictureSize> {
        if self.plan.snapshots.is_some() { None } else { self.pipeline.engine.model.input.stretched_size() }
    }

    /// What became of the camera's frames.
    #[must_use]
    pub fn balance(&self) -> FrameBalance {
        self.pipeline.engine.batcher.balance(self.key)
    }
}
