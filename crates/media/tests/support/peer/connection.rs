//! One client of the peer: its requests and their answers.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use super::{
    super::basic_authorization,
    Leave, Script, Shared,
    player::{self, Channel, Track},
};

/// How often a reader that hears nothing looks whether it is over.
const POLL: Duration = Duration::from_millis(20);
const SESSION: &str = "4711";

/// A request's first line and headers, names in small letters.
struct Request {
    method: String,
    url: String,
    headers: HashMap<String, String>,
}

/// Serves until the client or the peer goes.
pub fn serve(connection: TcpStream, shared: &Arc<Shared>) {
    connection.set_read_timeout(Some(POLL)).unwrap();
    let writer = Arc::new(Mutex::new(connection.try_clone().unwrap()));
    let mut reader = BufReader::new(connection);
    let mut track: Option<Arc<Track>> = None;
    let mut player = None;
    while let Some(request) = next_request(&mut reader, shared) {
        shared.requests.fetch_add(1, Ordering::SeqCst);
        let script = shared.script();
        if script.mute_at == Some(request.method.as_str()) {
            continue;
        }
        let (status, headers, body) = answer(&request, &script, &writer, &mut track);
        let sequence = request.headers.get("cseq").map_or("0", String::as_str);
        let length = body.len();
        let text = format!("RTSP/1.0 {status}\r\nCSeq: {sequence}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        if writer.lock().unwrap().write_all(text.as_bytes()).is_err() || request.method == "TEARDOWN" {
            break;
        }
        if let ("PLAY", Some(track)) = (request.method.as_str(), &track) {
            let (track, shared) = (Arc::clone(track), Arc::clone(shared));
            player = Some(std::thread::spawn(move || player::play(&track, &shared)));
        }
    }
    if let Some(track) = &track {
        track.stop();
    }
    if let Some(player) = player {
        player.join().unwrap();
    }
}

/// Status, headers and body.
fn answer(
    request: &Request,
    script: &Script,
    writer: &Arc<Mutex<TcpStream>>,
    track: &mut Option<Arc<Track>>,
) -> (&'static str, String, String) {
    let nothing = String::new;
    if let Some(password) = &script.password {
        let right = basic_authorization(password);
        if request.method != "OPTIONS" && request.headers.get("authorization") != Some(&right) {
            return ("401 Unauthorized", "WWW-Authenticate: Basic realm=\"peer\"\r\n".into(), nothing());
        }
    }
    match request.method.as_str() {
        "OPTIONS" => {
            ("200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n".into(), nothing())
        }
        "DESCRIBE" => {
            let headers = format!("Content-Type: application/sdp\r\nContent-Base: {}/\r\n", request.url);
            ("200 OK", headers, script.description.clone().unwrap_or_else(|| description(script.clip.encoding_name)))
        }
        "SETUP" => {
            let (made, transport) = set_up(request, writer);
            *track = Some(made);
            ("200 OK", format!("Session: {SESSION};timeout=60\r\nTransport: {transport}\r\n"), nothing())
        }
        "PLAY" | "PAUSE" | "TEARDOWN" | "GET_PARAMETER" | "SET_PARAMETER" => {
            ("200 OK", format!("Session: {SESSION}\r\n"), nothing())
        }
        _ => ("501 Not Implemented", nothing(), nothing()),
    }
}

/// An SDP of one video stream.
pub fn description(encoding_name: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=peer\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n\
         m=video 0 RTP/AVP 96\r\na=rtpmap:96 {encoding_name}/90000\r\na=control:track1\r\n"
    )
}

/// Where the client wants its packets, and the `Transport` header that agrees.
fn set_up(request: &Request, writer: &Arc<Mutex<TcpStream>>) -> (Arc<Track>, String) {
    let wished = request.headers.get("transport").map_or("", String::as_str);
    let Some(ports) = wished.split(';').find_map(|part| part.strip_prefix("client_port=")) else {
        let track = Track::new(Channel::Interleaved(Arc::clone(writer)));
        return (Arc::new(track), "RTP/AVP/TCP;unicast;interleaved=0-1".into());
    };
    let port: u16 = ports.split('-').next().unwrap().parse().unwrap();
    let client = writer.lock().unwrap().peer_addr().unwrap().ip();
    let to = |port| SocketAddr::new(client, port);
    let socket = |port| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(to(port)).unwrap();
        socket
    };
    let (rtp, rtcp) = (socket(port), socket(port + 1));
    let of = |socket: &UdpSocket| socket.local_addr().unwrap().port();
    let transport = format!("RTP/AVP;unicast;client_port={ports};server_port={}-{}", of(&rtp), of(&rtcp));
    (Arc::new(Track::new(Channel::Udp { rtp, rtcp })), transport)
}

/// The next request; interleaved packets of the client's are thrown away. `None` at the end.
fn next_request(reader: &mut BufReader<TcpStream>, shared: &Shared) -> Option<Request> {
    loop {
        let first = read_exact(reader, 1, shared)?[0];
        if first == b'$' {
            let header = read_exact(reader, 3, shared)?;
            read_exact(reader, usize::from(u16::from_be_bytes([header[1], header[2]])), shared)?;
            continue;
        }
        let mut text = vec![first];
        while !text.ends_with(b"\r\n\r\n") {
            text.extend(read_exact(reader, 1, shared)?);
        }
        let text = String::from_utf8(text).unwrap();
        let mut lines = text.lines();
        let mut first_line = lines.next()?.split(' ').map(str::to_owned);
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: HashMap<_, _> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        read_exact(reader, length, shared)?;
        return Some(Request { method: first_line.next()?, url: first_line.next()?, headers });
    }
}

/// `None` when either side has gone. A peer that has gone silent reads nothing.
fn read_exact(reader: &mut BufReader<TcpStream>, length: usize, shared: &Shared) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        match (shared.is_over(), shared.left()) {
            (true, _) | (_, Some(Leave::Close | Leave::Reset)) => return None,
            (_, Some(Leave::Silence | Leave::Vanish)) => {
                std::thread::sleep(POLL);
                continue;
            }
            (false, None | Some(Leave::Bye)) => {}
        }
        match reader.fill_buf() {
            Ok([]) => return None,
            Ok(_) => {
                let mut part = vec![0; (length - bytes.len()).min(reader.buffer().len())];
                reader.read_exact(&mut part).unwrap();
                bytes.extend(part);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return None,
        }
    }
    Some(bytes)
}
