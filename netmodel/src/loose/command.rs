//! What a command line (or a file's name) says about the output that follows it: only a hint, it breaks ties.
//!
//! Left out: shell grammar. A pipe, a redirection or a `;` ends what is looked at.

/// What is known of an output before it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hint {
    /// The words of the command, from the program on; or the parts of a file's name.
    pub words: Vec<String>,
    /// Whether they are a command that somebody typed, and not a file's name.
    pub typed: bool,
    /// What the output went through that may have taken lines out (`| grep KUBE`).
    pub filter: Option<String>,
    /// The output is of another network namespace than the node's own: by what (`ip netns exec`).
    pub elsewhere: Option<String>,
    /// The path of the file that was printed.
    pub path: Option<String>,
}

/// Programs that pass on all lines.
const HARMLESS_PIPES: &[&str] = &["less", "more", "cat", "tee", "sudo", "sort", "column", "jq", "nl", "xclip", "pbcopy"];
/// Programs that print files.
const PRINTERS: &[&str] = &["cat", "zcat", "more", "less", "bat", "sudo cat"];

impl Hint {
    /// From a command line as it was typed.
    pub(super) fn of_command(line: &str) -> Self {
        let mut hint = Self { typed: true, ..Self::default() };
        let mut parts = line.split('|');
        let first = parts.next().unwrap_or_default();
        hint.filter = parts
            .map(str::trim)
            .find(|p| !p.is_empty() && !HARMLESS_PIPES.contains(&p.split_whitespace().next().unwrap_or_default()))
            .map(str::to_owned);
        if let Some((_, target)) = first.split_once('>') {
            hint.filter.get_or_insert_with(|| format!("> {}", target.trim()));
        }
        let first = first.split([';', '>', '<']).next().unwrap_or_default();
        let mut words: Vec<&str> = first.split_whitespace().take(64).map(|w| w.trim_matches(['\'', '"', '`'])).collect();
        while let Some(skip) = prefix(&words, &mut hint.elsewhere) {
            words.drain(..skip.clamp(1, words.len()));
        }
        if let Some(program) = words.first_mut() {
            *program = program.rsplit('/').next().unwrap_or(program);
        }
        if words.first().is_some_and(|p| PRINTERS.contains(p)) {
            hint.path = words.iter().skip(1).find(|w| !w.starts_with('-')).map(|w| (*w).to_owned());
        }
        if words.first().is_some_and(|p| matches!(*p, "head" | "tail" | "grep" | "egrep" | "awk" | "sed")) {
            hint.filter = Some(first.trim().to_owned());
            hint.path = words.last().filter(|w| w.starts_with('/')).map(|w| (*w).to_owned());
        }
        hint.words = words.into_iter().map(str::to_owned).collect();
        hint
    }

