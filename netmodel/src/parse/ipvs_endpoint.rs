//! Addresses with ports as ipvs prints them.
//!
//! ```text
//! 10.96.0.10:53
//! [fd00::a]:443
//! 0A60000A:0035
//! [fd00:0000:0000:0000:0000:0000:0000:000a]:0035
//! kube-dns.example:domain
//! ```
//!
//! Without `-n` ipvsadm prints names, and cuts those of destinations off at 28 characters: they are kept as names, never guessed at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::text::{hex, slice};
use crate::source::{At, position};

/// What a service takes, or where a destination is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// Address and port.
    Addr {
        /// The address.
        addr: IpAddr,
        /// The port; 0 for any.
        port: u16,
    },
    /// A firewall mark.
    FwMark(u32),
    /// A host name, a service name for a port, or both.
    Name {
        /// The host as printed.
        host: At,
        /// The port as printed; `None` if it is cut off.
        port: Option<At>,
    },
}

/// Reads the word at `at`; `None` if it is no endpoint at all. `in_proc` says whether a header told that this is /proc's form.
pub(crate) fn endpoint(text: &str, at: At, in_proc: Option<bool>) -> Option<Endpoint> {
    let word = slice(text, at);
    if let Some(inner) = word.strip_prefix('[') {
        let (host, port) = inner.split_once("]:")?;
        let addr: Ipv6Addr = host.parse().ok()?;
        // %pI6 writes every digit out and /proc's ports are four hexadecimal digits; inet_ntop does neither.
        let in_proc = in_proc.unwrap_or_else(|| host.len() == 39 && host.split(':').any(|group| group.starts_with('0')));
        return match number(port, in_proc) {
            Some(port) => Some(Endpoint::Addr { addr: addr.into(), port }),
            None => Some(named(text, at.line, host, Some(port))),
        };
    }
    let Some((host, port)) = word.rsplit_once(':') else {
        return (!word.is_empty()).then(|| named(text, at.line, word, None));
    };
    if let Ok(addr) = host.parse::<Ipv4Addr>() {
        return match number(port, false) {
            Some(port) => Some(Endpoint::Addr { addr: addr.into(), port }),
            None => Some(named(text, at.line, host, Some(port))),
        };
    }
    if host.len() == 8
        && port.len() == 4
        && let (Some(addr), Some(port)) = (hex(host).and_then(|n| u32::try_from(n).ok()), number(port, true))
    {
        return Some(Endpoint::Addr { addr: Ipv4Addr::from_bits(addr).into(), port });
    }
    (!host.is_empty() && !host.contains([':', '['])).then(|| named(text, at.line, host, Some(port)))
}

fn named(text: &str, line: u32, host: &str, port: Option<&str>) -> Endpoint {
    let port = port.filter(|p| !p.is_empty()).map(|p| position(text, p, line));
    Endpoint::Name { host: position(text, host, line), port }
}

fn number(port: &str, in_proc: bool) -> Option<u16> {
    if in_proc { hex(port).and_then(|n| u16::try_from(n).ok()) } else { port.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(word: &str) -> Option<Endpoint> {
        endpoint(word, position(word, word, 1), None)
    }

    #[test]
    fn numbers_in_both_forms_and_names() {
        let addr = |addr: &str, port| Some(Endpoint::Addr { addr: addr.parse().unwrap(), port });
        assert_eq!(read("10.96.0.10:53"), addr("10.96.0.10", 53));
        assert_eq!(read("0A60000A:0035"), addr("10.96.0.10", 53));
        assert_eq!(read("[fd00::a]:443"), addr("fd00::a", 443));
        assert_eq!(read("[fd00:0000:0000:0000:0000:0000:0000:000a]:0035"), addr("fd00::a", 53));
        assert!(matches!(read("10.96.0.10:domain"), Some(Endpoint::Name { port: Some(_), .. })));
        assert!(matches!(read("node-a.example:http"), Some(Endpoint::Name { port: Some(_), .. })));
        assert!(matches!(read("a-name-that-was-cut-off-here"), Some(Endpoint::Name { port: None, .. })));
        assert_eq!((read(""), read("fd00::a:53"), read("[fd00::a")), (None, None, None));
    }
}
