//! Pipeline files to a [`Plan`], or everything that is wrong with them.

mod area;
mod camera;
mod clips;
mod effort;
mod inference;
mod labels;
mod later;
mod lines;
mod mqtt;
mod outbox;
mod picture;
mod providers;
mod retention;
mod snapshots;
pub(crate) mod wire;
mod zones;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use sightline_core::{
    model::{DetectionSettings, Head, ModelSpec},
    plan::{CameraPlan, MqttPlan, PipelinePlan, Plan},
};

use self::{
    camera::CameraDefaults,
    wire::{CameraWire, DefaultsWire, Fraction, InferenceWire, ModelWire, MqttWire, PipelineWire},
};
use crate::{
    environment::Environment,
    files,
    interpolate::Surroundings,
    models::{self, ModelReference},
    problem::{Place, PlaceId, Problem, Problems, Reporter, whole_file},
    read::{Reading, check_version},
    yaml::{
        self,
        field::{Entries, Entry, Field},
    },
};

/// Reads pipeline files, and all `*.yaml` and `*.yml` files of folders in the order of their names.
///
/// # Errors
/// Everything that is wrong with any of them, at once, each with its file, line and path. No problem holds a secret.
pub fn load(paths: &[PathBuf], environment: &Environment) -> Result<Plan, Problems> {
    let mut loading = Loading {
        environment,
        problems: Vec::new(),
        models: HashMap::new(),
        connections: Vec::new(),
        taken: HashMap::new(),
    };
    let files = loading.files(paths);
    let mut pipelines = Vec::with_capacity(files.len());
    for file in &files {
        pipelines.extend(loading.pipeline(file));
    }
    Problems::none_or(loading.problems, Some(Plan { pipelines }))
}

struct Loading<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
    /// Models read so far by their manifest; `None` for one with problems, which are told once.
    models: HashMap<PathBuf, Option<Arc<ModelSpec>>>,
    /// Connections of earlier files, with the place that has them.
    connections: Vec<(MqttPlan, String)>,
    /// Pipeline names and camera ids of earlier files, by kind and name, with the place that has them.
    taken: HashMap<(&'static str, String), String>,
}

