//! The ends of a flow as a person names them: `pod:coredns-5d78c9869d-7xqzm`, `10.96.0.10:53`, `service:kube-system/kube-dns`, `external`.
//!
//! What they mean in a world is found out in [`mod@resolve`]; how namespaces are called is in [`names`]. Names that are not known are
//! errors with the names that are; which of them is the closest is the caller's business.

pub mod entry;
mod error;
mod find;
pub mod names;
pub mod resolve;

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use crate::family::Family;
use crate::walk::packet::{ICMP, ICMPV6, SCTP, TCP, UDP};

pub use error::EndpointError;
pub use resolve::{Question, Resolved, first_packet, resolve};

/// A protocol that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP: the first packet of a connection (SYN).
    Tcp,
    /// UDP.
    Udp,
    /// An echo request of ICMP or ICMPv6.
    Icmp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Its number (IANA); ICMP has one in each family.
    #[must_use]
    pub fn number(self, family: Family) -> u8 {
        match self {
            Self::Tcp => TCP,
            Self::Udp => UDP,
            Self::Icmp if family == Family::V4 => ICMP,
            Self::Icmp => ICMPV6,
            Self::Sctp => SCTP,
        }
    }

    /// The protocol of a number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Some(match number {
            TCP => Self::Tcp,
            UDP => Self::Udp,
            ICMP | ICMPV6 => Self::Icmp,
            SCTP => Self::Sctp,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Sctp => "sctp",
        }
    }

    /// Whether it has ports.
    #[must_use]
    pub fn has_ports(self) -> bool {
        self != Self::Icmp
    }
}

/// A place in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// An address: of a pod, a node, a Service, or of something outside.
    Address(IpAddr),
    /// A pod by its name, with or without its namespace, or by the beginning of it.
    Pod(String),
    /// A node by its name, or by the beginning of it.
    Node(String),
    /// A Service: `kube-system/kube-dns:dns`, `kube-system/kube-dns`, `kube-dns`.
    Service(String),
    /// A device of a node or a pod: as a source, what comes in by it; as a destination, its address.
    Device {
        /// The node or the pod (`node-a`, `pod:default/a1`).
        owner: String,
        /// The device.
        dev: String,
    },
    /// Some host outside of the cluster.
    External,
}

/// One end of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Where it is.
    pub place: Where,
    /// Its port, if one was named.
    pub port: Option<u16>,
}

/// A text that names no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEnd {
    /// It has none of the forms.
    #[error("`{0}` is no address and none of pod:NAME, node:NAME, service:NAMESPACE/NAME, NAME%INTERFACE, external")]
    Form(String),
    /// There is nothing behind the `pod:`.
    #[error("a name is missing in `{0}`")]
    NoName(String),
    /// What stands behind the last colon is no port.
    #[error("`{0}` is not a port (1 to 65535)")]
    Port(String),
    /// A link-local address with its link.
    #[error("`{0}` is known on its own link only: name the device instead, NAME%INTERFACE")]
    Zone(String),
}

impl FromStr for End {
    type Err = BadEnd;

    fn from_str(text: &str) -> Result<Self, BadEnd> {
        if let Some((kind, rest)) = text.split_once(':')
            && matches!(kind, "pod" | "node" | "service" | "external")
            && !(kind != "external" && rest.contains('%'))
        {
            let (name, port) = match kind {
                "external" => ("", Some(port(rest)?)),
                // Behind the colon of a Service may stand a port's name, which is a part of the Service's.
                "service" => split_number(rest)?,
                _ => split_port(rest)?,
            };
            if name.is_empty() && kind != "external" {
                return Err(BadEnd::NoName(text.to_owned()));
            }
            let place = match kind {
                "pod" => Where::Pod(name.to_owned()),
                "node" => Where::Node(name.to_owned()),
                "service" => Where::Service(name.to_owned()),
                _ => Where::External,
            };
            return Ok(Self { place, port });
        }
        if text == "external" {
            return Ok(Self { place: Where::External, port: None });
        }
        if let Some((owner, dev)) = text.split_once('%') {
            if owner.parse::<IpAddr>().is_ok() || owner.starts_with('[') {
                return Err(BadEnd::Zone(text.to_owned()));
            }
            let (dev, port) = split_port(dev)?;
            let owner = owner.strip_prefix("node:").unwrap_or(owner);
            if owner.is_empty() || dev.is_empty() {
                return Err(BadEnd::NoName(text.to_owned()));
            }
            return Ok(Self { place: Where::Device { owner: owner.to_owned(), dev: dev.to_owned() }, port });
        }
        if let Ok(addr) = text.parse::<IpAddr>() {
            return Ok(Self { place: Where::Address(addr), port: None });
        }
        if let Ok(both) = text.parse::<SocketAddr>()
            && both.port() != 0
        {
            return Ok(Self { place: Where::Address(both.ip()), port: Some(both.port()) });
        }
        if let Some(addr) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).and_then(|t| t.parse().ok()) {
            return Ok(Self { place: Where::Address(addr), port: None });
        }
        match text.rsplit_once(':') {
            Some((addr, bad)) if addr.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() => Err(BadEnd::Port(bad.to_owned())),
            _ => Err(BadEnd::Form(text.to_owned())),
        }
    }
}

