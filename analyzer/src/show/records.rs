//! One capture as it was understood: its records in JSON, or its rules printed back in their tool's form.

use bundle::Bundle;
use netmodel::Source;
use netmodel::records::{self, Records};
use netmodel::source::describe_partial;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{as_text, text, warn_if_partial};
use crate::exit::Stop;
use crate::output;
use crate::report::json::pretty;

/// What was understood of a capture, `coldpath.records/1`.
#[derive(Serialize, JsonSchema)]
struct RecordsJson {
    /// `coldpath.records/1`.
    schema: &'static str,
    /// The capture's path in the bundle.
    capture: String,
    /// The form of the text, as the catalogue names it; `text` where no parser reads it: then each line is a record.
    format: Value,
    /// Why the text is not whole; null if it is. What does not stand in a text that is not whole proves nothing.
    partial: Option<String>,
    /// What was understood. The fields depend on the format; `line` is counted from 1.
    records: Vec<Value>,
    /// What was not understood.
    problems: Vec<ProblemJson>,
}

/// A part of the text that was not understood.
#[derive(Serialize, JsonSchema)]
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
    let Records { typed, records, problems } = records::records(&source);
    let format = if typed { serde_json::json!(source.format) } else { "text".into() };
    let problem = |p: &netmodel::Problem| ProblemJson { line: p.at.line, what: p.what.clone(), text: source.at(p.at).to_owned() };
    let document = RecordsJson {
        schema: "coldpath.records/1",
        capture: key.path(),
        format,
        partial: source.partial.as_ref().map(describe_partial),
        records,
        problems: problems.iter().map(problem).collect(),
    };
    output::write(&pretty(&document), None)
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
        let schema = settings.into_generator().into_root_schema_for::<RecordsJson>();
        testing::compare_with_docs("records.schema.json", &pretty(&schema));
    }
}
