use super::*;

const FRAME: Duration = Duration::from_millis(100);
const KEY_EVERY: u64 = 20;
const IDLE: WantedDecoding =
    WantedDecoding { skip_non_reference: None, key_frames_only: Some(Duration::MAX), lateness: None };
/// Everything, in time.
const IN_TIME: WantedDecoding = WantedDecoding { skip_non_reference: None, key_frames_only: None, lateness: Some(1.0) };

/// A stream of ten pictures a second, a key frame every two seconds, fed picture by picture.
struct Fed {
    economy: Economy,
    start: Instant,
    number: u64,
    left_out: u64,
    /// How long each picture waits.
    waited: Option<Duration>,
    /// The decoder gives nothing while key frames alone come.
    holds_back: bool,
    is_without_keys: bool,
}

impl Fed {
    fn new(stall_timeout: Duration) -> Self {
        gst::init().unwrap();
        let economy = Economy::new(Arc::default(), stall_timeout);
        economy.begin(&"video/x-h264,stream-format=byte-stream".parse::<gst::Caps>().unwrap());
        Self {
            economy,
            start: Instant::now(),
            number: 0,
            left_out: 0,
            waited: None,
            holds_back: false,
            is_without_keys: false,
        }
    }

    /// One more picture of so many bytes; `reference`: whether others refer to it.
    fn picture(&mut self, bytes: usize, reference: bool, wanted: WantedDecoding) -> Verdict {
        let is_key = !self.is_without_keys && self.number.is_multiple_of(KEY_EVERY);
        let header = if is_key {
            0x65
        } else if reference {
            0x41
        } else {
            0x01
        };
        let mut data = vec![0, 0, 1, header];
        data.resize(bytes, 0xFF);
        let mut buffer = gst::Buffer::from_slice(data);
        let parts = buffer.get_mut().unwrap();
        parts.set_pts(gst::ClockTime::from_mseconds(self.number * 100));
        if !is_key {
            parts.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
        let now = self.start + FRAME * u32::try_from(self.number).unwrap();
        self.number += 1;
        let now = now + self.waited.unwrap_or_default();
        let picture = Picture { buffer: &buffer, waited: self.waited };
        let verdict = self.economy.decide(&picture, now, wanted, &mut self.left_out);
        if is_decoded(&verdict) && !self.holds_back {
            self.economy.is_catching_up(buffer.pts());
        }
        verdict
    }

    /// The same where no key frame comes any more.
    fn without_key(&mut self, bytes: usize, wanted: WantedDecoding) -> Verdict {
        self.is_without_keys = true;
        self.picture(bytes, true, wanted)
    }

    fn quiet(&mut self) -> Verdict {
        // Not so large that sizes would tell of key frames that they are alike.
        self.still(12_000, IDLE)
    }

    /// One more picture in which nothing moves, and of how many bytes it is if it is a key frame.
    fn still(&mut self, key_bytes: usize, wanted: WantedDecoding) -> Verdict {
        self.picture(if self.number.is_multiple_of(KEY_EVERY) { key_bytes } else { 900 }, true, wanted)
    }

    /// Feeds quiet pictures until key frames alone are decoded, and to the `beyond`th after a key frame.
    fn settle(&mut self, beyond: u64) {
        (0..3 * KEY_EVERY).for_each(|_| drop(self.quiet()));
        while self.number % KEY_EVERY != beyond {
            self.quiet();
        }
    }
}

fn is_decoded(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Decode | Verdict::DecodeInTurn)
}

#[test]
fn while_nothing_moves_key_frames_alone_are_decoded() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.settle(0);
    let decoded = (0..10 * KEY_EVERY).filter(|_| is_decoded(&fed.quiet())).count();
    assert_eq!(decoded, 10);
    assert_eq!(fed.left_out % (KEY_EVERY - 1), 0, "whole groups of pictures: {}", fed.left_out);
    assert!(fed.left_out >= 9 * (KEY_EVERY - 1));
}

