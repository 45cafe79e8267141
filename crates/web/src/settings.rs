//! Where the endpoint listens and whom it lets in, and what a client may take of it.

use std::{net::SocketAddr, time::Duration};

use sightline_core::secret::Secret;

use crate::WebError;

/// A token shorter than this is guessed too soon.
const LEAST_TOKEN: usize = 16;
/// A longer one leaves too little room in the header of a request.
const MOST_TOKEN: usize = 1024;

/// Where the endpoint listens, and whom it lets in.
#[derive(Clone, Debug)]
pub struct WebSettings {
    /// Where it listens.
    pub address: SocketAddr,
    /// What a client has to show. Without one everybody on this machine is let in, and nobody else can be.
    pub token: Option<Secret>,
}

impl WebSettings {
    /// Whether the endpoint may be started like this.
    ///
    /// # Errors
    /// When others could reach it without a token, or the token is of no use.
    pub fn check(&self) -> Result<(), WebError> {
        match &self.token {
            Some(token) => check_token(token),
            None if self.address.ip().to_canonical().is_loopback() => Ok(()),
            None => Err(WebError::NoToken { address: self.address }),
        }
    }
}

fn check_token(token: &Secret) -> Result<(), WebError> {
    let token = token.reveal();
    if !(LEAST_TOKEN..=MOST_TOKEN).contains(&token.len()) {
        return Err(WebError::TokenLength { length: token.len(), least: LEAST_TOKEN, most: MOST_TOKEN });
    }
    match token.chars().position(|character| !character.is_ascii_graphic()) {
        Some(index) => Err(WebError::TokenCharacter { position: index + 1 }),
        None => Ok(()),
    }
}

/// What clients may take of the daemon at a time. The defaults are documented; tests use shorter ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections, and so requests, at a time; further ones wait in the kernel's queue.
    pub connections: usize,
    /// Calls of the daemon at a time, each on a thread; further requests get 503.
    pub calls: usize,
    /// For a request's header to arrive.
    pub header_time: Duration,
    /// For the daemon's answer.
    pub call_time: Duration,
    /// For the daemon's answer to a reload, which may load a model.
    pub reload_time: Duration,
    /// For the daemon to show that it is alive, or ready.
    pub probe_time: Duration,
    /// For a request's body to arrive, and for the client to take its answer.
    pub transfer_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            calls: 8,
            header_time: Duration::from_secs(10),
            call_time: Duration::from_secs(30),
            reload_time: Duration::from_mins(2),
            probe_time: Duration::from_secs(2),
            transfer_time: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The longest that a connection can be of use: whatever hangs after that is cut off.
    pub(crate) fn connection_time(&self) -> Duration {
        let answer = self.call_time.max(self.reload_time).max(self.probe_time);
        self.header_time + self.transfer_time + answer + self.transfer_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(address: &str, token: Option<&str>) -> WebSettings {
        WebSettings { address: address.parse().unwrap(), token: token.map(|token| Secret::new(token.into())) }
    }

    #[test]
    fn only_loopback_needs_no_token() {
        for address in ["127.0.0.1:8640", "127.9.9.9:0", "[::1]:8640", "[::ffff:127.0.0.1]:8640"] {
            assert_eq!(settings(address, None).check(), Ok(()), "{address}");
        }
        for address in ["0.0.0.0:8640", "[::]:8640", "192.168.1.5:8640", "[fe80::1]:8640", "[::ffff:10.0.0.1]:8640"] {
            let refused = settings(address, None).check().unwrap_err();
            assert_eq!(refused, WebError::NoToken { address: address.parse().unwrap() });
            assert!(refused.to_string().contains("--http-token-file FILE"), "{refused}");
            assert_eq!(settings(address, Some("0123456789abcdef")).check(), Ok(()), "{address}");
        }
    }

    #[test]
    fn a_token_is_long_enough_and_fits_into_a_header() {
        let refused = |token: &str| settings("127.0.0.1:0", Some(token)).check().unwrap_err();
        assert!(matches!(refused("canary-pa55word"), WebError::TokenLength { length: 15, .. }));
        assert!(matches!(refused(&"x".repeat(1025)), WebError::TokenLength { length: 1025, .. }));
        for (token, position) in [("0123456789abcdef\n", 17), ("0123456 89abcdef", 8), ("0123456789abcdé!", 15)] {
            assert_eq!(refused(token), WebError::TokenCharacter { position });
        }
        assert!(!refused("canary-pa55word").to_string().contains("pa55"), "the message tells the token");
    }
}
