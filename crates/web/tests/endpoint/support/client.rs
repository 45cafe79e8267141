//! The least of an HTTP client: one request, one answer, the end of the connection.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::{PATIENCE, TOKEN};

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The one header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    /// The body as JSON, announced as such.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// What `{"error": …}` says.
    pub fn error(&self) -> String {
        let body = self.json();
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{body}");
        body["error"].as_str().expect("an error in words").to_string()
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends `request` and waits for the end of the connection. None when it ended without an answer.
pub fn exchange(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = connect(address);
    // A server that has refused already may have closed; what it answered is still to be read.
    let _ = stream.write_all(request);
    receive(&mut stream)
}

/// Reads to the end of the connection.
pub fn receive(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("no end after {PATIENCE:?}: {error}; read so far: {:?}", String::from_utf8_lossy(&bytes)),
    }
    if bytes.is_empty() {
        return None;
    }
    let text = String::from_utf8(bytes).expect("answers are UTF-8");
    assert!(!text.contains(TOKEN), "the token is in {text:?}");
    Some(parse(&text))
}

fn parse(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.to_ascii_lowercase(), value.to_string())
    };
    Answer { status: status.expect("a status line"), headers: lines.map(header).collect(), body: body.to_string() }
}