#[test]
fn key_frames_can_wait_while_nothing_moves() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.waited = Some(Duration::ZERO);
    fed.settle(0);
    assert!(matches!(fed.quiet(), Verdict::DecodeInTurn));
    fed.settle(15);
    assert!(matches!(fed.picture(5000, true, IDLE), Verdict::CatchUp(_)), "something happens");
    while !fed.number.is_multiple_of(KEY_EVERY) {
        fed.quiet();
    }
    assert!(matches!(fed.quiet(), Verdict::Decode));
    fed.settle(0);
    assert!(matches!(fed.still(12_000, WantedDecoding::ALL), Verdict::Decode), "something moves");
    // A picture of a file may have its time to come.
    fed.waited = None;
    fed.settle(0);
    assert!(matches!(fed.quiet(), Verdict::Decode));
}

#[test]
fn where_everything_is_decoded_key_frames_do_not_wait() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.waited = Some(Duration::ZERO);
    // More often than key frames come.
    let often = WantedDecoding { key_frames_only: Some(Duration::from_millis(1500)), ..IDLE };
    assert!((0..5 * KEY_EVERY).all(|_| matches!(fed.still(12_000, often), Verdict::Decode)));
}

#[test]
fn of_key_frames_that_are_alike_every_second_one_is_decoded() {
    let decoded = |key_bytes: fn(u64) -> usize, wanted| {
        let mut fed = Fed::new(Duration::from_secs(10));
        let mut still = |number: u64| is_decoded(&fed.still(key_bytes(number / KEY_EVERY), wanted));
        let settling = (0..4 * KEY_EVERY).filter(|number| still(*number)).count();
        assert!(settling > 0);
        (4 * KEY_EVERY..14 * KEY_EVERY).filter(|number| still(*number)).count()
    };
    // Every two seconds there is one, and five may pass.
    assert_eq!(decoded(|number| 40_000 + 100 * (number as usize % 3), IDLE), 5);
    assert_eq!(decoded(|number| 40_000 + 1000 * (number as usize % 2), IDLE), 10, "each shows something else");
    let often = WantedDecoding { key_frames_only: Some(Duration::from_millis(2500)), ..IDLE };
    assert_eq!(decoded(|_| 40_000, often), 10, "to be looked at every 2.5 s");
}

#[test]
fn a_key_frame_that_was_held_back_is_decoded_first_on_the_wake_up() {
    let mut fed = Fed::new(Duration::from_secs(10));
    (0..4 * KEY_EVERY).for_each(|_| drop(fed.still(40_000, IDLE)));
    let is_key_held_back = |fed: &mut Fed| {
        let is_key = fed.number.is_multiple_of(KEY_EVERY);
        matches!(fed.still(40_000, IDLE), Verdict::Keep) && is_key
    };
    assert!((0..2 * KEY_EVERY).any(|_| is_key_held_back(&mut fed)));
    (0..5).for_each(|_| drop(fed.still(40_000, IDLE)));
    let Verdict::CatchUp(kept) = fed.picture(900, true, WantedDecoding::ALL) else { panic!("nothing was kept") };
    assert_eq!(kept.len(), 6, "the key frame and five more");
    assert!(!kept[0].flags().contains(gst::BufferFlags::DELTA_UNIT));
}

#[test]
fn key_frames_that_end_after_one_was_held_back_are_not_waited_for() {
    let mut fed = Fed::new(Duration::from_secs(10));
    let is_key_held_back = |fed: &mut Fed| {
        let is_key = fed.number.is_multiple_of(KEY_EVERY);
        matches!(fed.still(40_000, IDLE), Verdict::Keep) && is_key
    };
    (0..4 * KEY_EVERY).for_each(|_| drop(fed.still(40_000, IDLE)));
    assert!((0..2 * KEY_EVERY).any(|_| is_key_held_back(&mut fed)));
    // The last one was decoded two seconds before, and five may pass.
    let waited = (0..60).position(|_| matches!(fed.without_key(900, IDLE), Verdict::CatchUp(_)));
    assert!(waited.is_some_and(|pictures| (25..35).contains(&pictures)), "{waited:?}");
}

