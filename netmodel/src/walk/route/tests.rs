//! Cases that `ip route get` cannot be asked for, or that are worth reading; the rest is compared with the kernel in the lab
//! (`tests/tests/lab_routes.rs`).

use bundle::{Capture, Key, Netns};

use super::*;
use crate::state::Node;
use crate::state::testing::{node, with_pods};
use crate::walk::device::Mac;
use crate::walk::world::{NsId, World};

const RULES: &str = r#"[{"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"},
    {"priority":32767,"src":"all","table":"default"}]"#;
const ROUTES: &str = r#"[{"type":"unicast","dst":"default","gateway":"192.168.1.1","dev":"eth0","table":"main","scope":"global","flags":[]},
    {"type":"unicast","dst":"10.1.0.0/16","dev":"eth1","table":"main","scope":"link","prefsrc":"10.1.0.1","flags":[]},
    {"type":"unicast","dst":"10.9.0.0/16","table":"main","scope":"global","flags":[],"nexthops":[
      {"gateway":"192.168.1.7","dev":"eth0","weight":3,"flags":[]},{"gateway":"10.1.0.7","dev":"eth1","weight":1,"flags":[]}]},
    {"type":"unicast","dst":"default","dev":"eth1","table":"100","scope":"link","flags":[]},
    {"type":"local","dst":"10.1.0.1","dev":"eth1","table":"local","scope":"host","prefsrc":"10.1.0.1","protocol":"kernel","flags":[]},
    {"type":"local","dst":"192.168.1.2","dev":"eth0","table":"local","scope":"host","prefsrc":"192.168.1.2","protocol":"kernel","flags":[]},
    {"type":"broadcast","dst":"10.1.255.255","dev":"eth1","table":"local","scope":"link","protocol":"kernel","flags":[]}]"#;
const LINKS: &str = r#"[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"link_type":"loopback","addr_info":[
      {"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
    {"ifindex":2,"ifname":"eth0","flags":["UP","LOWER_UP"],"link_type":"ether","address":"02:00:00:00:00:02","addr_info":[
      {"family":"inet","local":"192.168.1.2","prefixlen":24,"scope":"global"},
      {"family":"inet","local":"192.168.1.3","prefixlen":24,"scope":"global","secondary":true},
      {"family":"inet6","local":"2001:db8::2","prefixlen":64,"scope":"global"},
      {"family":"inet6","local":"fe80::2","prefixlen":64,"scope":"link"}]},
    {"ifindex":3,"ifname":"eth1","flags":["UP","LOWER_UP"],"link_type":"ether","address":"02:00:00:00:00:03","addr_info":[
      {"family":"inet","local":"10.1.0.1","prefixlen":16,"scope":"global"},
      {"family":"inet6","local":"fd00::1","prefixlen":64,"scope":"global"}]},
    {"ifindex":4,"ifname":"bare","flags":["UP","LOWER_UP"],"link_type":"ether","address":"02:00:00:00:00:04","addr_info":[]}]"#;

/// Sysctls of three devices and `all`: those that are given, else 0; forwarding on.
fn sysctls(set: &[(&str, &str, u8)]) -> String {
    let leaves = [
        "rp_filter",
        "accept_local",
        "route_localnet",
        "src_valid_mark",
        "send_redirects",
        "proxy_arp",
        "arp_ignore",
        "arp_filter",
        "forwarding",
        "bc_forwarding",
        "ignore_routes_with_linkdown",
    ];
    let mut out =
        String::from("net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 0\nnet.ipv4.icmp_errors_use_inbound_ifaddr = 0\n");
    for dev in ["all", "lo", "eth0", "eth1", "bare"] {
        for leaf in leaves {
            let given = set.iter().find(|(d, l, _)| *d == dev && *l == leaf).map(|(.., value)| *value);
            let value = given.unwrap_or(u8::from(leaf == "forwarding"));
            out.push_str(&format!("net.ipv4.conf.{dev}.{leaf} = {value}\n"));
        }
    }
    out
}

