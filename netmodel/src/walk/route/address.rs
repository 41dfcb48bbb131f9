//! Which of its own addresses the kernel takes as a source: `inet_select_addr` (net/ipv4/devinet.c) and `ipv6_dev_get_saddr`
//! (net/ipv6/addrconf.c, RFC 6724).
//!
//! Left out: socket options that prefer other sources (RFC 5014), home addresses, the label table set by `ip addrlabel` (the default one
//! counts).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{RouteKey, conf, output, rule};
use crate::family::Family;
use crate::parse::ip_addr::{Address, Link};
use crate::source::{Fact, Missing};
use crate::state::Node;
use crate::state::links::Links;

/// Scopes as numbers (`enum rt_scope_t`): the narrower, the larger.
pub(super) mod scope {
    pub(crate) const UNIVERSE: u32 = 0;
    pub(crate) const SITE: u32 = 200;
    pub(crate) const LINK: u32 = 253;
    pub(crate) const HOST: u32 = 254;
    pub(crate) const NOWHERE: u32 = 255;

    /// As iproute2 prints it; `None` for a name that it does not bring along.
    pub(crate) fn parse(word: &str) -> Option<u32> {
        Some(match word {
            "global" | "universe" => UNIVERSE,
            "site" => SITE,
            "link" => LINK,
            "host" => HOST,
            "nowhere" => NOWHERE,
            other => other.parse().ok()?,
        })
    }
}

/// An address that the node has, and where it stands.
pub type OwnAddress<'n> = Fact<'n, IpAddr>;

/// The address that MASQUERADE takes for a packet that goes out by a device towards a next hop (`nf_nat_masquerade_ipv4`,
/// `nf_nat_masquerade_ipv6`). `next_hop` is the router, or the destination where there is none; IPv6 asks for the destination itself.
/// `None`: the device has none to give, and the packet is dropped.
///
/// # Errors
/// [`Missing`] when the addresses are not known.
pub fn masquerade_address<'n>(node: &'n Node, oif: &str, next_hop: IpAddr) -> Result<Option<OwnAddress<'n>>, Missing> {
    match next_hop {
        IpAddr::V4(next_hop) => select4(node, oif, Some(next_hop), scope::UNIVERSE),
        IpAddr::V6(dst) => select6(node, Some(oif), dst),
    }
}

/// The address that REDIRECT takes for a packet that came in by a device: the first of the device (`nf_nat_redirect_ipv4`); for IPv6 the
/// first of the destination's scope (`nf_nat_redirect_ipv6`). `iif` is `None` for a packet that is made here: loopback. `None`: dropped.
///
/// # Errors
/// [`Missing`] when the addresses are not known.
pub fn redirect_address(node: &Node, iif: Option<&str>, dst: IpAddr) -> Result<Option<IpAddr>, Missing> {
    let Some(iif) = iif else {
        return Ok(Some(match dst {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        }));
    };
    let Some(link) = node.link(iif)? else { return Ok(None) };
    Ok(match dst {
        IpAddr::V4(_) => own(link, Family::V4).next().map(|a| a.addr.addr()),
        IpAddr::V6(dst) => {
            let wanted = scope6(dst);
            let usable = |a: &&Address| match a.addr.addr() {
                IpAddr::V6(own) => !a.tentative && !a.dad_failed && scope6(own) == wanted,
                IpAddr::V4(_) => false,
            };
            own(link, Family::V6).find(usable).map(|a| a.addr.addr())
        }
    })
}

/// The source of an ICMP error that the node sends about a packet (`icmp_send`, `icmp6_send`): the packet's destination where that is the
/// node's own, else the address that the route back to the sender gives; with `net.ipv4.icmp_errors_use_inbound_ifaddr` that of the
/// device by which the packet came in. `None` where there is none, or no way back: no error is sent.
///
/// # Errors
/// [`Missing`] when addresses or routes are not known.
pub fn icmp_error_source(node: &Node, iif: Option<&str>, src: IpAddr, dst: IpAddr) -> Result<Option<IpAddr>, Missing> {
    if node.links()?.by_address(dst).is_some() {
        return Ok(Some(dst));
    }
    if let (IpAddr::V4(_), Some(iif)) = (src, iif)
        && node.sysctl_int("net.ipv4.icmp_errors_use_inbound_ifaddr")?.value != 0
    {
        return Ok(select4(node, iif, None, scope::LINK)?.map(|a| a.value));
    }
    let ways = output(node, &RouteKey { protocol: Some(if src.is_ipv4() { 1 } else { 58 }), ..RouteKey::to(src) })?;
    let mut sources = ways.iter().map(|w| w.prefsrc.filter(|_| w.outcome.goes_on()));
    let first = sources.next().flatten();
    if sources.any(|other| other != first) {
        let key = &node.links()?.source().key;
        return Err(Missing::new(key, "the source of the ICMP error", "the route back is not one alone"));
    }
    Ok(first)
}

