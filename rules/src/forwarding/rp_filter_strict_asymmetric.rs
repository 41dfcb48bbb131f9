//! `forwarding/rp-filter-strict-asymmetric`: the reverse path filter drops packets whose answer would leave by another interface.

use std::collections::BTreeMap;

use netmodel::parse::ip_route::{Route, RouteKind, Table};
use netmodel::{Evidence, Fact, Family, Missing, Node};

use crate::finding::{Confidence, Finding, Severity};
use crate::remedy;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "forwarding/rp-filter-strict-asymmetric",
    title: "The strict reverse path filter meets asymmetric routes",
    severity: Severity::Warning,
    since: "0.1.0",
    page: r"
## What it checks
The interface of the default route has an effective rp_filter of 1 (the larger of `all` and the interface's own), routes to some networks
leave by another interface, and `TcpExt` counted `IPReversePathFilter`: packets were dropped for it.

## Why it matters
With rp_filter 1 the kernel drops a packet whose source it would not route back by the interface that the packet came in by
(`__fib_validate_source()`, net/ipv4/fib_frontend.c). A client in one of those networks that reaches the node by its main interface, for
example by a NodePort, is dropped without a trace but for that counter.

## Evidence
Both sysctls, the route that leaves elsewhere, and the counter.

## Remedy
rp_filter 2 (loose): the source must be routed by some interface. Or make the routes symmetric.

## When it can be wrong
The counter counts since boot and for all interfaces: the drops may be old, or of martians elsewhere. Hence `likely`, and a warning. Which
networks really send to this node by that interface is not in a bundle.

## Seen in
calicoctl#1082, fedora-coreos#219.
",
    check,
};

fn check(node: &Node) -> Check {
    let routes = node.routes(Family::V4)?;
    let unicast = |r: &&Route| r.kind == RouteKind::Unicast && r.table == Table::MAIN && r.dev.is_some();
    let Some(default) = routes.iter().filter(unicast).filter(|r| r.dst.prefix_len() == 0).min_by_key(|r| r.metric) else {
        return Ok(Outcome::NotApplicable("there is no default route by one interface".to_owned()));
    };
    let dev = default.dev.as_deref().unwrap_or_default();
    let Some(strict) = strict(node, dev)? else { return Ok(Outcome::Clear) };
    // A network behind a router on another interface; pods and directly attached networks come in where they are.
    let elsewhere: BTreeMap<&str, &Route> = routes
        .iter()
        .filter(unicast)
        .filter(|r| r.dst.prefix_len() > 0 && r.gateway.is_some() && !r.has_flag("onlink"))
        .filter_map(|r| r.dev.as_deref().filter(|other| *other != dev).map(|other| (other, r)))
        .collect();
    if elsewhere.is_empty() {
        return Ok(Outcome::Clear);
    }
    // The name that net/ipv4/proc.c gives LINUX_MIB_IPRPFILTER.
    let dropped = node.netstat_counter("TcpExt", "IPReversePathFilter")?;
    let count = dropped.value;
    if count == 0 {
        return Ok(Outcome::Clear);
    }
    let networks: Vec<String> = elsewhere.iter().map(|(other, r)| format!("{} (by {other})", r.dst)).collect();
    let finding = Finding::new(
        Severity::Warning,
        Confidence::Likely,
        format!("strict rp_filter on {dev} drops packets from networks that are routed elsewhere"),
        format!(
            "Packets from {} that arrive on {dev} are dropped, because their answers would leave by another interface. {count} packets were \
             dropped by the reverse path filter since boot.",
            networks.join(", ")
        ),
    )
    .because_all(strict)
    .because_all(elsewhere.values().map(|r| routes.evidence(r)))
    .because(dropped.source.evidence_text(dropped.at, format!("TcpExt IPReversePathFilter {count}")))
    .affects(format!("clients in {} that reach this node by {dev}", networks.join(", ")));
    // The larger of both counts, so that `all` alone makes every interface loose.
    Ok(Outcome::Found(vec![remedy::sysctl(finding, "net.ipv4.conf.all.rp_filter", "2")]))
}

/// The sysctls that make the filter strict on an interface, if it is strict.
fn strict(node: &Node, dev: &str) -> Result<Option<Vec<Evidence>>, Missing> {
    let all = node.sysctl_int("net.ipv4.conf.all.rp_filter")?;
    let own = node.sysctl_if_int("net.ipv4.conf", dev, "rp_filter")?;
    let shown = || [all, own].iter().map(Fact::evidence).collect();
    Ok((all.value.max(own.value) == 1).then(shown))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture, Key};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    fn node(all: u8, own: u8, route: &str, drops: u32) -> Sketch {
        let default = r#"{"type":"unicast","dst":"default""#;
        Sketch::healthy()
            .edit(
                Capture::Sysctl,
                "net.ipv4.ip_forward = 1\n",
                &format!("net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = {all}\nnet.ipv4.conf.eth0.rp_filter = {own}\n"),
            )
            .edit(Capture::IpRoute4, default, &format!("{route}{default}"))
            .with(Key::node(Capture::ProcNetNetstat), &format!("TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 0 {drops}\n"))
    }

    const OTHER: &str =
        r#"{"type":"unicast","dst":"203.0.113.0/24","gateway":"192.168.60.1","dev":"eth1","table":"main","flags":[]},"#;

    #[test]
    fn fires_when_strict_asymmetric_and_counting() {
        let findings = found(check(&node(0, 1, OTHER, 8).node()));
        assert_eq!(findings[0].evidence.last().expect("evidence").text, "TcpExt IPReversePathFilter 8");
        assert!(findings[0].message.contains("203.0.113.0/24 (by eth1)"), "{}", findings[0].message);
    }

    #[test]
    fn keeps_quiet_when_loose_symmetric_or_not_counting() {
        clear(check(&node(2, 1, OTHER, 8).node()));
        clear(check(&node(1, 1, "", 8).node()));
        clear(check(&node(1, 1, OTHER, 0).node()));
    }

    #[test]
    fn does_not_apply_without_a_default_route() {
        not_applicable(check(&Sketch::without_pods().node()));
    }

    #[test]
    fn says_unknown_without_sysctls_or_counters() {
        unknown(check(&node(1, 1, OTHER, 8).without(Capture::ProcNetNetstat, AbsentWhy::TimedOut).node()), "node/netstat.txt");
        unknown(check(&Sketch::healthy().node()), "node/sysctl.txt");
    }
}
