//! Kinds of what the machine is: its log, modules, features, mounts.

use bundle::{Capture, Format};

use super::{Kind, kind, never, owns, starts};
use crate::loose::shape::{self, indented, number, words};

pub(super) static KINDS: &[Kind] = &[
    kind("uname -a", None, Format::Text, starts!(l => shape::uname(l)), never, never),
    kind(
        "kernel log",
        Some(Capture::KernelLog),
        Format::KernelLog,
        starts!(l => shape::log_line(l)),
        owns!(l => shape::log_line(l)),
        never,
    ),
    kind(
        "/proc/modules",
        Some(Capture::Modules),
        Format::Proc,
        starts!(l => shape::module(l)),
        owns!(l => shape::module(l)),
        never,
    ),
    kind(
        "lsmod",
        Some(Capture::Modules),
        Format::Lsmod,
        starts!(l => l.starts_with("Module ") && l.contains("Used by")),
        owns!(l => words(l) >= 3 && words(l) <= 4 && number(l.split_whitespace().nth(1).unwrap_or_default())),
        never,
    ),
    kind(
        "modules.builtin",
        Some(Capture::ModulesBuiltin),
        Format::PathList,
        starts!(l => shape::module_path(l)),
        owns!(l => shape::module_path(l)),
        never,
    ),
    kind(
        "kernel configuration",
        Some(Capture::KernelConfig),
        Format::ConfigFile,
        |lines| {
            lines.iter().any(|l| {
                l.starts_with("CONFIG_") && l.contains('=')
                    || l.starts_with("# CONFIG_")
                    || l.contains("Automatically generated file; DO NOT EDIT")
            })
        },
        owns!(l => l.starts_with("CONFIG_") || l.starts_with('#')),
        never,
    ),
    kind(
        "os-release",
        Some(Capture::OsRelease),
        Format::ConfigFile,
        |lines| lines.iter().take(3).filter(|l| shape::os_release(l.trim())).count() >= 2,
        owns!(l => shape::assignment(l)),
        never,
    ),
    kind(
        "ethtool -k",
        Some(Capture::EthtoolFeatures),
        Format::Ethtool,
        starts!(l => l.starts_with("Features for ") || l.starts_with("Offload parameters for ")),
        owns!(l => l.contains(": on") || l.contains(": off")),
        owns!(l => l.starts_with("Features for ")),
    ),
    kind(
        "ethtool -S",
        Some(Capture::EthtoolStats),
        Format::Ethtool,
        starts!(l => l == "NIC statistics:"),
        |l| indented(l) && l.contains(':'),
        owns!(l => l == "NIC statistics:"),
    ),
    kind(
        "/proc/cmdline",
        Some(Capture::KernelCmdline),
        Format::Proc,
        starts!(l => l.starts_with("BOOT_IMAGE=") || l.contains(" root=/dev/") || l.contains("console=tty")),
        never,
        never,
    ),
    kind("/proc/meminfo", None, Format::Proc, starts!(l => l.starts_with("MemTotal:")), owns!(l => l.contains(':')), never),
    kind(
        "/proc/filesystems",
        None,
        Format::Proc,
        starts!(l => l.starts_with("nodev\t")),
        |l| l.starts_with("nodev\t") || l.starts_with('\t'),
        never,
    ),
    kind(
        "/proc/mounts",
        None,
        Format::Proc,
        starts!(l => words(l) == 6 && l.ends_with(" 0 0")),
        owns!(l => words(l) == 6),
        never,
    ),
    kind(
        "/proc/net/protocols",
        None,
        Format::Proc,
        starts!(l => l.starts_with("protocol ") && l.contains("sockets")),
        owns!(l => words(l) > 8),
        never,
    ),
    kind(
        "df, ps, kubectl or another table",
        None,
        Format::Text,
        starts!(l => l.starts_with("NAME ") || l.starts_with("NAMESPACE ") || l.starts_with("Filesystem ") || l.starts_with("  PID ")),
        owns!(l => words(l) >= 2),
        never,
    ),
];
