//! Who does not know the password sees nothing.

#![allow(clippy::unwrap_used, reason = "a failing unwrap here is the failing test")]

mod support;

use std::io::{Read, Write};

use sightline_core::secret::{Credentials, Secret};
use sightline_sim::{
    clip::ClipOptions,
    scene::SceneKind,
    server::{RtspServer, ServerOptions},
};
use support::{Client, camera};

fn guarded() -> RtspServer {
    let credentials = Credentials { username: "viewer".into(), password: Secret::new("open sesame".into()) };
    let options = ServerOptions { credentials: Some(credentials), ..ServerOptions::default() };
    RtspServer::start(vec![camera("office", SceneKind::Office, &ClipOptions::default())], options).unwrap()
}

#[test]
fn the_right_password_opens() {
    let server = guarded();
    Client::open(&server.url(0).unwrap(), "user-id=viewer user-pw=\"open sesame\"").next();
}

#[test]
fn a_wrong_password_is_refused() {
    let server = guarded();
    let failure = Client::open(&server.url(0).unwrap(), "user-id=viewer user-pw=wrong").failure();
    assert!(failure.contains("Unauthorized"), "{failure}");
}

#[test]
fn no_password_is_refused() {
    let server = guarded();
    let failure = Client::open(&server.url(0).unwrap(), "").failure();
    assert!(failure.contains("Unauthorized"), "{failure}");
}

#[test]
fn digest_and_basic_are_both_offered() {
    let server = guarded();
    let mut connection = std::net::TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connection.set_read_timeout(Some(support::DEADLINE)).unwrap();
    write!(connection, "DESCRIBE {} RTSP/1.0\r\nCSeq: 1\r\n\r\n", server.url(0).unwrap()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("RTSP/1.0 401"), "{answer}");
    assert!(answer.contains("WWW-Authenticate: Digest"), "{answer}");
    assert!(answer.contains("WWW-Authenticate: Basic"), "{answer}");
}
