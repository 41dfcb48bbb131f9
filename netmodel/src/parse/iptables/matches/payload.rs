//! Matches on bytes of the packet. Their programs are kept as text: a packet is not modelled to its bytes.

use crate::parse::iptables::option::{Kind, Module, flag, number, opt, text};

pub(super) const MODULES: &[Module] = &[
    Module { name: "bpf", options: &[text("--bytecode"), text("--object-pinned")] },
    Module {
        name: "string",
        options: &[
            text("--string"),
            text("--hex-string"),
            opt("--algo", Kind::Choice(&["bm", "kmp"])),
            number("--from"),
            number("--to"),
            flag("--icase"),
        ],
    },
    Module { name: "u32", options: &[text("--u32")] },
];
