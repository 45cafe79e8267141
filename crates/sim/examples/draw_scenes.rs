//! Draws frames of every scene as PNG files with their ground truth beside them:
//! `cargo run -p sightline-sim --example draw_scenes -- FOLDER [STEP [SEED [WIDTH HEIGHT]]]`.

use std::{error::Error, fs, io::Write, path::PathBuf};

use sightline_core::time::WallTime;
use sightline_sim::{
    scene::{Picture, Scene, SceneKind, SceneOptions},
    truth::truth_line,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("say which folder to write to")?);
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |a| a.parse::<u64>());
    let (step, seed, width, height) = (number(5)?, number(1)?, number(640)?, number(360)?);
    let options = SceneOptions { seed, width: width.try_into()?, height: height.try_into()?, ..Default::default() };
    fs::create_dir_all(&folder)?;
    let mut truth = fs::File::create(folder.join("truth.jsonl"))?;
    for kind in SceneKind::ALL {
        let scene = Scene::new(kind, &options)?;
        for index in (0..scene.frames()).step_by(step.max(1) as usize) {
            let picture = scene.render(index);
            save(&picture, &folder.join(format!("{}-{index:03}.png", kind.name())))?;
            let time = WallTime::from_micros(i64::try_from(index)? * 1_000_000 / i64::from(options.fps));
            writeln!(truth, "{}", truth_line(kind.name(), index as u64, time, &picture.truth))?;
        }
    }
    Ok(())
}

fn save(picture: &Picture, path: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let mut pixmap = tiny_skia::Pixmap::new(picture.width, picture.height).ok_or("no memory for a picture")?;
    for (to, from) in pixmap.data_mut().chunks_exact_mut(4).zip(picture.rgb.chunks_exact(3)) {
        to[..3].copy_from_slice(from);
        to[3] = 255;
    }
    Ok(pixmap.save_png(path)?)
}
