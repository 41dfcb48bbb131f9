use std::net::IpAddr;

use crate::family::Family;
use crate::state::Node;
use crate::walk::netfilter::tests::node;
use crate::walk::{CtState, Dev, Exit, Fate, Hook, HookPoint, NatAddr, NatRequest, Packet, What, pass};

const NFT: &str = r#"{"nftables": []}"#;
const ALL: std::ops::RangeInclusive<i32> = i32::MIN..=i32::MAX;

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn tcp(dport: u16) -> Packet {
    let packet = Packet::new(Family::V4).between(addr("10.0.0.1"), addr("10.0.0.2")).tcp(dport);
    packet.via(Dev::named("eth0"), Dev::named("eth1"))
}

/// Tables of iptables-nft and a ruleset of nftables' text form.
fn of(save: &str, nft: &str) -> Node {
    node(save, Some(""), if nft.is_empty() { NFT } else { nft })
}

fn table(name: &str, chain: &str, rules: &[&str]) -> String {
    let rules: String = rules
        .iter()
        .map(|r| format!("-A {}\n", r.strip_prefix('@').map_or_else(|| format!("{chain} {r}"), str::to_owned)))
        .collect();
    format!("*{name}\n:{chain} ACCEPT [0:0]\n:X - [0:0]\n:Y - [0:0]\n{rules}COMMIT\n")
}

fn exits(node: &Node, at: impl Into<HookPoint>, packet: Packet) -> Vec<Exit<'_>> {
    let passage = pass(node, at.into(), ALL, packet);
    assert_eq!(passage.gaps, []);
    passage.exits
}

fn one(node: &Node, at: impl Into<HookPoint>, packet: Packet) -> Exit<'_> {
    let mut all = exits(node, at, packet);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

#[test]
fn only_the_chains_of_a_range_of_priorities_run() {
    let save = format!(
        "{}{}{}",
        table("raw", "PREROUTING", &["-j MARK --set-mark 1"]),
        table("mangle", "PREROUTING", &["-m mark --mark 1 -j MARK --set-mark 2"]),
        table("nat", "PREROUTING", &["-p tcp -j DNAT --to-destination 10.9.9.9:8080"])
    );
    let node = of(&save, "");
    let marks = |prios| pass(&node, Hook::Prerouting.into(), prios, tcp(80)).exits[0].packet.mark;
    assert_eq!(marks(i32::MIN..=-201), Some(1));
    assert_eq!(marks(-199..=-101), Some(0));
    assert_eq!(marks(ALL), Some(2));
    let packet = |prios| pass(&node, Hook::Prerouting.into(), prios, tcp(80)).exits.remove(0).packet;
    assert_eq!(packet(-199..=-101).nat, None);
    let asked = packet(-199..=-100);
    assert_eq!((asked.dst, asked.dport), (Some(addr("10.0.0.2")), Some(80)), "it is only asked for");
    let to = NatAddr::Range(addr("10.9.9.9"), addr("10.9.9.9"));
    assert_eq!(asked.nat, Some(NatRequest { source: false, to, ports: Some((8080, 8080)), random: false }));
}

#[test]
fn translations_are_asked_for_as_the_rule_says() {
    let ask = |hook: Hook, rule: &str| {
        let node = of(&table("nat", hook.chain(), &[rule]), "");
        one(&node, hook, tcp(80)).packet.nat.unwrap()
    };
    let request = |source, to, ports, random| NatRequest { source, to, ports, random };
    let range = |first: &str, last: &str| NatAddr::Range(addr(first), addr(last));
    assert_eq!(
        ask(Hook::Postrouting, "-p tcp -j SNAT --to-source 1.1.1.1-1.1.1.9:1000-2000 --random"),
        request(true, range("1.1.1.1", "1.1.1.9"), Some((1000, 2000)), true)
    );
    assert_eq!(
        ask(Hook::Postrouting, "-p tcp -j MASQUERADE --to-ports 1024-65535 --random-fully"),
        request(true, NatAddr::OutgoingInterface, Some((1024, 65535)), true)
    );
    assert_eq!(
        ask(Hook::Output, "-p tcp -j REDIRECT --to-ports 8080"),
        request(false, NatAddr::IncomingInterface, Some((8080, 8080)), false)
    );
    let prefix = NatAddr::Prefix("192.168.7.0/24".parse().unwrap());
    assert_eq!(ask(Hook::Prerouting, "-j NETMAP --to 192.168.7.0/24"), request(false, prefix, None, false));
    assert_eq!(ask(Hook::Postrouting, "-j NETMAP --to 192.168.7.0/24"), request(true, prefix, None, false));
    assert_eq!(
        ask(Hook::Prerouting, "-p tcp -j DNAT --to-destination :53"),
        request(false, NatAddr::Keep, Some((53, 53)), false)
    );
}

