//! A small HTTP server on a free port of this machine, which fails as it is told. Also used by the scenarios in the
//! top-level `tests/`.
#![allow(dead_code, clippy::unwrap_used, reason = "a test may; each user takes a part")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// How one request is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The file, or the wished part of it.
    File,
    /// The whole file, whatever part was wished.
    Whole,
    /// The file, but the connection ends after so many bytes of the answer's body.
    CutAfter(usize),
    /// That status and no file.
    Status(u16),
}

/// Serves one file until dropped with the process.
pub struct Server {
    /// Address of the file.
    pub url: String,
    /// The `Range` header of each request so far, empty where there was none.
    pub ranges: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers the requests in that order; the last answer is repeated.
    pub fn start(file: Vec<u8>, answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/models/file.zip", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let (answers, seen) = (answers.to_vec(), ranges.clone());
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let answer = &answers[number.min(answers.len() - 1)];
                // A client that goes away while it is answered is the client's test.
                let _ = answer_one(&stream.unwrap(), &file, answer, &seen);
            }
        });
        Self { url, ranges }
    }
}

fn answer_one(mut stream: &TcpStream, file: &[u8], answer: &Answer, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut range = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: ") {
            range = value.to_owned();
        }
    }
    seen.lock().unwrap().push(range.clone());
    let start: usize = range.strip_prefix("bytes=").and_then(|r| r.strip_suffix('-')?.parse().ok()).unwrap_or(0);
    let (status, start) = match answer {
        Answer::Status(status) => {
            return write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Answer::Whole => ("200 OK", 0),
        _ if start > 0 => ("206 Partial Content", start),
        _ => ("200 OK", 0),
    };
    let body = &file[start.min(file.len())..];
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len())?;
    write!(stream, "Content-Range: bytes {start}-{}/{}\r\n", file.len() - 1, file.len())?;
    write!(stream, "Connection: close\r\n\r\n")?;
    let sent = if let Answer::CutAfter(bytes) = answer { &body[..*bytes] } else { body };
    stream.write_all(sent)
}
