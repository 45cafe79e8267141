//! Renders pictures to train with, in COCO's format, on all cores:
//! `cargo run --release -p sightline-sim --example render_dataset -- FOLDER COUNT FIRST_SEED [WIDTH HEIGHT]`.
//!
//! Writes `FOLDER/images/000001.png` … and `FOLDER/annotations.json`. The same seeds give the same bytes. Objects that
//! are nearly hidden or tiny have `iscrowd` 1: a detector may find them or not.

use std::{
    error::Error,
    fs,
    io::BufWriter,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use serde_json::{Value, json};
use sightline_sim::{
    dataset::{self, CLASSES, Sample},
    scene::SceneKind,
    truth::TruthObject,
};

type Failure = Box<dyn Error + Send + Sync>;
/// A picture's index, its subset, its annotations.
type Rendered = (u64, &'static str, Vec<Value>);

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let usage = "say FOLDER COUNT FIRST_SEED [WIDTH HEIGHT]";
    let folder = PathBuf::from(arguments.next().ok_or(usage)?);
    let mut number = |default: Option<u64>| match (arguments.next(), default) {
        (Some(text), _) => Ok(text.parse::<u64>().map_err(|error| format!("{text}: {error}"))?),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(Failure::from(usage)),
    };
    let (count, first_seed) = (number(None)?, number(None)?);
    let (width, height) = (number(Some(480))?, number(Some(270))?);
    let size = (u32::try_from(width)?, u32::try_from(height)?);
    fs::create_dir_all(folder.join("images"))?;

    let next = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || -> Result<Vec<Rendered>, Failure> {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return Ok(done);
            }
            let sample = dataset::sample(first_seed + index, size.0, size.1)?;
            save(&sample, &folder.join(image_name(index)))?;
            done.push((index, subset(&sample), annotations(&sample, index)));
        }
    };
    let mut all = std::thread::scope(|scope| -> Result<Vec<_>, Failure> {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "drawing panicked")??);
        }
        Ok(all)
    })?;
    all.sort_by_key(|(index, _, _)| *index);
    write_annotations(&folder, &all, first_seed, size)
}

fn image_name(index: u64) -> String {
    format!("images/{:06}.png", index + 1)
}

fn save(sample: &Sample, path: &Path) -> Result<(), Failure> {
    let picture = &sample.picture;
    let file = BufWriter::new(fs::File::create(path)?);
    let encoder = PngEncoder::new_with_quality(file, CompressionType::Fast, FilterType::Sub);
    encoder.write_image(&picture.rgb, picture.width, picture.height, ExtendedColorType::Rgb8)?;
    Ok(())
}

/// The scene that a picture is a frame of, or `composed`: results are told apart by it.
fn subset(sample: &Sample) -> &'static str {
    sample.scene.map_or("composed", SceneKind::name)
}

/// The annotations of one picture, without their ids.
fn annotations(sample: &Sample, index: u64) -> Vec<Value> {
    let picture = &sample.picture;
    let one = |object: &TruthObject, ignored: bool| {
        let pixels = |part: f32, size: u32| (f64::from(part) * f64::from(size) * 100.0).round() / 100.0;
        let (x, y) = (pixels(object.bbox.x, picture.width), pixels(object.bbox.y, picture.height));
        let (w, h) = (pixels(object.bbox.width, picture.width), pixels(object.bbox.height, picture.height));
        let category = CLASSES.iter().position(|class| *class == object.label).map_or(0, |at| at + 1);
        json!({
            "image_id": index + 1,
            "category_id": category,
            "bbox": [x, y, w, h],
            "area": w * h,
            "iscrowd": u8::from(ignored),
            "visible": (f64::from(object.visible) * 1000.0).round() / 1000.0,
        })
    };
    let clear = picture.truth.iter().map(|object| one(object, false));
    clear.chain(sample.ignored.iter().map(|object| one(object, true))).collect()
}

fn write_annotations(
    folder: &Path,
    all: &[Rendered],
    first_seed: u64,
    (width, height): (u32, u32),
) -> Result<(), Failure> {
    let image = |index: u64, subset: &str| {
        let (id, name, seed) = (index + 1, format!("{:06}.png", index + 1), first_seed + index);
        json!({"id": id, "file_name": name, "width": width, "height": height, "seed": seed, "subset": subset})
    };
    let images: Vec<Value> = all.iter().map(|(index, subset, _)| image(*index, subset)).collect();
    let numbered = all.iter().flat_map(|(_, _, annotations)| annotations.iter().cloned()).zip(1u64..);
    let annotations: Vec<Value> = numbered
        .map(|(mut annotation, id)| {
            annotation["id"] = json!(id);
            annotation
        })
        .collect();
    let categories: Vec<Value> = CLASSES.iter().zip(1..).map(|(name, id)| json!({"id": id, "name": name})).collect();
    let info = json!({"description": "sightline simulated cameras", "first_seed": first_seed});
    let whole = json!({"info": info, "images": images, "annotations": annotations, "categories": categories});
    serde_json::to_writer(BufWriter::new(fs::File::create(folder.join("annotations.json"))?), &whole)?;
    Ok(())
}
