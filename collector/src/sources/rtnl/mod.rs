//! Asks the kernel for its links, addresses, routes, rules, neighbours and next hops over rtnetlink, and writes what `ip -j` prints.
//!
//! The order of keys and the odd corners are those of iproute2 6.1; where a newer kernel says more, the keys are those of the newer
//! iproute2 that prints it. docs/native.md lists where the text differs from the tool's, and why.

mod addr;
mod bridge;
mod encap;
mod kinds;
mod link;
mod links;
mod names;
mod neigh;
mod nexthop;
mod qdisc;
mod qdisc_options;
mod route;
mod rule;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod vf;

use std::io::Write;
use std::time::Instant;

use nix::libc;

use super::json::Json;
use crate::netlink::{Message, NetlinkError, Protocol, Request, Socket};
use crate::root::Root;
use links::Links;
use names::Names;

/// Bytes of an answer that are held back until it is known to be consistent.
const HOLD: usize = 2 << 20;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Addr,
    Link,
    Route4,
    Route6,
    Rule4,
    Rule6,
    Neigh,
    Nexthop,
    BridgeFdb,
    BridgeLink,
    BridgeVlan,
    Qdisc,
}

impl What {
    /// By which interface, as the manifest says it.
    pub(crate) fn how(self) -> &'static str {
        match self {
            Self::Addr => "rtnetlink RTM_GETLINK and RTM_GETADDR, as ip -d -j addr",
            Self::Link => "rtnetlink RTM_GETLINK, as ip -s -d -j link",
            Self::Route4 => "rtnetlink RTM_GETROUTE, IPv4, as ip -4 -d -j route show table all",
            Self::Route6 => "rtnetlink RTM_GETROUTE, IPv6, as ip -6 -d -j route show table all",
            Self::Rule4 => "rtnetlink RTM_GETRULE, IPv4, as ip -4 -d -j rule",
            Self::Rule6 => "rtnetlink RTM_GETRULE, IPv6, as ip -6 -d -j rule",
            Self::Neigh => "rtnetlink RTM_GETNEIGH, as ip -d -j neigh",
            Self::Nexthop => "rtnetlink RTM_GETNEXTHOP, as ip -d -j nexthop",
            Self::BridgeFdb => "rtnetlink RTM_GETNEIGH of bridges, as bridge -d -j fdb",
            Self::BridgeLink => "rtnetlink RTM_GETLINK of bridges, as bridge -d -j link",
            Self::BridgeVlan => "rtnetlink RTM_GETLINK of bridges, as bridge -j vlan",
            Self::Qdisc => "rtnetlink RTM_GETQDISC, as tc -s -j qdisc",
        }
    }
}

/// What a writer of records may ask besides its own dump.
struct Context<'r> {
    names: Names<'r>,
    links: Links<'r>,
    nexthops: nexthop::Cache<'r>,
    addresses: addr::Addresses,
    /// Ticks of the packet scheduler in a microsecond.
    ticks: f64,
}

fn context(root: &Root, deadline: Instant) -> Context<'_> {
    Context {
        names: Names::new(root),
        links: Links::new(root, deadline),
        nexthops: nexthop::Cache::new(root, deadline),
        addresses: addr::Addresses::default(),
        ticks: ticks(root),
    }
}

/// Writes one capture of the calling thread's network namespace; returns what the reader should know of it.
///
/// # Errors
/// What the kernel answers, or that no more is wanted.
pub(crate) fn read(what: What, root: &Root, deadline: Instant, out: &mut dyn Write) -> Result<String, NetlinkError> {
    let mut context = context(root, deadline);
    let mut socket = Socket::open(Protocol::Route, root, deadline)?;
    let mut json = Json::new(out);
    json.open_array(None);
    let mut addresses = addr::Addresses::default();
    let mut interrupted = false;
    if what == What::Addr {
        // Asked for first: an address that comes later is that of a link that is there. The tool asks for them last.
        let request = Request::new(libc::RTM_GETADDR).payload(&[0; addr::HEADER]);
        interrupted = socket.dump_consistent(&request, HOLD, |message| {
            addresses.keep(message);
            Ok(())
        })?;
    }
    context.addresses = addresses;
    let (request, print) = what.request();
    interrupted |= socket.dump_consistent(&request, HOLD, |message| {
        print(&mut context, message, &mut json);
        json.record()
    })?;
    json.close_array();
    json.finish()?;
    // What iproute2 says (lib/libnetlink.c).
    Ok(if interrupted { "Dump was interrupted and may be inconsistent.".to_owned() } else { String::new() })
}

