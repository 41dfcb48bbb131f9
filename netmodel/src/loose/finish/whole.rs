//! Whether a part shows that it is the whole of its capture.

use bundle::Capture;

use super::{Finished, Raw};
use crate::loose::command::Hint;
use crate::loose::shape;

/// Why a text may not be the whole of its capture; `None` where it shows that it is.
pub(super) fn wholeness(raw: &Raw<'_>, done: &Finished) -> Option<String> {
    if let Some(filter) = &raw.hint.filter {
        return Some(format!("its command takes lines out (`{filter}`)"));
    }
    if let Some(at) = raw.text.lines().position(is_elision) {
        return Some(format!("something is left out at line {} of it", at + 1));
    }
    if let Some(closed) = raw.closed {
        return if closed { document(raw, done) } else { Some("its end is cut off".to_owned()) };
    }
    if raw.kind.name == "iptables-save" || done.printed_by == Some("iptables-save") {
        return save(raw);
    }
    if raw.kind.name == "conntrack -L" {
        let shown = raw
            .lines()
            .filter(|l| shape::flow_trailer(l))
            .find_map(|l| l.split_once("): ")?.1.split(' ').next()?.parse::<usize>().ok());
        if shown == Some(raw.lines().filter(|l| shape::flow(l)).count()) {
            return None;
        }
    }
    if raw.framed && takes_all(raw.hint, done) {
        return None;
    }
    Some("it does not show its end".to_owned())
}

/// `...`, `[…]`, `---`, `(2 more)`, `<snip>` where a person left something out.
fn is_elision(line: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || line.len() > 40 {
        return false;
    }
    let dots = line.trim_matches(['[', ']', '(', ')', '<', '>', ' ', '#']);
    dots == "…"
        || dots.len() >= 2 && dots.bytes().all(|b| b == b'.')
        || line.len() >= 2 && line.bytes().all(|b| b == b'-')
        || matches!(dots.to_ascii_lowercase().as_str(), "snip" | "snipped" | "cut" | "truncated" | "omitted")
        || dots.ends_with(" more") && dots.starts_with(|c: char| c.is_ascii_digit())
}

/// A ruleset shows its end by COMMIT, its begin by a header or a table.
fn save(raw: &Raw<'_>) -> Option<String> {
    let tables = raw.lines().filter(|l| l.starts_with('*')).count();
    let commits = raw.lines().filter(|l| *l == "COMMIT").count();
    let first = raw.lines().next().unwrap_or_default();
    let last = raw.lines().filter(|l| !shape::save_header(l)).last().unwrap_or_default();
    if let Some(table) = raw.hint.after("-t") {
        Some(format!("its command shows the table {table} only"))
    } else if !first.starts_with('*') && !shape::save_header(first) {
        Some("its begin is cut off".to_owned())
    } else if tables == 0 || tables != commits || !(last == "COMMIT" || last.starts_with("# Completed on")) {
        Some("its end is cut off, or that of a table".to_owned())
    } else {
        None
    }
}

/// A document that is closed is the whole, unless its command asked for a part.
fn document(raw: &Raw<'_>, done: &Finished) -> Option<String> {
    let is = |capture| done.keys.iter().any(|k| k.capture == capture);
    if raw.hint.typed && raw.hint.words.iter().any(|w| matches!(w.as_str(), "dev" | "get" | "type" | "master" | "to")) {
        return Some("its command asks for a part".to_owned());
    }
    // Every namespace has a loopback device.
    if (is(Capture::IpAddr) || is(Capture::IpLink)) && !raw.text.contains("\"lo\"") {
        return Some("it does not show the device lo, so not all devices".to_owned());
    }
    if is(Capture::IpRoute4) || is(Capture::IpRoute6) {
        let local = raw.text.matches("\"local\"").count();
        let all = raw.text.matches("\"dst\"").count();
        // Each local route says so twice: by its type and its table.
        if !raw.text.contains("\"table\":\"local\"") && !raw.text.contains("\"table\": \"local\"") || local >= 2 * all {
            return Some("it does not show all tables".to_owned());
        }
    }
    None
}

/// Whether a command prints all that its capture holds.
fn takes_all(hint: &Hint, done: &Finished) -> bool {
    let options: Vec<&str> = hint.words.iter().skip(1).map(String::as_str).collect();
    let plain = |allowed: &[&str]| options.iter().all(|o| o.starts_with('-') || allowed.contains(o));
    match hint.program() {
        "sysctl" => options == ["-a"],
        "ip" => {
            let routes = done.keys.iter().any(|k| matches!(k.capture, Capture::IpRoute4 | Capture::IpRoute6));
            let all_tables = options.windows(2).any(|w| w == ["table", "all"] || w == ["table", "0"]);
            plain(&[
                "a",
                "addr",
                "address",
                "l",
                "link",
                "r",
                "route",
                "ru",
                "rule",
                "n",
                "neigh",
                "neighbour",
                "nexthop",
                "show",
                "list",
                "ls",
                "table",
                "all",
            ]) && (!routes || all_tables)
        }
        "bridge" => plain(&["fdb", "link", "vlan", "show"]),
        "nft" => plain(&["list", "ruleset"]) && options.contains(&"ruleset"),
        "ipset" => plain(&["list", "save"]),
        "ipvsadm" => true,
        "conntrack" => options.iter().all(|o| matches!(*o, "-L" | "-o" | "extended" | "-S")),
        "cat" => options.len() == 1,
        "iptables" | "ip6tables" | "dmesg" => false,
        _ => false,
    }
}
