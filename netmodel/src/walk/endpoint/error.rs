//! Questions that cannot be walked, and why: each error holds what there is instead.

use std::net::IpAddr;

use crate::source::Missing;

/// A question that cannot be walked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// There is none of that name.
    #[error("there is no {kind} `{name}` in what was given")]
    NoSuch {
        /// What was looked for: `pod`, `node`, `Service`, `device`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The name fits several.
    #[error("`{name}` fits several {kind}s: {}", .candidates.join(", "))]
    Ambiguous {
        /// What was looked for.
        kind: &'static str,
        /// The name.
        name: String,
        /// What it fits.
        candidates: Vec<String>,
    },
    /// It has no address.
    #[error("{what} has no address that others could reach")]
    NoAddress {
        /// What has none.
        what: String,
    },
    /// The ends have no family in common.
    #[error("{from} and {to} have no address family in common")]
    Families {
        /// The source.
        from: String,
        /// The destination.
        to: String,
    },
    /// A port is needed.
    #[error("{protocol} to {to} needs a port")]
    PortNeeded {
        /// The protocol.
        protocol: &'static str,
        /// The destination.
        to: String,
        /// Ports that are known there, such as `53/udp (kube-system/kube-dns:dns)`.
        known: Vec<String>,
    },
    /// The protocol has no ports.
    #[error("icmp has no ports")]
    NoPorts,
    /// A Service does not send.
    #[error("a Service sends nothing: name one of its pods, or who asks it")]
    ServiceSends,
    /// It is not known on which node a packet from outside comes in.
    #[error("{src} belongs to none of the nodes, and on which of them its packet comes in is not known: it is sent to {to}")]
    Entry {
        /// The source.
        src: IpAddr,
        /// The destination.
        to: String,
        /// The nodes.
        nodes: Vec<String>,
    },
    /// It is not known by which device it comes in.
    #[error("by which device of {node} a packet from {src} comes in is not known: {why}")]
    EntryDevice {
        /// The node.
        node: String,
        /// The source.
        src: IpAddr,
        /// Why.
        why: String,
        /// Its devices.
        devices: Vec<String>,
    },
    /// The size holds not even the headers.
    #[error("{size} bytes are less than the headers of such a packet ({least})")]
    TooSmall {
        /// What was asked for.
        size: u16,
        /// The least.
        least: u16,
    },
    /// Something is not in the bundle.
    #[error("{0}")]
    Missing(#[from] Missing),
}
