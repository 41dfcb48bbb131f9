//! Turns a node's raw captures (one file a command, `commands.txt` with exit statuses) into a bundle's texts and manifest.
//!
//! Only the renaming that a bundle needs is done: /proc/sys as `path=value` becomes the form of `sysctl -a`, and a route dump of both
//! families is split in two. What the lab did not take is recorded as absent, never invented.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use bundle::{
    AbsentWhy, Capture, CollectorInfo, Exit, FORMAT, How, Key, Manifest, Multiplicity, NetnsInfo, NodeIdentity, Outcome, Record,
    Scope,
};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// Which file of the lab's captures holds which capture.
const FILES: &[(&str, Capture)] = &[
    ("ip_-d_-j_addr", Capture::IpAddr),
    ("ip_-s_-d_-j_link", Capture::IpLink),
    ("ip_-d_-j_link", Capture::IpLink),
    ("ip_-6_-d_-j_route_table_all", Capture::IpRoute6),
    ("ip_-d_-j_rule", Capture::IpRule4),
    ("ip_-6_-j_rule", Capture::IpRule6),
    ("ip_-d_-j_neigh", Capture::IpNeigh),
    ("ip_-j_neigh", Capture::IpNeigh),
    ("ip_-d_-j_nexthop", Capture::IpNexthop),
    ("bridge_-d_-j_fdb", Capture::BridgeFdb),
    ("bridge_-d_-j_link", Capture::BridgeLink),
    ("bridge_vlan", Capture::BridgeVlan),
    ("iptables-nft-save_-c", Capture::IptablesNftSave),
    ("ip6tables-nft-save_-c", Capture::Ip6tablesNftSave),
    ("iptables-legacy-save_-c", Capture::IptablesLegacySave),
    ("ip6tables-legacy-save_-c", Capture::Ip6tablesLegacySave),
    ("proc_net_ip_tables_names", Capture::IpTablesNames),
    ("proc_net_ip6_tables_names", Capture::Ip6TablesNames),
    ("nft_-j_list_ruleset", Capture::NftRuleset),
    ("ipset_save", Capture::IpsetSave),
    ("ipvsadm_-Sn", Capture::IpvsSave),
    ("ipvsadm_-Ln_stats", Capture::IpvsStats),
    ("ipvsadm_timeout", Capture::IpvsTimeouts),
    ("proc_net_ip_vs", Capture::ProcIpVs),
    ("proc_net_ip_vs_conn", Capture::ProcIpVsConn),
    ("proc_net_nf_conntrack", Capture::Conntrack),
    ("conntrack_-S", Capture::ConntrackStats),
    ("proc_net_stat_nf_conntrack", Capture::ProcStatNfConntrack),
    ("proc_net_snmp", Capture::ProcNetSnmp),
    ("proc_net_snmp6", Capture::ProcNetSnmp6),
    ("proc_net_netstat", Capture::ProcNetNetstat),
    ("proc_net_dev", Capture::ProcNetDev),
    ("proc_net_softnet_stat", Capture::ProcNetSoftnetStat),
    ("proc_net_sockstat", Capture::ProcNetSockstat),
    ("proc_net_tcp", Capture::ProcNetTcp),
    ("proc_net_tcp6", Capture::ProcNetTcp6),
    ("proc_net_udp", Capture::ProcNetUdp),
    ("proc_net_udp6", Capture::ProcNetUdp6),
    ("ss_-tulpn", Capture::Listeners),
    ("tc_-j_qdisc", Capture::TcQdisc),
    ("resolv.conf", Capture::ResolvConf),
    ("hosts", Capture::Hosts),
    ("nsswitch.conf", Capture::Nsswitch),
    ("proc_modules", Capture::Modules),
    ("modules_builtin", Capture::ModulesBuiltin),
    ("os-release", Capture::OsRelease),
];

/// Captures that differ between any two moments of one node, whatever its state: a fault's fixture takes them from its base unless
/// they are asked for.
pub const VOLATILE: &[Capture] = &[
    Capture::Conntrack,
    Capture::ConntrackStats,
    Capture::ProcStatNfConntrack,
    Capture::ProcNetSnmp,
    Capture::ProcNetSnmp6,
    Capture::ProcNetNetstat,
    Capture::ProcNetDev,
    Capture::ProcNetSoftnetStat,
    Capture::ProcNetSockstat,
    Capture::ProcNetTcp,
    Capture::ProcNetTcp6,
    Capture::ProcNetUdp,
    Capture::ProcNetUdp6,
    Capture::Listeners,
    Capture::TcQdisc,
    Capture::IpvsStats,
    Capture::ProcIpVsConn,
];

/// The texts and the manifest of one node.
pub struct Imported {
    /// What a collector would have written first and last.
    pub manifest: Manifest,
    /// The text of each capture.
    pub texts: BTreeMap<Key, String>,
}

