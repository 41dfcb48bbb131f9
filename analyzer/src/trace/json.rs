//! A trace as JSON, `coldpath.trace/1`: an interface, published as docs/trace.schema.json.

use netmodel::Evidence;
use netmodel::walk::endpoint::names;
use netmodel::walk::packet::protocol_name;
use netmodel::walk::{CtState, Dev, NsId, Packet, Path, PathBlocker, Step, World};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Walked, sentence};
use crate::report::json::{TOOL, ToolJson, pretty};

/// What becomes of a packet, step by step.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "coldpath.trace/1")]
pub(super) struct TraceJson {
    /// `coldpath.trace/1`. The number changes when a reader of the older one would misread the newer.
    schema: &'static str,
    /// What wrote the trace.
    tool: ToolJson,
    /// What was asked.
    question: QuestionJson,
    /// What becomes of the packet: where all paths end alike that; else the worst of those that are by design, or `undecided`
    /// where it depends on what is not known.
    disposition: Disposition,
    /// The same in one sentence, for people.
    sentence: String,
    /// The ways that the packet may take: several where the node balances load, or where something is not known.
    paths: Vec<PathJson>,
}

/// What was asked, and what was chosen where the question left it open.
#[derive(Debug, Serialize, JsonSchema)]
struct QuestionJson {
    /// Where the packet begins, for people.
    from: String,
    /// Where it goes, for people.
    to: String,
    /// The packet as it is sent.
    packet: PacketJson,
    /// What was chosen.
    notes: Vec<String>,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Disposition {
    /// It arrives, or leaves what was captured towards its destination.
    Delivered,
    /// It is dropped silently.
    Dropped,
    /// It is refused with an answer to the sender.
    Rejected,
    /// There is no way to its destination.
    Unroutable,
    /// It does not fit and may not be fragmented.
    TooBig,
    /// The bundles do not say enough.
    Undecided,
}

impl From<netmodel::walk::Disposition> for Disposition {
    fn from(disposition: netmodel::walk::Disposition) -> Self {
        use netmodel::walk::Disposition as Walked;
        match disposition {
            Walked::Delivered => Self::Delivered,
            Walked::Dropped => Self::Dropped,
            Walked::Rejected => Self::Rejected,
            Walked::Unroutable => Self::Unroutable,
            Walked::TooBig => Self::TooBig,
            Walked::Undecided => Self::Undecided,
        }
    }
}

/// One way that the packet may take.
#[derive(Debug, Serialize, JsonSchema)]
struct PathJson {
    /// What becomes of it on this way, the answer's included.
    disposition: Disposition,
    /// Why, for people.
    reason: String,
    /// The share of the packets that take this way by design (load balancing), above 0 and at most 1.
    share: f64,
    /// Lines whose effect is not known and was assumed for this way. Empty where it is certain.
    blockers: Vec<BlockerJson>,
    /// What was not captured and taken for harmless.
    assumed: Vec<MissingJson>,
    /// Where the packet arrived, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    arrival: Option<ArrivalJson>,
    /// The steps there, then those of the answer.
    steps: Vec<StepJson>,
}

/// A line whose effect is not known.
#[derive(Debug, Serialize, JsonSchema)]
struct BlockerJson {
    /// The node.
    node: String,
    /// The namespace: `node`, or the pod's name.
    netns: String,
    /// Why its effect is not known.
    reason: String,
    /// The line; absent where a whole capture is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<LineJson>,
}

/// Something that was not captured.
#[derive(Debug, Serialize, JsonSchema)]
struct MissingJson {
    /// The capture that would say it.
    capture: String,
    /// What was needed.
    what: String,
    /// Why it is not there.
    why: String,
}

/// Where the packet arrived.
#[derive(Debug, Serialize, JsonSchema)]
struct ArrivalJson {
    /// The node.
    node: String,
    /// The namespace: `node`, or the pod's name.
    netns: String,
    /// The device by which it left what was captured; absent where it was delivered in the namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_by: Option<String>,
    /// The next router that it was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    /// The packet as it arrived.
    packet: PacketJson,
}

/// Of the packet, or of its answer.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Direction {
    /// The packet on its way there.
    Forward,
    /// The answer on its way back.
    Reply,
}

/// One thing that happened to the packet.
#[derive(Debug, Serialize, JsonSchema)]
struct StepJson {
    /// On which of the two ways.
    direction: Direction,
    /// The node.
    node: String,
    /// The namespace: `node`, or the pod's name.
    netns: String,
    /// At which point of the kernel's data path.
    stage: &'static str,
    /// The table, for rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<String>,
    /// The chain, for rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<String>,
    /// What happened, for people.
    action: String,
    /// Whether this ended the way or changed where it goes.
    decides: bool,
    /// The capture that holds the deciding line.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<String>,
    /// The line's number, from 1; 0 where the capture's absence is the evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// The line's text, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// More lines that decided it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    more: Vec<LineJson>,
    /// The packet after it.
    packet: PacketJson,
}

/// A line of a capture.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct LineJson {
    /// The capture's path in the bundle.
    capture: String,
    /// The line's number, from 1; 0 where the capture's absence is the evidence.
    line: u32,
    /// The line's text, whole.
    text: String,
}

impl From<&Evidence> for LineJson {
    fn from(evidence: &Evidence) -> Self {
        Self { capture: evidence.capture.clone(), line: evidence.line, text: evidence.text.clone() }
    }
}