#[test]
fn nothing_is_held_back_before_it_is_known_that_key_frames_come_often() {
    let mut fed = Fed::new(Duration::from_secs(10));
    assert!((0..=KEY_EVERY).all(|_| is_decoded(&fed.quiet())), "up to the second key frame");
    assert!(matches!(fed.quiet(), Verdict::Keep));
    let mut impatient = Fed::new(Duration::from_secs(3));
    assert!(
        (0..100).all(|_| is_decoded(&impatient.quiet())),
        "a key frame every 2 s is too seldom for a stall after 3 s"
    );
}

#[test]
fn when_attention_is_wished_all_since_the_key_frame_is_decoded_at_once() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.settle(8);
    let Verdict::CatchUp(kept) = fed.picture(900, true, WantedDecoding::ALL) else { panic!("nothing was kept") };
    let times: Vec<u64> = kept.iter().map(|buffer| buffer.pts().unwrap().mseconds()).collect();
    let last = (fed.number - 1) * 100;
    assert_eq!(times, (1..8).rev().map(|back| last - back * 100).collect::<Vec<_>>());

    // Of what comes out of the decoder then, only the newest is of use.
    let pts = |millis| Some(gst::ClockTime::from_mseconds(millis));
    assert!(times.iter().all(|time| fed.economy.is_catching_up(pts(*time))));
    assert!(!fed.economy.is_catching_up(pts(last)));
    assert!(!fed.economy.is_catching_up(pts(0)), "a stream that begins anew");
    assert!(is_decoded(&fed.picture(900, true, WantedDecoding::ALL)));
}

#[test]
fn a_picture_that_is_much_larger_wakes_it_for_a_while() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.settle(12);
    assert!(matches!(fed.picture(5000, true, IDLE), Verdict::CatchUp(kept) if kept.len() == 11));
    assert!((0..19).all(|_| is_decoded(&fed.quiet())));
    let decoded = (0..60).filter(|_| is_decoded(&fed.quiet())).count();
    assert!(decoded < 6, "{decoded}: nobody wished for more");
}

#[test]
fn what_is_kept_is_bounded() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.settle(1);
    let large = MOST_KEPT_BYTES / 3 + 1;
    // Usual by now, as far as its size goes.
    fed.economy.state.lock().unwrap().sizes.forget();
    assert!(matches!(fed.picture(large, true, IDLE), Verdict::Keep));
    assert!(matches!(fed.picture(large, true, IDLE), Verdict::Keep));
    assert!(matches!(fed.picture(large, true, IDLE), Verdict::CatchUp(kept) if kept.len() == 2));
}

#[test]
fn a_key_frame_that_does_not_come_ends_the_rest() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.settle(5);
    fed.start += Duration::from_secs(5);
    assert!(matches!(fed.picture(900, true, IDLE), Verdict::CatchUp(_)));
}

#[test]
fn of_pictures_without_which_the_wished_rate_is_reached_none_is_decoded() {
    let half = |number: u64| number.is_multiple_of(2);
    for (skip, least, most) in [
        (Some(SkipNonReference::Over(3.0)), 50, 52),
        (Some(SkipNonReference::Over(6.0)), 74, 78),
        (Some(SkipNonReference::Over(10.0)), 100, 100),
        (Some(SkipNonReference::All), 50, 52),
        (None, 100, 100),
    ] {
        let mut fed = Fed::new(Duration::from_secs(10));
        let wanted = WantedDecoding { skip_non_reference: skip, key_frames_only: None, lateness: None };
        let decoded = (0..100).filter(|number| is_decoded(&fed.picture(900, half(*number), wanted))).count();
        assert!((least..=most).contains(&decoded), "{skip:?}: {decoded} of 100");
    }
}

