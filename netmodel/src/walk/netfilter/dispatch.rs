//! Which rules of a long chain a packet can match at all: an index over the field that most of them fix.
//!
//! kube-proxy's KUBE-SERVICES has a rule for every Service, each for one address, and Calico's dispatch chains one for every pod. Such a
//! rule stands below the value that it wants; a packet meets only the rules below its own values, and those that fix nothing, in their
//! order. Where the packet's value is not known it meets all rules that want one. Chains up to [`SHORT`] rules are scanned.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use crate::parse::iptables::{self, End, MatchKind};
use crate::parse::nft::{self, Expr, MetaKey, Op, Stmt, Value};
use crate::walk::packet::{Dev, Packet, SCTP, TCP, UDP};

/// Chains up to so many rules are scanned.
pub(super) const SHORT: usize = 16;

/// A value that a rule fixes: packets with another one pass it by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fixed {
    Dst(IpAddr),
    Src(IpAddr),
    Iif(Box<str>),
    Oif(Box<str>),
    Dport(u16),
}

/// The rules of one field, by their position in the chain.
#[derive(Debug)]
struct Field<K> {
    by_value: HashMap<K, Vec<u32>>,
    all: Vec<u32>,
}

impl<K> Default for Field<K> {
    fn default() -> Self {
        Self { by_value: HashMap::new(), all: Vec::new() }
    }
}

impl<K: Hash + Eq> Field<K> {
    fn add(&mut self, value: K, position: u32) {
        self.by_value.entry(value).or_default().push(position);
        if self.all.last() != Some(&position) {
            self.all.push(position);
        }
    }

    fn of<Q: Hash + Eq + ?Sized>(&self, value: &Q) -> &[u32]
    where
        K: std::borrow::Borrow<Q>,
    {
        self.by_value.get(value).map_or(&[], Vec::as_slice)
    }
}

/// The index of a chain.
#[derive(Debug, Default)]
pub(super) struct Dispatch {
    dst: Field<IpAddr>,
    src: Field<IpAddr>,
    iif: Field<Box<str>>,
    oif: Field<Box<str>>,
    dport: Field<u16>,
    /// The rules that fix nothing.
    rest: Vec<u32>,
}

impl Dispatch {
    /// The index of rules, each with the values one of which it wants; `None` where it would not help.
    pub(super) fn new(rules: impl Iterator<Item = Vec<Fixed>>) -> Option<Box<Self>> {
        let mut index = Box::<Self>::default();
        let mut count = 0;
        for (position, fixed) in (0u32..).zip(rules) {
            count = position + 1;
            if fixed.is_empty() {
                index.rest.push(position);
            }
            for value in fixed {
                match value {
                    Fixed::Dst(addr) => index.dst.add(addr, position),
                    Fixed::Src(addr) => index.src.add(addr, position),
                    Fixed::Iif(name) => index.iif.add(name, position),
                    Fixed::Oif(name) => index.oif.add(name, position),
                    Fixed::Dport(port) => index.dport.add(port, position),
                }
            }
        }
        (index.rest.len() + SHORT / 2 <= count as usize).then_some(index)
    }

    /// The lists of the rules that a packet can match; together in order they are the chain.
    fn lists(&self, packet: &Packet) -> [&[u32]; 6] {
        fn addr(field: &Field<IpAddr>, value: Option<IpAddr>) -> &[u32] {
            value.map_or(&field.all, |addr| field.of(&addr))
        }
        fn device<'d>(field: &'d Field<Box<str>>, dev: &Dev) -> &'d [u32] {
            match dev {
                _ if field.all.is_empty() => &[],
                Dev::Unknown => &field.all,
                Dev::None => &[],
                Dev::Named(name) => field.of(&**name),
            }
        }
        // Of another protocol nft compares the bytes in the place of a port.
        let has_ports = matches!(packet.protocol, Some(TCP | UDP | SCTP | 33 | 136)) && packet.fragment == Some(false);
        let dport = match packet.dport {
            _ if self.dport.all.is_empty() => &[],
            Some(port) if has_ports => self.dport.of(&port),
            _ => &self.dport.all[..],
        };
        [
            if self.dst.all.is_empty() { &[] } else { addr(&self.dst, packet.dst) },
            if self.src.all.is_empty() { &[] } else { addr(&self.src, packet.src) },
            device(&self.iif, &packet.iif),
            device(&self.oif, &packet.oif),
            dport,
            &self.rest,
        ]
    }
}

/// The positions of a chain's rules that a packet can match, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'d> {
    next: u32,
    len: u32,
    lists: Option<[&'d [u32]; 6]>,
}

impl<'d> Cursor<'d> {
    /// From a position on.
    pub(super) fn new(dispatch: Option<&'d Dispatch>, len: usize, packet: &Packet, from: u32) -> Self {
        let mut lists = dispatch.map(|d| d.lists(packet));
        if from > 0 {
            for list in lists.iter_mut().flatten() {
                *list = &list[list.partition_point(|&p| p < from)..];
            }
        }
        Self { next: from, len: u32::try_from(len).unwrap_or(u32::MAX), lists }
    }

    /// The next position.
    pub(super) fn peek(&self) -> Option<u32> {
        match &self.lists {
            None => (self.next < self.len).then_some(self.next),
            Some(lists) => lists.iter().filter_map(|list| list.first()).min().copied(),
        }
    }

    /// Goes behind a position.
    pub(super) fn pass(&mut self, position: u32) {
        self.next = position + 1;
        for list in self.lists.iter_mut().flatten() {
            if list.first() == Some(&position) {
                *list = &list[1..];
            }
        }
    }
}

