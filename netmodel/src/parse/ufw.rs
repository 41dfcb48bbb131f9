//! ufw: `/etc/ufw/ufw.conf`, `/etc/default/ufw`, `ufw status verbose`.
//!
//! ```text
//! ENABLED=yes
//! DEFAULT_FORWARD_POLICY="DROP"
//! ```
//! ```text
//! Status: active
//! Logging: on (low)
//! Default: deny (incoming), allow (outgoing), deny (routed)
//! New profiles: skip
//!
//! To                         Action      From
//! --                         ------      ----
//! 22/tcp                     ALLOW IN    Anywhere
//! 8472/udp                   ALLOW IN    192.168.50.0/24            # vxlan
//! Anywhere on cni0           ALLOW FWD   10.244.0.0/16
//! ```
//!
//! Translated by ufw's own catalogues: only English is read. Left out: the `*.rules` files, which are iptables-restore input.

use serde::Serialize;

use super::flannel::Spanned;
use super::text::{slice, trimmed};
use super::{Parsed, ini};
use crate::source::{At, Problem, lines, position};

/// What the two files say; `None`: not set there.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UfwConf {
    /// `ENABLED` of ufw.conf: it starts at boot.
    pub enabled: Option<Spanned<bool>>,
    /// `DEFAULT_INPUT_POLICY` (`ACCEPT`, `DROP`, `REJECT`).
    pub input: Option<Spanned<String>>,
    /// `DEFAULT_FORWARD_POLICY`.
    pub forward: Option<Spanned<String>>,
    /// `DEFAULT_OUTPUT_POLICY`.
    pub output: Option<Spanned<String>>,
    /// `IPV6`: it filters IPv6 too.
    pub ipv6: Option<Spanned<bool>>,
    /// `MANAGE_BUILTINS`: it flushes the built-in chains.
    pub manage_builtins: Option<Spanned<bool>>,
}

/// Reads ufw.conf or /etc/default/ufw.
#[must_use]
pub fn parse_conf(text: &str) -> Parsed<UfwConf> {
    let file = ini::parse(text);
    let word = |key: &str| file.value.get(text, "", key).map(|s| (slice(text, s.value).to_owned(), s.at));
    let switch = |key: &str| file.value.switch(text, "", key);
    let value = UfwConf {
        enabled: switch("ENABLED"),
        input: word("DEFAULT_INPUT_POLICY"),
        forward: word("DEFAULT_FORWARD_POLICY"),
        output: word("DEFAULT_OUTPUT_POLICY"),
        ipv6: switch("IPV6"),
        manage_builtins: switch("MANAGE_BUILTINS"),
    };
    Parsed { value, problems: file.problems }
}

/// A rule of `ufw status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UfwRule {
    /// Its line.
    pub at: At,
    /// Where to: port, protocol, address, `on IF`, `(v6)`.
    pub to: At,
    /// `ALLOW IN`, `DENY FWD`, …; without `verbose` only the first word.
    pub action: At,
    /// Where from.
    pub from: At,
    /// The comment behind `#`.
    pub comment: Option<At>,
}

/// `ufw status`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UfwStatus {
    /// `Status: active`.
    pub active: Option<Spanned<bool>>,
    /// The defaults: action and direction (`incoming`, `outgoing`, `routed`); `disabled (routed)` where forwarding is off.
    pub defaults: Vec<(At, At)>,
    /// The rules.
    pub rules: Vec<UfwRule>,
}

/// Reads `ufw status`, `ufw status verbose` or `ufw status numbered`.
#[must_use]
pub fn parse_status(text: &str) -> Parsed<UfwStatus> {
    let mut out = Parsed::<UfwStatus>::default();
    for (at, line) in lines(text) {
        let inner = line.trim_ascii();
        let header = ["To ", "-- ", "Logging:", "New profiles:"].iter().any(|h| inner.starts_with(h));
        if inner.is_empty() || header {
            continue;
        }
        if let Some(status) = inner.strip_prefix("Status:") {
            match status.trim_ascii() {
                "active" => out.value.active = Some((true, at)),
                "inactive" => out.value.active = Some((false, at)),
                _ => out.problems.push(Problem { at, what: "neither active nor inactive".to_owned() }),
            }
        } else if let Some(all) = inner.strip_prefix("Default:") {
            for part in all.split(',') {
                if let Some((action, direction)) = part.trim_ascii().strip_suffix(')').and_then(|p| p.split_once(" (")) {
                    out.value.defaults.push((position(text, action, at.line), position(text, direction, at.line)));
                }
            }
        } else if let Some(rule) = rule(text, at, inner) {
            out.value.rules.push(rule);
        } else {
            out.problems.push(Problem { at, what: "not a rule".to_owned() });
        }
    }
    out
}

