//! Whether other pictures refer to an encoded one, as its own header says.

use gstreamer as gst;

/// How a stream's pictures are laid out in buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// H.264, start codes before each unit (ITU-T H.264, annex B).
    H264Annexb,
    /// H.264, each unit after its length of so many bytes.
    H264Lengths(usize),
    /// H.265, start codes.
    H265Annexb,
    /// H.265, lengths of so many bytes.
    H265Lengths(usize),
    /// Every picture stands for itself.
    Jpeg,
}

impl Layout {
    /// From what a parser says. `None`: another codec.
    pub fn of(caps: &gst::CapsRef) -> Option<Self> {
        let structure = caps.structure(0)?;
        let has_lengths = structure.get::<&str>("stream-format").is_ok_and(|format| format != "byte-stream");
        // Where the length of lengths is in ISO/IEC 14496-15's decoder configuration records.
        let length = |at: usize| {
            let data = structure.get::<gst::Buffer>("codec_data").ok()?;
            let data = data.map_readable().ok()?;
            data.get(at).map(|byte| usize::from(byte & 3) + 1)
        };
        match (structure.name().as_str(), has_lengths) {
            ("video/x-h264", false) => Some(Self::H264Annexb),
            ("video/x-h264", true) => Some(Self::H264Lengths(length(4)?)),
            ("video/x-h265", false) => Some(Self::H265Annexb),
            ("video/x-h265", true) => Some(Self::H265Lengths(length(21)?)),
            ("image/jpeg", _) => Some(Self::Jpeg),
            _ => None,
        }
    }
}

/// Tells pictures apart. Learns what H.265 does not say in one picture.
#[derive(Debug)]
pub struct References {
    layout: Layout,
    /// The highest temporal layer of H.265 so far.
    highest_layer: u8,
    /// Key frames so far: of H.265 a whole group of pictures must have been seen, or layers are missing.
    key_frames: u32,
}

impl References {
    pub fn new(layout: Layout) -> Self {
        Self { layout, highest_layer: 0, key_frames: 0 }
    }

    /// Whether what follows this picture refers to nothing before it. `false` where it cannot be said: parsers call pictures
    /// key frames that can be decoded alone, and later ones may still refer to what came before those.
    pub fn is_entry(&self, picture: &[u8]) -> bool {
        // An IDR picture of H.264; the IRAP pictures of H.265 (table 7-1).
        let is_idr = |[first, _]: [u8; 2]| first & 0x1F == 5;
        let is_irap = |[first, _]: [u8; 2]| (16..=21).contains(&((first >> 1) & 0x3F));
        match self.layout {
            Layout::Jpeg => true,
            Layout::H264Annexb => first_of(annexb(picture), h264_slice).is_some_and(is_idr),
            Layout::H264Lengths(size) => first_of(lengths(picture, size), h264_slice).is_some_and(is_idr),
            Layout::H265Annexb => first_of(annexb(picture), h265_slice).is_some_and(is_irap),
            Layout::H265Lengths(size) => first_of(lengths(picture, size), h265_slice).is_some_and(is_irap),
        }
    }

    /// How its stream is laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether no other picture refers to this one. `false` where it cannot be said.
    pub fn is_disposable(&mut self, picture: &[u8], is_key: bool) -> bool {
        self.key_frames = self.key_frames.saturating_add(u32::from(is_key));
        match self.layout {
            Layout::Jpeg => true,
            Layout::H264Annexb => first_of(annexb(picture), h264_slice).is_some_and(is_h264_disposable),
            Layout::H264Lengths(size) => first_of(lengths(picture, size), h264_slice).is_some_and(is_h264_disposable),
            Layout::H265Annexb => {
                first_of(annexb(picture), h265_slice).is_some_and(|header| self.is_h265_disposable(header))
            }
            Layout::H265Lengths(size) => {
                first_of(lengths(picture, size), h265_slice).is_some_and(|header| self.is_h265_disposable(header))
            }
        }
    }

    /// A sub-layer non-reference picture (ITU-T H.265, table 7-1: the even types below 16) may still be referred to by the
    /// layers above its own.
    fn is_h265_disposable(&mut self, [first, second]: [u8; 2]) -> bool {
        let (unit_type, layer) = ((first >> 1) & 0x3F, second & 7);
        self.highest_layer = self.highest_layer.max(layer);
        unit_type < 16 && unit_type.is_multiple_of(2) && layer == self.highest_layer && self.key_frames >= 2
    }
}

/// `nal_ref_idc` is the same in all slices of a picture, 0 or not (ITU-T H.264, 7.4.1).
fn is_h264_disposable([first, _]: [u8; 2]) -> bool {
    (first >> 5) & 3 == 0
}

