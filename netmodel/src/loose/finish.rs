//! A part of a file, once its kind is known: which captures it is, and whether it shows its end.
//!
//! What the text does not tell is looked for in the command before it or the file's name; what neither tells is said in a note.

mod whole;

use bundle::{Capture, Format, Key};

use super::command::Hint;
use super::kind::Kind;
use super::shape;
use whole::wholeness;

/// What a part becomes.
#[derive(Debug, Default)]
pub(super) struct Finished {
    /// What prints it, where that is not the kind's name.
    pub(super) printed_by: Option<&'static str>,
    pub(super) keys: Vec<Key>,
    pub(super) format: Option<Format>,
    /// What was chosen without being told.
    pub(super) notes: Vec<String>,
    /// Why it may not be the whole.
    pub(super) partial: Option<String>,
    /// Why it is of no use, although it is known.
    pub(super) useless: Option<String>,
}

/// A part to be finished.
pub(super) struct Raw<'t> {
    pub(super) kind: &'static Kind,
    pub(super) text: &'t str,
    pub(super) hint: &'t Hint,
    /// The file's name as a hint, which counts less than a command.
    pub(super) name: &'t Hint,
    /// For JSON: whether the document is closed.
    pub(super) closed: Option<bool>,
    /// Whether it is all that its command printed.
    pub(super) framed: bool,
}

impl Raw<'_> {
    fn hints(&self) -> [&Hint; 2] {
        [self.hint, self.name]
    }

    /// What either hint says, the command first.
    fn hinted<T>(&self, ask: impl Fn(&Hint) -> Option<T>) -> Option<T> {
        self.hints().into_iter().find_map(ask)
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(str::trim).filter(|l| !l.is_empty())
    }
}

/// Decides what a part is.
pub(super) fn finish(raw: &Raw<'_>) -> Finished {
    let mut done = Finished { format: Some(raw.kind.format), ..Finished::default() };
    let Some(capture) = raw.kind.capture else {
        done.useless = Some(format!("{}: nothing of this version reads it", raw.kind.name));
        return done;
    };
    match raw.kind.name {
        "iptables-save" | "iptables -S" | "iptables -L" => ruleset(raw, &mut done),
        "ip route" | "ip -j route" | "route -n" => routes(raw, &mut done),
        "ip addr" | "ip -br addr" | "ifconfig" if !has_addresses(raw) => done.keys.push(Key::node(Capture::IpLink)),
        "ip rule" | "ip -j rule" => rules(raw, &mut done),
        "nft list ruleset" if !raw.lines().any(shape::nft_table) => {
            done.useless = Some("warnings of nft, without a table".to_owned());
        }
        "/proc/net/tcp or udp" if raw.hinted(|h| (h.mentions("raw") && !h.mentions("udp")).then_some(())).is_some() => {
            done.useless = Some("/proc/net/raw: nothing of this version reads it".to_owned());
        }
        "/proc/net/tcp or udp" => {
            let udp = raw.text.lines().next().is_some_and(|l| l.contains("drops"));
            // The heads of the IPv6 files have the word in full.
            let v6 = raw.text.lines().next().is_some_and(|l| l.contains("remote_address"));
            let capture = match (udp, v6) {
                (false, false) => Capture::ProcNetTcp,
                (false, true) => Capture::ProcNetTcp6,
                (true, false) => Capture::ProcNetUdp,
                (true, true) => Capture::ProcNetUdp6,
            };
            done.keys.push(Key::node(capture));
        }
        "sysctl" => sysctl(raw, &mut done),
        "ethtool -k" | "ethtool -S" => {
            let named = raw
                .text
                .lines()
                .next()
                .and_then(|l| l.trim().strip_prefix("Features for "))
                .map(|r| r.trim_end_matches(':').to_owned());
            let asked = || {
                let words = &raw.hint.words;
                words.iter().skip(1).find(|w| !w.starts_with('-')).cloned()
            };
            let filed = || raw.name.words.last().filter(|_| raw.name.mentions("ethtool") && raw.name.words.len() > 1).cloned();
            match named.or_else(asked).or_else(filed) {
                Some(name) => done.keys.push(Key::node_instance(capture, name)),
                None => done.useless = Some(format!("{}: neither the text nor a command names the interface", raw.kind.name)),
            }
        }
        "CNI configuration"
        | "kube-proxy configuration"
        | "kubelet configuration"
        | "kube-proxy configuration in JSON"
        | "kubelet configuration in JSON" => {
            done.keys.push(Key::node_instance(capture, path_of(raw)));
        }
        "resolv.conf"
            if raw.hinted(|h| h.path.as_deref().filter(|p| p.contains("systemd/resolve")).map(str::to_owned)).is_some() =>
        {
            done.keys.push(Key::node_instance(Capture::ResolvedConf, path_of(raw)));
        }
        _ => done.keys.push(Key::node(capture)),
    }
    if done.useless.is_none() {
        done.partial = wholeness(raw, &done);
    }
    done
}

