//! The kinds of outputs that are told apart, and how each begins and goes on: one row a kind.
//!
//! `starts` looks at a line and at most three that follow it; `owns` at one line. Neither costs more than that line's length, so a file
//! is cut into sections in time linear in its size. What a line *means* is its parser's business.

use bundle::{Capture, Format};

use super::shape::{self, address, dev_route, hex, indented, number, words};

/// A kind of output.
pub(super) struct Kind {
    /// What prints it.
    pub name: &'static str,
    /// The capture that it becomes, the IPv4 one where there are two; `None` where this version has no use for it.
    pub capture: Option<Capture>,
    /// The form of its text.
    pub format: Format,
    /// Whether an output of this kind begins at the first of these lines.
    pub(super) starts: fn(&[&str]) -> bool,
    /// Whether a line belongs to it, once it has begun.
    pub(super) owns: fn(&str) -> bool,
    /// Whether a line, though it belongs to the kind, begins another output of it.
    pub(super) restarts: fn(&str) -> bool,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const fn kind(
    name: &'static str,
    capture: Option<Capture>,
    format: Format,
    starts: fn(&[&str]) -> bool,
    owns: fn(&str) -> bool,
    restarts: fn(&str) -> bool,
) -> Kind {
    Kind { name, capture, format, starts, owns, restarts }
}

fn never(_: &str) -> bool {
    false
}

fn first<'l>(lines: &[&'l str]) -> &'l str {
    lines.first().map_or("", |l| l.trim())
}

fn second<'l>(lines: &[&'l str]) -> &'l str {
    lines.get(1).map_or("", |l| l.trim())
}

macro_rules! starts {
    ($line:ident => $test:expr) => {
        |lines: &[&str]| {
            let $line = first(lines);
            $test
        }
    };
}

macro_rules! owns {
    ($line:ident => $test:expr) => {
        |line: &str| {
            let $line = line.trim();
            $test
        }
    };
}

