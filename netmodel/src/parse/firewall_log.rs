//! Packets that LOG targets and nft's `log` print into the kernel log.
//!
//! ```text
//! [UFW BLOCK] IN=eth0 OUT= MAC=02:42:c0:a8:32:0b:02:42:c0:a8:32:0c:08:00 SRC=192.168.50.12 DST=192.168.50.11 LEN=134 TOS=0x00 PREC=0x00 TTL=64 ID=1 PROTO=UDP SPT=50000 DPT=8472 LEN=114 MARK=0x4000
//! ```
//!
//! Written by net/netfilter/nf_log_syslog.c. An ICMP error repeats the packet that it is about in brackets; only the outer one is
//! read. Left out: TCP's sequence numbers and options.

use std::net::IpAddr;

use serde::Serialize;

use crate::source::At;

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Packet {
    /// The rule's own words before the packet.
    pub prefix: At,
    /// `IN=`; `None` for a packet of this node's own.
    pub input: Option<At>,
    /// `OUT=`; `None` before it is routed and for a packet to this node.
    pub output: Option<At>,
    /// `PHYSIN=`: the bridge's port.
    pub physical_input: Option<At>,
    /// `PHYSOUT=`.
    pub physical_output: Option<At>,
    /// The source.
    pub src: IpAddr,
    /// The destination.
    pub dst: IpAddr,
    /// The protocol as printed (`TCP`, `UDP`, `ICMP`, `47`).
    pub protocol: Option<At>,
    /// The source port.
    pub sport: Option<u16>,
    /// The destination port.
    pub dport: Option<u16>,
    /// The packet's mark, where it has one.
    pub mark: Option<u32>,
    /// Whether the line has TCP's `SYN` and no `ACK`.
    pub syn: bool,
}

/// Reads a message; `None` if it is not about a packet.
pub(crate) fn packet(message: &str, spot: &dyn Fn(&str) -> At) -> Option<Packet> {
    let start = message.find("IN=")?;
    let (prefix, body) = message.split_at(start);
    // `PHYSIN=` never comes first.
    if !body.contains("OUT=") || prefix.ends_with("PHYS") {
        return None;
    }
    let outer = body.split('[').next().unwrap_or(body);
    let value = |key: &str| {
        let found = outer.split_ascii_whitespace().find_map(|w| w.strip_prefix(key)?.strip_prefix('='));
        found.filter(|v| !v.is_empty())
    };
    let place = |key: &str| value(key).map(spot);
    let has = |flag: &str| outer.split_ascii_whitespace().any(|w| w == flag);
    Some(Packet {
        prefix: spot(prefix.trim_ascii()),
        input: place("IN"),
        output: place("OUT"),
        physical_input: place("PHYSIN"),
        physical_output: place("PHYSOUT"),
        src: value("SRC")?.parse().ok()?,
        dst: value("DST")?.parse().ok()?,
        protocol: place("PROTO"),
        sport: value("SPT").and_then(|v| v.parse().ok()),
        dport: value("DPT").and_then(|v| v.parse().ok()),
        mark: value("MARK").and_then(super::text::hex).and_then(|n| u32::try_from(n).ok()),
        syn: has("SYN") && !has("ACK"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::text::slice;
    use crate::source::position;

    fn read(text: &str) -> Option<Packet> {
        packet(text, &|part| position(text, part, 1))
    }

    #[test]
    fn packets_in_out_and_through() {
        let text = "[UFW BLOCK] IN=eth0 OUT= MAC=02:42 SRC=192.168.50.12 DST=192.168.50.11 LEN=134 TTL=64 PROTO=UDP SPT=50000 DPT=8472 LEN=114 MARK=0x4000 ";
        let got = read(text).unwrap();
        assert_eq!((slice(text, got.prefix), got.output, got.dport, got.mark), ("[UFW BLOCK]", None, Some(8472), Some(0x4000)));
        let v6 = "filter_FWD_REJECT: IN=cni0 OUT=eth0 PHYSIN=veth1 SRC=fd00::1 DST=fd00::2 LEN=80 PROTO=TCP SPT=1 DPT=443 WINDOW=64800 RES=0x00 SYN URGP=0";
        let got = read(v6).unwrap();
        assert_eq!(
            (got.syn, got.physical_input.map(|p| slice(v6, p)), slice(v6, got.prefix)),
            (true, Some("veth1"), "filter_FWD_REJECT:")
        );
        let icmp = "IN= OUT=eth0 SRC=10.0.0.1 DST=10.0.0.2 PROTO=ICMP TYPE=3 CODE=4 [SRC=10.0.0.2 DST=10.0.0.1 PROTO=TCP SPT=80 DPT=5 ] MTU=1450";
        let got = read(icmp).unwrap();
        assert_eq!((got.sport, got.input, got.dst), (None, None, "10.0.0.2".parse().unwrap()), "the inner packet does not count");
    }

    #[test]
    fn near_misses() {
        assert_eq!(read("eth0: link up"), None);
        assert_eq!(read("IN=eth0 OUT= SRC=nonsense DST=10.0.0.1"), None);
        assert_eq!(read("IN=eth0 OUT= ARP HTYPE=1"), None, "not IP");
    }
}
