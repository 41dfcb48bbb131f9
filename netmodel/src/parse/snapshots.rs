//! What every parser makes of the files in `fixtures/captures/<format>/`: one record a line, places resolved to their text.

use std::fmt::Debug;

use super::{
    Parsed, bridge, cmdline, cni, conntrack, conntrack_stats, flannel, ip_addr, ip_neigh, ip_nexthop, ip_route, ip_rule, ipset,
    ipvs, kernel_log, kube_proxy, modules, modules_load, resolv_conf, sysctl, sysctl_d,
};
use crate::family::Family;

/// Records and problems as text, in which each place is `LINE:"what stands there"`.
fn show<T: Debug>(text: &str, records: impl IntoIterator<Item = T>, problems: &[crate::source::Problem]) -> String {
    let place = regex::Regex::new(r"At \{ line: (\d+), start: (\d+), end: (\d+) \}").expect("a valid pattern");
    let resolve = |record: String| {
        let replaced = place.replace_all(&record, |found: &regex::Captures<'_>| {
            let [line, start, end] = [1, 2, 3].map(|i| found[i].parse::<usize>().expect("a number"));
            let part: String = text.get(start..end).unwrap_or("(not in the text)").chars().take(48).collect();
            format!("{line}:{part:?}")
        });
        replaced.into_owned()
    };
    let mut out: Vec<String> = records.into_iter().map(|r| resolve(format!("{r:?}"))).collect();
    out.extend(problems.iter().map(|p| resolve(format!("PROBLEM {p:?}"))));
    out.join("\n")
}

fn list<T: Debug>(text: &str, parsed: &Parsed<Vec<T>>) -> String {
    show(text, &parsed.value, &parsed.problems)
}

fn one<T: Debug>(text: &str, parsed: &Parsed<T>) -> String {
    show(text, [&parsed.value], &parsed.problems)
}

fn understand(format: &str, text: &str) -> String {
    match format {
        "sysctl" => {
            let parsed = sysctl::parse(text);
            show(text, parsed.value.entries(), &parsed.problems)
        }
        "ip-addr" | "ip-link" => list(text, &ip_addr::parse(text)),
        "ip-route" => list(text, &ip_route::parse(text, Family::V4)),
        "ip-rule" => list(text, &ip_rule::parse(text, Family::V4)),
        "ip-neigh" => list(text, &ip_neigh::parse(text)),
        "ip-nexthop" => list(text, &ip_nexthop::parse(text)),
        "bridge-fdb" => list(text, &bridge::parse_fdb(text)),
        "bridge-link" => list(text, &bridge::parse_link(text)),
        "ipvs" => {
            let parsed = ipvs::parse(text);
            show(text, &parsed.value.services, &parsed.problems)
        }
        "conntrack" => {
            let parsed = conntrack::parse(text);
            show(text, &parsed.value.entries, &parsed.problems)
        }
        "conntrack-stats" => {
            let parsed = conntrack_stats::parse(text);
            show(text, &parsed.value.cpus, &parsed.problems)
        }
        "ipset" => {
            let parsed = ipset::parse(text);
            let sets = parsed.value.sets.iter().map(|s| (s, parsed.value.members_of(s)));
            show(text, sets, &parsed.problems)
        }
        "resolv-conf" => one(text, &resolv_conf::parse(text)),
        "modules" => one(text, &modules::parse_loaded(text)),
        "modules-builtin" => one(text, &modules::parse_builtin(text)),
        "sysctl-d" => {
            let parsed = sysctl_d::parse(text);
            show(text, &parsed.value.settings, &parsed.problems)
        }
        "modules-load" => list(text, &modules_load::parse(text)),
        "subnet-env" => one(text, &flannel::parse_subnet_env(text)),
        "net-conf" => one(text, &flannel::parse_net_conf(text)),
        "cni" => one(text, &cni::parse(text)),
        "kube-proxy" => one(text, &kube_proxy::parse(text)),
        "cmdline" => one(text, &cmdline::parse(text)),
        "kernel-log" => list(text, &kernel_log::parse(text)),
        _ => format!("no parser for {format}"),
    }
}

/// The formats whose files are read here; other parsers have tests of their own.
const FORMATS: &[&str] = &[
    "sysctl",
    "ip-addr",
    "ip-link",
    "ip-route",
    "ip-rule",
    "ip-neigh",
    "ip-nexthop",
    "bridge-fdb",
    "bridge-link",
    "ipvs",
    "conntrack",
    "conntrack-stats",
    "ipset",
    "resolv-conf",
    "modules",
    "modules-builtin",
    "sysctl-d",
    "modules-load",
    "subnet-env",
    "net-conf",
    "cni",
    "kube-proxy",
    "cmdline",
    "kernel-log",
];

#[test]
fn captures_are_understood() {
    for format in FORMATS {
        insta::glob!("../../../fixtures/captures", &format!("{format}/*"), |path| {
            let text = std::fs::read_to_string(path).expect("a fixture can be read");
            let name = format!("{format}-{}", path.file_name().expect("a file").to_string_lossy());
            insta::with_settings!({ snapshot_suffix => "", omit_expression => true }, {
                insta::assert_snapshot!(name, understand(format, &text));
            });
        });
    }
}

/// A capture cut at any byte gives no panic and nothing that the whole one does not have.
#[test]
fn captures_may_be_cut_anywhere() {
    for format in FORMATS {
        insta::glob!("../../../fixtures/captures", &format!("{format}/*"), |path| {
            let text = std::fs::read_to_string(path).expect("a fixture can be read");
            for end in (0..text.len()).step_by(1 + text.len() / 97) {
                let _ = understand(format, text.get(..end).unwrap_or_default());
            }
        });
    }
}
