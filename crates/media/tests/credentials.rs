//! A camera's password is nowhere in what GStreamer, GLib and this crate say, however much they are asked to say.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failing unwrap in a helper is the failing test")]

mod support;

use std::{
    fmt::Write,
    process::Command,
    sync::{Arc, Mutex},
};

use gstreamer::glib;
use support::{Access, PASSWORD, Server, USER, h264, rtsp_with_password, start, stop};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Set in the child process, whose stderr the test reads.
const CHILD: &str = "SIGHTLINE_TEST_CREDENTIALS_CHILD";
const WRONG: &str = "canary: 4b1d/77@e";

/// Keeps all that reaches `tracing`.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<String>>);

impl Visit for Kept {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0.lock().unwrap(), "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        write!(self.0.lock().unwrap(), "\n{} ", event.metadata().target()).unwrap();
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// How a password may be written.
fn spellings(password: &str) -> [String; 4] {
    let basic = glib::base64_encode(format!("{USER}:{password}").as_bytes());
    let encoded = url::form_urlencoded::byte_serialize(password.as_bytes()).collect();
    // As GStreamer's structures write what is neither a letter nor a digit.
    let escaped = password.chars().flat_map(|c| (!c.is_ascii_alphanumeric()).then_some('\\').into_iter().chain([c]));
    [password.to_owned(), encoded, basic.to_string(), escaped.collect()]
}

fn assert_clean(place: &str, text: &str) {
    for password in [PASSWORD, WRONG] {
        for spelling in spellings(password) {
            let found = text.lines().find(|line| line.contains(&spelling));
            assert!(found.is_none(), "`{spelling}` in {place}: {found:?}");
        }
    }
}

/// Opens a camera with the right password and with a wrong one, in a process of its own where everything is logged.
fn child() {
    let kept = Kept::default();
    tracing::subscriber::set_global_default(kept.clone()).unwrap();
    let mut messages = String::new();
    for access in [Access::Basic, Access::Digest] {
        let server = Server::start_with(&[("/cam", &h264())], &access, |_| ());
        let (running, recorder) = start(&rtsp_with_password(&server.url("/cam"), PASSWORD));
        recorder.wait_frames(1);
        stop(running, &recorder);
        let (running, recorder) = start(&rtsp_with_password(&server.url("/cam"), WRONG));
        messages += &recorder.wait_failure().message;
        stop(running, &recorder);
    }
    glib::g_warning!("test", "cannot open rtsp://{USER}:{PASSWORD}@10.0.0.9/");
    glib::g_debug!("test", "user-pw=\"{PASSWORD}\"");

    let told = kept.0.lock().unwrap().clone();
    assert!(told.contains("rtspsrc") && told.contains("DESCRIBE"), "GStreamer's own words are told");
    assert!(told.contains("'Authorization', value: '***'"), "requests are told, without what they authorise with");
    assert!(told.contains("cannot open rtsp://***@10.0.0.9/"), "GLib's own words are told");
    assert_clean("what reached tracing", &told);
    assert_clean("errors", &messages);
    eprintln!("{} lines", told.lines().count());
}

#[test]
fn no_password_is_told_however_much_is_logged() {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    let debug_file = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_password_is_told_however_much_is_logged", "--nocapture"])
        .env(CHILD, "1")
        .env("GST_DEBUG", "*:6,rtsp*:9,basesrc:9,udpsrc:9,appsink:5")
        .env("GST_DEBUG_FILE", debug_file.path())
        .env("GST_DEBUG_NO_COLOR", "1")
        .env("G_MESSAGES_DEBUG", "all")
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprintln!("{stderr}");
    assert!(output.status.success(), "{stdout}");
    assert_clean("stdout", &stdout);
    assert_clean("stderr", &stderr);
    assert_clean("GST_DEBUG_FILE", &std::fs::read_to_string(debug_file.path()).unwrap());
    assert!(!stderr.contains("rtspsrc"), "GStreamer still writes to stderr: {stderr}");
}
