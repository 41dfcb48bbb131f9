//! Matches on IPv6's extension headers and identifiers.

use crate::parse::iptables::option::{Kind, Module, flag, number, opt, range};

/// The headers of `ipv6header`; ip6tables-save prints the long names, people write the short ones.
const HEADERS: &[(&str, u64)] = &[
    ("hop-by-hop", 0),
    ("hop", 0),
    ("ipv6-opts", 60),
    ("dst", 60),
    ("ipv6-route", 43),
    ("route", 43),
    ("ipv6-frag", 44),
    ("frag", 44),
    ("ah", 51),
    ("auth", 51),
    ("esp", 50),
    ("ipv6-nonxt", 59),
    ("none", 59),
    ("protocol", 255),
    ("proto", 255),
    ("prot", 255),
];

/// Types of the mobility header (RFC 6275, 6.1).
const MOBILITY: &[(&str, u64)] = &[
    ("binding-refresh-request", 0),
    ("brr", 0),
    ("home-test-init", 1),
    ("hoti", 1),
    ("careof-test-init", 2),
    ("coti", 2),
    ("home-test", 3),
    ("hot", 3),
    ("careof-test", 4),
    ("cot", 4),
    ("binding-update", 5),
    ("bu", 5),
    ("binding-acknowledgement", 6),
    ("ba", 6),
    ("binding-error", 7),
    ("be", 7),
];

pub(super) const MODULES: &[Module] = &[
    Module { name: "eui64", options: &[] },
    Module {
        name: "frag",
        options: &[
            range("--fragid"),
            number("--fraglen"),
            flag("--fragres"),
            flag("--fragfirst"),
            flag("--fragmore"),
            flag("--fraglast"),
        ],
    },
    Module { name: "hbh", options: &[number("--hbh-len"), opt("--hbh-opts", Kind::Pairs)] },
    Module { name: "dst", options: &[number("--dst-len"), opt("--dst-opts", Kind::Pairs)] },
    Module { name: "ipv6header", options: &[opt("--header", Kind::Names(HEADERS)), flag("--soft")] },
    Module { name: "mh", options: &[opt("--mh-type", Kind::NamedRange(MOBILITY))] },
    Module {
        name: "rt",
        options: &[
            number("--rt-type"),
            range("--rt-segsleft"),
            number("--rt-len"),
            flag("--rt-0-res"),
            opt("--rt-0-addrs", Kind::Addrs),
            flag("--rt-0-not-strict"),
        ],
    },
    Module {
        name: "srh",
        options: &[
            number("--srh-next-hdr"),
            number("--srh-hdr-len-eq"),
            number("--srh-hdr-len-gt"),
            number("--srh-hdr-len-lt"),
            number("--srh-segs-left-eq"),
            number("--srh-segs-left-gt"),
            number("--srh-segs-left-lt"),
            number("--srh-last-entry-eq"),
            number("--srh-last-entry-gt"),
            number("--srh-last-entry-lt"),
            number("--srh-tag"),
            opt("--srh-psid", Kind::NetLen),
            opt("--srh-nsid", Kind::NetLen),
            opt("--srh-lsid", Kind::NetLen),
        ],
    },
];
