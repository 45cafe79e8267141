//! Pictures with the boxes drawn in.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
};

use anyhow::Context;
use embedded_graphics::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    mono_font::{MonoTextStyleBuilder, ascii::FONT_9X18_BOLD},
    pixelcolor::{Rgb888, RgbColor},
    prelude::Drawable,
    primitives::{Primitive, PrimitiveStyle, Rectangle},
    text::{Baseline, Text},
};
use image::{Rgb, RgbImage};
use sightline_core::{event::WireDetection, frame::FrameView, picture::to_rgb};

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
    let rgb = to_rgb(frame)?;
    let (width, height) = (u32::try_from(frame.width)?, u32::try_from(frame.height)?);
    let picture = RgbImage::from_raw(width, height, rgb).context("the picture has an odd length")?;
    let mut canvas = Canvas(picture);
    // The best one last, on top.
    for detection in detections.iter().rev() {
        canvas.detection(detection);
    }
    canvas.0.save(path).with_context(|| format!("cannot write {}", path.display()))
}

struct Canvas(RgbImage);

impl Canvas {
    fn detection(&mut self, detection: &WireDetection) {
        let color = color_of(&detection.label);
        let (width, height) = (f64::from(self.0.width()), f64::from(self.0.height()));
        let b = &detection.r#box;
        let top_left = Point::new((b.x * width) as i32, (b.y * height) as i32);
        let size = Size::new((b.w * width) as u32, (b.h * height) as u32);
        let thickness = if width >= 1000.0 { 3 } else { 2 };
        let Ok(()) =
            Rectangle::new(top_left, size).into_styled(PrimitiveStyle::with_stroke(color, thickness)).draw(self);
        let style =
            MonoTextStyleBuilder::new().font(&FONT_9X18_BOLD).text_color(Rgb888::BLACK).background_color(color).build();
        let label = format!(" {} {:.2} ", detection.label, detection.score);
        let above = Point::new(top_left.x, (top_left.y - 18).max(0));
        let Ok(_) = Text::with_baseline(&label, above, style, Baseline::Top).draw(self);
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(point, color) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(point.x), u32::try_from(point.y)) else { continue };
            if let Some(pixel) = self.0.get_pixel_mut_checked(x, y) {
                *pixel = Rgb([color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}

/// Always the same bright colour for the same label.
fn color_of(label: &str) -> Rgb888 {
    const PALETTE: [Rgb888; 6] = [
        Rgb888::new(255, 200, 0),
        Rgb888::new(0, 220, 255),
        Rgb888::new(120, 255, 80),
        Rgb888::new(255, 120, 160),
        Rgb888::new(200, 160, 255),
        Rgb888::new(255, 160, 60),
    ];
    let sum: usize = label.bytes().map(usize::from).sum();
    PALETTE[sum % PALETTE.len()]
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
