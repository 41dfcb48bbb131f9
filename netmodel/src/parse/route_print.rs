//! Prints routes back in the form of `ip route`: with `-d` where that was what was read, and as text where it was JSON.
//!
//! The order is that of `print_route` in iproute2's ip/iproute.c, with one blank between words and each way of a route on a line of
//! its own. Where the capture is /proc's or net-tools' there is no more than they show. A line that was not understood stands there as a comment, which `ip -batch` passes over. Left out: `lock` and the second
//! half of some encapsulations, which JSON does not show.

use std::collections::HashSet;
use std::fmt::Write as _;

use ipnet::IpNet;

use super::Parsed;
use super::ip_route::{Nexthop, Route, RouteKind};
use super::route_attributes::{Attribute, Slot};
use super::text::slice;
use crate::family::Family;
use crate::source::At;

/// The routes as `ip route` prints them; `text` is the text that was parsed.
#[must_use]
pub fn to_text(text: &str, parsed: &Parsed<Vec<Route>>) -> String {
    let mut out = String::with_capacity(text.len());
    // A word that is not known is a problem of a route that was read.
    let read: HashSet<At> = parsed.value.iter().map(|route| route.at).collect();
    let mut lost = parsed.problems.iter().filter(|p| !read.contains(&p.at)).peekable();
    for route in &parsed.value {
        while let Some(problem) = lost.next_if(|p| p.at.start < route.at.start) {
            not_understood(&mut out, slice(text, problem.at));
        }
        for (part, (slot, words)) in parts(route).into_iter().enumerate() {
            out.push_str(match (part, slot) {
                (0, _) => "",
                (_, Slot::NhInfo | Slot::Hops) => "\n\t",
                _ => " ",
            });
            out.push_str(&words);
        }
        out.push('\n');
    }
    for problem in lost {
        not_understood(&mut out, slice(text, problem.at));
    }
    out
}

fn not_understood(out: &mut String, text: &str) {
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        writeln!(out, "# not understood: {}", line.trim()).expect("writing to a String does not fail");
    }
}

/// A route's parts in their order.
fn parts(route: &Route) -> Vec<(Slot, String)> {
    let mut parts = Vec::with_capacity(16);
    let mut say = |slot, words: String| parts.push((slot, words));
    if route.told.kind || route.kind != RouteKind::Unicast {
        say(Slot::Kind, kind(&route.kind).to_owned());
    }
    say(Slot::Dst, prefix(route.dst));
    if let Some(from) = route.src {
        say(Slot::From, format!("from {}", prefix(from)));
    }
    if let Some(tos) = &route.tos {
        say(Slot::Tos, format!("tos {tos}"));
    }
    if let Some(id) = route.nhid {
        say(Slot::Nhid, format!("nhid {id}"));
    }
    let family = match route.dst {
        IpNet::V4(_) => Family::V4,
        IpNet::V6(_) => Family::V6,
    };
    if let Some(gateway) = route.gateway {
        say(Slot::Via, via(gateway, family));
    }
    if let Some(dev) = &route.dev {
        say(Slot::Dev, format!("dev {dev}"));
    }
    if route.told.table {
        say(Slot::Table, format!("table {}", route.table));
    }
    if let Some(proto) = &route.protocol {
        say(Slot::Proto, format!("proto {proto}"));
    }
    if let Some(scope) = &route.scope {
        say(Slot::Scope, format!("scope {scope}"));
    }
    if let Some(src) = route.prefsrc {
        say(Slot::Src, format!("src {src}"));
    }
    if route.told.metric || route.metric != 0 {
        say(Slot::Metric, format!("metric {}", route.metric));
    }
    for flag in &route.flags {
        say(Slot::Flags, flag.to_string());
    }
    for hop in &route.nexthops {
        say(Slot::Hops, way(hop, family));
    }
    parts.extend(route.attributes.iter().map(|a| (a.slot, attribute(a))));
    // Stable: what has one place stays in the order of the text.
    parts.sort_by_key(|(slot, _)| *slot);
    parts
}