#[test]
fn nat_chains_are_asked_once_and_for_new_connections_only() {
    let nft = "table ip t {\n\tchain late {\n\t\ttype nat hook prerouting priority 50; policy accept;\n\t\tredirect to :9\n\t}\n\tchain early {\n\t\ttype nat hook prerouting priority -150; policy accept;\n\t\tdnat to 10.7.7.7\n\t}\n\tchain f {\n\t\ttype filter hook prerouting priority -120; policy accept;\n\t\tmeta mark set 5\n\t}\n}\n";
    let node = of("", nft);
    let exit = one(&node, Hook::Prerouting, tcp(80));
    // The earlier one of the nat chains wins, and runs behind the filter chain that stands between the two.
    assert_eq!(exit.packet.nat.map(|n| n.to), Some(NatAddr::Range(addr("10.7.7.7"), addr("10.7.7.7"))));
    let before = pass(&node, Hook::Prerouting.into(), i32::MIN..=-101, tcp(80)).exits.remove(0).packet;
    assert_eq!((before.mark, before.nat), (Some(5), None));
    for state in [CtState::Established, CtState::Invalid, CtState::Untracked] {
        let mut packet = tcp(80);
        packet.ct_state = Some(state);
        assert_eq!(one(&node, Hook::Prerouting, packet).packet.nat, None, "{state:?}");
    }
    let mut related = tcp(80);
    related.ct_state = Some(CtState::Related);
    assert!(one(&node, Hook::Prerouting, related).packet.nat.is_some());
    let mut bound = tcp(80);
    bound.dst_bound = true;
    assert_eq!(one(&node, Hook::Prerouting, bound.clone()).packet.nat, None);
    (bound.dst_bound, bound.src_bound) = (false, true);
    assert!(one(&node, Hook::Prerouting, bound).packet.nat.is_some(), "the other half is its own");
}

#[test]
fn translations_of_nftables_take_maps_ranges_and_prefixes() {
    let ask = |hook: &str, rule: &str| {
        let nft = format!(
            "table ip t {{\n\tmap m {{\n\t\ttype inet_service : ipv4_addr . inet_service\n\t\telements = {{ 80 : 10.8.8.8 . 8080 }}\n\t}}\n\tchain c {{\n\t\ttype nat hook {hook} priority 0; policy accept;\n\t\t{rule}\n\t}}\n}}\n"
        );
        let node = of("", &nft);
        let hook = if hook == "prerouting" { Hook::Prerouting } else { Hook::Postrouting };
        exits(&node, hook, tcp(80)).into_iter().map(|e| (e.packet.nat, e.share)).collect::<Vec<_>>()
    };
    let to = |a: &str, b: &str| NatAddr::Range(addr(a), addr(b));
    let request = |source, to, ports, random| Some(NatRequest { source, to, ports, random });
    assert_eq!(
        ask("prerouting", "dnat ip to tcp dport map @m"),
        [(request(false, to("10.8.8.8", "10.8.8.8"), Some((8080, 8080)), false), 1.0)]
    );
    assert_eq!(ask("prerouting", "tcp dport 81 dnat to 1.2.3.4"), [(None, 1.0)]);
    assert_eq!(
        ask("postrouting", "snat to 1.1.1.1-1.1.1.5:100-200 fully-random"),
        [(request(true, to("1.1.1.1", "1.1.1.5"), Some((100, 200)), true), 1.0)]
    );
    assert_eq!(ask("postrouting", "masquerade"), [(request(true, NatAddr::OutgoingInterface, None, false), 1.0)]);
    let mut shares = ask("prerouting", "dnat to numgen inc mod 3 map { 0 : 10.0.1.1, 1-2 : 10.0.1.2 }");
    shares.sort_by(|a, b| a.1.total_cmp(&b.1));
    assert_eq!(shares.len(), 2);
    assert!((shares[0].1 - 1.0 / 3.0).abs() < 1e-9 && (shares[1].1 - 2.0 / 3.0).abs() < 1e-9, "{shares:?}");
    assert_eq!(shares[1].0.as_ref().map(|n| n.to), Some(to("10.0.1.2", "10.0.1.2")));
}

