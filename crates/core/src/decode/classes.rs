//! Which class ids are reported.

use crate::model::Labels;

/// The classes that have a name and are not the background.
#[derive(Clone, Debug)]
pub(super) struct ReportedClasses(Vec<bool>);

impl ReportedClasses {
    pub(super) fn new(labels: &Labels, background: Option<usize>) -> Self {
        let named = |class: usize| u16::try_from(class).is_ok_and(|id| labels.name(id).is_some());
        Self((0..labels.len()).map(|class| Some(class) != background && named(class)).collect())
    }

    pub(super) fn as_slice(&self) -> &[bool] {
        &self.0
    }

    /// The class id that a graph wrote as a number, if it is reported. Rounded: in-graph post-processing writes class
    /// ids as floats.
    pub(super) fn reported(&self, class: f32) -> Option<u16> {
        let rounded = class.round();
        // A NaN fails this too.
        if !(0.0..=f32::from(u16::MAX)).contains(&rounded) {
            return None;
        }
        let id = rounded as u16;
        self.0.get(usize::from(id)).is_some_and(|reported| *reported).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_classes_that_are_no_background_are_reported() {
        let labels = Labels::new(vec![Some("background".into()), Some("person".into()), None, Some("car".into())]);
        let classes = ReportedClasses::new(&labels, Some(0));
        assert_eq!(classes.as_slice(), [false, true, false, true]);
        for (number, reported) in [
            (0.0, None),
            (1.0, Some(1)),
            (0.9999, Some(1)),
            (2.0, None),
            (3.0, Some(3)),
            (4.0, None),
            (-1.0, None),
            (1e9, None),
            (f32::NAN, None),
            (f32::INFINITY, None),
        ] {
            assert_eq!(classes.reported(number), reported, "{number}");
        }
    }
}
