//! Tests of [`super`]: text against JSON, what people do to routes, what is no route.

use super::super::testing::same_as_json;
use super::*;
use crate::parse::ip_route;

fn v4(text: &str) -> Parsed<Vec<Route>> {
    parse(text, Family::V4, &Asked::default())
}

fn lines<T>(got: &Parsed<T>) -> Vec<u32> {
    got.problems.iter().map(|p| p.at.line).collect()
}

#[test]
fn the_text_says_what_the_json_says() {
    // JSON does not show that a metric is locked.
    let unlocked = |text: &str| v4(&text.replace("mtu lock 1400", "mtu 1400"));
    for name in ["route4", "route4-brief", "route4-oneline", "route4-node"] {
        same_as_json("ip-route-text", name, unlocked, |text| ip_route::parse(text, Family::V4));
    }
    for name in ["route6", "route6-brief"] {
        same_as_json("ip-route-text", name, |t| parse(t, Family::V6, &Asked::default()), |t| ip_route::parse(t, Family::V6));
    }
    same_as_json("ip-route-text", "route-both", unlocked, |text| ip_route::parse(text, Family::V4));
}

#[test]
fn what_people_do_to_routes() {
    let got = v4(include_str!("../../../../fixtures/captures/ip-route-text/odd.txt"));
    let route = |dst: &str| {
        let dst = prefix(dst, Family::V4).unwrap();
        got.value.iter().find(|r| r.dst == dst).unwrap_or_else(|| panic!("{dst}: {got:#?}"))
    };
    let gateway = |dst: &str| route(dst).gateway.unwrap().to_string();
    assert_eq!((gateway("0.0.0.0/0"), route("0.0.0.0/0").metric), ("10.0.0.1".to_owned(), 0));
    assert!(route("10.244.2.0/24").has_flag("onlink"));
    assert!(route("172.17.0.0/16").has_flag("linkdown"));
    assert_eq!((route("10.81.0.0/16").protocol.as_deref(), route("10.81.0.0/16").metric), (Some("dhcp"), 100));
    assert_eq!(route("10.80.0.0/16").protocol.as_deref(), Some("80"));
    assert_eq!((&route("10.244.0.0/26").kind, route("10.244.0.0/26").protocol.as_deref()), (&RouteKind::Blackhole, Some("bird")));
    assert_eq!(route("10.10.0.0/16").kind, RouteKind::Unreachable);
    assert_eq!(gateway("10.244.3.0/24"), "10.0.0.3", "markdown bold is no part of an address");
    assert_eq!(gateway("10.244.4.0/24"), "10.0.0.4", "a note behind the route is no part of it");
    assert_eq!(route("10.244.4.0/24").dev.as_deref(), Some("eth0"));
    let ways: Vec<_> = route("10.60.0.0/16").nexthops.iter().map(|h| (h.gateway.unwrap().to_string(), h.weight)).collect();
    assert_eq!(ways, [("10.0.0.5".to_owned(), 3), ("10.0.0.6".to_owned(), 1)]);
    assert!(route("10.60.0.0/16").nexthops[1].flags.iter().any(|f| &**f == "dead"));
    // Squeezed on one line, the ways are the same.
    assert_eq!(route("10.61.0.0/16").nexthops.len(), 2);
    assert_eq!((&route("10.0.0.9/32").table, &route("10.0.0.9/32").kind), (&Table::LOCAL, &RouteKind::Local));
    let v6: Vec<_> = got.value.iter().filter(|r| Family::of(r.dst.addr()) == Family::V6).collect();
    assert_eq!(v6.iter().map(|r| r.dst.to_string()).collect::<Vec<_>>(), ["::/0", "::/0", "fe80::/64", "fd00::5/128"]);
    assert_eq!(v6[1].kind, RouteKind::Unreachable);
    assert_eq!(v6[3].kind, RouteKind::Unreachable);
    // Masked, a way of a masked one, and cut mid-address: problems, and none of them a route.
    let text = include_str!("../../../../fixtures/captures/ip-route-text/odd.txt");
    let at: Vec<_> = got.problems.iter().map(|p| text.get(p.at.start as usize..p.at.end as usize).unwrap()).collect();
    assert_eq!(
        at,
        [
            "10.xx.xx.0/24 via 10.xx.xx.1 dev eth0",
            "10.62.0.0/16 via 10.0.x.7 dev eth0",
            "nexthop via 10.0.0.8 dev eth0 weight 1",
            "10.244.9.0/24 via 10.24"
        ]
    );
    assert!(got.value.iter().all(|r| r.dst.to_string() != "10.244.9.0/24"));
}