fn rule(text: &str, at: At, line: &str) -> Option<UfwRule> {
    // `[ 1] 22/tcp …`
    let line = line.strip_prefix('[').and_then(|l| l.split_once(']')).map_or(line, |(_, rest)| rest.trim_ascii_start());
    // The action is the one word of the line that cannot be part of an address, behind at least one blank.
    let (start, word) = ["ALLOW", "DENY", "REJECT", "LIMIT"]
        .iter()
        .filter_map(|w| line.match_indices(w).find(|(i, _)| *i > 0 && line.as_bytes()[*i - 1] == b' '))
        .min_by_key(|(i, _)| *i)?;
    let mut end = start + word.len();
    let behind = line.get(end..)?;
    if let Some(direction) =
        [" IN", " OUT", " FWD"].iter().find(|d| behind.strip_prefix(**d).is_some_and(|r| r.is_empty() || r.starts_with(' ')))
    {
        end += direction.len();
    }
    let (from, comment) = match line.get(end..)?.split_once(" # ") {
        Some((from, comment)) => (from, trimmed(text, comment, at.line)),
        None => (line.get(end..)?, None),
    };
    let (to, from) = (trimmed(text, &line[..start], at.line)?, trimmed(text, from, at.line)?);
    Some(UfwRule { at, to, action: position(text, &line[start..end], at.line), from, comment })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};

    #[test]
    fn files() {
        let text = "IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_FORWARD_POLICY=\"DROP\"\nMANAGE_BUILTINS=no\n# ENABLED=no\nENABLED=yes\n";
        let got = parse_conf(text).value;
        assert_eq!(got.forward.map(|(p, at)| (p, at.line)), Some(("DROP".to_owned(), 3)));
        assert_eq!(
            (got.enabled.map(|(b, _)| b), got.manage_builtins.map(|(b, _)| b), got.output),
            (Some(true), Some(false), None)
        );
    }

    #[test]
    fn status() {
        let text = fixture("ufw-status/verbose.txt");
        let got = parse_status(&text);
        assert_eq!(problems(&text, &got), [""; 0]);
        assert_eq!(got.value.active.map(|(on, at)| (on, at.line)), Some((true, 1)));
        let show = |at| slice(&text, at);
        assert_eq!(
            got.value.defaults.iter().map(|&(a, d)| (show(a), show(d))).collect::<Vec<_>>(),
            [("deny", "incoming"), ("allow", "outgoing"), ("deny", "routed")]
        );
        let rules: Vec<_> =
            got.value.rules.iter().map(|r| (show(r.to), show(r.action), show(r.from), r.comment.map(show))).collect();
        assert_eq!(
            rules,
            [
                ("22/tcp", "ALLOW IN", "Anywhere", None),
                ("8472/udp", "ALLOW IN", "192.168.50.0/24", Some("vxlan, ALLOW it")),
                ("Anywhere on cni0", "ALLOW FWD", "10.244.0.0/16", None),
                ("80,443/tcp (Nginx Full)", "LIMIT IN", "Anywhere", None),
                ("6443/tcp (v6)", "DENY IN", "Anywhere (v6)", None),
            ]
        );
        let plain = "Status: inactive\n[ 1] 22                         ALLOW       Anywhere\nERROR: You need to be root\n";
        let got = parse_status(plain);
        assert_eq!((got.value.active.map(|(on, _)| on), got.value.rules.len(), got.problems.len()), (Some(false), 1, 1));
    }

    #[test]
    fn snapshots_of_status() {
        snapshots("ufw-status", parse_status);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(Status: |Default: |ALLOW| IN|\\[ 1\\]| # |\\(|\\)|[a-z0-9/]{1,5}| |\n|\u{e9}){0,30}") {
            let _ = (parse_status(&text), parse_conf(&text));
        }
    }
}
