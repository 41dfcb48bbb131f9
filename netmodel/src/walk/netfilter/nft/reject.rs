//! Refusals of nftables, and the condition that nft puts before them and hides in listings: a RST answers TCP only, an ICMP error its own
//! family.

use super::{Odds, Step};
use crate::family::Family;
use crate::parse::nft::Reject;
use crate::walk::netfilter::engine::Act;
use crate::walk::netfilter::matching::known;
use crate::walk::packet::{Packet, TCP};
use crate::walk::tri::Tri;

pub(super) fn rejects(reject: Reject, packet: &Packet) -> Step {
    let v4 = packet.family == Family::V4;
    let act = |with: &str| Step::Act(Act::Reject(with.to_owned()));
    match reject {
        Reject::TcpReset => match known(packet.protocol, "the protocol", |p| p == TCP) {
            Tri::Yes => act("tcp-reset"),
            Tri::No => Step::End,
            Tri::Unknown(why) => Step::Acts(vec![
                (packet.clone(), Some(Act::Reject("tcp-reset".to_owned())), Odds::unknown(why.clone())),
                (packet.clone(), None, Odds::unknown(why)),
            ]),
        },
        Reject::Icmp(_) if !v4 => Step::End,
        Reject::Icmpv6(_) if v4 => Step::End,
        Reject::Icmp(code) => act(icmp_error(code)),
        Reject::Icmpv6(code) => act(icmpv6_error(code)),
        // `nft_reject_icmp_code()` and `nft_reject_icmpv6_code()` of net/netfilter/nft_reject.c.
        Reject::Icmpx(code) => act(match (code, v4) {
            (0, true) => icmp_error(0),
            (1, true) => icmp_error(3),
            (2, true) => icmp_error(1),
            (3, true) => icmp_error(13),
            (0, false) => icmpv6_error(0),
            (1, false) => icmpv6_error(4),
            (2, false) => icmpv6_error(3),
            (3, false) => icmpv6_error(1),
            _ => "an ICMP error",
        }),
        Reject::Unknown => act("an ICMP error"),
    }
}

/// The names that iptables gives the codes of "destination unreachable".
fn icmp_error(code: u8) -> &'static str {
    match code {
        0 => "icmp-net-unreachable",
        1 => "icmp-host-unreachable",
        2 => "icmp-proto-unreachable",
        3 => "icmp-port-unreachable",
        9 => "icmp-net-prohibited",
        10 => "icmp-host-prohibited",
        13 => "icmp-admin-prohibited",
        _ => "an ICMP error",
    }
}

fn icmpv6_error(code: u8) -> &'static str {
    match code {
        0 => "icmp6-no-route",
        1 => "icmp6-adm-prohibited",
        3 => "icmp6-addr-unreachable",
        4 => "icmp6-port-unreachable",
        5 => "icmp6-policy-fail",
        6 => "icmp6-reject-route",
        _ => "an ICMPv6 error",
    }
}
