//! Tests of [`super`]: text against JSON, and the forms in which people paste it.

use super::super::testing::{same, same_as_json};
use super::*;
use crate::parse::ip_addr::{self, Tunnel, Vxlan};

fn fixture(file: &str) -> String {
    super::super::testing::fixture("ip-addr-text", file)
}

fn link<'a>(got: &'a Parsed<Vec<Link>>, name: &str) -> &'a Link {
    got.value.iter().find(|l| &*l.name == name).unwrap_or_else(|| panic!("{name}: {got:#?}"))
}

fn addrs(link: &Link) -> Vec<String> {
    link.addresses.iter().map(|a| a.addr.to_string()).collect()
}

#[test]
fn the_text_says_what_the_json_says() {
    for name in ["addr-details", "link-details-stats", "link-oneline", "addr-stats"] {
        same_as_json("ip-addr-text", name, parse, ip_addr::parse);
    }
}

#[test]
fn of_a_named_namespace_the_number_is_not_told() {
    let read = parse(&fixture("addr-node.txt"));
    let mut want = ip_addr::parse(&fixture("addr-node.json")).value;
    assert!(want.iter().any(|l| l.lower_netns == Some(0)));
    for link in want.iter_mut().filter(|l| l.lower_netns.is_some()) {
        link.lower_netns = Some(-1);
    }
    same("addr-node", &read.value, &want);
}

#[test]
fn without_details_all_but_the_kind_is_the_same() {
    for name in ["addr", "link"] {
        let read = parse(&fixture(&format!("{name}.txt")));
        assert_eq!(read.problems, []);
        assert!(read.value.iter().all(|l| matches!(l.kind, LinkKind::Unknown | LinkKind::Loopback | LinkKind::Other(_))));
        let mut want = ip_addr::parse(&fixture(&format!("{name}.json"))).value;
        for link in want.iter_mut().filter(|l| l.kind == LinkKind::Physical) {
            link.kind = LinkKind::Unknown;
        }
        same(name, &read.value, &want);
    }
}

#[test]
fn one_line_an_address_shows_no_flags() {
    let full = parse(&fixture("addr.txt"));
    let got = parse(&fixture("addr-oneline.txt"));
    assert_eq!(got.problems, []);
    assert!(got.value.len() < full.value.len(), "links without addresses are not shown");
    for short in &got.value {
        let whole = link(&full, &short.name);
        assert_eq!((addrs(short), short.index), (addrs(whole), whole.index));
        assert_eq!((short.up, short.lower_up, short.mtu), (None, None, None), "what is not shown is unknown");
    }
    let eth0 = link(&got, "eth0");
    let places: Vec<_> = eth0.addresses.iter().map(|a| a.at.line).collect();
    assert!(places.windows(2).all(|w| w[0] + 1 == w[1]), "each address stands on its own line: {places:?}");
}

#[test]
fn the_brief_form_agrees_with_the_long_one() {
    let full = parse(&fixture("addr.txt"));
    for name in ["addr-brief.txt", "link-brief.txt"] {
        let got = parse(&fixture(name));
        assert_eq!(got.problems, []);
        assert_eq!(got.value.len(), full.value.len());
        for (short, whole) in got.value.iter().zip(&full.value) {
            assert_eq!((&short.name, &short.operstate), (&whole.name, &whole.operstate));
            assert!(short.up.is_none() || short.up == whole.up, "{}", short.name);
            assert!(short.lower_up.is_none() || short.lower_up == whole.lower_up, "{}", short.name);
            assert!(short.addresses.is_empty() || addrs(short) == addrs(whole));
        }
    }
}

#[test]
fn old_and_busybox() {
    let got = parse(&fixture("old.txt"));
    assert_eq!(got.problems, []);
    let eth0 = link(&got, "eth0");
    assert_eq!((eth0.operstate.as_deref(), eth0.mtu, eth0.up), (Some("UP"), Some(1500), Some(true)));
    assert_eq!(addrs(eth0), ["10.142.0.2/32", "fe80::4001:aff:fe8e:2/64"]);
    assert_eq!(link(&got, "lo").kind, LinkKind::Loopback);
    assert_eq!(link(&got, "flannel.1").index, Some(139_913));
    let got = parse(&fixture("busybox.txt"));
    assert_eq!(got.problems, []);
    let eth0 = link(&got, "eth0");
    assert_eq!((eth0.operstate.as_deref(), eth0.lower_index, eth0.mtu), (None, Some(7), Some(1450)));
    assert!(eth0.flags.iter().any(|f| &**f == "M-DOWN"));
    assert_eq!((eth0.up, eth0.lower_up, addrs(eth0)), (Some(true), Some(true), vec!["10.244.1.5/24".to_owned()]));
}

