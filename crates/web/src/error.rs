//! Why there is no operations endpoint. No message holds the token.

use std::net::SocketAddr;

use sightline_core::recovery::Recovery;

/// Why the operations endpoint does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// Others could reach it, and anybody would be let in.
    #[error(
        "the HTTP address {address} can be reached from other machines, and there is no token: give one with \
         `--http-token-file FILE` or in the environment variable SIGHTLINE_HTTP_TOKEN, or listen on 127.0.0.1"
    )]
    NoToken {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// A token of this length is guessed too soon, or fits into no header.
    #[error(
        "the HTTP token has {length} characters, and {least} to {most} are wanted; `openssl rand -hex 32` makes a good one"
    )]
    TokenLength {
        /// Its length in bytes.
        length: usize,
        /// The least there has to be.
        least: usize,
        /// The most there may be.
        most: usize,
    },
    /// No client could send this token.
    #[error(
        "character {position} of the HTTP token cannot be sent in a header: only visible ASCII characters without \
         spaces can; `openssl rand -hex 32` makes a good one"
    )]
    TokenCharacter {
        /// Which, counted from 1.
        position: usize,
    },
    /// The operating system does not give the address.
    #[error(
        "cannot listen on the HTTP address {address}: {cause}; is another sightline running? `--http ADDRESS` gives \
         another address, `--http off` does without"
    )]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the operating system says.
        cause: String,
    },
}

impl WebError {
    /// How to handle it: each is a matter of how the daemon was started.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        Recovery::GiveUpProcess
    }
}
