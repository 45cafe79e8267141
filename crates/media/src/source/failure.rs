//! GStreamer's errors in the core's words.

use gstreamer as gst;
use sightline_core::{
    plan::SourceSpec,
    ports::{SourceError, SourceErrorCode},
};

use crate::{elements::source_error, log::redact};

/// A camera's address, and what must not be said of it.
pub struct Address {
    shown: String,
    /// The password as it is and percent-encoded: rtspsrc's debug texts may quote the location.
    secrets: Vec<String>,
    has_credentials: bool,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Address {
    pub fn of(source: &SourceSpec) -> Self {
        let mut secrets = Vec::new();
        let mut has_credentials = false;
        if let SourceSpec::Rtsp { url, .. } = source {
            // GStreamer and servers may quote the whole location, or a part of it.
            secrets.extend(url.hidden().into_iter().map(str::to_owned));
        }
        if let SourceSpec::Rtsp { credentials: Some(credentials), .. } = source {
            has_credentials = true;
            let password = credentials.password.reveal();
            secrets.push(url::form_urlencoded::byte_serialize(password.as_bytes()).collect());
            secrets.push(password.to_owned());
        }
        // An empty password would make every gap between two letters a secret.
        secrets.retain(|secret| !secret.is_empty());
        Self { shown: source.to_string(), secrets, has_credentials }
    }

    /// `text` without the password, and without what has the form of a credential.
    pub fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret, "***");
        }
        redact(&text).into_owned()
    }

    /// The most telling words of a GStreamer error. `debug` is its second text, whose last line has the server's own.
    pub fn detail(&self, error: &gst::glib::Error, debug: Option<&str>) -> String {
        let server_said = debug.and_then(|text| text.trim().lines().last()).unwrap_or_default();
        // Without a line of its own it is only a place in GStreamer's source text.
        let detail = if server_said.contains(": gst_") || server_said.contains("../") { "" } else { server_said };
        self.scrub(if detail.is_empty() { error.message() } else { detail })
    }

    /// What to tell of a GStreamer error.
    pub fn describe(&self, error: &gst::glib::Error, debug: Option<&str>, had_frames: bool) -> SourceError {
        let detail = self.detail(error, debug);
        let (code, words) = self.classify(error, &format!("{} {detail}", error.message()), had_frames);
        // "Generic error" is what rtspsrc says of a refused connection and of an unknown host alike, and its advice is for
        // players.
        let detail = detail.replace(" (Generic error)", "");
        let detail = detail.split(". You might need").next().unwrap_or_default();
        source_error(code, format!("{}: {words} ({})", self.shown, detail.trim().trim_end_matches('.')))
    }

    fn classify(&self, error: &gst::glib::Error, text: &str, had_frames: bool) -> (SourceErrorCode, &'static str) {
        let text = text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let resource = error.kind::<gst::ResourceError>();

        if resource == Some(gst::ResourceError::NotAuthorized) || says(&["unauthorized", "forbidden", "(401)", "(403)"])
        {
            let words = if self.has_credentials {
                "the camera refuses this user or password"
            } else {
                "the camera wants a user and a password"
            };
            return (SourceErrorCode::Auth, words);
        }
        if says(&["tls", "certificate", "ssl"]) {
            return (SourceErrorCode::Tls, "no trusted encrypted connection");
        }
        if resource == Some(gst::ResourceError::NotFound) && !says(&["resolv", "connect"]) || says(&["(404)"]) {
            return (SourceErrorCode::NotFound, "no such stream");
        }
        // An empty description is what a camera that is booting has, or no RTSP server at all.
        if says(&["sdp contains no streams"]) {
            return (SourceErrorCode::NotFound, "the server describes no stream at all");
        }
        if says(&["no supported stream was found"]) {
            return (SourceErrorCode::Codec, "the camera offers no video");
        }
        if says(&["timeout", "timed out", "could not receive any udp"]) {
            return (SourceErrorCode::Timeout, "no answer in time");
        }
        if error.is::<gst::StreamError>() && !says(&["internal data stream error", "internal data flow error"]) {
            return (SourceErrorCode::Codec, "cannot be decoded");
        }
        match resource {
            Some(gst::ResourceError::Busy) => (SourceErrorCode::Other, "in use"),
            Some(_) if had_frames => (SourceErrorCode::Network, "the connection broke"),
            Some(_) => (SourceErrorCode::Network, "cannot connect"),
            None if says(&["not-negotiated", "not-linked"]) => (SourceErrorCode::Codec, "cannot be decoded"),
            None => (SourceErrorCode::Other, "GStreamer failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use sightline_core::{
        plan::RtspTransport,
        secret::{Credentials, Secret},
    };

    use super::*;

    fn camera(password: Option<&str>) -> Address {
        Address::of(&SourceSpec::Rtsp {
            url: "rtsp://10.0.0.9/stream1".into(),
            credentials: password.map(|it| Credentials { username: "viewer".into(), password: Secret::new(it.into()) }),
            transport: RtspTransport::Tcp,
            verify_tls: true,
        })
    }

    #[test]
    fn no_password_gets_through() {
        let address = camera(Some("p@ss/w:rd"));
        for text in [
            "cannot open rtsp://viewer:p@ss/w:rd@10.0.0.9/stream1",
            "cannot open rtsp://viewer:p%40ss%2Fw%3Ard@10.0.0.9/stream1 now",
            "password p@ss/w:rd refused",
        ] {
            let clean = address.scrub(text);
            assert!(!clean.contains("p@ss") && !clean.contains("p%40ss"), "{clean}");
        }
    }

    #[test]
    fn errors_are_told_apart() {
        use gst::{ResourceError as R, StreamError as S};
        gst::init().unwrap();
        let address = camera(Some("secret"));
        let e = |kind: R, text: &str| gst::glib::Error::new(kind, text);
        for (error, debug, code) in [
            (e(R::NotAuthorized, "Unauthorized"), "x.c(1): gst_x ():\nUnauthorized (401)", SourceErrorCode::Auth),
            (e(R::NotFound, "Not found"), "x.c(1): gst_x ():\nNot Found (404)", SourceErrorCode::NotFound),
            (
                e(R::OpenReadWrite, "Could not open resource."),
                "x\nFailed to connect. (Connection refused)",
                SourceErrorCode::Network,
            ),
            (
                e(R::OpenReadWrite, "Could not open resource."),
                "x\nFailed to connect. (Unacceptable TLS certificate)",
                SourceErrorCode::Tls,
            ),
            (
                e(R::Read, "Could not read."),
                "x\nCould not receive message. (Timeout while waiting for server response)",
                SourceErrorCode::Timeout,
            ),
            (e(R::Settings, "Bad SDP."), "x\nSDP contains no streams", SourceErrorCode::NotFound),
            (gst::glib::Error::new(S::WrongType, "x"), "x\nNo supported stream was found. You", SourceErrorCode::Codec),
            (gst::glib::Error::new(S::Decode, "No valid frames"), "x\ny", SourceErrorCode::Codec),
            (gst::glib::Error::new(S::CodecNotFound, "no codec"), "x\ny", SourceErrorCode::Codec),
        ] {
            let told = address.describe(&error, Some(debug), false);
            assert_eq!(told.code, code, "{told}");
            assert!(told.message.starts_with("rtsp://10.0.0.9/stream1: "), "{told}");
        }
    }
}