/// A packet. What is absent is not known, or is nothing that the packet has.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PacketJson {
    /// The protocol's name, or `protocol 89`.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    /// Source address.
    #[serde(skip_serializing_if = "Option::is_none")]
    src: Option<String>,
    /// Source port.
    #[serde(skip_serializing_if = "Option::is_none")]
    sport: Option<u16>,
    /// Destination address.
    #[serde(skip_serializing_if = "Option::is_none")]
    dst: Option<String>,
    /// Destination port.
    #[serde(skip_serializing_if = "Option::is_none")]
    dport: Option<u16>,
    /// Type of ICMP.
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u8>,
    /// Code of ICMP.
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u8>,
    /// Length of the IP packet in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<u16>,
    /// Whether it may not be fragmented.
    #[serde(skip_serializing_if = "Option::is_none")]
    df: Option<bool>,
    /// Time to live, or hop limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    /// Its mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<u32>,
    /// What connection tracking thinks of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ct_state: Option<&'static str>,
    /// The device that it came in by.
    #[serde(skip_serializing_if = "Option::is_none")]
    iif: Option<String>,
    /// The device that it goes out by.
    #[serde(skip_serializing_if = "Option::is_none")]
    oif: Option<String>,
}

impl From<&Packet> for PacketJson {
    fn from(packet: &Packet) -> Self {
        let dev = |dev: &Dev| match dev {
            Dev::Named(name) => Some(name.to_string()),
            Dev::Unknown | Dev::None => None,
        };
        Self {
            protocol: packet.protocol.map(|p| protocol_name(p).into_owned()),
            src: packet.src.map(|a| a.to_string()),
            sport: packet.sport,
            dst: packet.dst.map(|a| a.to_string()),
            dport: packet.dport,
            icmp_type: packet.icmp.map(|(kind, _)| kind),
            icmp_code: packet.icmp.map(|(_, code)| code),
            length: packet.length,
            df: packet.df,
            ttl: packet.ttl,
            mark: packet.mark,
            ct_state: packet.ct_state.map(|state| match state {
                CtState::New => "new",
                CtState::Established => "established",
                CtState::Related => "related",
                CtState::Invalid => "invalid",
                CtState::Untracked => "untracked",
            }),
            iif: dev(&packet.iif),
            oif: dev(&packet.oif),
        }
    }
}

/// The trace as JSON, indented, with a line end.
pub(super) fn render(walked: &Walked<'_>) -> String {
    let Walked { world, resolved, trace } = walked;
    pretty(&TraceJson {
        schema: "coldpath.trace/1",
        tool: TOOL,
        question: QuestionJson {
            from: resolved.from.clone(),
            to: resolved.to.clone(),
            packet: PacketJson::from(&resolved.probe.packet),
            notes: resolved.notes.clone(),
        },
        disposition: trace.disposition.into(),
        sentence: sentence::of(world, trace),
        paths: trace.paths.iter().map(|path| one_path(world, path)).collect(),
    })
}

fn one_path(world: &World<'_>, path: &Path) -> PathJson {
    let there = path.steps.iter().map(|s| step(world, Direction::Forward, s));
    let back = path.reply.iter().flatten().map(|s| step(world, Direction::Reply, s));
    PathJson {
        disposition: path.disposition.into(),
        reason: path.reason.clone(),
        share: path.share,
        blockers: path.blockers.iter().map(|b| blocker(world, b)).collect(),
        assumed: path
            .assumed
            .iter()
            .map(|m| MissingJson { capture: m.capture.clone(), what: m.what.clone(), why: m.why.clone() })
            .collect(),
        arrival: path.arrival.as_ref().map(|arrival| {
            let (node, netns) = place(world, arrival.ns);
            let (left_by, gateway) = match &arrival.left_by {
                Some((dev, gateway)) => (Some(dev.to_string()), gateway.map(|g| g.to_string())),
                None => (None, None),
            };
            ArrivalJson { node, netns, left_by, gateway, packet: PacketJson::from(&arrival.packet) }
        }),
        steps: there.chain(back).collect(),
    }
}

fn blocker(world: &World<'_>, blocker: &PathBlocker) -> BlockerJson {
    let (node, netns) = place(world, blocker.ns);
    BlockerJson { node, netns, reason: blocker.reason.clone(), evidence: blocker.evidence.as_ref().map(LineJson::from) }
}

fn step(world: &World<'_>, direction: Direction, step: &Step) -> StepJson {
    let (node, netns) = place(world, step.ns);
    let first = step.evidence.first();
    StepJson {
        direction,
        node,
        netns,
        stage: step.stage.name(),
        table: step.chain.as_ref().map(|(table, _)| table.clone()),
        chain: step.chain.as_ref().map(|(_, chain)| chain.clone()),
        action: step.action.clone(),
        decides: step.decides,
        capture: first.map(|e| e.capture.clone()),
        line: first.map(|e| e.line),
        text: first.map(|e| e.text.clone()),
        more: step.evidence.iter().skip(1).map(LineJson::from).collect(),
        packet: PacketJson::from(&step.packet),
    }
}

/// The node's name, and `node` or the pod's name.
pub(super) fn place(world: &World<'_>, ns: NsId) -> (String, String) {
    let node = world.nodes().get(ns.node as usize).map(|n| n.name().to_owned()).unwrap_or_default();
    let netns = match (ns.pod, world.ns(ns)) {
        (None, _) => "node".to_owned(),
        (Some(_), Some(pod)) => match names::pod_name(pod) {
            Some(name) => name.to_owned(),
            None => pod.netns_info().map(|info| format!("pods/{}", info.number)).unwrap_or_default(),
        },
        (Some(_), None) => String::new(),
    };
    (node, netns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::compare_with_docs;
    use crate::trace::sketch;

    #[test]
    fn a_trace_in_json() {
        insta::assert_snapshot!(sketch::one_of_two_dropped().with(render));
    }

    #[test]
    fn the_schema_is_the_published_one() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<TraceJson>();
        compare_with_docs("trace.schema.json", &pretty(&schema));
    }
}
