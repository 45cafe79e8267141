//! The operations endpoint over HTTP: the daemon as its operators see it, through [`sightline_core::operations::Operations`].
//!
//! ```text
//! server (accepts, at most so many) → connection (hyper: one request each, bounded in bytes and time)
//!     → routes (axum) → access (who may ask what) → one handler → calls (threads that may wait) → Operations
//! ```
//!
//! What each route answers, and to whom, is written for users in `docs/reference/http.md`.

mod access;
mod answer;
mod calls;
mod connection;
mod error;
mod routes;
mod server;
mod settings;

pub use error::WebError;
pub use server::Server;
pub use settings::{Limits, WebSettings};
