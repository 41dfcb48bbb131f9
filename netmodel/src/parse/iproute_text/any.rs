//! iproute2's output in whichever form it was taken, JSON or text, in the same records.
//!
//! Which one it is, its first sign tells: JSON begins with `[` (or `{`, where its begin is cut), text never does.

use super::super::Parsed;
use super::super::bridge::{self, BridgePort, FdbEntry};
use super::super::ip_addr::{self, Link};
use super::super::ip_neigh::{self, Neighbour};
use super::super::ip_nexthop::{self, NexthopObject};
use super::super::ip_route::{self, Route};
use super::super::ip_rule::{self, PolicyRule};
use super::bridge_vlan::{self, PortVlans};
use super::{Asked, addr, bridge_link, fdb, neigh, nexthop, route, rule};
use crate::family::Family;

/// Whether a text is the JSON form. One without any sign is taken as such: it is what `ip -j` prints of nothing.
#[must_use]
pub fn is_json(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').chars().next().is_none_or(|c| matches!(c, '[' | '{'))
}

/// `ip addr`, `ip link`.
#[must_use]
pub fn links(text: &str) -> Parsed<Vec<Link>> {
    if is_json(text) { ip_addr::parse(text) } else { addr::parse(text) }
}

/// `ip route`; `family` is that of `default` where nothing else tells.
#[must_use]
pub fn routes(text: &str, family: Family, asked: &Asked<'_>) -> Parsed<Vec<Route>> {
    if is_json(text) { ip_route::parse(text, family) } else { route::parse(text, family, asked) }
}

/// `ip rule`.
#[must_use]
pub fn rules(text: &str, family: Family) -> Parsed<Vec<PolicyRule>> {
    if is_json(text) { ip_rule::parse(text, family) } else { rule::parse(text, family) }
}

/// `ip neigh`.
#[must_use]
pub fn neighbours(text: &str, asked: &Asked<'_>) -> Parsed<Vec<Neighbour>> {
    if is_json(text) { ip_neigh::parse(text) } else { neigh::parse(text, asked) }
}

/// `ip nexthop`.
#[must_use]
pub fn nexthops(text: &str) -> Parsed<Vec<NexthopObject>> {
    if is_json(text) { ip_nexthop::parse(text) } else { nexthop::parse(text) }
}

/// `bridge fdb`.
#[must_use]
pub fn fdb_entries(text: &str, asked: &Asked<'_>) -> Parsed<Vec<FdbEntry>> {
    if is_json(text) { bridge::parse_fdb(text) } else { fdb::parse(text, asked) }
}

/// `bridge link`.
#[must_use]
pub fn ports(text: &str) -> Parsed<Vec<BridgePort>> {
    if is_json(text) { bridge::parse_link(text) } else { bridge_link::parse(text) }
}

/// `bridge vlan`.
#[must_use]
pub fn vlans(text: &str) -> Parsed<Vec<PortVlans>> {
    if is_json(text) { bridge_vlan::parse_json(text) } else { bridge_vlan::parse(text) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, shown};
    use super::*;

    #[test]
    fn either_form_is_read() {
        let both = |folder: &str, name: &str| ["txt", "json"].map(|ext| fixture(folder, &format!("{name}.{ext}")));
        let [text, json] = both("ip-rule-text", "rule4").map(|t| shown(&rules(&t, Family::V4).value));
        assert_eq!(text, json);
        let [text, json] = both("ip-addr-text", "addr-details").map(|t| shown(&links(&t).value));
        assert_eq!(text, json);
        let [text, json] = both("bridge-fdb-text", "fdb").map(|t| shown(&fdb_entries(&t, &Asked::default()).value));
        assert_eq!(text, json);
    }

    /// A text cut at any byte gives no panic; what stands before the cut is read as before.
    #[test]
    fn texts_may_be_cut_anywhere() {
        let asked = Asked::default();
        for (folder, name) in
            [("ip-addr", "kinds"), ("ip-addr", "squeezed"), ("ip-addr", "odd"), ("ip-route", "odd"), ("ip-rule", "odd")]
        {
            let text = fixture(&format!("{folder}-text"), &format!("{name}.txt"));
            for end in (0..text.len()).step_by(1 + text.len() / 97) {
                let cut = text.get(..end).unwrap_or_default();
                let _ = (links(cut), routes(cut, Family::V4, &asked), rules(cut, Family::V4), neighbours(cut, &asked));
                let _ = (nexthops(cut), fdb_entries(cut, &asked), ports(cut), vlans(cut));
            }
        }
        let text = fixture("ip-route-text", "route4.txt");
        let whole = routes(&text, Family::V4, &asked).value;
        let end = text.len() / 2;
        let half = routes(text.get(..end).unwrap_or_default(), Family::V4, &asked).value;
        assert!(half.len() > 10);
        for (cut, whole) in half.iter().zip(&whole).take(half.len() - 1) {
            assert_eq!(shown(cut), shown(whole));
        }
    }

    #[test]
    fn the_first_sign_tells() {
        assert!(is_json(" \n[]") && is_json("{\"ifindex\":1}]") && is_json("\u{feff}[") && is_json(""));
        assert!(!is_json("1: lo: <LOOPBACK>") && !is_json("default via 10.0.0.1 dev eth0"));
    }
}
