//! Where a packet is routed: policy rules in order, then longest-prefix match, as `fib_rules_lookup` in net/core/fib_rules.c does it.

use std::net::IpAddr;
use std::sync::Arc;

use bundle::Capture;

use super::routes::Routes;
use super::{Doc, Node};
use crate::family::Family;
use crate::parse::ip_addr::LinkKind;
use crate::parse::ip_route::{Route, RouteKind, Table};
use crate::parse::ip_rule::{self, PolicyRule, RuleAction};
use crate::source::{Evidence, Fact, Missing};

/// What policy rules may ask of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Selector<'a> {
    /// The source address; `None` where it is not chosen yet (a local socket that is not bound).
    pub src: Option<IpAddr>,
    /// The device by which it came in; `None` for a packet that is made here (the kernel takes `lo` then).
    pub iif: Option<&'a str>,
    /// The device that the sending socket is bound to.
    pub oif: Option<&'a str>,
    /// The mark; `None` where it is not known: then a rule that asks for it makes the answer unknown.
    pub mark: Option<u32>,
    /// The IP protocol; `None` where it is not known.
    pub ipproto: Option<u8>,
    /// The source port; `None` where it is not known.
    pub sport: Option<u16>,
    /// The destination port; `None` where it is not known.
    pub dport: Option<u16>,
}

impl Default for Selector<'_> {
    /// A packet that is made here, without a mark.
    fn default() -> Self {
        Self { src: None, iif: None, oif: None, mark: Some(0), ipproto: None, sport: None, dport: None }
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteOutcome {
    /// It is sent to one of the hops.
    Forward,
    /// It is delivered here.
    Local,
    /// It is sent as a link broadcast (on input: delivered here).
    Broadcast,
    /// It is multicast.
    Multicast,
    /// It is dropped silently.
    Blackhole,
    /// It is dropped: "host unreachable".
    Unreachable,
    /// It is dropped: "administratively prohibited".
    Prohibit,
    /// No rule gave a route: "network unreachable".
    NoRoute,
}

/// Where a packet is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The next router; `None` when the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The device.
    pub dev: Option<Arc<str>>,
    /// Its share among several.
    pub weight: u32,
}

/// How a packet is routed, and what decided.
#[derive(Clone, Debug)]
pub struct RouteDecision<'n> {
    /// What becomes of the packet.
    pub outcome: RouteOutcome,
    /// The rule that decided; `None` when every rule was passed without one.
    pub rule: Option<Fact<'n, &'n PolicyRule>>,
    /// The route that decided; `None` when a rule alone did, or nothing.
    pub route: Option<Fact<'n, &'n Route>>,
    /// Where it is sent: one hop, or several for ECMP.
    pub hops: Vec<Hop>,
}

impl RouteDecision<'_> {
    /// The device, where it is one for all hops.
    #[must_use]
    pub fn dev(&self) -> Option<&str> {
        let first = self.hops.first()?.dev.as_deref()?;
        self.hops.iter().all(|h| h.dev.as_deref() == Some(first)).then_some(first)
    }

    /// What decided: the rule and the route.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        self.rule.iter().map(Fact::evidence).chain(self.route.iter().map(Fact::evidence)).collect()
    }
}

/// What a table holds for a destination.
type Found<'n> = (&'n Route, RouteOutcome, Vec<Hop>);

