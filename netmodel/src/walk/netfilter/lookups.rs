//! What a ruleset asks of the rest of the node, answered by its state: members of sets, types of addresses, routes, bridges.

use std::net::IpAddr;
use std::sync::Arc;

use crate::family::Family;
use crate::parse::ip_addr::LinkKind;
use crate::parse::ip_route::{Route, RouteKind, Table};
use crate::parse::iptables::{Bits, IfaceLimit, addr_type};
use crate::source::Missing;
use crate::state::Node;
use crate::state::ipsets::{SetPacket, Side};
use crate::walk::netfilter::hook::Hook;
use crate::walk::netfilter::matching::{Lookups, ReversePath};
use crate::walk::netfilter::passage::HookPoint;
use crate::walk::packet::{Dev, Packet};
use crate::walk::route::{Fib, Flow, Hit, Hop, RouteOutcome, l3_master};
use crate::walk::tri::{Tri, Why};

/// `RTN_…` of linux/rtnetlink.h.
pub(super) mod rtn {
    pub(crate) const UNICAST: u8 = 1;
    pub(crate) const LOCAL: u8 = 2;
    pub(crate) const BROADCAST: u8 = 3;
    pub(crate) const ANYCAST: u8 = 4;
    pub(crate) const MULTICAST: u8 = 5;
    pub(crate) const BLACKHOLE: u8 = 6;
    pub(crate) const UNREACHABLE: u8 = 7;
    pub(crate) const PROHIBIT: u8 = 8;
    pub(crate) const THROW: u8 = 9;
}

/// A node's answers.
pub(super) struct OfNode<'n> {
    pub(super) node: &'n Node,
    pub(super) at: HookPoint,
}