/// Imports `scenario/node`, for example `healthy-iptables-nft-vxlan/node-a`, with its pods and its objects.
///
/// # Errors
/// A file that should be there cannot be read, or is not in the form that its name says.
pub fn node(scenario: &Path, node: &str) -> Result<Imported> {
    let dir = scenario.join(node);
    let letter = node.rsplit('-').next().context("a node is called node-X")?;
    let mut texts = BTreeMap::new();
    let mut commands = BTreeMap::new();
    let listing = fs::read_to_string(dir.join("commands.txt")).with_context(|| format!("{}", dir.display()))?;
    for line in listing.lines() {
        if let Some((head, command)) = line.split_once(" :: ")
            && let Some((status, file)) = head.split_once(' ')
        {
            commands.insert(file.to_owned(), (status.parse::<i32>()?, command.to_owned()));
        }
    }
    let mut exits = BTreeMap::new();
    let mut absent = BTreeMap::new();
    let mut take = |key: Key, file: &str, text: Option<String>, texts: &mut BTreeMap<Key, String>| {
        let (status, command) = commands.get(file).cloned().unwrap_or((0, String::new()));
        let stderr = fs::read_to_string(dir.join(format!("{file}.err"))).unwrap_or_default();
        match text {
            // A failed tool that printed nothing took nothing.
            Some(text) if status != 0 && text.is_empty() => {
                absent.entry(key).or_insert((command, if stderr.is_empty() { text } else { stderr.trim().to_owned() }));
            }
            Some(text) => {
                exits.entry(key.clone()).or_insert((status, command, stderr));
                texts.entry(key).or_insert(text);
            }
            None => {}
        }
    };
    for &(file, capture) in FILES {
        take(Key::node(capture), file, fs::read_to_string(dir.join(file)).ok(), &mut texts);
    }
    let sysctl = fs::read_to_string(dir.join("proc_sys_net"))?;
    take(Key::node(Capture::Sysctl), "proc_sys_net", Some(sysctl_a(&sysctl)), &mut texts);
    let routes = fs::read_to_string(dir.join("ip_-d_-j_route_show_table_all"))?;
    let (v4, v6) = split_routes(&routes)?;
    take(Key::node(Capture::IpRoute4), "ip_-d_-j_route_show_table_all", Some(v4), &mut texts);
    take(Key::node(Capture::IpRoute6), "ip_-d_-j_route_show_table_all", Some(v6), &mut texts);
    for entry in fs::read_dir(&dir)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        for (prefix, capture) in [("ethtool_-k_", Capture::EthtoolFeatures), ("ethtool_-S_", Capture::EthtoolStats)] {
            if let Some(interface) = name.strip_prefix(prefix)
                && !interface.ends_with(".err")
            {
                take(Key::node_instance(capture, interface), &name, fs::read_to_string(dir.join(&name)).ok(), &mut texts);
            }
        }
    }
    let objects = scenario.join("objects");
    for (file, key) in [
        (
            format!("{letter}-10-flannel.conflist.json"),
            Key::node_instance(Capture::CniConfig, "/etc/cni/net.d/10-flannel.conflist"),
        ),
        (format!("{letter}-kp-{letter}.json"), Key::node_instance(Capture::KubeProxyConfig, "/var/lib/kube-proxy/config.conf")),
        (format!("{letter}-net-conf.json"), Key::node(Capture::FlannelNetConf)),
        (format!("{letter}-subnet.env"), Key::node(Capture::FlannelSubnetEnv)),
    ] {
        take(key, &file, fs::read_to_string(objects.join(&file)).ok(), &mut texts);
    }
    take(Key::node(Capture::KernelLog), "dmesg.txt", fs::read_to_string(scenario.join("dmesg.txt")).ok(), &mut texts);

    let netns = pods(scenario, letter, &mut texts)?;
    let captures = records(&texts, &exits, &absent);
    let uname = fs::read_to_string(dir.join("uname"))?;
    let mut words = uname.split_whitespace();
    let started_at = time::OffsetDateTime::parse(
        fs::read_to_string(dir.join("date"))?.trim(),
        &time::format_description::well_known::Rfc3339,
    )?;
    let manifest = Manifest {
        format: FORMAT,
        collector: CollectorInfo {
            name: "import-captures".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            root: true,
        },
        node: NodeIdentity {
            name: fs::read_to_string(dir.join("hostname"))?.trim().to_owned(),
            kernel: words.nth(2).unwrap_or_default().to_owned(),
            arch: uname.split_whitespace().rev().nth(1).unwrap_or_default().to_owned(),
            boot_id: None,
            machine_id_sha256: None,
        },
        started_at,
        finished_at: Some(started_at),
        cut_short: None,
        netns,
        captures,
    };
    Ok(Imported { manifest, texts })
}

