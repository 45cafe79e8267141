//! One file from the web.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use sha2::{Digest, Sha256};
use ureq::{
    Agent,
    http::{Uri, header},
    tls::{RootCerts, TlsConfig, TlsProvider},
};

use crate::FetchError;

/// What is wished.
#[derive(Clone, Copy, Debug)]
pub struct Download<'a> {
    /// From where: `http://` or `https://`.
    pub url: &'a str,
    /// Where it is to lie. It appears there only when it is complete and right; until then it is beside it as `.part`.
    pub file: &'a Path,
    /// The SHA-256 that it must have, in lower-case hexadecimal.
    pub sha256: Option<&'a str>,
    /// Bytes it has at most.
    pub most_bytes: u64,
    /// Pause before the second try; each further one is twice as long.
    pub pause: Duration,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are here, those of an earlier try included.
    pub received: u64,
    /// Bytes there are, where the server says so.
    pub total: Option<u64>,
}

/// Tries in all before giving up.
const TRIES: u32 = 4;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Silence after which a connection counts as broken.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);

/// Fetches a file. What an earlier, broken call left behind is continued when the hash is known, since only then it is
/// certain that both parts are of one file.
///
/// # Errors
/// When it cannot be fetched after several tries, is too large, or is not the wanted file; the file at
/// [`Download::file`] is as it was then.
pub fn download(wish: &Download<'_>, on_progress: &mut dyn FnMut(Progress)) -> Result<(), FetchError> {
    let url: Uri = wish.url.parse().map_err(|_| FetchError::Address)?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
        return Err(FetchError::Address);
    }
    let partial = partial_name(wish.file);
    if wish.sha256.is_none() {
        remove(&partial)?;
    }
    let fetch = Fetch { wish, agent: agent(), url: shown(&url), partial };
    let was_continued = fs::metadata(&fetch.partial).is_ok_and(|found| found.len() > 0);
    fetch.with_tries(on_progress)?;
    match fetch.verify() {
        // The rest may belong to another version of the file than its beginning.
        Err(FetchError::WrongHash { .. }) if was_continued => {
            fetch.with_tries(on_progress)?;
            fetch.verify()?;
        }
        verified => verified?,
    }
    fs::rename(&fetch.partial, wish.file).map_err(|source| FetchError::Write { path: wish.file.to_owned(), source })
}

struct Fetch<'a> {
    wish: &'a Download<'a>,
    agent: Agent,
    /// The address as it may be shown.
    url: String,
    partial: PathBuf,
}

impl Fetch<'_> {
    fn with_tries(&self, on_progress: &mut dyn FnMut(Progress)) -> Result<(), FetchError> {
        let mut pause = self.wish.pause;
        for _ in 1..TRIES {
            match self.once(on_progress) {
                Err(error) if error.is_passing() => thread::sleep(pause),
                done => return done,
            }
            pause *= 2;
        }
        self.once(on_progress)
    }

    /// One request for what is still missing.
    fn once(&self, on_progress: &mut dyn FnMut(Progress)) -> Result<(), FetchError> {
        let here = fs::metadata(&self.partial).map_or(0, |found| found.len());
        let mut request = self.agent.get(self.wish.url);
        if here > 0 {
            request = request.header(header::RANGE, format!("bytes={here}-"));
        }
        let response = request.call().map_err(|error| self.broken(&error))?;
        let status = response.status().as_u16();
        let starts_at = match status {
            200 => 0,
            206 => range_start(response.headers()).filter(|start| *start <= here).unwrap_or(0),
            416 if here > 0 => {
                // What is here is not a beginning of what is there.
                remove(&self.partial)?;
                let cause = "the server has no such part of the file".to_owned();
                return Err(FetchError::Connection { url: self.url.clone(), cause });
            }
            _ => return Err(FetchError::Status { url: self.url.clone(), status }),
        };
        let length = response.body().content_length();
        let total = length.map(|length| starts_at + length);
        if total.is_some_and(|total| total > self.wish.most_bytes) {
            return Err(self.too_large());
        }
        let mut file = self.open_at(starts_at)?;
        self.copy(&mut response.into_body().into_reader(), &mut file, starts_at, total, on_progress)
    }

    fn copy(
        &self,
        from: &mut dyn Read,
        file: &mut File,
        starts_at: u64,
        total: Option<u64>,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<(), FetchError> {
        let mut buffer = vec![0; 64 * 1024];
        let mut received = starts_at;
        loop {
            on_progress(Progress { received, total });
            let length = from.read(&mut buffer).map_err(|error| self.broken(&error))?;
            if length == 0 {
                break;
            }
            received += length as u64;
            if received > self.wish.most_bytes {
                remove(&self.partial)?;
                return Err(self.too_large());
            }
            file.write_all(&buffer[..length]).map_err(|source| self.unwritable(source))?;
        }
        match total {
            Some(total) if received < total => Err(FetchError::Short { url: self.url.clone(), received, total }),
            _ => file.sync_all().map_err(|source| self.unwritable(source)),
        }
    }

    /// The partial file, cut to `length` and continued there.
    fn open_at(&self, length: u64) -> Result<File, FetchError> {
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(&self.partial)?;
            file.set_len(length)?;
            Ok(file)
        };
        open().map_err(|source| self.unwritable(source))
    }

    /// Holds the partial file against the pinned hash; one that is wrong is removed.
    fn verify(&self) -> Result<(), FetchError> {
        let Some(wanted) = self.wish.sha256 else { return Ok(()) };
        let bytes = fs::read(&self.partial).map_err(|source| self.unwritable(source))?;
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if found == wanted {
            return Ok(());
        }
        remove(&self.partial)?;
        Err(FetchError::WrongHash { url: self.url.clone(), found, wanted: wanted.to_owned() })
    }

    fn broken(&self, cause: &dyn std::error::Error) -> FetchError {
        // An error's text could quote the address with its password.
        let cause = cause.to_string().replace(self.wish.url, &self.url);
        FetchError::Connection { url: self.url.clone(), cause }
    }

    fn too_large(&self) -> FetchError {
        FetchError::TooLarge { url: self.url.clone(), most: self.wish.most_bytes }
    }

    fn unwritable(&self, source: std::io::Error) -> FetchError {
        FetchError::Write { path: self.partial.clone(), source }
    }
}

fn agent() -> Agent {
    let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(RootCerts::PlatformVerifier).build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(SILENCE_TIMEOUT))
        .build()
        .new_agent()
}

/// Scheme, host, port and path: never user, password or query.
fn shown(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or_default();
    let port = url.port_u16().map_or(String::new(), |port| format!(":{port}"));
    format!("{scheme}://{}{port}{}", url.host().unwrap_or_default(), url.path())
}

fn partial_name(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".part");
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), FetchError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FetchError::Write { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// First byte of `Content-Range: bytes 100-199/200`.
fn range_start(headers: &ureq::http::HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}
