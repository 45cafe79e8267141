//! Drawing in scene units on a tiny-skia pixmap: shapes by their points, colours by their values.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point, Rect,
    Shader, SpreadMode, Stroke, Transform,
};

/// A point in the units of the brush that draws it.
pub(crate) type Xy = (f32, f32);

/// An sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

impl Rgb {
    /// Lighter (`factor` above 1) or darker, the hue kept as long as no channel saturates.
    pub(crate) fn times(self, factor: f32) -> Self {
        let scale = |channel: u8| (f32::from(channel) * factor).round().clamp(0.0, 255.0) as u8;
        Self(scale(self.0), scale(self.1), scale(self.2))
    }

    /// This much of the way to another colour, 0..=1.
    pub(crate) fn mixed(self, other: Self, amount: f32) -> Self {
        let mix =
            |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * amount).round().clamp(0.0, 255.0) as u8;
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    fn color(self, alpha: f32) -> Color {
        let mut color = Color::from_rgba8(self.0, self.1, self.2, 255);
        color.set_alpha(alpha);
        color
    }
}

/// What light and air do to a colour on its way to the camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Glass {
    /// Factor of red, green and blue.
    pub(crate) tint: [f32; 3],
    /// Colour of the air.
    pub(crate) haze: Rgb,
    /// How much of the air's colour is seen, 0..=1.
    pub(crate) haze_amount: f32,
}

impl Glass {
    /// Changes nothing.
    pub(crate) const CLEAR: Self = Self { tint: [1.0; 3], haze: Rgb(0, 0, 0), haze_amount: 0.0 };

    fn seen(&self, color: Rgb) -> Rgb {
        let Rgb(red, green, blue) = color;
        let [r, g, b] = self.tint;
        let lit = |channel: u8, factor: f32| (f32::from(channel) * factor).round().clamp(0.0, 255.0) as u8;
        self.hazed(Rgb(lit(red, r), lit(green, g), lit(blue, b)))
    }

    fn hazed(&self, color: Rgb) -> Rgb {
        color.mixed(self.haze, self.haze_amount)
    }
}

/// Draws on a pixmap in units of its own, y pointing down.
pub(crate) struct Brush<'a> {
    pixmap: &'a mut Pixmap,
    transform: Transform,
    glass: Glass,
    scale: f32,
    lamps: bool,
}

impl<'a> Brush<'a> {
    /// `transform` brings the brush's units to the pixmap's pixels.
    pub(crate) fn new(pixmap: &'a mut Pixmap, transform: Transform, glass: Glass) -> Self {
        let scale = (transform.sx * transform.sy - transform.kx * transform.ky).abs().sqrt().max(1e-3);
        Self { pixmap, transform, glass, scale, lamps: false }
    }

    /// The same brush for a place whose lamps are on.
    pub(crate) const fn with_lamps(mut self, lamps: bool) -> Self {
        self.lamps = lamps;
        self
    }

    /// Whether lamps are on, so that windows shine.
    pub(crate) const fn lamps(&self) -> bool {
        self.lamps
    }

    /// The brush's units to one pixel of the pixmap.
    pub(crate) const fn pixel(&self) -> f32 {
        1.0 / self.scale
    }

    /// Fills with a colour that shines by itself: light does not change it, only the air does.
    pub(crate) fn shine(&mut self, path: Option<Path>, color: Rgb, alpha: f32) {
        let color = self.glass.hazed(color);
        self.fill_with(path, Shader::SolidColor(color.color(alpha)));
    }

    /// Fills with one colour.
    pub(crate) fn fill(&mut self, path: Option<Path>, color: Rgb) {
        self.glaze(path, color, 1.0);
    }

    /// Fills with one colour, seen through: `alpha` 0 is invisible.
    pub(crate) fn glaze(&mut self, path: Option<Path>, color: Rgb, alpha: f32) {
        let color = self.glass.seen(color);
        self.fill_with(path, Shader::SolidColor(color.color(alpha)));
    }

