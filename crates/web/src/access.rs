//! Who may ask what. With a token: whoever shows it. Without one: programs on this machine, but not web pages that a
//! browser on this machine happens to have open.
//!
//! Two ways lead from a foreign page to a server on the reader's own machine. DNS rebinding makes the page's own name
//! point to 127.0.0.1, so that the browser lets it read the answers; the `Host` header still has the foreign name.
//! Cross-site requests need no answer to do harm; `Origin` and `Sec-Fetch-Site`, which pages cannot forge, give them
//! away. See RFC 6454 and the W3C's "Fetch Metadata Request Headers".

use std::net::IpAddr;

use axum::http::{
    HeaderMap, Method, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
    uri::Authority,
};
use sightline_core::secret::Secret;
use subtle::ConstantTimeEq;

/// The routes that answer everybody, so that whoever watches over the daemon needs no token.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Whom the endpoint lets in.
pub(crate) enum Access {
    /// Whoever shows the token.
    Token(Secret),
    /// Programs on this machine.
    ThisMachine,
}

/// How much an admitted client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// Everything.
    Reader,
    /// Whether the daemon is alive and ready; not why.
    Passerby,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It shows no token, or another one.
    #[error("this needs the header `Authorization: Bearer TOKEN` with the daemon's HTTP token")]
    Token,
    /// It was meant for another machine.
    #[error(
        "without a token only requests to this machine by its loopback names are answered, such as http://localhost; \
         give the daemon a token (`--http-token-file FILE`) to reach it under another name"
    )]
    ForeignHost,
    /// A page of somebody else's had it sent.
    #[error("a web page from elsewhere asked for this; it is not done")]
    ForeignPage,
}

impl Access {
    /// Whether the request may go on, and how much it is told.
    pub(crate) fn admit(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Admitted, Refusal> {
        match self {
            Self::Token(token) if shows_token(headers, token) => Ok(Admitted::Reader),
            Self::Token(_) if PROBES.contains(&uri.path()) => Ok(Admitted::Passerby),
            Self::Token(_) => Err(Refusal::Token),
            Self::ThisMachine if !is_for_this_machine(uri, headers) => Err(Refusal::ForeignHost),
            Self::ThisMachine if !method.is_safe() && is_from_foreign_page(headers) => Err(Refusal::ForeignPage),
            Self::ThisMachine => Ok(Admitted::Reader),
        }
    }
}

/// Whether `Authorization` has the token, compared in a time that does not tell how much of it is right.
fn shows_token(headers: &HeaderMap, token: &Secret) -> bool {
    let Some((scheme, shown)) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '))
    else {
        return false;
    };
    let is_equal: bool = shown.trim().as_bytes().ct_eq(token.reveal().as_bytes()).into();
    is_equal && scheme.eq_ignore_ascii_case("bearer")
}

/// Whether every name of the server that the request carries is a loopback one, and there is at least one.
fn is_for_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    // `GET http://name/ HTTP/1.1` carries a name in the request line, which counts more than the header (RFC 9112, 3.2.2).
    if uri.authority().is_some_and(|authority| !is_loopback(authority)) {
        return false;
    }
    let mut hosts = headers.get_all(HOST).iter().peekable();
    hosts.peek().is_some()
        && hosts.all(|host| Authority::try_from(host.as_bytes()).is_ok_and(|host| is_loopback(&host)))
}

fn is_loopback(authority: &Authority) -> bool {
    let has_user = authority.as_str().contains('@');
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_address = address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    !has_user && (is_address || host.eq_ignore_ascii_case("localhost"))
}

/// Whether a browser says that a page of another origin had the request sent. Other programs send none of these headers.
fn is_from_foreign_page(headers: &HeaderMap) -> bool {
    let fetch_site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    // `none`: the user's own doing. `same-site` is another port of this machine, which is somebody else.
    let is_foreign_site = fetch_site.is_some_and(|site| site != b"same-origin" && site != b"none");
    let host = headers.get(HOST).map(|host| host.as_bytes());
    let is_foreign_origin = headers.get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.as_bytes();
        let authority = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
        authority.is_none() || authority != host
    });
    is_foreign_site || is_foreign_origin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn admit(access: &Access, method: &Method, uri: &str, pairs: &[(&'static str, &str)]) -> Result<Admitted, Refusal> {
        access.admit(method, &uri.parse().unwrap(), &headers(pairs))
    }

    #[test]
    fn a_token_opens_everything_and_nothing_else_does() {
        let access = Access::Token(Secret::new("0123456789abcdef".into()));
        for right in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef", "BEARER  0123456789abcdef "] {
            let admitted = admit(&access, &Method::POST, "/api/v1/reload", &[("authorization", right)]);
            assert_eq!(admitted, Ok(Admitted::Reader), "{right}");
        }
        for wrong in [
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcde",
            "Bearer",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "",
        ] {
            let shown = [("authorization", wrong)];
            assert_eq!(admit(&access, &Method::GET, "/metrics", &shown), Err(Refusal::Token), "{wrong}");
            assert_eq!(admit(&access, &Method::GET, "/healthz", &shown), Ok(Admitted::Passerby), "{wrong}");
        }
        assert_eq!(admit(&access, &Method::GET, "/healthz/", &[]), Err(Refusal::Token));
    }

    #[test]
    fn without_a_token_the_host_is_a_loopback_name() {
        let admit = |host| admit(&Access::ThisMachine, &Method::GET, "/", &[("host", host)]);
        for host in ["localhost", "LocalHost:8640", "127.0.0.1:8640", "127.1.2.3", "[::1]:8640", "[::1]"] {
            assert_eq!(admit(host), Ok(Admitted::Reader), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8640",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "evil.example@127.0.0.1",
            "192.168.1.5:8640",
            "[::2]",
            "0.0.0.0",
            "",
            ":8640",
            "a b",
        ] {
            assert_eq!(admit(host), Err(Refusal::ForeignHost), "{host}");
        }
    }

    #[test]
    fn every_name_of_the_server_counts() {
        let access = Access::ThisMachine;
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(admit(&access, &Method::GET, "/", &two), Err(Refusal::ForeignHost));
        assert_eq!(admit(&access, &Method::GET, "/", &[]), Err(Refusal::ForeignHost));
        let absolute = admit(&access, &Method::GET, "http://evil.example/metrics", &[("host", "localhost")]);
        assert_eq!(absolute, Err(Refusal::ForeignHost));
    }

    #[test]
    fn pages_of_others_change_nothing() {
        let post = |pairs: &[(&'static str, &str)]| {
            let with_host = [&[("host", "localhost:8640")], pairs].concat();
            admit(&Access::ThisMachine, &Method::POST, "/api/v1/reload", &with_host)
        };
        for own in [
            &[][..],
            &[("origin", "http://localhost:8640")],
            &[("origin", "http://localhost:8640"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
        ] {
            assert_eq!(post(own), Ok(Admitted::Reader), "{own:?}");
        }
        for foreign in [
            &[("origin", "http://evil.example")][..],
            &[("origin", "http://localhost:3000")],
            &[("origin", "null")],
            &[("origin", "file://localhost:8640")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "http://localhost:8640"), ("sec-fetch-site", "cross-site")],
        ] {
            assert_eq!(post(foreign), Err(Refusal::ForeignPage), "{foreign:?}");
        }
    }
}
