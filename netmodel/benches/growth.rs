//! Whether time grows with the length of a text and no faster, for texts that somebody wrote to make it so. Prints the time for a
//! text and for one four times as long: about 4 is linear, 16 is quadratic. `cargo bench -p coldpath-netmodel --bench growth`.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

mod common;

use std::fmt::Write;
use std::hint::black_box;
use std::time::{Duration, Instant};

use common::cpu;

use netmodel::Family;
use netmodel::parse;

/// A text of about that many bytes that tries to be slow.
type Make = fn(usize) -> String;

/// What it is, how it is made, what reads it.
type Case<'a> = (&'static str, Make, &'a dyn Fn(&str));

fn main() {
    let iptables = |text: &str| drop(black_box(parse::iptables::parse(text, Family::V4)));
    let nft = |text: &str| drop(black_box(parse::nft::parse(text)));
    let route = |text: &str| drop(black_box(parse::ip_route::parse(text, Family::V4)));
    let route_text =
        |text: &str| drop(black_box(parse::iproute_text::route::parse(text, Family::V4, &parse::iproute_text::Asked::default())));
    let cases: &[Case<'_>] = &[
        ("iptables: unknown tables, then known ones", |n| "*x\n".repeat(n / 12) + &"*filter\n".repeat(n / 12), &iptables),
        ("iptables: rules without chains", |n| numbered(n, |out, i| writeln!(out, "-A C{i} -j C{}", i + 1)), &iptables),
        (
            "iptables: chains without end",
            |n| String::from("*nat\n") + &numbered(n, |out, i| writeln!(out, ":C{i} - [0:0]")),
            &iptables,
        ),
        ("iptables: one line of options", |n| String::from("*nat\n-A X ") + &"--x ".repeat(n / 4), &iptables),
        ("iptables: one line of words", |n| String::from("*nat\n-A X -m x ") + &"y ".repeat(n / 2), &iptables),
        ("iptables: one line of negations", |n| String::from("*nat\n-A X ") + &"! ".repeat(n / 2), &iptables),
        ("iptables: one line of modules", |n| String::from("*nat\n-A X ") + &"-m set ".repeat(n / 7), &iptables),
        ("iptables: one line of quotes", |n| String::from("*nat\n-A X ") + &"\" ".repeat(n / 2), &iptables),
        (
            "iptables: one line of addrtypes",
            |n| String::from("*nat\n-A X ") + &"-m addrtype --dst-type ".repeat(n / 23),
            &iptables,
        ),
        ("iptables: one line of ports", |n| String::from("*nat\n-A X -m multiport --dports ") + &"1,".repeat(n / 2), &iptables),
        ("nft: open brackets", |n| String::from("{\"nftables\": [") + &"[".repeat(n), &nft),
        ("nft: broken objects", |n| String::from("{\"nftables\": [") + &"{\"rule\":1},".repeat(n / 11), &nft),
        ("nft: one object a line", |n| String::from("{\"nftables\": [") + &"{\"x\":{}}\n,".repeat(n / 10), &nft),
        ("nft: the word again and again", |n| "\"nftables\"".repeat(n / 10), &nft),
        ("nft text: open braces", |n| String::from("table ip x { ") + &"{ ".repeat(n / 2), &nft),
        (
            "nft text: chains",
            |n| String::from("table ip x {\n") + &numbered(n, |out, i| writeln!(out, "chain c{i} {{\n}}")),
            &nft,
        ),
        ("nft text: one set", |n| String::from("table ip x { set s { elements = { ") + &"1.1.1.1, ".repeat(n / 9), &nft),
        ("nft text: one rule", |n| String::from("table ip x { chain c { ") + &"tcp dport 80 ".repeat(n / 13), &nft),
        ("nft text: quotes", |n| String::from("table ip x { chain c { ") + &"\" ".repeat(n / 2), &nft),
        (
            "nft text: expressions",
            |n| String::from("table ip x { chain c { meta mark set ") + &"meta mark | ".repeat(n / 12),
            &nft,
        ),
        ("route text: one line", |n| String::from("default ") + &"via 1.1.1.1 ".repeat(n / 12), &route_text),
        (
            "route text: next hops",
            |n| String::from("default \n") + &"\tnexthop via 1.1.1.1 dev a weight 1 \n".repeat(n / 38),
            &route_text,
        ),
        (
            "addr text: continuation lines",
            |n| String::from("1: lo: <UP> mtu 1\n") + &"    inet 1.1.1.1/8 scope host lo\n".repeat(n / 33),
            &|text| {
                drop(black_box(parse::iproute_text::addr::parse(text)));
            },
        ),
        ("ipset list: members", |n| String::from("Name: a\nType: hash:ip\nMembers:\n") + &"1.1.1.1\n".repeat(n / 8), &|text| {
            drop(black_box(parse::ipset_list::parse(text)));
        }),
        ("yaml: documents", |n| "a: 1\n---\n".repeat(n / 9), &|text| drop(black_box(parse::yaml::parse(text)))),
        ("yaml: keys", |n| numbered(n, |out, i| writeln!(out, "k{i}: 1")), &|text| drop(black_box(parse::yaml::parse(text)))),
        ("yaml: broken documents", |n| "a: [\n---\n".repeat(n / 9), &|text| drop(black_box(parse::yaml::parse(text)))),
        ("routes: open brackets", |n| "[".repeat(n), &route),
        ("routes: keys twice", |n| String::from("[") + &"{\"dst\":\"1\",\"dst\":\"1\"},".repeat(n / 22), &route),
        ("routes: one long object", |n| format!("[{{\"dst\":\"1.1.1.1\",\"flags\":[{}\"\"]}}]", "\"a\",".repeat(n / 4)), &route),
        ("routes: one object a line", |n| String::from("[") + &"{\"dst\":1}\n,".repeat(n / 11), &route),
        ("routes: many arrays", |n| "[{\"dst\":1}]\n".repeat(n / 12), &route),
        ("conntrack: one line", |n| String::from("tcp 6 1 ") + &"src=1.1.1.1 ".repeat(n / 12), &|text| {
            drop(black_box(parse::conntrack::parse(text)));
        }),
        ("ipset: two sets in turn", |n| "add a 1\nadd b 1\n".repeat(n / 16), &|text| drop(black_box(parse::ipset::parse(text)))),
        ("ipset: as many sets as members", |n| numbered(n, |out, i| writeln!(out, "add s{i} 1")), &|text| {
            drop(black_box(parse::ipset::parse(text)));
        }),
        ("ipvs: destinations of the first service", ipvs, &|text| drop(black_box(parse::ipvs::parse(text)))),
        ("sysctl: the same key", |n| "a.b = 1\n".repeat(n / 8), &|text| drop(black_box(parse::sysctl::parse(text)))),
        ("sysctl: one long key", |n| "a.".repeat(n / 2) + " = 1\n", &|text| drop(black_box(parse::sysctl::parse(text)))),
        ("cmdline: one line of quotes", |n| "' ".repeat(n / 2), &|text| drop(black_box(parse::cmdline::parse(text)))),
        ("conntrack -S: one line", |n| "cpu=0 ".repeat(n / 6), &|text| drop(black_box(parse::conntrack_stats::parse(text)))),
        ("modules.builtin: one path", |n| "a/.ko".repeat(n / 5), &|text| drop(black_box(parse::modules::parse_builtin(text)))),
        ("kernel log: one line", |n| "table overflow [".repeat(n / 16), &|text| drop(black_box(parse::kernel_log::parse(text)))),
        ("cni: plugins on lines", |n| format!("{{\"plugins\":[{}1]}}", "{\"type\":\"x\"}\n,".repeat(n / 14)), &|text| {
            drop(black_box(parse::cni::parse(text)));
        }),
        ("kube-proxy: nested yaml", |n| "a: [".repeat(n / 4), &|text| drop(black_box(parse::kube_proxy::parse(text)))),
        ("kube-proxy: aliases", |n| String::from("a: &a [x]\nb: [") + &"*a,".repeat(n / 3) + "]\n", &|text| {
            drop(black_box(parse::kube_proxy::parse(text)));
        }),
        ("kube-proxy: CIDRs", |n| format!("clusterCIDR: {}\n", "x,".repeat(n / 2)), &|text| {
            drop(black_box(parse::kube_proxy::parse(text)));
        }),
        ("subnet.env: networks", |n| String::from("FLANNEL_NETWORK=") + &"x,".repeat(n / 2), &|text| {
            drop(black_box(parse::flannel::parse_subnet_env(text)));
        }),
        ("resolv.conf: search lines", |n| "search a b c d e f\n".repeat(n / 19), &|text| {
            drop(black_box(parse::resolv_conf::parse(text)));
        }),
    ];
    println!("{:<44} {:>10} {:>10} {:>7}", "text", "1/4 MiB", "1 MiB", "ratio");
    for (name, make, parse) in cases {
        let [small, large] = [1 << 18, 1 << 20].map(|bytes| time(parse, &make(bytes)));
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        let verdict = if ratio > 8.0 && large > Duration::from_millis(20) { "  faster than the text" } else { "" };
        println!("{name:<44} {:>8.2}ms {:>8.2}ms {ratio:>7.1}{verdict}", small.as_secs_f64() * 1e3, large.as_secs_f64() * 1e3);
    }
}

/// The mean of as many runs as take a while; of one, where one takes long.
fn time(parse: &dyn Fn(&str), text: &str) -> Duration {
    let begin = Instant::now();
    let start = cpu();
    let mut runs = 0;
    // The kernel counts in ticks of a few milliseconds.
    while runs == 0 || (cpu().saturating_sub(start) < Duration::from_millis(80) && begin.elapsed() < Duration::from_secs(2)) {
        parse(text);
        runs += 1;
    }
    cpu().saturating_sub(start) / runs
}

/// Lines with a number, up to about that many bytes.
fn numbered(bytes: usize, mut line: impl FnMut(&mut String, usize) -> std::fmt::Result) -> String {
    let mut out = String::with_capacity(bytes + 64);
    for i in 0.. {
        if out.len() >= bytes {
            break;
        }
        // Writing to a string cannot fail.
        let _ = line(&mut out, i);
    }
    out
}

/// Many services, then destinations of the first one.
fn ipvs(bytes: usize) -> String {
    let services = numbered(bytes / 2, |out, i| writeln!(out, "-A -f {i} -s rr"));
    services + &"-a -f 0 -r 10.0.0.1:80 -m -w 1\n".repeat(bytes / 62)
}