fn with(rules: &str, set: &[(&str, &str, u8)]) -> Node {
    node(&[(Capture::IpAddr, LINKS), (Capture::IpRule4, rules), (Capture::IpRoute4, ROUTES), (Capture::Sysctl, &sysctls(set))])
}

fn ip(text: &str) -> std::net::IpAddr {
    text.parse().unwrap()
}

fn coming<'a>(src: &str, dst: &str, iif: &'a str, oif: Option<&'a str>) -> RouteKey<'a> {
    RouteKey { src: Some(ip(src)), iif: Some(iif), oif, ..RouteKey::to(ip(dst)) }
}

fn refused(node: &Node, key: &RouteKey<'_>) -> Option<String> {
    source_check(node, key).unwrap().map(|r| r.reason)
}

#[test]
fn a_mark_that_is_not_known_is_followed_both_ways_where_it_matters() {
    let rules = RULES
        .replace("[{\"priority\":0", "[{\"priority\":5,\"src\":\"all\",\"fwmark\":\"0x1\",\"table\":\"100\"},{\"priority\":0");
    let node = with(&rules, &[]);
    let unknown = RouteKey { mark: None, ..RouteKey::to(ip("8.8.8.8")) };
    let ways = output(&node, &unknown).unwrap();
    assert_eq!(ways.iter().map(|w| w.dev.as_deref().unwrap()).collect::<Vec<_>>(), ["eth1", "eth0"]);
    assert!(ways.iter().all(|w| w.blockers.len() == 1 && w.blockers[0].evidence.text.contains("fwmark")));
    assert_eq!(output(&node, &RouteKey { mark: Some(1), ..unknown }).unwrap()[0].dev.as_deref(), Some("eth1"));
    // Both ways end alike: nothing was assumed.
    let node = with(&rules.replace("\"table\":\"100\"", "\"table\":\"main\""), &[]);
    let alike = output(&node, &unknown).unwrap();
    assert_eq!((alike.len(), alike[0].blockers.len()), (1, 0));
}

#[test]
fn load_is_shared_by_weight_and_each_way_has_its_source() {
    let node = with(RULES, &[]);
    let ways = output(&node, &RouteKey::to(ip("10.9.1.1"))).unwrap();
    let seen: Vec<_> = ways.iter().map(|w| (w.share, w.prefsrc.unwrap(), w.dev.as_deref().unwrap())).collect();
    assert_eq!(seen, [(0.75, ip("192.168.1.2"), "eth0"), (0.25, ip("10.1.0.1"), "eth1")]);
    let bound = output(&node, &RouteKey { oif: Some("eth1"), ..RouteKey::to(ip("10.9.1.1")) }).unwrap();
    assert_eq!((bound.len(), bound[0].gateway), (1, Some(ip("10.1.0.7"))));
}