/// One way of several (`print_rta_multipath`).
fn way(hop: &Nexthop, family: Family) -> String {
    let of = |slots: fn(Slot) -> bool| hop.attributes.iter().filter(move |a| slots(a.slot)).map(attribute);
    let mut words: Vec<String> = vec!["nexthop".to_owned()];
    words.extend(of(|slot| slot <= Slot::Encap));
    words.extend(hop.gateway.map(|gateway| via(gateway, family)));
    words.extend(of(|slot| slot == Slot::Realm));
    words.extend(hop.dev.iter().map(|dev| format!("dev {dev}")));
    words.push(format!("weight {}", hop.weight));
    words.extend(hop.flags.iter().map(ToString::to_string));
    words.extend(of(|slot| slot > Slot::Encap && slot != Slot::Realm));
    words.join(" ")
}

fn attribute(attribute: &Attribute) -> String {
    match &attribute.value {
        Some(value) => format!("{} {value}", attribute.name),
        None => attribute.name.to_string(),
    }
}

/// A gateway; one of the other family names its own (RFC 5549).
fn via(gateway: std::net::IpAddr, family: Family) -> String {
    match (Family::of(gateway), family) {
        (Family::V6, Family::V4) => format!("via inet6 {gateway}"),
        (Family::V4, Family::V6) => format!("via inet {gateway}"),
        _ => format!("via {gateway}"),
    }
}

/// A prefix as iproute2 prints it: `default` for all, no length for one address.
fn prefix(net: IpNet) -> String {
    match net.prefix_len() {
        0 => "default".to_owned(),
        n if n == net.max_prefix_len() => net.addr().to_string(),
        _ => net.to_string(),
    }
}

fn kind(kind: &RouteKind) -> &str {
    match kind {
        RouteKind::Unicast => "unicast",
        RouteKind::Local => "local",
        RouteKind::Broadcast => "broadcast",
        RouteKind::Multicast => "multicast",
        RouteKind::Anycast => "anycast",
        RouteKind::Blackhole => "blackhole",
        RouteKind::Unreachable => "unreachable",
        RouteKind::Prohibit => "prohibit",
        RouteKind::Throw => "throw",
        RouteKind::Other(name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::iproute_text::Asked;
    use crate::parse::iproute_text::any;
    use crate::parse::testing::fixture;

    /// The words of each route; `-o` writes a backslash where a line ends.
    fn words(text: &str) -> Vec<String> {
        text.split(['\n', '\\']).map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|l| !l.is_empty()).collect()
    }

    fn printed(text: &str, family: Family) -> String {
        let parsed = any::routes(text, family, &Asked::default());
        to_text(text, &parsed)
    }

    #[test]
    fn what_was_read_is_printed_again() {
        for (name, family) in [
            ("route4", Family::V4),
            ("route4-brief", Family::V4),
            ("route4-node", Family::V4),
            ("route4-oneline", Family::V4),
            ("route6", Family::V6),
            ("route6-brief", Family::V6),
            ("route-both", Family::V4),
        ] {
            let text = fixture(&format!("ip-route-text/{name}.txt"));
            assert_eq!(words(&printed(&text, family)), words(&text), "{name}");
        }
    }

    #[test]
    fn json_is_printed_as_the_text_of_the_same_routes() {
        for (name, family) in
            [("route4", Family::V4), ("route4-brief", Family::V4), ("route4-node", Family::V4), ("route6", Family::V6)]
        {
            let (json, text) = (fixture(&format!("ip-route-text/{name}.json")), fixture(&format!("ip-route-text/{name}.txt")));
            // JSON tells no `lock`.
            let text = text.replace("mtu lock 1400", "mtu 1400");
            assert_eq!(words(&printed(&json, family)), words(&text), "{name}");
        }
    }

    #[test]
    fn unknown_words_and_lines_stay_where_they_were() {
        let text = "10.1.0.0/16 via 10.0.0.1 novel 7 dev eth0 proto static\n10.xx.xx.0/24 via 10.xx.xx.1 dev eth0\n\
                    10.2.0.0/16 dev eth0 metric 0 brandnew\n";
        let expected = "10.1.0.0/16 via 10.0.0.1 novel 7 dev eth0 proto static\n# not understood: 10.xx.xx.0/24 via 10.xx.xx.1 dev eth0\n\
                        10.2.0.0/16 dev eth0 metric 0 brandnew\n";
        assert_eq!(printed(text, Family::V4), expected);
    }
}