#[test]
fn of_mjpeg_so_many_are_decoded_as_are_wished() {
    gst::init().unwrap();
    let idle = Some(Duration::MAX);
    // Without any for five seconds the camera would count as stalled.
    for (key_frames_only, fps, least, most) in
        [(None, 2.0, 24, 28), (idle, 2.0, 24, 28), (None, 20.0, 100, 100), (None, 0.01, 3, 4)]
    {
        let economy = Economy::new(Arc::default(), Duration::from_secs(10));
        economy.begin(&"image/jpeg".parse::<gst::Caps>().unwrap());
        let (start, buffer) = (Instant::now(), gst::Buffer::from_slice([0u8; 50]));
        let wanted =
            WantedDecoding { skip_non_reference: Some(SkipNonReference::Over(fps)), key_frames_only, lateness: None };
        let decoded = (0..100).filter(|number| {
            let verdict = economy.decide(&jpeg(None, &buffer), start + FRAME * *number, wanted, &mut 0);
            is_decoded(&verdict)
        });
        let decoded = decoded.count();
        assert!((least..=most).contains(&decoded), "{fps}: {decoded} of 100");
    }
}

#[test]
fn a_decoder_that_holds_key_frames_back_is_given_everything() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.settle(0);
    fed.holds_back = true;
    (0..2 * KEY_EVERY).for_each(|_| drop(fed.quiet()));
    assert!((0..2 * KEY_EVERY).all(|_| is_decoded(&fed.quiet())));
}

#[test]
fn key_frames_that_come_too_seldom_for_what_stands_still_are_not_enough() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.settle(1);
    let often =
        WantedDecoding { skip_non_reference: None, key_frames_only: Some(Duration::from_millis(1500)), lateness: None };
    assert!(is_decoded(&fed.picture(900, true, often)));
    let seldom =
        WantedDecoding { skip_non_reference: None, key_frames_only: Some(Duration::from_millis(2500)), lateness: None };
    assert!(matches!(fed.picture(900, true, seldom), Verdict::Keep));
}

#[test]
fn frames_may_be_late_while_something_is_saved_and_for_a_while_after_it() {
    let mut fed = Fed::new(Duration::from_secs(10));
    assert!(!fed.economy.is_saving());
    fed.settle(5);
    assert!(fed.economy.is_saving());
    (0..15).for_each(|_| drop(fed.picture(900, true, WantedDecoding::ALL)));
    assert!(fed.economy.is_saving(), "what was caught up with is late");
    (0..10).for_each(|_| drop(fed.picture(900, true, WantedDecoding::ALL)));
    assert!(!fed.economy.is_saving());
}

#[test]
fn what_was_held_back_of_another_stream_is_counted_and_its_successors_wait_for_a_key_frame() {
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.settle(5);
    let caps = |text: &str| text.parse::<gst::Caps>().unwrap();
    assert_eq!(fed.economy.begin(&caps("video/x-h264,stream-format=byte-stream,framerate=15/1")), 0, "the same one");
    fed.quiet();
    assert_eq!(fed.economy.begin(&caps("video/x-h265,stream-format=byte-stream")), 5);
    assert!(matches!(fed.picture(900, true, WantedDecoding::ALL), Verdict::LeaveOut(SkippedPicture::Idle)));
}

/// Of 100 pictures, which are decoded when each has waited for so long.
fn decoded_of(fed: &mut Fed, waited: u64, reference: fn(u64) -> bool, wanted: WantedDecoding) -> Vec<u64> {
    fed.waited = Some(Duration::from_millis(waited));
    let numbers = fed.number..fed.number + 100;
    numbers.filter(|number| is_decoded(&fed.picture(900, reference(*number), wanted))).collect()
}

#[test]
fn what_is_late_for_long_is_left_out_up_to_the_next_key_frame() {
    let mut fed = Fed::new(Duration::from_secs(10));
    assert_eq!(decoded_of(&mut fed, 5, |_| true, IN_TIME).len(), 100);
    let decoded = decoded_of(&mut fed, 300, |_| true, IN_TIME);
    assert!(decoded.len() < 30, "{decoded:?}");
    let key_frames = decoded.iter().filter(|number| number.is_multiple_of(KEY_EVERY)).count();
    assert!((2..5).contains(&key_frames), "of five key frames no two in a row are left out: {decoded:?}");
    for (before, after) in decoded.iter().zip(&decoded[1..]) {
        assert!(after - before == 1 || after.is_multiple_of(KEY_EVERY), "it refers to what was left out: {decoded:?}");
    }
    assert_eq!(decoded_of(&mut fed, 5, |_| true, IN_TIME).len(), 100, "and then all is well");
}

