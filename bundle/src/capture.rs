//! The catalogue: every capture that a bundle can hold, as one enum that both binaries use.
//!
//! A capture is named after the thing that it shows, not after the way in which it was taken: the way stands in the manifest.

use serde::{Deserialize, Serialize};

/// In which of the known forms a capture's text is written.
///
/// Whatever way a capture was taken, its text has the form that the standard tool prints, so each form has one parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Format {
    /// `sysctl -a`: one `key = value` a line.
    SysctlA,
    /// `iptables-save -c` and its siblings.
    IptablesSave,
    /// `nft -j list ruleset`.
    NftJson,
    /// `ipset save`.
    IpsetSave,
    /// `ipvsadm -Sn`.
    IpvsadmSave,
    /// `ipvsadm -Ln` with `--stats`, `--timeout` or `-c`.
    IpvsadmList,
    /// `conntrack -L -o extended`, which is also the form of `/proc/net/nf_conntrack`.
    ConntrackExtended,
    /// `conntrack -S`.
    ConntrackStats,
    /// The JSON of iproute2: `ip -j`, `bridge -j`, `tc -j`.
    IprouteJson,
    /// One number.
    Number,
    /// A configuration file, as it stands on the node.
    ConfigFile,
    /// A file of /proc, as the kernel prints it.
    Proc,
    /// `ss -tulpn`-like text.
    Ss,
    /// `ethtool` text.
    Ethtool,
    /// Command lines, reduced to the flags that are listed in the collector: one `argv` a line.
    Cmdline,
    /// One path a line.
    PathList,
    /// Kernel log lines in the form of `dmesg` (seconds since boot in brackets).
    KernelLog,
    /// Text of another tool, as it prints it.
    Text,
    /// `iptables -S` (only pasted).
    IptablesRules,
    /// `iptables -L` with any of `-n -v -x --line-numbers` (only pasted).
    IptablesList,
    /// `nft list ruleset` without `-j` (only pasted).
    NftText,
    /// `ipset list` (only pasted).
    IpsetList,
    /// The text of iproute2: `ip`, `bridge` without `-j` (only pasted).
    IprouteText,
    /// net-tools: `ifconfig`, `route -n`, `netstat -rn`, `arp -n` (only pasted).
    NetTools,
    /// `lsmod` (only pasted).
    Lsmod,
}

/// Whether a capture exists once a node or once a network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One for the whole machine: files, modules, the kernel's log.
    Machine,
    /// One for each network namespace: the node's own and each pod's.
    Netns,
}

/// Whether a capture is one text or a family of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Multiplicity {
    /// One text.
    One,
    /// One text a network interface; the instance is the interface's name.
    PerInterface,
    /// One text a file; the instance is the file's absolute path on the node.
    PerFile,
    /// One text a process; the instance is `name[pid]`.
    PerProcess,
}

/// What the catalogue says about a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The capture.
    pub capture: Capture,
    /// Its name in the manifest, on the command line and in reports; never reused for another thing.
    pub name: &'static str,
    /// The form of its text.
    pub format: Format,
    /// Where it stands in the bundle, below `node/` or `pods/N/`: a file, or a folder for a family.
    pub file: &'static str,
    /// Once a machine or once a namespace.
    pub scope: Scope,
    /// One text or a family.
    pub multiplicity: Multiplicity,
    /// The format version (minor) in which it appeared.
    pub since_minor: u16,
    /// What it is for, in one line.
    pub purpose: &'static str,
}

macro_rules! catalogue {
    ($($variant:ident, $name:literal, $format:ident, $file:literal, $scope:ident, $mult:ident, $since:literal, $purpose:literal;)*) => {
        /// Every capture that a bundle can hold, in the order in which they are taken and written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Capture { $(#[doc = $purpose] $variant,)* }

        impl Capture {
            /// Every capture, in catalogue order.
            pub const ALL: &'static [Capture] = &[$(Capture::$variant,)*];

            /// What the catalogue says about this capture.
            #[must_use]
            pub fn spec(self) -> &'static Spec {
                match self {
                    $(Capture::$variant => &Spec {
                        capture: Capture::$variant, name: $name, format: Format::$format, file: $file, scope: Scope::$scope,
                        multiplicity: Multiplicity::$mult, since_minor: $since, purpose: $purpose,
                    },)*
                }
            }
        }
    };
}

