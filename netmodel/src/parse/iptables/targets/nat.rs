//! Targets that translate addresses, and those that answer in the packet's stead.

use crate::parse::iptables::option::{Kind, Module, Radix, flag, mark, number, opt, text};

const PORTS: Kind = Kind::Range('-', Radix::Dec);

pub(super) const TARGETS: &[Module] = &[
    Module { name: "DNAT", options: &[text("--to-destination"), flag("--random"), flag("--random-fully"), flag("--persistent")] },
    Module { name: "SNAT", options: &[text("--to-source"), flag("--random"), flag("--random-fully"), flag("--persistent")] },
    Module { name: "MASQUERADE", options: &[opt("--to-ports", PORTS), flag("--random"), flag("--random-fully")] },
    Module { name: "REDIRECT", options: &[opt("--to-ports", PORTS), flag("--random"), flag("--random-fully")] },
    Module { name: "NETMAP", options: &[opt("--to", Kind::NetLen)] },
    Module { name: "TPROXY", options: &[number("--on-port"), opt("--on-ip", Kind::Addr), mark("--tproxy-mark", true)] },
    Module { name: "DNPT", options: &[opt("--src-pfx", Kind::NetLen), opt("--dst-pfx", Kind::NetLen)] },
    Module { name: "SNPT", options: &[opt("--src-pfx", Kind::NetLen), opt("--dst-pfx", Kind::NetLen)] },
    Module {
        name: "CLUSTERIP",
        options: &[
            flag("--new"),
            opt("--hashmode", Kind::Choice(&["sourceip", "sourceip-sourceport", "sourceip-sourceport-destport"])),
            text("--clustermac"),
            number("--total-nodes"),
            number("--local-node"),
            number("--hash-init"),
        ],
    },
    Module { name: "REJECT", options: &[text("--reject-with")] },
    Module {
        name: "SYNPROXY",
        options: &[flag("--sack-perm"), flag("--timestamp"), number("--wscale"), number("--mss"), flag("--ecn")],
    },
];