#[test]
fn squeezed_and_with_full_width_colons() {
    let got = parse(&fixture("squeezed.txt"));
    assert_eq!(got.problems, []);
    assert_eq!(got.value.iter().map(|l| &*l.name).collect::<Vec<_>>(), ["lo", "eth0", "flannel.1", "cni0", "kube-ipvs0"]);
    assert_eq!(addrs(link(&got, "eth0")), ["192.168.50.11/24", "fe80::1/64"]);
    assert_eq!(link(&got, "eth0").addresses[0].broadcast, "192.168.50.255".parse().ok());
    let LinkKind::Vxlan(vxlan) = &link(&got, "flannel.1").kind else { panic!("{got:#?}") };
    assert_eq!((vxlan.vni, vxlan.port, vxlan.learning), (Some(1), Some(8472), Some(false)));
    assert_eq!(addrs(link(&got, "flannel.1")), ["10.244.1.0/32"]);
    assert!(matches!(&link(&got, "cni0").kind, LinkKind::Bridge(b) if b.vlan_filtering == Some(false)));
    let ipvs = link(&got, "kube-ipvs0");
    assert_eq!((ipvs.index, ipvs.up, ipvs.operstate.as_deref()), (Some(73), Some(false), Some("DOWN")));
    assert_eq!(addrs(ipvs), ["10.96.0.1/32", "10.96.0.10/32"]);
}

#[test]
fn relations_and_states_that_look_odd() {
    let got = parse(&fixture("odd.txt"));
    let text = fixture("odd.txt");
    let at: Vec<_> = got.problems.iter().map(|p| text.get(p.at.start as usize..p.at.end as usize).unwrap()).collect();
    assert_eq!(at, ["inet 10.xx.xx.7/24 brd 10.xx.xx.255 scope global masked0", "inet 10.244.1.", "this is a note"]);
    let eth0 = link(&got, "eth0");
    assert_eq!(eth0.altnames.iter().map(|a| &**a).collect::<Vec<_>>(), ["enp0s3", "ens3"]);
    assert_eq!((eth0.lower.as_deref(), eth0.lower_index), (None, None), "@NONE is no device");
    let first = &eth0.addresses[0];
    assert_eq!((first.secondary, first.no_prefix_route, first.label.as_deref()), (false, true, Some("eth0")));
    assert_eq!(eth0.addresses[1].peer, "172.16.5.2".parse().ok());
    assert_eq!(eth0.addresses[2].label.as_deref(), Some("eth0:vip"));
    assert!(eth0.addresses[2].secondary && eth0.addresses[3].dad_failed && eth0.addresses[3].tentative);
    // The peer's namespace by number, by name, or without a number: in each case another namespace than this one.
    assert_eq!((link(&got, "veth1").lower_index, link(&got, "veth1").lower_netns), (Some(3), Some(0)));
    assert_eq!((link(&got, "veth2").lower_index, link(&got, "veth2").lower_netns), (Some(3), Some(-1)));
    assert_eq!(link(&got, "veth3").lower_netns, Some(-1));
    assert_eq!((link(&got, "eth0.10").lower.as_deref(), link(&got, "eth0.10").lower_netns), (Some("eth0"), None));
    // Healthy, whatever they look like.
    for (name, state, up) in [("nodelocaldns", "DOWN", false), ("tunl0", "UNKNOWN", true), ("docker0", "DOWN", true)] {
        let link = link(&got, name);
        assert_eq!((link.operstate.as_deref(), link.up), (Some(state), Some(up)), "{name}");
    }
    assert_eq!(link(&got, "docker0").lower_up, Some(false));
    assert!(link(&got, "masked0").addresses.is_empty() && link(&got, "cut0").addresses.is_empty());
    let xdp = link(&got, "lxc1").xdp.unwrap();
    assert_eq!(text.get(xdp.start as usize..xdp.end as usize), Some("xdp/id:42"));
}

#[test]
fn every_kind_that_iproute2_prints() {
    let got = parse(&fixture("kinds.txt"));
    assert_eq!(got.problems, []);
    let kind = |name: &str| link(&got, name).kind.clone();
    let addr = |a: &str| a.parse::<IpAddr>().ok();
    let ends = |name: &str| match kind(name) {
        LinkKind::Ipip(ends) | LinkKind::Gre(ends) => (ends.local, ends.remote),
        other => panic!("{other:?}"),
    };
    assert_eq!(kind("ens192"), LinkKind::Physical);
    assert_eq!(kind("bond0"), LinkKind::Bond);
    assert_eq!(
        (kind("ens224"), link(&got, "ens224").master.as_deref(), link(&got, "ens224").port.as_ref()),
        (LinkKind::Physical, Some("bond0"), None)
    );
    assert_eq!((kind("eth0.10"), kind("eth0.20")), (LinkKind::Vlan { id: 10 }, LinkKind::Vlan { id: 20 }));
    assert_eq!(kind("tunl0"), LinkKind::Ipip(Tunnel { pmtudisc: Some(false), ..Tunnel::default() }));
    assert_eq!(ends("ipip1"), (addr("192.168.50.11"), addr("192.168.50.12")));
    assert_eq!(ends("gre1"), (addr("192.168.50.11"), addr("192.168.50.12")));
    assert_eq!(ends("ip6gre1"), (addr("fd00::1"), addr("fd00::2")));
    assert_eq!(kind("genev_sys_6081"), LinkKind::Geneve { vni: Some(0), port: Some(6081), remote: None });
    assert_eq!(kind("wg0"), LinkKind::Wireguard);
    assert_eq!(kind("kube-ipvs0"), LinkKind::Dummy);
    assert_eq!(kind("ipvl0"), LinkKind::Macvlan);
    assert_eq!(kind("vrf-blue"), LinkKind::Vrf { table: Some(100) });
    assert_eq!(kind("tun0"), LinkKind::Tun);
    assert_eq!(kind("sit0"), LinkKind::Other("sit".into()));
    assert_eq!(kind("nk0"), LinkKind::Other("newkind".into()));
    let vxlan = Vxlan {
        vni: Some(4096),
        port: Some(4789),
        local: addr("10.0.0.1"),
        remote: addr("239.1.1.1"),
        lower: Some("ens192".into()),
        learning: Some(true),
        df: Some("set".into()),
        gbp: true,
        external: false,
    };
    assert_eq!(kind("vxlan.calico"), LinkKind::Vxlan(vxlan));
    let LinkKind::Bridge(bridge) = kind("br0") else { panic!() };
    assert_eq!((bridge.stp, bridge.forward_delay, bridge.nf_call_iptables), (Some(true), Some(400), Some(true)));
    let port = link(&got, "veth9").port.clone().unwrap();
    assert_eq!((port.state.as_deref(), port.hairpin, port.isolated), (Some("blocking"), Some(true), Some(false)));
    let stats = link(&got, "ens192").stats.unwrap();
    assert_eq!(
        (stats.rx_bytes, stats.rx_dropped, stats.tx_packets, stats.carrier_errors),
        (1_234_567, 3, 4321, 2),
        "old and -s -s"
    );
}

