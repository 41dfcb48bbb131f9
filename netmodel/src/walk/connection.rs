//! Connection tracking as one walk sees it: the entries that it makes, and those of the bundle that its packet belongs to.
//!
//! Ports may be unknown (a client's source port is the kernel's choice): two unknown ports of one walk are the same port. Left out:
//! expectations, TCP's window checks, timeouts.

use std::net::IpAddr;

use crate::parse::conntrack::{State, Tuple};
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::walk::packet::{CtState, Direction, ICMP, ICMPV6, Packet, TCP};
use crate::walk::world::NsId;

/// The ends of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) sport: Option<u16>,
    pub(super) dport: Option<u16>,
}

impl Ends {
    /// Those of a packet; `None` where an address is not known.
    pub(super) fn of(packet: &Packet) -> Option<Self> {
        Some(Self { src: packet.src?, dst: packet.dst?, sport: packet.sport, dport: packet.dport })
    }

    /// As the answer's.
    pub(super) fn reversed(self) -> Self {
        Self { src: self.dst, dst: self.src, sport: self.dport, dport: self.sport }
    }

    fn from_tuple(tuple: &Tuple, ports: bool) -> Self {
        let port = |port: u16| ports.then_some(port);
        Self { src: tuple.src, dst: tuple.dst, sport: port(tuple.sport), dport: port(tuple.dport) }
    }

    fn tuple(self) -> Option<Tuple> {
        Some(Tuple { src: self.src, dst: self.dst, sport: self.sport?, dport: self.dport? })
    }
}

/// A connection in one namespace.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) ns: NsId,
    protocol: u8,
    zone: u16,
    /// As the first packet came.
    pub(super) original: Ends,
    /// As answers come.
    pub(super) reply: Ends,
    pub(super) mark: Option<u32>,
    /// A packet of the answer's direction was seen.
    replied: bool,
    /// The source was translated, or it is settled that it is not (`IPS_SRC_NAT_DONE`).
    pub(super) source_done: bool,
    /// The same of the destination.
    pub(super) destination_done: bool,
    pub(super) snat: bool,
    pub(super) dnat: bool,
}