#[test]
fn a_route_tells_a_tunnel_its_ends() {
    let route = |encap: &str| {
        format!(r#"[{{"type":"unicast","dst":"default",{encap}"dev":"eth0","table":"main","scope":"link","flags":[]}}]"#)
    };
    let key = |encap: &str| {
        let texts = [(Capture::IpAddr, LINKS), (Capture::IpRule4, RULES), (Capture::IpRoute4, &route(encap))];
        output(&node(&texts), &RouteKey::to(ip("8.8.8.8"))).unwrap()[0].tunnel_key()
    };
    let ends = key(r#""encap":"ip","id":100,"src":"0.0.0.0","dst":"192.168.1.9","ttl":0,"tos":0,"#);
    assert_eq!(ends, Some(crate::walk::device::TunnelKey { id: 100, src: None, dst: ip("192.168.1.9") }));
    assert_eq!(key(""), None);
}

#[test]
fn the_larger_rp_filter_counts_and_loose_asks_for_any_route() {
    let spoofed = coming("10.1.0.9", "8.8.8.8", "eth0", Some("eth0"));
    assert_eq!(refused(&with(RULES, &[]), &spoofed), None);
    for (set, dropped) in [
        (&[("all", "rp_filter", 1)][..], true),
        (&[("eth0", "rp_filter", 1)], true),
        (&[("all", "rp_filter", 1), ("eth0", "rp_filter", 2)], false),
        (&[("all", "rp_filter", 2)], false),
    ] {
        let why = refused(&with(RULES, set), &spoofed);
        assert_eq!(why.is_some(), dropped, "{set:?}: {why:?}");
        assert!(why.is_none_or(|w| w.contains("strict") && w.contains("eth1")));
    }
    // Without any route back even loose drops; without an address on the device loose asks for the same device.
    let no_default = with(&RULES.replace("\"table\":\"main\"", "\"table\":\"77\""), &[("all", "rp_filter", 2)]);
    assert!(refused(&no_default, &coming("8.8.4.4", "10.1.0.1", "eth0", None)).is_some_and(|w| w.contains("loose")));
    let bare = with(RULES, &[("all", "rp_filter", 2)]);
    assert!(refused(&bare, &coming("10.1.0.9", "10.1.0.1", "bare", None)).is_some());
}

#[test]
fn the_mark_counts_on_the_way_back_only_with_src_valid_mark() {
    let rules = RULES
        .replace("[{\"priority\":0", "[{\"priority\":5,\"src\":\"all\",\"fwmark\":\"0x1\",\"table\":\"100\"},{\"priority\":0");
    let marked = RouteKey { mark: Some(1), ..coming("8.8.8.8", "10.1.0.1", "eth1", None) };
    assert!(refused(&with(&rules, &[("all", "rp_filter", 1)]), &marked).is_some());
    assert_eq!(refused(&with(&rules, &[("all", "rp_filter", 1), ("eth1", "src_valid_mark", 1)]), &marked), None);
}

#[test]
fn martian_sources() {
    let node = with(RULES, &[]);
    for src in ["127.0.0.5", "224.0.0.1", "255.255.255.255", "0.0.0.0"] {
        assert!(refused(&node, &coming(src, "10.1.0.1", "eth1", None)).is_some(), "{src}");
    }
    assert!(
        refused(&node, &coming("192.168.1.2", "10.1.0.1", "eth1", None)).is_some_and(|w| w.contains("of this namespace itself"))
    );
    assert_eq!(refused(&with(RULES, &[("eth1", "accept_local", 1)]), &coming("192.168.1.2", "10.1.0.1", "eth1", None)), None);
    assert_eq!(refused(&with(RULES, &[("eth1", "route_localnet", 1)]), &coming("127.0.0.5", "10.1.0.1", "eth1", None)), None);
    let v6 = |src: &str, oif| source_check(&node, &coming(src, "2001:db8::9", "eth0", oif)).unwrap();
    assert!(v6("::1", None).is_some() && v6("fe80::9", None).is_none());
    assert_eq!(v6("fe80::9", Some("eth1")).and_then(|r| r.answer), Some(IcmpAnswer { kind: 1, code: 2 }));
}

#[test]
fn forwarding_is_the_devices_in_ipv4_and_everyones_in_ipv6() {
    use crate::family::Family;
    let node = with(RULES, &[("eth1", "forwarding", 0)]);
    assert!(forwarding(&node, Family::V4, "eth0").unwrap().is_none());
    let off = forwarding(&node, Family::V4, "eth1").unwrap().unwrap();
    assert!(off.answer.is_none() && off.reason.contains("eth1") && off.evidence[0].text.contains("eth1"));
    assert!(forwarding(&node, Family::V6, "eth0").unwrap().is_some());
    assert!(forwarding(&node, Family::V4, "gone").is_err(), "no such sysctl: not known");
}

#[test]
fn addresses_that_the_node_takes_itself() {
    let node = with(RULES, &[]);
    let masquerade = |oif, hop: &str| masquerade_address(&node, oif, ip(hop)).unwrap().map(|a| a.value);
    assert_eq!(masquerade("eth0", "192.168.1.1"), Some(ip("192.168.1.2")));
    assert_eq!(masquerade("eth1", "192.168.1.1"), Some(ip("10.1.0.1")));
    assert_eq!(masquerade("bare", "192.168.1.1"), Some(ip("192.168.1.2")), "another device's, as inet_select_addr does");
    assert_eq!(masquerade("eth0", "2001:db8:9::1"), Some(ip("2001:db8::2")));
    assert_eq!(masquerade("eth0", "fe80::9"), Some(ip("fe80::2")));
    assert_eq!(masquerade("bare", "fe80::9"), None, "the link's scope is that device's alone");
    assert_eq!(redirect_address(&node, Some("eth1"), ip("10.9.9.9")).unwrap(), Some(ip("10.1.0.1")));
    assert_eq!(redirect_address(&node, Some("bare"), ip("10.9.9.9")).unwrap(), None);
    assert_eq!(redirect_address(&node, None, ip("10.9.9.9")).unwrap(), Some(ip("127.0.0.1")));
    assert_eq!(icmp_error_source(&node, Some("eth1"), ip("10.1.0.9"), ip("8.8.8.8")).unwrap(), Some(ip("10.1.0.1")));
    assert_eq!(icmp_error_source(&node, Some("eth1"), ip("10.1.0.9"), ip("192.168.1.2")).unwrap(), Some(ip("192.168.1.2")));
}

#[test]
fn a_pod_whose_rules_were_not_captured_is_taken_to_have_those_of_a_new_namespace() {
    let pod = |capture| Key { netns: Netns::Pod(1), capture, instance: None };
    let texts = [
        (pod(Capture::IpAddr), LINKS),
        (pod(Capture::IpRoute4), ROUTES),
        (Key::node(Capture::IpAddr), LINKS),
        (Key::node(Capture::IpRoute4), ROUTES),
    ];
    let node = with_pods(texts.map(|(k, t)| (k, t.to_owned())).to_vec(), Vec::new(), &[1]);
    let ways = output(&node.pods()[0], &RouteKey::to(ip("8.8.8.8"))).unwrap();
    assert!(ways[0].dev.as_deref() == Some("eth0") && ways[0].assumed.is_some());
    assert!(output(&node, &RouteKey::to(ip("8.8.8.8"))).is_err(), "of the node itself they must be known");
}

#[test]
fn a_neighbour_is_its_entry_or_asked_for() {
    let ask = |neigh: &str| {
        let node = node(&[(Capture::IpAddr, LINKS), (Capture::IpNeigh, neigh)]);
        neighbour(&World::new(vec![&node]), NsId::node(0), "eth1", ip("10.1.0.2"))
    };
    let entry = |state: &str| format!(r#"[{{"dst":"10.1.0.2","dev":"eth1","lladdr":"02:00:00:00:00:99","state":["{state}"]}}]"#);
    for state in ["PERMANENT", "REACHABLE", "STALE", "DELAY", "PROBE", "NOARP"] {
        assert!(matches!(ask(&entry(state)), Neighbour::Mac(mac, _) if mac == Mac([2, 0, 0, 0, 0, 0x99])), "{state}");
    }
    assert!(matches!(ask(r#"[{"dst":"10.1.0.2","dev":"eth1","state":["FAILED"]}]"#), Neighbour::Failed(_)));
    assert!(matches!(ask(r#"[{"dst":"10.1.0.2","dev":"eth0","state":["FAILED"]}]"#), Neighbour::Asks { evidence: None }));
    assert!(matches!(ask("[]"), Neighbour::Asks { evidence: None }));
}
