//! The matches whose options are read by table: answered where the packet and the node settle them, else unknown with the reason.

use super::{Asking, ReversePath, known};
use crate::family::Family;
use crate::parse::iptables::{Ext, Match, MatchKind, Opt, Value};
use crate::walk::packet::{CtState, Dev, SCTP, TCP};
use crate::walk::tri::Tri;

/// Whether an extension holds; its options have their own negations.
pub(super) fn holds(asking: &Asking<'_>, condition: &Match, ext: Ext) -> Tri {
    let Asking { set, packet, lookups, .. } = *asking;
    let options = set.options_of(ext);
    let has = |name| options.iter().any(|o| o.name() == name);
    // For another protocol, and for later fragments, the answer is no, negated or not: iptables demands `-p` beside these.
    let only_for = |protocol: u8| {
        let other = packet.protocol.is_some_and(|p| p != protocol);
        if other || packet.fragment == Some(true) { Some(Tri::No) } else { None }
    };
    let settled = match ext.module() {
        // Without a quota it only counts.
        "nfacct" => Some(Tri::Yes),
        // xt_recent: writing the source down always succeeds.
        "recent" => set.option(ext, "--set").map(|o| Tri::from(!o.negated)),
        // They stand beside `--match-set`, which asks them.
        "set" => Some(Tri::Yes),
        "rpfilter" => {
            let asked =
                ReversePath { loose: has("--loose"), valid_mark: has("--validmark"), accept_local: has("--accept-local") };
            let answer = lookups.reverse_path(packet, asked);
            Some(if has("--invert") { !answer } else { answer })
        }
        "tos" => all(options, |o| match o.value {
            Value::Mark(tos) => Some(known(packet.tos, "the TOS", |t| u32::from(t) & tos.mask == tos.value)),
            _ => None,
        }),
        "ecn" => ecn(asking, options),
        "pkttype" => all(options, |o| match o.value {
            Value::Choice(kind) => packet_type(asking, kind),
            _ => None,
        }),
        "conntrack" if packet.is_tracked() == Some(false) => {
            Some(Tri::from(asking.beside(condition).any(|m| matches!(m.kind, MatchKind::CtState(_)))))
        }
        // Only expected connections have a helper to speak of (`ct->master`).
        "helper" if packet.is_tracked() == Some(false) || packet.ct_state == Some(CtState::New) => {
            all(options, |_| Some(Tri::No))
        }
        "connbytes" | "connlabel" if packet.is_tracked() == Some(false) => all(options, |_| Some(Tri::No)),
        "esp" => only_for(50),
        "ah" if packet.family == Family::V4 => only_for(51),
        "ipcomp" => only_for(108),
        "sctp" => only_for(SCTP),
        "dccp" => only_for(33),
        "tcpmss" | "osf" => only_for(TCP),
        "mh" => only_for(135),
        "frag" if packet.fragment == Some(false) => Some(Tri::No),
        // The packets here have no extension headers but what `protocol` says; without the header the answer is no, negated or not
        // (net/ipv6/netfilter/ip6t_hbh.c, ip6t_rt.c).
        "hbh" | "dst" | "rt" | "srh" => Some(Tri::No),
        // A packet that came in by a device belongs to no socket of this node: xt_owner then answers yes only if all is turned round.
        "owner" if matches!(packet.iif, Dev::Named(_)) => Some(Tri::from(options.iter().all(|o| o.negated))),
        _ => None,
    };
    settled.unwrap_or_else(|| {
        let why = match ext.module() {
            "limit" | "hashlimit" => "it depends on the rate of packets",
            "recent" | "quota" | "connlimit" | "connbytes" | "rateest" => "it depends on the packets before",
            "time" => "it depends on the time of day",
            "bpf" | "u32" | "string" => "it depends on bytes of the packet",
            "policy" => "whether IPsec applies to the packet is not known",
            "owner" | "cgroup" | "socket" => "which local socket the packet belongs to is not known",
            _ => "the packet is not described well enough",
        };
        Tri::unknown(format!("{why} for `{}`", condition.span.of(asking.text)))
    })
}

/// A module of which no option is asked (`-m udp`, `-m rpfilter`).
pub(super) fn without_options(asking: &Asking<'_>, condition: &Match) -> Tri {
    let packet = asking.packet;
    match condition.module.of(asking.text) {
        "rpfilter" => asking.lookups.reverse_path(packet, ReversePath::default()),
        "hbh" | "dst" | "rt" | "srh" => Tri::No,
        "frag" if packet.fragment == Some(false) => Tri::No,
        "eui64" if packet.iif == Dev::None => Tri::No,
        module @ ("socket" | "eui64" | "frag" | "limit" | "hashlimit" | "ipvs" | "recent" | "time" | "cluster" | "policy") => {
            Tri::unknown(format!("the packet is not described well enough for `-m {module}`"))
        }
        // The match functions of transports say no to all but first fragments.
        _ => known(packet.fragment, "whether it is a fragment", |f| !f),
    }
}

/// All options hold, each with its own negation; `None` where one cannot be asked.
fn all(options: &[Opt], ask: impl Fn(&Opt) -> Option<Tri>) -> Option<Tri> {
    let mut answer = Tri::Yes;
    for option in options {
        let holds = ask(option)?;
        let holds = if option.negated { !holds } else { holds };
        answer = answer.and(|| holds);
    }
    Some(answer)
}

/// net/netfilter/xt_ecn.c; the flags are those of RFC 3168.
fn ecn(asking: &Asking<'_>, options: &[Opt]) -> Option<Tri> {
    let packet = asking.packet;
    all(options, |o| {
        let flag = match (o.name(), o.value) {
            ("--ecn-ip-ect", Value::Number(n)) => return Some(known(packet.tos, "the ECN bits", |t| u64::from(t & 3) == n)),
            ("--ecn-tcp-cwr", _) => 0x80,
            ("--ecn-tcp-ece", _) => 0x40,
            _ => return None,
        };
        let tcp = known(packet.protocol, "the protocol", |p| p == TCP);
        Some(tcp.and(|| known(packet.tcp_flags, "the TCP flags", |flags| flags & flag != 0)))
    })
}

/// The link layer's type of the packet. What is for a unicast address of the network layer came as unicast, and to this machine: `ip_rcv()`
/// drops what is for other hosts, br_netfilter shows bridged packets as its own, and the kernel makes its own packets so.
fn packet_type(asking: &Asking<'_>, kind: &str) -> Option<Tri> {
    use crate::parse::iptables::{IfaceLimit, addr_type};
    let packet = asking.packet;
    let dst = packet.dst?;
    let multicast = dst.is_multicast();
    let several = addr_type::BROADCAST | addr_type::MULTICAST;
    let unicast = !multicast
        && (packet.family == Family::V6 || asking.lookups.addr_type(dst, several, IfaceLimit::None, packet) == Tri::No);
    unicast.then(|| Tri::from(kind == "unicast"))
}
