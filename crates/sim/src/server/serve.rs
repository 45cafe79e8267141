//! The RTSP side: gst-rtsp-server on a GLib main context of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use gst::{glib, prelude::*};
use gst_rtsp_server::{gio, gst_rtsp, prelude::*};
use gstreamer as gst;
use gstreamer_app as gst_app;
use gstreamer_rtsp_server as gst_rtsp_server;
use sightline_core::secret::Credentials;

use super::{TlsFiles, feed::Feed};
use crate::{clip::Codec, error::SimError};

/// The one role there is: who is let in may watch everything.
const ROLE: &str = "viewer";
/// Clients and media go within milliseconds; a media that is still waiting for its first key frame takes a second.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// Which connection asked for which paths.
type Watchers = Arc<Mutex<HashMap<gst_rtsp_server::RTSPClient, Vec<String>>>>;

/// A listening server and its thread.
pub(super) struct Serving {
    server: gst_rtsp_server::RTSPServer,
    mounts: gst_rtsp_server::RTSPMountPoints,
    context: glib::MainContext,
    main_loop: glib::MainLoop,
    thread: Option<JoinHandle<()>>,
    watchers: Watchers,
    port: u16,
}

impl Serving {
    pub(super) fn start(
        feeds: &[Arc<Feed>],
        address: &str,
        port: u16,
        credentials: Option<&Credentials>,
        tls: Option<&TlsFiles>,
    ) -> Result<Self, SimError> {
        gst::init().map_err(|error| SimError::Server(format!("gstreamer does not start: {error}")))?;
        let server = gst_rtsp_server::RTSPServer::new();
        server.set_address(address);
        server.set_service(&port.to_string());
        server.set_auth(authentication(credentials, tls)?.as_ref());
        // A thread to each client: one that waits for its first key frame must not keep the others waiting.
        let threads = gst_rtsp_server::RTSPThreadPool::new();
        threads.set_max_threads(-1);
        server.set_thread_pool(Some(&threads));
        let mounts = gst_rtsp_server::RTSPMountPoints::new();
        server.set_mount_points(Some(&mounts));
        let watchers = Watchers::default();
        remember_watchers(&server, &watchers);

        let context = glib::MainContext::new();
        let listening = server.attach(Some(&context));
        listening.map_err(|_| SimError::Server(format!("cannot listen at {address}:{port}, is the port taken?")))?;
        let bound = u16::try_from(server.bound_port()).ok().filter(|&bound| bound != 0);
        let port = bound.ok_or_else(|| SimError::Server(format!("cannot listen at {address}:{port}")))?;
        let main_loop = glib::MainLoop::new(Some(&context), false);
        let thread = run(&server, &context, &main_loop)?;
        let serving = Self { server, mounts, context, main_loop, thread: Some(thread), watchers, port };
        feeds.iter().for_each(|feed| serving.add(feed));
        Ok(serving)
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// The camera can be found from now on.
    pub(super) fn add(&self, feed: &Arc<Feed>) {
        self.mounts.add_factory(&mount(feed), factory(feed));
    }

    /// The camera cannot be found from now on, and whoever watches it is cut off.
    pub(super) fn remove(&self, feed: &Arc<Feed>) {
        self.mounts.remove_factory(&mount(feed));
        let leaving: Vec<_> = {
            let watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
            let of_this = watchers.iter().filter(|(_, paths)| paths.contains(&mount(feed)));
            of_this.map(|(client, _)| client.clone()).collect()
        };
        self.close(move |client| leaving.contains(client));
    }

    /// Closes the connections that `which` picks, and returns when that is done.
    fn close(&self, which: impl Fn(&gst_rtsp_server::RTSPClient) -> bool + Send + 'static) {
        let (done, closed) = mpsc::channel();
        let server = self.server.clone();
        self.context.invoke(move || {
            let mut picked = |_: &gst_rtsp_server::RTSPServer, client: &gst_rtsp_server::RTSPClient| {
                if which(client) {
                    gst_rtsp_server::RTSPFilterResult::Remove
                } else {
                    gst_rtsp_server::RTSPFilterResult::Keep
                }
            };
            server.client_filter(Some(&mut picked));
            // The receiver is gone only if it stopped waiting; then nobody needs to know.
            let _ = done.send(());
        });
        if closed.recv_timeout(STOP_DEADLINE).is_err() {
            tracing::warn!("the simulated cameras' clients could not be closed in time");
        }
    }

    pub(super) fn stop(&mut self, feeds: &[Arc<Feed>]) {
        let Some(thread) = self.thread.take() else { return };
        feeds.iter().for_each(|feed| self.mounts.remove_factory(&mount(feed)));
        let deadline = Instant::now() + STOP_DEADLINE;
        // A client may be between its connection and its media, so closing is repeated until nothing is left.
        loop {
            self.close(|_| true);
            let clients_left = !self.watchers.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
            if !clients_left && !feeds.iter().any(|feed| feed.is_watched()) {
                break;
            }
            if Instant::now() > deadline {
                tracing::warn!("the simulated cameras' media did not stop in time");
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.main_loop.quit();
        if thread.join().is_err() {
            tracing::error!("the thread of the simulated rtsp server panicked");
        }
    }
}

fn mount(feed: &Feed) -> String {
    format!("/{}", feed.path())
}

/// Runs the server's main context, and looks once a second for UDP sessions whose client went away silently.
fn run(
    server: &gst_rtsp_server::RTSPServer,
    context: &glib::MainContext,
    main_loop: &glib::MainLoop,
) -> Result<JoinHandle<()>, SimError> {
    let (server, context, main_loop) = (server.clone(), context.clone(), main_loop.clone());
    std::thread::Builder::new()
        .name("sim-rtsp".into())
        .spawn(move || {
            let sweep = glib::timeout_source_new_seconds(1, None, glib::Priority::DEFAULT, move || {
                if let Some(sessions) = server.session_pool() {
                    sessions.cleanup();
                }
                glib::ControlFlow::Continue
            });
            sweep.attach(Some(&context));
            let ran = context.with_thread_default(|| main_loop.run());
            sweep.destroy();
            if let Err(error) = ran {
                tracing::error!(%error, "the simulated rtsp server's main loop did not run");
            }
        })
        .map_err(|error| SimError::Server(format!("no thread to serve from: {error}")))
}

/// Keeps track of who asked for what, so that killing one camera closes its clients alone.
fn remember_watchers(server: &gst_rtsp_server::RTSPServer, watchers: &Watchers) {
    let watchers = Arc::clone(watchers);
    server.connect_client_connected(move |_, client| {
        let lock = |watchers: &Watchers, change: &dyn Fn(&mut HashMap<_, Vec<String>>)| {
            change(&mut watchers.lock().unwrap_or_else(PoisonError::into_inner));
        };
        lock(&watchers, &|all| {
            all.entry(client.clone()).or_default();
        });
        let asked = Arc::clone(&watchers);
        client.connect_describe_request(move |client, request| {
            let Some(address) = request.uri() else { return };
            let path = address.decode_path_components().join("/");
            lock(&asked, &|all| all.entry(client.clone()).or_default().push(path.clone()));
        });
        let gone = Arc::clone(&watchers);
        client.connect_closed(move |client| {
            lock(&gone, &|all| {
                all.remove(client);
            });
        });
    });
}

fn factory(feed: &Arc<Feed>) -> gst_rtsp_server::RTSPMediaFactory {
    let (parser, payloader) = match feed.clip().codec() {
        Codec::H264 => ("h264parse", "rtph264pay config-interval=-1"),
        Codec::H265 => ("h265parse", "rtph265pay config-interval=-1"),
        Codec::Jpeg => ("jpegparse", "rtpjpegpay"),
    };
    let factory = gst_rtsp_server::RTSPMediaFactory::new();
    // do-timestamp: the moment of sending is the frame's time, and the RTCP sender reports translate it.
    factory.set_launch(&format!(
        "( appsrc name=src is-live=true do-timestamp=true format=time block=false max-bytes=8000000 \
         ! {parser} ! {payloader} name=pay0 pt=96 mtu=1400 )"
    ));
    // A media to each client: a shared one that its last client is just leaving is still found by the next client, who
    // is then refused with 503. Nothing is encoded here, so that a media costs next to nothing.
    factory.set_shared(false);
    factory.add_role_from_structure(
        &gst::Structure::builder(ROLE)
            .field("media.factory.access", true)
            .field("media.factory.construct", true)
            .build(),
    );
    let feed = Arc::clone(feed);
    factory.connect_media_configure(move |_, media| {
        let bin = media.element().downcast::<gst::Bin>().ok();
        let source = bin.and_then(|bin| bin.by_name("src")).and_then(|e| e.downcast::<gst_app::AppSrc>().ok());
        let Some(source) = source else {
            tracing::error!(camera = feed.path(), "the simulated camera's media has no source");
            return;
        };
        let (feed, leaving) = (Arc::clone(&feed), source.clone());
        feed.attach(source);
        media.connect_unprepared(move |_| feed.detach(&leaving));
    });
    factory
}

/// `None` when everybody may watch in the clear.
fn authentication(
    credentials: Option<&Credentials>,
    tls: Option<&TlsFiles>,
) -> Result<Option<gst_rtsp_server::RTSPAuth>, SimError> {
    if credentials.is_none() && tls.is_none() {
        return Ok(None);
    }
    let auth = gst_rtsp_server::RTSPAuth::new();
    let mut token = gst_rtsp_server::RTSPToken::builder().field("media.factory.role", ROLE).build();
    if let Some(Credentials { username, password }) = credentials {
        // The property is a set of bits, basic 1 and digest 2, which the binding's enumeration cannot say.
        auth.set_supported_methods(gst_rtsp::RTSPAuthMethod::__Unknown(3));
        auth.add_digest(username, password.reveal(), &token);
        auth.add_basic(&gst_rtsp_server::RTSPAuth::make_basic(username, password.reveal()), &token);
    } else {
        auth.set_default_token(Some(&mut token));
    }
    if let Some(files) = tls {
        let certificate = gio::TlsCertificate::from_files(&files.certificate, &files.key).map_err(|error| {
            let (certificate, key) = (files.certificate.display(), files.key.display());
            SimError::Server(format!("certificate {certificate} with key {key} cannot be used: {error}"))
        })?;
        auth.set_tls_certificate(Some(&certificate));
    }
    Ok(Some(auth))
}