/// All kinds of text. Where two would take a line, the first one has it.
pub(super) static TEXT: &[Kind] = &[
    // Rulesets.
    kind(
        "iptables-save",
        Some(Capture::IptablesNftSave),
        Format::IptablesSave,
        |lines| {
            shape::save_header(first(lines))
                || shape::save_line(first(lines))
                || (shape::append(first(lines)) && lines.iter().any(|l| shape::save_line(l.trim())))
        },
        owns!(l => shape::save_line(l) || shape::append(l) || l.starts_with('#') || l == "COMMIT"),
        never,
    ),
    kind(
        "iptables -S",
        Some(Capture::IptablesNftSave),
        Format::IptablesRules,
        starts!(l => shape::append(l) || shape::policy(l)),
        owns!(l => shape::append(l) || shape::policy(l)),
        never,
    ),
    kind(
        "iptables -L",
        Some(Capture::IptablesNftSave),
        Format::IptablesList,
        |lines| first(lines).starts_with("Chain ") && (first(lines).ends_with(')') || shape::list_head(second(lines))),
        owns!(l => l.starts_with("Chain ") || shape::list_head(l) || shape::list_row(l)),
        never,
    ),
    kind(
        "nft list ruleset",
        Some(Capture::NftRuleset),
        Format::NftText,
        |lines| shape::nft_table(first(lines)) || first(lines).starts_with("# Warning: table "),
        owns!(l => shape::nft_table(l) || l.starts_with("# Warning: table ") || l == "}"),
        never,
    ),
    kind(
        "ipset save",
        Some(Capture::IpsetSave),
        Format::IpsetSave,
        starts!(l => shape::ipset_create(l) || l.starts_with("add ") && words(l) >= 3 && !l.starts_with("add rule") && !l.starts_with("add table") && !l.starts_with("add chain")),
        owns!(l => l.starts_with("add ") || shape::ipset_create(l)),
        never,
    ),
    kind(
        "ipset list",
        Some(Capture::IpsetSave),
        Format::IpsetList,
        |lines| first(lines).starts_with("Name: ") && second(lines).starts_with("Type: "),
        owns!(l => shape::keyed(l, &["Name", "Type", "Revision", "Header", "Size in memory", "References", "Number of entries", "Members"]) || shape::set_member(l)),
        never,
    ),
    kind(
        "ipvsadm -Sn",
        Some(Capture::IpvsSave),
        Format::IpvsadmSave,
        starts!(l => shape::ipvs_rule(l)),
        owns!(l => shape::ipvs_rule(l)),
        never,
    ),
    kind(
        "/proc/net/ip_vs",
        Some(Capture::ProcIpVs),
        Format::Proc,
        |lines| {
            first(lines).starts_with("IP Virtual Server version")
                && lines.iter().any(|l| l.contains("RemoteAddress:Port Forward Weight"))
        },
        owns!(l => shape::ipvs_row(l)),
        owns!(l => l.starts_with("IP Virtual Server version")),
    ),
    kind(
        "ipvsadm -Ln --stats",
        Some(Capture::IpvsStats),
        Format::IpvsadmList,
        |lines| lines.iter().take(2).any(|l| l.trim().starts_with("Prot LocalAddress:Port") && l.contains(" Conns ")),
        owns!(l => shape::ipvs_row(l)),
        owns!(l => l.starts_with("IP Virtual Server version")),
    ),
    kind(
        "ipvsadm -Ln",
        Some(Capture::IpvsSave),
        Format::IpvsadmList,
        |lines| {
            first(lines).starts_with("IP Virtual Server version")
                || first(lines).starts_with("Prot LocalAddress:Port")
                || (shape::ipvs_row(first(lines)) && !first(lines).starts_with("->") && second(lines).starts_with("-> "))
        },
        owns!(l => shape::ipvs_row(l)),
        owns!(l => l.starts_with("IP Virtual Server version")),
    ),
    kind(
        "ipvsadm -L --timeout",
        Some(Capture::IpvsTimeouts),
        Format::IpvsadmList,
        starts!(l => l.starts_with("Timeout (tcp tcpfin udp):")),
        never,
        never,
    ),
    kind(
        "ipvsadm -Lnc",
        Some(Capture::ProcIpVsConn),
        Format::IpvsadmList,
        starts!(l => l == "IPVS connection entries" || l.starts_with("pro expire state")),
        owns!(l => l.starts_with("pro expire") || shape::protocol_row(l)),
        never,
    ),
    kind(
        "/proc/net/ip_vs_conn",
        Some(Capture::ProcIpVsConn),
        Format::Proc,
        starts!(l => l.starts_with("Pro FromIP   FPrt")),
        owns!(l => shape::protocol_row(l)),
        never,
    ),
    kind(
        "/proc/net/ip_vs_stats",
        None,
        Format::Proc,
        starts!(l => l.starts_with("Total Incoming Outgoing")),
        owns!(l => l.split_whitespace().all(hex) || l.starts_with("Conns")),
        never,
    ),
    // Connection tracking.
    kind(
        "conntrack -L",
        Some(Capture::Conntrack),
        Format::ConntrackExtended,
        starts!(l => shape::flow(l)),
        owns!(l => shape::flow(l) || shape::flow_trailer(l)),
        never,
    ),
    kind(
        "conntrack -S",
        Some(Capture::ConntrackStats),
        Format::ConntrackStats,
        starts!(l => l.starts_with("cpu=") && l.split_whitespace().nth(1).is_some_and(|w| w.starts_with("found=") || w.starts_with("searched="))),
        owns!(l => l.starts_with("cpu=")),
        never,
    ),
    kind(
        "another file of /proc/net/stat",
        None,
        Format::Proc,
        starts!(l => l.starts_with("entries ") && !l.contains(" expect_new")),
        owns!(l => l.split_whitespace().all(hex)),
        never,
    ),
    kind(
        "/proc/net/stat/nf_conntrack",
        Some(Capture::ProcStatNfConntrack),
        Format::Proc,
        starts!(l => l.starts_with("entries ") && l.contains(" expect_new")),
        owns!(l => l.split_whitespace().all(hex)),
        owns!(l => l.starts_with("entries ")),
    ),
    // iproute2, text.
    kind(
        "bridge link",
        Some(Capture::BridgeLink),
        Format::IprouteText,
        starts!(l => shape::numbered_link(l) && l.contains(" master ") && l.contains(" state ") && l.contains(" priority ")),
        |l| indented(l) || shape::numbered_link(l.trim()),
        never,
    ),
    kind(
        "ip addr",
        Some(Capture::IpAddr),
        Format::IprouteText,
        |lines| {
            shape::numbered_link(first(lines))
                || shape::one_line_addr(first(lines))
                || (shape::addr_line(first(lines)) && lines.iter().any(|l| shape::lft_line(l.trim())))
        },
        |l| shape::numbered_link(l.trim()) || shape::one_line_addr(l.trim()) || indented(l) || shape::addr_line(l.trim()),
        owns!(l => l.starts_with("1: lo: ") || l.starts_with("1: lo    ")),
    ),
    kind(
        "ip -br addr",
        Some(Capture::IpAddr),
        Format::IprouteText,
        starts!(l => shape::brief(l)),
        owns!(l => shape::brief(l)),
        owns!(l => l.starts_with("lo ")),
    ),
    kind(
        "ip rule",
        Some(Capture::IpRule4),
        Format::IprouteText,
        starts!(l => shape::policy_rule(l)),
        owns!(l => shape::policy_rule(l)),
        owns!(l => l.starts_with("0:")),
    ),
    kind(
        "ip neigh",
        Some(Capture::IpNeigh),
        Format::IprouteText,
        starts!(l => shape::neighbour(l)),
        owns!(l => shape::neighbour(l)),
        never,
    ),
    kind(
        "bridge fdb",
        Some(Capture::BridgeFdb),
        Format::IprouteText,
        starts!(l => shape::mac(l.split(' ').next().unwrap_or_default()) && l.contains(" dev ")),
        owns!(l => shape::mac(l.split(' ').next().unwrap_or_default())),
        never,
    ),
    kind(
        "bridge vlan",
        Some(Capture::BridgeVlan),
        Format::IprouteText,
        starts!(l => l.starts_with("port") && l.contains("vlan") && words(l) <= 4),
        |l| indented(l) || words(l) <= 6 && number(l.split_whitespace().nth(1).unwrap_or_default()),
        never,
    ),
    kind(
        "ip nexthop",
        Some(Capture::IpNexthop),
        Format::IprouteText,
        starts!(l => l.starts_with("id ") && number(l.split(' ').nth(1).unwrap_or_default()) && (l.contains(" dev ") || l.contains(" via ") || l.contains(" group ") || l.contains("blackhole"))),
        owns!(l => l.starts_with("id ")),
        never,
    ),
    kind(
        "ip netconf",
        None,
        Format::Text,
        starts!(l => (l.starts_with("inet ") || l.starts_with("inet6 ") || l.starts_with("ipv4 ") || l.starts_with("ipv6 ")) && l.contains(" forwarding ")),
        owns!(l => l.contains(" forwarding ") || l.contains("proxy_neigh")),
        never,
    ),
    kind(
        "ip maddr",
        None,
        Format::Text,
        |lines| {
            first(lines).split_once(":\t").is_some_and(|(n, d)| number(n) && words(d) == 1)
                || first(lines).split_once(": ").is_some_and(|(n, d)| number(n) && words(d) == 1)
                    && second(lines).starts_with("link ")
        },
        |l| indented(l) || l.split_once(':').is_some_and(|(n, _)| number(n)),
        never,
    ),
    kind(
        "ip route",
        Some(Capture::IpRoute4),
        Format::IprouteText,
        starts!(l => dev_route(l)),
        |l| dev_route(l.trim()) || indented(l) && l.trim_start().starts_with("nexthop "),
        never,
    ),
    kind(
        "tc",
        None,
        Format::Text,
        starts!(l => (l.starts_with("qdisc ") || l.starts_with("filter ") || l.starts_with("class ")) && (l.contains(" dev ") || l.contains(" parent ") || l.contains(" protocol "))),
        |l| indented(l) || l.starts_with("qdisc ") || l.starts_with("filter ") || l.starts_with("class "),
        never,
    ),
    // net-tools and their files.
    kind(
        "ifconfig",
        Some(Capture::IpAddr),
        Format::NetTools,
        starts!(l => l.contains(": flags=") && l.contains("mtu") || l.contains("Link encap:")),
        |l| indented(l) || l.contains(": flags=") || l.contains("Link encap:"),
        never,
    ),
    kind(
        "route -n",
        Some(Capture::IpRoute4),
        Format::NetTools,
        |lines| shape::route_head(first(lines)) || shape::route_title(first(lines)),
        owns!(l => shape::route_head(l) || shape::route_row(l)),
        owns!(l => shape::route_title(l)),
    ),
    kind(
        "/proc/net/route",
        Some(Capture::IpRoute4),
        Format::Proc,
        starts!(l => l.starts_with("Iface\t") && l.contains("Gateway")),
        owns!(l => words(l) >= 8 && l.split_whitespace().nth(1).is_some_and(hex)),
        never,
    ),
    kind(
        "/proc/net/ipv6_route",
        Some(Capture::IpRoute6),
        Format::Proc,
        starts!(l => shape::ipv6_route(l)),
        owns!(l => shape::ipv6_route(l)),
        never,
    ),
    kind(
        "/proc/net/arp",
        Some(Capture::IpNeigh),
        Format::Proc,
        starts!(l => l.starts_with("IP address ") && l.contains("HW type")),
        owns!(l => address(l.split(' ').next().unwrap_or_default())),
        never,
    ),
    kind(
        "arp -n",
        Some(Capture::IpNeigh),
        Format::NetTools,
        starts!(l => l.starts_with("Address ") && l.contains("HWtype")),
        owns!(l => words(l) >= 3 && (l.contains("ether") || l.contains("incomplete"))),
        never,
    ),
    kind(
        "/proc/net/dev",
        Some(Capture::ProcNetDev),
        Format::Proc,
        starts!(l => l.starts_with("Inter-|")),
        owns!(l => l.starts_with("face |") || l.split_once(':').is_some_and(|(_, r)| words(r) >= 8)),
        never,
    ),
    kind(
        "/proc/net/dev_mcast",
        None,
        Format::Proc,
        starts!(l => words(l) == 5 && number(l.split_whitespace().next().unwrap_or_default()) && l.split_whitespace().nth(4).is_some_and(|w| w.len() == 12 && hex(w))),
        owns!(l => words(l) == 5),
        never,
    ),
    kind(
        "/proc/net/if_inet6",
        None,
        Format::Proc,
        starts!(l => words(l) == 6 && l.split_whitespace().next().is_some_and(|w| w.len() == 32 && hex(w))),
        owns!(l => words(l) == 6),
        never,
    ),
    kind(
        "/proc/net/fib_trie",
        None,
        Format::Proc,
        starts!(l => l == "Main:" || l == "Local:" || l.starts_with("+-- ")),
        |l| indented(l) || matches!(l.trim(), "Main:" | "Local:"),
        never,
    ),
    kind(
        "/proc/net/fib_triestat",
        None,
        Format::Proc,
        starts!(l => l.starts_with("Basic info:")),
        |l| indented(l) || matches!(l.trim(), "Main:" | "Local:" | "Counters:" | "---------"),
        never,
    ),
    kind(
        "/proc/net/igmp",
        None,
        Format::Proc,
        starts!(l => l.starts_with("Idx\tDevice")),
        |l| indented(l) || l.starts_with(|c: char| c.is_ascii_digit()),
        never,
    ),
    // Counters.
    kind(
        "/proc/net/snmp",
        Some(Capture::ProcNetSnmp),
        Format::Proc,
        starts!(l => l.starts_with("Ip: Forwarding ")),
        owns!(l => shape::keyed(l, &["Ip", "Icmp", "IcmpMsg", "Tcp", "Udp", "UdpLite"])),
        owns!(l => l.starts_with("Ip: Forwarding ")),
    ),
    kind(
        "/proc/net/snmp6",
        Some(Capture::ProcNetSnmp6),
        Format::Proc,
        starts!(l => l.starts_with("Ip6InReceives")),
        owns!(l => words(l) == 2 && (l.starts_with("Ip6") || l.starts_with("Icmp6") || l.starts_with("Udp6") || l.starts_with("UdpLite6"))),
        never,
    ),
    kind(
        "/proc/net/netstat",
        Some(Capture::ProcNetNetstat),
        Format::Proc,
        starts!(l => l.starts_with("TcpExt: SyncookiesSent")),
        owns!(l => shape::keyed(l, &["TcpExt", "IpExt", "MPTcpExt"])),
        owns!(l => l.starts_with("TcpExt: SyncookiesSent")),
    ),
    kind(
        "/proc/net/sockstat",
        Some(Capture::ProcNetSockstat),
        Format::Proc,
        starts!(l => l.starts_with("sockets: used ")),
        owns!(l => shape::keyed(l, &["TCP", "UDP", "UDPLITE", "RAW", "FRAG"])),
        never,
    ),
    kind(
        "/proc/net/sockstat6",
        Some(Capture::ProcNetSockstat6),
        Format::Proc,
        starts!(l => l.starts_with("TCP6: inuse ")),
        owns!(l => shape::keyed(l, &["UDP6", "UDPLITE6", "RAW6", "FRAG6"])),
        never,
    ),
    kind(
        "/proc/net/softnet_stat",
        Some(Capture::ProcNetSoftnetStat),
        Format::Proc,
        starts!(l => shape::softnet(l)),
        owns!(l => shape::softnet(l)),
        never,
    ),
    kind(
        "/proc/net/tcp or udp",
        Some(Capture::ProcNetTcp),
        Format::Proc,
        starts!(l => l.starts_with("sl ") && l.contains("local_address")),
        owns!(l => l.split_once(':').is_some_and(|(n, _)| number(n))),
        owns!(l => l.starts_with("sl ")),
    ),
    kind(
        "ss -tulpn",
        Some(Capture::Listeners),
        Format::Ss,
        starts!(l => shape::socket(l) || l.starts_with("Netid") && l.contains("State")),
        owns!(l => shape::socket(l)),
        owns!(l => l.starts_with("Netid")),
    ),
    kind(
        "ss -s",
        None,
        Format::Ss,
        |lines| first(lines).starts_with("Total: ") && second(lines).starts_with("TCP: "),
        owns!(l => words(l) <= 12 && l.starts_with(|c: char| c.is_ascii_uppercase())),
        never,
    ),
    kind(
        "ss without -u or -t both",
        None,
        Format::Ss,
        starts!(l => shape::bare_socket(l)),
        owns!(l => shape::bare_socket(l)),
        never,
    ),
    // The machine.
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
    // Configuration.
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

/// The kind with this name.
pub(super) fn named(name: &str) -> Option<&'static Kind> {
    TEXT.iter().chain(JSON).find(|k| k.name == name)
}

