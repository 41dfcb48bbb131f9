//! Policy rules in order, each asking its table: `fib_rules_lookup` (net/core/fib_rules.c) with the actions of both families.
//!
//! A rule whose selector is not known is followed both ways: as if it took the packet, and as if it did not.

use std::net::IpAddr;
use std::sync::OnceLock;

use bundle::{Capture, Key, Netns};

use super::hops::Hop;
use super::rule::{self, Match};
use super::{RouteBlocker, RouteOutcome, table4, table6};
use crate::family::Family;
use crate::parse::ip_route::{Route, Table};
use crate::parse::ip_rule::{PolicyRule, RuleAction};
use crate::source::{At, Evidence, Fact, Missing};
use crate::state::routes::Routes;
use crate::state::{Doc, Node};

/// How many ways are followed before the answer is given up as not known.
const MOST_WAYS: usize = 32;

/// What a look-up asks: `struct flowi4`, `struct flowi6`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow<'a> {
    pub dst: IpAddr,
    pub src: Option<IpAddr>,
    /// `lo` for what is made here.
    pub iif: &'a str,
    pub oif: Option<&'a str>,
    /// The VRF that the packet belongs to.
    pub l3mdev: Option<&'a str>,
    pub mark: Option<u32>,
    pub protocol: Option<u8>,
    pub sport: Option<u16>,
    pub dport: Option<u16>,
    pub tos: Option<u8>,
    /// A local socket sends it, whose owner is not known.
    pub made_here: bool,
    /// IPv6 prefers routes of this device among equal ones (`rt6_score_route`): that by which it came in, or is to go out.
    pub prefers: Option<&'a str>,
    /// IPv6 takes no other device (`RT6_LOOKUP_F_IFACE`).
    pub strict: bool,
    /// Routes of devices without a carrier count (`FIB_LOOKUP_IGNORE_LINKSTATE`).
    pub ignore_linkstate: bool,
}

/// The routing of one family of a node.
#[derive(Clone, Copy)]
pub(crate) struct Fib<'n> {
    pub node: &'n Node,
    pub family: Family,
    /// The rules in the kernel's order.
    pub rules: &'n [PolicyRule],
    /// The capture of the rules; what is missing where those are taken that every namespace begins with.
    pub shown: Result<&'n Doc<Vec<PolicyRule>>, &'n Missing>,
    pub routes: &'n Routes,
}

/// A route that a table gave.
#[derive(Clone, Debug)]
pub(crate) struct Found<'n> {
    pub route: &'n Route,
    pub outcome: RouteOutcome,
    /// All its ways; empty for a route that refuses.
    pub hops: Vec<Hop<'n>>,
    /// The first of them that is usable (`nh_sel`).
    pub selected: usize,
}

impl<'n> Found<'n> {
    pub(crate) fn hop(&self) -> Option<&Hop<'n>> {
        self.hops.get(self.selected)
    }
}

/// What the rules gave.
#[derive(Clone, Debug)]
pub(crate) struct Hit<'n> {
    /// The rule that decided; `None` where all were passed.
    pub rule: Option<&'n PolicyRule>,
    /// The route; `None` where the rule itself refuses, or nothing was found.
    pub found: Option<Found<'n>>,
    /// What becomes of the packet.
    pub outcome: RouteOutcome,
    pub blockers: Vec<RouteBlocker>,
}

impl<'n> Fib<'n> {
    /// The rules and routes of a family.
    ///
    /// # Errors
    /// [`Missing`] when either is absent or not whole: what is not there would decide as much as what is.
    pub(crate) fn of(node: &'n Node, family: Family) -> Result<Self, Missing> {
        let routes = node.routes(family)?;
        routes.complete()?;
        match node.policy_rules_or_why(family) {
            Ok(doc) => {
                doc.complete()?;
                Ok(Self { node, family, rules: doc.as_slice(), shown: Ok(doc), routes })
            }
            // Of pods the rules are seldom captured, and seldom others than a new namespace has.
            Err(missing) if node.netns() != Netns::Node => {
                Ok(Self { node, family, rules: initial(family), shown: Err(missing), routes })
            }
            Err(missing) => Err(missing.clone()),
        }
    }

