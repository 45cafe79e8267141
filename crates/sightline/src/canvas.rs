//! A picture that boxes, lines and words are drawn into. Places are fractions of it.

use std::convert::Infallible;

use anyhow::Context;
use embedded_graphics::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point as PixelPoint, Size},
    mono_font::{MonoTextStyleBuilder, ascii::FONT_9X18_BOLD},
    pixelcolor::{Rgb888, RgbColor},
    prelude::Drawable,
    primitives::{Line, Primitive, PrimitiveStyle, Rectangle},
    text::{Baseline, Text},
};
use image::{Rgb, RgbImage};
use sightline_core::{
    frame::FrameView,
    geometry::{BoxInFrame, Point},
    picture::to_rgb,
};

/// A colour to draw with.
pub type Color = Rgb888;

const TEXT_HEIGHT: i32 = 18;

/// A picture in the making.
pub struct Canvas(RgbImage);

impl Canvas {
    /// A copy of a frame.
    ///
    /// # Errors
    /// When the frame cannot be read.
    pub fn new(frame: FrameView<'_>) -> anyhow::Result<Self> {
        let (width, height) = (u32::try_from(frame.width)?, u32::try_from(frame.height)?);
        let picture = RgbImage::from_raw(width, height, to_rgb(frame)?).context("the picture has an odd length")?;
        Ok(Self(picture))
    }

    /// The picture.
    pub fn into_picture(self) -> RgbImage {
        self.0
    }

    /// A box with a word above it.
    pub fn labelled_box(&mut self, bbox: BoxInFrame, label: &str, color: Color) {
        let top_left = self.pixel(Point { x: bbox.x, y: bbox.y });
        let (width, height) = (self.0.width() as f32, self.0.height() as f32);
        let size = Size::new((bbox.width * width) as u32, (bbox.height * height) as u32);
        let style = PrimitiveStyle::with_stroke(color, self.thickness());
        let Ok(()) = Rectangle::new(top_left, size).into_styled(style).draw(self);
        self.words(label, PixelPoint::new(top_left.x, top_left.y - TEXT_HEIGHT), color);
    }

    /// Straight lines from each point to the next one.
    pub fn path(&mut self, points: impl IntoIterator<Item = Point>, color: Color) {
        let mut before = None;
        for point in points {
            let here = self.pixel(point);
            if let Some(before) = before {
                let style = PrimitiveStyle::with_stroke(color, self.thickness());
                let Ok(()) = Line::new(before, here).into_styled(style).draw(self);
            }
            before = Some(here);
        }
    }

    /// Words that begin at a point.
    pub fn text(&mut self, words: &str, at: Point, color: Color) {
        let at = self.pixel(at);
        self.words(words, at, color);
    }

    /// Moved inward as far as it takes to be seen whole.
    fn words(&mut self, words: &str, at: PixelPoint, color: Color) {
        let style =
            MonoTextStyleBuilder::new().font(&FONT_9X18_BOLD).text_color(Rgb888::BLACK).background_color(color).build();
        let words = format!(" {words} ");
        let width = 9 * i32::try_from(words.len()).unwrap_or(0);
        let last = |side: u32, length: i32| (i32::try_from(side).unwrap_or(i32::MAX) - length).max(0);
        let at = PixelPoint::new(
            at.x.clamp(0, last(self.0.width(), width)),
            at.y.clamp(0, last(self.0.height(), TEXT_HEIGHT)),
        );
        let Ok(_) = Text::with_baseline(&words, at, style, Baseline::Top).draw(self);
    }

    fn pixel(&self, point: Point) -> PixelPoint {
        let (width, height) = (self.0.width() as f32, self.0.height() as f32);
        PixelPoint::new((point.x * width) as i32, (point.y * height) as i32)
    }

    fn thickness(&self) -> u32 {
        if self.0.width() >= 1000 { 3 } else { 2 }
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Canvas {
    type Color = Color;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Color>>>(&mut self, pixels: I) -> Result<(), Infallible> {
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
pub fn color_of(label: &str) -> Color {
    const PALETTE: [Color; 6] = [
        Color::new(255, 200, 0),
        Color::new(0, 220, 255),
        Color::new(120, 255, 80),
        Color::new(255, 120, 160),
        Color::new(200, 160, 255),
        Color::new(255, 160, 60),
    ];
    let sum: usize = label.bytes().map(usize::from).sum();
    PALETTE[sum % PALETTE.len()]
}