/// What an iptables rule fixes.
pub(super) fn fixed_by_rule(set: &iptables::Ruleset, text: &str, rule: &iptables::Rule) -> Vec<Fixed> {
    let mut best: Option<(u8, Fixed)> = None;
    for condition in set.matches_of(rule).iter().filter(|m| !m.negated) {
        let fixed = match condition.kind {
            MatchKind::Destination(net) => host(&net).map(|addr| (0, Fixed::Dst(addr))),
            MatchKind::Source(net) => host(&net).map(|addr| (1, Fixed::Src(addr))),
            MatchKind::InIface(iface) if !iface.wildcard => Some((2, Fixed::Iif(iface.name.of(text).into()))),
            MatchKind::OutIface(iface) if !iface.wildcard => Some((3, Fixed::Oif(iface.name.of(text).into()))),
            MatchKind::Port(End::Dst, range) if range.first == range.last => Some((4, Fixed::Dport(range.first))),
            _ => None,
        };
        if let Some((rank, fixed)) = fixed
            && best.as_ref().is_none_or(|(known, _)| rank < *known)
        {
            best = Some((rank, fixed));
        }
    }
    best.map(|(_, fixed)| fixed).into_iter().collect()
}

fn host(net: &iptables::Net) -> Option<IpAddr> {
    net.prefix().filter(|p| p.prefix_len() == p.max_prefix_len()).map(|p| p.addr())
}

/// What a rule of nftables fixes: of its conditions before the first statement that does something, since what stands before a condition
/// is done whether it holds or not.
pub(super) fn fixed_by_nft(stmts: &[Stmt]) -> Vec<Fixed> {
    let mut best: Option<(u8, Vec<Fixed>)> = None;
    for stmt in stmts {
        let (left, right) = match stmt {
            Stmt::Counter(_) => continue,
            Stmt::Match { op: Op::Eq, left, right } => (left, right),
            Stmt::Match { .. } => continue,
            _ => break,
        };
        let Some(rank) = rank(left) else { continue };
        let fixed = match right {
            Expr::Value(value) => one(rank, value).map(|fixed| vec![fixed]),
            Expr::Set(elems) => elems
                .iter()
                .map(|elem| match &elem.key {
                    Expr::Value(value) => one(rank, value),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        if let Some(fixed) = fixed
            && best.as_ref().is_none_or(|(known, _)| rank < *known)
        {
            best = Some((rank, fixed));
        }
    }
    best.map(|(_, fixed)| fixed).unwrap_or_default()
}

fn rank(left: &Expr) -> Option<u8> {
    Some(match left {
        Expr::Payload(nft::Field { proto: "ip" | "ip6", name: "daddr", .. }) => 0,
        Expr::Payload(nft::Field { proto: "ip" | "ip6", name: "saddr", .. }) => 1,
        Expr::Meta(MetaKey::Iif | MetaKey::IifName) => 2,
        Expr::Meta(MetaKey::Oif | MetaKey::OifName) => 3,
        Expr::Payload(nft::Field { proto: "tcp" | "udp" | "sctp" | "th", name: "dport", .. }) => 4,
        _ => return None,
    })
}

fn one(rank: u8, value: &Value) -> Option<Fixed> {
    Some(match (rank, value) {
        (0, Value::Addr(addr)) => Fixed::Dst(*addr),
        (1, Value::Addr(addr)) => Fixed::Src(*addr),
        // The empty name is that of no device, which no list holds.
        (2, Value::Iface(name)) if !name.is_empty() => Fixed::Iif((&**name).into()),
        (3, Value::Iface(name)) if !name.is_empty() => Fixed::Oif((&**name).into()),
        (4, Value::Number(port)) => Fixed::Dport(u16::try_from(*port).ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::Family;

    fn positions(index: &Dispatch, len: usize, packet: &Packet) -> Vec<u32> {
        let mut cursor = Cursor::new(Some(index), len, packet, 0);
        std::iter::from_fn(|| {
            let position = cursor.peek()?;
            cursor.pass(position);
            Some(position)
        })
        .collect()
    }

    #[test]
    fn a_packet_meets_the_rules_of_its_values_and_those_that_fix_nothing_in_order() {
        let addr = |n: u8| IpAddr::from([10, 0, 0, n]);
        let mut rules: Vec<Vec<Fixed>> = (0..20).map(|n| vec![Fixed::Dst(addr(n))]).collect();
        rules.insert(5, Vec::new());
        rules.push(vec![Fixed::Iif("eth0".into())]);
        rules.push(vec![Fixed::Dst(addr(3))]);
        let len = rules.len();
        let index = Dispatch::new(rules.into_iter()).unwrap();
        let packet = Packet::new(Family::V4).between(addr(99), addr(3)).via(Dev::named("eth0"), Dev::None);
        assert_eq!(positions(&index, len, &packet), [3, 5, 21, 22]);
        let mut from_elsewhere = packet.clone();
        from_elsewhere.iif = Dev::None;
        assert_eq!(positions(&index, len, &from_elsewhere), [3, 5, 22]);
        let mut anywhere = packet;
        anywhere.dst = None;
        assert_eq!(positions(&index, len, &anywhere), (0..23).collect::<Vec<_>>());
        assert_eq!(Cursor::new(Some(&index), len, &from_elsewhere, 4).peek(), Some(5));
    }

    #[test]
    fn a_chain_of_rules_that_fix_nothing_has_no_index() {
        assert!(Dispatch::new((0..40).map(|_| Vec::new())).is_none());
    }
}
