//! Pictures on which an execution provider is compared with the CPU.

use std::path::{Path, PathBuf};

use sightline_config::{
    Environment,
    models::{self, ModelReference},
};
use sightline_core::{
    frame::{FrameBuffer, FrameView, OwnedPixels},
    model::ModelSpec,
    preprocess::{InputSliceMut, Preprocessor},
    tensor::InputBuffer,
};
use sightline_infer::Reference;
use tracing::warn;

/// Enough to see what is wrong; comparing more only delays the start.
const MOST_PICTURES: usize = 8;
/// How many pictures are made where a model keeps none.
const MADE_PICTURES: u32 = 4;
/// The folder of pictures in a model's folder.
const FOLDER: &str = "reference";

/// The model's own reference pictures, or made ones when it keeps none.
pub fn of(model: &ModelSpec) -> Vec<Reference> {
    let mut preprocessor = Preprocessor::new(&model.input);
    let mut load = |frame: FrameView<'_>| {
        let mut input = InputBuffer::new(model.input.element);
        input.resize(model.input.samples_per_image());
        let image = match &mut input {
            InputBuffer::U8(samples) => InputSliceMut::U8(samples),
            InputBuffer::F32(samples) => InputSliceMut::F32(samples),
        };
        let placement = preprocessor.fill(frame, image).ok()?;
        Some(Reference { input, placement })
    };
    let mut references = Vec::new();
    for picture in pictures(model).into_iter().take(MOST_PICTURES) {
        match sightline_media::read_image(&picture) {
            Ok(pixels) => references.extend(load(pixels.view())),
            Err(error) => warn!(picture = %picture.display(), %error, "a reference picture cannot be read"),
        }
    }
    if references.is_empty() {
        let (width, height) = (model.input.width, model.input.height);
        let made = (0..MADE_PICTURES).filter_map(|number| made(number, width, height));
        references = made.filter_map(|pixels| load(pixels.view())).collect();
    }
    references
}

/// Files of the model's reference folder that are pictures, by name.
fn pictures(model: &ModelSpec) -> Vec<PathBuf> {
    let by_name = models::folders_of_model(&ModelReference::Name(model.name.clone()), &Environment::from_process());
    let beside_weights = model.weights.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let folders = by_name.into_iter().chain(beside_weights).map(|folder| folder.join(FOLDER));
    let Some(entries) = folders.into_iter().find_map(|folder| std::fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let is_picture = |path: &PathBuf| {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        extension.is_some_and(|extension| ["png", "jpg", "jpeg"].iter().any(|known| extension == *known))
    };
    let mut pictures: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_picture).collect();
    pictures.sort();
    pictures
}

/// A picture with slopes, edges and texture in every channel, the same on every machine: what a network answers to it means
/// nothing, but every layer has something to do.
fn made(number: u32, width: usize, height: usize) -> Option<OwnedPixels> {
    let mut state = 0x2545_f491_u32.wrapping_add(number.wrapping_mul(0x9e37_79b9)) | 1;
    let mut random = || {
        // Marsaglia's xorshift32.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let rectangles: Vec<[usize; 4]> = (0..6)
        .map(|_| {
            let (left, top) = (random() as usize % width.max(1), random() as usize % height.max(1));
            [left, top, left + 8 + random() as usize % (width / 2 + 1), top + 8 + random() as usize % (height / 2 + 1)]
        })
        .collect();
    let mut samples = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let inside = rectangles
                .iter()
                .filter(|[left, top, right, bottom]| (*left..*right).contains(&x) && (*top..*bottom).contains(&y));
            let step = inside.count() * 45;
            let noise = random() as usize % 16;
            let slopes = [x * 200 / width, y * 200 / height, (x + y) * 100 / (width + height)];
            samples.extend(slopes.map(|slope| u8::try_from((slope + step + noise) % 256).unwrap_or(u8::MAX)));
        }
    }
    OwnedPixels::rgb(width, height, samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_pictures_are_the_same_every_time_and_no_two_alike() {
        let samples = |number| made(number, 32, 24).unwrap().view().planes[0].data.to_vec();
        assert_eq!(samples(1), samples(1));
        assert_ne!(samples(1), samples(2));
        assert!(made(0, 1, 1).is_some());
    }
}