#[test]
fn load_balancing_gives_every_endpoint_its_share_and_assumes_nothing() {
    let rules = [
        "-d 10.0.0.2/32 -j X",
        "@X -m statistic --mode random --probability 0.33333333349 -j Y",
        "@X -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.1.0.2",
        "@X -j DNAT --to-destination 10.1.0.3",
        "@Y -p tcp -j DNAT --to-destination 10.1.0.1:80",
    ];
    let node = of(&table("nat", "PREROUTING", &rules), "");
    let all = exits(&node, Hook::Prerouting, tcp(80));
    assert_eq!(all.len(), 3);
    for exit in &all {
        assert!((exit.share - 1.0 / 3.0).abs() < 1e-6 && exit.blockers.is_empty() && exit.fate == Fate::Continue, "{exit:?}");
    }
    // Ways that end alike are one.
    let alike = ["-m statistic --mode random --probability 0.5 -j DROP", "-j DROP"];
    let node = of(&table("filter", "FORWARD", &alike), "");
    let exit = one(&node, Hook::Forward, tcp(80));
    assert_eq!((exit.fate, exit.share), (Fate::Drop, 1.0));
}

#[test]
fn a_service_of_many_endpoints_is_followed_to_all() {
    let mut rules: Vec<String> = (0..500u32)
        .map(|i| {
            let p = 1.0 / f64::from(501 - i);
            format!("-m statistic --mode random --probability {p:.11} -j DNAT --to-destination 10.2.{}.{}", i / 256, i % 256)
        })
        .collect();
    rules.push("-j DNAT --to-destination 10.3.0.1".to_owned());
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let node = of(&table("nat", "PREROUTING", &rules), "");
    let all = exits(&node, Hook::Prerouting, tcp(80));
    assert_eq!(all.len(), 501);
    assert!(all.iter().all(|e| (e.share - 1.0 / 501.0).abs() < 1e-6));
}

#[test]
fn the_lines_that_mattered_are_told_in_order() {
    let rules = ["-j Y", "-j X", "-j ACCEPT", "@Y -p udp -j DROP", "@X -j MARK --set-mark 7", "@X -m mark --mark 8 -j DROP"];
    let node = of(&table("filter", "FORWARD", &rules), "");
    let exit = one(&node, Hook::Forward, tcp(80));
    let told: Vec<_> = exit.lines.events().into_iter().map(|e| (e.what, e.line.evidence().text)).collect();
    let want =
        [(What::Jump, "-A FORWARD -j X"), (What::Change, "-A X -j MARK --set-mark 7"), (What::Accept, "-A FORWARD -j ACCEPT")];
    assert_eq!(told, want.map(|(what, text)| (what, text.to_owned())), "a jump that came to nothing is not told");
    let mut udp = tcp(80);
    udp.protocol = Some(17);
    let exit = one(&node, Hook::Forward, udp);
    assert_eq!(exit.fate, Fate::Drop);
    let told: Vec<_> = exit.lines.events().into_iter().map(|e| (e.what, e.line.place().chain)).collect();
    assert_eq!(told, [(What::Jump, "FORWARD".to_owned()), (What::Stop, "Y".to_owned())]);
    assert_eq!(exit.lines.last().map(|e| e.line.evidence().text).as_deref(), Some("-A Y -p udp -j DROP"));
}

#[test]
fn both_ways_of_what_is_not_known_are_told_with_their_line() {
    let rules = ["-m recent --rcheck --name x -j DROP", "-m mark --mark 9 -j DROP"];
    let node = of(&table("filter", "FORWARD", &rules), "");
    let all = exits(&node, Hook::Forward, tcp(80));
    assert_eq!(all.len(), 2);
    for exit in &all {
        assert_eq!((exit.blockers.len(), exit.share), (1, 1.0));
        assert_eq!(exit.blockers[0].line.evidence().text, "-A FORWARD -m recent --rcheck --name x -j DROP");
        assert!(exit.blockers[0].reason.contains("packets before"));
    }
    // An unknown jump from which the packet comes back as it was matters to nobody.
    let rules = ["-m recent --rcheck --name x -j X", "@X -p udp -j DROP"];
    let node = of(&table("filter", "FORWARD", &rules), "");
    assert_eq!(one(&node, Hook::Forward, tcp(80)).blockers.len(), 0);
}

#[test]
fn a_chain_of_unknown_jumps_costs_rules_and_not_their_powers() {
    let mut rules: Vec<String> = (0..60).map(|i| format!("-m recent --rcheck --name x{i} -j X")).collect();
    rules.push("@X -m recent --rcheck --name y -j MARK --set-xmark 0x1/0x1".to_owned());
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let node = of(&table("mangle", "FORWARD", &rules), "");
    let mut marks: Vec<_> = exits(&node, Hook::Forward, tcp(80)).into_iter().map(|e| e.packet.mark).collect();
    marks.sort();
    assert_eq!(marks, [Some(0), Some(1)]);
}

