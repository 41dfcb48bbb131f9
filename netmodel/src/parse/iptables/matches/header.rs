//! Matches on the headers of IPv4 and of transports: ah, esp, ecn, tos, sctp's chunks, dccp's types, osf, ….

use crate::parse::iptables::option::{Kind, Masked, Module, Radix, flag, mark, number, opt, range, text};

/// DCCP's packet types by their number (RFC 4340, 5.1); INVALID is all above.
const DCCP: &[&str] =
    &["REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID"];

/// The names of DiffServ's classes and their values (RFC 2474, 2597, 3246).
pub(in crate::parse::iptables) const DSCP_CLASSES: &[(&str, u64)] = &[
    ("CS0", 0x00),
    ("CS1", 0x08),
    ("CS2", 0x10),
    ("CS3", 0x18),
    ("CS4", 0x20),
    ("CS5", 0x28),
    ("CS6", 0x30),
    ("CS7", 0x38),
    ("BE", 0x00),
    ("AF11", 0x0a),
    ("AF12", 0x0c),
    ("AF13", 0x0e),
    ("AF21", 0x12),
    ("AF22", 0x14),
    ("AF23", 0x16),
    ("AF31", 0x1a),
    ("AF32", 0x1c),
    ("AF33", 0x1e),
    ("AF41", 0x22),
    ("AF42", 0x24),
    ("AF43", 0x26),
    ("EF", 0x2e),
];

pub(super) const MODULES: &[Module] = &[
    Module { name: "ah", options: &[range("--ahspi"), number("--ahlen"), flag("--ahres")] },
    Module { name: "esp", options: &[range("--espspi")] },
    Module { name: "ipcomp", options: &[range("--ipcompspi"), flag("--compres")] },
    Module { name: "dccp", options: &[opt("--dccp-types", Kind::Bits(DCCP)), number("--dccp-option")] },
    Module { name: "sctp", options: &[opt("--chunk-types", Kind::Words)] },
    Module { name: "tcpmss", options: &[range("--mss")] },
    Module { name: "dscp", options: &[opt("--dscp-class", Kind::Named(Radix::Hex(2), DSCP_CLASSES))] },
    Module { name: "ecn", options: &[flag("--ecn-tcp-cwr"), flag("--ecn-tcp-ece"), number("--ecn-ip-ect")] },
    Module { name: "tos", options: &[opt("--tos", Kind::Mark(Masked { radix: Radix::Hex(2), full: 0xff, always: true }))] },
    Module { name: "osf", options: &[text("--genre"), number("--ttl"), number("--log")] },
    Module { name: "realm", options: &[mark("--realm", false)] },
    Module { name: "pkttype", options: &[opt("--pkt-type", Kind::Choice(&["unicast", "broadcast", "multicast", "otherhost"]))] },
    Module {
        name: "policy",
        options: &[
            opt("--dir", Kind::Choice(&["in", "out"])),
            opt("--pol", Kind::Choice(&["none", "ipsec"])),
            flag("--strict"),
            number("--reqid"),
            opt("--spi", Kind::Number(Radix::Hex(0))),
            opt("--proto", Kind::RangeOrName('-')),
            opt("--mode", Kind::Choice(&["transport", "tunnel"])),
            opt("--tunnel-dst", Kind::Net),
            opt("--tunnel-src", Kind::Net),
            flag("--next"),
        ],
    },
];
