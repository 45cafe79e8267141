//! Where the camera stands, and how points of the world come onto its picture.

use super::{SceneKind, paint::Xy};

/// Width of the reference picture, in its pixels.
pub(crate) const WIDTH: f32 = 640.0;
/// Height of the reference picture, in its pixels.
pub(crate) const HEIGHT: f32 = 360.0;
/// Nothing nearer to the camera than this is projected, so that nothing passes through the lens.
const NEAREST_METRES: f32 = 0.6;

/// A point of the world or of an actor, in metres. Of an actor: forward, to its right, up; its origin is on the
/// ground under its middle. Of the world: to the right, away from the camera, up.
pub(crate) type Xyz = (f32, f32, f32);

/// A camera above flat ground, looking level: what stands on the ground at row y has
/// (y − horizon) / camera height pixels to the metre. Rows in pixels of the reference picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) horizon: f32,
    pub(crate) camera_metres: f32,
    /// Focal length, in pixels of the reference picture.
    pub(crate) focal: f32,
}

impl View {
    /// A scene's own.
    pub(crate) const fn of(kind: SceneKind) -> Self {
        let (horizon, camera_metres) = match kind {
            SceneKind::Street => (110.0, 3.4),
            SceneKind::Office => (70.0, 2.4),
            SceneKind::Crossing => (100.0, 3.4),
            SceneKind::Parking => (50.0, 4.2),
        };
        Self { horizon, camera_metres, focal: 620.0 }
    }

    /// Pixels to the metre of what stands on the ground at that row.
    pub(crate) fn pixels_per_metre(&self, ground_y: f32) -> f32 {
        ((ground_y - self.horizon) / self.camera_metres).max(0.5)
    }

    /// The ground point of a picture's point below the horizon, in metres: to the right and away from the camera.
    pub(crate) fn ground(&self, (x, y): Xy) -> Xy {
        let scale = self.pixels_per_metre(y);
        ((x - WIDTH / 2.0) / scale, self.focal / scale)
    }

    /// Where a point of the world appears, and how many pixels a metre has there.
    pub(crate) fn project(&self, (right, away, up): Xyz) -> (Xy, f32) {
        let scale = self.focal / away.max(NEAREST_METRES);
        ((WIDTH / 2.0 + right * scale, self.horizon + (self.camera_metres - up) * scale), scale)
    }
}

/// An actor's stand before the camera: where it is and which way it looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stand {
    view: View,
    right: f32,
    away: f32,
    sin: f32,
    cos: f32,
}

impl Stand {
    /// `at`: ground point in the reference picture. `heading` in radians: 0 looks to the right, a quarter turn away
    /// from the camera, minus a quarter turn at it.
    pub(crate) fn new(view: View, at: Xy, heading: f32) -> Self {
        let (right, away) = view.ground(at);
        let (sin, cos) = heading.sin_cos();
        Self { view, right, away, sin, cos }
    }

    /// From the actor's axes to the world's, directions only.
    pub(crate) fn turned(&self, (forward, side, up): Xyz) -> Xyz {
        (forward * self.cos + side * self.sin, forward * self.sin - side * self.cos, up)
    }

    /// From the actor's axes to the world.
    pub(crate) fn world(&self, point: Xyz) -> Xyz {
        let (right, away, up) = self.turned(point);
        (self.right + right, self.away + away, up)
    }

    /// Where a point of the actor appears, and how many pixels a metre has there.
    pub(crate) fn project(&self, point: Xyz) -> (Xy, f32) {
        self.view.project(self.world(point))
    }

    /// Where a point of the world appears, as [`View::project`].
    pub(crate) fn view_project(&self, point: Xyz) -> (Xy, f32) {
        self.view.project(point)
    }

    /// The camera, in world metres.
    pub(crate) const fn camera(&self) -> Xyz {
        (0.0, 0.0, self.view.camera_metres)
    }

    /// How much the actor looks at the camera: 1 straight at it, 0 sideways, −1 away.
    pub(crate) fn towards_camera(&self) -> f32 {
        let (right, away, _) = self.turned((1.0, 0.0, 0.0));
        let distance = self.right.hypot(self.away).max(0.01);
        -(right * self.right + away * self.away) / distance
    }

    /// How much the actor's right side is turned to the camera, −1..=1.
    pub(crate) fn right_side_towards_camera(&self) -> f32 {
        let (right, away, _) = self.turned((0.0, 1.0, 0.0));
        let distance = self.right.hypot(self.away).max(0.01);
        -(right * self.right + away * self.away) / distance
    }

    /// Half the width in metres, as the camera sees it, of an upright ellipse with these half axes forward and aside.
    pub(crate) fn half_width(&self, forward: f32, side: f32) -> f32 {
        let along = self.right_side_towards_camera();
        let across = self.towards_camera();
        (forward * along).hypot(side * across)
    }

    /// Metres from the camera.
    pub(crate) fn distance(&self) -> f32 {
        self.right.hypot(self.away)
    }
}