#[test]
fn the_first_word_before_connection_tracking_counts() {
    let state = |rules: &[&str]| {
        let node = of(&table("raw", "PREROUTING", rules), "");
        let packet = one(&node, Hook::Prerouting, tcp(80)).packet;
        (packet.ct_state, packet.ct_zone)
    };
    assert_eq!(state(&["-m conntrack --ctstate INVALID -j NOTRACK"]), (Some(CtState::Untracked), Some(0)));
    assert_eq!(state(&["-m conntrack --ctstate NEW -j NOTRACK"]), (Some(CtState::New), Some(0)), "nothing is tracked yet");
    assert_eq!(state(&["-j CT --zone 7", "-j NOTRACK"]), (Some(CtState::New), Some(7)));
    assert_eq!(state(&["-j CT --notrack", "-j CT --zone 7"]), (Some(CtState::Untracked), Some(0)));
    let node = of(
        "",
        "table ip t {\n\tchain c {\n\t\ttype filter hook prerouting priority raw; policy accept;\n\t\tct zone set 9\n\t\tnotrack\n\t}\n}\n",
    );
    let packet = one(&node, Hook::Prerouting, tcp(80)).packet;
    assert_eq!((packet.ct_state, packet.ct_zone), (Some(CtState::New), Some(9)));
}

#[test]
fn targets_change_what_they_say() {
    let packet = |rules: &[&str]| {
        let node = of(&table("mangle", "PREROUTING", rules), "");
        let mut packet = tcp(80);
        (packet.mark, packet.connmark, packet.tos) = (Some(0xff), Some(0xf0), Some(0x03));
        one(&node, Hook::Prerouting, packet).packet
    };
    assert_eq!(packet(&["-j MARK --set-xmark 0x0f/0x0"]).mark, Some(0xf0), "xor");
    assert_eq!(packet(&["-j MARK --set-xmark 0x100/0xf"]).mark, Some(0x1f0));
    assert_eq!(packet(&["-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf0"]).mark, Some(0x00));
    assert_eq!(packet(&["-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff"]).connmark, Some(0xff));
    assert_eq!(packet(&["-j CONNMARK --set-xmark 0x1/0xffffffff"]).connmark, Some(1));
    assert_eq!(packet(&["-j TTL --ttl-set 1"]).ttl, Some(1));
    assert_eq!(packet(&["-j TTL --ttl-dec 70"]).ttl, Some(0));
    assert_eq!(packet(&["-j TTL --ttl-inc 2"]).ttl, Some(66));
    assert_eq!(packet(&["-j DSCP --set-dscp 0x2e"]).tos, Some(0xbb));
    assert_eq!(packet(&["-j TOS --set-tos 0x10/0xff"]).tos, Some(0x10));
    assert_eq!(packet(&["-j TOS --set-tos 0x10/0x3f"]).tos, Some(0x10));
    assert_eq!(
        packet(&["-j LOG --log-prefix x", "-j TRACE", "-j TEE --gateway 10.0.0.9", "-j CLASSIFY --set-class 1:2"]).mark,
        Some(0xff)
    );
}

#[test]
fn a_program_or_a_socket_may_take_the_packet() {
    let fates = |rule: &str| {
        let node = of(&table("mangle", "PREROUTING", &[rule, "-j MARK --set-mark 3"]), "");
        let mut all: Vec<_> =
            exits(&node, Hook::Prerouting, tcp(80)).into_iter().map(|e| (e.fate == Fate::Continue, e.packet.mark)).collect();
        all.sort();
        all
    };
    assert_eq!(fates("-j NFQUEUE --queue-num 1"), [(false, Some(0)), (true, None)]);
    assert_eq!(fates("-p tcp -j TPROXY --on-port 9 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1"), [(false, Some(0)), (true, Some(1))]);
}

#[test]
fn tables_of_bridges_and_devices_hang_at_their_own_points() {
    let nft = "table bridge b {\n\tchain c {\n\t\ttype filter hook forward priority filter; policy accept;\n\t\tip daddr 10.0.0.2 iifname \"veth1\" drop\n\t}\n}\ntable netdev n {\n\tchain i {\n\t\ttype filter hook ingress device \"eth0\" priority 0; policy accept;\n\t\ttcp dport 80 drop\n\t}\n}\n";
    let node = of("", nft);
    let at = |point: HookPoint, iif: &str, dport| {
        let packet = tcp(dport).via(Dev::named(iif), Dev::named("veth2"));
        one(&node, point, packet).fate
    };
    assert_eq!(at(HookPoint::Bridge(Hook::Forward), "veth1", 80), Fate::Drop);
    assert_eq!(at(HookPoint::Bridge(Hook::Forward), "veth3", 80), Fate::Continue);
    assert_eq!(at(HookPoint::Bridge(Hook::Input), "veth1", 80), Fate::Continue);
    assert_eq!(at(Hook::Forward.into(), "veth1", 80), Fate::Continue);
    assert_eq!(at(HookPoint::Ingress, "eth0", 80), Fate::Drop);
    assert_eq!(at(HookPoint::Ingress, "eth0", 81), Fate::Continue);
    assert_eq!(at(HookPoint::Ingress, "eth1", 80), Fate::Continue);
    assert_eq!(at(Hook::Prerouting.into(), "eth0", 80), Fate::Continue, "it has passed the device by then");
}

