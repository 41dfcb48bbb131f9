//! The matrix as JSON, `coldpath.matrix/1`: an interface, published as docs/matrix.schema.json.

use schemars::JsonSchema;
use serde::Serialize;

use super::Matrix;
use crate::report::json::{TOOL, ToolJson, pretty};
use crate::trace::json::{Disposition, LineJson, PacketJson};

/// What becomes of all flows.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "coldpath.matrix/1")]
struct MatrixJson {
    /// `coldpath.matrix/1`. The number changes when a reader of the older one would misread the newer.
    schema: &'static str,
    /// What wrote it.
    tool: ToolJson,
    /// All flows that were walked, by kind.
    flows: Vec<FlowJson>,
    /// What keeps flows from arriving, the one that stops the most first.
    causes: Vec<CauseJson>,
    /// How many flows were left out by the limit.
    left_out: Vec<LeftOutJson>,
    /// Why there are no, or not all, flows of a kind.
    gaps: Vec<GapJson>,
}

/// A flow.
#[derive(Debug, Serialize, JsonSchema)]
struct FlowJson {
    /// What kind of flow it is, such as `pod-to-cluster-ip`.
    kind: &'static str,
    /// Where it begins, for people.
    from: String,
    /// Where it goes, for people.
    to: String,
    /// The packet as it is sent.
    packet: PacketJson,
    /// What becomes of it.
    disposition: Disposition,
    /// The same in one sentence, for people.
    sentence: String,
    /// Which of the causes it is, from 0; absent for what is delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<usize>,
}

/// What keeps flows from arriving.
#[derive(Debug, Serialize, JsonSchema)]
struct CauseJson {
    /// What becomes of the flows.
    disposition: Disposition,
    /// The node or pod where it happens.
    place: String,
    /// Why, for people.
    reason: String,
    /// The line that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<LineJson>,
    /// How many flows it stops.
    flows: usize,
}

/// Flows that were left out.
#[derive(Debug, Serialize, JsonSchema)]
struct LeftOutJson {
    /// Of which kind.
    kind: &'static str,
    /// How many.
    flows: usize,
}

/// Flows that could not be named.
#[derive(Debug, Serialize, JsonSchema)]
struct GapJson {
    /// Of which kind.
    kind: &'static str,
    /// Why.
    why: String,
}

/// The matrix as JSON, indented, with a line end.
pub(in crate::trace) fn render(matrix: &Matrix) -> String {
    let flows = matrix.rows.iter().map(|row| FlowJson {
        kind: row.flow.kind.name(),
        from: row.flow.from.clone(),
        to: row.flow.to.clone(),
        packet: PacketJson::from(&row.flow.probe.packet),
        disposition: row.end.disposition.into(),
        sentence: row.end.sentence.clone(),
        cause: row.cause,
    });
    let causes = matrix.causes.iter().map(|cause| CauseJson {
        disposition: cause.disposition.into(),
        place: cause.place.clone(),
        reason: cause.reason.clone(),
        evidence: cause.evidence.as_ref().map(LineJson::from),
        flows: cause.flows.len(),
    });
    pretty(&MatrixJson {
        schema: "coldpath.matrix/1",
        tool: TOOL,
        flows: flows.collect(),
        causes: causes.collect(),
        left_out: matrix.flows.left_out.iter().map(|(kind, flows)| LeftOutJson { kind: kind.name(), flows: *flows }).collect(),
        gaps: matrix.flows.gaps.iter().map(|gap| GapJson { kind: gap.kind.name(), why: gap.why.clone() }).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::compare_with_docs;

    #[test]
    fn all_flows_with_their_causes() {
        let text = render(&super::super::tests::sample());
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["flows"].as_array().map(Vec::len), Some(5));
        assert_eq!((&json["flows"][0]["cause"], &json["causes"][0]["flows"]), (&0.into(), &3.into()));
    }

    #[test]
    fn the_schema_is_the_published_one() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<MatrixJson>();
        compare_with_docs("matrix.schema.json", &pretty(&schema));
    }
}