/// The path of a file that was pasted: as a command or a heading names it; else the name of the file that holds it.
fn path_of(raw: &Raw<'_>) -> String {
    let path = raw.hinted(|h| h.path.clone()).unwrap_or_else(|| raw.name.words.join("_"));
    // A path of a bundle has no dots that climb.
    format!("/{}", path.trim_start_matches('/'))
}

/// Family and back end of a ruleset.
fn ruleset(raw: &Raw<'_>, done: &mut Finished) {
    // Rules alone are in no table: those of a save that went through grep. With `iptables -S` the command tells the table, and
    // `-P` and `-N` show that it is one.
    let typed = raw.hint.program();
    if raw.kind.name == "iptables -S" && !raw.lines().any(shape::policy) && (typed.is_empty() || typed.ends_with("-save")) {
        done.printed_by = Some("iptables-save");
        done.format = Some(Format::IptablesSave);
    }
    let header = raw.lines().filter(|l| shape::save_header(l)).collect::<Vec<_>>();
    let told = |text: &str| header.iter().any(|l| l.contains(text));
    // The header's first word behind "by" is the tool.
    let tool = header
        .iter()
        .find_map(|l| l.split_once("Generated by "))
        .map_or("", |(_, rest)| rest.split(' ').next().unwrap_or_default());
    let v6 = if tool.is_empty() { None } else { Some(tool.starts_with("ip6")) };
    // Addresses, and the names of protocols and matches that only ip6tables has.
    let v6 = v6.or_else(|| {
        raw.lines().take(20_000).find_map(|l| {
            if l.contains("::/")
                || l.contains("icmpv6")
                || l.contains("ipv6-icmp")
                || l.contains("icmp6-")
                || l.contains("fe80::")
            {
                Some(true)
            } else if l.contains("0.0.0.0/0")
                || l.contains("/32")
                || l.contains("127.0.0.")
                || l.contains("--icmp-type")
                || l.contains("icmp-port-unreachable")
            {
                Some(false)
            } else {
                None
            }
        })
    });
    let v6 = v6.or_else(|| raw.hinted(Hint::v6)).unwrap_or(false);
    let by_hint = |word: &str| raw.hints().into_iter().any(|h| h.mentions(word));
    let legacy = if tool.contains("-legacy") {
        Some(true)
    } else if tool.contains("-nft")
        || tool.starts_with("xtables")
        || told("(nf_tables)")
        || header.iter().any(|l| l.contains("legacy tables present"))
    {
        Some(false)
    } else if told("(legacy)") || told("-save v1.") {
        // Since 1.8 the nft back end says "(nf_tables)"; before it there was none.
        Some(true)
    } else if by_hint("legacy") {
        Some(true)
    } else if by_hint("nft") || by_hint("nf_tables") {
        Some(false)
    } else {
        None
    };
    if legacy.is_none() {
        done.notes.push(
            "it does not tell which back end it is of; it is taken for the nft one, and nothing is known of the legacy one"
                .to_owned(),
        );
    }
    done.keys.push(Key::node(match (legacy == Some(true), v6) {
        (false, false) => Capture::IptablesNftSave,
        (false, true) => Capture::Ip6tablesNftSave,
        (true, false) => Capture::IptablesLegacySave,
        (true, true) => Capture::Ip6tablesLegacySave,
    }));
}

/// Whether a list of links shows addresses: without them it is `ip link`.
fn has_addresses(raw: &Raw<'_>) -> bool {
    let asked_for_links = raw.hint.typed && ["l", "li", "link"].iter().any(|w| raw.hint.has(w));
    !asked_for_links
        && raw.lines().any(|l| {
            l.contains("inet") || (raw.kind.name == "ip -br addr" && l.split_whitespace().nth(2).is_some_and(shape::address))
        })
}

