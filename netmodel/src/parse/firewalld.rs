//! `/etc/firewalld/firewalld.conf`.
//!
//! ```text
//! DefaultZone=public
//! FirewallBackend=nftables
//! FlushAllOnReload=yes
//! IPv6_rpfilter=yes
//! ```
//!
//! Left out: zones and policies (XML), which are kept verbatim in the bundle.

use serde::Serialize;

use super::flannel::Spanned;
use super::text::slice;
use super::{Parsed, ini};

/// What the file says; `None`: firewalld's default holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FirewalldConf {
    /// `DefaultZone`: where interfaces belong that no zone names.
    pub default_zone: Option<Spanned<String>>,
    /// `FirewallBackend`: `nftables` (default since 0.6) or `iptables`.
    pub backend: Option<Spanned<String>>,
    /// `FlushAllOnReload`: a reload throws runtime rules away (default since 0.8: yes).
    pub flush_all_on_reload: Option<Spanned<bool>>,
    /// `CleanupOnExit`: stopping it removes its rules.
    pub cleanup_on_exit: Option<Spanned<bool>>,
    /// `IPv6_rpfilter`: `yes`, `no`, or since 2.0 `strict`, `loose`, `strict-forward`, `loose-forward`.
    pub ipv6_rpfilter: Option<Spanned<String>>,
    /// `StrictForwardPorts` (since 2.3): only ports forwarded by firewalld itself are let in.
    pub strict_forward_ports: Option<Spanned<bool>>,
    /// `LogDenied`.
    pub log_denied: Option<Spanned<String>>,
}

/// Reads the file.
#[must_use]
pub fn parse(text: &str) -> Parsed<FirewalldConf> {
    let file = ini::parse(text);
    let word = |key: &str| file.value.get(text, "", key).map(|s| (slice(text, s.value).to_owned(), s.at));
    let value = FirewalldConf {
        default_zone: word("DefaultZone"),
        backend: word("FirewallBackend"),
        flush_all_on_reload: file.value.switch(text, "", "FlushAllOnReload"),
        cleanup_on_exit: file.value.switch(text, "", "CleanupOnExit"),
        ipv6_rpfilter: word("IPv6_rpfilter"),
        strict_forward_ports: file.value.switch(text, "", "StrictForwardPorts"),
        log_denied: word("LogDenied"),
    };
    Parsed { value, problems: file.problems }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_counts_and_a_comment_is_none() {
        let text = "# FirewallBackend=iptables\nDefaultZone=public\nFirewallBackend=nftables\nFlushAllOnReload=no\nIPv6_rpfilter=strict\nLockdown=no\nDefaultZone=trusted\n";
        let got = parse(text);
        assert_eq!(got.problems, []);
        let conf = got.value;
        assert_eq!(conf.default_zone.map(|(z, at)| (z, at.line)), Some(("trusted".to_owned(), 7)));
        assert_eq!(conf.backend.map(|(b, _)| b).as_deref(), Some("nftables"));
        assert_eq!((conf.flush_all_on_reload.map(|(b, _)| b), conf.cleanup_on_exit), (Some(false), None));
    }
}
