//! A Kalman filter over an object's box, for frames at any distance in time.
//!
//! Constant velocity with white noise as acceleration (Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to
//! Tracking and Navigation", 6.2.2). Centre and size are four coordinates that share no noise, so the usual filter of
//! eight states (Wojke et al., DeepSORT, arXiv 1703.07402) is four independent ones of two: exact, and without matrices.
//! All noise is in proportion to the box, because a near object moves and shakes by more of the frame than a far one.

use std::time::Duration;

use crate::geometry::BoxInFrame;

/// SSD's boxes shake by a few per cent from frame to frame: their centres by so much of the side of a square of the
/// same area, their sides by so much of themselves.
const CENTER_NOISE: f32 = 0.05;
const SIZE_NOISE: f32 = 0.08;
/// What is seen with a low score is mostly half hidden: its box says less.
const LOW_SCORE_NOISE: f32 = 2.0;
/// How fast an object may be when first seen, in its longer sides a second: a car of 4 m at 60 km/h.
const FIRST_SPEED: f32 = 3.0;
/// How much its speed changes within a second: somebody who stops, turns or starts to run.
const SPEED_CHANGE: f32 = 1.0;
/// The same for its size, in its own side a second: what comes at the camera grows.
const FIRST_GROWTH: f32 = 0.5;
const GROWTH_CHANGE: f32 = 0.3;

/// One coordinate: where it is, how fast it changes, and how sure both are.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    position: f32,
    velocity: f32,
    position_variance: f32,
    covariance: f32,
    velocity_variance: f32,
}

impl Axis {
    fn new(position: f32, noise: f32, first_velocity: f32) -> Self {
        Self {
            position,
            velocity: 0.0,
            position_variance: noise * noise,
            covariance: 0.0,
            velocity_variance: first_velocity * first_velocity,
        }
    }

    /// `change`: standard deviation of the velocity's change within a second.
    fn predict(&mut self, seconds: f32, change: f32) {
        let spectral_density = change * change;
        self.position += seconds * self.velocity;
        self.position_variance +=
            seconds * (2.0 * self.covariance + seconds * (self.velocity_variance + spectral_density * seconds / 3.0));
        self.covariance += seconds * (self.velocity_variance + spectral_density * seconds / 2.0);
        self.velocity_variance += spectral_density * seconds;
    }

    /// `noise`: standard deviation of the measurement.
    fn measure(&mut self, measured: f32, noise: f32) {
        let total = self.position_variance + noise * noise;
        if total <= 0.0 {
            // A box without extent: nothing is known, and nothing can be divided by.
            self.position = measured;
            return;
        }
        let position_gain = self.position_variance / total;
        let velocity_gain = self.covariance / total;
        let surprise = measured - self.position;
        self.position += position_gain * surprise;
        self.velocity += velocity_gain * surprise;
        // What is left of it may be less than what rounding takes away: of a box without extent nothing is left.
        self.velocity_variance = (self.velocity_variance - velocity_gain * self.covariance).max(0.0);
        self.covariance *= 1.0 - position_gain;
        self.position_variance *= 1.0 - position_gain;
    }
}

/// What is known of a moving box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BoxFilter {
    center_x: Axis,
    center_y: Axis,
    width: Axis,
    height: Axis,
}

impl BoxFilter {
    /// From the first sighting: it may move any way.
    pub(super) fn new(seen: &BoxInFrame) -> Self {
        let center = seen.center();
        let speed = FIRST_SPEED * longer_side(seen);
        Self {
            center_x: Axis::new(center.x, center_noise(seen), speed),
            center_y: Axis::new(center.y, center_noise(seen), speed),
            width: Axis::new(seen.width, SIZE_NOISE * seen.width, FIRST_GROWTH * seen.width),
            height: Axis::new(seen.height, SIZE_NOISE * seen.height, FIRST_GROWTH * seen.height),
        }
    }

    /// Moves it on by a span of time.
    pub(super) fn predict(&mut self, span: Duration) {
        let seconds = span.as_secs_f32();
        let current = self.bbox();
        let change = SPEED_CHANGE * longer_side(&current);
        self.center_x.predict(seconds, change);
        self.center_y.predict(seconds, change);
        self.width.predict(seconds, GROWTH_CHANGE * current.width);
        self.height.predict(seconds, GROWTH_CHANGE * current.height);
    }

