//! What a rule does when it matches.

use std::net::IpAddr;

use serde::Serialize;

use super::ChainId;
use super::value::{Mark, Net, PortRange};
use crate::source::Span;

/// Where a rule leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Jump {
    /// The name of the chain.
    pub name: Span,
    /// The chain, if it is in the text. Where it is not, either the text is not whole or this is a target extension that is not
    /// known here.
    #[serde(skip)]
    pub chain: Option<ChainId>,
}

/// An address and ports to translate to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NatTo {
    /// Addresses from and to; `None` keeps (or the interface's own).
    pub addr: Option<(IpAddr, IpAddr)>,
    /// Ports from and to; `None` keeps.
    pub ports: Option<PortRange>,
    /// `--random`.
    pub random: bool,
    /// `--random-fully`.
    pub random_fully: bool,
    /// `--persistent`.
    pub persistent: bool,
    /// The options as they stand.
    pub options: Span,
}

/// What a rule does when it matches. Options that are not typed are in the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Target {
    /// No `-j`: the rule only counts.
    None,
    /// ACCEPT.
    Accept,
    /// DROP.
    Drop,
    /// RETURN.
    Return,
    /// QUEUE.
    Queue,
    /// `-j CHAIN`.
    Jump(Jump),
    /// `-g CHAIN`: the end of that chain returns to the caller's caller.
    Goto(Jump),
    /// REJECT; the span is the word behind `--reject-with`, empty without one.
    Reject(Span),
    /// MARK in all its forms: `mark = (mark & !mask) ^ value`.
    Mark(Mark),
    /// CONNMARK `--set-xmark` and its forms, on the connection's mark.
    ConnMarkSet(Mark),
    /// CONNMARK `--save-mark`: `ctmark = (ctmark & !ctmask) ^ (mark & nfmask)`.
    ConnMarkSave {
        /// Bits of the packet's mark.
        nfmask: u32,
        /// Bits of the connection's mark.
        ctmask: u32,
    },
    /// CONNMARK `--restore-mark`: `mark = (mark & !nfmask) ^ (ctmark & ctmask)`.
    ConnMarkRestore {
        /// Bits of the packet's mark.
        nfmask: u32,
        /// Bits of the connection's mark.
        ctmask: u32,
    },
    /// DNAT.
    Dnat(NatTo),
    /// SNAT.
    Snat(NatTo),
    /// MASQUERADE.
    Masquerade(NatTo),
    /// REDIRECT: to the node itself.
    Redirect(NatTo),
    /// NETMAP.
    Netmap(Net),
    /// NOTRACK, and CT `--notrack`.
    NoTrack,
    /// CT with other options.
    Ct(Span),
    /// LOG.
    Log(Span),
    /// NFLOG.
    NfLog(Span),
    /// NFQUEUE: a program decides.
    NfQueue(Span),
    /// TCPMSS.
    TcpMss(Span),
    /// TPROXY.
    TProxy(Span),
    /// TRACE.
    Trace,
    /// SET: adds to or takes from a set.
    Set(Span),
    /// CHECKSUM.
    Checksum(Span),
    /// CLASSIFY.
    Classify(Span),
    /// SYNPROXY: the kernel shakes hands in the server's stead.
    SynProxy(Span),
    /// CLUSTERIP: of the nodes that share the address one takes the packet.
    ClusterIp(Span),
    /// SNPT and DNPT: another prefix for the source's or the destination's (RFC 6296).
    Npt {
        /// The source's.
        source: bool,
        /// The options.
        options: Span,
    },
    /// DSCP, TOS, TTL, HL, ECN, AUDIT, SECMARK, CONNSECMARK, LED, RATEEST, IDLETIMER, TEE, HMARK, TCPOPTSTRIP, ULOG: the
    /// packet goes on. Typed options stand in [`Ruleset::target_options`].
    Continues {
        /// The target's name.
        name: Span,
        /// Its options.
        options: Span,
    },
    /// No rule: lines were left out of the text here, and any rules may have stood there. The span is the mark of that.
    Elided(Span),
    /// A target that is not known.
    Other {
        /// Its name.
        name: Span,
        /// Its options.
        options: Span,
    },
}
