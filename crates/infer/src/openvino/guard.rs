//! Calls into OpenVINO, every failure of which is an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use openvino::InferenceError;

use crate::job::one_line;

/// What the crate's panic over a function begins with that the library does not have.
const MISSING_FUNCTION: &str = "`openvino_c` function not loaded: `";
/// The function that says why another one failed: OpenVINO has it since 2023.1, and the crate calls it without asking.
const REASON_FUNCTION: &str = "ov_get_last_err_msg";

/// Calls OpenVINO and gives its failure on one line.
///
/// The crate panics where a library lacks a function; with a library from before 2023.1 so does every failure, as the
/// function that tells the reason is younger. None of the crate's types are changed half-way by that: they are pointers to
/// OpenVINO's own objects.
///
/// # Errors
/// What OpenVINO said.
pub(super) fn call<T>(action: impl FnOnce() -> Result<T, InferenceError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.message.as_deref().map_or_else(|| error.kind.to_string(), without_sources)),
        Err(panic) => {
            let said =
                panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(reason(said.unwrap_or_default()))
        }
    }
}

/// OpenVINO's words on one line, without the places in its sources that they were said at: `Exception from src/x.cpp:264:`,
/// once for each function on the way.
fn without_sources(message: &str) -> String {
    let line = one_line(message);
    let mut rest = line.as_str();
    while let Some((_, said)) = rest.strip_prefix("Exception from ").and_then(|place| place.split_once(": ")) {
        rest = said;
    }
    rest.to_owned()
}

fn reason(panic: &str) -> String {
    match panic.strip_prefix(MISSING_FUNCTION) {
        Some(function) if function.starts_with(REASON_FUNCTION) => {
            "openvino failed, and a version from before 2023.1 does not tell why".into()
        }
        Some(function) => format!("this version of openvino has no {}", function.trim_end_matches('`')),
        None => format!("the openvino crate gave up: {}", one_line(panic)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_what_is_missing() {
        let panicking =
            |message: &'static str| call(|| -> Result<(), InferenceError> { std::panic::panic_any(message) });
        let untold = panicking("`openvino_c` function not loaded: `ov_get_last_err_msg").unwrap_err();
        assert!(untold.contains("does not tell why"), "{untold}");
        let missing = panicking("`openvino_c` function not loaded: `ov_tensor_data").unwrap_err();
        assert_eq!(missing, "this version of openvino has no ov_tensor_data");
        let other = panicking("raw data is not\n aligned").unwrap_err();
        assert_eq!(other, "the openvino crate gave up: raw data is not aligned");
    }

    #[test]
    fn openvinos_own_words_come_on_one_line() {
        let failing = |message: Option<&str>| {
            let kind = openvino::InferenceErrorKind::NotFound;
            call(|| -> Result<(), _> { Err(InferenceError { kind, message: message.map(str::to_owned) }) }).unwrap_err()
        };
        assert_eq!(failing(Some("Check 'x' failed\n at y")), "Check 'x' failed at y");
        let nested = "Exception from src/a.cpp:264:\nException from src/b.cpp:49:\nwrong value: 7";
        assert_eq!(failing(Some(nested)), "wrong value: 7");
        assert_eq!(failing(None), "not found");
    }
}
