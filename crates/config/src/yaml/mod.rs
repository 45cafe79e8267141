//! YAML with the place of every key, read into wire types so that one wrong value does not hide the next.
//!
//! A file becomes a tree of [`node::Node`]s that know their line; [`de`] is a serde deserializer over that tree that
//! reports unknown keys and wrong types and goes on; [`field`] has the types through which a wire type keeps the
//! place of a value.

mod de;
mod error;
pub(crate) mod field;
mod node;

use serde::de::DeserializeOwned;

use crate::problem::{Place, PlaceId, Reporter};

/// Reads a whole file into a wire type. `None`: nothing could be read; the reporter knows why.
pub(crate) fn read<T: DeserializeOwned>(text: &str, reporter: &Reporter) -> Option<(T, PlaceId)> {
    let whole_file = reporter.add_place(Place { path: String::new(), line: 1, column: 1 });
    let root = node::parse(text, whole_file, reporter)?;
    match T::deserialize(de::NodeDeserializer::new(&root, reporter)) {
        Ok(value) => Some((value, whole_file)),
        Err(error) => {
            error.report(reporter, whole_file);
            None
        }
    }
}
