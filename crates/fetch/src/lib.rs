//! Files from the web, for the few moments when Sightline is asked to fetch one: resumed after a break, bounded in
//! size, and used only when their hash is the pinned one. Owns `ureq` and `zip`.

mod archive;
mod download;
mod error;

pub use archive::member;
pub use download::{Download, Progress, download};
pub use error::FetchError;
