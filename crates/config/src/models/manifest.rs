//! `model.yaml` to a [`ModelSpec`], or everything that is wrong with it.

use std::{collections::HashSet, path::Path};

use sightline_core::{
    model::{ColorOrder, DetectionSettings, Head, InputSpec, Labels, ModelSpec, ResizeMode, TensorLayout},
    tensor::ElementType,
};

use super::{
    head,
    search::Manifest,
    weights,
    wire::{
        ColorWire, ElementWire, InputWire, LabelNamesWire, LayoutWire, MAX_MAX_DETECTIONS, MAX_SIDE, ManifestWire,
        ModelDefaultsWire, PerChannelWire, ResizeWire, WeightsWire,
    },
};
use crate::{
    defaults,
    environment::Environment,
    files,
    interpolate::Surroundings,
    problem::{PlaceId, Problem, Reporter, whole_file},
    read::{Reading, TOPIC_LEVEL_HELP, check_version, to_f32, wrong_topic_level},
    yaml::{self, field::Field},
};

/// Reads a manifest and looks for its weights.
pub(crate) fn load_manifest(manifest: &Manifest, environment: &Environment) -> Result<ModelSpec, Vec<Problem>> {
    let text = files::read_text(&manifest.file, files::MAX_TEXT_BYTES)
        .map_err(|error| vec![whole_file(&manifest.file, format!("cannot read the file: {error}"), None)])?;
    let reporter = Reporter::new(&manifest.file);
    let model = read(manifest, &text, &reporter, environment);
    let problems = reporter.into_problems();
    match model {
        Some(model) if problems.is_empty() => Ok(model),
        None if problems.is_empty() => {
            Err(vec![whole_file(&manifest.file, "the file was not understood, and Sightline does not know why", None)])
        }
        _ => Err(problems),
    }
}

fn read(manifest: &Manifest, text: &str, reporter: &Reporter, environment: &Environment) -> Option<ModelSpec> {
    let (wire, root) = yaml::read::<ManifestWire>(text, reporter)?;
    let folder = manifest.file.parent().unwrap_or(Path::new(""));
    let reading = Reading { reporter, surroundings: Surroundings { environment, folder } };

    check_version(reporter, root, &wire.version);
    let name = required_text(reading, root, "name", &wire.name, "the name of the model's folder");
    check_name(reporter, &wire.name, name.as_deref(), manifest.folder_name.as_deref());
    let license = required_text(reading, root, "license", &wire.license, "an SPDX identifier, such as Apache-2.0");
    let source = required_text(reading, root, "source", &wire.source, "where the weights come from, how to get them");
    let weights = section(reporter, root, "weights", &wire.weights).and_then(|(at, w)| weights_of(reading, at, w));
    let input = section(reporter, root, "input", &wire.input).and_then(|(at, wire)| input(reading, at, wire));
    let head_wire = section(reporter, root, "head", &wire.head);
    let head = head_wire.and_then(|(at, wire)| head::read(reading, at, wire));
    let classes = head_wire.and_then(|(_, wire)| head::classes(reading, wire));
    let labels = section(reporter, root, "labels", &wire.labels).and_then(|(at, wire)| labels(reading, at, wire));
    let settings =
        section(reporter, root, "defaults", &wire.defaults).and_then(|(at, wire)| settings(reading, at, wire));

    if let (Some((at, _)), Some(labels)) = (wire.labels.given(), &labels) {
        check_classes(reporter, at, labels, classes, head.as_ref());
    }
    let (name, (weights_file_name, sha256)) = (name?, weights?);
    let weights_searched = weights::candidates(&weights_file_name, &name, folder, environment);
    Some(ModelSpec {
        weights: weights_searched.iter().find(|place| place.is_file()).cloned(),
        name,
        weights_file_name,
        weights_searched,
        sha256,
        license: license?,
        source: source?,
        input: input?,
        head: head?,
        labels: labels?,
        defaults: settings?,
    })
}

/// A section that must be there.
fn section<'a, T>(reporter: &Reporter, root: PlaceId, key: &str, field: &'a Field<T>) -> Option<(PlaceId, &'a T)> {
    if field.is_absent() {
        reporter.report_missing(root, key, "every model.yaml needs it; see models/README.md");
    }
    field.given()
}

fn required_text(
    reading: Reading<'_>,
    inside: PlaceId,
    key: &str,
    field: &Field<String>,
    help: &str,
) -> Option<String> {
    if field.is_absent() {
        reading.reporter.report_missing(inside, key, help);
    }
    reading.non_empty_text(field)
}

