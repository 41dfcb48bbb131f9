//! Turns the catalogue and the options into a list of steps: what is taken, and how. Nothing is taken yet, and no tool is run.

use std::path::PathBuf;

use bundle::{AbsentWhy, Capture, How, Key, Netns, Scope};

use crate::families::{FILES_OF, PLUGIN_DIRS, expand};
use crate::guard::Guard;
use crate::netns::PodNetns;
use crate::options::Options;
use crate::root::Root;
use crate::sources::file::Filter;
use crate::sources::native::Native;
use crate::sources::rtnl::What;
use crate::sources::{process, sysctl};
use crate::{reduce, tool};

/// Interfaces whose offloads and statistics are taken, at most.
const INTERFACES: usize = 48;

/// One capture to take.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) key: Key,
    pub(crate) how: How,
    pub(crate) source: Source,
}

/// How a capture is taken.
#[derive(Debug)]
pub(crate) enum Source {
    /// Not at all.
    Absent(AbsentWhy, String),
    /// From a file of the node.
    File {
        path: String,
        filter: Filter,
    },
    /// From a file of /proc, as it stands here.
    Proc {
        path: PathBuf,
        filter: Filter,
    },
    /// From the kernel itself; from this tool, if that fails and the tool is there and may be run.
    Native(Native, Option<Vec<String>>),
    /// From a tool.
    Command(Vec<String>),
    /// From the first line of each of these tools.
    Versions(Vec<Vec<String>>),
    Sysctl,
    Listeners,
    KernelLog(PathBuf),
    Clock,
    /// The files in these folders.
    PathList(Vec<String>),
    /// A text that the plan has already: a command line, which could be gone soon.
    Text(String),
}

/// What is done once in each pod's network namespace.
const IN_PODS: &[Capture] = &[
    Capture::Sysctl,
    Capture::IpAddr,
    Capture::IpLink,
    Capture::IpRoute4,
    Capture::IpRoute6,
    Capture::IpRule4,
    Capture::IpRule6,
    Capture::IpNeigh,
    Capture::IptablesNftSave,
    Capture::IptablesLegacySave,
    Capture::IpTablesNames,
    Capture::ProcNetSnmp,
    Capture::ProcNetNetstat,
    Capture::ProcNetDev,
    Capture::ProcNetSockstat,
    Capture::Listeners,
    Capture::ResolvConf,
];

pub(crate) struct Planner<'a> {
    pub(crate) options: &'a Options,
    pub(crate) root: &'a Root,
    pub(crate) guard: &'a Guard,
    pub(crate) kernel: &'a str,
}