/// The addresses of a link of a family, in the kernel's order.
pub(super) fn own(link: &Link, family: Family) -> impl Iterator<Item = &Address> {
    link.addresses.iter().filter(move |a| Family::of(a.addr.addr()) == family)
}

/// `inet_select_addr`: the first primary address of the device whose scope is wide enough, rather one in whose prefix `towards` is; else
/// the first of any device. `device` that does not exist has none.
pub(super) fn select4<'n>(
    node: &'n Node,
    dev: &str,
    towards: Option<Ipv4Addr>,
    scope: u32,
) -> Result<Option<OwnAddress<'n>>, Missing> {
    let links = node.links()?;
    links.complete()?;
    let wide = |a: &Address, narrowest: u32| scope::parse(&a.scope).is_some_and(|own| own.min(narrowest) <= scope);
    if let Some(link) = links.by_name(dev) {
        // Scopes of host addresses count as link with route_localnet (since Linux 4.17).
        let needed = scope >= scope::LINK && own(link, Family::V4).any(|a| scope::parse(&a.scope).is_some_and(|s| s > scope));
        let localnet = needed && conf::either(node, dev, "route_localnet")?.on();
        let narrowest = if localnet { scope::LINK } else { scope::HOST };
        let mut usable = own(link, Family::V4).filter(|a| !a.secondary && wide(a, narrowest)).peekable();
        let first = usable.peek().copied();
        let inside = |a: &&Address| towards.is_some_and(|t| prefix(a).contains(&IpAddr::V4(t)));
        if let Some(address) = usable.find(inside).or(first) {
            return Ok(Some(fact(links, address)));
        }
    }
    let master = rule::l3_master(node, dev);
    let of = |link: &'n Link| {
        own(link, Family::V4)
            .find(|a| !a.secondary && scope::parse(&a.scope).is_some_and(|own| own != scope::LINK && own <= scope))
    };
    if let Some(found) = master.and_then(|m| links.by_name(m)).and_then(of) {
        return Ok(Some(fact(links, found)));
    }
    let same_domain = |link: &&Link| rule::l3_master(node, &link.name) == master;
    Ok(links.iter().filter(same_domain).find_map(of).map(|a| fact(links, a)))
}

fn fact<'n>(links: &'n Links, address: &Address) -> OwnAddress<'n> {
    links.doc().fact(address.addr.addr(), address.at)
}

/// The prefix of an address; that of its peer where it has one (`inet_ifa_match` compares `ifa_address`).
fn prefix(address: &Address) -> ipnet::IpNet {
    let base = address.peer.unwrap_or(address.addr.addr());
    ipnet::IpNet::new(base, address.addr.prefix_len()).unwrap_or(address.addr)
}

/// `ipv6_dev_get_saddr`: the best source for a destination, by RFC 6724 as the kernel orders its rules. `None` for the device: any.
pub(super) fn select6<'n>(node: &'n Node, dev: Option<&str>, dst: Ipv6Addr) -> Result<Option<OwnAddress<'n>>, Missing> {
    let links = node.links()?;
    links.complete()?;
    // Candidates are the addresses of the outgoing device alone where the destination is multicast or of the link's scope.
    let narrow = dst.is_multicast() || scope6(dst) <= 2;
    let oif_only = match dev {
        Some(dev) => node.sysctl_if_int("net.ipv6.conf", dev, "use_oif_addrs_only").is_ok_and(|f| f.value != 0),
        None => false,
    };
    let mut best: Option<(Score, &Address)> = None;
    for link in links.iter() {
        let outgoing = dev.is_some_and(|d| *d == *link.name);
        if (narrow || oif_only) && dev.is_some() && !outgoing {
            continue;
        }
        for address in own(link, Family::V6) {
            let IpAddr::V6(own) = address.addr.addr() else { continue };
            if address.tentative || address.dad_failed || own.is_multicast() || own.is_unspecified() {
                continue;
            }
            // Temporary addresses come last, or first with use_tempaddr 2 (rule 7).
            let temporary = address.secondary;
            let public = !temporary || prefers_temporary(node, &link.name);
            let score = score(address, own, dst, outgoing || dev.is_none(), public);
            if best.as_ref().is_none_or(|(old, _)| score > *old) {
                best = Some((score, address));
            }
        }
    }
    Ok(best.map(|(_, address)| fact(links, address)))
}

