//! `head:` to a [`Head`].

use sightline_core::model::{BoxCoder, Head, ScoreFunction};

use super::{
    anchors,
    wire::{HeadType, HeadWire, MAX_CLASSES, OutputsWire, ScoreWire},
};
use crate::{
    problem::PlaceId,
    read::{Reading, to_f32},
    yaml::field::Field,
};

/// What the outputs mean.
pub(super) fn read(reading: Reading<'_>, section: PlaceId, wire: &HeadWire) -> Option<Head> {
    if wire.r#type.is_absent() {
        reading.reporter.report_missing(section, "type", "`ssd`, `in_graph_nms`, `detection_output` or `classifier`");
    }
    if wire.outputs.is_absent() {
        reading.reporter.report_missing(section, "outputs", "the names of the graph's outputs");
    }
    let kind = *wire.r#type.given()?.1;
    refuse_what_does_not_belong(reading, kind, wire);
    let outputs = wire.outputs.given().map(|(place, outputs)| Outputs { reading, kind, place, wire: outputs });
    match kind {
        HeadType::Ssd => raw_ssd(reading, section, wire, outputs),
        HeadType::InGraphNms => {
            let outputs = outputs?;
            let boxes = outputs.name("boxes", &outputs.wire.boxes);
            let classes = outputs.name("classes", &outputs.wire.classes);
            let scores = outputs.name("scores", &outputs.wire.scores);
            let count = outputs.name("count", &outputs.wire.count);
            Some(Head::InGraphNms { boxes: boxes?, classes: classes?, scores: scores?, count: count? })
        }
        HeadType::DetectionOutput => {
            let outputs = outputs?;
            Some(Head::DetectionOutput { output: outputs.name("detections", &outputs.wire.detections)? })
        }
        HeadType::Classifier => {
            let outputs = outputs?;
            Some(Head::Classifier { scores: outputs.name("scores", &outputs.wire.scores)? })
        }
    }
}

/// How many classes the head says it has.
pub(super) fn classes(reading: Reading<'_>, wire: &HeadWire) -> Option<usize> {
    let (place, count) = wire.classes.given()?;
    reading.whole_number(place, *count, 1, MAX_CLASSES)
}

fn raw_ssd(reading: Reading<'_>, section: PlaceId, wire: &HeadWire, outputs: Option<Outputs<'_>>) -> Option<Head> {
    if wire.anchors.is_absent() {
        reading.reporter.report_missing(section, "anchors", "the default boxes: `{ssd: …}` or `{file: …}`");
    }
    let anchors = wire.anchors.given().and_then(|(place, wire)| anchors::read(reading, place, wire));
    let box_coder = box_coder(reading, &wire.box_coder);
    let background_class = background_class(reading, &wire.background_class);
    let outputs = outputs?;
    let boxes = outputs.name("boxes", &outputs.wire.boxes);
    let classes = outputs.name("classes", &outputs.wire.classes);
    Some(Head::RawSsd {
        boxes: boxes?,
        classes: classes?,
        anchors: anchors?,
        box_coder: box_coder?,
        score: match wire.score.given() {
            Some((_, ScoreWire::Softmax)) => ScoreFunction::Softmax,
            Some((_, ScoreWire::Identity)) => ScoreFunction::Identity,
            Some((_, ScoreWire::Sigmoid)) | None => ScoreFunction::Sigmoid,
        },
        background_class,
    })
}

fn box_coder(reading: Reading<'_>, field: &Field<Vec<Field<f64>>>) -> Option<BoxCoder> {
    let Some((place, values)) = field.given() else {
        return Some(BoxCoder { y: 10.0, x: 10.0, height: 5.0, width: 5.0 });
    };
    let values: Vec<f32> = values.iter().filter_map(|value| Some(to_f32(*value.given()?.1))).collect();
    match values[..] {
        [y, x, height, width] if values.iter().all(|value| *value > 0.0) => Some(BoxCoder { y, x, height, width }),
        _ => {
            reading.reporter.report_with_help(place, "expected four numbers greater than 0", "[10, 10, 5, 5]");
            None
        }
    }
}

fn background_class(reading: Reading<'_>, field: &Field<u64>) -> Option<u16> {
    let (place, class) = field.given()?;
    let class = reading.whole_number(place, *class, 0, MAX_CLASSES)?;
    u16::try_from(class).ok()
}

/// Settings that would be silently without effect.
fn refuse_what_does_not_belong(reading: Reading<'_>, kind: HeadType, wire: &HeadWire) {
    if kind == HeadType::Ssd {
        return;
    }
    let places = [
        wire.anchors.given().map(|(place, _)| place),
        wire.box_coder.given().map(|(place, _)| place),
        wire.score.given().map(|(place, _)| place),
        wire.background_class.given().map(|(place, _)| place),
    ];
    for place in places.into_iter().flatten() {
        let message = format!("a head of type {} has none", kind.name());
        reading.reporter.report_with_help(place, message, "remove it");
    }
}

struct Outputs<'a> {
    reading: Reading<'a>,
    kind: HeadType,
    place: PlaceId,
    wire: &'a OutputsWire,
}

impl Outputs<'_> {
    /// The name of an output that this kind of head needs.
    fn name(&self, key: &str, field: &Field<String>) -> Option<String> {
        if field.is_absent() {
            let help = format!("a head of type {} needs it: the name of a graph's output", self.kind.name());
            self.reading.reporter.report_missing(self.place, key, help);
        }
        self.reading.non_empty_text(field)
    }
}