/// `NAME:PORT`, or `NAME` alone; neither pods nor nodes nor devices have a colon in their names.
fn split_port(text: &str) -> Result<(&str, Option<u16>), BadEnd> {
    match text.rsplit_once(':') {
        Some((name, number)) => Ok((name, Some(port(number)?))),
        None => Ok((text, None)),
    }
}

/// The same where what is no number belongs to the name.
fn split_number(text: &str) -> Result<(&str, Option<u16>), BadEnd> {
    match text.rsplit_once(':') {
        Some((name, number)) if number.bytes().all(|b| b.is_ascii_digit()) => Ok((name, Some(port(number)?))),
        _ => Ok((text, None)),
    }
}

fn port(text: &str) -> Result<u16, BadEnd> {
    text.parse().ok().filter(|&p| p != 0).ok_or_else(|| BadEnd::Port(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let read = |text: &str| {
            let end: End = text.parse().unwrap();
            (end.place, end.port)
        };
        let addr = |text: &str| Where::Address(text.parse().unwrap());
        assert_eq!(read("10.96.0.10"), (addr("10.96.0.10"), None));
        assert_eq!(read("10.96.0.10:53"), (addr("10.96.0.10"), Some(53)));
        assert_eq!(read("fd00::a"), (addr("fd00::a"), None));
        assert_eq!(read("[fd00::a]"), (addr("fd00::a"), None));
        assert_eq!(read("[fd00::a]:53"), (addr("fd00::a"), Some(53)));
        assert_eq!(read("pod:default/a1:8080"), (Where::Pod("default/a1".to_owned()), Some(8080)));
        assert_eq!(read("node:node-a.example.com"), (Where::Node("node-a.example.com".to_owned()), None));
        assert_eq!(read("service:kube-system/kube-dns:dns"), (Where::Service("kube-system/kube-dns:dns".to_owned()), None));
        assert_eq!(read("service:kube-dns:53"), (Where::Service("kube-dns".to_owned()), Some(53)));
        assert_eq!(read("external"), (Where::External, None));
        assert_eq!(read("external:443"), (Where::External, Some(443)));
        let device = |owner: &str, dev: &str| Where::Device { owner: owner.to_owned(), dev: dev.to_owned() };
        assert_eq!(read("node-a%eth0.10:80"), (device("node-a", "eth0.10"), Some(80)));
        assert_eq!(read("pod:default/a1%eth0"), (device("pod:default/a1", "eth0"), None));
    }

    #[test]
    fn what_is_no_place_says_why() {
        let bad = |text: &str| text.parse::<End>().unwrap_err();
        assert_eq!(bad("10.96.0.10:dns"), BadEnd::Port("dns".to_owned()));
        assert_eq!(bad("10.96.0.10:0"), BadEnd::Port("0".to_owned()));
        assert_eq!(bad("pod:a:70000"), BadEnd::Port("70000".to_owned()));
        assert_eq!(bad("pod:"), BadEnd::NoName("pod:".to_owned()));
        assert_eq!(bad("fe80::1%eth0"), BadEnd::Zone("fe80::1%eth0".to_owned()));
        assert_eq!(bad("a1"), BadEnd::Form("a1".to_owned()));
        assert_eq!(bad(""), BadEnd::Form(String::new()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<End>();
            let _ = format!("pod:{text}").parse::<End>();
            let _ = format!("a%{text}").parse::<End>();
        }
    }
}
