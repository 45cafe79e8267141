//! Pictures with the boxes drawn in.

use std::path::{Path, PathBuf};

use anyhow::Context;
use sightline_core::{event::WireDetection, frame::FrameView};

use crate::canvas::{Canvas, color_of};

/// `a` becomes `a.png`, its frame 7 `a-000007.png`.
pub fn file_name(name: &str, frame: Option<u64>) -> PathBuf {
    match frame {
        None => format!("{name}.png").into(),
        Some(number) => format!("{name}-{number:06}.png").into(),
    }
}

/// Writes `frame` with `detections` to a PNG file.
///
/// # Errors
/// When the frame cannot be read or the file cannot be written.
pub fn write(frame: FrameView<'_>, detections: &[WireDetection], path: &Path) -> anyhow::Result<()> {
    let mut canvas = Canvas::new(frame)?;
    // The best one last, on top.
    for detection in detections.iter().rev() {
        let label = format!("{} {:.2}", detection.label, detection.score);
        canvas.labelled_box(detection.r#box.into(), &label, color_of(&detection.label));
    }
    canvas.into_picture().save(path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use sightline_core::{
        event::WireBox,
        frame::{FrameBuffer, OwnedPixels},
    };

    use super::*;

    #[test]
    fn a_box_is_drawn_where_it_is_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.png");
        let grey = OwnedPixels::rgb(200, 100, vec![90; 200 * 100 * 3]).unwrap();
        let detection = WireDetection {
            label: "person".into(),
            score: 0.9,
            r#box: WireBox { x: 0.5, y: 0.5, w: 0.25, h: 0.4 },
            track: None,
        };
        write(grey.view(), &[detection], &path).unwrap();
        let drawn = image::open(&path).unwrap().to_rgb8();
        assert_eq!(drawn.dimensions(), (200, 100));
        assert_ne!(drawn.get_pixel(100, 70).0, [90; 3], "the left edge");
        assert_eq!(drawn.get_pixel(120, 70).0, [90; 3], "inside");
        assert_eq!(drawn.get_pixel(10, 90).0, [90; 3], "outside");
    }

    #[test]
    fn names_of_drawings() {
        assert_eq!(file_name("a", None), Path::new("a.png"));
        assert_eq!(file_name("b", Some(7)), Path::new("b-000007.png"));
    }
}