impl Lookups for OfNode<'_> {
    fn in_set(&self, name: &str, dirs: &str, packet: &Packet, return_nomatch: bool) -> Tri {
        let mut sides = [Side::Src; 6];
        let mut count = 0;
        for dir in dirs.split(',') {
            let side = match dir {
                "src" => Side::Src,
                "dst" => Side::Dst,
                _ => return Tri::unknown(format!("the directions {dirs} of set {name} are not known")),
            };
            let Some(slot) = sides.get_mut(count) else { return Tri::unknown(format!("set {name} has no {dirs}")) };
            *slot = side;
            count += 1;
        }
        let asked = SetPacket {
            src: packet.src,
            dst: packet.dst,
            protocol: packet.protocol,
            sport: packet.sport,
            dport: packet.dport,
            icmp: packet.icmp,
            iif: packet.iif.as_option(),
            oif: packet.oif.as_option(),
            mark: packet.mark,
        };
        match self.node.ipset_match(name, &sides[..count], &asked, return_nomatch) {
            Ok(is) => Tri::from(is),
            Err(missing) => Tri::unknown(missing.to_string()),
        }
    }

    fn addr_type(&self, address: IpAddr, types: Bits, limit: IfaceLimit, packet: &Packet) -> Tri {
        if address.is_ipv6() {
            return self.addr_type6(address, types, limit, packet);
        }
        match self.fib_type(address, limit, packet) {
            Ok(kind) => Tri::from(types & (1 << kind) != 0),
            Err(why) => Tri::Unknown(why),
        }
    }

    fn fib_type(&self, address: IpAddr, limit: IfaceLimit, packet: &Packet) -> Result<u8, Why> {
        let dev = limit_device(address, limit, packet)?;
        match Family::of(address) {
            Family::V4 => self.type4(address, dev),
            Family::V6 => self.type6(address, dev, packet),
        }
    }

    /// As `nft_fib4_eval()` and `nft_fib6_eval()` (net/ipv4/netfilter/nft_fib_ipv4.c, net/ipv6/netfilter/nft_fib_ipv6.c): a look-up as for a
    /// packet that is made here; only unicast counts. What comes in over the loopback is taken as it is.
    fn route_devices(&self, to: IpAddr, from: Option<IpAddr>, mark: Option<u32>, packet: &Packet) -> Result<Vec<Arc<str>>, Why> {
        if self.at == HookPoint::Ip(Hook::Prerouting)
            && let Dev::Named(dev) = &packet.iif
            && self.is_loopback(dev)
        {
            return Ok(vec![dev.clone()]);
        }
        let asked = Asked { to, from, mark, strict: None, from_dev: packet.iif.as_option() };
        self.routed(asked, packet, |outcome, hops| match outcome {
            RouteOutcome::Forward => names(hops).ok_or_else(|| format!("the device of the route to {to} is not known").into()),
            _ => Ok(Vec::new()),
        })
    }

    /// As `rpfilter_mt()` (net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c).
    fn reverse_path(&self, packet: &Packet, options: ReversePath) -> Tri {
        let dev = match &packet.iif {
            Dev::Named(dev) => dev,
            Dev::None => return Tri::unknown("a packet that came in by no device is asked for its way back"),
            Dev::Unknown => return Tri::unknown("the incoming interface is not known"),
        };
        if self.is_loopback(dev) {
            return Tri::Yes;
        }
        let Some(src) = packet.src else { return Tri::unknown("the source address is not known") };
        let v6 = Family::of(src) == Family::V6;
        if let (IpAddr::V4(src), Some(IpAddr::V4(dst))) = (src, packet.dst)
            && src.octets()[0] == 0
            && (dst.is_broadcast() || dst.octets()[..3] == [224, 0, 0])
        {
            return Tri::Yes;
        }
        let mark = if options.valid_mark { packet.mark } else { Some(0) };
        let strict = (v6 && !options.loose).then_some(&**dev);
        let from = packet.dst.filter(|dst| is_source(*dst));
        let answer = self.routed(Asked { to: src, from, mark, strict, from_dev: Some(dev) }, packet, |outcome, hops| {
            let goes = match outcome {
                RouteOutcome::Forward => true,
                RouteOutcome::Local => options.accept_local,
                _ => false,
            };
            if !goes || options.loose {
                return Ok(goes);
            }
            // A device whose VRF the route's device is counts as well (`fib_info_nh_uses_dev()`).
            let vrf = l3_master(self.node, dev);
            let uses = |hop: &Hop<'_>| hop.dev().is_some_and(|out| out == &**dev || Some(out) == vrf);
            match hops {
                hops if hops.iter().any(uses) => Ok(true),
                hops if hops.iter().all(|hop| hop.dev.is_some()) => Ok(false),
                _ => Err(format!("the device of the route to {src} is not known").into()),
            }
        });
        answer.map_or_else(Tri::Unknown, Tri::from)
    }

    fn master(&self, device: &str) -> Result<Option<Arc<str>>, Why> {
        let link = self.node.link(device).map_err(|missing| Why::from(missing.to_string()))?;
        let link = link.ok_or_else(|| Why::from(format!("there is no device {device}")))?;
        if link.master.is_none() && link.up.is_none() {
            return Err(format!("the bridge of {device} is not known").into());
        }
        Ok(link.master.clone())
    }

    fn device_type(&self, device: &str) -> Option<u16> {
        Some(match &self.node.links().ok()?.by_name(device)?.kind {
            LinkKind::Loopback => 772,
            LinkKind::Veth | LinkKind::Bridge(_) | LinkKind::Vxlan(_) | LinkKind::Vlan { .. } | LinkKind::Dummy => 1,
            LinkKind::Geneve { .. } | LinkKind::Bond => 1,
            LinkKind::Ipip(_) => 768,
            LinkKind::Wireguard => 65534,
            _ => return None,
        })
    }
}

/// A look-up in the routes, as for a packet that is made here.
#[derive(Clone, Copy)]
struct Asked<'a> {
    to: IpAddr,
    from: Option<IpAddr>,
    mark: Option<u32>,
    /// IPv6 takes routes of this device only.
    strict: Option<&'a str>,
    /// The device whose VRF it is made in.
    from_dev: Option<&'a str>,
}

