//! What a rule of iptables does with a packet.

use crate::parse::iptables::{Jump, Mark, NatTo, RuleId, TableKind, Target};
use crate::walk::netfilter::engine::{Act, Alternative, ChainRef};
use crate::walk::netfilter::matching::{self, Lookups};
use crate::walk::netfilter::rulesets::Rulesets;
use crate::walk::packet::{CtState, Packet};
use crate::walk::tri::Tri;

/// What a rule may do with a packet; `None` where it does not match.
pub(super) fn alternatives(
    rulesets: &Rulesets<'_>,
    doc: usize,
    rule: RuleId,
    packet: &Packet,
    lookups: &dyn Lookups,
) -> Option<Vec<Alternative>> {
    let (_, ruleset) = rulesets.iptables.get(doc)?;
    let record = ruleset.rules.get(rule.0 as usize)?;
    let text = &ruleset.source.text;
    let unknown = match matching::rule(ruleset, text, record, packet, lookups) {
        Tri::No => return None,
        Tri::Yes => None,
        Tri::Unknown(why) => Some(why),
    };
    let mut changed = packet.clone();
    let act = act(doc, &record.target, text, &mut changed);
    if matches!(act, Act::Open(_)) {
        let kind = ruleset.table_of(record.chain).map_or(TableKind::Unknown, |t| t.kind);
        changed.anything(matches!(kind, TableKind::Nat | TableKind::Unknown));
    }
    let mut all = vec![Alternative { packet: changed, act, unknown: unknown.clone() }];
    if unknown.is_some() {
        all.push(Alternative { packet: packet.clone(), act: Act::Next, unknown });
    }
    Some(all)
}

fn act(doc: usize, target: &Target, text: &str, packet: &mut Packet) -> Act {
    let to = |jump: &Jump| jump.chain.map(|c| ChainRef::Iptables(doc, c));
    let lost = |jump: &Jump| Act::Open(format!("{} is no chain in the text and no target known here", jump.name.of(text)));
    match target {
        // Their marks come from a hash of the packet and from the set.
        Target::Continues { name, .. } if name.of(text) == "HMARK" => {
            packet.mark = None;
            Act::Next
        }
        Target::Set(options) if options.of(text).contains("--map-mark") => {
            packet.mark = None;
            Act::Next
        }
        Target::None
        | Target::Log(_)
        | Target::NfLog(_)
        | Target::TcpMss(_)
        | Target::Trace
        | Target::Set(_)
        | Target::Checksum(_)
        | Target::Classify(_)
        | Target::Ct(_)
        | Target::Continues { .. } => Act::Next,
        Target::Accept => Act::Accept,
        Target::Drop => Act::Drop,
        Target::Return => Act::Return,
        Target::Jump(jump) => to(jump).map_or_else(|| lost(jump), Act::Jump),
        Target::Goto(jump) => to(jump).map_or_else(|| lost(jump), Act::Goto),
        Target::Reject(with) => {
            let with = with.of(text);
            Act::Reject(if with.is_empty() { "icmp-port-unreachable" } else { with }.to_owned())
        }
        Target::Mark(mark) => {
            packet.mark = set_mark(packet.mark, *mark);
            Act::Next
        }
        Target::ConnMarkSet(mark) => {
            packet.connmark = set_mark(packet.connmark, *mark);
            Act::Next
        }
        Target::ConnMarkSave { nfmask, ctmask } => {
            packet.connmark = packet.connmark.zip(packet.mark).map(|(ct, nf)| (ct & !ctmask) ^ (nf & nfmask));
            Act::Next
        }
        Target::ConnMarkRestore { nfmask, ctmask } => {
            packet.mark = packet.connmark.zip(packet.mark).map(|(ct, nf)| (nf & !nfmask) ^ (ct & ctmask));
            Act::Next
        }
        Target::Dnat(nat) => {
            if let Some((first, last)) = nat.addr {
                packet.dst = (first == last).then_some(first);
            }
            translate_port(&mut packet.dport, nat);
            packet.dnat = Some(true);
            Act::Accept
        }
        Target::Redirect(nat) => {
            // To an address of the incoming interface, which the ruleset does not name.
            packet.dst = None;
            translate_port(&mut packet.dport, nat);
            packet.dnat = Some(true);
            Act::Accept
        }
        Target::Snat(nat) => {
            if let Some((first, last)) = nat.addr {
                packet.src = (first == last).then_some(first);
            }
            packet.sport = None;
            packet.snat = Some(true);
            Act::Accept
        }
        Target::Masquerade(_) => {
            packet.src = None;
            packet.sport = None;
            packet.snat = Some(true);
            Act::Accept
        }
        Target::NoTrack => {
            packet.ct_state = Some(CtState::Untracked);
            Act::Next
        }
        Target::Elided(_) => Act::Open("lines are left out of the text here".to_owned()),
        Target::Queue | Target::NfQueue(_) => Act::Open("a program behind a queue decides".to_owned()),
        other => Act::Open(format!("what the target does with the packet is not known here ({})", name(other, text))),
    }
}

/// The name of a target that is not followed.
fn name<'t>(target: &Target, text: &'t str) -> &'t str {
    match target {
        Target::Other { name, .. } => name.of(text),
        Target::Netmap(_) => "NETMAP",
        Target::SynProxy(_) => "SYNPROXY",
        Target::ClusterIp(_) => "CLUSTERIP",
        Target::Npt { source: true, .. } => "SNPT",
        Target::Npt { .. } => "DNPT",
        _ => "TPROXY",
    }
}

fn set_mark(old: Option<u32>, mark: Mark) -> Option<u32> {
    // With a full mask the old value does not matter.
    if mark.mask == u32::MAX { Some(mark.value) } else { old.map(|old| (old & !mark.mask) ^ mark.value) }
}

fn translate_port(port: &mut Option<u16>, nat: &NatTo) {
    if let Some(range) = nat.ports {
        *port = (range.first == range.last).then_some(range.first);
    }
}