    /// What was taken for harmless: the rules of a pod that were not captured.
    pub(crate) fn assumed(&self) -> Option<Missing> {
        self.shown.err().cloned()
    }

    /// A rule with its place, where the rules were captured.
    pub(crate) fn rule_fact(&self, rule: &'n PolicyRule) -> Option<Fact<'n, &'n PolicyRule>> {
        Some(self.shown.ok()?.fact(rule, rule.at))
    }

    /// Asks the rules in order.
    ///
    /// # Errors
    /// [`Missing`] when a rule or route that decides is of a kind that is not known.
    pub(crate) fn lookup(&self, flow: &Flow<'_>) -> Result<Vec<Hit<'n>>, Missing> {
        let mut flow = *flow;
        self.update_l3mdev(&mut flow);
        let mut hits = Vec::with_capacity(1);
        let mut blockers: Vec<RouteBlocker> = Vec::new();
        let mut next = 0;
        while let Some(rule) = self.rules.get(next) {
            next += 1;
            let unknown = match rule::matches(self.node, rule, &flow) {
                Match::No => continue,
                Match::Yes => None,
                Match::Unknown(what) => Some(what),
            };
            if let (RuleAction::Goto(priority), None) = (&rule.action, &unknown) {
                // The kernel jumps forward only (fib_nl_newrule refuses others); without its target the rule does nothing.
                let target = self.rules.iter().enumerate().skip(next).find(|(_, r)| r.priority == *priority);
                next = target.map_or(next, |(i, _)| i);
                continue;
            }
            let Some(mut hit) = self.action(rule, &flow)? else { continue };
            let Some(what) = unknown else {
                hit.blockers = blockers;
                hits.push(hit);
                return Ok(hits);
            };
            let reason = format!("whether this policy rule takes the packet is not known: it asks for `{what}`");
            let Some(evidence) = self.evidence(rule) else { return Err(self.unknown_rule(rule, &reason)) };
            blockers.push(RouteBlocker { evidence, reason });
            hit.blockers.clone_from(&blockers);
            hits.push(hit);
            if hits.len() >= MOST_WAYS {
                return Err(self.unknown_rule(rule, "too many rules depend on what is not known"));
            }
        }
        hits.push(Hit { rule: None, found: None, outcome: RouteOutcome::NoRoute, blockers });
        Ok(hits)
    }

    /// [`Fib::lookup`] of IPv4, with what the kernel decides behind the rules and the dumps do not tell.
    pub(crate) fn lookup4(&self, flow: &Flow<'_>) -> Result<Vec<Hit<'n>>, Missing> {
        let mut out = Vec::with_capacity(1);
        for hit in self.lookup(flow)? {
            let longer = self.longer_in_main(&hit, flow)?;
            let others = self.other_defaults(&hit, flow)?;
            out.push(self.or_default(hit, flow)?);
            if let Some(hit) = longer {
                out.push(self.or_default(hit, flow)?);
            }
            out.extend(others);
        }
        let blocked = (out.len() > 1).then(|| out.iter().find_map(|h| h.blockers.first().cloned())).flatten();
        // The first of them rests on the same doubt as the others.
        if let (Some(blocker), Some(first)) = (blocked, out.first_mut())
            && first.blockers.is_empty()
        {
            first.blockers.push(blocker);
        }
        Ok(out)
    }

    /// Only the rules that a namespace begins with: then the kernel asks no rules at all (`fib_lookup` in include/net/ip_fib.h), unless
    /// others were there once, which is not told.
    pub(crate) fn is_plain(&self) -> bool {
        let own = [Table::LOCAL, Table::MAIN, Table::DEFAULT];
        self.rules.len() == own.len() && self.rules.iter().zip(own).all(|(r, t)| r.is_plain(&t))
    }

    /// Without rules of its own `fib_lookup` asks the table `default`, where there is one, whatever `main` refused.
    fn or_default(&self, hit: Hit<'n>, flow: &Flow<'_>) -> Result<Hit<'n>, Missing> {
        let refused = hit.found.as_ref().is_some_and(|f| !f.outcome.goes_on());
        if !refused || !self.is_plain() || self.routes.table(&Table::DEFAULT).next().is_none() {
            return Ok(hit);
        }
        let found = self.table(&Table::DEFAULT, flow)?;
        let outcome = found.as_ref().map_or(RouteOutcome::NoRoute, |f| f.outcome);
        Ok(Hit { rule: self.rules.last(), found, outcome, blockers: hit.blockers })
    }

    /// Until the first rule is added the tables `local` and `main` are one trie (`fib_trie_unmerge`), in which a longer prefix of `main`
    /// beats a shorter one of `local`. Whether rules were added and removed again is not told.
    fn longer_in_main(&self, hit: &Hit<'n>, flow: &Flow<'_>) -> Result<Option<Hit<'n>>, Missing> {
        let Some(local) = hit.found.as_ref().filter(|f| f.route.table == Table::LOCAL && self.is_plain()) else {
            return Ok(None);
        };
        let Some(found) = self.table(&Table::MAIN, flow)? else { return Ok(None) };
        if found.route.dst.prefix_len() <= local.route.dst.prefix_len() {
            return Ok(None);
        }
        let reason =
            "whether policy rules were ever added here is not known: until then this longer prefix wins over the table local";
        let blocker = RouteBlocker { evidence: self.routes.evidence(found.route), reason: reason.to_owned() };
        Ok(Some(Hit { rule: self.rules.get(1), outcome: found.outcome, found: Some(found), blockers: vec![blocker] }))
    }