fn check_name(reporter: &Reporter, field: &Field<String>, name: Option<&str>, folder_name: Option<&str>) {
    let (Some((place, _)), Some(name)) = (field.given(), name) else {
        return;
    };
    if let Some(wrong) = wrong_topic_level(name) {
        reporter.report_with_help(place, wrong, "letters, digits and `-`, as in ssd-mobilenet-v1-coco");
    }
    if let Some(folder_name) = folder_name
        && folder_name != name
    {
        reporter.report_with_help(place, "not the name of the model's folder", format!("write `name: {folder_name}`"));
    }
}

fn weights_of(reading: Reading<'_>, section: PlaceId, wire: &WeightsWire) -> Option<(String, String)> {
    let file = required_text(reading, section, "file", &wire.file, "the name of the ONNX file");
    let sha256 = required_text(reading, section, "sha256", &wire.sha256, "`sha256sum FILE` prints it");
    if let (Some((place, _)), Some(file)) = (wire.file.given(), &file)
        && Path::new(file).file_name().is_none_or(|name| name != file.as_str())
    {
        let help = "only its name; it is looked for beside this file and in the folders of models";
        reading.reporter.report_with_help(place, "must be a file's name without a folder", help);
    }
    if let (Some((place, _)), Some(sha256)) = (wire.sha256.given(), &sha256) {
        let is_hash = sha256.len() == 64 && sha256.chars().all(|c| c.is_ascii_hexdigit());
        if !is_hash {
            reading.reporter.report_with_help(place, "not 64 hexadecimal digits", "`sha256sum FILE` prints it");
        }
    }
    Some((file?, sha256?.to_lowercase()))
}

fn input(reading: Reading<'_>, section: PlaceId, wire: &InputWire) -> Option<InputSpec> {
    let reporter = reading.reporter;
    let missing = |is_absent: bool, key: &str, help: &str| {
        if is_absent {
            reporter.report_missing(section, key, help);
        }
    };
    missing(wire.layout.is_absent(), "layout", "`nchw` or `nhwc`");
    missing(wire.r#type.is_absent(), "type", "`uint8` or `float32`");
    missing(wire.color.is_absent(), "color", "`rgb` or `bgr`");
    missing(wire.width.is_absent(), "width", "the input's width in pixels");
    missing(wire.height.is_absent(), "height", "the input's height in pixels");
    let side = |field: &Field<u64>| {
        let (place, value) = field.given()?;
        reading.whole_number(place, *value, 1, MAX_SIDE)
    };
    let (width, height) = (side(&wire.width), side(&wire.height));
    let normalisation = wire.r#type.given().and_then(|(_, element)| normalisation(reading, section, *element, wire));
    let (mean, scale) = normalisation?;
    Some(InputSpec {
        name: reading.non_empty_text(&wire.name),
        layout: match wire.layout.given()?.1 {
            LayoutWire::Nchw => TensorLayout::Nchw,
            LayoutWire::Nhwc => TensorLayout::Nhwc,
        },
        element: match wire.r#type.given()?.1 {
            ElementWire::Uint8 => ElementType::U8,
            ElementWire::Float32 => ElementType::F32,
        },
        color_order: match wire.color.given()?.1 {
            ColorWire::Rgb => ColorOrder::Rgb,
            ColorWire::Bgr => ColorOrder::Bgr,
        },
        width: width?,
        height: height?,
        resize: match wire.resize.given() {
            Some((_, ResizeWire::Letterbox)) => ResizeMode::Letterbox,
            Some((_, ResizeWire::Stretch)) | None => ResizeMode::Stretch,
        },
        mean,
        scale,
    })
}

/// Mean and scale per channel.
fn normalisation(
    reading: Reading<'_>,
    section: PlaceId,
    element: ElementWire,
    wire: &InputWire,
) -> Option<([f32; 3], [f32; 3])> {
    if element == ElementWire::Uint8 {
        for (place, _) in [&wire.mean, &wire.scale].into_iter().filter_map(|field| field.given()) {
            let help = "remove it: a uint8 input takes the samples as they are";
            reading.reporter.report_with_help(place, "a uint8 input is not normalised", help);
        }
        return Some(([0.0; 3], [1.0; 3]));
    }
    // A guessed normalisation would cost accuracy in silence: 5 points of AP50 for SSD MobileNetV1.
    for (key, field) in [("mean", &wire.mean), ("scale", &wire.scale)] {
        if field.is_absent() {
            let help = "a float32 input needs it; mean 0 and scale 1 leave the samples as they are";
            reading.reporter.report_missing(section, key, help);
        }
    }
    let mean = per_channel(reading, &wire.mean);
    let scale = per_channel(reading, &wire.scale);
    if let (Some((place, _)), Some(values)) = (wire.scale.given(), scale)
        && values.contains(&0.0)
    {
        reading.reporter.report(place, "must not be 0");
    }
    Some((mean?, scale?))
}