impl Node {
    /// The policy rules of a family, in the kernel's order.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn policy_rules(&self, family: Family) -> Result<&Doc<Vec<PolicyRule>>, Missing> {
        let (cell, capture) = match family {
            Family::V4 => (&self.cells.rules4, Capture::IpRule4),
            Family::V6 => (&self.cells.rules6, Capture::IpRule6),
        };
        cell.get(|| self.doc(capture, |text| ip_rule::parse(text, family)))
    }

    /// Where a packet to `dst` is routed. Routes that hold for a TOS only are passed over: the packet has none.
    ///
    /// # Errors
    /// [`Missing`] when rules or routes are absent or not whole, or when a rule asks for something that is not known.
    pub fn route_lookup(&self, dst: IpAddr, selector: &Selector<'_>) -> Result<RouteDecision<'_>, Missing> {
        let family = Family::of(dst);
        let rules = self.policy_rules(family)?;
        let routes = self.routes(family)?;
        rules.complete()?;
        routes.complete()?;
        let mut next = 0;
        while let Some(rule) = rules.get(next) {
            next += 1;
            if !self.rule_matches(rules, rule, dst, selector)? {
                continue;
            }
            let by_rule =
                |outcome| RouteDecision { outcome, rule: Some(rules.fact(rule, rule.at)), route: None, hops: Vec::new() };
            match &rule.action {
                RuleAction::Nop => {}
                RuleAction::Goto(priority) => {
                    // The kernel jumps forward only (fib_nl_newrule refuses others); without its target the rule does nothing.
                    let target = rules.iter().enumerate().skip(next).find(|(_, r)| r.priority == *priority);
                    next = target.map_or(next, |(i, _)| i);
                }
                RuleAction::Blackhole => return Ok(by_rule(RouteOutcome::Blackhole)),
                RuleAction::Unreachable => return Ok(by_rule(RouteOutcome::NoRoute)),
                RuleAction::Prohibit => return Ok(by_rule(RouteOutcome::Prohibit)),
                RuleAction::Other(word) => {
                    return Err(unknown_rule(rules, rule, &format!("its action `{word}` is not known")));
                }
                RuleAction::Lookup(table) => {
                    if let Some((route, outcome, hops)) = self.table_lookup(routes, table, dst, selector)?
                        && !self.suppressed(rules, rule, route, outcome, &hops)?
                    {
                        return Ok(RouteDecision { route: Some(routes.fact(route)), hops, ..by_rule(outcome) });
                    }
                }
            }
        }
        Ok(RouteDecision { outcome: RouteOutcome::NoRoute, rule: None, route: None, hops: Vec::new() })
    }

    /// Whether a rule takes a packet: `fib_rule_match` with the family's own `match`.
    fn rule_matches(
        &self,
        rules: &Doc<Vec<PolicyRule>>,
        rule: &PolicyRule,
        dst: IpAddr,
        selector: &Selector<'_>,
    ) -> Result<bool, Missing> {
        // `None`: not known. One selector that surely does not match settles it, whatever the unknown ones are.
        let mut answers: Vec<(&str, Option<bool>)> = Vec::new();
        if let Some(to) = rule.to {
            answers.push(("to", Some(to.contains(&dst))));
        }
        if let Some(from) = rule.from {
            // A source that is not chosen yet is 0.0.0.0, which only a prefix of length 0 covers.
            answers.push(("from", Some(selector.src.map_or(from.prefix_len() == 0, |src| from.contains(&src)))));
        }
        if let Some(iif) = &rule.iif {
            // What is made here is looked up with `lo` as incoming device.
            answers.push(("iif", Some(&**iif == selector.iif.unwrap_or("lo"))));
        }
        if let Some(oif) = &rule.oif {
            answers.push(("oif", Some(Some(&**oif) == selector.oif)));
        }
        if let Some((value, mask)) = rule.fwmark {
            answers.push(("fwmark", selector.mark.map(|mark| (value ^ mark) & mask == 0)));
        }
        if let Some(proto) = &rule.ipproto {
            answers.push(("ipproto", protocol(proto).and_then(|wanted| Some(wanted == selector.ipproto?))));
        }
        for (name, range, port) in [("sport", rule.sport, selector.sport), ("dport", rule.dport, selector.dport)] {
            if let Some((low, high)) = range {
                answers.push((name, port.map(|p| (low..=high).contains(&p))));
            }
        }
        if rule.tos.is_some() {
            answers.push(("tos", None));
        }
        for name in &rule.unknown {
            answers.push((name, self.unknown_selector(name)));
        }
        let matched = if answers.iter().any(|(_, a)| *a == Some(false)) {
            false
        } else if let Some((name, _)) = answers.iter().find(|(_, a)| a.is_none()) {
            return Err(unknown_rule(rules, rule, &format!("it asks for `{name}`, which is not known")));
        } else {
            true
        };
        Ok(matched != rule.not)
    }

    /// `l3mdev` takes packets of devices in a VRF: where there is no VRF it takes none.
    fn unknown_selector(&self, name: &str) -> Option<bool> {
        let links = self.links().ok()?;
        let no_vrf =
            links.complete().is_ok() && !links.iter().any(|l| matches!(l.kind, LinkKind::Vrf { .. } | LinkKind::Unknown));
        (name == "l3mdev" && no_vrf).then_some(false)
    }

    /// `fib_table_lookup`: the first usable route; `None` where there is none or it is a `throw`.
    fn table_lookup<'n>(
        &self,
        routes: &'n Routes,
        table: &Table,
        dst: IpAddr,
        selector: &Selector<'_>,
    ) -> Result<Option<Found<'n>>, Missing> {
        for route in routes.lookup(table, dst) {
            // A source-specific route (IPv6 subtrees) holds for its sources only.
            let other_source = route.src.is_some_and(|net| !selector.src.is_some_and(|src| net.contains(&src)));
            if route.tos.is_some() || other_source || route.has_flag("dead") {
                continue;
            }
            let outcome = match &route.kind {
                RouteKind::Throw => return Ok(None),
                RouteKind::Unicast => RouteOutcome::Forward,
                RouteKind::Local | RouteKind::Anycast => RouteOutcome::Local,
                RouteKind::Broadcast => RouteOutcome::Broadcast,
                RouteKind::Multicast => RouteOutcome::Multicast,
                RouteKind::Blackhole => RouteOutcome::Blackhole,
                RouteKind::Unreachable => RouteOutcome::Unreachable,
                RouteKind::Prohibit => RouteOutcome::Prohibit,
                RouteKind::Other(kind) => {
                    let source = routes.source();
                    return Err(Missing::new(
                        &source.key,
                        format!("the route to {dst}"),
                        format!("its type `{kind}` is not known"),
                    ));
                }
            };
            if matches!(outcome, RouteOutcome::Blackhole | RouteOutcome::Unreachable | RouteOutcome::Prohibit) {
                return Ok(Some((route, outcome, Vec::new())));
            }
            let mut hops = self.usable_hops(route, Family::of(dst))?;
            if let Some(oif) = selector.oif {
                hops.retain(|h| h.dev.as_deref() == Some(oif));
            }
            if !hops.is_empty() {
                return Ok(Some((route, outcome, hops)));
            }
        }
        Ok(None)
    }

    /// The hops of a route, without those that the kernel passes over.
    fn usable_hops(&self, route: &Route, family: Family) -> Result<Vec<Hop>, Missing> {
        let mut hops = Vec::new();
        let mut push = |gateway, dev: &Option<Arc<str>>, weight, flags: &[Arc<str>]| -> Result<(), Missing> {
            let has = |flag: &str| flags.iter().any(|f| &**f == flag);
            if has("dead") {
                return Ok(());
            }
            if has("linkdown")
                && let Some(dev) = dev
            {
                let prefix = if family == Family::V4 { "net.ipv4.conf" } else { "net.ipv6.conf" };
                if self.sysctl_if_int(prefix, dev, "ignore_routes_with_linkdown")?.value != 0 {
                    return Ok(());
                }
            }
            hops.push(Hop { gateway, dev: dev.clone(), weight });
            Ok(())
        };
        if !route.nexthops.is_empty() {
            for hop in &route.nexthops {
                push(hop.gateway, &hop.dev, hop.weight, &hop.flags)?;
            }
        } else if let (None, Some(id)) = (&route.dev, route.nhid) {
            for (id, weight) in self.nexthop_members(id)? {
                let objects = self.nexthops()?;
                if let Some(object) = objects.iter().find(|o| o.id == id) {
                    push(object.gateway, &object.dev, weight, &object.flags)?;
                }
            }
        } else {
            push(route.gateway, &route.dev, 1, &route.flags)?;
        }
        Ok(hops)
    }

    /// The plain next-hop objects of an id with their weights: itself, or a group's members (groups do not nest in one another).
    fn nexthop_members(&self, id: u32) -> Result<Vec<(u32, u32)>, Missing> {
        let objects = self.nexthops()?;
        let object = objects
            .iter()
            .find(|o| o.id == id)
            .ok_or_else(|| Missing::new(&objects.source.key, format!("next hop {id}"), "the capture does not have it"))?;
        Ok(if object.group.is_empty() { vec![(id, 1)] } else { object.group.clone() })
    }

    /// `fib4_rule_suppress`: the rule may say that a found route counts as none.
    fn suppressed(
        &self,
        rules: &Doc<Vec<PolicyRule>>,
        rule: &PolicyRule,
        route: &Route,
        outcome: RouteOutcome,
        hops: &[Hop],
    ) -> Result<bool, Missing> {
        // A route that is an error ends the lookup before anything is suppressed.
        if hops.is_empty() && outcome != RouteOutcome::Forward {
            return Ok(false);
        }
        if rule.suppress_prefixlength.is_some_and(|max| u32::from(route.dst.prefix_len()) <= max) {
            return Ok(true);
        }
        match &rule.suppress_ifgroup {
            None => Ok(false),
            Some(group) => {
                Err(unknown_rule(rules, rule, &format!("it suppresses the device group `{group}`, which is not known")))
            }
        }
    }
}