    /// Fills with colours that change evenly from `from` to `to`.
    pub(crate) fn shade(&mut self, path: Option<Path>, from: Xy, to: Xy, colors: &[Rgb]) {
        let last = colors.len().saturating_sub(1).max(1) as f32;
        let stops = colors
            .iter()
            .enumerate()
            .map(|(i, c)| GradientStop::new(i as f32 / last, self.glass.seen(*c).color(1.0)))
            .collect();
        let gradient = LinearGradient::new(point(from), point(to), stops, SpreadMode::Pad, Transform::identity());
        if let Some(shader) = gradient {
            self.fill_with(path, shader);
        }
    }

    fn fill_with(&mut self, path: Option<Path>, shader: Shader<'_>) {
        // A shape without an area (a limb seen end on, a zero-sized rectangle) has nothing to draw.
        let Some(path) = path else { return };
        let paint = Paint { shader, anti_alias: true, ..Paint::default() };
        self.pixmap.fill_path(&path, &paint, FillRule::Winding, self.transform, None);
    }

    /// A line through the points, with round ends and joints.
    pub(crate) fn line(&mut self, points: &[Xy], width: f32, color: Rgb) {
        let Some(path) = open_line(points) else { return };
        let color = self.glass.seen(color);
        let width = width.max(0.9 * self.pixel());
        let paint = Paint { shader: Shader::SolidColor(color.color(1.0)), anti_alias: true, ..Paint::default() };
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixmap.stroke_path(&path, &paint, &stroke, self.transform, None);
    }

    /// A round limb through the points: dark at its edge, light towards the upper left where the light comes from.
    pub(crate) fn limb(&mut self, points: &[Xy], width: f32, color: Rgb) {
        self.line(points, width, color.times(0.8));
        let lit: Vec<Xy> = points.iter().map(|&(x, y)| (x - width * 0.1, y - width * 0.05)).collect();
        self.line(&lit, width * 0.62, color);
        let highlight: Vec<Xy> = points.iter().map(|&(x, y)| (x - width * 0.18, y - width * 0.08)).collect();
        self.line(&highlight, width * 0.22, color.times(1.1));
    }
}

fn point((x, y): Xy) -> Point {
    Point::from_xy(x, y)
}

fn open_line(points: &[Xy]) -> Option<Path> {
    let (&first, rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first.0, first.1);
    for &(x, y) in rest {
        path.line_to(x, y);
    }
    path.finish()
}

/// A closed polygon.
pub(crate) fn polygon(points: &[Xy]) -> Option<Path> {
    let (&first, rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first.0, first.1);
    for &(x, y) in rest {
        path.line_to(x, y);
    }
    path.close();
    path.finish()
}

/// A closed curve through the points (Catmull-Rom, as cubic Béziers).
pub(crate) fn blob(points: &[Xy]) -> Option<Path> {
    let count = points.len();
    if count < 3 {
        return None;
    }
    let at = |i: usize| points[i % count];
    let mut path = PathBuilder::new();
    path.move_to(points[0].0, points[0].1);
    for i in 0..count {
        let (before, start, end, after) = (at(i + count - 1), at(i), at(i + 1), at(i + 2));
        path.cubic_to(
            start.0 + (end.0 - before.0) / 6.0,
            start.1 + (end.1 - before.1) / 6.0,
            end.0 - (after.0 - start.0) / 6.0,
            end.1 - (after.1 - start.1) / 6.0,
            end.0,
            end.1,
        );
    }
    path.close();
    path.finish()
}

/// An axis-aligned rectangle by two corners.
pub(crate) fn rectangle(left: f32, top: f32, right: f32, bottom: f32) -> Option<Path> {
    Rect::from_ltrb(left, top, right, bottom).map(PathBuilder::from_rect)
}

/// An ellipse by its centre and half axes.
pub(crate) fn ellipse(x: f32, y: f32, half_width: f32, half_height: f32) -> Option<Path> {
    let around = Rect::from_ltrb(x - half_width, y - half_height, x + half_width, y + half_height)?;
    PathBuilder::from_oval(around)
}
