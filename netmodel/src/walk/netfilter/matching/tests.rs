use super::*;
use crate::parse::conntrack::Tuple;
use crate::parse::iptables::parse;
use crate::walk::packet::{CtState, Direction};

struct Nothing;

impl Lookups for Nothing {
    fn in_set(&self, _: &str, _: &str, _: &Packet, return_nomatch: bool) -> Tri {
        if return_nomatch { Tri::Yes } else { Tri::unknown("no sets") }
    }

    fn addr_type(&self, _: IpAddr, _: Bits, _: IfaceLimit, _: &Packet) -> Tri {
        Tri::unknown("no addresses")
    }
}

fn asks(options: &str, packet: &Packet) -> Tri {
    let text = format!("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD {options}\nCOMMIT\n");
    let parsed = parse(&text, packet.family);
    assert_eq!(parsed.problems, []);
    rule(&parsed.value, &text, &parsed.value.rules[0], packet, &Nothing)
}

#[test]
fn extensions_are_answered_where_the_packet_settles_them() {
    let tcp = Packet::new(Family::V4).tcp(80).via(Dev::named("cni0"), Dev::named("eth0"));
    for (options, answer) in [
        ("-m nfacct --nfacct-name x", Tri::Yes),
        ("-m recent --set --name x", Tri::Yes),
        ("-m recent ! --set --name x", Tri::No),
        ("-m esp --espspi 5", Tri::No),
        // Not "not that SPI" but "an ESP packet of another SPI".
        ("-m esp ! --espspi 5", Tri::No),
        ("-m sctp --chunk-types any DATA", Tri::No),
        ("-m tcp", Tri::Yes),
        // A forwarded packet belongs to nobody here.
        ("-m owner --uid-owner 0", Tri::No),
        ("-m owner ! --uid-owner 0", Tri::Yes),
        ("-m owner ! --uid-owner 0 --gid-owner 0", Tri::No),
    ] {
        assert_eq!(asks(options, &tcp), answer, "{options}");
    }
    let mut fragment = tcp.clone();
    fragment.fragment = Some(true);
    assert_eq!(asks("-m tcp", &fragment), Tri::No);
    assert_eq!(asks("-m frag --fragfirst", &Packet::new(Family::V6)), Tri::No);
}

#[test]
fn what_the_packet_does_not_say_is_unknown_and_named() {
    let local = Packet::new(Family::V4).tcp(80).via(Dev::None, Dev::named("eth0"));
    for options in [
        "-m limit --limit 5/min",
        "-m recent --rcheck --name x",
        "-m owner --uid-owner 0",
        "-m time --timestart 01:00",
        "-m policy --dir out --pol ipsec",
        "-m u32 --u32 \"6&0xFF=1\"",
        "-m socket --transparent",
        "-m tcpmss --mss 1:500",
        "-m hashlimit --hashlimit-above 5/sec --hashlimit-name x",
    ] {
        let Tri::Unknown(why) = asks(options, &local) else { panic!("{options}") };
        assert!(why.contains(options.split_once("--").unwrap().1), "{why}");
    }
}

#[test]
fn a_packet_without_a_connection_is_asked_for_its_state_alone() {
    let mut packet = Packet::new(Family::V4).tcp(80);
    packet.ct_state = Some(CtState::Untracked);
    for (options, answer) in [
        ("-m conntrack --ctstate UNTRACKED", Tri::Yes),
        ("-m conntrack --ctdir ORIGINAL", Tri::No),
        ("-m conntrack ! --ctorigsrc 10.0.0.1/32", Tri::No),
        ("-m conntrack --ctstate UNTRACKED,INVALID --ctdir REPLY", Tri::Yes),
        ("-m conntrack --ctstate DNAT", Tri::No),
        ("-m connmark ! --mark 0x1", Tri::No),
        ("-m helper ! --helper \"ftp\"", Tri::Yes),
    ] {
        assert_eq!(asks(options, &packet), answer, "{options}");
    }
}

#[test]
fn a_connection_is_known_by_its_tuples() {
    let addr = |text: &str| -> IpAddr { text.parse().unwrap() };
    let mut packet = Packet::new(Family::V4).between(addr("10.0.0.1"), addr("10.96.0.1")).tcp(443);
    packet.sport = Some(40000);
    assert_eq!(asks("-m conntrack --ctorigdst 10.96.0.1/32 --ctorigdstport 443 --ctreplsrc 10.96.0.1/32", &packet), Tri::Yes);
    assert_eq!(asks("-m conntrack ! --ctorigsrc 10.0.0.1/32", &packet), Tri::No);
    assert_eq!(asks("-m conntrack --ctstatus CONFIRMED", &packet), Tri::No);
    assert_eq!(asks("-m conntrack ! --ctstatus NONE", &packet), Tri::Yes);
    // Translated: the original tuple is what it was, the reply's what the packet is now.
    packet.ct_original = Some(Tuple { src: addr("10.0.0.1"), dst: addr("10.96.0.1"), sport: 40000, dport: 443 });
    (packet.dst, packet.dport, packet.dnat) = (Some(addr("10.0.0.9")), Some(6443), Some(true));
    assert_eq!(asks("-m conntrack --ctorigdst 10.96.0.1/32 --ctreplsrc 10.0.0.9/32 --ctreplsrcport 6443", &packet), Tri::Yes);
    assert_eq!(asks("-m conntrack --ctstate DNAT --ctproto 6", &packet), Tri::Yes);
    // An answer before its translation back: the reply's tuple is not known here, the direction is.
    (packet.ct_state, packet.ct_dir) = (Some(CtState::Established), Some(Direction::Reply));
    assert_eq!(asks("-m conntrack --ctdir REPLY --ctstatus SEEN_REPLY --ctorigdst 10.96.0.1/32", &packet), Tri::Yes);
    assert!(matches!(asks("-m conntrack --ctreplsrc 10.0.0.9/32", &packet), Tri::Unknown(_)));
}