#[test]
fn what_is_not_captured_is_told_beside_what_is() {
    let legacy_is_missing = node(&table("filter", "FORWARD", &["-j DROP"]), None, NFT);
    let passage = pass(&legacy_is_missing, Hook::Forward.into(), ALL, tcp(80));
    assert_eq!(passage.exits[0].fate, Fate::Drop);
    assert_eq!(passage.gaps.len(), 1);
    assert_eq!(pass(&legacy_is_missing, HookPoint::Bridge(Hook::Forward), ALL, tcp(80)).gaps, []);
}

/// The same rules in one long chain, which has an index, and in short ones, which have none, must do the same.
#[test]
fn a_long_chain_does_what_short_ones_do() {
    let field = |i: u32| match i % 7 {
        0 => format!("-d 10.0.{}.2/32", i % 5),
        1 => format!("-s 10.0.0.{}/32 -p tcp", i % 9),
        2 => format!("-p tcp --dport {}", 80 + i % 6),
        3 => format!("-i eth{}", i % 3),
        4 => format!("! -d 10.0.0.2/32 -o eth{}", i % 2),
        5 => format!("-d 10.0.0.0/24 -m mark --mark {i}/0xf"),
        _ => "-p tcp".to_owned(),
    };
    let target = |i: u32| match i % 5 {
        0 => format!("-j MARK --set-xmark {:#x}/{:#x}", i % 16, 1 << (i % 8)),
        1 => format!("-j MARK --set-xmark {:#x}/0x0", i * 3 % 256),
        2 if i.is_multiple_of(11) => "-j RETURN".to_owned(),
        _ => format!("-j MARK --set-mark {}", i % 32),
    };
    let rules: Vec<String> = (0..90).map(|i| format!("{} {}", field(i * 13 % 97), target(i))).collect();
    let long = table("mangle", "FORWARD", &rules.iter().map(String::as_str).collect::<Vec<_>>());
    // A RETURN ends the base chain: in parts it leads to their common end.
    let mut short = String::from("*mangle\n:FORWARD ACCEPT [0:0]\n");
    let parts: Vec<_> = rules.chunks(9).collect();
    (0..parts.len()).for_each(|i| short += &format!(":P{i} - [0:0]\n"));
    short += "-A FORWARD -g P0\n";
    for (i, part) in parts.iter().enumerate() {
        part.iter().for_each(|rule| short += &format!("-A P{i} {rule}\n"));
        if i + 1 < parts.len() {
            short += &format!("-A P{i} -g P{}\n", i + 1);
        }
    }
    short += "COMMIT\n";
    let (long, short) = (of(&long, ""), of(&short, ""));
    let mut seen = std::collections::BTreeSet::new();
    for i in 0..200u32 {
        let mut packet = Packet::new(Family::V4);
        packet.src = (i % 4 != 3).then(|| IpAddr::from([10, 0, 0, u8::try_from(i % 9).unwrap()]));
        packet.dst = (i % 13 != 5).then(|| IpAddr::from([10, 0, u8::try_from(i % 5).unwrap(), 2]));
        packet = packet.tcp(u16::try_from(80 + i % 6).unwrap());
        if i.is_multiple_of(7) {
            packet.dport = None;
        }
        let dev = |n: u32| if n == 3 { Dev::Unknown } else { Dev::named(&format!("eth{n}")) };
        packet = packet.via(dev(i % 4), dev(i % 3));
        let marks = |node: &Node| {
            let mut marks: Vec<_> = exits(node, Hook::Forward, packet.clone())
                .into_iter()
                .map(|e| (e.fate == Fate::Continue, e.packet.mark, e.blockers.is_empty()))
                .collect();
            marks.sort();
            marks
        };
        let expected = marks(&short);
        assert_eq!(marks(&long), expected, "{packet:?}");
        seen.insert(expected);
    }
    assert!(seen.len() > 15, "{}", seen.len());
}
