//! Matches on what this node knows of a packet: owner, control group, CPU, device group, time, reverse path, cluster.

use crate::parse::iptables::option::{Kind, Module, Radix, flag, hex, mark, number, opt, text};

const WEEKDAYS: &[(&str, u64)] = &[
    ("Mon", 1),
    ("Tue", 2),
    ("Wed", 3),
    ("Thu", 4),
    ("Fri", 5),
    ("Sat", 6),
    ("Sun", 7),
    ("Mo", 1),
    ("Tu", 2),
    ("We", 3),
    ("Th", 4),
    ("Fr", 5),
    ("Sa", 6),
    ("Su", 7),
];

pub(super) const MODULES: &[Module] = &[
    Module { name: "cgroup", options: &[number("--cgroup"), text("--path")] },
    Module {
        name: "cluster",
        options: &[
            number("--cluster-total-nodes"),
            number("--cluster-local-node"),
            hex("--cluster-local-nodemask", 8),
            opt("--cluster-hash-seed", Kind::Number(Radix::Hex(8))),
        ],
    },
    Module { name: "cpu", options: &[number("--cpu")] },
    Module { name: "devgroup", options: &[mark("--src-group", false), mark("--dst-group", false)] },
    Module {
        name: "owner",
        options: &[
            opt("--uid-owner", Kind::RangeOrName('-')),
            opt("--gid-owner", Kind::RangeOrName('-')),
            flag("--socket-exists"),
            flag("--suppl-groups"),
            // Until iptables 1.4.
            number("--pid-owner"),
            number("--sid-owner"),
            text("--cmd-owner"),
        ],
    },
    Module { name: "rpfilter", options: &[flag("--loose"), flag("--validmark"), flag("--accept-local"), flag("--invert")] },
    Module {
        name: "time",
        options: &[
            opt("--datestart", Kind::Date),
            opt("--datestop", Kind::Date),
            opt("--timestart", Kind::Clock),
            opt("--timestop", Kind::Clock),
            opt("--monthdays", Kind::Days),
            opt("--weekdays", Kind::Names(WEEKDAYS)),
            flag("--contiguous"),
            flag("--kerneltz"),
            // Until iptables 1.4.
            flag("--utc"),
            flag("--localtz"),
        ],
    },
];