    /// `fib_select_default` (net/ipv4/fib_semantics.c): of several default routes of one metric the kernel takes one whose router it
    /// thinks alive, and changes its mind.
    fn other_defaults(&self, hit: &Hit<'n>, flow: &Flow<'_>) -> Result<Vec<Hit<'n>>, Missing> {
        let Some(found) = hit.found.as_ref().filter(|f| f.outcome == RouteOutcome::Forward && f.hops.len() == 1) else {
            return Ok(Vec::new());
        };
        let first = found.route;
        if flow.oif.is_some() || first.dst.prefix_len() != 0 {
            return Ok(Vec::new());
        }
        let mut out = Vec::new();
        for route in self.routes.lookup(&first.table, flow.dst) {
            let same =
                route.dst.prefix_len() == 0 && route.metric == first.metric && route.tos == first.tos && route.kind == first.kind;
            if !same || route.at == first.at || route.gateway.is_none() || route.has_flag("dead") {
                continue;
            }
            let hops = super::hops::of_route(self.node, route)?;
            let reason = "of default routes of one metric the kernel takes one whose router it thinks alive";
            let blocker = RouteBlocker { evidence: self.routes.evidence(route), reason: reason.to_owned() };
            let blockers = hit.blockers.iter().cloned().chain([blocker]).collect();
            let found = Found { route, outcome: found.outcome, hops, selected: 0 };
            out.push(Hit { rule: hit.rule, outcome: hit.outcome, found: Some(found), blockers });
        }
        Ok(out)
    }

    /// `fib4_rule_action`, `fib6_rule_action` and what suppresses their result; `None` where the next rule is asked.
    fn action(&self, rule: &'n PolicyRule, flow: &Flow<'_>) -> Result<Option<Hit<'n>>, Missing> {
        let refuse = |outcome| Ok(Some(Hit { rule: Some(rule), found: None, outcome, blockers: Vec::new() }));
        let l3mdev;
        let table = match &rule.action {
            _ if rule.l3mdev => {
                l3mdev = rule::l3mdev_table(self.node, flow).flatten();
                l3mdev.as_ref()
            }
            RuleAction::Nop => None,
            RuleAction::Blackhole => return refuse(RouteOutcome::Blackhole),
            RuleAction::Unreachable => return refuse(RouteOutcome::NoRoute),
            RuleAction::Prohibit => return refuse(RouteOutcome::Prohibit),
            RuleAction::Lookup(table) => Some(table),
            RuleAction::Goto(_) => return Err(self.unknown_rule(rule, "it may jump over others")),
            RuleAction::Other(word) => return Err(self.unknown_rule(rule, &format!("its action `{word}` is not known"))),
        };
        let Some(table) = table else { return Ok(None) };
        let Some(found) = self.table(table, flow)? else { return Ok(None) };
        if found.outcome.goes_on() && self.suppressed(rule, &found)? {
            return Ok(None);
        }
        Ok(Some(Hit { rule: Some(rule), outcome: found.outcome, found: Some(found), blockers: Vec::new() }))
    }

    /// What a table holds for a packet; `None` where it holds nothing, or a `throw`.
    pub(crate) fn table(&self, table: &Table, flow: &Flow<'_>) -> Result<Option<Found<'n>>, Missing> {
        match self.family {
            Family::V4 => table4::lookup(self, table, flow),
            Family::V6 => table6::lookup(self, table, flow),
        }
    }

    /// `fib4_rule_suppress`, `fib6_rule_suppress`: a route may count as none. Its device is that of the first hop.
    fn suppressed(&self, rule: &'n PolicyRule, found: &Found<'_>) -> Result<bool, Missing> {
        if rule.suppress_prefixlength.is_some_and(|max| u32::from(found.route.dst.prefix_len()) <= max) {
            return Ok(true);
        }
        let Some(group) = &rule.suppress_ifgroup else { return Ok(false) };
        let first = match self.family {
            Family::V4 => found.hops.first(),
            Family::V6 => found.hop(),
        };
        let link = first.and_then(Hop::dev).map(|dev| self.node.link(dev)).transpose()?.flatten();
        match link.map(|l| &l.group) {
            Some(Some(own)) => Ok(own == group),
            _ => Err(self.unknown_rule(rule, "the group of the route's device is not known")),
        }
    }

    /// `l3mdev_update_flow` (net/l3mdev/l3mdev.c): a device in a VRF directs the look-up to its table; a VRF itself is no output device.
    fn update_l3mdev<'a>(&self, flow: &mut Flow<'a>)
    where
        'n: 'a,
    {
        if let Some(oif) = flow.oif {
            let master = rule::l3_master(self.node, oif);
            flow.l3mdev = flow.l3mdev.or(master);
            if master == Some(oif) {
                flow.oif = None;
            }
        } else if flow.iif != "lo" && flow.l3mdev.is_none() {
            flow.l3mdev = rule::l3_master(self.node, flow.iif);
        }
    }

    pub(crate) fn evidence(&self, rule: &'n PolicyRule) -> Option<Evidence> {
        self.rule_fact(rule).map(|fact| fact.evidence())
    }

    /// The capture of the rules.
    pub(crate) fn key(&self) -> Key {
        self.node.key(match self.family {
            Family::V4 => Capture::IpRule4,
            Family::V6 => Capture::IpRule6,
        })
    }

    fn unknown_rule(&self, rule: &'n PolicyRule, why: &str) -> Missing {
        let text = self.evidence(rule).map(|e| e.text).unwrap_or_default();
        Missing::new(&self.key(), "the policy rule that decides", format!("{why}: {text}"))
    }
}

/// The rules that a network namespace begins with (`fib_default_rules_init`, `fib6_rules_net_init`).
fn initial(family: Family) -> &'static [PolicyRule] {
    static RULES: OnceLock<[PolicyRule; 3]> = OnceLock::new();
    let lookup = |(priority, table)| PolicyRule { action: RuleAction::Lookup(table), ..PolicyRule::any(At::default(), priority) };
    let all = RULES.get_or_init(|| [(0, Table::LOCAL), (32766, Table::MAIN), (32767, Table::DEFAULT)].map(lookup));
    match family {
        Family::V4 => all,
        Family::V6 => &all[..2],
    }
}