impl OfNode<'_> {
    /// As `inet_dev_addr_type()` (net/ipv4/fib_frontend.c): the table `local` alone decides, whatever the policy rules say, and what is not
    /// in it, or is another device's there, is unicast.
    ///
    /// Until the first policy rule is added the table `main` is part of it (`fib_trie_unmerge()`), and a longer prefix there counts.
    fn type4(&self, address: IpAddr, dev: Option<&str>) -> Result<u8, Why> {
        if let IpAddr::V4(v4) = address
            && (v4.is_broadcast() || v4.octets()[0] == 0)
        {
            return Ok(rtn::BROADCAST);
        }
        if address.is_multicast() {
            return Ok(rtn::MULTICAST);
        }
        let routes = self.node.routes(Family::V4).map_err(|missing| Why::from(missing.to_string()))?;
        let [local, main] = [Table::LOCAL, Table::MAIN].map(|table| routes.lookup(&table, address).into_iter().next());
        // Only of a whole capture it is known that there is nothing better.
        if local.is_none() {
            routes.complete().map_err(|missing| Why::from(missing.to_string()))?;
        }
        let kind = |route: Option<&Route>| match route {
            Some(route) if dev.is_none_or(|dev| route.dev.as_deref() == Some(dev)) => type_of(&route.kind),
            _ => Some(rtn::UNICAST),
        };
        let unknown = || Why::from(format!("the type of address {address} is not known"));
        let own = kind(local).ok_or_else(unknown)?;
        let longer = main.filter(|main| local.is_none_or(|local| main.dst.prefix_len() > local.dst.prefix_len()));
        let merged = longer.map_or(Some(own), |main| kind(Some(main))).ok_or_else(unknown)?;
        if own == merged {
            return Ok(own);
        }
        let fib = Fib::of(self.node, Family::V4).map_err(|missing| Why::from(missing.to_string()))?;
        let first = [Table::LOCAL, Table::MAIN, Table::DEFAULT];
        let plain = fib.rules.len() == first.len() && fib.rules.iter().zip(first).all(|(rule, table)| rule.is_plain(&table));
        if plain { Err("whether policy rules were ever added here, and the tables parted, is not known".into()) } else { Ok(own) }
    }

    /// As `nft_fib6_eval_type()`: an address of the device, else what the whole routing says.
    fn type6(&self, address: IpAddr, dev: Option<&str>, packet: &Packet) -> Result<u8, Why> {
        if let Some(dev) = dev
            && self.has_address(dev, address)?
        {
            return Ok(rtn::LOCAL);
        }
        let asked = Asked { to: address, from: None, mark: Some(0), strict: None, from_dev: dev };
        self.hits(asked, packet, |hit| {
            let anycast = hit.found.as_ref().is_some_and(|found| found.route.kind == RouteKind::Anycast);
            Ok(match hit.outcome {
                RouteOutcome::Blackhole => rtn::BLACKHOLE,
                RouteOutcome::Prohibit => rtn::PROHIBIT,
                RouteOutcome::Unreachable | RouteOutcome::NoRoute => rtn::UNREACHABLE,
                RouteOutcome::Local if anycast => rtn::ANYCAST,
                RouteOutcome::Local if dev.is_none() => rtn::LOCAL,
                _ if address.is_multicast() => rtn::MULTICAST,
                _ if address.is_unspecified() => 0,
                _ => rtn::UNICAST,
            })
        })
    }

    /// As `match_type6()` (net/netfilter/xt_addrtype.c): MULTICAST, UNICAST and UNSPEC must all hold by the address alone; of the others,
    /// which ask the routing, one.
    fn addr_type6(&self, address: IpAddr, types: Bits, limit: IfaceLimit, packet: &Packet) -> Tri {
        let unicast = !address.is_multicast() && !address.is_unspecified();
        let lacks = |bit: Bits, is: bool| types & bit != 0 && !is;
        if lacks(addr_type::MULTICAST, address.is_multicast())
            || lacks(addr_type::UNICAST, unicast)
            || lacks(1, address.is_unspecified())
        {
            return Tri::No;
        }
        let routed = addr_type::LOCAL | 1 << rtn::ANYCAST | 1 << rtn::UNREACHABLE | 1 << rtn::PROHIBIT;
        if types & routed == 0 {
            return Tri::Yes;
        }
        match limit_device(address, limit, packet).and_then(|dev| self.type6(address, dev, packet)) {
            Ok(rtn::BLACKHOLE | rtn::PROHIBIT) => Tri::from(types & (1 << rtn::UNREACHABLE) != 0),
            Ok(kind) => Tri::from(types & (1 << kind) & routed != 0),
            Err(why) => Tri::Unknown(why),
        }
    }

    fn has_address(&self, dev: &str, address: IpAddr) -> Result<bool, Why> {
        let links = self.node.links().map_err(|missing| Why::from(missing.to_string()))?;
        let link = links.by_name(dev).ok_or_else(|| Why::from(format!("the addresses of {dev} are not known")))?;
        Ok(link.addresses.iter().any(|a| a.addr.addr() == address))
    }

    /// What a look-up gives, where all that it may find comes to the same.
    fn routed<T: PartialEq>(
        &self,
        asked: Asked<'_>,
        packet: &Packet,
        of: impl Fn(RouteOutcome, &[Hop<'_>]) -> Result<T, Why>,
    ) -> Result<T, Why> {
        self.hits(asked, packet, |hit| of(hit.outcome, hit.found.as_ref().map_or(&[], |found| &found.hops)))
    }

    fn hits<T: PartialEq>(&self, asked: Asked<'_>, packet: &Packet, of: impl Fn(&Hit<'_>) -> Result<T, Why>) -> Result<T, Why> {
        let missing = |missing: Missing| Why::from(missing.to_string());
        let fib = Fib::of(self.node, Family::of(asked.to)).map_err(missing)?;
        let flow = Flow {
            dst: asked.to,
            src: asked.from,
            iif: "lo",
            oif: asked.strict,
            l3mdev: asked.from_dev.and_then(|dev| l3_master(self.node, dev)),
            mark: asked.mark,
            protocol: packet.protocol,
            // The ports of the look-up are not set.
            sport: Some(0),
            dport: Some(0),
            tos: packet.tos,
            made_here: false,
            prefers: asked.strict,
            strict: asked.strict.is_some(),
            ignore_linkstate: true,
        };
        let hits = if asked.to.is_ipv4() { fib.lookup4(&flow) } else { fib.lookup(&flow) }.map_err(missing)?;
        let mut answers = hits.iter().map(&of);
        let first = answers.next().ok_or_else(|| Why::from(format!("the route to {} is not known", asked.to)))??;
        for answer in answers {
            if answer? != first {
                let why = hits.iter().find_map(|hit| hit.blockers.first());
                return Err(why.map_or_else(|| "one of several routes is taken".into(), |b| b.reason.clone().into()));
            }
        }
        Ok(first)
    }

    fn is_loopback(&self, dev: &str) -> bool {
        let link = self.node.links().ok().and_then(|links| links.by_name(dev));
        link.map_or(dev == "lo", |link| link.kind == LinkKind::Loopback || &*link.name == "lo")
    }
}