/// The families that a dump of routes holds.
fn routes(raw: &Raw<'_>, done: &mut Finished) {
    let json = raw.kind.format == Format::IprouteJson;
    let (mut v4, mut v6) = (false, false);
    if json {
        // A destination, a gateway or a source of the family.
        for (at, _) in raw.text.match_indices("\"dst\":").take(200_000) {
            let value = raw.text[at + 6..].trim_start().trim_start_matches('"');
            let value = value.split('"').next().unwrap_or_default();
            v6 |= value.contains(':');
            v4 |= shape::address(value) && !value.contains(':');
        }
        v6 |= raw.text.contains("\"pref\":");
        v4 |= !v6;
    } else {
        for line in raw.lines() {
            let word = line.split_whitespace().find(|w| shape::address(w)).unwrap_or_default();
            if word.contains(':') || line.contains(" pref ") {
                v6 = true;
            } else if !word.is_empty() {
                v4 = true;
            }
        }
    }
    // The table local alone does not name itself: read as the main table it would be wrong.
    let local = |l: &str| {
        l.starts_with("local ") || l.starts_with("broadcast ") || l.starts_with("multicast ") || l.starts_with("anycast ")
    };
    let types = ["\"type\":\"local\"", "\"type\":\"broadcast\"", "\"type\":\"multicast\"", "\"type\":\"anycast\""];
    let only_local = if json {
        types.iter().map(|t| raw.text.matches(t).count()).sum::<usize>() == raw.text.matches("\"dst\":").count()
    } else {
        raw.lines().all(local)
    };
    let table = raw.hint.after("table").filter(|t| raw.hint.typed && !matches!(*t, "all" | "main" | "0" | "254"));
    if let Some(table) = table {
        done.useless = Some(format!("routes of the table {table} alone; `ip route show table all` shows them with their table"));
        return;
    }
    if only_local && !raw.text.contains("table") {
        done.useless = Some("routes of the table local alone; `ip route show table all` shows them with their table".to_owned());
        return;
    }
    match raw.hint.v6() {
        Some(true) => v4 = false,
        Some(false) => v6 = false,
        None if !v4 && !v6 => (v4, v6) = raw.name.v6().map_or((true, false), |v6| (!v6, v6)),
        None => {}
    }
    if v4 {
        done.keys.push(Key::node(Capture::IpRoute4));
    }
    if v6 {
        done.keys.push(Key::node(Capture::IpRoute6));
    }
}

/// The family of policy rules: IPv4 has the table `default`, IPv6 does not.
fn rules(raw: &Raw<'_>, done: &mut Finished) {
    let v6 = match raw.hint.v6() {
        Some(v6) => v6,
        None if raw.text.contains("32767")
            || raw.lines().any(|l| l.split_whitespace().any(|w| shape::address(w) && !w.contains(':'))) =>
        {
            false
        }
        None if raw.text.contains("::/") || raw.text.contains("::1") => true,
        None => raw.name.v6().unwrap_or_else(|| {
            done.notes.push("it has no rule for the table `default`, as only IPv6 does".to_owned());
            true
        }),
    };
    done.keys.push(Key::node(if v6 { Capture::IpRule6 } else { Capture::IpRule4 }));
}

/// Values that the kernel uses, or a file that sets them at boot: only the one is what `sysctl -a` would have printed.
fn sysctl(raw: &Raw<'_>, done: &mut Finished) {
    let path = raw.hinted(|h| h.path.clone());
    let is_file =
        path.as_deref().is_some_and(|p| p.contains("sysctl")) || raw.name.words.last().is_some_and(|w| w.ends_with(".conf"));
    let typed = raw.hint.program() == "sysctl";
    let paths = raw.lines().any(|l| l.starts_with("/proc/sys/"));
    let noise = raw.lines().any(shape::sysctl_noise);
    let spaced = raw.lines().filter(|l| shape::sysctl(l)).all(|l| l.contains(" = "));
    let comments = raw.lines().any(|l| l.starts_with(['#', ';']) || l.starts_with('-'));
    if typed || paths || noise || (spaced && !is_file && !comments) || (!is_file && !comments && raw.name.mentions("sysctl")) {
        done.keys.push(Key::node(Capture::Sysctl));
    } else if is_file || (comments && !spaced) {
        done.keys.push(Key::node_instance(Capture::SysctlD, path_of(raw)));
        done.format = Some(Format::ConfigFile);
        if path.is_none() {
            done.notes.push("nothing tells the path of this file of sysctl.d".to_owned());
        }
    } else {
        done.useless = Some(
            "settings of sysctl: neither their form nor a command or a name tells whether the kernel uses them or a file sets them at boot".to_owned(),
        );
    }
}