    /// From the name of a file, or from a path in a heading.
    pub(super) fn of_name(name: &str) -> Self {
        let trimmed = [".txt", ".log", ".out"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let words = trimmed
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.')))
            .filter(|w| !w.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        // Below a copy of the root folder the rest of the path is the file's own.
        let rooted = ["etc/", "proc/", "run/", "usr/", "lib/", "var/"].iter().find_map(|top| {
            if name.starts_with(top) {
                Some(format!("/{name}"))
            } else {
                name.split_once(&format!("/{top}")).map(|(_, r)| format!("/{top}{r}"))
            }
        });
        let path = if name.starts_with('/') { Some(name.to_owned()) } else { rooted };
        Self { words, typed: false, filter: None, elsewhere: None, path }
    }

    /// The program, of a command.
    pub(super) fn program(&self) -> &str {
        self.words.first().filter(|_| self.typed).map_or("", String::as_str)
    }

    /// Whether a word is there.
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }

    /// Whether some word holds this text.
    pub(super) fn mentions(&self, text: &str) -> bool {
        self.words.iter().any(|w| w.contains(text))
    }

    /// Whether it asks for IPv6 (`ip -6`, `ip6tables`, `…-v6.txt`); `None` when it asks for nothing.
    pub(super) fn v6(&self) -> Option<bool> {
        if self.has("-6") || self.mentions("ip6") || self.mentions("v6") || self.has("6") || self.mentions("inet6") {
            return Some(true);
        }
        (self.has("-4") || self.mentions("ipv4") || (self.typed && self.mentions("iptables"))).then_some(false)
    }

    /// The word behind an option: the table behind `-t`.
    pub(super) fn after(&self, option: &str) -> Option<&str> {
        let at = self.words.iter().position(|w| w == option)?;
        self.words.get(at + 1).map(String::as_str)
    }
}

/// How many words at the start only say with whose rights, where or for how long the rest runs.
fn prefix(words: &[&str], elsewhere: &mut Option<String>) -> Option<usize> {
    let behind_dashes = || words.iter().position(|w| *w == "--").map_or(words.len(), |i| i + 1);
    match words {
        ["sudo", rest @ ..] => Some(1 + rest.iter().take_while(|w| w.starts_with('-')).count()),
        ["time" | "watch" | "nohup" | "command", ..] => Some(1),
        ["timeout", ..] => Some(2),
        ["chroot", ..] => Some(2),
        ["ip", "netns", "exec", name, ..] => {
            elsewhere.get_or_insert_with(|| format!("ip netns exec {name}"));
            Some(4)
        }
        ["nsenter", ..] => {
            // Process 1 is in the node's own namespace.
            let of_init = words.windows(2).any(|w| w == ["-t", "1"]) || words.iter().any(|w| matches!(*w, "-t1" | "--target=1"));
            let net = words.iter().any(|w| w.starts_with("-n") || w.starts_with("--net") || *w == "-a");
            if net && !of_init {
                elsewhere.get_or_insert_with(|| "nsenter".to_owned());
            }
            let options =
                words.iter().skip(1).take_while(|w| w.starts_with('-') || w.bytes().all(|b| b.is_ascii_digit())).count();
            Some(1 + options)
        }
        ["kubectl" | "docker" | "crictl" | "podman" | "oc" | "nerdctl", rest @ ..] if rest.contains(&"exec") => {
            elsewhere.get_or_insert_with(|| format!("{} exec", words[0]));
            if rest.contains(&"--") { Some(behind_dashes()) } else { Some(1 + rest.iter().position(|w| *w == "exec")? + 2) }
        }
        [word, ..] if word.contains('=') && word.bytes().next().is_some_and(|b| b.is_ascii_uppercase()) => Some(1),
        _ => None,
    }
    .filter(|_| !words.is_empty())
}

/// A command without what people set it apart with in a text.
pub(super) fn bare(text: &str) -> &str {
    text.trim_matches(['`', '*', ':', ' ', '\t'])
}

/// Whether a text is a command that prints something of the network, and no prose: "ip forwarding must be on" is none.
pub(super) fn is_command(text: &str) -> bool {
    let text = bare(text);
    // No command that anybody types is longer, and no line of an output costs more than this.
    if text.is_empty() || text.len() > 400 {
        return false;
    }
    let hint = Hint::of_command(text);
    let mut words = hint.words.iter().map(String::as_str);
    let Some(program) = words.next() else { return false };
    let second = words.next().unwrap_or_default();
    let option = second.starts_with('-');
    let bare = second.is_empty();
    match program {
        "iptables-save"
        | "ip6tables-save"
        | "iptables-nft-save"
        | "iptables-legacy-save"
        | "ip6tables-nft-save"
        | "ip6tables-legacy-save"
        | "xtables-save"
        | "ifconfig"
        | "lsmod"
        | "dmesg" => bare || option || hint.filter.is_some() || (program == "ifconfig" && words.next().is_none()),
        "iptables" | "ip6tables" | "iptables-nft" | "iptables-legacy" | "ip6tables-nft" | "ip6tables-legacy" => option,
        "ip" => {
            let object =
                if option { hint.words.iter().skip(1).find(|w| !w.starts_with('-')).map_or("", String::as_str) } else { second };
            matches!(
                object,
                "a" | "ad"
                    | "addr"
                    | "address"
                    | "l"
                    | "li"
                    | "link"
                    | "r"
                    | "ro"
                    | "route"
                    | "ru"
                    | "rule"
                    | "n"
                    | "ne"
                    | "neigh"
                    | "neighbor"
                    | "neighbour"
                    | "nexthop"
                    | "netns"
                    | "maddr"
                    | "netconf"
                    | "tunnel"
                    | "xfrm"
                    | "vrf"
            )
        }
        "sysctl" => option || second.contains('.') || second.contains('/'),
        "nft" => option || second == "list",
        "ipset" => option || matches!(second, "save" | "list"),
        "ipvsadm" | "conntrack" | "ss" | "netstat" | "arp" | "uname" | "journalctl" => option || (bare && program == "ipvsadm"),
        "bridge" => option || matches!(second, "fdb" | "link" | "vlan" | "mdb"),
        "route" => second == "-n" || second == "-ne",
        "tc" => option || matches!(second, "qdisc" | "filter" | "class"),
        "cat" | "zcat" | "head" | "tail" => second.starts_with('/') || (option && hint.words.iter().any(|w| w.starts_with('/'))),
        "grep" => hint.words.iter().any(|w| w.starts_with('/')),
        "ethtool" => option || (!second.is_empty() && words.next().is_none()),
        "kubectl" | "crictl" | "docker" => matches!(second, "get" | "describe" | "exec" | "logs" | "ps" | "version" | "inspect"),
        "systemctl" => matches!(second, "status" | "list-units" | "is-active"),
        "calicoctl" | "cilium" | "firewall-cmd" | "ufw" | "nmcli" | "kubeadm" => !bare,
        "ping" | "curl" | "traceroute" | "tracepath" | "nslookup" | "dig" | "tcpdump" => {
            !bare && (option || second.contains('.'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_prose() {
        for yes in [
            "iptables-save",
            "sudo iptables -t nat -L -n -v",
            "ip -6 route show table all",
            "sysctl -a | grep forward",
            "ip a",
            "cat /etc/resolv.conf",
            "nft list ruleset",
            "ipvsadm -Ln",
            "/usr/sbin/ipset list",
            "ip netns exec blue ip addr",
            "route -n",
            "ethtool -k eth0",
        ] {
            assert!(is_command(yes), "{yes}");
        }
        for no in [
            "ip forwarding for k8s",
            "sysctl settings",
            "route all pods here",
            "Generated by iptables-save",
            "iptables rules",
            "cat",
            "",
            "br_netfilter",
        ] {
            assert!(!is_command(no), "{no}");
        }
    }

    #[test]
    fn a_command_says_what_comes() {
        let hint = Hint::of_command("sudo ip6tables-legacy-save -t nat | grep KUBE");
        assert_eq!(
            (hint.program(), hint.v6(), hint.after("-t"), hint.filter.as_deref()),
            ("ip6tables-legacy-save", Some(true), Some("nat"), Some("grep KUBE"))
        );
        assert_eq!(Hint::of_command("cat /etc/sysctl.d/99-k8s.conf").path.as_deref(), Some("/etc/sysctl.d/99-k8s.conf"));
        assert_eq!(Hint::of_command("ip netns exec blue ip addr").elsewhere.as_deref(), Some("ip netns exec blue"));
        assert_eq!(Hint::of_command("nsenter -t 1 -n ip addr").elsewhere, None, "that is the node itself");
        assert_eq!(Hint::of_command("nsenter -t 812 -n ip addr").words, ["ip", "addr"]);
        assert!(Hint::of_command("kubectl exec -it web -- ip a").elsewhere.is_some());
        assert_eq!(Hint::of_command("iptables-save | less").filter, None);
        assert_eq!(Hint::of_name("sos/etc/sysctl.d/99-k8s.conf").path.as_deref(), Some("/etc/sysctl.d/99-k8s.conf"));
        assert_eq!(Hint::of_name("ip_-6_-j_rule.txt").v6(), Some(true));
    }
}