#[test]
fn the_table_of_the_command_line_counts_where_the_line_names_none() {
    let text = "10.1.0.0/16 via 10.0.0.1 dev eth0\n";
    assert_eq!(v4(text).value[0].table, Table::MAIN);
    assert_eq!(parse(text, Family::V4, &Asked { table: Some(Table::Id(77)), dev: None }).value[0].table, Table::Id(77));
    let local = "broadcast 10.0.0.255 dev eth0 proto kernel scope link src 10.0.0.1\nlocal 10.0.0.1 dev eth0\n";
    assert!(v4(local).value.iter().all(|r| r.table == Table::LOCAL));
    // Near miss: one route that is none of these, and the table is the one that is printed without its name.
    assert!(v4(&format!("{text}{local}")).value.iter().all(|r| r.table == Table::MAIN));
}

#[test]
fn words_of_an_encapsulation_are_not_the_routes() {
    let got = v4("10.63.0.0/16  encap ip id 7 src 9.9.9.9 dst 1.2.3.4 ttl 9 tos 4 csum via 10.0.0.9 dev vx onlink\n\
                  10.64.0.0/16  encap mpls  100/200 via 10.0.0.9 dev eth0\n10.65.0.0/16 proto static\n\
                  \tnexthop  encap mpls  300 via 10.0.0.1 dev eth0 weight 2\n");
    assert_eq!(got.problems, []);
    let first = &got.value[0];
    assert_eq!((first.prefsrc, &first.tos, first.encap.as_deref()), (None, &None, Some("ip")));
    assert_eq!((first.dst.to_string().as_str(), first.has_flag("onlink")), ("10.63.0.0/16", true));
    assert_eq!(got.value[2].nexthops[0].gateway, "10.0.0.1".parse().ok());
}

#[test]
fn a_gateway_at_the_end_of_the_text_may_be_cut() {
    let cut = v4("10.1.0.0/16 via 10.0.0.1 dev eth0\n10.2.0.0/16 via 10.0.0.1");
    assert_eq!((cut.value.len(), lines(&cut)), (1, vec![2]));
    // Near miss: whole lines of `ip route show dev eth0`, which prints no device.
    assert_eq!(v4("10.1.0.0/16 via 10.0.0.1 \n10.2.0.0/16 via 10.0.0.1 \n").value.len(), 2);
}

#[test]
fn an_answer_of_route_get_is_no_route() {
    let got = v4("10.0.0.0/8 dev eth0\n10.1.2.3 via 10.0.0.1 dev eth0 src 10.0.0.9 uid 0 \n    cache \n10.9.0.0/16 dev eth1\n");
    assert_eq!(got.value.iter().map(|r| r.dst.to_string()).collect::<Vec<_>>(), ["10.0.0.0/8", "10.9.0.0/16"]);
    assert_eq!(lines(&got), [3]);
}

#[test]
fn what_is_no_route_is_a_problem() {
    let got = v4(
        "RTNETLINK answers: Operation not permitted\nCannot find device \"eth9\"\n10.0.0.0/8 dev eth0 newword\n\tnexthop dev a\n",
    );
    assert_eq!(lines(&got), [1, 2, 3]);
    assert_eq!(got.value[0].nexthops.len(), 1);
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(default |local |via |inet6 |dev |nexthop |encap |\\[ |\\] |mtu |lock |metric |[0-9.:/]{1,9} |\\*\\*|[a-z]{1,3} |\n\t?|\\\\|\u{e9}){0,40}") {
        let _ = parse(&text, Family::V6, &Asked::default());
    }
}