/// The rules of `ipv6_get_saddr_eval` in order: same address, scope, not deprecated, outgoing device, label, public, not ORCHID, longest
/// matching prefix. What is compared first comes first; of equal ones the first address stays.
type Score = (bool, i32, bool, bool, bool, bool, bool, u32);

fn prefers_temporary(node: &Node, dev: &str) -> bool {
    node.sysctl_if_int("net.ipv6.conf", dev, "use_tempaddr").is_ok_and(|f| f.value >= 2)
}

fn score(address: &Address, own: Ipv6Addr, dst: Ipv6Addr, outgoing: bool, public: bool) -> Score {
    let (mine, theirs) = (i32::from(scope6(own)), i32::from(scope6(dst)));
    // Rule 2: of those that are wide enough the narrowest, of the others the widest.
    let scope = if mine >= theirs { -mine } else { mine - 128 };
    let common = (u128::from(own) ^ u128::from(dst)).leading_zeros().min(u32::from(address.addr.prefix_len()));
    let preferred = own.is_loopback() || own.to_ipv4_mapped().is_some();
    (
        own == dst,
        scope,
        preferred || !address.deprecated,
        outgoing,
        label(own) == label(dst),
        public,
        orchid(own) == orchid(dst),
        common,
    )
}

/// The scope of an IPv6 address as RFC 4291 numbers those of multicast: 1 interface, 2 link, 5 site, 14 global.
pub(super) fn scope6(addr: Ipv6Addr) -> u8 {
    let [first, second, ..] = addr.octets();
    match (first, second) {
        (0xff, second) => second & 0x0f,
        (0xfe, second) if second & 0xc0 == 0x80 => 2,
        (0xfe, second) if second & 0xc0 == 0xc0 => 5,
        // The loopback is of the link's scope (`__ipv6_addr_type`: IPV6_ADDR_SCOPE_TYPE(IPV6_ADDR_SCOPE_LINKLOCAL)).
        _ if addr.is_loopback() => 2,
        _ => 14,
    }
}

/// The default label table (`ip6addrlbl_init_table`, net/ipv6/addrlabel.c), the longest prefix first.
fn label(addr: Ipv6Addr) -> u32 {
    let bits = u128::from(addr);
    let starts = |prefix: u128, len: u32| (bits ^ prefix) >> (128 - len) == 0;
    match () {
        () if addr.is_loopback() => 0,
        () if addr.to_ipv4_mapped().is_some() => 4,
        () if starts(0, 96) => 3,
        () if starts(0x2001_0000 << 96, 32) => 6,
        () if starts(0x2001_0010 << 96, 28) => 7,
        () if starts(0x3ffe << 112, 16) => 12,
        () if starts(0x2002 << 112, 16) => 2,
        () if starts(0xfec0 << 112, 10) => 11,
        () if starts(0xfc00 << 112, 7) => 5,
        () => 1,
    }
}

/// 2001:10::/28.
fn orchid(addr: Ipv6Addr) -> bool {
    u128::from(addr) >> 100 == 0x0200_1001
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6(text: &str) -> Ipv6Addr {
        text.parse().unwrap()
    }

    #[test]
    fn labels_are_those_of_the_kernels_table() {
        let labels = ["::1", "::", "::ffff:1.2.3.4", "2001::1", "2001:10::1", "2002::1", "fd00::1", "fec0::1", "2001:db8::1"];
        assert_eq!(labels.map(|a| label(v6(a))), [0, 3, 4, 6, 7, 2, 5, 11, 1]);
    }

    #[test]
    fn scopes_are_those_of_rfc_4291() {
        let all = ["fe80::1", "ff02::1", "ff0e::1", "2001:db8::1", "fd00::1", "::1", "fec0::1"];
        assert_eq!(all.map(|a| scope6(v6(a))), [2, 2, 14, 14, 14, 2, 5]);
    }
}