fn no_start(_: &[&str]) -> bool {
    false
}

const fn json(name: &'static str, capture: Option<Capture>, format: Format) -> Kind {
    kind(name, capture, format, no_start, never, never)
}

/// All kinds of JSON; which one a document is, its keys tell.
pub(super) static JSON: &[Kind] = &[
    json("nft -j list ruleset", Some(Capture::NftRuleset), Format::NftJson),
    json("ip -j addr", Some(Capture::IpAddr), Format::IprouteJson),
    json("ip -j link", Some(Capture::IpLink), Format::IprouteJson),
    json("ip -j route", Some(Capture::IpRoute4), Format::IprouteJson),
    json("ip -j rule", Some(Capture::IpRule4), Format::IprouteJson),
    json("ip -j neigh", Some(Capture::IpNeigh), Format::IprouteJson),
    json("ip -j nexthop", Some(Capture::IpNexthop), Format::IprouteJson),
    json("bridge -j fdb", Some(Capture::BridgeFdb), Format::IprouteJson),
    json("bridge -j link", Some(Capture::BridgeLink), Format::IprouteJson),
    json("bridge -j vlan", Some(Capture::BridgeVlan), Format::IprouteJson),
    json("tc -j qdisc", Some(Capture::TcQdisc), Format::IprouteJson),
    json("CNI configuration", Some(Capture::CniConfig), Format::ConfigFile),
    json("flannel's net-conf.json", Some(Capture::FlannelNetConf), Format::ConfigFile),
    json("kube-proxy configuration in JSON", Some(Capture::KubeProxyConfig), Format::ConfigFile),
    json("kubelet configuration in JSON", Some(Capture::KubeletConfig), Format::ConfigFile),
    json("a Kubernetes object in JSON", None, Format::Text),
    json("container log in JSON", None, Format::Text),
];