fn unknown_rule(rules: &Doc<Vec<PolicyRule>>, rule: &PolicyRule, why: &str) -> Missing {
    let key = &rules.source.key;
    Missing::new(key, "the policy rule that decides", format!("{why}: {}", rules.text(rule.at)))
}

/// An IP protocol as iproute2 prints it.
fn protocol(word: &str) -> Option<u8> {
    Some(match word {
        "icmp" => 1,
        "tcp" => 6,
        "udp" => 17,
        "ipv6-icmp" => 58,
        "sctp" => 132,
        _ => word.strip_prefix("ipproto-").unwrap_or(word).parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::{node, route_json};

    const RULES: &str = r#"[{"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"}]"#;
    const VPN: &str = r#"[{"priority":0,"src":"all","table":"local"},
        {"priority":90,"src":"all","table":"main","suppress_prefixlen":0},
        {"priority":100,"not":null,"src":"all","fwmark":"0xca6c","table":"51820"},
        {"priority":32766,"src":"all","table":"main"}]"#;

    fn routes() -> String {
        let main = route_json(&[("default", "eth0", 0), ("10.244.2.0/24", "flannel.1", 0)]);
        let more = r#",{"type":"unicast","dst":"default","dev":"wg0","table":"51820","flags":[]},
            {"type":"local","dst":"10.244.1.1","dev":"cni0","table":"local","flags":[]},
            {"type":"blackhole","dst":"10.9.0.0/16","table":"main","flags":[]}]"#;
        format!("{}{more}", main.trim_end_matches(']'))
    }

    fn dev(node: &Node, dst: &str, selector: &Selector<'_>) -> (RouteOutcome, Option<String>) {
        let decision = node.route_lookup(dst.parse().unwrap(), selector).unwrap();
        (decision.outcome, decision.dev().map(str::to_owned))
    }

    #[test]
    fn plain_rules_give_the_longest_prefix() {
        let node = node(&[(Capture::IpRule4, RULES), (Capture::IpRoute4, &routes())]);
        let any = Selector::default();
        assert_eq!(dev(&node, "10.244.2.7", &any), (RouteOutcome::Forward, Some("flannel.1".into())));
        assert_eq!(dev(&node, "8.8.8.8", &any), (RouteOutcome::Forward, Some("eth0".into())));
        assert_eq!(dev(&node, "10.244.1.1", &any).0, RouteOutcome::Local);
        assert_eq!(dev(&node, "10.9.1.1", &any), (RouteOutcome::Blackhole, None));
    }

    #[test]
    fn a_vpn_rule_takes_what_has_not_its_mark() {
        let with_suppress = node(&[(Capture::IpRule4, VPN), (Capture::IpRoute4, &routes())]);
        let any = Selector::default();
        let marked = Selector { mark: Some(0xca6c), ..any };
        assert_eq!(
            dev(&with_suppress, "10.244.2.7", &any).1.as_deref(),
            Some("flannel.1"),
            "main without its default comes first"
        );
        assert_eq!(dev(&with_suppress, "8.8.8.8", &any).1.as_deref(), Some("wg0"));
        assert_eq!(dev(&with_suppress, "8.8.8.8", &marked).1.as_deref(), Some("eth0"));
        let without = VPN
            .replace(",\"suppress_prefixlen\":0", "")
            .replace("\"priority\":90,\"src\":\"all\",\"table\":\"main\"", "\"priority\":90,\"src\":\"all\",\"nop\":null");
        let without = node(&[(Capture::IpRule4, &without), (Capture::IpRoute4, &routes())]);
        assert_eq!(dev(&without, "10.244.2.7", &any).1.as_deref(), Some("wg0"), "everything is taken");
    }

    #[test]
    fn what_is_not_known_makes_the_answer_unknown_only_where_it_matters() {
        let rules = r#"[{"priority":10,"src":"all","uid_start":0,"uid_end":0,"dst":"10.0.0.0","dstlen":8,"table":"99"},{"priority":20,"src":"all","table":"main"}]"#;
        let node = node(&[(Capture::IpRule4, rules), (Capture::IpRoute4, &routes())]);
        let missing = node.route_lookup("10.244.2.7".parse().unwrap(), &Selector::default()).unwrap_err();
        assert!(missing.why.contains("uid_end") && missing.why.contains("\"dstlen\":8"), "{missing:?}");
        assert_eq!(dev(&node, "8.8.8.8", &Selector::default()).1.as_deref(), Some("eth0"));
    }

    #[test]
    fn without_rules_or_with_a_cut_table_there_is_no_answer() {
        let without = node(&[(Capture::IpRoute4, &routes())]);
        assert!(without.route_lookup("8.8.8.8".parse().unwrap(), &Selector::default()).is_err());
        let cut = routes();
        let cut = node(&[(Capture::IpRule4, RULES), (Capture::IpRoute4, &cut[..cut.len() - 20])]);
        assert!(cut.route_lookup("8.8.8.8".parse().unwrap(), &Selector::default()).is_err());
    }
}
