//! Kinds of configuration files, and of what a tool complains about.

use bundle::{Capture, Format};

use super::{Kind, first, kind, never, owns, second, starts};
use crate::loose::shape::{self, address};

pub(super) static KINDS: &[Kind] = &[
    kind(
        "kube-proxy configuration",
        Some(Capture::KubeProxyConfig),
        Format::ConfigFile,
        |lines| shape::yaml_kind(lines, "kubeproxy.config.k8s.io", "KubeProxyConfiguration"),
        shape::yaml,
        never,
    ),
    kind(
        "kubelet configuration",
        Some(Capture::KubeletConfig),
        Format::ConfigFile,
        |lines| shape::yaml_kind(lines, "kubelet.config.k8s.io", "KubeletConfiguration"),
        shape::yaml,
        never,
    ),
    kind("a Kubernetes object", None, Format::Text, starts!(l => l.starts_with("apiVersion: ")), shape::yaml, never),
    kind(
        "subnet.env",
        Some(Capture::FlannelSubnetEnv),
        Format::ConfigFile,
        starts!(l => l.starts_with("FLANNEL_")),
        owns!(l => l.starts_with("FLANNEL_")),
        never,
    ),
    kind(
        "resolv.conf",
        Some(Capture::ResolvConf),
        Format::ConfigFile,
        |lines| {
            shape::resolv(first(lines)) || first(lines).starts_with(['#', ';']) && lines.iter().any(|l| shape::resolv(l.trim()))
        },
        owns!(l => shape::resolv(l) || l.starts_with(['#', ';']) || l.starts_with("options ") || l.starts_with("search ") || l.starts_with("sortlist ") || l.starts_with("nameserver ")),
        never,
    ),
    kind(
        "hosts",
        Some(Capture::Hosts),
        Format::ConfigFile,
        |lines| shape::hosts(first(lines)) || first(lines).starts_with('#') && lines.iter().any(|l| shape::hosts(l.trim())),
        owns!(l => l.starts_with('#') || address(l.split_whitespace().next().unwrap_or_default())),
        never,
    ),
    kind(
        "nsswitch.conf",
        Some(Capture::Nsswitch),
        Format::ConfigFile,
        |lines| {
            lines.iter().any(|l| shape::nsswitch(l.trim())) && (shape::nsswitch(first(lines)) || first(lines).starts_with('#'))
        },
        owns!(l => shape::nsswitch(l) || l.starts_with('#')),
        never,
    ),
    kind(
        "sysctl",
        Some(Capture::Sysctl),
        Format::SysctlA,
        |lines| {
            shape::sysctl(first(lines))
                || shape::sysctl_noise(first(lines))
                || first(lines).starts_with(['#', ';']) && lines.iter().any(|l| shape::sysctl(l.trim()))
        },
        owns!(l => shape::sysctl(l) || shape::sysctl_noise(l) || l.starts_with(['#', ';'])),
        never,
    ),
    kind(
        "files of /proc/sys/net",
        Some(Capture::Sysctl),
        Format::SysctlA,
        |lines| shape::below_net(first(lines)) && (lines.len() == 1 || shape::below_net(second(lines))),
        owns!(l => shape::below_net(l)),
        never,
    ),
    kind("a tool's error message", None, Format::Text, starts!(l => shape::complaint(l)), never, never),
];
