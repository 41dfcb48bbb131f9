//! Lines between outputs: shell prompts with their commands, headings, and the wrappers of tools that run commands on many hosts.
//!
//! ```text
//! root@node-a:~# iptables-save          [root@node-a ~]# ip rule           node-a:~ # ip rule         bash-5.1# ip rule
//! $ sysctl -a                           # sysctl -a                        / # ip addr                ➜  ~ ip route
//! + ip route                            ### ip route                       ==> /etc/resolv.conf <==   === ip route ===
//! node-a | CHANGED | rc=0 >>
//! ```
//!
//! `#` alone is a comment in most formats, so what follows it must be a command, see [`command::is_command`].

use super::command::{self, Hint};

/// A line that stands between two outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Separator {
    /// The host that it names.
    pub(super) host: Option<String>,
    /// What it says of the output that follows.
    pub(super) hint: Option<Hint>,
    /// Whether it is a prompt of a shell: one that comes after an output shows that the output had ended.
    pub(super) prompt: bool,
}

impl Separator {
    fn prompt(host: Option<&str>, command: &str) -> Self {
        let mut command = command.trim();
        let mut host = host;
        if let Some((there, what)) = ssh(command) {
            (host, command) = (Some(there), what);
        }
        Self { host: host.map(str::to_owned), hint: (!command.is_empty()).then(|| Hint::of_command(command)), prompt: true }
    }

    fn heading(text: &str) -> Self {
        let text = text.trim();
        let hint = if command::is_command(text) {
            Some(Hint::of_command(command::bare(text)))
        } else {
            Some(Hint::of_name(text)).filter(|h| h.path.is_some())
        };
        Self { host: None, hint, prompt: false }
    }
}

/// The host and the command of `ssh [options] [user@]host command`.
fn ssh(command: &str) -> Option<(&str, &str)> {
    let mut rest = command.strip_prefix("ssh ")?.trim_start();
    while rest.starts_with('-') {
        let (option, behind) = rest.split_once(' ')?;
        rest = behind.trim_start();
        // These take a word.
        if option.len() == 2 && option.ends_with(['i', 'p', 'l', 'o', 'J', 'F']) {
            rest = rest.split_once(' ')?.1.trim_start();
        }
    }
    let (host, what) = rest.split_once(' ').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().filter(|h| is_host(h))?;
    Some((host, what.trim().trim_matches(['\'', '"'])))
}

/// Reads a line, if it is one that stands between outputs.
pub(super) fn separator(line: &str) -> Option<Separator> {
    let line = line.trim();
    // A prompt with its command is short; outputs have lines of megabytes.
    if line.is_empty() || line.len() > 2000 {
        return None;
    }
    wrapper(line).or_else(|| shell(line)).or_else(|| heading(line))
}

