//! What GStreamer and GLib say of themselves, handed to `tracing` without credentials.
//!
//! By themselves both write to stderr, GStreamer with every address and every header that an RTSP request carries.

mod redact;

use std::sync::Once;

use gstreamer as gst;
use gstreamer::glib;

pub use redact::redact;

/// Hands on at `$level`, which `tracing` wants to know when it is compiled. A line that nobody reads is not even redacted.
macro_rules! tell {
    ($target:literal, $level:ident, $text:expr, $($field:tt)*) => {
        if tracing::enabled!(target: $target, tracing::Level::$level) {
            tracing::event!(target: $target, tracing::Level::$level, $($field)*, "{}", redact($text));
        }
    };
}

/// Puts `tracing` in the place of stderr, for the whole process and once. Before GStreamer is initialised, so that no
/// line of it goes astray.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        gst::log::remove_default_log_function();
        // Called for what passes the thresholds of GST_DEBUG only: without it, never.
        gst::log::add_log_function(|category, level, _file, _function, _line, object, message| {
            let object = object.map(ToString::to_string).unwrap_or_default();
            let message = message.get();
            gstreamer_says(category.name(), level, &object, message.as_deref().map_or("", |text| text.as_str()));
        });
        glib::log_set_writer_func(|level, fields| {
            let field = |name| fields.iter().find(|field| field.key() == name).and_then(glib::LogField::value_str);
            glib_says(level, field("GLIB_DOMAIN").unwrap_or_default(), field("MESSAGE").unwrap_or_default());
            glib::LogWriterOutput::Handled
        });
        glib::set_print_handler(|text| glib_says(glib::LogLevel::Info, "stdout", text.trim_end()));
        glib::set_printerr_handler(|text| glib_says(glib::LogLevel::Warning, "stderr", text.trim_end()));
    });
}

/// One line of GST_DEBUG.
fn gstreamer_says(category: &str, level: gst::DebugLevel, object: &str, text: &str) {
    match level {
        gst::DebugLevel::Error => tell!("gstreamer", ERROR, text, category, object),
        gst::DebugLevel::Warning | gst::DebugLevel::Fixme => tell!("gstreamer", WARN, text, category, object),
        gst::DebugLevel::Info => tell!("gstreamer", INFO, text, category, object),
        gst::DebugLevel::Debug => tell!("gstreamer", DEBUG, text, category, object),
        _ => tell!("gstreamer", TRACE, text, category, object),
    }
}

/// One line of `g_warning` and its like, of whatever library in the process.
fn glib_says(level: glib::LogLevel, domain: &str, text: &str) {
    match level {
        // GLib ends the process after it.
        glib::LogLevel::Error => tell!("glib", ERROR, text, domain),
        glib::LogLevel::Critical | glib::LogLevel::Warning => tell!("glib", WARN, text, domain),
        glib::LogLevel::Message | glib::LogLevel::Info => tell!("glib", INFO, text, domain),
        glib::LogLevel::Debug => tell!("glib", DEBUG, text, domain),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn without_a_threshold_no_line_reaches_a_log_function() {
        static LINES: AtomicUsize = AtomicUsize::new(0);
        crate::init().unwrap();
        let function = gst::log::add_log_function(|category, _, _, _, _, _, _| {
            if category.name() == "sightline-test" {
                LINES.fetch_add(1, Ordering::SeqCst);
            }
        });
        let category = gst::DebugCategory::new("sightline-test", gst::DebugColorFlags::empty(), None);
        category.set_threshold(gst::DebugLevel::None);
        gst::error!(category, "nobody asked");
        assert_eq!(LINES.load(Ordering::SeqCst), 0);
        category.set_threshold(gst::DebugLevel::Debug);
        gst::debug!(category, "somebody asked");
        gst::trace!(category, "not for so much");
        assert_eq!(LINES.load(Ordering::SeqCst), 1);
        gst::log::remove_log_function(function);
    }
}