/// Whether an address may be the source of a packet, so that the way back is asked with it.
fn is_source(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => !(v4.is_multicast() || v4.is_broadcast() || v4.octets()[0] == 0),
        IpAddr::V6(v6) => !v6.is_multicast(),
    }
}

/// The devices of hops; `None` where one is not known.
fn names(hops: &[Hop<'_>]) -> Option<Vec<Arc<str>>> {
    hops.iter().map(|hop| hop.dev.cloned()).collect()
}

fn type_of(kind: &RouteKind) -> Option<u8> {
    Some(match kind {
        RouteKind::Unicast => rtn::UNICAST,
        RouteKind::Local => rtn::LOCAL,
        RouteKind::Broadcast => rtn::BROADCAST,
        RouteKind::Anycast => rtn::ANYCAST,
        RouteKind::Multicast => rtn::MULTICAST,
        RouteKind::Blackhole => rtn::BLACKHOLE,
        RouteKind::Unreachable => rtn::UNREACHABLE,
        RouteKind::Prohibit => rtn::PROHIBIT,
        RouteKind::Throw => rtn::THROW,
        RouteKind::Other(_) => return None,
    })
}

/// The device that a look-up is limited to.
fn limit_device(address: IpAddr, limit: IfaceLimit, packet: &Packet) -> Result<Option<&str>, Why> {
    let dev = match limit {
        IfaceLimit::None => return Ok(None),
        IfaceLimit::In => &packet.iif,
        IfaceLimit::Out => &packet.oif,
    };
    match dev {
        Dev::None => Ok(None),
        Dev::Named(name) => Ok(Some(name)),
        Dev::Unknown => Err(format!("the device that the type of {address} depends on is not known").into()),
    }
}
