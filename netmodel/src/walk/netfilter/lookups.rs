//! What a ruleset asks of the rest of the node, answered by its state: members of sets, types of addresses.

use std::net::IpAddr;
use std::sync::Arc;

use crate::family::Family;
use crate::parse::ip_route::{RouteKind, Table};
use crate::parse::iptables::{Bits, End, IfaceLimit, addr_type};
use crate::state::Node;
use crate::state::ipsets::{InSet, SetPacket, Side};
use crate::state::policy::{RouteOutcome, Selector};
use crate::walk::netfilter::matching::Lookups;
use crate::walk::packet::{Dev, Packet};
use crate::walk::tri::Tri;

/// A node's answers about the packet that is being walked.
pub(super) struct OfNode<'n> {
    pub(super) node: &'n Node,
    /// The devices that `--limit-iface-in` and `--limit-iface-out` mean.
    pub(super) iif: Dev,
    pub(super) oif: Dev,
}

impl Lookups for OfNode<'_> {
    fn in_set(&self, name: &str, dirs: &str, packet: &Packet) -> Tri {
        let sides: Option<Vec<Side>> = dirs
            .split(',')
            .map(|dir| match dir {
                "src" => Some(Side::Src),
                "dst" => Some(Side::Dst),
                _ => None,
            })
            .collect();
        let Some(sides) = sides else { return Tri::unknown(format!("the directions {dirs} of set {name} are not known")) };
        let asked = SetPacket {
            src: packet.src,
            dst: packet.dst,
            protocol: packet.protocol,
            sport: packet.sport,
            dport: packet.dport,
            iif: name_of(&packet.iif),
            oif: name_of(&packet.oif),
            mark: packet.mark,
        };
        match self.node.ipset_contains(name, &sides, &asked) {
            Ok(InSet::Yes(_)) => Tri::Yes,
            Ok(InSet::No) => Tri::No,
            Err(missing) => Tri::unknown(missing.to_string()),
        }
    }

    /// As `inet_addr_type()` (net/ipv4/fib_frontend.c): the table `local` alone decides, whatever the policy rules say, and what is not in
    /// it is unicast.
    fn addr_type(&self, address: IpAddr, _end: End, types: Bits, limit: IfaceLimit) -> Tri {
        if address.is_multicast() {
            return Tri::from(types & addr_type::MULTICAST != 0);
        }
        if let IpAddr::V4(v4) = address
            && (v4.is_broadcast() || v4.octets()[0] == 0)
        {
            return Tri::from(types & addr_type::BROADCAST != 0);
        }
        let dev = match limit {
            IfaceLimit::None => None,
            IfaceLimit::In => Some(&self.iif),
            IfaceLimit::Out => Some(&self.oif),
        };
        let dev = match dev {
            None | Some(Dev::None) => None,
            Some(Dev::Named(name)) => Some(&**name),
            Some(Dev::Unknown) => return Tri::unknown(format!("the device that the type of {address} depends on is not known")),
        };
        let routes = match self.node.routes(Family::of(address)) {
            Ok(routes) => routes,
            Err(missing) => return Tri::unknown(missing.to_string()),
        };
        let found = routes.lookup(&Table::LOCAL, address).into_iter().next();
        let kind = match found {
            // A route of another device does not count.
            Some(route) if dev.is_none_or(|dev| route.dev.as_deref() == Some(dev)) => &route.kind,
            _ => match routes.complete() {
                Ok(()) => &RouteKind::Unicast,
                Err(missing) => return Tri::unknown(missing.to_string()),
            },
        };
        let is = match kind {
            RouteKind::Local => addr_type::LOCAL,
            RouteKind::Broadcast => addr_type::BROADCAST,
            RouteKind::Multicast => addr_type::MULTICAST,
            // IPv6 asks the whole routing (net/netfilter/xt_addrtype.c, match_lookup_rt6): no route is UNREACHABLE there.
            RouteKind::Unicast if Family::of(address) == Family::V4 => addr_type::UNICAST,
            RouteKind::Unicast if types == addr_type::LOCAL => return Tri::No,
            _ => return Tri::unknown(format!("the type of address {address} is not known")),
        };
        Tri::from(types & is != 0)
    }

    /// As `nft_fib4_eval()` (net/ipv4/netfilter/nft_fib_ipv4.c): a look-up as for a packet that is made here; only unicast counts.
    fn route_devices(&self, to: IpAddr, from: Option<IpAddr>, mark: Option<u32>) -> Result<Vec<Arc<str>>, String> {
        let selector = Selector { src: from, mark, ..Selector::default() };
        let decision = self.node.route_lookup(to, &selector).map_err(|missing| missing.to_string())?;
        if decision.outcome != RouteOutcome::Forward {
            return Ok(Vec::new());
        }
        let hops = decision.hops.iter().map(|hop| hop.dev.clone());
        hops.collect::<Option<Vec<_>>>().ok_or_else(|| format!("the device of the route to {to} is not known"))
    }
}

fn name_of(dev: &Dev) -> Option<&str> {
    match dev {
        Dev::Named(name) => Some(name),
        Dev::Unknown | Dev::None => None,
    }
}
