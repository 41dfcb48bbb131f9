//! Frames through devices: each case with its near miss. What this kernel cannot make (IPIP, Geneve, GRE, WireGuard) follows the kernel's
//! sources, which the code cites.

use std::net::IpAddr;

use bundle::{Capture, Key, Netns};

use super::bridge::{self, Decision};
use super::*;
use crate::family::Family;
use crate::state::Node;
use crate::state::testing::{node, node as node_of, with_pods};
use crate::walk::packet::Packet;
use crate::walk::world::World;

const UP: &str = r#""flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500"#;

fn mac(n: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, n])
}

/// A link: index, name, kind as `linkinfo` has it, and more members.
fn link(index: u32, name: &str, info: &str, more: &str) -> String {
    let linkinfo = if info.is_empty() { String::new() } else { format!(r#","linkinfo":{info}"#) };
    format!(
        r#"{{"ifindex":{index},"ifname":"{name}",{UP},"link_type":"ether","address":"{}"{more}{linkinfo}}}"#,
        mac(u8::try_from(index).expect("a small index"))
    )
}

fn veth(index: u32, name: &str, peer: u32, more: &str) -> String {
    link(index, name, r#"{"info_kind":"veth"}"#, &format!(r#","link_index":{peer},"link_netnsid":0{more}"#))
}

fn address(addr: &str, len: u8) -> String {
    format!(r#","addr_info":[{{"family":"inet","local":"{addr}","prefixlen":{len},"scope":"global"}}]"#)
}

fn links(all: &[String]) -> String {
    format!("[{}]", all.join(","))
}

fn frame(dst: Mac) -> Frame {
    Frame { src: Some(mac(99)), dst: Some(dst), vlan: None }
}

fn send(world: &World<'_>, ns: NsId, dev: &str, frame: Frame, next_hop: Option<&str>, key: Option<TunnelKey>) -> Vec<Emission> {
    let mut packet = Packet::new(Family::V4);
    packet.length = Some(1400);
    packet.mark = Some(7);
    let out = Outgoing { packet: &packet, frame, next_hop: next_hop.map(|h| h.parse().unwrap()), key };
    transmit(world, ns, dev, &out).into_iter().map(|s| s.to).collect()
}

/// One node with a bridge, and a pod behind each of two ports; a third port leads nowhere that was captured.
fn bridged(more: &[(Capture, &str)], port: &str) -> Node {
    let port = |index, name, peer| veth(index, name, peer, &format!(r#","master":"br0"{port}"#));
    let own = links(&[
        link(4, "br0", r#"{"info_kind":"bridge","info_data":{"vlan_filtering":0}}"#, ""),
        port(5, "p1", 2),
        port(6, "p2", 2),
        port(7, "p3", 9),
    ]);
    let pod = |peer| links(&[veth(2, "eth0", peer, "")]);
    let in_pod = |n, text| (Key { netns: Netns::Pod(n), capture: Capture::IpAddr, instance: None }, text);
    let mut texts = vec![(Key::node(Capture::IpAddr), own), in_pod(1, pod(5)), in_pod(2, pod(6))];
    texts.extend(more.iter().map(|(capture, text)| (Key::node(*capture), (*text).to_owned())));
    with_pods(texts, Vec::new(), &[1, 2])
}

const PORTS: &str = r#"[{"ifindex":5,"ifname":"p1","flags":[],"mtu":1500,"master":"br0","state":"forwarding","hairpin":false,"isolated":false,"learning":true,"flood":true},
    {"ifindex":6,"ifname":"p2","flags":[],"mtu":1500,"master":"br0","state":"forwarding","hairpin":false,"isolated":false,"learning":true,"flood":true},
    {"ifindex":7,"ifname":"p3","flags":[],"mtu":1500,"master":"br0","state":"forwarding","hairpin":false,"isolated":false,"learning":true,"flood":false}]"#;
const FDB: &str = r#"[{"mac":"02:00:00:00:00:21","ifname":"p1","flags":[],"master":"br0","state":""},
    {"mac":"02:00:00:00:00:05","ifname":"p1","flags":[],"master":"br0","state":"permanent"}]"#;

fn ports(decision: &Decision) -> (bool, Vec<&str>) {
    match decision {
        Decision::Forward(f) => (f.local.is_some(), f.ports.iter().map(|(p, _)| &**p).collect()),
        Decision::Drop { .. } => (false, vec!["dropped"]),
    }
}

#[test]
fn a_pair_is_found_both_ways_and_only_where_it_is() {
    let node = bridged(&[], "");
    let world = World::new(vec![&node]);
    let (host, one) = (NsId::node(0), NsId { node: 0, pod: Some(0) });
    let arrives = |ns, dev| match send(&world, ns, dev, frame(mac(9)), None, None).remove(0) {
        Emission::Arrives { ns, dev, .. } => Some((ns, dev.to_string())),
        _ => None,
    };
    assert_eq!(arrives(host, "p1"), Some((one, "eth0".to_owned())));
    assert_eq!(arrives(host, "p2"), Some((NsId { node: 0, pod: Some(1) }, "eth0".to_owned())));
    assert_eq!(arrives(one, "eth0"), Some((host, "p1".to_owned())));
    assert_eq!(arrives(host, "p3"), None);
    assert!(matches!(send(&world, host, "p3", frame(mac(9)), None, None)[0], Emission::Leaves { .. }));
    assert!(matches!(send(&world, host, "br0", frame(mac(9)), None, None)[0], Emission::Bridge { .. }));
    assert!(matches!(send(&world, host, "gone", frame(mac(9)), None, None)[0], Emission::Unknown { .. }));
}

#[test]
fn a_bridge_sends_to_the_port_that_it_knows_and_else_to_all() {
    let node = bridged(&[(Capture::BridgeLink, PORTS), (Capture::BridgeFdb, FDB)], "");
    let to = |port, dst| bridge::decide(&node, "br0", port, &frame(dst)).unwrap();
    assert_eq!(ports(&to(Some("p2"), mac(0x21))), (false, vec!["p1"]));
    assert_eq!(ports(&to(Some("p2"), mac(0x77))), (false, vec!["p1"]), "p3 does not flood, p2 is where it came in");
    assert_eq!(ports(&to(Some("p2"), mac(4))), (true, vec![]), "the bridge's own address");
    assert_eq!(ports(&to(Some("p2"), mac(5))), (true, vec![]), "a port's address is local as well");
    assert_eq!(ports(&to(Some("p2"), Mac::BROADCAST)), (true, vec!["p1", "p3"]));
    assert_eq!(ports(&to(None, mac(0x21))), (false, vec!["p1"]), "sent by the bridge itself");
    assert_eq!(ports(&to(Some("p1"), mac(0x21))), (false, vec!["dropped"]), "hairpin is off");
    let hairpin = PORTS.replace("\"hairpin\":false", "\"hairpin\":true");
    let node = bridged(&[(Capture::BridgeLink, &hairpin), (Capture::BridgeFdb, FDB)], "");
    assert_eq!(ports(&bridge::decide(&node, "br0", Some("p1"), &frame(mac(0x21))).unwrap()), (false, vec!["p1"]));
    let isolated = PORTS.replace("\"isolated\":false", "\"isolated\":true");
    let node = bridged(&[(Capture::BridgeLink, &isolated), (Capture::BridgeFdb, FDB)], "");
    assert_eq!(ports(&bridge::decide(&node, "br0", Some("p2"), &frame(mac(0x21))).unwrap()), (false, vec!["dropped"]));
    assert_eq!(ports(&bridge::decide(&node, "br0", None, &frame(mac(0x21))).unwrap()), (false, vec!["p1"]));
    let blocking = PORTS.replacen("forwarding", "blocking", 1);
    let node = bridged(&[(Capture::BridgeLink, &blocking), (Capture::BridgeFdb, FDB)], "");
    assert_eq!(ports(&bridge::decide(&node, "br0", Some("p2"), &frame(mac(0x21))).unwrap()), (false, vec!["dropped"]));
    assert_eq!(ports(&bridge::decide(&node, "br0", Some("p1"), &frame(mac(4))).unwrap()), (false, vec!["dropped"]));
    let without = bridged(&[(Capture::BridgeLink, PORTS)], "");
    assert!(bridge::decide(&without, "br0", Some("p2"), &frame(mac(0x21))).is_err(), "the database was not captured");
}

#[test]
fn a_filtering_bridge_keeps_vlans_apart() {
    let vlans = r#"[{"ifname":"p1","vlans":[{"vlan":10,"flags":["PVID","Egress Untagged"]}]},
        {"ifname":"p2","vlans":[{"vlan":20,"flags":["PVID","Egress Untagged"]},{"vlan":10}]},{"ifname":"p3"},
        {"ifname":"br0","vlans":[{"vlan":1,"flags":["PVID","Egress Untagged"]}]}]"#;
    let node = bridged(&[(Capture::BridgeLink, PORTS), (Capture::BridgeFdb, "[]"), (Capture::BridgeVlan, vlans)], "");
    let text = node.source(Capture::IpAddr).unwrap().text.replace("\"vlan_filtering\":0", "\"vlan_filtering\":1");
    let node = node_of(&[
        (Capture::IpAddr, &text),
        (Capture::BridgeLink, PORTS),
        (Capture::BridgeFdb, "[]"),
        (Capture::BridgeVlan, vlans),
    ]);
    let out = |port, vlan| match bridge::decide(&node, "br0", Some(port), &Frame { vlan, ..frame(Mac::BROADCAST) }).unwrap() {
        Decision::Forward(f) => f.ports.iter().map(|(p, f)| format!("{p}:{:?}", f.vlan)).collect::<Vec<_>>(),
        Decision::Drop { reason, .. } => vec![reason],
    };
    assert_eq!(out("p1", None), ["p2:Some(10)"], "untagged on p1 is VLAN 10, which p2 sends tagged");
    assert_eq!(out("p2", Some(10)), ["p1:None"]);
    assert_eq!(out("p2", None), Vec::<String>::new(), "VLAN 20 is nowhere else");
    assert_eq!(out("p1", Some(20)), ["p1 does not let VLAN 20 through"]);
    assert_eq!(out("p3", None), ["p3 takes no frames without a VLAN tag"]);
}

fn vxlan(vni: u32, port: u16, data: &str) -> String {
    let info = format!(
        r#"{{"info_kind":"vxlan","info_data":{{"id":{vni},"local":"192.168.50.11","link":"eth0","port":{port},"learning":false{data}}}}}"#
    );
    link(3, "vx", &info, "")
}

fn tunnels(device: String, fdb: &str) -> Node {
    let eth0 = link(2, "eth0", "", &address("192.168.50.11", 24));
    node(&[(Capture::IpAddr, &links(&[eth0, device])), (Capture::BridgeFdb, fdb)])
}

fn wrapped(emission: Emission) -> Box<Encapsulated> {
    match emission {
        Emission::Encapsulated(wrapped) => wrapped,
        other => panic!("{other:?}"),
    }
}

const VX_FDB: &str = r#"[{"mac":"02:00:00:00:00:21","ifname":"vx","dst":"192.168.50.12","flags":["self"],"state":"permanent"},
    {"mac":"02:00:00:00:00:22","ifname":"vx","dst":"192.168.50.13","port":4789,"vni":9,"flags":["self"],"state":"permanent"}]"#;

#[test]
fn vxlan_sends_where_its_database_says() {
    // drivers/net/vxlan/vxlan_core.c: vxlan_xmit, vxlan_xmit_one.
    let node = tunnels(vxlan(1, 8472, r#","df":"unset""#), VX_FDB);
    let world = World::new(vec![&node]);
    let one = |dst| send(&world, NsId::node(0), "vx", frame(dst), None, None);
    let known = wrapped(one(mac(0x21)).remove(0));
    assert_eq!((known.outer.src, known.outer.dst), ("192.168.50.11".parse().ok(), "192.168.50.12".parse().ok()));
    assert_eq!((known.outer.dport, known.outer.length, known.outer.df), (Some(8472), Some(1450), Some(false)));
    assert_eq!(
        (known.protocol.clone(), known.outer.mark, known.bound.as_deref()),
        (Tunnel::Vxlan { vni: 1 }, Some(7), Some("eth0"))
    );
    let other = wrapped(one(mac(0x22)).remove(0));
    assert_eq!((other.protocol, other.outer.dport), (Tunnel::Vxlan { vni: 9 }, Some(4789)));
    assert!(matches!(&one(mac(0x23))[0], Emission::Lost { reason, .. } if reason.contains("no default destination")));
    let defaults = VX_FDB.replace("02:00:00:00:00:21", "00:00:00:00:00:00").replace("02:00:00:00:00:22", "00:00:00:00:00:00");
    let node = tunnels(vxlan(1, 8472, r#","df":"set""#), &defaults);
    let world = World::new(vec![&node]);
    let all = send(&world, NsId::node(0), "vx", frame(mac(0x23)), None, None);
    assert_eq!(all.len(), 2, "to each default destination");
    assert_eq!(wrapped(all.into_iter().next().unwrap()).outer.df, Some(true));
}

fn taken(node: &Node, protocol: &Tunnel, outer: &Packet) -> String {
    match decapsulate(&World::new(vec![node]), NsId::node(0), outer, protocol, "eth0") {
        Decapsulated::By { dev, .. } => dev.to_string(),
        Decapsulated::Refused { port_unreachable, .. } => format!("refused, told: {port_unreachable}"),
        Decapsulated::Unknown { .. } => "unknown".to_owned(),
    }
}

fn outer(port: Option<u16>, src: &str) -> Packet {
    let mut packet = Packet::new(Family::V4).between(src.parse().unwrap(), "192.168.50.11".parse().unwrap());
    packet.dport = port;
    packet
}

#[test]
fn vxlan_takes_its_own_vni_and_port_alone() {
    let node = tunnels(vxlan(1, 8472, ""), "[]");
    let peer = "192.168.50.12";
    assert_eq!(taken(&node, &Tunnel::Vxlan { vni: 1 }, &outer(Some(8472), peer)), "vx");
    assert_eq!(taken(&node, &Tunnel::Vxlan { vni: 2 }, &outer(Some(8472), peer)), "refused, told: false", "vxlan_rcv drops");
    assert_eq!(taken(&node, &Tunnel::Vxlan { vni: 1 }, &outer(Some(4789), peer)), "refused, told: true", "no socket");
    let down = tunnels(vxlan(1, 8472, "").replace("\"UP\",", ""), "[]");
    assert_eq!(taken(&down, &Tunnel::Vxlan { vni: 1 }, &outer(Some(8472), peer)), "refused, told: true", "no socket while down");
    let external = tunnels(vxlan(1, 8472, r#","external":true"#), "[]");
    assert_eq!(taken(&external, &Tunnel::Vxlan { vni: 77 }, &outer(Some(8472), peer)), "vx");
}

#[test]
fn ipip_goes_to_its_remote_end_or_to_the_next_hop() {
    // net/ipv4/ip_tunnel.c: ip_tunnel_xmit ("NBMA tunnel" takes rt_nexthop), ip_tunnel_lookup.
    let tunl = |data: &str| link(3, "tunl0", &format!(r#"{{"info_kind":"ipip","info_data":{{{data}}}}}"#), "");
    let calico = tunnels(tunl(r#""proto":"ipip","remote":"any","local":"any","ttl":0,"pmtudisc":false"#), "[]");
    let by = |node: &Node, hop: Option<&str>| {
        let world = World::new(vec![node]);
        send(&world, NsId::node(0), "tunl0", Frame::default(), hop, None).remove(0)
    };
    let wrapped_by_hop = wrapped(by(&calico, Some("192.168.50.12")));
    assert_eq!((wrapped_by_hop.outer.dst, wrapped_by_hop.outer.protocol), ("192.168.50.12".parse().ok(), Some(4)));
    assert_eq!((wrapped_by_hop.outer.length, wrapped_by_hop.tells_too_big), (Some(1420), false));
    assert_eq!(
        (wrapped_by_hop.route_mark, wrapped_by_hop.outer.mark),
        (Some(0), Some(7)),
        "the route is asked with the tunnel's mark"
    );
    assert!(matches!(by(&calico, None), Emission::Unknown { .. }));
    let fixed = tunnels(tunl(r#""remote":"192.168.50.12","local":"192.168.50.11","pmtudisc":true,"fwmark":"0x9""#), "[]");
    let wrapped_fixed = wrapped(by(&fixed, Some("10.0.0.1")));
    assert_eq!((wrapped_fixed.outer.dst, wrapped_fixed.outer.df), ("192.168.50.12".parse().ok(), Some(true)));
    assert_eq!((wrapped_fixed.route_mark, wrapped_fixed.tells_too_big), (Some(9), true));
    assert_eq!(taken(&fixed, &Tunnel::Ip, &outer(None, "192.168.50.12")), "tunl0");
    assert_eq!(taken(&fixed, &Tunnel::Ip, &outer(None, "192.168.50.13")), "refused, told: true", "another remote end");
    assert_eq!(taken(&calico, &Tunnel::Ip, &outer(None, "192.168.50.13")), "tunl0", "the fallback device takes all");
}

#[test]
fn gre_asks_for_its_key() {
    // net/ipv4/ip_gre.c: ipgre_xmit; gre_calc_hlen: 4 bytes, 4 more for a key.
    let gre = link(
        3,
        "gre1",
        r#"{"info_kind":"gre","info_data":{"remote":"192.168.50.12","local":"192.168.50.11","ikey":"0.0.0.7","okey":"0.0.0.7"}}"#,
        "",
    );
    let node = tunnels(gre, "[]");
    let sent = wrapped(send(&World::new(vec![&node]), NsId::node(0), "gre1", Frame::default(), None, None).remove(0));
    assert_eq!((sent.outer.protocol, sent.outer.length, sent.overhead), (Some(47), Some(1428), 28));
    let with = |key| Tunnel::Gre { key, frames: false };
    assert_eq!(taken(&node, &with(Some(7)), &outer(None, "192.168.50.12")), "gre1");
    assert_eq!(taken(&node, &with(Some(8)), &outer(None, "192.168.50.12")), "refused, told: true");
    assert_eq!(taken(&node, &with(None), &outer(None, "192.168.50.12")), "refused, told: true");
    let tap = link(3, "gre1", r#"{"info_kind":"gretap","info_data":{"remote":"192.168.50.12","local":"any"}}"#, "");
    let node = tunnels(tap, "[]");
    let sent = wrapped(send(&World::new(vec![&node]), NsId::node(0), "gre1", frame(mac(1)), None, None).remove(0));
    assert_eq!((sent.overhead, sent.frame, sent.outer.src), (38, Some(frame(mac(1))), None));
}

#[test]
fn geneve_and_wireguard() {
    // drivers/net/geneve.c: geneve_xmit_skb; a device without a remote end takes it from each packet.
    let geneve = |data: &str| link(3, "gnv", &format!(r#"{{"info_kind":"geneve","info_data":{{{data}}}}}"#), "");
    let fixed = tunnels(geneve(r#""id":10,"remote":"192.168.50.12","port":6081"#), "[]");
    let sent = |node: &Node, key| send(&World::new(vec![node]), NsId::node(0), "gnv", frame(mac(1)), None, key).remove(0);
    let one = wrapped(sent(&fixed, None));
    assert_eq!((one.protocol, one.outer.dport, one.overhead), (Tunnel::Geneve { vni: 10 }, Some(6081), 50));
    assert_eq!(taken(&fixed, &Tunnel::Geneve { vni: 10 }, &outer(Some(6081), "192.168.50.12")), "gnv");
    assert_eq!(taken(&fixed, &Tunnel::Geneve { vni: 11 }, &outer(Some(6081), "192.168.50.12")), "refused, told: false");
    let external = tunnels(geneve(r#""external":true,"id":0,"port":6081"#), "[]");
    assert!(matches!(sent(&external, None), Emission::Unknown { .. }), "who says where it goes was not captured");
    let key = TunnelKey { id: 5, src: None, dst: "192.168.50.13".parse::<IpAddr>().unwrap() };
    let by_route = wrapped(sent(&external, Some(key)));
    assert_eq!((by_route.protocol, by_route.outer.dst), (Tunnel::Geneve { vni: 5 }, "192.168.50.13".parse().ok()));
    let wg = tunnels(link(3, "wg0", r#"{"info_kind":"wireguard"}"#, ""), "[]");
    assert!(matches!(
        send(&World::new(vec![&wg]), NsId::node(0), "wg0", Frame::default(), None, None)[0],
        Emission::Unknown { .. }
    ));
}

#[test]
fn a_wire_leads_to_the_node_that_has_the_next_hop() {
    let a = node(&[(Capture::IpAddr, &links(&[link(2, "eth0", "", &address("192.168.50.11", 24))]))]);
    let b = node(&[(Capture::IpAddr, &links(&[link(12, "ens3", "", &address("192.168.50.12", 24))]))]);
    let world = World::new(vec![&a, &b]);
    let to = |dst, hop| send(&world, NsId::node(0), "eth0", frame(dst), Some(hop), None).remove(0);
    assert!(
        matches!(to(mac(12), "192.168.50.12"), Emission::Arrives { ns, ref dev, .. } if ns == NsId::node(1) && &**dev == "ens3")
    );
    // A fabric that answers with an address of its own: the frame is brought to the one that has the next hop.
    assert!(matches!(to(mac(0x99), "192.168.50.12"), Emission::Arrives { frame, .. } if frame.dst == Some(mac(12))));
    assert!(matches!(to(mac(0x99), "192.168.50.1"), Emission::Leaves { .. }));
}

#[test]
fn what_comes_in_is_for_the_device_or_lost() {
    let vlan = link(3, "eth0.10", r#"{"info_kind":"vlan","info_data":{"id":10}}"#, r#","link":"eth0""#);
    let dummy = link(4, "dummy0", r#"{"info_kind":"dummy"}"#, "");
    let down = link(5, "eth1", "", "").replace("\"UP\",\"LOWER_UP\"", "\"NO-CARRIER\"");
    let xdp = link(6, "eth2", "", r#","xdp":{"mode":1,"prog":{"id":7}}"#);
    let node = node(&[(Capture::IpAddr, &links(&[link(2, "eth0", "", ""), vlan, dummy, down, xdp]))]);
    let world = World::new(vec![&node]);
    let got = |dev, frame: Frame| match receive(&world, NsId::node(0), dev, &frame) {
        Received::Stack { dev, .. } => dev.to_string(),
        Received::Lost { reason, .. } => reason,
        other => format!("{other:?}"),
    };
    assert_eq!(got("eth0", frame(mac(2))), "eth0");
    assert!(got("eth0", frame(mac(7))).contains("PACKET_OTHERHOST"));
    assert_eq!(got("eth0", Frame { vlan: Some(10), ..frame(mac(3)) }), "eth0.10");
    assert!(got("eth0", Frame { vlan: Some(11), ..frame(mac(2)) }).contains("no device for VLAN 11"));
    assert!(got("eth1", frame(mac(5))).contains("set down"));
    assert!(got("eth2", frame(mac(6))).contains("XDP"));
    let lost = |dev| matches!(send(&world, NsId::node(0), dev, frame(mac(9)), None, None)[0], Emission::Lost { .. });
    assert!(lost("dummy0") && lost("eth1") && !lost("eth0"));
}
