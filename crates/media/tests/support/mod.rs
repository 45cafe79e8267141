//! What the scenarios share: a real RTSP server in this process, a recorder for callbacks, and media made on the spot.
#![allow(dead_code, reason = "each scenario uses a part of it")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failing unwrap in a helper is the failing test")]

pub mod clip;
pub mod jetson;
pub mod leftovers;
pub mod peer;

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_rtsp_server as rtsp_server;
use rtsp_server::prelude::*;
use sightline_core::{
    frame::{Colorimetry, Frame, FrameInfo, FrameTimes, FrameView, PictureSize, PixelFormat},
    plan::{CameraSpec, RtspTransport, SourceSpec},
    ports::{
        FrameSource, RunningSource, SourceCallbacks, SourceError, SourceErrorCode, SourceEvent, StopOutcome, StreamInfo,
    },
    secret::{Credentials, Secret},
};
use sightline_media::GstSource;

/// Longer than anything here takes on a busy two-core machine.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub const RAW: &str =
    "videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=180,framerate=15/1";
pub const X264: &str = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15";

pub fn h264() -> String {
    format!("( {RAW} ! {X264} ! rtph264pay name=pay0 pt=96 config-interval=-1 )")
}

/// The `Authorization` header that [`peer::Peer`] wants to see.
pub fn basic_authorization(password: &str) -> String {
    format!("Basic {}", gst::glib::base64_encode(format!("{USER}:{password}").as_bytes()))
}

/// A running RTSP server on a free port.
pub struct Server {
    pub port: u16,
    server: rtsp_server::RTSPServer,
    main_loop: gst::glib::MainLoop,
    source: Option<gst::glib::SourceId>,
    context: gst::glib::MainContext,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What a server asks of its clients.
#[derive(Clone, Default)]
pub enum Access {
    #[default]
    Open,
    Basic,
    Digest,
    Tls(gst_gio::TlsCertificate),
}

pub use rtsp_server::gio as gst_gio;

/// User and password that [`Access::Basic`] and [`Access::Digest`] want.
pub const USER: &str = "viewer";
pub const PASSWORD: &str = "p@ss:w/rd";

impl Server {
    pub fn start(mounts: &[(&str, &str)]) -> Self {
        Self::start_with(mounts, &Access::Open, |_| ())
    }

