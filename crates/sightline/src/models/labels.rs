//! Class names by class id: of a file, or those of published sets.

use std::path::Path;

use anyhow::{Context, anyhow};

use crate::failure::{Failure, Kind, OrFail};

/// Stands for an id without a name: the background, or one that is never used.
pub const NONE: &str = "???";

/// COCO's 90 ids, ten of them never used, after the background.
#[rustfmt::skip] // a list of 91 lines is no easier to read
pub const COCO: [&str; 91] = [
    "???", "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "???", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "???", "backpack", "umbrella", "???", "???", "handbag", "tie", "suitcase",
    "frisbee", "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "???", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "???", "dining table", "???", "???", "toilet", "???", "tv", "laptop", "mouse", "remote", "keyboard",
    "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "???", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
];

/// PASCAL VOC's 20 classes after the background: what the SSD paper's own networks are trained on.
#[rustfmt::skip]
const PASCAL_VOC: [&str; 21] = [
    "???", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
];

/// Names for a network nobody has trained yet: those of the set that has so many classes, or plain numbers.
pub fn for_classes(classes: usize, has_background: bool) -> Vec<String> {
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match classes {
        91 if has_background => named(&COCO),
        21 if has_background => named(&PASCAL_VOC),
        _ => (0..classes)
            .map(|id| if id == 0 && has_background { "???".to_owned() } else { format!("class-{id}") })
            .collect(),
    }
}

/// The names in a file: one a line, by class id, each but [`NONE`] once.
///
/// # Errors
/// When the file cannot be read, or a line is empty or repeats an earlier one.
pub fn read(file: &Path) -> Result<Vec<String>, Failure> {
    let context = || format!("cannot read the class names in {}", file.display());
    let text = std::fs::read_to_string(file).with_context(context).or_fail(Kind::Usage)?;
    let names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    for (index, name) in names.iter().enumerate() {
        let is_repeated = name != NONE && names[..index].contains(name);
        if name.is_empty() || is_repeated {
            let what = if name.is_empty() { "is empty".to_owned() } else { format!("repeats `{name}`") };
            let message = format!("{}: line {} {what}; write one name a line", file.display(), index + 1);
            return Err(Failure::new(Kind::Usage, anyhow!(message)));
        }
    }
    Ok(names)
}
