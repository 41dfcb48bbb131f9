//! Targets that tell connection tracking what to do, and those of security labels.

use crate::parse::iptables::option::{Kind, Module, flag, opt, text};

const EVENTS: &[&str] = &[
    "new",
    "related",
    "destroy",
    "reply",
    "assured",
    "protoinfo",
    "helper",
    "mark",
    "natseqinfo",
    "secmark",
    "label",
    "synproxy",
];

pub(super) const TARGETS: &[Module] = &[
    Module {
        name: "CT",
        options: &[
            flag("--notrack"),
            text("--helper"),
            text("--timeout"),
            opt("--ctevents", Kind::Bits(EVENTS)),
            opt("--expevents", Kind::Bits(&["new"])),
            // A number, or `mark`: the packet's mark is the zone.
            opt("--zone", Kind::RangeOrName('-')),
            opt("--zone-orig", Kind::RangeOrName('-')),
            opt("--zone-reply", Kind::RangeOrName('-')),
        ],
    },
    Module { name: "NOTRACK", options: &[] },
    Module { name: "SECMARK", options: &[text("--selctx")] },
    Module { name: "CONNSECMARK", options: &[flag("--save"), flag("--restore")] },
];
