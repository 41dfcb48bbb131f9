//! What a rule's request for a translation makes of a packet (`nf_nat_setup_info()`, net/netfilter/nf_nat_core.c).

use std::net::IpAddr;

use crate::source::Missing;
use crate::state::Node;
use crate::walk::packet::{Dev, NatAddr, NatRequest, Packet};
use crate::walk::route;

/// A range of addresses larger than this is not followed address by address.
const MAX_ADDRESSES: u32 = 16;

/// The packets that a translation may give: several where the kernel picks one of a range by a hash that nobody can tell.
///
/// # Errors
/// [`Missing`] where the address depends on what was not captured.
pub(super) fn apply(
    request: &NatRequest,
    packet: &Packet,
    node: &Node,
    next_hop: Option<IpAddr>,
    local: bool,
) -> Result<Vec<Packet>, Missing> {
    let unknown = |what: &str| Missing::new(&node.key(bundle::Capture::IpAddr), "the address of a translation", what);
    let mut to: Vec<Option<IpAddr>> = match request.to {
        NatAddr::Keep => vec![None],
        NatAddr::Range(first, last) if first == last => vec![Some(first)],
        NatAddr::Range(first, last) => addresses(first, last)
            .ok_or_else(|| unknown("the rule names a wide range of addresses"))?
            .into_iter()
            .map(Some)
            .collect(),
        NatAddr::Prefix(net) => {
            let old = if request.source { packet.src } else { packet.dst };
            vec![Some(mapped(net, old.ok_or_else(|| unknown("the packet's address is not known"))?))]
        }
        NatAddr::OutgoingInterface => {
            let Dev::Named(dev) = &packet.oif else { return Err(unknown("the outgoing interface is not known")) };
            let next_hop = next_hop.or(packet.dst).ok_or_else(|| unknown("the packet's destination is not known"))?;
            match route::masquerade_address(node, dev, next_hop)? {
                Some(own) => vec![Some(own.value)],
                // Without an address to take the packet is dropped (`nf_nat_masquerade_ipv4()`).
                None => return Ok(Vec::new()),
            }
        }
        NatAddr::IncomingInterface => {
            let dst = packet.dst.ok_or_else(|| unknown("the packet's destination is not known"))?;
            let iif = match &packet.iif {
                _ if local => None,
                Dev::Named(dev) => Some(&**dev),
                _ => return Err(unknown("the incoming interface is not known")),
            };
            match route::redirect_address(node, iif, dst)? {
                Some(own) => vec![Some(own)],
                None => return Ok(Vec::new()),
            }
        }
        NatAddr::Unknown => return Err(unknown("the rule does not show it")),
    };
    to.dedup();
    Ok(to.into_iter().map(|addr| translated(request, packet, addr)).collect())
}

fn translated(request: &NatRequest, packet: &Packet, addr: Option<IpAddr>) -> Packet {
    let mut packet = packet.clone();
    let (old_addr, old_port) =
        if request.source { (&mut packet.src, &mut packet.sport) } else { (&mut packet.dst, &mut packet.dport) };
    if addr.is_some() {
        *old_addr = addr;
    }
    match request.ports {
        Some((first, last)) if first == last => *old_port = Some(first),
        // The port stays if it is in the range and free (`nf_nat_l4proto_unique_tuple()`).
        Some((first, last)) if !request.random && old_port.is_some_and(|port| (first..=last).contains(&port)) => {}
        Some(_) => *old_port = None,
        None if request.random => *old_port = None,
        None => {}
    }
    packet
}

fn addresses(first: IpAddr, last: IpAddr) -> Option<Vec<IpAddr>> {
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let (first, last) = (u32::from(first), u32::from(last));
            let count = last.checked_sub(first)?;
            (count < MAX_ADDRESSES).then(|| (first..=last).map(|n| IpAddr::V4(n.into())).collect())
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let (first, last) = (u128::from(first), u128::from(last));
            let count = last.checked_sub(first)?;
            (count < u128::from(MAX_ADDRESSES)).then(|| (first..=last).map(|n| IpAddr::V6(n.into())).collect())
        }
        _ => None,
    }
}

/// NETMAP: the prefix is exchanged, the host part stays (net/netfilter/xt_NETMAP.c).
fn mapped(net: ipnet::IpNet, old: IpAddr) -> IpAddr {
    match (net, old) {
        (ipnet::IpNet::V4(net), IpAddr::V4(old)) => {
            let host = u32::from(net.hostmask());
            IpAddr::V4((u32::from(net.network()) | (u32::from(old) & host)).into())
        }
        (ipnet::IpNet::V6(net), IpAddr::V6(old)) => {
            let host = u128::from(net.hostmask());
            IpAddr::V6((u128::from(net.network()) | (u128::from(old) & host)).into())
        }
        _ => old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::Family;
    use crate::state::testing;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn packet() -> Packet {
        let mut packet = Packet::new(Family::V4).between(ip("10.244.1.2"), ip("10.96.0.10")).tcp(53);
        packet.sport = Some(40000);
        packet
    }

    fn asked(source: bool, to: NatAddr, ports: Option<(u16, u16)>) -> Vec<Packet> {
        let request = NatRequest { source, to, ports, random: false };
        apply(&request, &packet(), &testing::node(&[]), None, false).expect("known")
    }

    #[test]
    fn an_address_and_a_port_are_exchanged() {
        let to = asked(false, NatAddr::Range(ip("10.244.2.2"), ip("10.244.2.2")), Some((5353, 5353)));
        assert_eq!((to[0].dst, to[0].dport, to[0].sport), (Some(ip("10.244.2.2")), Some(5353), Some(40000)));
        let kept = asked(true, NatAddr::Keep, Some((53, 53)));
        assert_eq!((kept[0].src, kept[0].sport), (Some(ip("10.244.1.2")), Some(53)));
    }

    #[test]
    fn of_a_range_each_address_is_possible_and_the_port_may_be_lost() {
        let all = asked(true, NatAddr::Range(ip("192.0.2.1"), ip("192.0.2.3")), Some((1024, 2048)));
        assert_eq!(
            all.iter().map(|p| p.src.expect("set")).collect::<Vec<_>>(),
            [ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3")]
        );
        assert_eq!(all[0].sport, None, "40000 is not in the range");
        let request = NatRequest { source: true, to: NatAddr::Range(ip("10.0.0.0"), ip("10.1.0.0")), ports: None, random: false };
        assert!(apply(&request, &packet(), &testing::node(&[]), None, false).is_err());
    }

    #[test]
    fn a_prefix_keeps_the_host_part() {
        let to = asked(false, NatAddr::Prefix("172.16.0.0/16".parse().expect("a net")), None);
        assert_eq!(to[0].dst, Some(ip("172.16.0.10")));
    }
}