#[test]
fn bridge_ports_are_those_that_the_kernel_remembers() {
    let routed = Packet::new(Family::V4).via(Dev::None, Dev::named("eth0"));
    assert_eq!(asks("-m physdev --physdev-is-bridged", &routed), Tri::No);
    assert_eq!(asks("-m physdev ! --physdev-in veth1", &routed), Tri::Yes);
    let mut bridged = Packet::new(Family::V4).via(Dev::named("br0"), Dev::named("br0"));
    (bridged.bridged, bridged.physin, bridged.physout) = (Some(true), Dev::named("veth1"), Dev::named("veth2"));
    assert_eq!(asks("-m physdev --physdev-is-bridged --physdev-in veth+ --physdev-out veth2", &bridged), Tri::Yes);
    assert_eq!(asks("-m physdev ! --physdev-in veth1", &bridged), Tri::No);
    // Routed from a bridge: the port that it came in by is still known.
    (bridged.bridged, bridged.physout) = (Some(false), Dev::None);
    assert_eq!(asks("-m physdev --physdev-in veth1", &bridged), Tri::Yes);
    assert_eq!(asks("-m physdev --physdev-is-bridged", &bridged), Tri::No);
    assert_eq!(asks("-m physdev ! --physdev-is-out", &bridged), Tri::Yes);
    let nobody_knows = Packet::new(Family::V4).via(Dev::named("br0"), Dev::None);
    assert!(matches!(asks("-m physdev --physdev-in veth1", &nobody_knows), Tri::Unknown(_)));
}

#[test]
fn header_fields_are_compared_as_they_are() {
    let mut packet = Packet::new(Family::V4).tcp(80);
    (packet.ttl, packet.tos, packet.tcp_flags) = (Some(63), Some(0xb9), Some(0xc2));
    for (options, answer) in [
        ("-m ttl --ttl-eq 63", Tri::Yes),
        ("-m ttl --ttl-lt 63", Tri::No),
        ("-m ttl --ttl-gt 62", Tri::Yes),
        ("-m dscp --dscp 0x2e", Tri::Yes),
        ("-m dscp ! --dscp 0x2e", Tri::No),
        ("-m tos --tos 0xb8/0xfc", Tri::Yes),
        ("-m tos ! --tos 0xb8/0xff", Tri::Yes),
        ("-p tcp -m ecn --ecn-tcp-cwr --ecn-ip-ect 1", Tri::Yes),
        ("-p tcp -m ecn ! --ecn-tcp-ece", Tri::No),
        ("-m helper --helper \"ftp\"", Tri::No),
    ] {
        assert_eq!(asks(options, &packet), answer, "{options}");
    }
}

#[test]
fn an_exception_of_a_set_counts_only_where_it_is_asked_for() {
    let packet = Packet::new(Family::V4);
    assert_eq!(asks("-m set --match-set X src --return-nomatch", &packet), Tri::Yes);
    assert_eq!(asks("-m set ! --match-set X src --return-nomatch ! --update-counters", &packet), Tri::No);
    assert!(matches!(asks("-m set --match-set X src --return-nomatch --packets-gt 5", &packet), Tri::Unknown(_)));
    assert!(matches!(asks("-m set --match-set X src", &packet), Tri::Unknown(_)));
}

#[test]
fn chance_is_a_share() {
    let share = |options: &str| {
        let text = format!("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD {options}\nCOMMIT\n");
        let parsed = parse(&text, Family::V4);
        holds(&parsed.value, &text, &parsed.value.rules[0], &Packet::new(Family::V4), &Nothing)
    };
    let near = |share: f64, wanted: f64| (share - wanted).abs() < 1e-6;
    assert!(near(share("-m statistic --mode random --probability 0.33333333349").1, 1.0 / 3.0));
    assert!(near(share("-m statistic --mode random ! --probability 0.25").1, 0.75));
    assert!(near(share("-m statistic --mode nth --every 4 --packet 0").1, 0.25));
    assert_eq!(share("-m statistic --mode random --probability 1.00000000000"), (Tri::Yes, 1.0));
}
