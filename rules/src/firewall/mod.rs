//! Rules that drop what must pass. Every rule here evaluates chains in order; none looks for a word in a ruleset.

pub(crate) mod overlay_port_dropped;
pub(crate) mod pod_forward_dropped;

use netmodel::walk::{Blocker, Decision, Hook, Packet, Place, Table, evaluate};
use netmodel::{Evidence, Family, Missing, Node};

use crate::finding::{Finding, Remedy, When};

/// A packet that must pass some hooks.
pub(super) struct Probe {
    /// What it is, for people: `pod 10.244.1.2 to pod 10.244.2.2`.
    pub(super) name: String,
    /// The hooks in the order in which it meets them, with the packet as it looks there.
    pub(super) hooks: Vec<(Hook, Packet)>,
}

/// What stops a probe.
pub(super) struct Stopped {
    /// The line that decides.
    pub(super) place: Place,
    /// The jumps that lead to it.
    pub(super) trail: Vec<Place>,
    /// Whether the sender is told.
    pub(super) rejected: bool,
    /// The probes that it stops.
    pub(super) probes: Vec<String>,
}

/// What stops probes, grouped by the line that decides, in the order of the probes.
///
/// # Errors
/// When nothing is stopped for certain, and something cannot be decided.
pub(super) fn send(node: &Node, probes: &[Probe]) -> Result<Vec<Stopped>, Missing> {
    let mut stopped: Vec<Stopped> = Vec::new();
    let mut undecided = None;
    for probe in probes {
        match pass(node, probe) {
            Passage::Passes => {}
            Passage::Stopped { place, trail, rejected } => match stopped.iter_mut().find(|s| s.place == place) {
                Some(known) => known.probes.push(probe.name.clone()),
                None => stopped.push(Stopped { place, trail, rejected, probes: vec![probe.name.clone()] }),
            },
            Passage::Undecided(missing) => {
                undecided.get_or_insert(missing);
            }
        }
    }
    match undecided {
        Some(missing) if stopped.is_empty() => Err(missing),
        _ => Ok(stopped),
    }
}

enum Passage {
    Passes,
    Stopped { place: Place, trail: Vec<Place>, rejected: bool },
    Undecided(Missing),
}

fn pass(node: &Node, probe: &Probe) -> Passage {
    let mut undecided = None;
    for (hook, packet) in &probe.hooks {
        let verdict = match evaluate(node, *hook, packet) {
            Ok(verdict) => verdict,
            // What this hook lacks does not matter if a later one stops the packet for certain.
            Err(missing) => {
                undecided.get_or_insert(Passage::Undecided(missing));
                continue;
            }
        };
        match verdict.decision {
            Decision::Accept => {}
            Decision::Drop | Decision::Reject { .. } => {
                let rejected = matches!(verdict.decision, Decision::Reject { .. });
                if let Some(place) = verdict.deciding.into_iter().next() {
                    return Passage::Stopped { place, trail: verdict.trail, rejected };
                }
            }
            // A later hook may stop it for certain.
            Decision::Undecided => {
                undecided.get_or_insert(Passage::Undecided(why_not(probe, *hook, verdict.blockers)));
            }
        }
    }
    undecided.unwrap_or(Passage::Passes)
}

fn why_not(probe: &Probe, hook: Hook, blockers: Vec<Blocker>) -> Missing {
    let what = format!("whether {} passes", probe.name);
    match blockers.into_iter().next() {
        Some(Blocker { place, reason }) => {
            let Evidence { capture, line, text } = place.evidence;
            Missing { capture, what, why: format!("line {line} ({text}): {reason}") }
        }
        None => Missing { capture: "node/nft-ruleset.json".to_owned(), what, why: format!("{} cannot be decided", hook.chain()) },
    }
}

/// Whether a line belongs to an engine of network policies: what it drops was meant to be dropped.
pub(super) fn is_network_policy(place: &Place) -> bool {
    [
        "KUBE-POD-FW-",
        "KUBE-NWPLCY-",
        "KUBE-NETWORK-POLICY",
        "cali-tw-",
        "cali-fw-",
        "cali-pi-",
        "cali-po-",
        "WEAVE-NPC",
        "CILIUM_",
    ]
    .iter()
    .any(|prefix| place.chain.starts_with(prefix))
}

/// "active" or "latent", by what the line counted.
pub(super) fn counted(place: &Place) -> String {
    match place.counters {
        Some(counters) if counters.packets > 0 => format!("It has stopped {} packets so far.", counters.packets),
        Some(_) => "It has not counted a packet yet.".to_owned(),
        None => "The capture has no counters.".to_owned(),
    }
}

/// What stands where, for people: `filter FORWARD of iptables-nft`.
pub(super) fn whereabouts(place: &Place, family: Family) -> String {
    match &place.table {
        Table::Iptables(backend, kind) => format!("{} {} of {}", kind.name(), place.chain, tool(*backend, family)),
        Table::Nft(nft_family, name) => format!("{} of nft table {nft_family} {name}", place.chain),
    }
}

fn tool(backend: netmodel::state::netfilter::Backend, family: Family) -> &'static str {
    use netmodel::state::netfilter::Backend::{Legacy, Nft};
    match (backend, family) {
        (Legacy, Family::V4) => "iptables-legacy",
        (Legacy, Family::V6) => "ip6tables-legacy",
        (Nft, Family::V4) => "iptables-nft",
        (Nft, Family::V6) => "ip6tables-nft",
    }
}

/// Lifts what stops the probes: the rule is deleted, or accepts are put before the policy.
pub(super) fn lift(finding: Finding, place: &Place, family: Family, accepts: &[String]) -> Finding {
    let Table::Iptables(backend, kind) = &place.table else {
        let advice =
            format!("remove the rule from {}, or accept the traffic in that chain before it", whereabouts(place, family));
        return finding.remedy(Remedy::advice(When::Now, advice));
    };
    let tool = tool(*backend, family);
    if place.is_policy {
        return accepts.iter().fold(finding, |finding, accept| {
            finding.remedy(Remedy::now(format!("{tool} -t {} -A {} {accept} -j ACCEPT", kind.name(), place.chain)))
        });
    }
    // The line as iptables-save prints it, without its counters; -D takes the same words as -A.
    let rule = place.evidence.text.trim();
    let rule = rule.strip_prefix('[').and_then(|r| r.split_once("] ")).map_or(rule, |(_, rule)| rule);
    match rule.strip_prefix("-A ") {
        Some(rule) => finding.remedy(Remedy::now(format!("{tool} -t {} -D {rule}", kind.name()))),
        None => finding.remedy(Remedy::advice(When::Now, format!("remove the rule from {}", whereabouts(place, family)))),
    }
}