/// Writes the record of a message.
type Print = fn(&mut Context<'_>, Message<'_>, &mut Json<'_>);

impl What {
    fn request(self) -> (Request, Print) {
        let family = match self {
            Self::Route4 | Self::Rule4 => libc::AF_INET,
            Self::Route6 | Self::Rule6 => libc::AF_INET6,
            Self::Link => libc::AF_PACKET,
            Self::BridgeFdb | Self::BridgeLink | Self::BridgeVlan => libc::AF_BRIDGE,
            Self::Addr | Self::Neigh | Self::Nexthop | Self::Qdisc => libc::AF_UNSPEC,
        };
        let family = u8::try_from(family).expect("families are small numbers");
        let request = |kind: u16, header: usize| {
            let mut payload = vec![0; header];
            payload[0] = family;
            Request::new(kind).payload(&payload)
        };
        match self {
            Self::Addr => (links(request(libc::RTM_GETLINK, link::HEADER)), print_addr),
            Self::Link => (links(request(libc::RTM_GETLINK, link::HEADER)), print_link),
            Self::Route4 | Self::Route6 => (request(libc::RTM_GETROUTE, route::HEADER), route::print),
            Self::Rule4 | Self::Rule6 => (request(libc::RTM_GETRULE, rule::HEADER), rule::print),
            Self::Neigh => (request(libc::RTM_GETNEIGH, neigh::HEADER), neigh::print),
            Self::Nexthop => (request(nexthop::RTM_GETNEXTHOP, nexthop::HEADER), nexthop::print),
            Self::BridgeFdb => (request(libc::RTM_GETNEIGH, neigh::HEADER), bridge::print_fdb),
            Self::BridgeLink => (request(libc::RTM_GETLINK, link::HEADER), bridge::print_port),
            Self::BridgeVlan => {
                let request = request(libc::RTM_GETLINK, link::HEADER);
                (request.attr(libc::IFLA_EXT_MASK, &bridge::WITH_VLANS.to_ne_bytes()), bridge::print_vlans)
            }
            Self::Qdisc => (request(libc::RTM_GETQDISC, qdisc::HEADER), qdisc::print),
        }
    }
}

/// With virtual functions (RTEXT_FILTER_VF).
fn links(request: Request) -> Request {
    request.attr(libc::IFLA_EXT_MASK, &1u32.to_ne_bytes())
}

fn print_link(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    if message.kind == libc::RTM_NEWLINK {
        json.open(None);
        link::print(context, message, link::For::Link, json);
        json.close();
    }
}

fn print_addr(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    if message.kind != libc::RTM_NEWLINK {
        return;
    }
    json.open(None);
    if let Some(index) = link::print(context, message, link::For::Addr, json) {
        context.addresses.print(context, index, json);
    }
    json.close();
}

/// What /proc/net/psched says (tc_core_init in tc/tc_core.c): microseconds a tick in its first two numbers, and the clock's resolution.
fn ticks(root: &Root) -> f64 {
    let text = std::fs::read_to_string(root.net("psched")).unwrap_or_default();
    let mut words = text.split_whitespace().map(|w| u32::from_str_radix(w, 16).map_or(0.0, f64::from));
    match (words.next(), words.next(), words.next()) {
        (Some(_), Some(us), Some(1e9)) if us > 0.0 => 1e3,
        (Some(ticks), Some(us), Some(resolution)) if us > 0.0 => ticks / us * (resolution / 1e6),
        // That of every kernel since 2.6.31.
        _ => 15.625,
    }
}
