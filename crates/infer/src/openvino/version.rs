//! OpenVINO's versions, and what differs between them.

use openvino::ElementType;

use crate::graph::Element;

/// A version that sessions can be made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `2026.4.1`
    text: String,
    year_and_release: (u32, u32),
}

impl Version {
    /// Reads a build's name: `2022.3.1-9227-cf2c7da5689-releases/2022/3`.
    pub(super) fn parse(build: &str) -> Option<Self> {
        let text = build.split('-').next()?;
        let mut parts = text.split('.').map(str::parse);
        let (Some(Ok(year)), Some(Ok(release))) = (parts.next(), parts.next()) else { return None };
        Some(Self { text: text.to_owned(), year_and_release: (year, release) })
    }

    /// The numbers of element types are known to be those of one of the two lists: versions of 2024 have a third.
    pub(super) fn is_usable(&self) -> bool {
        ((2022, 3)..(2024, 0)).contains(&self.year_and_release) || self.has_new_elements()
    }

    /// The Neural Compute Stick 2 was taken out of 2023.0.
    pub(super) fn may_have_myriad(&self) -> bool {
        self.year_and_release < (2023, 0)
    }

    /// Whether a failure's reason can be asked for: with `ov_get_last_err_msg`.
    pub(super) fn tells_reasons(&self) -> bool {
        self.year_and_release >= (2023, 1)
    }

    /// Whether a compiled model tells what runs it.
    pub(super) fn tells_execution_devices(&self) -> bool {
        self.year_and_release >= (2023, 0)
    }

    /// Since 2025.1 `ov_element_type_e` is counted anew (openvino-rs issue 167).
    fn has_new_elements(&self) -> bool {
        self.year_and_release >= (2025, 1)
    }

    /// An element type as this version means it. The crate takes its number for one of 2025.1 or later; the list of 2022.3
    /// and 2023 begins with one more and has no `u2`, `u3` and `u6` (`ov_common.h`).
    pub(super) fn element(&self, by_crate: ElementType) -> Element {
        let (u8, f32, i32, i64) = if self.has_new_elements() {
            (ElementType::U8, ElementType::F32, ElementType::I32, ElementType::I64)
        } else {
            (ElementType::U4, ElementType::F64, ElementType::I64, ElementType::U1)
        };
        match by_crate {
            it if it == u8 => Element::U8,
            it if it == f32 => Element::F32,
            it if it == i32 => Element::I32,
            it if it == i64 => Element::I64,
            other if self.has_new_elements() => Element::Other(other.to_string()),
            other => Element::Other(format!("number {}", other as u32)),
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(build: &str) -> Version {
        Version::parse(build).unwrap()
    }

    #[test]
    fn builds_are_read() {
        let current = version("2026.4.1-22982-47ab0b40b4f-releases/2026/4");
        assert_eq!(current.to_string(), "2026.4.1");
        for nothing in ["", "custom_build", "2026", "2026.x"] {
            assert_eq!(Version::parse(nothing), None);
        }
    }

    #[test]
    fn each_version_is_usable_or_not_and_may_have_myriad_or_not() {
        let cases = [
            ("2022.1.0", false, true),
            ("2022.3.1", true, true),
            ("2023.0.0", true, false),
            ("2023.3.0", true, false),
            ("2024.0.0", false, false),
            ("2025.0.0", false, false),
            ("2025.1.0", true, false),
            ("2026.4.1", true, false),
        ];
        for (build, usable, myriad) in cases {
            let found = version(build);
            assert_eq!((found.is_usable(), found.may_have_myriad()), (usable, myriad), "{build}");
        }
    }

    #[test]
    fn element_types_are_counted_by_version() {
        let (old, new) = (version("2022.3.1"), version("2025.1.0"));
        // Numbers 5, 14, 10, 11 and 4 of `ov_element_type_e` in 2022.3.
        let by_crate = [ElementType::F64, ElementType::U4, ElementType::I64, ElementType::U1, ElementType::F32];
        let meant = by_crate.map(|element| old.element(element));
        let f16 = Element::Other("number 4".into());
        assert_eq!(meant, [Element::F32, Element::U8, Element::I32, Element::I64, f16]);
        let named = [ElementType::F32, ElementType::U8, ElementType::I32, ElementType::I64];
        assert_eq!(named.map(|element| new.element(element)), [Element::F32, Element::U8, Element::I32, Element::I64]);
    }
}
