//! Extensions of iptables in rules of nftables, whose options nft does not show, and statements that are not known here.

use super::{Odds, Step};
use crate::parse::nft::{Xt, XtKind};
use crate::walk::netfilter::engine::Act;
use crate::walk::netfilter::passage::{HookPoint, What};
use crate::walk::netfilter::target;
use crate::walk::packet::{NatAddr, NatRequest, Packet};
use crate::walk::tri::Why;

/// Whether nat chains at this point translate sources.
fn is_source(at: HookPoint) -> bool {
    matches!(at, HookPoint::Ip(hook) if !hook.is_before_routing())
}

/// All that a statement may do of which nothing is known.
pub(super) fn anything(at: HookPoint, packet: &Packet, why: &Why) -> Vec<(Packet, Option<Act>, Odds)> {
    // What is not known is rarely a translation; where it is, the chain's type says so only in the kernel.
    let all = target::anything(packet, false, is_source(at), why);
    all.into_iter().map(|a| (a.packet, Some(a.act), Odds { unknown: a.unknown, weight: a.weight })).collect()
}

pub(super) fn extension(xt: &Xt, is_match: bool, at: HookPoint, packet: &mut Packet, what: &mut Option<What>) -> Step {
    if xt.is_comment() {
        return Step::Go;
    }
    let name = xt.name.as_deref().unwrap_or("an extension without a name");
    if xt.kind == XtKind::Match || (xt.kind == XtKind::Unknown && is_match) {
        return Step::Maybe(Odds::unknown(format!("nft does not show what the extension `{name}` of iptables asks").into()));
    }
    let mut nat = |source: bool, to: NatAddr| {
        packet.nat = Some(NatRequest { source, to, ports: None, random: true });
        Step::Acts(vec![(packet.clone(), Some(Act::Accept), Odds::SURE)])
    };
    match (xt.kind, name) {
        (XtKind::Watcher, _)
        | (XtKind::Target, "LOG" | "NFLOG" | "TRACE" | "CHECKSUM" | "TCPMSS" | "CLASSIFY" | "SET" | "TEE") => Step::Go,
        (XtKind::Target, "TTL" | "HL" | "DSCP" | "TOS" | "ECN" | "MARK" | "CONNMARK") => {
            match name {
                "TTL" | "HL" => packet.ttl = None,
                "MARK" => packet.mark = None,
                "CONNMARK" => (packet.mark, packet.connmark) = (None, None),
                _ => packet.tos = None,
            }
            *what = Some(What::Change);
            Step::Go
        }
        (XtKind::Target, "MASQUERADE") => nat(true, NatAddr::OutgoingInterface),
        (XtKind::Target, "SNAT") => nat(true, NatAddr::Unknown),
        (XtKind::Target, "DNAT") => nat(false, NatAddr::Unknown),
        (XtKind::Target, "REDIRECT") => nat(false, NatAddr::IncomingInterface),
        (XtKind::Target, "NETMAP") => nat(is_source(at), NatAddr::Unknown),
        (XtKind::Target, "REJECT") => Step::Act(Act::Reject("an ICMP error or RST".to_owned())),
        _ => Step::Acts(anything(at, packet, &format!("nft does not show what `{name}` of iptables does").into())),
    }
}
