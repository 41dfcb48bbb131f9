//! sysctl.d(5) files: sysctls that are set at boot.
//!
//! ```text
//! # /etc/sysctl.d/99-kubernetes.conf
//! net.ipv4.ip_forward = 1
//! -net.ipv4.conf.lo.rp_filter
//! net.ipv4.conf.*.rp_filter = 0
//! -kernel.unprivileged_bpf_disabled = 1
//! ```
//!
//! How files mask and follow each other is the business of `state::persist`.

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// A line that sets something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The line.
    pub at: At,
    /// The key or glob, without the `-` before it.
    pub key: At,
    /// The value; `None` for an exclusion (`-net.ipv4.conf.lo.rp_filter`, without `=`).
    pub value: Option<At>,
    /// `-` before the key: a failure to set it is ignored.
    pub ignore_errors: bool,
}

/// The settings of a file, in its order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SysctlFile {
    /// The settings.
    pub settings: Vec<Setting>,
}

/// Reads a sysctl.d file or sysctl.conf.
#[must_use]
pub fn parse(text: &str) -> Parsed<SysctlFile> {
    let mut out = Parsed::<SysctlFile>::default();
    for (at, line) in lines(text) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        let (key, value) = match trimmed.split_once('=') {
            Some((key, value)) => (key.trim_end(), Some(value.trim_start())),
            None => (trimmed, None),
        };
        let bare = key.strip_prefix('-').map(str::trim_start);
        if bare.unwrap_or(key).is_empty() || (value.is_none() && bare.is_none()) {
            out.problems.push(Problem { at, what: "not an assignment".to_owned() });
            continue;
        }
        out.value.settings.push(Setting {
            at,
            key: position(text, bare.unwrap_or(key), at.line),
            value: value.map(|v| position(text, v, at.line)),
            ignore_errors: bare.is_some(),
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_exclusions_and_the_rest() {
        let text = "# c\n; c\n net.ipv4.ip_forward=1 \n-net.ipv4.conf.lo.rp_filter\n- kernel.x = a = b\nnonsense\n= 1\n";
        let got = parse(text);
        let show = |a: At| &text[a.start as usize..a.end as usize];
        let all: Vec<_> = got.value.settings.iter().map(|s| (show(s.key), s.value.map(show), s.ignore_errors)).collect();
        assert_eq!(
            all,
            [
                ("net.ipv4.ip_forward", Some("1"), false),
                ("net.ipv4.conf.lo.rp_filter", None, true),
                ("kernel.x", Some("a = b"), true),
            ]
        );
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [6, 7]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-b.=#* \n\u{e9}-]{0,40}") {
            let _ = parse(&text);
        }
    }
}