impl Loading<'_> {
    fn files(&mut self, paths: &[PathBuf]) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for path in paths {
            if !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            match yaml_files(path) {
                Ok(found) if found.is_empty() => {
                    let help = "pipeline files end in .yaml or .yml";
                    self.problems.push(whole_file(path, "no pipeline file in this folder", Some(help.to_owned())));
                }
                Ok(found) => files.extend(found),
                Err(error) => self.problems.push(whole_file(path, format!("cannot read the folder: {error}"), None)),
            }
        }
        if paths.is_empty() {
            let help = "name a pipeline file or a folder of them";
            self.problems.push(whole_file(Path::new("."), "no pipeline file was named", Some(help.to_owned())));
        }
        files
    }

    fn pipeline(&mut self, file: &Path) -> Option<PipelinePlan> {
        let text = match files::read_text(file, files::MAX_TEXT_BYTES) {
            Ok(text) => text,
            Err(error) => {
                self.problems.push(whole_file(file, format!("cannot read the file: {error}"), None));
                return None;
            }
        };
        let reporter = Reporter::new(file);
        let plan = self.read_pipeline(file, &text, &reporter);
        self.problems.extend(reporter.into_problems());
        if plan.is_none() && self.problems.is_empty() {
            // A pipeline must never be left out in silence.
            self.problems.push(whole_file(file, "the file was not understood, and Sightline does not know why", None));
        }
        plan
    }

    fn read_pipeline(&mut self, file: &Path, text: &str, reporter: &Reporter) -> Option<PipelinePlan> {
        let (wire, root) = yaml::read::<PipelineWire>(text, reporter)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let reading = Reading { reporter, surroundings: Surroundings { environment: self.environment, folder } };

        check_version(reporter, root, &wire.version);
        let name = self.name(reading, root, &wire.name);
        let model = self.model(reading, root, &wire.model);
        let detection = detection_settings(reading, &wire.model, model.as_deref());
        let inference = inference::read(reading, wire.inference.given().map_or(&InferenceWire::default(), |(_, w)| w));
        let mqtt = match &wire.mqtt {
            Field::Given(place, wire) => mqtt::read(reading, *place, wire),
            Field::Absent => {
                let section = reporter.add_place(Place { path: "mqtt".to_owned(), line: 1, column: 1 });
                mqtt::read(reading, section, &MqttWire::default())
            }
            Field::Wrong => None,
        };
        if let Some(mqtt) = &mqtt {
            self.claim_connection(reporter, wire.mqtt.given().map_or(root, |(place, _)| place), mqtt);
        }
        let cameras = self.cameras(reading, root, &wire, model.as_deref());
        Some(PipelinePlan {
            name: name?,
            file: file.to_owned(),
            model: model?,
            detection: detection?,
            inference,
            mqtt: mqtt?,
            cameras,
        })
    }

    fn name(&mut self, reading: Reading<'_>, root: PlaceId, field: &Field<wire::TopicText>) -> Option<String> {
        if field.is_absent() {
            reading.reporter.report_missing(root, "name", "the pipeline's name, as in `name: yard`");
        }
        let (place, text) = field.given()?;
        let name = reading.topic_level(place, &text.0)?;
        self.claim(reading.reporter, place, "pipeline", &name);
        Some(name)
    }

    /// Reports a connection to the same topics of the same broker as another file's, but with other settings: the two would
    /// overwrite each other's status, and share one outbox.
    fn claim_connection(&mut self, reporter: &Reporter, place: PlaceId, mqtt: &MqttPlan) {
        let address = |plan: &MqttPlan| (plan.host.clone(), plan.port, plan.base_topic());
        let Some((known, earlier)) = self.connections.iter().find(|(known, _)| address(known) == address(mqtt)) else {
            self.connections.push((mqtt.clone(), reporter.location(place)));
            return;
        };
        if (MqttPlan { detections: known.detections, ..mqtt.clone() }) != *known {
            let message = "the same broker, prefix and node as another file's, but other settings";
            let help =
                format!("that one is at {earlier}; repeat its settings here, or give another `prefix` or `node`");
            reporter.report_with_help(place, message, help);
        }
    }

    /// Reports a name that another file has already.
    fn claim(&mut self, reporter: &Reporter, place: PlaceId, kind: &'static str, name: &str) {
        let key = (kind, name.to_owned());
        if let Some(earlier) = self.taken.get(&key) {
            let message = format!("there is another {kind} of this name");
            reporter.report_with_help(place, message, format!("it is at {earlier}; names are unique over all files"));
            return;
        }
        self.taken.insert(key, reporter.location(place));
    }

    fn model(&mut self, reading: Reading<'_>, root: PlaceId, field: &Field<ModelWire>) -> Option<Arc<ModelSpec>> {
        let help = "as in `model: {name: ssd-mobilenet-v1-coco}`";
        if field.is_absent() {
            reading.reporter.report_missing(root, "model", help);
        }
        let (section, wire) = field.given()?;
        let (place, reference) = match (wire.name.given(), wire.path.given()) {
            (Some((place, _)), None) => (place, ModelReference::Name(reading.non_empty_text(&wire.name)?)),
            (None, Some((place, _))) => (place, ModelReference::Path(reading.path(&wire.path)?)),
            (Some(_), Some((place, _))) => {
                reading.reporter.report_with_help(place, "`name` and `path` exclude each other", "keep one of them");
                return None;
            }
            (None, None) => {
                if wire.name.is_absent() && wire.path.is_absent() {
                    reading.reporter.report_missing(section, "name", help);
                }
                return None;
            }
        };
        let manifest = match models::find_manifest(&reference, self.environment) {
            Ok(manifest) => manifest,
            Err(missing) => {
                reading.reporter.report_with_help(place, missing.message, missing.help);
                return None;
            }
        };
        if let Some(known) = self.models.get(&manifest.file) {
            return known.clone();
        }
        let model = match models::load_manifest(&manifest, self.environment) {
            Ok(model) if matches!(model.head, Head::Classifier { .. }) => {
                let help = "name a detector, such as ssd-mobilenet-v1-coco";
                reading.reporter.report_with_help(place, "a classifier finds no boxes", help);
                None
            }
            Ok(model) => Some(Arc::new(model)),
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        };
        self.models.insert(manifest.file, model.clone());
        model
    }

    fn cameras(
        &mut self,
        reading: Reading<'_>,
        root: PlaceId,
        wire: &PipelineWire,
        model: Option<&ModelSpec>,
    ) -> Vec<CameraPlan> {
        let labels = model.map(|model| &model.labels);
        let no_defaults = DefaultsWire::default();
        let defaults = wire.defaults.given().map_or(&no_defaults, |(_, wire)| wire);
        let defaults = CameraDefaults::read(reading, defaults, labels);
        let help = "as in `cameras: {front-door: {url: rtsp://10.0.0.21/stream1}}`";
        let entries: &[Entry<CameraWire>] = match &wire.cameras {
            Field::Given(place, Entries(entries)) if entries.is_empty() => {
                reading.reporter.report_with_help(*place, "there is no camera", help);
                &[]
            }
            Field::Given(_, Entries(entries)) => entries,
            Field::Absent => {
                reading.reporter.report_missing(root, "cameras", help);
                &[]
            }
            Field::Wrong => &[],
        };
        let mut cameras = Vec::new();
        for entry in entries {
            self.claim(reading.reporter, entry.place, "camera", &entry.key);
            cameras.extend(camera::read(reading, entry, &defaults, labels));
        }
        cameras
    }
}

/// The model's defaults under the pipeline's wishes.
fn detection_settings(
    reading: Reading<'_>,
    field: &Field<ModelWire>,
    model: Option<&ModelSpec>,
) -> Option<DetectionSettings> {
    let (_, wire) = field.given()?;
    let threshold = |field: &Field<Fraction>| {
        let (place, value) = field.given()?;
        reading.fraction(place, value.0)
    };
    let score = threshold(&wire.score_threshold);
    let iou = threshold(&wire.iou_threshold);
    let defaults = model?.defaults;
    Some(DetectionSettings {
        score_threshold: score.unwrap_or(defaults.score_threshold),
        iou_threshold: iou.unwrap_or(defaults.iou_threshold),
        ..defaults
    })
}

/// Visible YAML files of a folder, sorted by name. Editors leave hidden ones behind.
fn yaml_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml && !is_hidden && !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
