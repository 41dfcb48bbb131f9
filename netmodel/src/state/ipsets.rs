//! IP sets: what is in them, and whether a packet matches one.

use std::net::IpAddr;

use bundle::Capture;
use ipnet::IpNet;

use super::{Doc, Node, forms};
use crate::parse::ipset::{Ipsets, Member};
use crate::source::{Fact, Missing};

/// Which end of a packet a dimension of a set is compared with (`--match-set NAME src,dst`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The source.
    Src,
    /// The destination.
    Dst,
}

/// What sets may ask of a packet; `None` is not known.
#[derive(Clone, Copy, Debug)]
pub struct SetPacket<'a> {
    /// The source address.
    pub src: Option<IpAddr>,
    /// The destination address.
    pub dst: Option<IpAddr>,
    /// The IP protocol.
    pub protocol: Option<u8>,
    /// The source port.
    pub sport: Option<u16>,
    /// The destination port.
    pub dport: Option<u16>,
    /// The incoming device.
    pub iif: Option<&'a str>,
    /// The outgoing device.
    pub oif: Option<&'a str>,
    /// The mark.
    pub mark: Option<u32>,
}

/// Whether a packet is in a set.
#[derive(Clone, Debug)]
pub enum InSet<'n> {
    /// It is, by this member.
    Yes(Fact<'n, Member>),
    /// It is not.
    No,
}

impl Node {
    /// All sets.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn ipsets(&self) -> Result<&Doc<Ipsets>, Missing> {
        self.cells.ipsets.get(|| self.doc_if(Capture::IpsetSave, forms::ipsets))
    }

    /// Whether a packet matches `--match-set NAME SIDES`.
    ///
    /// # Errors
    /// [`Missing`] is the third answer, unknown: the capture is absent or not whole, the set is not in it, its type is not known, or
    /// the set asks for something of the packet that is not known.
    pub fn ipset_contains(&self, name: &str, sides: &[Side], packet: &SetPacket<'_>) -> Result<InSet<'_>, Missing> {
        let doc = self.ipsets()?;
        let unknown = |why: String| Missing::new(&doc.source.key, format!("ipset {name}"), why);
        let set = doc.set(name).ok_or_else(|| unknown("the capture does not have it".to_owned()))?;
        let kind = set.kind.as_deref().ok_or_else(|| unknown("its `create` line is missing".to_owned()))?;
        let (method, parts) = kind.split_once(':').unwrap_or((kind, ""));
        let dims: Vec<Dim> =
            parts.split(',').map(Dim::parse).collect::<Option<_>>().ok_or_else(|| unknown(format!("its type is {kind}")))?;
        if !matches!(method, "hash" | "bitmap") || sides.len() < dims.len() {
            return Err(unknown(format!("`{kind}` with {} directions is not known", sides.len())));
        }
        // `hash:ip,mark` compares a mark whatever the direction says; all others take one direction a dimension.
        let wanted: Vec<Wanted<'_>> = dims
            .iter()
            .zip(sides)
            .map(|(dim, side)| packet.part(*dim, *side).ok_or_else(|| unknown(format!("the packet's {dim:?} is not known"))))
            .collect::<Result<_, _>>()?;
        let mut best: Option<(u32, &Member)> = None;
        let mut odd = None;
        for member in doc.members_of(set) {
            match covers(doc.text(member.element), &wanted, method == "bitmap") {
                // Of overlapping networks the kernel takes the longest prefix first; a `nomatch` there ends the search.
                Some(Some(len)) if best.is_none_or(|(known, _)| len > known) => best = Some((len, member)),
                Some(_) => {}
                None => odd = odd.or(Some(member)),
            }
        }
        match (best, odd) {
            // A member that is not understood could be a longer prefix with `nomatch`: only networks have that.
            (Some((_, member)), odd) if odd.is_none() || !dims.contains(&Dim::Net) => {
                Ok(if member.nomatch { InSet::No } else { InSet::Yes(doc.fact(*member, member.at)) })
            }
            (_, Some(member)) => Err(unknown(format!("line {} is not understood: {}", member.at.line, doc.text(member.at)))),
            _ => doc.complete().map(|()| InSet::No),
        }
    }
}

/// A dimension of a set's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dim {
    Ip,
    Net,
    Port,
    Mark,
    Iface,
}

impl Dim {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "ip" => Self::Ip,
            "net" => Self::Net,
            "port" => Self::Port,
            "mark" => Self::Mark,
            "iface" => Self::Iface,
            _ => return None,
        })
    }
}

/// What a dimension compares.
#[derive(Clone, Copy, Debug)]
enum Wanted<'a> {
    Addr(IpAddr),
    Port(u8, u16),
    Mark(u32),
    Iface(&'a str),
}

impl<'a> SetPacket<'a> {
    fn part(&self, dim: Dim, side: Side) -> Option<Wanted<'a>> {
        let of = |src, dst| if side == Side::Src { src } else { dst };
        Some(match dim {
            Dim::Ip | Dim::Net => Wanted::Addr(if side == Side::Src { self.src } else { self.dst }?),
            Dim::Port => Wanted::Port(self.protocol?, of(self.sport, self.dport)?),
            Dim::Mark => Wanted::Mark(self.mark?),
            Dim::Iface => Wanted::Iface(if side == Side::Src { self.iif } else { self.oif }?),
        })
    }
}

