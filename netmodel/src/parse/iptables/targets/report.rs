//! Targets that tell somebody: logs, queues, triggers, timers, audits, estimators.

use crate::parse::iptables::option::{Kind, Module, Radix, Spec, flag, number, opt, text};

/// syslog(3)'s levels.
const LEVELS: &[(&str, u64)] = &[
    ("emerg", 0),
    ("panic", 0),
    ("alert", 1),
    ("crit", 2),
    ("err", 3),
    ("error", 3),
    ("warning", 4),
    ("warn", 4),
    ("notice", 5),
    ("info", 6),
    ("debug", 7),
];

pub(super) const TARGETS: &[Module] = &[
    Module {
        name: "LOG",
        options: &[
            text("--log-prefix"),
            opt("--log-level", Kind::Named(Radix::Dec, LEVELS)),
            flag("--log-tcp-sequence"),
            flag("--log-tcp-options"),
            flag("--log-ip-options"),
            flag("--log-uid"),
            flag("--log-macdecode"),
        ],
    },
    Module {
        name: "NFLOG",
        options: &[
            text("--nflog-prefix"),
            number("--nflog-group"),
            number("--nflog-range"),
            number("--nflog-size"),
            number("--nflog-threshold"),
        ],
    },
    Module {
        name: "ULOG",
        options: &[text("--ulog-prefix"), number("--ulog-nlgroup"), number("--ulog-cprange"), number("--ulog-qthreshold")],
    },
    Module {
        name: "NFQUEUE",
        options: &[
            number("--queue-num"),
            opt("--queue-balance", Kind::Range(':', Radix::Dec)),
            flag("--queue-bypass"),
            flag("--queue-cpu-fanout"),
        ],
    },
    Module { name: "TRACE", options: &[] },
    Module { name: "AUDIT", options: &[opt("--type", Kind::Choice(&["accept", "drop", "reject"]))] },
    Module { name: "IDLETIMER", options: &[number("--timeout"), text("--label"), flag("--alarm"), flag("--send_nl_msg")] },
    Module { name: "LED", options: &[text("--led-trigger-id"), text("--led-delay"), flag("--led-always-blink")] },
    Module {
        name: "RATEEST",
        options: &[
            text("--rateest-name"),
            opt("--rateest-interval", Kind::Micros),
            Spec { name: "--rateest-ewmalog", alias: "--rateest-ewma", kind: Kind::Micros },
        ],
    },
    Module { name: "TEE", options: &[opt("--gateway", Kind::Addr), text("--oif")] },
    Module {
        name: "SET",
        options: &[
            opt("--add-set", Kind::Set),
            opt("--del-set", Kind::Set),
            opt("--map-set", Kind::Set),
            flag("--exist"),
            number("--timeout"),
            flag("--map-mark"),
            flag("--map-prio"),
            flag("--map-queue"),
        ],
    },
];
