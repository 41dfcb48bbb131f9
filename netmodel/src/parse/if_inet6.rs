//! /proc/net/if_inet6: IPv6 addresses, as `if6_seq_show` (net/ipv6/addrconf.c) prints them.
//!
//! ```text
//! fe8000000000000048aba5fffe414e02 02 40 20 80     eth0
//! 00000000000000000000000000000001 01 80 10 80       lo
//! ```
//!
//! Address, index of the link, prefix length, scope, the low eight flags (IFA_F_*), name; all in hexadecimal. The links have a name,
//! an index and addresses; what else they are is unknown ([`Link::up`] and others are `None`), and so is `noprefixroute`.

use std::collections::HashMap;

use ipnet::IpNet;

use super::Parsed;
use super::ip_addr::{Address, Link};
use super::iproute_text::link_records;
use super::json::Names;
use super::proc_ipv6_route::{hex, net};
use crate::source::{At, Problem, lines};

/// What the file leaves out, so that it cannot be proven from it.
pub const NOT_SHOWN: &str = "IPv4 addresses, links without an IPv6 address, flags, MTU and kind of links, peers of addresses";

/// Reads /proc/net/if_inet6: links in the order in which they appear first.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Link>> {
    let mut out = Parsed::<Vec<Link>>::default();
    let mut names = Names::default();
    let mut places: HashMap<u32, usize> = HashMap::new();
    for (at, line) in lines(text) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match row(at, line, &mut names) {
            Ok((index, name, address)) => {
                let place = *places.entry(index).or_insert_with(|| {
                    let mut link = link_records::blank(at, names.get(name));
                    link.index = Some(index);
                    out.value.push(link);
                    out.value.len() - 1
                });
                if let Some(link) = out.value.get_mut(place) {
                    link.addresses.push(address);
                }
            }
            Err(what) => out.problems.push(Problem { at, what }),
        }
    }
    out
}

fn row<'t>(at: At, line: &'t str, names: &mut Names) -> Result<(u32, &'t str, Address), String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [addr, index, len, scope, flags, name] = words[..] else { return Err("not six columns".to_owned()) };
    let flags = hex(flags)?;
    let mut address = link_records::address(at, names);
    address.addr = IpNet::V6(net(addr, len)?);
    // IPV6_ADDR_* of include/net/ipv6.h, under the names of iproute2.
    address.scope = match hex(scope)? {
        0x00 => names.get("global"),
        0x10 => names.get("host"),
        0x20 => names.get("link"),
        0x40 => names.get("site"),
        _ => names.get(scope),
    };
    address.secondary = flags & 0x01 != 0;
    address.dad_failed = flags & 0x08 != 0;
    address.deprecated = flags & 0x20 != 0;
    address.tentative = flags & 0x40 != 0;
    Ok((hex(index)?, name, address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::ip_addr;
    use crate::parse::iproute_text::testing::fixture;

    #[test]
    fn it_shows_the_ipv6_addresses_that_ip_addr_shows() {
        let got = parse(&fixture("proc-net-if_inet6", "addresses.txt"));
        assert_eq!(got.problems, []);
        let shown = |links: &[Link]| {
            let mut all: Vec<_> = links
                .iter()
                .flat_map(|l| l.addresses.iter().map(move |a| (l.index, l.name.clone(), a)))
                .filter(|(_, _, a)| a.addr.addr().is_ipv6())
                .map(|(i, n, a)| (i, n, a.addr.addr(), a.scope.clone(), a.deprecated, a.tentative, a.secondary))
                .collect();
            all.sort();
            all
        };
        assert_eq!(shown(&got.value), shown(&ip_addr::parse(&fixture("ip-addr-text", "addr-details.json")).value));
        assert!(got.value.iter().all(|l| l.up.is_none() && l.mtu.is_none()));
    }

    #[test]
    fn flags_and_what_is_no_row() {
        let got = parse("20010db8000000000000000000000001 02 40 00 48 eth0\n20010db8 02 40 00 80 eth0\nfoo\n");
        let address = &got.value[0].addresses[0];
        assert_eq!((address.addr.to_string().as_str(), address.dad_failed, address.tentative), ("2001:db8::1/64", true, true));
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [2, 3]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9a-f]{32} |[0-9a-f]{2} |eth0|\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
