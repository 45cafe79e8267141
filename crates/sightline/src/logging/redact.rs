//! No secret reaches the log, whatever library logs it: every line is searched for the secrets that the program was given.

use std::{
    borrow::Cow,
    io,
    sync::{Arc, LazyLock},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use parking_lot::RwLock;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sightline_core::{
    plan::{Plan, SourceSpec},
    secret::{Credentials, Secret},
};
use tracing_subscriber::fmt::MakeWriter;

/// What an address writes as `%20` (RFC 3986, 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What is written instead.
const HIDDEN: &str = "***";
/// Shorter ones are parts of ordinary words: hiding each `a` would hide nothing but the log.
const SHORTEST: usize = 4;

/// The secrets of this process in all their forms, the longest first: a part that is hidden first would leave the rest.
static NEEDLES: LazyLock<RwLock<Arc<[String]>>> = LazyLock::new(RwLock::default);

/// Keeps `secrets` out of the log from now on.
pub fn hide<'a>(secrets: impl Iterator<Item = &'a Secret>) {
    hide_forms(secrets.flat_map(|secret| forms(secret.reveal())).collect());
}

/// Keeps the secrets of `plan` out of the log from now on: passwords, users with their passwords as HTTP's and RTSP's Basic
/// sends them, and addresses that hold more than they show.
pub fn hide_secrets_of(plan: &Plan) {
    let mut found = Vec::new();
    for pipeline in &plan.pipelines {
        if let Some(credentials) = &pipeline.mqtt.credentials {
            found.extend(forms_of(credentials));
        }
        if let Some((_, key)) = pipeline.mqtt.tls.as_ref().and_then(|tls| tls.client.as_ref()) {
            // Of a key in PEM each line tells.
            let lines = key.reveal().lines().filter(|line| !line.starts_with("-----"));
            found.extend(lines.flat_map(forms));
        }
        for camera in &pipeline.cameras {
            let SourceSpec::Rtsp { url, credentials, .. } = &camera.spec.source else { continue };
            if let Some(credentials) = credentials {
                found.extend(forms_of(credentials));
            }
            found.extend(url.hidden().into_iter().flat_map(forms));
        }
    }
    hide_forms(found);
}

fn hide_forms(found: Vec<String>) {
    let mut needles = NEEDLES.write();
    let mut all = needles.to_vec();
    all.extend(found);
    all.retain(|needle| needle.len() >= SHORTEST);
    all.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    all.dedup();
    *needles = all.into();
}

fn forms_of(credentials: &Credentials) -> Vec<String> {
    let (username, password) = (&credentials.username, credentials.password.reveal());
    let mut all = forms(password);
    all.push(BASE64_STANDARD.encode(format!("{username}:{password}")));
    all
}

/// A secret as it is, as an address, a Rust string, a JSON string, and a Rust string in a JSON string hold it.
fn forms(secret: &str) -> Vec<String> {
    let percent_encoded = utf8_percent_encode(secret, UNRESERVED).to_string();
    let in_rust = format!("{secret:?}");
    let in_json = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let without_quotes =
        |text: &str| text.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(text).to_owned();
    let in_rust = without_quotes(&in_rust);
    // A log of JSON lines holds what Rust writes of a string in a string of its own.
    let both = without_quotes(&in_json(&in_rust));
    vec![secret.to_owned(), percent_encoded, in_rust, without_quotes(&in_json(secret)), both]
}

/// `line` without any secret. Borrowed as it is when there is none, which is always but for a mistake of some library's.
pub fn redact(line: &str) -> Cow<'_, str> {
    let needles = NEEDLES.read().clone();
    let mut line = Cow::Borrowed(line);
    for needle in &*needles {
        if line.contains(needle.as_str()) {
            line = Cow::Owned(line.replace(needle.as_str(), HIDDEN));
        }
    }
    line
}

/// Standard error without secrets. Gets each log line in one piece.
#[derive(Clone, Copy, Debug, Default)]
pub struct RedactedStderr;

impl<'a> MakeWriter<'a> for RedactedStderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        *self
    }
}

impl io::Write for RedactedStderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr().lock().write_all(redact(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_form_of_a_password_is_hidden() {
        let credentials = Credentials { username: "viewer".into(), password: Secret::new("s3 cr\"et/\\é".into()) };
        hide_forms(forms_of(&credentials));
        for line in [
            "password is s3 cr\"et/\\é",
            "rtsp://viewer:s3%20cr%22et%2F%5C%C3%A9@host/",
            "text \"s3 cr\\\"et/\\\\é\"",
            "Authorization: Basic dmlld2VyOnMzIGNyImV0L1zDqQ==",
        ] {
            let shown = redact(line);
            assert!(shown.contains(HIDDEN), "{shown}");
            assert!(!shown.contains("cr"), "{shown}");
        }
        assert!(matches!(redact("camera front-door streams"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_secret_within_a_longer_one_leaves_nothing_of_it() {
        hide([Secret::new("open-sesame".into()), Secret::new("open-sesame-and-more".into())].iter());
        assert_eq!(redact("open-sesame-and-more open-sesame"), "*** ***");
    }

    proptest! {
        #[test]
        fn no_secret_survives_in_any_line(secret in "[a-zA-Z0-9 %:@/\"\\\\]{4,20}", before in ".{0,20}", after in ".{0,20}") {
            hide([Secret::new(secret.clone())].iter());
            let line = format!("{before}{secret}{after}");
            prop_assert!(!redact(&line).contains(&secret));
        }
    }
}
