//! Matches that depend on what was seen before: rates, quotas, counts of connections, lists of addresses.

use crate::parse::iptables::option::{Kind, Module, Spec, flag, number, opt, text};

const HASHLIMIT_MODES: &[&str] = &["srcip", "srcport", "dstip", "dstport"];

pub(super) const MODULES: &[Module] = &[
    Module {
        name: "connlimit",
        options: &[
            number("--connlimit-upto"),
            number("--connlimit-above"),
            number("--connlimit-mask"),
            flag("--connlimit-saddr"),
            flag("--connlimit-daddr"),
        ],
    },
    Module {
        name: "hashlimit",
        options: &[
            // `--hashlimit` alone is the form of revision 0.
            Spec { name: "--hashlimit-upto", alias: "--hashlimit", kind: Kind::Rate },
            opt("--hashlimit-above", Kind::Rate),
            opt("--hashlimit-burst", Kind::Burst),
            opt("--hashlimit-mode", Kind::Bits(HASHLIMIT_MODES)),
            text("--hashlimit-name"),
            number("--hashlimit-srcmask"),
            number("--hashlimit-dstmask"),
            number("--hashlimit-htable-size"),
            number("--hashlimit-htable-max"),
            number("--hashlimit-htable-gcinterval"),
            number("--hashlimit-htable-expire"),
            flag("--hashlimit-rate-match"),
            number("--hashlimit-rate-interval"),
        ],
    },
    Module { name: "limit", options: &[opt("--limit", Kind::Rate), number("--limit-burst")] },
    Module { name: "quota", options: &[number("--quota")] },
    Module {
        name: "rateest",
        options: &[
            text("--rateest"),
            text("--rateest1"),
            text("--rateest2"),
            flag("--rateest-delta"),
            flag("--rateest-lt"),
            flag("--rateest-gt"),
            flag("--rateest-eq"),
            opt("--rateest-bps", Kind::MaybeText),
            opt("--rateest-bps1", Kind::MaybeText),
            opt("--rateest-bps2", Kind::MaybeText),
            opt("--rateest-pps", Kind::MaybeText),
            opt("--rateest-pps1", Kind::MaybeText),
            opt("--rateest-pps2", Kind::MaybeText),
        ],
    },
    Module {
        name: "recent",
        options: &[
            flag("--set"),
            flag("--rcheck"),
            flag("--update"),
            flag("--remove"),
            number("--seconds"),
            flag("--reap"),
            number("--hitcount"),
            flag("--rttl"),
            text("--name"),
            opt("--mask", Kind::Addr),
            flag("--rsource"),
            flag("--rdest"),
        ],
    },
];