fn per_channel(reading: Reading<'_>, field: &Field<PerChannelWire>) -> Option<[f32; 3]> {
    let (place, wire) = field.given()?;
    let values: Vec<f32> = match wire {
        PerChannelWire::Scalar(value) => vec![to_f32(*value); 3],
        PerChannelWire::Sequence(values) => values.iter().filter_map(|v| Some(to_f32(*v.given()?.1))).collect(),
    };
    let channels = <[f32; 3]>::try_from(values).ok();
    if channels.is_none() {
        reading.reporter.report(place, "expected one number, or a list of three");
    }
    channels
}

fn labels(reading: Reading<'_>, place: PlaceId, wire: &LabelNamesWire) -> Option<Labels> {
    let names: Vec<String> = match wire {
        LabelNamesWire::Sequence(names) => {
            names.iter().map(|name| name.given().map(|(_, name)| name.clone()).unwrap_or_default()).collect()
        }
        LabelNamesWire::Mapping(file) => {
            if file.file.is_absent() {
                reading.reporter.report_missing(place, "file", "a file with one name a line");
            }
            let (at, _) = file.file.given()?;
            let path = reading.path(&file.file)?;
            match files::read_text(&path, files::MAX_TEXT_BYTES) {
                Ok(text) => text.lines().map(str::to_owned).collect(),
                Err(error) => {
                    let shown = reading.shown_path(&file.file);
                    reading.reporter.report(at, format!("cannot read {shown}: {error}"));
                    return None;
                }
            }
        }
    };
    let names: Vec<Option<String>> = names.iter().map(|name| named(name)).collect();
    check_names(reading.reporter, place, &names);
    Some(Labels::new(names))
}

/// `???` and blanks stand for an id without a name.
fn named(text: &str) -> Option<String> {
    let text = text.trim();
    (!matches!(text, "" | "???")).then(|| text.to_owned())
}

fn check_names(reporter: &Reporter, place: PlaceId, names: &[Option<String>]) {
    if names.iter().flatten().next().is_none() {
        reporter.report(place, "there is no label");
    }
    let mut earlier = HashSet::new();
    for (id, name) in names.iter().enumerate() {
        let Some(name) = name else {
            continue;
        };
        if let Some(wrong) = wrong_topic_level(name) {
            reporter.report_with_help(place, format!("label {id} {wrong}"), TOPIC_LEVEL_HELP);
        }
        if !earlier.insert(name) {
            reporter.report(place, format!("label {id}, `{name}`, is there twice"));
        }
    }
}

fn check_classes(reporter: &Reporter, place: PlaceId, labels: &Labels, classes: Option<usize>, head: Option<&Head>) {
    if let Some(classes) = classes
        && classes != labels.len()
    {
        let message = format!("{} labels for the {classes} classes of `head.classes`", labels.len());
        reporter.report_with_help(place, message, "one label per class id from 0; `???` for an id without a name");
    }
    if let Some(Head::RawSsd { background_class: Some(background), .. }) = head
        && usize::from(*background) >= labels.len()
    {
        reporter.report(place, format!("no label for class {background}, which is `head.background_class`"));
    }
}

fn settings(reading: Reading<'_>, section: PlaceId, wire: &ModelDefaultsWire) -> Option<DetectionSettings> {
    if wire.score_threshold.is_absent() {
        let help = "the best one differs from model to model: int8 scores end far below 1";
        reading.reporter.report_missing(section, "score_threshold", help);
    }
    let fraction = |place: PlaceId, value: f64| reading.fraction(place, value);
    let score_threshold = wire.score_threshold.given().and_then(|(place, value)| fraction(place, value.0));
    let iou_threshold = wire.iou_threshold.given().and_then(|(place, value)| fraction(place, value.0));
    let max_detections = wire
        .max_detections
        .given()
        .and_then(|(place, value)| reading.whole_number(place, *value, 1, MAX_MAX_DETECTIONS));
    Some(DetectionSettings {
        score_threshold: score_threshold?,
        iou_threshold: iou_threshold.unwrap_or(to_f32(defaults::IOU_THRESHOLD)),
        max_detections: max_detections.unwrap_or(defaults::MAX_DETECTIONS),
        class_agnostic: wire.class_agnostic.given().is_some_and(|(_, wished)| *wished),
    })
}