/// `host | CHANGED | rc=0 >>` of ansible, `host | SUCCESS => {`.
fn wrapper(line: &str) -> Option<Separator> {
    let mut parts = line.split(" | ");
    let host = parts.next().filter(|h| is_host(h))?;
    let word = parts.next()?.split([' ', '!']).next()?;
    if !matches!(word, "CHANGED" | "SUCCESS" | "FAILED" | "UNREACHABLE") {
        return None;
    }
    Some(Separator { host: Some(host.to_owned()), hint: None, prompt: false })
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

fn shell(line: &str) -> Option<Separator> {
    let strict = |host: Option<&str>, rest: &str| command::is_command(rest).then(|| Separator::prompt(host, rest));
    if line == "$" {
        return Some(Separator::prompt(None, ""));
    }
    if let Some(rest) = line.strip_prefix("$ ") {
        return Some(Separator::prompt(None, rest));
    }
    if let Some(rest) = line.strip_prefix('➜').or_else(|| line.strip_prefix('❯')) {
        // `➜  ~ git:(main) ✗ ip addr`: the command begins at its program.
        let starts = rest.char_indices().filter(|(i, _)| *i == 0 || rest[..*i].ends_with(' ')).map(|(i, _)| &rest[i..]);
        let command = starts.take(6).find(|c| command::is_command(c));
        return Some(Separator::prompt(None, command.or(rest.trim_start().split_once(' ').map(|(_, c)| c)).unwrap_or_default()));
    }
    let traced = line.trim_start_matches('+');
    if traced.len() < line.len() && traced.starts_with(' ') {
        return strict(None, traced);
    }
    if let Some(rest) = line.strip_prefix("# ") {
        return strict(None, rest);
    }
    if let Some(inner) = line.strip_prefix('[') {
        // [root@node ~]# command
        let (inside, rest) = inner.split_once(']')?;
        let (user, place) = inside.split_once('@')?;
        let host = place.split([' ', ':']).next()?;
        let rest = rest.trim_start().strip_prefix(['#', '$'])?;
        return (is_host(user) && is_host(host)).then(|| Separator::prompt(Some(host), rest));
    }
    if let Some(rest) = line.strip_prefix("bash-").or_else(|| line.strip_prefix("sh-")) {
        let (version, rest) = rest.split_once(['#', '$'])?;
        return version.bytes().all(|b| b.is_ascii_digit() || b == b'.').then(|| Separator::prompt(None, rest));
    }
    if line.starts_with(['/', '~']) {
        let (place, rest) = line.split_once(' ')?;
        let rest = rest.strip_prefix(['#', '$'])?;
        let short = place.len() < 80;
        return if rest.trim().is_empty() && short { Some(Separator::prompt(None, "")) } else { strict(None, rest) };
    }
    user_at_host(line)
}

/// `root@node-a:~# command`, `core@node-a ~ $ command`, `node-a:~ # command`.
fn user_at_host(line: &str) -> Option<Separator> {
    let line = line.strip_prefix("(").and_then(|l| l.split_once(") ")).map_or(line, |(_, rest)| rest);
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@')))?;
    let (name, rest) = line.split_at(end);
    let host = match name.split_once('@') {
        Some((user, host)) if is_host(user) && is_host(host) => host,
        None if is_host(name) && (rest.starts_with(":~") || rest.starts_with(":/")) => name,
        _ => return None,
    };
    // Up to the sign stands at most the folder.
    let sign = rest.find(['#', '$', '%'])?;
    let (place, rest) = rest.split_at(sign);
    let place = place.trim_start_matches(':').trim();
    let rest = &rest[1..];
    let ends = rest.is_empty() || rest.starts_with(' ');
    (ends && place.len() < 200 && !place.contains(' ')).then(|| Separator::prompt(Some(host), rest))
}

/// Headings that scripts print, and a command that stands alone on its line.
fn heading(line: &str) -> Option<Separator> {
    let deco = |c: char| matches!(c, '#' | '=' | '-' | '*' | '~' | '>' | '<' | '_' | '|');
    let inner = line.trim_matches(deco);
    let lead = line.len() - line.trim_start_matches(deco).len();
    let tail = line.len() - line.trim_end_matches(deco).len();
    let text = inner.trim();
    if text.is_empty() || text.len() > 300 {
        return None;
    }
    if lead >= 2 && inner.starts_with([' ', '\t', '/', '`', '[']) || lead >= 3 {
        let framed = tail >= 3 && !line.starts_with('#') || line.starts_with("==> ") && line.ends_with(" <==");
        if framed || command::is_command(text) || (text.starts_with('/') && !text.contains(' ')) {
            return Some(Separator::heading(text));
        }
        return None;
    }
    (lead == 0 || line.starts_with(['*', '#']) && lead == 2).then_some(())?;
    // `ip route:` or the command alone, as in a ticket's text.
    command::is_command(line).then(|| Separator::heading(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(line: &str) -> (Option<String>, Option<String>) {
        let found = separator(line).unwrap_or_else(|| panic!("{line} is a separator"));
        (found.host, found.hint.and_then(|h| h.words.first().cloned()))
    }

    #[test]
    fn every_prompt_gives_host_and_command() {
        for (line, host, command) in [
            ("root@node-a:~# iptables-save", "node-a", "iptables-save"),
            ("user@node-a:/etc/cni$ ip route", "node-a", "ip"),
            ("[root@node-a ~]# ip rule", "node-a", "ip"),
            ("node-a:~ # ip rule", "node-a", "ip"),
            ("core@node-a ~ $ sudo ip rule", "node-a", "ip"),
            ("$ sysctl -a", "", "sysctl"),
            ("# sysctl -a", "", "sysctl"),
            ("/ # ip addr", "", "ip"),
            ("bash-5.1# ip addr", "", "ip"),
            ("➜  ~ git:(main) ✗ ip route", "", "ip"),
            ("+ ip route", "", "ip"),
            ("++ iptables-save", "", "iptables-save"),
            ("### ip route", "", "ip"),
            ("=== ip route ===", "", "ip"),
            ("sudo iptables -S:", "", "iptables"),
            ("node-a | CHANGED | rc=0 >>", "node-a", ""),
        ] {
            assert_eq!(
                program(line),
                ((!host.is_empty()).then(|| host.to_owned()), (!command.is_empty()).then(|| command.to_owned())),
                "{line}"
            );
        }
        assert_eq!(separator("==> /etc/resolv.conf <==").unwrap().hint.unwrap().path.as_deref(), Some("/etc/resolv.conf"));
        assert_eq!(separator("root@node-a:~#").unwrap().hint, None);
        assert!(separator("===== node-a =====").is_some());
    }

    #[test]
    fn lines_of_outputs_are_none() {
        for line in [
            "# Generated by iptables-save v1.8.9 on Sat Nov 21 00:29:50 2026",
            "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them",
            "# ip forwarding for pods",
            "## IPv4",
            "##### IPv4 #####",
            "*filter",
            ":INPUT ACCEPT [0:0]",
            "[0:0] -A INPUT -j ACCEPT",
            "-A INPUT -j DROP",
            "[    1.5] eth0: link up",
            "--",
            "...",
            "---",
            "32766:\tfrom all lookup main",
            "10.0.0.0/8 via 10.0.0.1 dev eth0 # note",
            "nameserver 10.96.0.10",
            "  -> 10.244.1.2:53            Masq    1      0          0",
            "net.ipv4.ip_forward = 1",
            "\tiifname \"cni0\" accept # handle 7",
            "eth0: flags=4163<UP> mtu 1500",
            "2: eth0@if3: <UP> mtu 1500",
            "-----------------------",
        ] {
            assert_eq!(separator(line), None, "{line}");
        }
    }
}
