//! Whether something happens in a stream that is not decoded, by the sizes of its pictures.
//!
//! An encoder spends bits on what changes. In a scene that stands still, pictures other than key frames are small, and each is
//! as large as those at its place behind earlier key frames: the first one after a key frame mends that one's faults and is
//! larger than the next. The one in which somebody walks in is larger at once. Cameras that fill a constant bitrate with noise
//! do not show it: there the next key frame does.

/// So many pictures are looked at before one can stand out.
const LEARN: u32 = 10;
/// Share of the newest picture in what is usual …
const WEIGHT: f32 = 1.0 / 16.0;
/// … and in what is usual at its place, of which there is one in every group of pictures.
const PLACE_WEIGHT: f32 = 1.0 / 4.0;
/// Places behind a key frame that are told apart; further ones are all alike.
const PLACES: usize = 300;
/// Of the first pictures after a key frame nothing is expected before their places are known.
const AFTER_KEY: usize = 3;
/// A picture stands out that is larger than usual by more than each of these: usual deviations, shares of the usual size,
/// and bytes.
const DEVIATIONS: f32 = 5.0;
const SHARE: f32 = 0.5;
const BYTES: f32 = 400.0;
/// Where other pictures are that much smaller than key frames, bits are spent on what changes and on nothing else.
const TELLING: f32 = 1.0 / 16.0;
/// Key frames of one scene differ by less than this share: by noise.
const SAME_KEY: f32 = 0.01;

/// What sizes are usual, while nothing moves.
#[derive(Debug, Default)]
pub struct SizeWatch {
    seen: u32,
    mean: f32,
    deviation: f32,
    /// Usual sizes by place behind the key frame.
    places: Vec<f32>,
    place: usize,
    /// A key frame has passed, so that places are known.
    is_aligned: bool,
    /// Bytes of the last key frame that was decoded.
    decoded_key: Option<f32>,
}

impl SizeWatch {
    /// A key frame passed.
    pub fn key_frame(&mut self) {
        self.place = 0;
        self.is_aligned = true;
    }

    /// A key frame of so many bytes is decoded.
    pub fn decoded_key(&mut self, bytes: usize) {
        self.decoded_key = Some(bytes as f32);
    }

    /// Whether a key frame of that size shows what the last decoded one did, in a stream whose sizes tell it.
    pub fn is_same_key(&self, bytes: usize) -> bool {
        let bytes = bytes as f32;
        let is_same = self.decoded_key.is_some_and(|decoded| (bytes - decoded).abs() <= SAME_KEY * decoded);
        is_same && self.seen > LEARN && self.mean <= TELLING * bytes
    }

    /// Takes in the size of a picture that is no key frame; whether it stands out.
    pub fn jumps(&mut self, bytes: usize) -> bool {
        if !self.is_aligned {
            return false;
        }
        let bytes = bytes as f32;
        let place = self.place.min(PLACES - 1);
        self.place += 1;
        if self.seen == 0 {
            self.mean = bytes;
        }
        self.seen = self.seen.saturating_add(1);
        self.mean += (bytes - self.mean) * WEIGHT;
        let Some(usual) = self.places.get_mut(place) else {
            // What stands out at a place that is new does so among all.
            let excess = bytes - self.mean;
            self.places.push(bytes);
            return place >= AFTER_KEY && self.stands_out(excess);
        };
        let excess = bytes - *usual;
        // What stands out is learnt as well, or a scene that has become livelier for good would never be quiet again.
        *usual += excess * PLACE_WEIGHT;
        self.stands_out(excess)
    }

    fn stands_out(&mut self, excess: f32) -> bool {
        let least = (DEVIATIONS * self.deviation).max(SHARE * self.mean).max(BYTES);
        self.deviation += (excess.abs() - self.deviation) * WEIGHT;
        self.seen > LEARN && excess > least
    }

    /// What was usual is no longer.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned() -> SizeWatch {
        let mut watch = SizeWatch::default();
        watch.key_frame();
        watch
    }

    #[test]
    fn what_is_much_larger_than_usual_stands_out() {
        let mut watch = aligned();
        let mut random = fastrand::Rng::with_seed(1);
        assert!((0..200).all(|_| !watch.jumps(random.usize(700..1100))));
        assert!(!watch.jumps(1250));
        assert!(watch.jumps(3000));
    }

    #[test]
    fn nothing_stands_out_before_anything_is_usual_and_tiny_pictures_may_double() {
        let mut watch = aligned();
        assert!(!watch.jumps(100));
        assert!(!watch.jumps(50_000));
        watch.forget();
        assert!(!watch.jumps(1_000_000), "its place is not known");
        watch.key_frame();
        assert!((0..50).all(|_| !watch.jumps(60)));
        assert!(!watch.jumps(300), "a clock's minute");
    }

    #[test]
    fn every_picture_is_held_against_those_at_its_place() {
        let mut watch = aligned();
        let mut group = |largest: usize| {
            watch.key_frame();
            (0..30)
                .filter(|place| {
                    watch.jumps(match place {
                        0 => 15_000,
                        1 => 7000,
                        14 => 11_000,
                        20 => largest,
                        _ => 4000,
                    })
                })
                .count()
        };
        group(4000);
        assert_eq!((0..20).map(|_| group(4000)).sum::<usize>(), 0);
        assert_eq!(group(8000), 1, "smaller than the first of each group, and still far too large where it is");
    }

    #[test]
    fn a_key_frame_is_the_same_where_its_size_is_and_sizes_tell() {
        let after = |usual: usize| {
            let mut watch = aligned();
            watch.decoded_key(60_000);
            assert!(!watch.is_same_key(60_000), "nothing is usual yet");
            assert!((0..30).all(|_| !watch.jumps(usual)));
            watch
        };
        let watch = after(300);
        assert!(watch.is_same_key(60_000) && watch.is_same_key(59_500) && watch.is_same_key(60_500));
        assert!(!watch.is_same_key(58_800) && !watch.is_same_key(61_200));
        assert!(!after(9000).is_same_key(60_000), "a bitrate that is filled up tells nothing");
        let mut forgetful = after(300);
        forgetful.forget();
        assert!(!forgetful.is_same_key(60_000));
    }

    #[test]
    fn a_scene_that_has_become_livelier_is_quiet_again_after_a_while() {
        let mut watch = aligned();
        assert!((0..100).all(|_| !watch.jumps(1000)));
        assert!(watch.jumps(4000));
        let alarms = (0..100).filter(|_| watch.jumps(4000)).count();
        assert!(alarms < 5, "{alarms}");
    }
}
