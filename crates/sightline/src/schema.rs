//! `sightline schema`

use std::io::Write;

use sightline_core::event::EVENT_SCHEMA;

use crate::{
    cli::{SchemaArgs, SchemaOf},
    failure::{Kind, OrFail, Outcome},
};

/// Prints the wished schema.
pub fn execute(args: &SchemaArgs) -> Outcome {
    let schema = match args.of {
        SchemaOf::Pipeline => sightline_config::pipeline_schema(),
        SchemaOf::Model => sightline_config::model_schema(),
        SchemaOf::Event => serde_json::from_str(EVENT_SCHEMA).or_fail(Kind::Internal)?,
    };
    let text = serde_json::to_string_pretty(&schema).or_fail(Kind::Internal)?;
    // A reader that closes the pipe has seen enough.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}
