//! `conntrack/stale-service-nat`: a UDP client keeps talking to an endpoint that is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netmodel::parse::conntrack::Entry;
use netmodel::parse::iptables::{End, MatchKind, Ruleset, TableKind, Target};
use netmodel::state::Doc;
use netmodel::state::netfilter::Backend;
use netmodel::state::pod_network::ProxyMode;
use netmodel::walk::packet::UDP;
use netmodel::{Family, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule, conclude};

pub(crate) const RULE: Rule = Rule {
    id: "conntrack/stale-service-nat",
    title: "A UDP connection is translated to an endpoint that is gone",
    severity: Severity::Warning,
    since: "0.1.0",
    page: r"
## What it checks
In iptables mode: each tracked UDP connection to a Service's address was translated to an endpoint that the Service's rules still name.

## Why it matters
Rules are asked for the first packet of a connection only. A UDP client that keeps its source port (DNS resolvers, syslog, SIP) renews the
entry with every packet, so it goes to the old endpoint for as long as it tries, while new clients are well. kube-proxy deletes such
entries when it sees the endpoint go; when it was down at that moment, they stay.

## Evidence
The entry.

## Remedy
Delete the entries: the next packet is translated anew.

## When it can be wrong
An endpoint that went less than a minute ago: kube-proxy may be about to delete the entry.
",
    check,
};

/// More entries than these show nothing new.
const SHOWN: usize = 5;

fn check(node: &Node) -> Check {
    let network = node.pod_network()?;
    let mode = network.proxy_mode.as_ref().map_err(Clone::clone)?.value;
    if mode != ProxyMode::Iptables {
        return Ok(Outcome::NotApplicable(format!("kube-proxy runs in {} mode", role::mode_word(mode))));
    }
    let (mut services, mut endpoints) = (BTreeSet::new(), BTreeSet::new());
    for family in Family::ALL {
        for backend in Backend::ALL {
            let doc = node.iptables(backend, family)?;
            // An endpoint that the cut-off part names would be called gone.
            doc.source.whole()?;
            translations(doc, &mut services, &mut endpoints);
        }
    }
    let conntrack = node.conntrack()?;
    let mut stale: BTreeMap<(IpAddr, u16, IpAddr), Vec<&Entry>> = BTreeMap::new();
    for entry in conntrack.entries.iter().filter(|e| e.protocol == UDP && e.original.dst != e.reply.src) {
        let (to, from) = (&entry.original, &entry.reply);
        if services.contains(&(to.dst, to.dport)) && !endpoints.contains(&from.src) {
            stale.entry((to.dst, to.dport, from.src)).or_default().push(entry);
        }
    }
    let findings = stale.into_iter().map(|((service, port, gone), entries)| {
        Finding::new(
            Severity::Warning,
            Confidence::Certain,
            format!("{} UDP connection(s) to {service}:{port} go to {gone}, which is no endpoint any more", entries.len()),
            "Each is renewed by its client's own packets and never reaches a live endpoint; new clients are not concerned.",
        )
        .because_all(entries.iter().take(SHOWN).map(|entry| conntrack.source.evidence(entry.at)))
        .affects(format!("clients that keep their source port towards {service}:{port}"))
        .remedy(Remedy::now(format!("conntrack -D -p udp --orig-dst {service} --dport {port} --reply-src {gone}")))
        .remedy(Remedy::advice(When::Persistent, "see that kube-proxy runs: it deletes such entries when endpoints go"))
    });
    conclude(findings.collect(), conntrack.complete().err())
}

/// Service addresses with UDP ports, and the addresses that kube-proxy's rules translate to.
fn translations(doc: &Doc<Ruleset>, services: &mut BTreeSet<(IpAddr, u16)>, endpoints: &mut BTreeSet<IpAddr>) {
    let text = &doc.source.text;
    let Some(nat) = doc.table(TableKind::Nat) else { return };
    for (id, chain) in doc.chains_of(nat) {
        let of_services = chain.name.of(text) == "KUBE-SERVICES";
        for (_, rule) in doc.rules_of(id) {
            if let Target::Dnat(to) = rule.target
                && let Some((address, _)) = to.addr
            {
                endpoints.insert(address);
            }
            if !of_services {
                continue;
            }
            let (mut address, mut port, mut udp) = (None, None, false);
            for condition in doc.matches_of(rule).iter().filter(|m| !m.negated) {
                match condition.kind {
                    MatchKind::Destination(net) => address = net.prefix().filter(|n| n.prefix_len() == n.max_prefix_len()),
                    MatchKind::Protocol(number) => udp = number == UDP,
                    MatchKind::Port(End::Dst, range) if range.first == range.last => port = Some(range.first),
                    _ => {}
                }
            }
            if let (Some(address), Some(port), true) = (address, port, udp) {
                services.insert((address.addr(), port));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture, Key};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    fn with_entry(reply: &str) -> Sketch {
        let jump = "[0:0] -A OUTPUT -j KUBE-SERVICES\n";
        let rules = "[0:0] -A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment \"kube-system/kube-dns:dns\" -m udp --dport 53 -j KUBE-SVC-A\n\
                     [0:0] -A KUBE-SVC-A -j KUBE-SEP-A\n[0:0] -A KUBE-SEP-A -p udp -m udp -j DNAT --to-destination 10.244.2.2:53\n";
        let entry = format!(
            "ipv4     2 udp      17 27 src=10.244.1.2 dst=10.96.0.10 sport=40000 dport=53 [UNREPLIED] src={reply} dst=10.244.1.2 sport=53 \
             dport=40000 mark=0 zone=0 use=2\n"
        );
        Sketch::healthy()
            .edit(Capture::IptablesNftSave, jump, &format!("{jump}{rules}"))
            .edit(Capture::IptablesNftSave, "*nat\n", "*nat\n:KUBE-SVC-A - [0:0]\n:KUBE-SEP-A - [0:0]\n")
            .with(Key::node(Capture::Conntrack), &entry)
    }

    #[test]
    fn fires_for_an_endpoint_that_no_rule_names() {
        let findings = found(check(&with_entry("10.244.2.99").node()));
        assert_eq!(findings[0].severity, Severity::Warning);
        assert_eq!(
            findings[0].remedy[0],
            Remedy::now("conntrack -D -p udp --orig-dst 10.96.0.10 --dport 53 --reply-src 10.244.2.99")
        );
    }

    #[test]
    fn keeps_quiet_for_a_live_endpoint_and_for_what_is_not_translated() {
        clear(check(&with_entry("10.244.2.2").node()));
        clear(check(&with_entry("10.96.0.10").node()));
        // Not a Service: somebody else's NAT.
        clear(check(&with_entry("10.244.2.99").edit(Capture::Conntrack, "dst=10.96.0.10", "dst=203.0.113.5").node()));
    }

    #[test]
    fn does_not_apply_in_ipvs_mode() {
        not_applicable(check(&Sketch::ipvs("").node()));
    }

    #[test]
    fn says_unknown_without_the_table_or_the_rules() {
        let node = with_entry("10.244.2.99").without(Capture::Conntrack, AbsentWhy::ToolMissing).node();
        unknown(check(&node), "node/conntrack.txt");
        let node = with_entry("10.244.2.99").without(Capture::IptablesLegacySave, AbsentWhy::TimedOut).node();
        unknown(check(&node), "node/iptables-legacy-save.txt");
    }
}