/// What it means that a command printed nothing: there are no such rules, sets, services or entries.
pub(super) fn nothing(hint: &Hint) -> Option<Key> {
    if !hint.typed || hint.filter.is_some() || hint.elsewhere.is_some() {
        return None;
    }
    let options = || hint.words.iter().skip(1).map(String::as_str);
    let capture = match hint.program() {
        // A back end that the name does not tell is not known by an empty output either.
        "iptables-legacy-save" => Capture::IptablesLegacySave,
        "ip6tables-legacy-save" => Capture::Ip6tablesLegacySave,
        "iptables-nft-save" => Capture::IptablesNftSave,
        "ip6tables-nft-save" => Capture::Ip6tablesNftSave,
        "ipset" if options().all(|o| matches!(o, "save" | "list")) => Capture::IpsetSave,
        "ipvsadm" if options().all(|o| matches!(o, "-S" | "-Sn" | "-n")) => Capture::IpvsSave,
        "conntrack" if options().all(|o| matches!(o, "-L" | "-o" | "extended")) => Capture::Conntrack,
        _ => return None,
    };
    (!options().any(|o| o == "-t")).then(|| Key::node(capture))
}

/// A lone value whose key the command names: `sysctl -n KEY`, `cat /proc/sys/…`; as sysctl would have printed it.
pub(super) fn lone_value(text: &str, hint: &Hint) -> Option<String> {
    let mut lines = text.lines().filter(|l| !l.trim().is_empty());
    let (value, None) = (lines.next()?.trim(), lines.next()) else { return None };
    let key = match hint.program() {
        "sysctl" => {
            let mut words = hint.words.iter().skip(1);
            let (option, key, None) = (words.next()?, words.next()?, words.next()) else { return None };
            (matches!(option.as_str(), "-n" | "-nb" | "--values") && !key.starts_with('-')).then_some(key.as_str())?
        }
        _ => hint.path.as_deref().filter(|p| p.starts_with("/proc/sys/") && !p.contains(['*', '{', '?']))?,
    };
    // The kernel's values are numbers and short words; anything else is an error's text.
    let plain = value.len() <= 120
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'\t' | b'-' | b'_' | b',' | b'.'));
    (plain && (value.starts_with(|c: char| c.is_ascii_digit() || c == '-') || !value.contains(' ')))
        .then(|| format!("{key} = {value}\n"))
}

/// The captures that only a name can tell: files of one word a line, and empty documents.
pub(super) fn by_name(text: &str, hint: &Hint) -> Option<(Key, Format)> {
    let lines = || text.lines().map(str::trim).filter(|l| !l.is_empty());
    let tables = || lines().all(|l| matches!(l, "filter" | "nat" | "mangle" | "raw" | "security"));
    let named = |file: &str| hint.words.join("_").contains(file);
    let node = |capture: Capture| Some((Key::node(capture), capture.spec().format));
    let path = hint.path.as_deref().unwrap_or_default();
    let file = |capture: Capture| Some((Key::node_instance(capture, path), capture.spec().format));
    if text.trim() == "[]" {
        let has = |word: &str| hint.mentions(word);
        return match () {
            () if has("fdb") => node(Capture::BridgeFdb),
            () if has("vlan") => node(Capture::BridgeVlan),
            () if has("bridge") && has("link") => node(Capture::BridgeLink),
            () if has("nexthop") => node(Capture::IpNexthop),
            () if has("neigh") && hint.v6() != Some(true) => node(Capture::IpNeigh),
            () if has("rule") && hint.v6() == Some(true) => node(Capture::IpRule6),
            () if has("route") && hint.v6() == Some(true) => node(Capture::IpRoute6),
            () => None,
        };
    }
    match () {
        () if path.contains("/modules-load.d/") || path == "/etc/modules" => file(Capture::ModulesLoadD),
        () if path.contains("/modprobe.d/") => file(Capture::ModprobeD),
        () if path.contains("/sysctl.d/") || path == "/etc/sysctl.conf" => file(Capture::SysctlD),
        () if (path.ends_with("/ip_tables_names") || named("ip_tables_names")) && tables() => node(Capture::IpTablesNames),
        () if (path.ends_with("/ip6_tables_names") || named("ip6_tables_names")) && tables() => node(Capture::Ip6TablesNames),
        () if path == "/proc/uptime" => node(Capture::Uptime),
        () if path == "/proc/cmdline" => node(Capture::KernelCmdline),
        () => None,
    }
}