/// What connection tracking makes of a packet.
pub(super) enum Tracked {
    /// It begins the connection of this number.
    New(usize),
    /// It belongs to the connection of this number; where that stood in the bundle, its line.
    Of(usize, Option<Evidence>),
    /// It belongs to none and begins none.
    Invalid(&'static str),
}

/// Finds or makes the connection of a packet (`nf_conntrack_in()`, net/netfilter/nf_conntrack_core.c), and tells the packet.
///
/// # Errors
/// [`Missing`] where the packet's addresses are not known.
pub(super) fn track(connections: &mut Vec<Connection>, node: &Node, ns: NsId, packet: &mut Packet) -> Result<Tracked, Missing> {
    let unknown = |what: &str| Missing::new(&node.key(bundle::Capture::Conntrack), what, "the packet is not known well enough");
    let ends = Ends::of(packet).ok_or_else(|| unknown("the packet's addresses"))?;
    let protocol = packet.protocol.ok_or_else(|| unknown("the packet's protocol"))?;
    let zone = packet.ct_zone.unwrap_or(0);
    let same = |c: &Connection| c.ns == ns && c.protocol == protocol && c.zone == zone;
    let found = connections.iter().position(|c| same(c) && c.original == ends).map(|i| (i, Direction::Original));
    let found = found.or_else(|| connections.iter().position(|c| same(c) && c.reply == ends).map(|i| (i, Direction::Reply)));
    if let Some((index, direction)) = found {
        tell(&mut connections[index], direction, packet);
        return Ok(Tracked::Of(index, None));
    }
    if let Some((known, direction, evidence)) = of_bundle(node, ns, protocol, zone, ends)? {
        connections.push(known);
        let index = connections.len() - 1;
        tell(&mut connections[index], direction, packet);
        return Ok(Tracked::Of(index, Some(evidence)));
    }
    if let Some(why) = begins_nothing(protocol, packet) {
        packet.ct_state = Some(CtState::Invalid);
        return Ok(Tracked::Invalid(why));
    }
    connections.push(Connection {
        ns,
        protocol,
        zone,
        original: ends,
        reply: ends.reversed(),
        mark: Some(0),
        replied: false,
        source_done: false,
        destination_done: false,
        snat: false,
        dnat: false,
    });
    let index = connections.len() - 1;
    tell(&mut connections[index], Direction::Original, packet);
    Ok(Tracked::New(index))
}

/// The entry of the bundle that a packet belongs to. A packet whose ports are not known is taken for one of a new connection.
fn of_bundle(
    node: &Node,
    ns: NsId,
    protocol: u8,
    zone: u16,
    ends: Ends,
) -> Result<Option<(Connection, Direction, Evidence)>, Missing> {
    let Some(tuple) = ends.tuple() else { return Ok(None) };
    // Without the capture nothing speaks for an old connection.
    let Ok(Some(fact)) = node.conntrack_entry(protocol, zone, &tuple) else { return Ok(None) };
    let entry = fact.value;
    // A SYN on a closing connection begins a new one (`nf_conntrack_tcp_packet()`, case TCP_CONNTRACK_SYN_SENT).
    if matches!(entry.state, State::TimeWait | State::Close) {
        return Ok(None);
    }
    let (original, reply) = (Ends::from_tuple(&entry.original, true), Ends::from_tuple(&entry.reply, true));
    let direction = if original == ends { Direction::Original } else { Direction::Reply };
    let connection = Connection {
        ns,
        protocol,
        zone,
        original,
        reply,
        mark: entry.mark,
        replied: !entry.flags.unreplied,
        source_done: true,
        destination_done: true,
        snat: reply.dst != original.src || reply.dport != original.sport,
        dnat: reply.src != original.dst || reply.sport != original.dport,
    };
    Ok(Some((connection, direction, fact.evidence())))
}

/// Why a packet that belongs to no connection begins none: a TCP answer (`tcp_new()`, nf_conntrack_proto_tcp.c), an ICMP answer
/// (`nf_conntrack_icmp_packet()`, nf_conntrack_proto_icmp.c).
fn begins_nothing(protocol: u8, packet: &Packet) -> Option<&'static str> {
    const SYN_ACK: u8 = 0x12;
    const RST: u8 = 0x04;
    match (protocol, packet.icmp) {
        (TCP, _) if packet.tcp_flags.is_some_and(|flags| flags & SYN_ACK == SYN_ACK) => Some("a SYN/ACK without a SYN"),
        (TCP, _) if packet.tcp_flags.is_some_and(|flags| flags & RST != 0) => Some("a RST of no connection"),
        (ICMP, Some((kind, _))) if !matches!(kind, 8 | 13 | 15 | 17) => Some("an ICMP answer without its question"),
        (ICMPV6, Some((129 | 140, _))) => Some("an ICMPv6 answer without its question"),
        _ => None,
    }
}

/// Tells a packet what its connection is.
fn tell(connection: &mut Connection, direction: Direction, packet: &mut Packet) {
    if direction == Direction::Reply {
        connection.replied = true;
    }
    packet.ct_state = Some(if connection.replied { CtState::Established } else { CtState::New });
    packet.ct_dir = Some(direction);
    packet.ct_original = connection.original.tuple();
    packet.connmark = connection.mark;
    packet.snat = Some(connection.snat);
    packet.dnat = Some(connection.dnat);
}

impl Connection {
    /// Translates a packet as the connection has it (`nf_nat_packet()`, net/netfilter/nf_nat_core.c); says whether that changed it.
    /// Hooks that translate destinations are PREROUTING and OUTPUT, those that translate sources INPUT and POSTROUTING.
    pub(super) fn translate(&self, source: bool, packet: &mut Packet) -> bool {
        let before = (packet.src, packet.dst, packet.sport, packet.dport);
        match (packet.ct_dir, source) {
            (Some(Direction::Original), false) if self.dnat => {
                (packet.dst, packet.dport) = (Some(self.reply.src), self.reply.sport);
            }
            (Some(Direction::Original), true) if self.snat => {
                (packet.src, packet.sport) = (Some(self.reply.dst), self.reply.dport);
            }
            (Some(Direction::Reply), false) if self.snat => {
                (packet.dst, packet.dport) = (Some(self.original.src), self.original.sport);
            }
            (Some(Direction::Reply), true) if self.dnat => {
                (packet.src, packet.sport) = (Some(self.original.dst), self.original.dport);
            }
            _ => {}
        }
        before != (packet.src, packet.dst, packet.sport, packet.dport)
    }

