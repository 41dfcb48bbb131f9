//! Targets that change the packet or its marks; it goes on to the next rule.

use crate::parse::iptables::matches::DSCP_CLASSES;
use crate::parse::iptables::option::{Kind, Masked, Module, Radix, Spec, flag, hex, mark, number, opt};

const BITS: Kind = Kind::Number(Radix::Hex(0));

/// RFC 1323, 2018, 2385: options of TCP under the names that iptables takes.
const TCP_OPTIONS: &[(&str, u64)] =
    &[("wscale", 3), ("mss", 2), ("sack-permitted", 4), ("sack", 5), ("timestamp", 8), ("md5", 19)];

const TOS: Kind = Kind::Mark(Masked { radix: Radix::Hex(2), full: 0xff, always: true });

pub(super) const TARGETS: &[Module] = &[
    Module {
        name: "MARK",
        options: &[
            mark("--set-xmark", true),
            mark("--set-mark", true),
            opt("--and-mark", BITS),
            opt("--or-mark", BITS),
            opt("--xor-mark", BITS),
        ],
    },
    Module {
        name: "CONNMARK",
        options: &[
            mark("--set-xmark", true),
            mark("--set-mark", true),
            opt("--and-mark", BITS),
            opt("--or-mark", BITS),
            opt("--xor-mark", BITS),
            flag("--save-mark"),
            flag("--restore-mark"),
            opt("--nfmask", BITS),
            opt("--ctmask", BITS),
            opt("--mask", BITS),
            // Of iptables 1.8.10 and later: what the mark then becomes is not modelled, so that the target counts as not understood.
            number("--left-shift-mark"),
            number("--right-shift-mark"),
        ],
    },
    Module { name: "CHECKSUM", options: &[flag("--checksum-fill")] },
    Module { name: "CLASSIFY", options: &[opt("--set-class", Kind::Class)] },
    Module { name: "DSCP", options: &[hex("--set-dscp", 2), opt("--set-dscp-class", Kind::Named(Radix::Hex(2), DSCP_CLASSES))] },
    Module { name: "TOS", options: &[opt("--set-tos", TOS), hex("--and-tos", 2), hex("--or-tos", 2), hex("--xor-tos", 2)] },
    Module {
        name: "ECN",
        options: &[flag("--ecn-tcp-remove"), number("--ecn-tcp-cwr"), number("--ecn-tcp-ece"), number("--ecn-ip-ect")],
    },
    Module { name: "TTL", options: &[number("--ttl-set"), number("--ttl-dec"), number("--ttl-inc")] },
    Module { name: "HL", options: &[number("--hl-set"), number("--hl-dec"), number("--hl-inc")] },
    Module { name: "TCPMSS", options: &[number("--set-mss"), flag("--clamp-mss-to-pmtu")] },
    Module { name: "TCPOPTSTRIP", options: &[opt("--strip-options", Kind::Numbers(TCP_OPTIONS))] },
    Module {
        name: "HMARK",
        options: &[
            opt("--hmark-tuple", Kind::Bits(&["src", "dst", "sport", "dport", "spi", "ct"])),
            number("--hmark-src-prefix"),
            number("--hmark-dst-prefix"),
            hex("--hmark-sport-mask", 4),
            hex("--hmark-dport-mask", 4),
            hex("--hmark-spi-mask", 8),
            // The tool prints `--hmark-sport` and its like without `-mask` in some versions.
            Spec { name: "--hmark-proto-mask", alias: "", kind: Kind::Number(Radix::Hex(2)) },
            hex("--hmark-sport", 4),
            hex("--hmark-dport", 4),
            hex("--hmark-spi", 8),
            hex("--hmark-rnd", 8),
            number("--hmark-mod"),
            number("--hmark-offset"),
        ],
    },
];
