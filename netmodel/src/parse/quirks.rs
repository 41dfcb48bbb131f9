//! What real inputs do to the formats of a node's state beside its rules and routes, each asserted for its meaning. The files stand in
//! `fixtures/captures`; the lines are those of the project's list of quirks.

use super::ipvs_endpoint::Endpoint;
use super::ipvs_list::Persistence;
use super::testing::{fixture, problems};
use super::text::slice;
use super::{conntrack, conntrack_stats, ipset, ipset_list, ipvs_conn, ipvs_list, resolv_conf, sysctl_system};

/// 27: `k = v`, `k=v`, `/proc/sys/… = v`, prompts between values, stderr mixed in, an alias, TABs before every line.
#[test]
fn sysctl_as_pasted() {
    let text = fixture("sysctl-system/pasted.txt");
    let got = sysctl_system::parse(&text);
    let value = |key: &str| got.value.settings.get(&text, key).map(|e| slice(&text, e.value));
    assert_eq!(value("net.ipv4.ip_forward"), Some("1"));
    assert_eq!(value("net.ipv4.conf.all.rp_filter"), Some("2"));
    assert_eq!((value("net.netfilter.nf_conntrack_max"), value("net.nf_conntrack_max")), (Some("131072"), Some("131072")));
    assert_eq!(value("net.ipv4.tcp_rmem"), Some("4096\t131072\t6291456"));
    assert_eq!(got.value.complaints.len(), 2, "what sysctl said to stderr is known as such");
    assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1, 4, 7], "only the prompts are not understood");
    assert!(got.value.settings.entries().iter().all(|e| got.value.file_of(e).is_none()));
}

/// 28: a head that is cut off, accounting, secctx, zone, offload, the trailer.
#[test]
fn conntrack_in_all_its_forms() {
    let text = fixture("conntrack/quirk-forms.txt");
    let got = conntrack::parse(&text);
    assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1], "never half an entry");
    let [dns, offloaded, v6] = &got.value.entries[..] else { panic!("{:?}", got.value) };
    assert_eq!((dns.mark, dns.zone, dns.flags.unreplied, dns.reply.sport), (Some(16384), 7, true, 5353));
    assert_eq!((offloaded.timeout, offloaded.flags.offload, offloaded.original.dport), (None, true, 80));
    assert_eq!((v6.original.dst, v6.flags.assured), ("fd00::a".parse().expect("an address"), true));
}

/// 28: `conntrack -S` of old kernels.
#[test]
fn conntrack_statistics_of_old_kernels() {
    let text = fixture("conntrack-stats/old-fields.txt");
    let got = conntrack_stats::parse(&text);
    assert_eq!(problems(&text, &got), [""; 0]);
    let sum = |name: &str| got.value.counters(&text, name).map(|c| c.value).sum::<u64>();
    assert_eq!((sum("searched"), sum("delete"), sum("insert_failed"), sum("drop")), (2934, 102, 2, 2));
    assert_eq!(got.value.counters(&text, "clash_resolve").count(), 0);
}

/// 29: without a header; NodePorts on 127.0.0.1 and docker0; weight 0; SCTP; FWM.
#[test]
fn ipvs_without_a_header() {
    let text = fixture("ipvs-list/node-ports.txt");
    let got = ipvs_list::parse(&text);
    assert_eq!(problems(&text, &got), [""; 0]);
    let services = &got.value.services;
    assert_eq!(services[0].endpoint, Endpoint::Addr { addr: "127.0.0.1".parse().expect("an address"), port: 30080 });
    assert_eq!((services[1].persistent, services[1].destinations[0].weight), (Some(Persistence::Seconds(10800)), Some(0)));
    assert_eq!((services[2].destinations.len(), &services[3].endpoint), (0, &Endpoint::FwMark(7)));
    assert!(got.value.to_ipvs(&text).is_some(), "the plain form shows all");
}

/// 29: without `-n`, and indented: names are names, and one that was cut off has no port.
#[test]
fn ipvs_with_names() {
    let text = fixture("ipvs-list/names-indented.txt");
    let got = ipvs_list::parse(&text);
    assert_eq!(problems(&text, &got), [""; 0]);
    let destination = &got.value.services[0].destinations[0];
    assert!(matches!(destination.endpoint, Endpoint::Name { port: None, .. }), "`…:h` may be http or https");
    assert!(got.value.to_ipvs(&text).is_none());
}

/// 29: `-Lnc`, names, a template of persistence, a cut end.
#[test]
fn ipvs_connections() {
    let text = fixture("ipvs-conn/cut.txt");
    let got = ipvs_conn::parse(&text);
    assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [4]);
    assert_eq!(got.value.iter().map(|c| c.expires).collect::<Vec<_>>(), [Some(899), Some(3), Some(120)]);
    assert!(matches!(got.value[1].destination, Endpoint::Name { port: Some(_), .. }));
    assert!(matches!(got.value[2].client, Endpoint::Addr { port: 0, .. }));
}

/// 30: 1.4 MB of one set in either form, at a cost that grows with the text only.
#[test]
fn a_large_set() {
    use std::fmt::Write as _;
    let (mut save, mut list) =
        ("create big hash:ip family inet\n".to_owned(), "Name: big\nType: hash:ip\nHeader: family inet\nMembers:\n".to_owned());
    for i in 0..50_000u32 {
        let addr = std::net::Ipv4Addr::from_bits(0x0a00_0000 + i);
        let _ = writeln!(save, "add big {addr} comment \"nomatch {i}\"");
        let _ = writeln!(list, "{addr} comment \"nomatch {i}\"");
    }
    let (save, list) = (ipset::parse(&save).value, ipset_list::parse(&list).value.sets);
    for sets in [&save, &list] {
        assert_eq!(sets.members_of(sets.set("big").expect("the set")).len(), 50_000);
        assert!(sets.members.iter().all(|m| !m.nomatch), "a word of a comment");
    }
}

/// 31: comments, several `options`, more than three servers, masked addresses, trailing blanks, an unknown word.
#[test]
fn resolv_conf_as_people_have_it() {
    let text = fixture("resolv-conf/quirk-many.txt");
    let got = resolv_conf::parse(&text);
    assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [9, 12]);
    let servers: Vec<String> = got.value.nameservers.iter().map(|n| n.addr.to_string()).collect();
    assert_eq!(servers, ["127.0.0.53", "169.254.20.10", "127.0.0.11", "127.0.0.1"]);
    assert_eq!(got.value.search.len(), 2, "`search` behind `domain` counts");
    assert_eq!(got.value.options.iter().map(|&o| slice(&text, o)).collect::<Vec<_>>(), ["ndots:5", "edns0", "timeout:1"]);
}