/// Whether an element covers what is wanted: the sum of its prefix lengths if so; `None` if it is not understood.
fn covers(element: &str, wanted: &[Wanted<'_>], bitmap: bool) -> Option<Option<u32>> {
    let mut parts = element.split(',');
    let mut len = 0;
    let mut all = true;
    for want in wanted {
        let part = parts.next()?;
        match want {
            Wanted::Addr(addr) => match in_range(part, *addr)? {
                Some(prefix) => len += prefix,
                None => all = false,
            },
            Wanted::Port(proto, port) => {
                let (named, range) = part.split_once(':').unwrap_or(("", part));
                let (low, high) = range.split_once('-').unwrap_or((range, range));
                // A bitmap of ports has no protocol and takes those of TCP and UDP; without one a hash means TCP.
                let proto_fits = if bitmap && named.is_empty() { matches!(proto, 6 | 17) } else { protocol(named)? == *proto };
                all &= proto_fits && (low.parse::<u16>().ok()?..=high.parse::<u16>().ok()?).contains(port);
            }
            Wanted::Mark(mark) => all &= u32::from_str_radix(part.strip_prefix("0x")?, 16).ok()? == *mark,
            // `physdev:` compares a bridge port, which the packet does not tell.
            Wanted::Iface(_) if part.contains(':') => return None,
            Wanted::Iface(name) => all &= part == *name,
        }
    }
    parts.next().is_none().then_some(all.then_some(len))
}

/// Whether an address, prefix or range covers an address: its prefix length if so (a range counts as a host).
fn in_range(part: &str, addr: IpAddr) -> Option<Option<u32>> {
    if let Ok(net) = part.parse::<IpNet>() {
        return Some(net.contains(&addr).then_some(u32::from(net.prefix_len())));
    }
    let (low, high) = part.split_once('-').unwrap_or((part, part));
    let (low, high): (IpAddr, IpAddr) = (low.parse().ok()?, high.parse().ok()?);
    let host = if addr.is_ipv4() { 32 } else { 128 };
    Some((low.is_ipv4() == addr.is_ipv4() && (low..=high).contains(&addr)).then_some(host))
}

/// A protocol as ipset prints it.
fn protocol(word: &str) -> Option<u8> {
    Some(match word {
        "tcp" | "" => 6,
        "udp" => 17,
        "sctp" => 132,
        "udplite" => 136,
        "icmp" => 1,
        "icmpv6" | "ipv6-icmp" => 58,
        number => number.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::node;

    const SETS: &str = "create CIP hash:ip,port family inet\nadd CIP 10.96.0.10,udp:53\nadd CIP 10.96.0.11,80\n\
        create NP bitmap:port range 0-65535\nadd NP 30080\n\
        create NET hash:net family inet\nadd NET 10.0.0.0/8\nadd NET 10.9.0.0/16 nomatch\n\
        create LOOP hash:ip,port,ip family inet\nadd LOOP 10.244.1.2,tcp:8080,10.244.1.2\n\
        create SRC hash:ip,port,net family inet\nadd SRC 198.51.100.5,tcp:80,203.0.113.0/24\n\
        create L list:set size 8\nadd L NET\n";

    fn packet(src: &str, dst: &str, protocol: u8, dport: Option<u16>) -> SetPacket<'static> {
        let (src, dst) = (src.parse().ok(), dst.parse().ok());
        SetPacket { src, dst, protocol: Some(protocol), sport: Some(40000), dport, iif: None, oif: None, mark: None }
    }

    fn ask(name: &str, sides: &[Side], packet: &SetPacket<'_>) -> Option<bool> {
        node(&[(Capture::IpsetSave, SETS)]).ipset_contains(name, sides, packet).ok().map(|a| matches!(a, InSet::Yes(_)))
    }

    #[test]
    fn each_type_yes_no_and_unknown() {
        use Side::{Dst, Src};
        let dns = packet("10.244.1.2", "10.96.0.10", 17, Some(53));
        assert_eq!(ask("CIP", &[Dst, Dst], &dns), Some(true));
        assert_eq!(ask("CIP", &[Dst, Dst], &SetPacket { protocol: Some(6), ..dns }), Some(false));
        assert_eq!(ask("CIP", &[Dst, Dst], &SetPacket { dport: None, ..dns }), None);
        assert_eq!(ask("CIP", &[Dst], &dns), None, "a direction is missing");
        assert_eq!(ask("NP", &[Dst], &packet("1.1.1.1", "2.2.2.2", 17, Some(30080))), Some(true));
        assert_eq!(ask("NP", &[Dst], &packet("1.1.1.1", "2.2.2.2", 132, Some(30080))), Some(false));
        assert_eq!(ask("NET", &[Src], &packet("10.8.0.1", "2.2.2.2", 6, None)), Some(true));
        assert_eq!(ask("NET", &[Src], &packet("10.9.0.1", "2.2.2.2", 6, None)), Some(false), "nomatch");
        assert_eq!(ask("LOOP", &[Dst, Dst, Src], &packet("10.244.1.2", "10.244.1.2", 6, Some(8080))), Some(true));
        assert_eq!(ask("SRC", &[Dst, Dst, Src], &packet("203.0.113.9", "198.51.100.5", 6, Some(80))), Some(true));
        assert_eq!(ask("SRC", &[Dst, Dst, Src], &packet("203.0.114.9", "198.51.100.5", 6, Some(80))), Some(false));
        assert_eq!(ask("L", &[Src], &dns), None);
        assert_eq!(ask("nothing", &[Src], &dns), None);
    }

    #[test]
    fn what_is_not_found_in_a_cut_set_is_unknown() {
        let cut = node(&[(Capture::IpsetSave, "create A hash:ip family inet\nadd A 10.0.0.1\nadd A\n")]);
        let ask = |src: &str| cut.ipset_contains("A", &[Side::Src], &packet(src, "1.1.1.1", 6, None));
        assert!(matches!(ask("10.0.0.1"), Ok(InSet::Yes(fact)) if fact.at.line == 2));
        assert!(ask("10.0.0.2").is_err());
    }
}