// variant, name, format, file, scope, multiplicity, since (minor), purpose
catalogue! {
    // What changes fastest and what a verdict needs most comes first, close together in time.
    Sysctl, "sysctl", SysctlA, "sysctl.txt", Netns, One, 0, "Sysctls: all of net.* and the kernel.*, vm.* and fs.* that bear on the network";
    IpAddr, "ip-addr", IprouteJson, "ip-addr.json", Netns, One, 0, "Links with their addresses (ip -d -j addr)";
    IpLink, "ip-link", IprouteJson, "ip-link.json", Netns, One, 0, "Links with details and statistics (ip -s -d -j link)";
    IpRoute4, "ip-route4", IprouteJson, "ip-route4.json", Netns, One, 0, "IPv4 routes of all tables (ip -4 -d -j route show table all)";
    IpRoute6, "ip-route6", IprouteJson, "ip-route6.json", Netns, One, 0, "IPv6 routes of all tables (ip -6 -d -j route show table all)";
    IpRule4, "ip-rule4", IprouteJson, "ip-rule4.json", Netns, One, 0, "IPv4 policy routing rules (ip -4 -d -j rule)";
    IpRule6, "ip-rule6", IprouteJson, "ip-rule6.json", Netns, One, 0, "IPv6 policy routing rules (ip -6 -d -j rule)";
    IpNeigh, "ip-neigh", IprouteJson, "ip-neigh.json", Netns, One, 0, "Neighbour entries, IPv4 and IPv6 (ip -d -j neigh)";
    IpNexthop, "ip-nexthop", IprouteJson, "ip-nexthop.json", Netns, One, 0, "Next-hop objects (ip -d -j nexthop)";
    BridgeFdb, "bridge-fdb", IprouteJson, "bridge-fdb.json", Netns, One, 0, "Forwarding database of bridges and VXLAN devices (bridge -d -j fdb)";
    BridgeLink, "bridge-link", IprouteJson, "bridge-link.json", Netns, One, 0, "Bridge ports with hairpin, isolation and state (bridge -d -j link)";
    BridgeVlan, "bridge-vlan", IprouteJson, "bridge-vlan.json", Netns, One, 0, "VLANs of bridge ports (bridge -j vlan)";
    IptablesNftSave, "iptables-nft-save", IptablesSave, "iptables-nft-save.txt", Netns, One, 0, "IPv4 rules of the nft back end with counters (iptables-nft-save -c)";
    Ip6tablesNftSave, "ip6tables-nft-save", IptablesSave, "ip6tables-nft-save.txt", Netns, One, 0, "IPv6 rules of the nft back end with counters (ip6tables-nft-save -c)";
    IptablesLegacySave, "iptables-legacy-save", IptablesSave, "iptables-legacy-save.txt", Netns, One, 0, "IPv4 rules of the legacy back end with counters (iptables-legacy-save -c)";
    Ip6tablesLegacySave, "ip6tables-legacy-save", IptablesSave, "ip6tables-legacy-save.txt", Netns, One, 0, "IPv6 rules of the legacy back end with counters (ip6tables-legacy-save -c)";
    IpTablesNames, "ip-tables-names", Proc, "ip_tables_names.txt", Netns, One, 0, "Legacy IPv4 tables that are registered (/proc/net/ip_tables_names)";
    Ip6TablesNames, "ip6-tables-names", Proc, "ip6_tables_names.txt", Netns, One, 0, "Legacy IPv6 tables that are registered (/proc/net/ip6_tables_names)";
    NftRuleset, "nft-ruleset", NftJson, "nft-ruleset.json", Netns, One, 0, "The whole nftables ruleset (nft -j list ruleset)";
    IpsetSave, "ipset-save", IpsetSave, "ipset-save.txt", Netns, One, 0, "IP sets with their members (ipset save)";
    IpvsSave, "ipvs-save", IpvsadmSave, "ipvs-save.txt", Netns, One, 0, "ipvs services and destinations (ipvsadm -Sn)";
    IpvsStats, "ipvs-stats", IpvsadmList, "ipvs-stats.txt", Netns, One, 0, "ipvs statistics (ipvsadm -Ln --stats --exact)";
    IpvsTimeouts, "ipvs-timeouts", IpvsadmList, "ipvs-timeouts.txt", Netns, One, 0, "ipvs timeouts (ipvsadm -L --timeout)";
    ProcIpVs, "proc-ip-vs", Proc, "ip_vs.txt", Netns, One, 0, "ipvs services as the kernel prints them (/proc/net/ip_vs)";
    ProcIpVsConn, "proc-ip-vs-conn", Proc, "ip_vs_conn.txt", Netns, One, 0, "ipvs connections (/proc/net/ip_vs_conn)";
    Conntrack, "conntrack", ConntrackExtended, "conntrack.txt", Netns, One, 0, "Tracked connections (conntrack -L -o extended, or /proc/net/nf_conntrack)";
    ConntrackStats, "conntrack-stats", ConntrackStats, "conntrack-stats.txt", Netns, One, 0, "Per-CPU statistics of connection tracking (conntrack -S)";
    ProcStatNfConntrack, "proc-stat-nf-conntrack", Proc, "stat-nf_conntrack.txt", Netns, One, 0, "Per-CPU statistics as the kernel prints them (/proc/net/stat/nf_conntrack)";
    ProcNetSnmp, "proc-net-snmp", Proc, "snmp.txt", Netns, One, 0, "IPv4, ICMP, TCP and UDP counters (/proc/net/snmp)";
    ProcNetSnmp6, "proc-net-snmp6", Proc, "snmp6.txt", Netns, One, 0, "IPv6 counters (/proc/net/snmp6)";
    ProcNetNetstat, "proc-net-netstat", Proc, "netstat.txt", Netns, One, 0, "TcpExt and IpExt counters (/proc/net/netstat)";
    ProcNetDev, "proc-net-dev", Proc, "dev.txt", Netns, One, 0, "Interface counters (/proc/net/dev)";
    ProcNetSoftnetStat, "proc-net-softnet-stat", Proc, "softnet_stat.txt", Machine, One, 0, "Backlog drops and squeezes per CPU (/proc/net/softnet_stat)";
    ProcNetSockstat, "proc-net-sockstat", Proc, "sockstat.txt", Netns, One, 0, "Sockets in use, IPv4 (/proc/net/sockstat)";
    ProcNetSockstat6, "proc-net-sockstat6", Proc, "sockstat6.txt", Netns, One, 0, "Sockets in use, IPv6 (/proc/net/sockstat6)";
    ProcNetTcp, "proc-net-tcp", Proc, "tcp.txt", Netns, One, 0, "Listening TCP sockets, IPv4 (/proc/net/tcp)";
    ProcNetTcp6, "proc-net-tcp6", Proc, "tcp6.txt", Netns, One, 0, "Listening TCP sockets, IPv6 (/proc/net/tcp6)";
    ProcNetUdp, "proc-net-udp", Proc, "udp.txt", Netns, One, 0, "UDP sockets, IPv4 (/proc/net/udp)";
    ProcNetUdp6, "proc-net-udp6", Proc, "udp6.txt", Netns, One, 0, "UDP sockets, IPv6 (/proc/net/udp6)";
    Listeners, "listeners", Ss, "listeners.txt", Netns, One, 0, "Listening sockets with the process that owns them (ss -H -tulpn)";
    TcQdisc, "tc-qdisc", IprouteJson, "tc-qdisc.json", Netns, One, 0, "Queueing disciplines with statistics (tc -s -j qdisc)";
    EthtoolFeatures, "ethtool-features", Ethtool, "ethtool-features", Netns, PerInterface, 0, "Offloads of an interface (ethtool -k)";
    EthtoolStats, "ethtool-stats", Ethtool, "ethtool-stats", Netns, PerInterface, 0, "Driver statistics of an interface (ethtool -S)";
    ResolvConf, "resolv-conf", ConfigFile, "resolv.conf", Netns, One, 0, "The resolver configuration (/etc/resolv.conf)";
    ResolvedConf, "resolved-conf", ConfigFile, "resolved", Machine, PerFile, 0, "What systemd-resolved uses (/run/systemd/resolve/resolv.conf, resolved.conf)";
    Hosts, "hosts", ConfigFile, "hosts", Machine, One, 0, "/etc/hosts";
    Nsswitch, "nsswitch", ConfigFile, "nsswitch.conf", Machine, One, 0, "/etc/nsswitch.conf";
    SysctlD, "sysctl-d", ConfigFile, "sysctl-d", Machine, PerFile, 0, "Sysctls that are applied at boot (sysctl.d in all its folders, sysctl.conf)";
    ModulesLoadD, "modules-load-d", ConfigFile, "modules-load-d", Machine, PerFile, 0, "Modules that are loaded at boot (modules-load.d in all its folders, /etc/modules)";
    ModprobeD, "modprobe-d", ConfigFile, "modprobe-d", Machine, PerFile, 0, "Module options and blacklists (modprobe.d in all its folders)";
    Modules, "modules", Proc, "modules.txt", Machine, One, 0, "Loaded modules (/proc/modules)";
    ModulesBuiltin, "modules-builtin", PathList, "modules.builtin", Machine, One, 0, "Modules that are built into the kernel (/lib/modules/RELEASE/modules.builtin)";
    KernelConfig, "kernel-config", ConfigFile, "kernel-config.txt", Machine, One, 0, "Build options of the kernel (/proc/config.gz or /boot/config-RELEASE)";
    KernelCmdline, "kernel-cmdline", Proc, "cmdline.txt", Machine, One, 0, "Network options of the kernel's command line (/proc/cmdline, reduced to those)";
    CniConfig, "cni-config", ConfigFile, "cni-config", Machine, PerFile, 0, "CNI configuration (/etc/cni/net.d)";
    CniPlugins, "cni-plugins", PathList, "cni-plugins.txt", Machine, One, 0, "CNI plugin binaries that are installed (/opt/cni/bin and its likes)";
    FlannelSubnetEnv, "flannel-subnet-env", ConfigFile, "flannel-subnet.env", Machine, One, 0, "What flannel leased for this node (/run/flannel/subnet.env)";
    FlannelNetConf, "flannel-net-conf", ConfigFile, "flannel-net-conf.json", Machine, One, 0, "flannel's network and back end (net-conf.json)";
    KubeletConfig, "kubelet-config", ConfigFile, "kubelet-config", Machine, PerFile, 0, "kubelet's configuration, reduced to what bears on the network";
    KubeProxyConfig, "kube-proxy-config", ConfigFile, "kube-proxy-config", Machine, PerFile, 0, "kube-proxy's configuration, reduced to what bears on the network";
    KubeCmdline, "kube-cmdline", Cmdline, "kube-cmdline", Machine, PerProcess, 0, "Network flags of running kubelet, kube-proxy, flanneld and control plane processes";
    StaticPodFlags, "static-pod-flags", Cmdline, "static-pod-flags", Machine, PerFile, 0, "CIDR and network flags of static control plane manifests (/etc/kubernetes/manifests)";
    FirewallConfig, "firewall-config", ConfigFile, "firewall-config", Machine, PerFile, 0, "firewalld, ufw, nftables.service and iptables-services configuration";
    NetworkManagerConfig, "network-manager-config", ConfigFile, "network-manager-config", Machine, PerFile, 0, "NetworkManager configuration, without connection profiles";
    NetworkdConfig, "networkd-config", ConfigFile, "networkd-config", Machine, PerFile, 0, "systemd-networkd configuration";
    KernelLog, "kernel-log", KernelLog, "kernel-log.txt", Machine, One, 0, "Network lines of the kernel's log";
    OsRelease, "os-release", ConfigFile, "os-release", Machine, One, 0, "The distribution (/etc/os-release)";
    Uptime, "uptime", Proc, "uptime.txt", Machine, One, 0, "Seconds since boot (/proc/uptime)";
    Clock, "clock", Text, "clock.txt", Machine, One, 0, "Whether the clock is synchronised (adjtimex: status, offset, errors)";
    ToolVersions, "tool-versions", Text, "tool-versions.txt", Machine, One, 0, "Versions of the tools that captures were taken with";
}

impl Capture {
    /// The capture's name in the manifest, on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The capture with this name, if this version knows one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.name() == name)
    }
}

impl std::fmt::Display for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_files_are_unique_and_round_trip() {
        let names: BTreeSet<_> = Capture::ALL.iter().map(|c| c.name()).collect();
        let files: BTreeSet<_> = Capture::ALL.iter().map(|c| c.spec().file).collect();
        assert_eq!(names.len(), Capture::ALL.len());
        assert_eq!(files.len(), Capture::ALL.len());
        for &c in Capture::ALL {
            assert_eq!(Capture::from_name(c.name()), Some(c));
        }
    }
}
