//! One capture as it was understood: its records in JSON, or its rules printed back in their tool's form.

use std::ops::ControlFlow;

use bundle::Bundle;
use netmodel::Source;
use netmodel::records::{self, Read};
use netmodel::source::describe_partial;
use schemars::JsonSchema;
use serde::ser::{Serialize, SerializeSeq, Serializer};
use serde_json::Value;

use super::{as_text, text, warn_if_partial};
use crate::exit::Stop;
use crate::output;

/// What was understood of a capture, `coldpath.records/1`.
#[derive(serde::Serialize, JsonSchema)]
struct RecordsJson<'s> {
    /// `coldpath.records/1`.
    schema: &'static str,
    /// The capture's path in the bundle.
    capture: String,
    /// The form of the text, as the catalogue names it; `text` where no parser reads it: then each line is a record.
    format: Value,
    /// Why the text is not whole; null if it is. What does not stand in a text that is not whole proves nothing.
    partial: Option<String>,
    /// What was understood. The fields depend on the format; `line` is counted from 1.
    #[schemars(with = "Vec<Value>")]
    records: Streamed<'s>,
    /// What was not understood.
    problems: Vec<ProblemJson>,
}

/// Records that become values as they are written.
struct Streamed<'s>(Read<'s>);

impl Serialize for Streamed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let mut failed = None;
        self.0.each(&mut |record| match list.serialize_element(&record) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        });
        failed.map_or_else(|| list.end(), Err)
    }
}

/// A part of the text that was not understood.
#[derive(serde::Serialize, JsonSchema)]
struct ProblemJson {
    /// The line, from 1.
    line: u32,
    /// What is wrong with it.
    what: String,
    /// The text itself.
    text: String,
}

pub(super) fn json(bundle: &Bundle, name: &str) -> Result<(), Stop> {
    let (key, text) = text(bundle, name)?;
    let source = Source::of(&key, text);
    let read = records::read(&source);
    let format = if read.typed { serde_json::json!(source.format) } else { "text".into() };
    let problem = |p: &netmodel::Problem| ProblemJson { line: p.at.line, what: p.what.clone(), text: source.at(p.at).to_owned() };
    let document = RecordsJson {
        schema: "coldpath.records/1",
        capture: key.path(),
        format,
        partial: source.partial.as_ref().map(describe_partial),
        problems: read.problems.iter().map(problem).collect(),
        records: Streamed(read),
    };
    output::stream_json(&document)
}

pub(super) fn normalized(bundle: &Bundle, name: &str) -> Result<(), Stop> {
    let (key, text) = text(bundle, name)?;
    let Some(printed) = records::normalized(&Source::of(&key, text.clone())) else {
        return Err(Stop::error(format_args!("{} has no form of its own to be printed in", key.capture))
            .help("--normalized takes captures of iptables, ipset, ipvs and routes"));
    };
    warn_if_partial(&key, &text);
    as_text(&printed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn the_schema_is_the_published_one() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<RecordsJson<'_>>();
        testing::compare_with_docs("records.schema.json", &crate::report::json::pretty(&schema));
    }
}
