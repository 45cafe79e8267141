//! The real binary against real GStreamer, a real RTSP server and a real mosquitto: one scenario a file.
//!
//! One test binary, so that the heavy parts are linked once; scenarios that need both cores take turns
//! (`support::alone`).
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::needless_pass_by_value,
    reason = "a failure here is the failing test"
)]

mod scenarios {
    mod bench;
    mod bench_whole;
    mod broker_away;
    mod broker_away_under_load;
    mod broker_certificates;
    mod broker_link_faults;
    mod broker_login;
    mod broker_moved;
    mod broker_never_acknowledges;
    mod broker_restarted;
    mod calibration;
    mod cameras_that_fail;
    mod cameras_that_reboot;
    mod cameras_with_bad_pictures;
    mod check;
    mod command_line;
    mod database_damaged;
    mod demo;
    mod detect_files;
    mod detect_reference;
    mod disk_full;
    mod doing_less;
    mod killed;
    mod model_import;
    mod model_pull;
    mod models_command;
    mod models_that_fail;
    mod openvino;
    mod operations;
    mod overload;
    mod overload_of_decoding;
    mod pipelines_that_fail;
    mod privacy;
    mod provider_fails_while_it_runs;
    mod providers_absent;
    mod reload;
    mod replay;
    mod second_daemon;
    mod shutdown;
    mod simulated_cameras;
    mod systemd_notify;
    mod terminated_while_away;
    mod videos_over_rtsp;
    mod zones_and_lines;
}
mod support;