    /// Notes that a rule translated the packet to what it is now.
    pub(super) fn translated(&mut self, source: bool, packet: &mut Packet) {
        let (Some(src), Some(dst)) = (packet.src, packet.dst) else { return };
        if source {
            self.snat = self.reply.dst != src || self.reply.dport != packet.sport;
            (self.reply.dst, self.reply.dport) = (src, packet.sport);
            packet.snat = Some(self.snat);
        } else {
            self.dnat = self.reply.src != dst || self.reply.sport != packet.dport;
            (self.reply.src, self.reply.sport) = (dst, packet.dport);
            packet.dnat = Some(self.dnat);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::Family;
    use crate::state::testing;

    const NS: NsId = NsId { node: 0, pod: None };

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn answer(packet: &Packet) -> Packet {
        let mut back = packet.clone();
        (back.src, back.dst, back.sport, back.dport) = (packet.dst, packet.src, packet.dport, packet.sport);
        back.tcp_flags = Some(0x12);
        back
    }

    #[test]
    fn an_answer_is_translated_back() {
        let node = testing::node(&[]);
        let mut all = Vec::new();
        let mut there = Packet::new(Family::V4).between(ip("10.244.1.2"), ip("10.96.0.10")).tcp(53);
        let Ok(Tracked::New(at)) = track(&mut all, &node, NS, &mut there) else { panic!("tracked") };
        assert_eq!(there.ct_state, Some(CtState::New));
        (there.dst, there.dport) = (Some(ip("10.244.2.2")), Some(5353));
        all[at].translated(false, &mut there);
        there.src = Some(ip("192.168.50.11"));
        all[at].translated(true, &mut there);
        let mut back = answer(&there);
        let Ok(Tracked::Of(same, None)) = track(&mut all, &node, NS, &mut back) else { panic!("tracked") };
        assert_eq!((same, back.ct_state, back.ct_dir), (at, Some(CtState::Established), Some(Direction::Reply)));
        assert!(all[at].translate(false, &mut back));
        assert_eq!(back.dst, Some(ip("10.244.1.2")));
        assert!(all[at].translate(true, &mut back));
        assert_eq!((back.src, back.sport), (Some(ip("10.96.0.10")), Some(53)));
    }

    #[test]
    fn an_answer_without_its_question_is_invalid_for_tcp_and_new_for_udp() {
        let node = testing::node(&[]);
        let there = Packet::new(Family::V4).between(ip("10.244.1.2"), ip("10.96.0.10")).tcp(53);
        let mut back = answer(&there);
        assert!(matches!(track(&mut Vec::new(), &node, NS, &mut back), Ok(Tracked::Invalid(_))));
        assert_eq!(back.ct_state, Some(CtState::Invalid));
        let mut back = answer(&Packet::new(Family::V4).between(ip("10.244.1.2"), ip("10.96.0.10")).udp(53));
        assert!(matches!(track(&mut Vec::new(), &node, NS, &mut back), Ok(Tracked::New(0))));
        assert_eq!(back.ct_state, Some(CtState::New));
    }

    #[test]
    fn a_known_entry_decides_where_its_packet_goes() {
        let line = "ipv4     2 udp      17 27 src=10.244.1.2 dst=10.96.0.10 sport=40000 dport=53 [UNREPLIED] src=10.244.9.9 dst=10.244.1.2 \
                    sport=5353 dport=40000 mark=0 zone=0 use=2\n";
        let node = testing::node(&[(bundle::Capture::Conntrack, line)]);
        let mut all = Vec::new();
        let mut there = Packet::new(Family::V4).between(ip("10.244.1.2"), ip("10.96.0.10")).udp(53);
        there.sport = Some(40000);
        let Ok(Tracked::Of(at, Some(evidence))) = track(&mut all, &node, NS, &mut there) else { panic!("known") };
        assert_eq!(evidence.line, 1);
        assert!(all[at].destination_done && all[at].translate(false, &mut there));
        assert_eq!(there.dst, Some(ip("10.244.9.9")));
        // From another port it is a new one.
        let mut other = Packet::new(Family::V4).between(ip("10.244.1.2"), ip("10.96.0.10")).udp(53);
        assert!(matches!(track(&mut Vec::new(), &node, NS, &mut other), Ok(Tracked::New(0))));
    }
}
