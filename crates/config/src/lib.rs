//! YAML files to a valid [`sightline_core::plan::Plan`], or every problem at once with its file, line and path.
//!
//! Parse, don't validate: a file becomes a tree that knows its lines (`yaml`), the tree becomes private wire
//! types whose doc comments are also the reference documentation, and those become the core's types, which cannot be
//! wrong. Reading never stops at the first problem, and no problem quotes a secret. What reading needs from its
//! process is an explicit [`Environment`].

mod address;
mod defaults;
mod duration;
mod environment;
mod files;
mod interpolate;
pub mod models;
mod pipeline;
mod problem;
mod read;
mod reference;
mod schema;
mod size;
mod source;
mod suggest;
mod yaml;

pub use self::{
    environment::{Environment, VariableLookup},
    pipeline::load,
    problem::{Problem, Problems},
    reference::{model_reference, pipeline_reference},
    schema::{model_schema, pipeline_schema},
    source::parse_source_url,
};
