//! Kinds of rulesets, sets, ipvs and connection tracking.

use bundle::{Capture, Format};

use super::{Kind, first, kind, never, owns, second, starts};
use crate::loose::shape::{self, hex, words};

pub(super) static KINDS: &[Kind] = &[
    // Rulesets.
    kind(
        "iptables-save",
        Some(Capture::IptablesNftSave),
        Format::IptablesSave,
        |lines| {
            shape::save_header(first(lines))
                || shape::save_line(first(lines))
                || (shape::append(first(lines)) && lines.iter().any(|l| shape::save_line(l.trim())))
        },
        owns!(l => shape::save_line(l) || shape::append(l) || l.starts_with('#') || l == "COMMIT"),
        never,
    ),
    kind(
        "iptables -S",
        Some(Capture::IptablesNftSave),
        Format::IptablesRules,
        starts!(l => shape::append(l) || shape::policy(l)),
        owns!(l => shape::append(l) || shape::policy(l)),
        never,
    ),
    kind(
        "iptables -L",
        Some(Capture::IptablesNftSave),
        Format::IptablesList,
        |lines| first(lines).starts_with("Chain ") && (first(lines).ends_with(')') || shape::list_head(second(lines))),
        owns!(l => l.starts_with("Chain ") || shape::list_head(l) || shape::list_row(l)),
        never,
    ),
    kind(
        "nft list ruleset",
        Some(Capture::NftRuleset),
        Format::NftText,
        |lines| shape::nft_table(first(lines)) || first(lines).starts_with("# Warning: table "),
        owns!(l => shape::nft_table(l) || l.starts_with("# Warning: table ") || l == "}"),
        never,
    ),
    kind(
        "ipset save",
        Some(Capture::IpsetSave),
        Format::IpsetSave,
        starts!(l => shape::ipset_create(l) || l.starts_with("add ") && words(l) >= 3 && !l.starts_with("add rule") && !l.starts_with("add table") && !l.starts_with("add chain")),
        owns!(l => l.starts_with("add ") || shape::ipset_create(l)),
        never,
    ),
    kind(
        "ipset list",
        Some(Capture::IpsetSave),
        Format::IpsetList,
        |lines| first(lines).starts_with("Name: ") && second(lines).starts_with("Type: "),
        owns!(l => shape::keyed(l, &["Name", "Type", "Revision", "Header", "Size in memory", "References", "Number of entries", "Members"]) || shape::set_member(l)),
        never,
    ),
    kind(
        "ipvsadm -Sn",
        Some(Capture::IpvsSave),
        Format::IpvsadmSave,
        starts!(l => shape::ipvs_rule(l)),
        owns!(l => shape::ipvs_rule(l)),
        never,
    ),
    kind(
        "/proc/net/ip_vs",
        Some(Capture::ProcIpVs),
        Format::Proc,
        |lines| {
            first(lines).starts_with("IP Virtual Server version")
                && lines.iter().any(|l| l.contains("RemoteAddress:Port Forward Weight"))
        },
        owns!(l => shape::ipvs_row(l)),
        owns!(l => l.starts_with("IP Virtual Server version")),
    ),
    kind(
        "ipvsadm -Ln --stats",
        Some(Capture::IpvsStats),
        Format::IpvsadmList,
        |lines| lines.iter().take(2).any(|l| l.trim().starts_with("Prot LocalAddress:Port") && l.contains(" Conns ")),
        owns!(l => shape::ipvs_row(l)),
        owns!(l => l.starts_with("IP Virtual Server version")),
    ),
    kind(
        "ipvsadm -Ln",
        Some(Capture::IpvsSave),
        Format::IpvsadmList,
        |lines| {
            first(lines).starts_with("IP Virtual Server version")
                || first(lines).starts_with("Prot LocalAddress:Port")
                || (shape::ipvs_row(first(lines)) && !first(lines).starts_with("->") && second(lines).starts_with("-> "))
        },
        owns!(l => shape::ipvs_row(l)),
        owns!(l => l.starts_with("IP Virtual Server version")),
    ),
    kind(
        "ipvsadm -L --timeout",
        Some(Capture::IpvsTimeouts),
        Format::IpvsadmList,
        starts!(l => l.starts_with("Timeout (tcp tcpfin udp):")),
        never,
        never,
    ),
    kind(
        "ipvsadm -Lnc",
        Some(Capture::ProcIpVsConn),
        Format::IpvsadmList,
        starts!(l => l == "IPVS connection entries" || l.starts_with("pro expire state")),
        owns!(l => l.starts_with("pro expire") || shape::protocol_row(l)),
        never,
    ),
    kind(
        "/proc/net/ip_vs_conn",
        Some(Capture::ProcIpVsConn),
        Format::Proc,
        starts!(l => l.starts_with("Pro FromIP   FPrt")),
        owns!(l => shape::protocol_row(l)),
        never,
    ),
    kind(
        "/proc/net/ip_vs_stats",
        None,
        Format::Proc,
        starts!(l => l.starts_with("Total Incoming Outgoing")),
        owns!(l => l.split_whitespace().all(hex) || l.starts_with("Conns")),
        never,
    ),
    // Connection tracking.
    kind(
        "conntrack -L",
        Some(Capture::Conntrack),
        Format::ConntrackExtended,
        starts!(l => shape::flow(l)),
        owns!(l => shape::flow(l) || shape::flow_trailer(l)),
        never,
    ),
    kind(
        "conntrack -S",
        Some(Capture::ConntrackStats),
        Format::ConntrackStats,
        starts!(l => l.starts_with("cpu=") && l.split_whitespace().nth(1).is_some_and(|w| w.starts_with("found=") || w.starts_with("searched="))),
        owns!(l => l.starts_with("cpu=")),
        never,
    ),
    kind(
        "another file of /proc/net/stat",
        None,
        Format::Proc,
        starts!(l => l.starts_with("entries ") && !l.contains(" expect_new")),
        owns!(l => l.split_whitespace().all(hex)),
        never,
    ),
    kind(
        "/proc/net/stat/nf_conntrack",
        Some(Capture::ProcStatNfConntrack),
        Format::Proc,
        starts!(l => l.starts_with("entries ") && l.contains(" expect_new")),
        owns!(l => l.split_whitespace().all(hex)),
        owns!(l => l.starts_with("entries ")),
    ),
];