    /// `configure` sees each media's top element before it plays.
    pub fn start_with(
        mounts: &[(&str, &str)],
        access: &Access,
        configure: impl Fn(gst::Element) + Send + Sync + Clone + 'static,
    ) -> Self {
        sightline_media::init().unwrap();
        let server = rtsp_server::RTSPServer::new();
        server.set_address("127.0.0.1");
        server.set_service("0");
        let points = server.mount_points().unwrap();
        for (path, launch) in mounts {
            let factory = rtsp_server::RTSPMediaFactory::new();
            factory.set_launch(launch);
            factory.set_shared(true);
            if !matches!(access, Access::Open) {
                let role = gst::Structure::builder("user")
                    .field("media.factory.access", true)
                    .field("media.factory.construct", true)
                    .build();
                factory.add_role_from_structure(&role);
            }
            let configure = configure.clone();
            factory.connect_media_configure(move |_, media| configure(media.element()));
            points.add_factory(path, factory);
        }
        protect(&server, access);
        let context = gst::glib::MainContext::new();
        let source = server.attach(Some(&context)).unwrap();
        let port = u16::try_from(server.bound_port()).unwrap();
        let main_loop = gst::glib::MainLoop::new(Some(&context), false);
        let runner = main_loop.clone();
        let runner_context = context.clone();
        let thread = std::thread::spawn(move || {
            runner_context.with_thread_default(|| runner.run()).unwrap();
        });
        Self { port, server, main_loop, source: Some(source), context, thread: Some(thread) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("rtsp://127.0.0.1:{}{path}", self.port)
    }

    /// Stops listening and closes every connection.
    pub fn kill(&mut self) {
        if let Some(source) = self.source.take() {
            self.context.find_source_by_id(&source).unwrap().destroy();
        }
        self.server.client_filter(Some(&mut |_, _| rtsp_server::RTSPFilterResult::Remove));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        self.main_loop.quit();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn protect(server: &rtsp_server::RTSPServer, access: &Access) {
    let token = || rtsp_server::RTSPToken::builder().field("media.factory.role", "user").build();
    let auth = rtsp_server::RTSPAuth::new();
    match access {
        Access::Open => return,
        Access::Basic => auth.add_basic(&rtsp_server::RTSPAuth::make_basic(USER, PASSWORD), &token()),
        Access::Digest => {
            auth.set_supported_methods(rtsp_server::gst_rtsp::RTSPAuthMethod::Digest);
            auth.add_digest(USER, PASSWORD, &token());
        }
        Access::Tls(certificate) => {
            auth.set_tls_certificate(Some(certificate));
            auth.set_default_token(Some(&mut token()));
        }
    }
    server.set_auth(Some(&auth));
}

/// One frame as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub info: FrameInfo,
    pub times: FrameTimes,
    pub format: PixelFormat,
    pub colorimetry: Colorimetry,
    /// Of the pixels, which are another's than the camera's where they were scaled.
    pub size: PictureSize,
    /// Mean of the visible Y, U and V samples.
    pub mean: [f32; 3],
    /// Of the visible luma.
    pub digest: u64,
}

#[derive(Default)]
pub struct Log {
    pub frames: Vec<Seen>,
    pub events: Vec<SourceEvent>,
    /// The size at which pictures are enough.
    pub wanted: Option<PictureSize>,
}

impl Log {
    /// The sizes of what was streamed, one for each time that it was told.
    pub fn streamed_sizes(&self) -> Vec<(u32, u32)> {
        let size = |event: &SourceEvent| match event {
            SourceEvent::Streaming(info) => Some((info.width, info.height)),
            _ => None,
        };
        self.events.iter().filter_map(size).collect()
    }
}

/// Collects what a source reports.
#[derive(Clone, Default)]
pub struct Recorder(Arc<(Mutex<Log>, Condvar)>);

impl Recorder {
    /// Of whom it is enough to give pictures of this size.
    pub fn want(&self, size: Option<PictureSize>) {
        self.0.0.lock().unwrap().wanted = size;
    }

    pub fn callbacks(&self) -> SourceCallbacks {
        let (frames, events, wanted) = (Arc::clone(&self.0), Arc::clone(&self.0), Arc::clone(&self.0));
        let on_frame = move |frame: Frame| {
            let seen = seen(&frame);
            frames.0.lock().unwrap().frames.push(seen);
            frames.1.notify_all();
        };
        let on_event = move |event| {
            events.0.lock().unwrap().events.push(event);
            events.1.notify_all();
        };
        let wanted_size = Box::new(move || wanted.0.lock().unwrap().wanted);
        SourceCallbacks { wanted_size, ..SourceCallbacks::of_all(on_frame, on_event) }
    }

    /// Waits until `check` finds what it looks for.
    pub fn wait<T>(&self, what: &str, mut check: impl FnMut(&Log) -> Option<T>) -> T {
        let until = Instant::now() + DEADLINE;
        let mut log = self.0.0.lock().unwrap();
        loop {
            if let Some(found) = check(&log) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {what}; {} frames, events {:?}", log.frames.len(), log.events);
            log = self.0.1.wait_timeout(log, left).unwrap().0;
        }
    }

    pub fn read<T>(&self, read: impl FnOnce(&Log) -> T) -> T {
        read(&self.0.0.lock().unwrap())
    }

    pub fn wait_frames(&self, count: usize) -> Vec<Seen> {
        self.wait(&format!("{count} frames"), |log| (log.frames.len() >= count).then(|| log.frames.clone()))
    }

    pub fn wait_streaming(&self) -> StreamInfo {
        self.wait("stream", |log| {
            log.events.iter().find_map(|event| match event {
                SourceEvent::Streaming(info) => Some(info.clone()),
                _ => None,
            })
        })
    }

    pub fn wait_failure(&self) -> SourceError {
        self.wait("failure", |log| {
            log.events.iter().find_map(|event| match event {
                SourceEvent::Failed(error) => Some(error.clone()),
                _ => None,
            })
        })
    }

    pub fn wait_end(&self) {
        self.wait("end", |log| log.events.iter().any(|event| matches!(event, SourceEvent::Ended)).then_some(()));
    }
}

fn seen(frame: &Frame) -> Seen {
    let view = frame.buffer.view();
    let side = |side| u32::try_from(side).unwrap();
    Seen {
        info: frame.info,
        size: PictureSize { width: side(view.width), height: side(view.height) },
        times: frame.times,
        format: view.format,
        colorimetry: view.colorimetry,
        mean: mean_yuv(&view),
        digest: digest(&view),
    }
}

/// A hash of the visible luma, to tell whether two frames are the same.
pub fn digest(view: &FrameView<'_>) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    for row in view.planes[0].data.chunks(view.planes[0].stride).take(view.height) {
        std::hash::Hasher::write(&mut hasher, &row[..view.width]);
    }
    std::hash::Hasher::finish(&hasher)
}

/// Mean Y, U and V over what is visible, by the stated strides.
pub fn mean_yuv(view: &FrameView<'_>) -> [f32; 3] {
    let (width, height) = (view.width, view.height);
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let mean = |plane: usize, columns: usize, rows: usize, step: usize, offset: usize| {
        let plane = &view.planes[plane];
        let mut sum = 0u64;
        for row in 0..rows {
            for column in 0..columns {
                sum += u64::from(plane.data[row * plane.stride + column * step + offset]);
            }
        }
        sum as f32 / (columns * rows) as f32
    };
    match view.format {
        PixelFormat::Nv12 => [
            mean(0, width, height, 1, 0),
            mean(1, half_width, half_height, 2, 0),
            mean(1, half_width, half_height, 2, 1),
        ],
        PixelFormat::I420 => [
            mean(0, width, height, 1, 0),
            mean(1, half_width, half_height, 1, 0),
            mean(2, half_width, half_height, 1, 0),
        ],
        PixelFormat::Rgb => panic!("no camera gives RGB"),
    }
}

pub fn camera(source: SourceSpec) -> CameraSpec {
    CameraSpec { id: "cam".into(), source, decoder: None, stall_timeout: Duration::from_secs(5), keep_packets: None }
}

pub fn rtsp(url: &str, transport: RtspTransport) -> CameraSpec {
    camera(SourceSpec::Rtsp { url: url.into(), credentials: None, transport, verify_tls: true })
}

pub fn rtsp_with_password(url: &str, password: &str) -> CameraSpec {
    let credentials = Some(Credentials { username: USER.into(), password: Secret::new(password.into()) });
    camera(SourceSpec::Rtsp { url: url.into(), credentials, transport: RtspTransport::Tcp, verify_tls: true })
}

/// With a caller that gives up after `stall_timeout` without a frame.
pub fn patient(camera: CameraSpec, stall_timeout: Duration) -> CameraSpec {
    CameraSpec { stall_timeout, ..camera }
}

pub fn file(path: &Path, repeat: bool) -> CameraSpec {
    camera(SourceSpec::File { path: path.to_owned(), repeat })
}

pub fn start(camera: &CameraSpec) -> (Box<dyn RunningSource>, Recorder) {
    sightline_media::init().unwrap();
    let recorder = Recorder::default();
    let running = GstSource.start(camera, recorder.callbacks()).unwrap();
    (running, recorder)
}

/// Waits for what nobody announces.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !happened() {
        assert!(Instant::now() < until, "no {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Stops in time, and nothing is reported afterwards.
pub fn stop(running: Box<dyn RunningSource>, recorder: &Recorder) {
    assert_eq!(running.stop(Duration::from_secs(5)), StopOutcome::Stopped);
    let count = |log: &Log| (log.frames.len(), log.events.len());
    let before = recorder.read(count);
    std::thread::yield_now();
    assert_eq!(recorder.read(count), before, "something was reported after stop");
}

/// Starts, waits for the failure, stops.
pub fn failure_of(camera: &CameraSpec) -> SourceError {
    let (running, recorder) = start(camera);
    let error = recorder.wait_failure();
    stop(running, &recorder);
    eprintln!("{:?}: {error}", error.code);
    assert!(error.message.starts_with(&camera.source.to_string()), "the message names the camera: {error}");
    error
}

pub fn assert_code(error: &SourceError, code: SourceErrorCode) {
    assert_eq!(error.code, code, "{error}");
}

/// Frame numbers rise by one from 0, and the pixels are as many as is said.
pub fn assert_numbered(frames: &[Seen]) {
    assert_in_order(frames);
    for frame in frames {
        assert_eq!((frame.size.width, frame.size.height), (frame.info.width, frame.info.height));
    }
}

/// Frame numbers rise by one from 0.
pub fn assert_in_order(frames: &[Seen]) {
    for (expected, frame) in (0..).zip(frames) {
        assert_eq!(frame.info.seq, expected);
    }
}

/// Runs a gst-launch description to its end.
pub fn make_media(description: &str) {
    gst::init().unwrap();
    let pipeline = gst::parse::launch(description).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &wanted).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    if let gst::MessageView::Error(error) = message.view() {
        panic!("{description}: {} {:?}", error.error(), error.debug());
    }
}

/// Writes `frames` frames of H.264 in MP4, 15 per second.
pub fn make_mp4(path: &Path, frames: u32, width: u32, height: u32, pattern: &str) {
    make_media(&format!(
        "videotestsrc num-buffers={frames} pattern={pattern} ! \
         video/x-raw,format=I420,width={width},height={height},framerate=15/1 ! {X264} ! h264parse ! mp4mux ! \
         filesink location={}",
        path.display()
    ));
}