fn pods(scenario: &Path, letter: &str, texts: &mut BTreeMap<Key, String>) -> Result<Vec<NetnsInfo>> {
    let mut netns = Vec::new();
    for number in 1..=2u32 {
        let dir = scenario.join(format!("pod-{letter}{number}"));
        if !dir.exists() {
            continue;
        }
        netns.push(NetnsInfo {
            number,
            inode: 0,
            pod: Some(format!("default/{letter}{number}")),
            found_by: "the lab's name of the namespace".to_owned(),
        });
        let mut put = |capture, text| texts.insert(Key { netns: bundle::Netns::Pod(number), capture, instance: None }, text);
        for (file, capture) in
            [("ip_-d_-j_addr", Capture::IpAddr), ("ip_-j_neigh", Capture::IpNeigh), ("resolv.conf", Capture::ResolvConf)]
        {
            if let Ok(text) = fs::read_to_string(dir.join(file)) {
                put(capture, text);
            }
        }
        if let Ok(text) = fs::read_to_string(dir.join("ip_-d_-j_route_table_all")) {
            let (v4, v6) = split_routes(&text)?;
            put(Capture::IpRoute4, v4);
            put(Capture::IpRoute6, v6);
        }
    }
    Ok(netns)
}

type Exits = BTreeMap<Key, (i32, String, String)>;

fn records(texts: &BTreeMap<Key, String>, exits: &Exits, absent: &BTreeMap<Key, (String, String)>) -> Vec<Record> {
    let record = |key: &Key, how, outcome| Record {
        capture: key.capture.into(),
        pod: match key.netns {
            bundle::Netns::Node => None,
            bundle::Netns::Pod(number) => Some(number),
        },
        instance: key.instance.clone(),
        how,
        span: bundle::Span::default(),
        outcome,
    };
    let mut records = Vec::new();
    for (key, text) in texts {
        let (status, command, stderr) = exits.get(key).cloned().unwrap_or_default();
        let how = if command.is_empty() {
            How::File(key.instance.clone().unwrap_or_else(|| key.capture.name().to_owned()))
        } else {
            How::Command(command.split_whitespace().map(str::to_owned).collect())
        };
        records.push(record(
            key,
            how,
            Outcome::Taken {
                bytes: text.len() as u64,
                sha256: hex(&Sha256::digest(text)),
                truncated: false,
                timed_out: false,
                exit: (!command.is_empty()).then_some(Exit::Status(status)),
                stderr,
            },
        ));
    }
    for (key, (command, detail)) in absent {
        // ipvsadm's and ethtool's own words for "there is no such thing here".
        let why = match detail.as_str() {
            d if d.contains("IP Virtual Server") => AbsentWhy::NotLoaded,
            d if d.contains("No such file") || d.contains("no stats available") => AbsentWhy::NotFound,
            _ => AbsentWhy::Failed,
        };
        let how = How::Command(command.split_whitespace().map(str::to_owned).collect());
        records.push(record(key, how, Outcome::Absent { why, detail: detail.clone() }));
    }
    for &capture in Capture::ALL {
        let one = capture.spec().multiplicity == Multiplicity::One || capture.spec().scope == Scope::Machine;
        if one && !records.iter().any(|r| r.capture.known() == Some(capture)) {
            let detail = "the lab did not take it".to_owned();
            records.push(record(&Key::node(capture), How::None, Outcome::Absent { why: AbsentWhy::NotSelected, detail }));
        }
    }
    records.sort_by(|a, b| (a.key(), &a.instance).cmp(&(b.key(), &b.instance)));
    records
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// `ipv4/conf/flannel.1/rp_filter=0` as `sysctl -a` prints it: procps swaps dots and slashes.
fn sysctl_a(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match line.split_once('=') {
            Some((path, value)) => {
                let name: String = path
                    .chars()
                    .map(|c| {
                        if c == '/' {
                            '.'
                        } else if c == '.' {
                            '/'
                        } else {
                            c
                        }
                    })
                    .collect();
                lines.push(format!("net.{name} = {value}"));
            }
            // A value of several lines: sysctl -a repeats the name, which is not known to be needed by any rule.
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

/// Splits a dump of both families. iproute2 prints `pref` for IPv6 routes only.
fn split_routes(text: &str) -> Result<(String, String)> {
    let routes: Vec<&RawValue> = serde_json::from_str(text)?;
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for route in routes {
        let fields: serde_json::Value = serde_json::from_str(route.get())?;
        let dst = fields["dst"].as_str().unwrap_or_default();
        if dst.contains(':') || fields.get("pref").is_some() { v6.push(route.get()) } else { v4.push(route.get()) }
    }
    Ok((format!("[{}]\n", v4.join(",")), format!("[{}]\n", v6.join(","))))
}
