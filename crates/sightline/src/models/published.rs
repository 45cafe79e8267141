//! The published model that everybody knows: where it is, and how to tell that it is the right one.

use super::{import::Origin, labels};

/// A file that can be fetched.
pub struct Archive {
    /// Where it is published, and once more under the name that its width deserves: the same bytes.
    pub urls: [&'static str; 2],
    pub file_name: &'static str,
    /// Of the archive, as TensorFlow's own build and several distributions pin it.
    pub sha256: &'static str,
    /// Bound on its size: the model in it compresses to about 3 MB.
    pub most_bytes: u64,
    /// The model in it, and that one's exact size.
    pub member: &'static str,
    pub member_bytes: u64,
}

/// The name under which the well-known model is imported; `-int8` is its fast form.
pub const NAME: &str = "ssd-mobilenet-v1-coco";

/// SHA-256 of `detect.tflite`. It decides: an archive from elsewhere that holds this file is as good.
pub const DETECT_SHA256: &str = "e4b118e5e4531945de2e659742c7c590f7536f8d0ed26d135abcfe83b4779d13";

/// TensorFlow's `coco_ssd_mobilenet_v1_1.0_quant_2018_06_29`.
pub const ARCHIVE: Archive = Archive {
    urls: [
        "https://storage.googleapis.com/download.tensorflow.org/models/tflite/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.zip",
        "https://storage.googleapis.com/download.tensorflow.org/models/tflite/coco_ssd_mobilenet_v1_0.75_quant_2018_06_29.zip",
    ],
    file_name: "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.zip",
    sha256: "a809cd290b4d6a2e8a9d5dad076e0bd695b8091974e0eed1052b480b2f21b6dc",
    most_bytes: 16 << 20,
    member: "detect.tflite",
    member_bytes: 4_183_312,
};

/// What its manifests say.
pub fn origin() -> Origin {
    Origin {
        name: NAME.into(),
        license: "Apache-2.0".into(),
        source: format!(
            "TensorFlow's coco_ssd_mobilenet_v1_1.0_quant_2018_06_29 ({} of SHA-256 {DETECT_SHA256}); its name says 1.0, its layers are those of depth multiplier 0.75",
            ARCHIVE.member
        ),
        labels: Some(labels::COCO.map(str::to_owned).to_vec()),
    }
}