#[test]
fn late_pictures_are_counted_as_such() {
    let mut fed = Fed::new(Duration::from_secs(10));
    decoded_of(&mut fed, 5, |_| true, IN_TIME);
    fed.waited = Some(Duration::from_millis(300));
    let verdicts: Vec<_> = (0..KEY_EVERY).map(|_| fed.picture(900, true, IN_TIME)).collect();
    assert!(verdicts.iter().any(|verdict| matches!(verdict, Verdict::LeaveOut(SkippedPicture::Late))), "{verdicts:?}");
}

#[test]
fn where_it_is_not_wished_or_not_known_nothing_is_left_out_for_being_late() {
    for (waited, wanted) in [(Some(3000), WantedDecoding::ALL), (None, IN_TIME)] {
        let mut fed = Fed::new(Duration::from_secs(10));
        fed.waited = waited.map(Duration::from_millis);
        assert!((0..200).all(|_| is_decoded(&fed.picture(900, true, wanted))), "{waited:?}");
    }
}

#[test]
fn a_camera_whose_key_frames_come_too_seldom_leaves_out_nothing() {
    // Key frames are two seconds apart, and without frames for three it would be stalled.
    let mut fed = Fed::new(Duration::from_secs(3));
    assert_eq!(decoded_of(&mut fed, 500, |_| true, IN_TIME).len(), 100);
}

#[test]
fn pictures_to_which_no_other_refers_go_first() {
    let half = |number: u64| number.is_multiple_of(2);
    let mut fed = Fed::new(Duration::from_secs(10));
    decoded_of(&mut fed, 5, half, IN_TIME);
    let mut late = |number: u64| {
        // Late enough only while these are decoded as well.
        fed.waited = Some(Duration::from_millis(if number < 10 { 150 } else { 5 }));
        let reference = half(fed.number);
        (reference, fed.picture(900, reference, IN_TIME))
    };
    let verdicts: Vec<_> = (0..20).map(&mut late).collect();
    let left_out = verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::LeaveOut(SkippedPicture::Late)));
    let references = left_out.clone().filter(|(reference, _)| *reference).count();
    assert!(left_out.count() > 0 && references == 0, "{verdicts:?}");
}

#[test]
fn of_mjpeg_single_pictures_are_left_out_and_never_all() {
    gst::init().unwrap();
    let economy = Economy::new(Arc::default(), Duration::from_secs(10));
    economy.begin(&"image/jpeg".parse::<gst::Caps>().unwrap());
    let (buffer, start) = (gst::Buffer::from_slice([0u8; 50]), Instant::now());
    let decoded = |numbers: std::ops::Range<u32>, waited: fn(u32) -> u64| {
        let is_decoded = |number: &u32| {
            let picture = jpeg(Some(Duration::from_millis(waited(*number))), &buffer);
            is_decoded(&economy.decide(&picture, start + FRAME * *number, IN_TIME, &mut 0))
        };
        numbers.filter(is_decoded).count()
    };
    assert_eq!(decoded(0..50, |_| 5), 50);
    let late = decoded(50..150, |_| 300);
    assert!((8..20).contains(&late), "one a second at least: {late}");
    let alternating = decoded(150..250, |number| if number % 2 == 0 { 80 } else { 5 });
    assert!((50..65).contains(&alternating), "those that come in time: {alternating}");
}

fn jpeg(waited: Option<Duration>, buffer: &gst::Buffer) -> Picture<'_> {
    Picture { buffer, waited }
}

#[test]
fn what_is_caught_up_with_after_a_rest_may_be_late() {
    let wanted = WantedDecoding { lateness: Some(1.0), ..IDLE };
    let mut fed = Fed::new(Duration::from_secs(10));
    fed.waited = Some(Duration::from_millis(5));
    (0..3 * KEY_EVERY + 15).for_each(|_| drop(fed.picture(900, true, wanted)));
    fed.waited = Some(Duration::from_millis(800));
    assert!(matches!(fed.picture(900, true, IN_TIME), Verdict::CatchUp(_)));
    assert!((0..15).all(|_| is_decoded(&fed.picture(900, true, IN_TIME))), "for a while");
}