    /// Takes in a sighting at the moment that it was last predicted for.
    pub(super) fn measure(&mut self, seen: &BoxInFrame, has_low_score: bool) {
        let doubt = if has_low_score { LOW_SCORE_NOISE } else { 1.0 };
        let center = seen.center();
        self.center_x.measure(center.x, doubt * center_noise(seen));
        self.center_y.measure(center.y, doubt * center_noise(seen));
        self.width.measure(seen.width, doubt * SIZE_NOISE * seen.width);
        self.height.measure(seen.height, doubt * SIZE_NOISE * seen.height);
    }

    /// The box where it is believed to be.
    pub(super) fn bbox(&self) -> BoxInFrame {
        let (width, height) = (self.width.position.max(0.0), self.height.position.max(0.0));
        BoxInFrame { x: self.center_x.position - 0.5 * width, y: self.center_y.position - 0.5 * height, width, height }
    }
}

fn center_noise(b: &BoxInFrame) -> f32 {
    CENTER_NOISE * b.area().sqrt()
}

fn longer_side(b: &BoxInFrame) -> f32 {
    b.width.max(b.height)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn walker(x: f32) -> BoxInFrame {
        BoxInFrame { x, y: 0.3, width: 0.06, height: 0.2 }
    }

    #[test]
    fn constant_speed_is_learnt_whatever_the_time_between_frames() {
        for steps in [vec![100; 30], vec![200; 15], [100, 300, 40, 560].repeat(3)] {
            let mut filter = BoxFilter::new(&walker(0.1));
            let mut millis = 0;
            for step in steps {
                millis += step;
                filter.predict(Duration::from_millis(step));
                filter.measure(&walker(0.1 + 0.2 * millis as f32 / 1000.0), false);
            }
            filter.predict(Duration::from_millis(500));
            let expected = 0.1 + 0.2 * (millis + 500) as f32 / 1000.0;
            assert!((filter.bbox().x - expected).abs() < 0.01, "{} is not {expected}", filter.bbox().x);
        }
    }

    #[test]
    fn a_burst_of_frames_does_not_make_a_shaking_box_fly() {
        let mut filter = BoxFilter::new(&walker(0.3));
        for (step, x) in [(200, 0.30), (200, 0.30), (2, 0.31), (198, 0.30), (2, 0.305)] {
            filter.predict(Duration::from_millis(step));
            filter.measure(&walker(x), false);
        }
        filter.predict(Duration::from_millis(200));
        assert!((filter.bbox().x - 0.3).abs() < 0.02, "{:?}", filter.bbox());
    }

    #[test]
    fn standing_still_is_smoothed() {
        let mut filter = BoxFilter::new(&walker(0.3));
        let mut worst = 0.0f32;
        for step in 0..100 {
            filter.predict(Duration::from_millis(100));
            filter.measure(&walker(if step % 2 == 0 { 0.304 } else { 0.296 }), false);
            if step > 20 {
                worst = worst.max((filter.bbox().x - 0.3).abs());
            }
        }
        assert!(worst < 0.0025, "shakes by {worst} of 0.004");
    }

    #[test]
    fn rounding_takes_no_more_than_there_is() {
        let mut filter = BoxFilter::new(&walker(0.5));
        for (millis, height) in [(516, 0.332_559_6), (1042, 0.735_466_7), (11_945, 0.0), (14_674, 0.0)] {
            filter.predict(Duration::from_millis(millis));
            filter.measure(&BoxInFrame { x: 0.0, y: 0.0, width: 0.0, height }, false);
            assert!(filter.height.velocity_variance >= 0.0, "{filter:?}");
        }
    }

    proptest! {
        #[test]
        fn it_never_becomes_nonsense(
            sightings in prop::collection::vec(
                (0u64..20_000, 0.0f32..1.0, 0.0f32..1.0, 0.0f32..1.0, 0.0f32..1.0, any::<bool>()), 1..50),
        ) {
            let mut filter = BoxFilter::new(&walker(0.5));
            for (millis, x, y, width, height, low) in sightings {
                filter.predict(Duration::from_millis(millis));
                filter.measure(&BoxInFrame { x, y, width, height }, low);
                for axis in [filter.center_x, filter.center_y, filter.width, filter.height] {
                    prop_assert!(axis.position.is_finite() && axis.velocity.is_finite());
                    prop_assert!(axis.position_variance >= 0.0 && axis.velocity_variance >= 0.0);
                }
            }
        }
    }
}