#[test]
fn what_is_cut_is_no_fact() {
    let whole = "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc mq state UP\n    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff\n    \
                 inet 10.244.1.1/24 scope global eth0\n";
    assert_eq!(parse(whole).problems, []);
    let cut = |behind: &str| parse(&whole[..whole.find(behind).unwrap() + behind.len()]);
    for (behind, line) in
        [("<BROADCAST,MULTI", 1), ("mtu 14", 1), ("mtu 1450", 1), ("inet 10.244.1.1/2", 3), ("inet 10.244.1.1", 3)]
    {
        let got = cut(behind);
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [line], "{behind}");
        assert!(got.value[0].addresses.is_empty() && got.value[0].up != Some(false), "{behind}");
        assert!(got.value[0].mtu.is_none_or(|mtu| mtu == 1450), "{behind}");
    }
}

#[test]
fn one_family_alone_prints_no_hardware() {
    let got = parse(
        "2: eth0@if2: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000 link-netnsid 3\n    \
                     altname ens3\n    inet 10.9.9.9/32 scope link noprefixroute eth0\n       valid_lft forever preferred_lft forever\n",
    );
    assert_eq!(got.problems, []);
    let eth0 = link(&got, "eth0");
    assert_eq!(
        (&eth0.kind, eth0.mac.as_deref(), eth0.lower_netns, eth0.lower_index),
        (&LinkKind::Unknown, None, Some(3), Some(2))
    );
}

#[test]
fn mail_and_line_ends_change_nothing() {
    let text = fixture("addr-details.txt");
    let want = parse(&text).value;
    let quoted: String = text.lines().map(|l| format!("> {l}\n")).collect();
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    for form in [quoted, windows] {
        let got = parse(&form);
        assert_eq!(got.problems, []);
        same("pasted", &got.value, &want);
    }
}

#[test]
fn rounded_or_cut_statistics_are_not_numbers() {
    let head = "2: e: <UP> mtu 9 state UP\n    link/ether 02:00:00:00:00:02 brd ff:ff:ff:ff:ff:ff\n";
    let rows = "    RX: bytes packets errors dropped  missed   mcast\n         12.3M     252      0       0       0       0\n";
    let got = parse(&format!("{head}{rows}"));
    assert_eq!((got.value[0].stats, got.problems.len(), got.problems[0].at.line), (None, 1, 3));
}

#[test]
fn the_cost_is_linear() {
    // Bytes that look like the begin of a link at every place; minutes if a look back or ahead has no bound.
    for unit in ["<", "1: a: <", "a <", "1：", "x ", "1: a\\", "inet "] {
        let text = unit.repeat(200_000 / unit.len());
        let start = cpu();
        drop(parse(&text));
        let took = cpu().saturating_sub(start);
        assert!(took.as_secs() < 8, "{unit:?}: {took:?}");
    }
}

/// The processor time of this thread: other work on the machine does not lengthen it.
fn cpu() -> std::time::Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "([0-9]{1,2}[:：] ?[a-z0-9.@]{1,5}[:： ]|<[A-Z,]{0,5}>?|inet6? |peer |[0-9a-f.:/]{1,9} |link/ether |vxlan id |bridge_slave |RX: |bytes |state |UP |vf |\\\\|\n {0,4}|\u{e9}|\u{3000}|[a-z]{1,4} ){0,40}") {
        for parsed in parse(&text).value {
            proptest::prop_assert!(text.get(parsed.at.start as usize..parsed.at.end as usize).is_some());
        }
    }
}