impl Planner<'_> {
    /// Every step, in the catalogue's order: the node's own first, then pod by pod.
    pub(crate) fn plan(&self, pods: &[PodNetns]) -> Vec<Step> {
        let selected = |c: Capture| self.options.only.as_ref().is_none_or(|only| only.contains(&c));
        let mut steps = Vec::new();
        for &capture in Capture::ALL {
            if selected(capture) {
                self.node(capture, &mut steps);
            } else {
                steps.push(absent(Key::node(capture), AbsentWhy::NotSelected, "left out by --only"));
            }
        }
        for pod in pods {
            for &capture in IN_PODS.iter().filter(|c| selected(**c) && c.spec().scope == Scope::Netns) {
                let key = Key { netns: Netns::Pod(pod.info.number), capture, instance: None };
                let (how, source) = self.one(capture);
                steps.push(Step { key, how, source });
            }
        }
        steps
    }

    fn node(&self, capture: Capture, steps: &mut Vec<Step>) {
        match capture {
            Capture::EthtoolFeatures | Capture::EthtoolStats => self.ethtool(capture, steps),
            Capture::KubeCmdline => self.processes(steps),
            _ if capture.spec().multiplicity == bundle::Multiplicity::PerFile => self.family(capture, steps),
            _ => {
                let (how, source) = self.one(capture);
                steps.push(Step { key: Key::node(capture), how, source });
            }
        }
    }

    /// How a capture that is one text is taken.
    fn one(&self, capture: Capture) -> (How, Source) {
        if let Some(files) = FILES_OF.iter().find(|f| f.capture == capture) {
            let mut refused = Vec::new();
            let found = files.patterns.iter().find_map(|p| expand(self.root, p, &mut refused).into_iter().next());
            // What is nowhere is missed where it usually stands.
            let path = found.unwrap_or_else(|| files.patterns.first().copied().unwrap_or_default().to_owned());
            return (How::File(path.clone()), Source::File { path, filter: files.filter });
        }
        match capture {
            Capture::Sysctl => {
                // --dry-run says the whole list; the text itself shows it too.
                let how = "/proc/sys/net and related files of kernel, vm and fs".to_owned();
                (How::Native(how), Source::Sysctl)
            }
            Capture::IpAddr => self.native(Native::Rtnl(What::Addr), self.tool(&["ip"], &["-d", "-j", "addr"])),
            Capture::IpLink => self.native(Native::Rtnl(What::Link), self.tool(&["ip"], &["-s", "-d", "-j", "link"])),
            Capture::IpRoute4 => {
                self.native(Native::Rtnl(What::Route4), self.tool(&["ip"], &["-4", "-d", "-j", "route", "show", "table", "all"]))
            }
            Capture::IpRoute6 => {
                self.native(Native::Rtnl(What::Route6), self.tool(&["ip"], &["-6", "-d", "-j", "route", "show", "table", "all"]))
            }
            Capture::IpRule4 => self.native(Native::Rtnl(What::Rule4), self.tool(&["ip"], &["-4", "-d", "-j", "rule"])),
            Capture::IpRule6 => self.native(Native::Rtnl(What::Rule6), self.tool(&["ip"], &["-6", "-d", "-j", "rule"])),
            Capture::IpNeigh => self.native(Native::Rtnl(What::Neigh), self.tool(&["ip"], &["-d", "-j", "neigh"])),
            Capture::IpNexthop => self.native(Native::Rtnl(What::Nexthop), self.tool(&["ip"], &["-d", "-j", "nexthop"])),
            Capture::BridgeFdb => self.native(Native::Rtnl(What::BridgeFdb), self.tool(&["bridge"], &["-d", "-j", "fdb"])),
            Capture::BridgeLink => self.native(Native::Rtnl(What::BridgeLink), self.tool(&["bridge"], &["-d", "-j", "link"])),
            Capture::BridgeVlan => self.native(Native::Rtnl(What::BridgeVlan), self.tool(&["bridge"], &["-j", "vlan"])),
            Capture::IptablesNftSave => self.iptables("iptables-nft-save", "iptables-save", "nft"),
            Capture::Ip6tablesNftSave => self.iptables("ip6tables-nft-save", "ip6tables-save", "nft"),
            Capture::IptablesLegacySave => self.iptables("iptables-legacy-save", "iptables-save", "legacy"),
            Capture::Ip6tablesLegacySave => self.iptables("ip6tables-legacy-save", "ip6tables-save", "legacy"),
            Capture::NftRuleset => self.tool(&["nft"], &["-j", "list", "ruleset"]),
            Capture::IpsetSave => self.tool(&["ipset"], &["save"]),
            Capture::IpvsSave => self.tool(&["ipvsadm"], &["-Sn"]),
            Capture::IpvsStats => self.tool(&["ipvsadm"], &["-Ln", "--stats", "--exact"]),
            Capture::IpvsTimeouts => self.tool(&["ipvsadm"], &["-L", "--timeout"]),
            Capture::Conntrack => self.conntrack(),
            Capture::ConntrackStats => self.tool(&["conntrack"], &["-S"]),
            Capture::TcQdisc => self.native(Native::Rtnl(What::Qdisc), self.tool(&["tc"], &["-s", "-j", "qdisc"])),
            Capture::Listeners => (How::Native("/proc/net/{udp,udp6,tcp,tcp6}, /proc/PID/fd".to_owned()), Source::Listeners),
            Capture::IpTablesNames => self.net("ip_tables_names"),
            Capture::Ip6TablesNames => self.net("ip6_tables_names"),
            Capture::ProcIpVs => self.net("ip_vs"),
            Capture::ProcIpVsConn => self.net("ip_vs_conn"),
            Capture::ProcStatNfConntrack => self.net("stat/nf_conntrack"),
            Capture::ProcNetSnmp => self.net("snmp"),
            Capture::ProcNetSnmp6 => self.net("snmp6"),
            Capture::ProcNetNetstat => self.net("netstat"),
            Capture::ProcNetDev => self.net("dev"),
            Capture::ProcNetSoftnetStat => self.net("softnet_stat"),
            Capture::ProcNetSockstat => self.net("sockstat"),
            Capture::ProcNetSockstat6 => self.net("sockstat6"),
            Capture::ProcNetTcp => self.net("tcp"),
            Capture::ProcNetTcp6 => self.net("tcp6"),
            Capture::ProcNetUdp => self.net("udp"),
            Capture::ProcNetUdp6 => self.net("udp6"),
            Capture::Modules => self.proc("modules", Filter::Raw),
            Capture::Uptime => self.proc("uptime", Filter::Raw),
            Capture::KernelCmdline => self.proc("cmdline", Filter::KernelCmdline),
            Capture::ModulesBuiltin => file(format!("/lib/modules/{}/modules.builtin", self.kernel), Filter::Raw),
            Capture::KernelConfig => self.kernel_config(),
            Capture::CniPlugins => {
                let dirs = PLUGIN_DIRS.iter().map(|d| (*d).to_owned()).collect();
                (How::Native(format!("names in {}", PLUGIN_DIRS.join(", "))), Source::PathList(dirs))
            }
            Capture::KernelLog => {
                let path =
                    self.root.resolve("/dev/kmsg").ok().filter(|p| !p.is_file()).unwrap_or_else(|| PathBuf::from("/dev/kmsg"));
                (How::Native("/dev/kmsg (network lines only)".to_owned()), Source::KernelLog(path))
            }
            Capture::Clock => (How::Native("files of the time services".to_owned()), Source::Clock),
            Capture::ToolVersions => self.versions(),
            _ => {
                let detail = "this collector does not take it".to_owned();
                (How::None, Source::Absent(AbsentWhy::NotInThisVersion, detail))
            }
        }
    }

    fn tool(&self, names: &[&str], args: &[&str]) -> (How, Source) {
        let name = names.first().copied().unwrap_or_default();
        let found = tool::find(&self.options.tool_dirs, names).map(|p| p.to_string_lossy().into_owned());
        let program = found.clone().unwrap_or_else(|| name.to_owned());
        let argv: Vec<String> = std::iter::once(program).chain(args.iter().map(|a| (*a).to_owned())).collect();
        // What is not in the kernel is a fact about the node, whether or not its tool is there.
        if let Some(objection) = self.guard.objection(name) {
            return (How::Command(argv), Source::Absent(AbsentWhy::NotLoaded, objection));
        }
        if found.is_none() {
            return (How::Command(argv), Source::Absent(AbsentWhy::ToolMissing, self.not_found(name)));
        }
        (How::Command(argv.clone()), Source::Command(argv))
    }

    /// The kernel itself is asked first, the tool only where that fails; with [`Options::tools_first`] it is the tool's turn alone.
    fn native(&self, native: Native, tool: (How, Source)) -> (How, Source) {
        match tool.1 {
            Source::Command(_) if self.options.tools_first => tool,
            Source::Command(argv) => (How::Native(native.how().to_owned()), Source::Native(native, Some(argv))),
            _ => (How::Native(native.how().to_owned()), Source::Native(native, None)),
        }
    }

    fn not_found(&self, name: &str) -> String {
        let dirs: Vec<_> = self.options.tool_dirs.iter().map(|d| d.display().to_string()).collect();
        format!("no {name} in {}", dirs.join(", "))
    }

    /// Where there is only an `iptables-save`, it is of the back end that its link leads to: nothing is run to find out.
    fn iptables(&self, name: &str, plain: &str, backend: &str) -> (How, Source) {
        let (how, source) = self.tool(&[name], &["-c"]);
        let Source::Absent(AbsentWhy::ToolMissing, _) = source else { return (how, source) };
        let Some(path) = tool::find(&self.options.tool_dirs, &[plain]) else { return (how, source) };
        let real = path.canonicalize().unwrap_or_default();
        let real = real.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        // xtables-nft-multi, xtables-legacy-multi; xtables-multi before there was an nft back end.
        let its = if real.contains("nft") {
            "nft"
        } else if real.contains("legacy") || real == "xtables-multi" {
            "legacy"
        } else {
            "unknown"
        };
        if its != backend {
            return (how, source);
        }
        let argv = vec![path.to_string_lossy().into_owned(), "-c".to_owned()];
        (How::Command(argv.clone()), Source::Command(argv))
    }

    /// The kernel prints the same lines in /proc, unless it was built without that file.
    fn conntrack(&self) -> (How, Source) {
        let (how, source) = self.tool(&["conntrack"], &["-L", "-o", "extended"]);
        if matches!(source, Source::Absent(..)) && self.root.net("nf_conntrack").exists() {
            return self.net("nf_conntrack");
        }
        (how, source)
    }

    fn net(&self, name: &str) -> (How, Source) {
        (How::File(format!("/proc/net/{name}")), Source::Proc { path: self.root.net(name), filter: Filter::Raw })
    }

    fn proc(&self, name: &str, filter: Filter) -> (How, Source) {
        (How::File(format!("/proc/{name}")), Source::Proc { path: self.root.proc().join(name), filter })
    }

    fn kernel_config(&self) -> (How, Source) {
        let config = self.root.proc().join("config.gz");
        if config.exists() {
            return (How::File("/proc/config.gz".to_owned()), Source::Proc { path: config, filter: Filter::Gunzip });
        }
        let paths = [format!("/boot/config-{}", self.kernel), format!("/lib/modules/{}/config", self.kernel)];
        let path = paths.iter().find(|p| self.root.exists(p)).unwrap_or(&paths[0]);
        file(path.clone(), Filter::Raw)
    }

    fn versions(&self) -> (How, Source) {
        // Not asked: ipset and ipvsadm, which load their modules before they look at their arguments. Nor is nft where nfnetlink is
        // not there, nor conntrack, nor iptables, which may be the one of nftables: they open their socket first, too.
        let asked: &[(&str, &str)] = &[
            ("ip", "-V"),
            ("nft", "--version"),
            ("iptables-nft-save", "-V"),
            ("iptables-legacy-save", "-V"),
            ("iptables-save", "-V"),
            ("conntrack", "-V"),
            ("ethtool", "--version"),
        ];
        let found: Vec<Vec<String>> = asked
            .iter()
            .filter(|(name, _)| {
                let opens = match *name {
                    "nft" | "iptables-nft-save" | "iptables-save" => "nft",
                    "conntrack" => "conntrack",
                    _ => return true,
                };
                self.guard.objection(opens).is_none()
            })
            .filter_map(|(name, arg)| {
                let path = tool::find(&self.options.tool_dirs, &[name])?;
                Some(vec![path.to_string_lossy().into_owned(), (*arg).to_owned()])
            })
            .collect();
        let words: Vec<_> = found.iter().map(|argv| argv.join(" ")).collect();
        if found.is_empty() {
            return (How::None, Source::Absent(AbsentWhy::ToolMissing, "none of the tools is there".to_owned()));
        }
        (How::Native(format!("first line of {}", words.join("; "))), Source::Versions(found))
    }

    fn family(&self, capture: Capture, steps: &mut Vec<Step>) {
        let Some(files) = FILES_OF.iter().find(|f| f.capture == capture) else {
            steps.push(absent(Key::node(capture), AbsentWhy::NotInThisVersion, "this collector does not take it"));
            return;
        };
        let mut refused = Vec::new();
        let before = steps.len();
        let mut seen = std::collections::BTreeSet::new();
        for pattern in files.patterns {
            for path in expand(self.root, pattern, &mut refused) {
                // Two patterns may find one path; /lib and /usr/lib may be one folder by a link, which both stay: the order counts.
                if seen.insert(path.clone()) {
                    let (how, source) = file(path.clone(), files.filter);
                    steps.push(Step { key: Key::node_instance(capture, path), how, source });
                }
            }
        }
        for dir in refused {
            let how = How::File(dir.clone());
            let source = Source::Absent(AbsentWhy::PermissionDenied, format!("cannot list {dir}"));
            steps.push(Step { key: Key::node_instance(capture, dir), how, source });
        }
        if steps.len() == before {
            steps.push(absent(Key::node(capture), AbsentWhy::NotFound, &format!("none of {}", files.patterns.join(", "))));
        }
    }

    fn ethtool(&self, capture: Capture, steps: &mut Vec<Step>) {
        let option = if capture == Capture::EthtoolFeatures { "-k" } else { "-S" };
        let names = self.interfaces();
        if names.is_empty() {
            steps.push(absent(Key::node(capture), AbsentWhy::NotFound, "no interface but lo and those of pods"));
        }
        for name in names {
            let tool = self.tool(&["ethtool"], &[option, &name]);
            let (how, source) = match capture {
                Capture::EthtoolFeatures => self.native(Native::EthtoolFeatures(name.clone()), tool),
                _ => tool,
            };
            steps.push(Step { key: Key::node_instance(capture, name), how, source });
        }
    }

    /// The node's interfaces without loopback and the host's ends of pods' veth pairs.
    fn interfaces(&self) -> Vec<String> {
        let Ok(text) = std::fs::read_to_string(self.root.net("dev")) else { return Vec::new() };
        let mut names: Vec<String> = text.lines().filter_map(|l| l.rsplit_once(':').map(|(n, _)| n.trim().to_owned())).collect();
        names.retain(|n| {
            !n.starts_with('-') && n != "lo" && !["veth", "cali", "lxc", "azv", "eni"].iter().any(|p| n.starts_with(p))
        });
        names.sort_unstable();
        names.truncate(INTERFACES);
        names
    }

    fn processes(&self, steps: &mut Vec<Step>) {
        let before = steps.len();
        for pid in process::pids(self.root.proc()) {
            let Some(line) = process::argv(self.root.proc(), pid).and_then(|argv| reduce::command_line(&argv)) else { continue };
            let program = line.split(' ').next().and_then(|p| p.rsplit('/').next()).unwrap_or_default();
            let key = Key::node_instance(Capture::KubeCmdline, format!("{program}[{pid}]"));
            steps.push(Step { key, how: How::File(format!("/proc/{pid}/cmdline")), source: Source::Text(line + "\n") });
        }
        if steps.len() == before {
            steps.push(absent(Key::node(Capture::KubeCmdline), AbsentWhy::NotFound, "no process of Kubernetes was seen"));
        }
    }
}