fn h264_slice([first, _]: [u8; 2]) -> bool {
    matches!(first & 0x1F, 1..=5)
}

fn h265_slice([first, _]: [u8; 2]) -> bool {
    (first >> 1) & 0x3F < 32
}

fn first_of(mut headers: impl Iterator<Item = [u8; 2]>, is_slice: fn([u8; 2]) -> bool) -> Option<[u8; 2]> {
    headers.find(|header| is_slice(*header))
}

/// The first two bytes of each unit after a start code.
fn annexb(picture: &[u8]) -> impl Iterator<Item = [u8; 2]> {
    let starts = picture.windows(5).filter(|window| window.starts_with(&[0, 0, 1]));
    starts.map(|window| [window[3], window[4]])
}

/// The first two bytes of each unit after a length of `size` bytes.
fn lengths(mut rest: &[u8], size: usize) -> impl Iterator<Item = [u8; 2]> {
    std::iter::from_fn(move || {
        let (length, unit) = rest.split_at_checked(size)?;
        let length = length.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte));
        let header = *unit.first_chunk()?;
        rest = unit.get(length..).unwrap_or_default();
        Some(header)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A parameter set, then a slice with that first byte.
    fn h264(first: u8) -> [Vec<u8>; 2] {
        let set = [0x67, 0x64, 0, 31];
        let slice = [first, 0x9A, 1, 2, 3];
        let annexb = [&[0, 0, 0, 1][..], &set, &[0, 0, 1], &slice].concat();
        let lengths = [&[0, 0, 0, 4][..], &set, &[0, 0, 0, 5], &slice].concat();
        [annexb, lengths]
    }

    #[test]
    fn of_h264_the_slice_says_it_and_not_what_stands_before_it() {
        for (first, disposable) in [(0x01, true), (0x41, false), (0x21, false), (0x65, false), (0x05, true)] {
            let [annexb, lengths] = h264(first);
            assert_eq!(References::new(Layout::H264Annexb).is_disposable(&annexb, false), disposable, "{first:x}");
            assert_eq!(References::new(Layout::H264Lengths(4)).is_disposable(&lengths, false), disposable, "{first:x}");
        }
    }

    #[test]
    fn of_h265_only_the_highest_layer_is_disposable_and_only_once_all_were_seen() {
        // TRAIL_N is 0, TRAIL_R is 1, IDR_W_RADL is 19; the layer is one less than the last three bits.
        let picture = |unit_type: u8, layer: u8| [&[0, 0, 1][..], &[unit_type << 1, layer + 1, 9, 9]].concat();
        let mut references = References::new(Layout::H265Annexb);
        assert!(!references.is_disposable(&picture(19, 0), true));
        assert!(!references.is_disposable(&picture(0, 0), false), "layers above it may come");
        assert!(!references.is_disposable(&picture(0, 1), false));
        assert!(!references.is_disposable(&picture(19, 0), true));
        assert!(!references.is_disposable(&picture(0, 0), false), "layer 1 may refer to it");
        assert!(references.is_disposable(&picture(0, 1), false));
        assert!(!references.is_disposable(&picture(1, 1), false));
    }

    #[test]
    fn a_stream_is_entered_at_pictures_before_which_nothing_counts() {
        for (first, is_entry) in [(0x65, true), (0x25, true), (0x41, false), (0x61, false)] {
            let [annexb, lengths] = h264(first);
            assert_eq!(References::new(Layout::H264Annexb).is_entry(&annexb), is_entry, "{first:x}");
            assert_eq!(References::new(Layout::H264Lengths(4)).is_entry(&lengths), is_entry, "{first:x}");
        }
        for (unit_type, is_entry) in [(19, true), (21, true), (1, false), (0, false)] {
            let picture = [0, 0, 1, unit_type << 1, 1, 9, 9];
            assert_eq!(References::new(Layout::H265Annexb).is_entry(&picture), is_entry, "{unit_type}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_needed() {
        for layout in [Layout::H264Annexb, Layout::H264Lengths(4), Layout::H265Annexb, Layout::H265Lengths(2)] {
            assert!(!References::new(layout).is_disposable(&[], false));
            assert!(!References::new(layout).is_disposable(&[0, 0, 1], false));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1usize..=4) {
            for layout in [Layout::H264Annexb, Layout::H264Lengths(size), Layout::H265Annexb, Layout::H265Lengths(size)] {
                let mut references = References::new(layout);
                references.is_disposable(&bytes, true);
            }
        }
    }
}
