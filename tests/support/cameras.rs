//! A real RTSP server with videos or simulated scenes.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, OnceLock},
};

use sightline_core::secret::{Credentials, Secret};
use sightline_sim::{
    clip::{Clip, ClipOptions},
    scene::{Scene, SceneKind, SceneOptions},
    server::{RtspServer, ServerOptions, SimCamera},
};

/// Of cameras that ask for one.
pub const USER: &str = "viewer";

/// Serves each of `clips` under its name.
pub fn serve(clips: Vec<(&str, Arc<Clip>)>) -> RtspServer {
    serve_with(clips, ServerOptions::default())
}

pub fn serve_with(clips: Vec<(&str, Arc<Clip>)>, options: ServerOptions) -> RtspServer {
    let camera = |(path, clip): (&str, Arc<Clip>)| SimCamera { path: path.to_string(), clip };
    RtspServer::start(clips.into_iter().map(camera).collect(), options).expect("the RTSP server starts")
}

pub fn with_password(username: &str, password: &str) -> ServerOptions {
    let credentials = Credentials { username: username.into(), password: Secret::new(password.into()) };
    ServerOptions { credentials: Some(credentials), ..ServerOptions::default() }
}

/// Drawn and encoded once for all scenarios of a process: a clip never changes, and each server sends it from its beginning.
pub fn scene(kind: SceneKind) -> Arc<Clip> {
    static CLIPS: [OnceLock<Arc<Clip>>; SceneKind::ALL.len()] = [const { OnceLock::new() }; SceneKind::ALL.len()];
    let clip = SceneKind::ALL.iter().zip(&CLIPS).find(|(known, _)| **known == kind).expect("a kind among all").1;
    let draw = || {
        sightline_media::init().expect("GStreamer starts");
        let scene = Scene::new(kind, &SceneOptions::default()).expect("a scene");
        Arc::new(Clip::from_scene(&scene, &ClipOptions::default()).expect("an encoded scene"))
    };
    Arc::clone(clip.get_or_init(draw))
}

/// The place of a scene, and nobody who comes.
pub fn empty_scene(kind: SceneKind) -> Arc<Clip> {
    sightline_media::init().expect("GStreamer starts");
    let scene = Scene::new(kind, &SceneOptions::default()).expect("a scene").emptied();
    Arc::new(Clip::from_scene(&scene, &ClipOptions::default()).expect("an encoded scene"))
}

pub fn video(path: &Path) -> Arc<Clip> {
    sightline_media::init().expect("GStreamer starts");
    Arc::new(Clip::from_video(path, &ClipOptions::default()).expect("an encoded video"))
}

/// The `cameras` section of a pipeline file.
pub fn yaml(server: &RtspServer, ids: &[&str]) -> String {
    let lines = ids.iter().enumerate().map(|(index, id)| {
        let url = server.url(index).expect("an address");
        format!("  {id}: {{url: \"{url}\"}}\n")
    });
    format!("cameras:\n{}", lines.collect::<String>())
}

/// A camera whose only stream is VP8, which no camera that this daemon is for sends.
pub struct Vp8Camera {
    port: u16,
}

impl Vp8Camera {
    pub fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/vp8", self.port)
    }
}

/// Speaks just enough RTSP (RFC 2326) to offer its stream.
pub fn vp8_server() -> Vp8Camera {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || offer_vp8(client, port));
        }
    });
    Vp8Camera { port }
}

/// Answers until the client goes; what it does not read it does not understand.
fn offer_vp8(mut client: TcpStream, port: u16) {
    let Ok(reader) = client.try_clone() else { return };
    let mut lines = BufReader::new(reader).lines();
    while let Some(Ok(request)) = lines.next() {
        let mut number = String::from("0");
        for header in lines.by_ref() {
            let Ok(header) = header else { return };
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("CSeq:") {
                number = value.trim().to_string();
            }
        }
        let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=vp8\r\nt=0 0\r\na=control:*\r\n\
                   m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=control:track1\r\n";
        let (headers, body) = match request.split(' ').next().unwrap_or_default() {
            "OPTIONS" => ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n".to_string(), ""),
            "DESCRIBE" => (
                format!(
                    "Content-Type: application/sdp\r\nContent-Base: rtsp://127.0.0.1:{port}/vp8/\r\nContent-Length: {}\r\n",
                    sdp.len()
                ),
                sdp,
            ),
            "SETUP" => ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n".to_string(), ""),
            _ => ("Session: 1\r\n".to_string(), ""),
        };
        let answer = format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{headers}\r\n{body}");
        if client.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
