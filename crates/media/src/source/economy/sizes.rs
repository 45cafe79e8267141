//! Whether something happens in a stream that is not decoded, by the sizes of its pictures.
//!
//! An encoder spends bits on what changes. In a scene that stands still, pictures other than key frames are small and much
//! alike; the one in which somebody walks in is larger at once. Cameras that fill a constant bitrate with noise do not show
//! it: there the next key frame does.

/// So many pictures are looked at before one can stand out.
const LEARN: u32 = 10;
/// Share of the newest picture in what is usual.
const WEIGHT: f32 = 1.0 / 16.0;
/// A picture stands out that is larger than usual by more than each of these: usual deviations, shares of the usual size,
/// and bytes.
const DEVIATIONS: f32 = 5.0;
const SHARE: f32 = 0.75;
const BYTES: f32 = 400.0;

/// What sizes are usual, while nothing moves.
#[derive(Debug, Default)]
pub struct SizeWatch {
    seen: u32,
    mean: f32,
    deviation: f32,
}

impl SizeWatch {
    /// Takes in the size of a picture that is no key frame; whether it stands out.
    pub fn jumps(&mut self, bytes: usize) -> bool {
        let bytes = bytes as f32;
        self.seen = self.seen.saturating_add(1);
        if self.seen == 1 {
            self.mean = bytes;
        }
        let excess = bytes - self.mean;
        let jumps = self.seen > LEARN && excess > (DEVIATIONS * self.deviation).max(SHARE * self.mean).max(BYTES);
        // What stands out is learnt as well, or a scene that has become livelier for good would never be quiet again.
        self.mean += excess * WEIGHT;
        self.deviation += (excess.abs() - self.deviation) * WEIGHT;
        jumps
    }

    /// What was usual is no longer.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_much_larger_than_usual_stands_out() {
        let mut watch = SizeWatch::default();
        let mut random = fastrand::Rng::with_seed(1);
        assert!((0..200).all(|_| !watch.jumps(random.usize(700..1100))));
        assert!(!watch.jumps(1250));
        assert!(watch.jumps(3000));
    }

    #[test]
    fn nothing_stands_out_before_anything_is_usual_and_tiny_pictures_may_double() {
        let mut watch = SizeWatch::default();
        assert!(!watch.jumps(100));
        assert!(!watch.jumps(50_000));
        watch.forget();
        assert!((0..50).all(|_| !watch.jumps(60)));
        assert!(!watch.jumps(300), "a clock's minute");
    }

    #[test]
    fn a_scene_that_has_become_livelier_is_quiet_again_after_a_while() {
        let mut watch = SizeWatch::default();
        (0..100).for_each(|_| drop(watch.jumps(1000)));
        assert!(watch.jumps(4000));
        let alarms = (0..100).filter(|_| watch.jumps(4000)).count();
        assert!(alarms < 5, "{alarms}");
    }
}
