//! Matches on connections and on who owns them in the kernel: conntrack's further fields, labels, helpers, ipvs, sets' counters.

use crate::parse::iptables::option::{Kind, Module, flag, number, opt, range, text};

pub(super) const MODULES: &[Module] = &[
    // The rest of conntrack has records of its own.
    Module { name: "conntrack", options: &[range("--ctexpire")] },
    Module {
        name: "connbytes",
        options: &[
            range("--connbytes"),
            opt("--connbytes-mode", Kind::Choice(&["packets", "bytes", "avgpkt"])),
            opt("--connbytes-dir", Kind::Choice(&["original", "reply", "both"])),
        ],
    },
    Module { name: "connlabel", options: &[text("--label"), flag("--set")] },
    Module { name: "helper", options: &[text("--helper")] },
    Module {
        name: "ipvs",
        options: &[
            flag("--ipvs"),
            opt("--vproto", Kind::RangeOrName('-')),
            opt("--vaddr", Kind::Net),
            opt("--vport", Kind::RangeOrName('-')),
            opt("--vdir", Kind::Choice(&["ORIGINAL", "REPLY"])),
            opt("--vmethod", Kind::Choice(&["GATE", "IPIP", "MASQ"])),
            opt("--vportctl", Kind::RangeOrName('-')),
        ],
    },
    Module { name: "nfacct", options: &[text("--nfacct-name")] },
    // What stands behind `--match-set`.
    Module {
        name: "set",
        options: &[
            flag("--return-nomatch"),
            flag("--update-counters"),
            flag("--update-subcounters"),
            number("--packets-eq"),
            number("--packets-lt"),
            number("--packets-gt"),
            number("--bytes-eq"),
            number("--bytes-lt"),
            number("--bytes-gt"),
        ],
    },
    Module { name: "socket", options: &[flag("--transparent"), flag("--nowildcard"), flag("--restore-skmark")] },
];
