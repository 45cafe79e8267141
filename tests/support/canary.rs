//! One password for everything that takes one, looked for in everything that comes out: it must not be there.

use std::path::Path;

use super::broker::PASSWORD;

/// The password of cameras, and a part of the endpoint's token; the broker's is the same.
pub const CANARY: &str = PASSWORD;
/// As it stands in `Authorization: Basic`, at each of the three places where three bytes can begin.
const IN_BASE64: [&str; 3] = ["Y2FuYXJ5LTdmM2Qtc2VzYW1l", "NhbmFyeS03ZjNkLXNlc2Ft", "jYW5hcnktN2YzZC1zZXNhbW"];

/// Panics when the canary is in `output`.
pub fn assert_absent(of: &str, output: impl AsRef<[u8]>) {
    let output = output.as_ref();
    for form in [CANARY].into_iter().chain(IN_BASE64) {
        if let Some(at) = output.windows(form.len()).position(|window| window == form.as_bytes()) {
            let around = &output[at.saturating_sub(100)..(at + 60).min(output.len())];
            panic!("a password is in {of}: …{}…", String::from_utf8_lossy(around));
        }
    }
}

/// Panics when the canary is in a file anywhere below `folder`.
pub fn assert_absent_below(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            assert_absent_below(&path);
        } else if let Ok(content) = std::fs::read(&path) {
            assert_absent(&path.display().to_string(), content);
        }
    }
}

#[test]
fn the_canary_is_found_in_every_form() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    for before in ["", ":", "ab", "edge:", "viewer:"] {
        let encoded = STANDARD.encode(format!("{before}{CANARY}"));
        assert!(IN_BASE64.iter().any(|form| encoded.contains(form)), "{encoded}");
    }
}
