//! Where a packet is routed, as rules ask it: one look-up of the policy rules, for a packet that is made here or came in.
//!
//! The look-up itself is [`crate::walk::route`]'s. A walk asks that, since it takes what the kernel does around the look-up as well:
//! sources, bound devices, load balancing.

use std::net::IpAddr;
use std::sync::Arc;

use bundle::Capture;

use super::{Doc, Node, forms};
use crate::family::Family;
use crate::parse::ip_route::Route;
use crate::parse::ip_rule::PolicyRule;
use crate::source::{Evidence, Fact, Missing};
use crate::walk::route::{Fib, Flow};

pub use crate::walk::route::RouteOutcome;

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

impl Node {
    /// The policy rules of a family, in the kernel's order.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn policy_rules(&self, family: Family) -> Result<&Doc<Vec<PolicyRule>>, Missing> {
        self.policy_rules_or_why(family).map_err(Clone::clone)
    }

    /// The same, with the reason as it lies here.
    pub(crate) fn policy_rules_or_why(&self, family: Family) -> Result<&Doc<Vec<PolicyRule>>, &Missing> {
        let (cell, capture) = match family {
            Family::V4 => (&self.cells.rules4, Capture::IpRule4),
            Family::V6 => (&self.cells.rules6, Capture::IpRule6),
        };
        cell.get_or_why(|| self.doc_by(capture, |source| forms::rules(source, family)))
    }

    /// Where a packet to `dst` is routed. It has no type of service.
    ///
    /// # Errors
    /// [`Missing`] when rules or routes are absent or not whole, or when a rule asks for something that is not known.
    pub fn route_lookup(&self, dst: IpAddr, selector: &Selector<'_>) -> Result<RouteDecision<'_>, Missing> {
        let fib = Fib::of(self, Family::of(dst))?;
        let flow = Flow {
            dst,
            src: selector.src,
            iif: selector.iif.unwrap_or("lo"),
            oif: selector.oif,
            l3mdev: None,
            mark: selector.mark,
            protocol: selector.ipproto,
            sport: selector.sport,
            dport: selector.dport,
            tos: Some(0),
            made_here: selector.iif.is_none(),
            prefers: selector.iif.or(selector.oif),
            strict: selector.oif.is_some(),
            ignore_linkstate: false,
        };
        let mut hits = fib.lookup(&flow)?.into_iter();
        let hit = hits.next().expect("a look-up has an answer, if only that there is no route");
        if let Some(blocker) = hit.blockers.first() {
            let why = format!("{}: {}", blocker.reason, blocker.evidence.text);
            return Err(Missing::new(&fib.key(), "the policy rule that decides", why));
        }
        let hops = match &hit.found {
            Some(found) => fib.hops(found, &flow)?,
            None => Vec::new(),
        };
        let hop = |h: &crate::walk::route::Hop<'_>| Hop { gateway: h.gateway, dev: h.dev.cloned(), weight: h.weight };
        Ok(RouteDecision {
            outcome: hit.outcome,
            rule: hit.rule.and_then(|r| fib.rule_fact(r)),
            route: hit.found.as_ref().map(|f| fib.routes.fact(f.route)),
            hops: hops.iter().map(hop).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::{self, node, route_json};

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
        let rules = r#"[{"priority":10,"src":"all","uid_start":0,"uid_end":0,"dst":"10.0.0.0","dstlen":8,"table":"51820"},{"priority":20,"src":"all","table":"main"}]"#;
        let node = node(&[(Capture::IpRule4, rules), (Capture::IpRoute4, &routes())]);
        let missing = node.route_lookup("10.244.2.7".parse().unwrap(), &Selector::default()).unwrap_err();
        assert!(missing.why.contains("uidrange") && missing.why.contains("\"dstlen\":8"), "{missing:?}");
        assert_eq!(dev(&node, "8.8.8.8", &Selector::default()).1.as_deref(), Some("eth0"));
        // A table that has nothing to give changes nothing, whoever it is asked for.
        let empty = rules.replace("51820", "99");
        let node = testing::node(&[(Capture::IpRule4, &empty), (Capture::IpRoute4, &routes())]);
        assert_eq!(dev(&node, "10.244.2.7", &Selector::default()).1.as_deref(), Some("flannel.1"));
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