fn file(path: String, filter: Filter) -> (How, Source) {
    (How::File(path.clone()), Source::File { path, filter })
}

fn absent(key: Key, why: AbsentWhy, detail: &str) -> Step {
    Step { key, how: How::None, source: Source::Absent(why, detail.to_owned()) }
}

impl Step {
    /// What this step would read or run, in a line; `None` if it would do nothing.
    pub(crate) fn describe(&self) -> Option<String> {
        let what = match (&self.source, &self.how) {
            (Source::Absent(..), _) => return None,
            (Source::Versions(argvs), _) => {
                format!("run   {}", argvs.iter().map(|a| a.join(" ")).collect::<Vec<_>>().join("; "))
            }
            (Source::Command(argv), _) => format!("run   {}", argv.join(" ")),
            (Source::File { path, filter }, _) => format!("read  {path}{}", filter.words()),
            (Source::Proc { filter, .. }, How::File(path)) => format!("read  {path}{}", filter.words()),
            (Source::Text(_), How::File(path)) => format!("read  {path} (network flags only)"),
            (Source::Sysctl, _) => format!("read  /proc/sys/{{net,{}}}", sysctl::OTHERS.join(",")),
            (_, How::Native(what)) => format!("read  {what}"),
            _ => return None,
        };
        Some(what)
    }
}
