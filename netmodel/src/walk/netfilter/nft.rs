//! What a native rule of nftables does with a packet: its statements in order, following both sides of what is not known.
//!
//! What a rule changed before a condition fails stays changed, as in the kernel: `meta mark set 1 tcp dport 80 accept` marks every packet.
//! Chance (`numgen`, hashes) and unknown keys fork: every element of the map is followed. Limits, quotas and counts of connections depend on
//! the packets before and are unknown, as are extensions of iptables, of which nft shows the name at best; where `iptables-nft-save` shows
//! the table it is read instead. Left out: the bridge, arp and netdev families, and the order of packets.

use crate::family::Family;
use crate::parse::nft::{CtKey, Expr, MetaKey, Nat, ObjectKind, Reject, RuleId, Stmt, Verdict, Xt, XtKind};
use crate::walk::netfilter::engine::{Act, Alternative, ChainRef};
use crate::walk::netfilter::matching::{Lookups, known};
use crate::walk::netfilter::nft_nat;
use crate::walk::netfilter::nft_set::{Context, Given};
use crate::walk::netfilter::nft_value::{Val, value};
use crate::walk::netfilter::rulesets::Rulesets;
use crate::walk::packet::{CtState, Packet, TCP};
use crate::walk::tri::Tri;

/// A rule that leads to more ways than this is not followed further.
const MOST: usize = 256;

/// What a rule may do with a packet; `None` where it does nothing to it.
pub(super) fn alternatives(
    rulesets: &Rulesets<'_>,
    rule: RuleId,
    packet: &Packet,
    lookups: &dyn Lookups,
) -> Option<Vec<Alternative>> {
    let (doc, index) = rulesets.nft?;
    let rule = doc.rules.get(rule.0 as usize)?;
    let table = doc.chain_record(rule.chain)?.table;
    let context = Context { ruleset: doc, index, table, lookups };
    let mut run = Run { context, stmts: doc.stmts(rule), out: Vec::new() };
    run.from(0, packet.clone(), None);
    let out = run.out;
    let idle = |a: &Alternative| matches!(a.act, Act::Next) && a.packet == *packet;
    (!out.iter().all(idle)).then_some(out)
}

/// What a statement leads to.
enum Step {
    Go,
    /// The rule ends here.
    End,
    /// The rule may end here or go on.
    Maybe(String),
    /// The rule does this.
    Act(Act),
    /// Goes on with one of these packets; `None` ends the rule.
    Split(Vec<(Option<Packet>, Option<String>)>),
    /// Does one of these things; without an act the rule ends.
    Acts(Vec<(Packet, Option<Act>, Option<String>)>),
}

struct Run<'c> {
    context: Context<'c>,
    stmts: &'c [Stmt],
    out: Vec<Alternative>,
}

impl<'c> Run<'c> {
    fn from(&mut self, first: usize, mut packet: Packet, mut unknown: Option<String>) {
        for (i, stmt) in self.stmts.iter().enumerate().skip(first) {
            if self.out.len() > MOST {
                self.push(packet, Act::Open("the rule leads to too many ways".to_owned()), unknown);
                return;
            }
            match self.step(stmt, i, &mut packet) {
                Step::Go => {}
                Step::End => return self.push(packet, Act::Next, unknown),
                Step::Maybe(why) => {
                    let why = unknown.take().or(Some(why));
                    self.push(packet.clone(), Act::Next, why.clone());
                    unknown = why;
                }
                Step::Act(act) => return self.push(packet, act, unknown),
                Step::Acts(acts) => {
                    for (packet, act, why) in acts {
                        // A map may say `continue`: then the rule goes on.
                        match act {
                            Some(Act::Next) => self.from(i + 1, packet, unknown.clone().or(why)),
                            act => self.push(packet, act.unwrap_or(Act::Next), unknown.clone().or(why)),
                        }
                    }
                    return;
                }
                Step::Split(packets) => {
                    for (split, why) in packets {
                        let why = unknown.clone().or(why);
                        match split {
                            Some(split) => self.from(i + 1, split, why),
                            None => self.push(packet.clone(), Act::Next, why),
                        }
                    }
                    return;
                }
            }
        }
        self.push(packet, Act::Next, unknown);
    }

    fn push(&mut self, packet: Packet, act: Act, unknown: Option<String>) {
        self.out.push(Alternative { packet, act, unknown });
    }

    fn step(&self, stmt: &'c Stmt, at: usize, packet: &mut Packet) -> Step {
        match stmt {
            Stmt::Match { op, left, right } => step_of(self.context.matches(*op, left, right, packet)),
            Stmt::Verdict(Verdict::Continue)
            | Stmt::Counter(_)
            | Stmt::Log(_)
            | Stmt::Dup(_)
            | Stmt::FlowAdd(_)
            | Stmt::Last(_) => Step::Go,
            Stmt::Verdict(verdict) => Step::Act(self.verdict(verdict)),
            Stmt::Vmap(lookup) => {
                let given = self.context.lookup(lookup, packet);
                let acts = given.values.iter().map(|(data, why)| match &**data {
                    Expr::Verdict(verdict) => (packet.clone(), Some(self.verdict(verdict)), why.clone()),
                    _ => (packet.clone(), Some(Act::Open("the map gives no verdict that is known here".to_owned())), why.clone()),
                });
                let mut acts: Vec<_> = acts.collect();
                if acts.is_empty() {
                    return match given.nothing {
                        Some(Some(why)) => Step::Act(Act::Open(why)),
                        _ => Step::End,
                    };
                }
                if let Some(why) = given.nothing {
                    acts.push((packet.clone(), None, why));
                }
                Step::Acts(acts)
            }
            Stmt::Object(ObjectKind::Quota | ObjectKind::Limit, _) | Stmt::Limit(_) | Stmt::Quota(_) | Stmt::CtCount { .. } => {
                Step::Maybe("it depends on the packets before".to_owned())
            }
            Stmt::Object(ObjectKind::Synproxy, _) | Stmt::Synproxy(_) => {
                Step::Act(Act::Open("a SYN proxy answers in the server's place".to_owned()))
            }
            Stmt::Object(..) => Step::Go,
            Stmt::Set { key, value } => self.set(key, value, packet),
            Stmt::Nat(nat) => self.nat(nat, packet),
            Stmt::Reject(reject) => rejects(*reject, packet),
            Stmt::SetUpdate(update) => self.counted(&update.elem.key, update.elem.extra.iter().flat_map(|e| &e.stmts), packet),
            Stmt::Meter(meter) => self.counted(&meter.elem.key, meter.elem.extra.iter().flat_map(|e| &e.stmts), packet),
            Stmt::Queue(_) => Step::Act(Act::Open("a program behind a queue decides".to_owned())),
            Stmt::Fwd(_) => Step::Act(Act::Open("the packet is sent out of another interface".to_owned())),
            Stmt::Notrack => {
                // `nft_notrack_eval()` leaves packets alone that have a connection or are untracked already.
                if packet.ct_state == Some(CtState::Invalid) {
                    packet.ct_state = Some(CtState::Untracked);
                }
                Step::Go
            }
            // Without a transparent socket the rule ends.
            Stmt::Tproxy(_) => Step::Maybe("whether a local socket takes the packet is not known".to_owned()),
            // iptables-nft puts matches before the counter and the target behind it.
            Stmt::Xt(xt) => {
                let counted_later = self.stmts.iter().skip(at).any(|s| matches!(s, Stmt::Counter(_)));
                extension(xt, counted_later, packet)
            }
            Stmt::Other(text) => Step::Act(Act::Open(format!("what `{text}` does is not known here"))),
        }
    }

    fn verdict(&self, verdict: &Verdict) -> Act {
        let chain = |name| match self.context.ruleset.chain(self.context.table, name) {
            Some(chain) => Ok(ChainRef::Nft(chain)),
            None => Err(Act::Open(format!("there is no chain {name}"))),
        };
        match verdict {
            Verdict::Accept => Act::Accept,
            Verdict::Drop => Act::Drop,
            Verdict::Continue => Act::Next,
            Verdict::Return => Act::Return,
            Verdict::Queue => Act::Open("a program behind a queue decides".to_owned()),
            Verdict::Jump(name) => chain(name).map_or_else(|open| open, Act::Jump),
            Verdict::Goto(name) => chain(name).map_or_else(|open| open, Act::Goto),
        }
    }

    /// `add @set { … }`: goes on, unless something that counts stands at the element.
    fn counted(&self, key: &'c Expr, mut stmts: impl Iterator<Item = &'c Stmt>, packet: &Packet) -> Step {
        if value(key, packet, self.context.lookups).is_absent() {
            return Step::End;
        }
        if stmts.any(|s| !matches!(s, Stmt::Counter(_) | Stmt::Last(_))) {
            return Step::Maybe("it depends on the packets before".to_owned());
        }
        Step::Go
    }

    /// The values that an expression may have, with what a map gives for it.
    fn values(&self, expr: &'c Expr, packet: &Packet) -> Vec<(Option<Val>, Option<String>)> {
        let Expr::Map(lookup) = expr else { return vec![(Some(value(expr, packet, self.context.lookups)), None)] };
        let Given { values, nothing } = self.context.lookup(lookup, packet);
        let given = values.iter().map(|(data, why)| (Some(value(data, packet, self.context.lookups)), why.clone()));
        let mut all: Vec<_> = given.collect();
        match nothing {
            Some(Some(why)) if all.is_empty() => all.push((Some(Val::Unknown(why)), None)),
            Some(why) => all.push((None, why)),
            None => {}
        }
        all
    }

    /// Each value that may be set gives a packet of its own.
    fn split(&self, expr: &'c Expr, packet: &Packet, change: impl Fn(&Val, &mut Packet)) -> Step {
        let values = self.values(expr, packet).into_iter().map(|(value, why)| {
            let changed = value.filter(|v| !v.is_absent()).map(|value| {
                let mut changed = packet.clone();
                change(&value, &mut changed);
                changed
            });
            (changed, why)
        });
        Step::Split(values.collect())
    }

    fn set(&self, key: &Expr, to: &'c Expr, packet: &Packet) -> Step {
        let number = |value: &Val| value.known().and_then(|n| u32::try_from(n & u128::from(u32::MAX)).ok());
        match key {
            Expr::Meta(MetaKey::Mark) => self.split(to, packet, |value, p| p.mark = number(value)),
            // Without a connection nothing is set (`nft_ct_set_eval()`).
            Expr::Ct(ct) if ct.key == CtKey::Mark => match packet.ct_state {
                Some(CtState::Invalid | CtState::Untracked) => Step::Go,
                _ => self.split(to, packet, |value, p| p.connmark = number(value)),
            },
            Expr::Payload(field) => nft_nat::rewritten(field, packet)
                .map_or(Step::Go, |field| self.split(to, packet, move |value, p| field.write(value, p))),
            _ => Step::Go,
        }
    }

    fn nat(&self, nat: &'c Nat, packet: &Packet) -> Step {
        if nft_nat::other_family(nat, packet) {
            return Step::End;
        }
        let none = || vec![(Some(None), None)];
        let values = |expr: Option<&'c Expr>| {
            expr.map_or_else(none, |expr| {
                self.values(expr, packet).into_iter().map(|(value, why)| (value.map(Some), why)).collect()
            })
        };
        let mut acts = Vec::new();
        for (addr, why) in values(nat.addr.as_ref()) {
            for (port, other) in values(nat.port.as_ref()) {
                let why = why.clone().or(other);
                match (&addr, &port) {
                    (Some(addr), Some(port)) if !addr.iter().chain(port).any(Val::is_absent) => {
                        acts.push((nft_nat::translated(nat, addr.as_ref(), port.as_ref(), packet), Some(Act::Accept), why));
                    }
                    _ => acts.push((packet.clone(), None, why)),
                }
            }
        }
        Step::Acts(acts)
    }
}

fn step_of(answer: Tri) -> Step {
    match answer {
        Tri::Yes => Step::Go,
        Tri::No => Step::End,
        Tri::Unknown(why) => Step::Maybe(why),
    }
}

/// A refusal, and the condition that nft puts before it and hides in listings: a RST answers TCP only, an ICMP error its own family.
fn rejects(reject: Reject, packet: &Packet) -> Step {
    let v4 = packet.family == Family::V4;
    let act = |with: &str| Step::Act(Act::Reject(with.to_owned()));
    match reject {
        Reject::TcpReset => match known(packet.protocol, "the protocol", |p| p == TCP) {
            Tri::Yes => act("tcp-reset"),
            Tri::No => Step::End,
            Tri::Unknown(why) => Step::Acts(vec![
                (packet.clone(), Some(Act::Reject("tcp-reset".to_owned())), Some(why.clone())),
                (packet.clone(), None, Some(why)),
            ]),
        },
        Reject::Icmp(_) if !v4 => Step::End,
        Reject::Icmpv6(_) if v4 => Step::End,
        Reject::Icmp(code) => act(icmp_error(code)),
        Reject::Icmpv6(code) => act(icmpv6_error(code)),
        // `nft_reject_icmp_code()` and `nft_reject_icmpv6_code()` of net/netfilter/nft_reject.c.
        Reject::Icmpx(code) => act(match (code, v4) {
            (0, true) => icmp_error(0),
            (1, true) => icmp_error(3),
            (2, true) => icmp_error(1),
            (3, true) => icmp_error(13),
            (0, false) => icmpv6_error(0),
            (1, false) => icmpv6_error(4),
            (2, false) => icmpv6_error(3),
            (3, false) => icmpv6_error(1),
            _ => "an ICMP error",
        }),
        Reject::Unknown => act("an ICMP error"),
    }
}

/// The names that iptables gives the codes of "destination unreachable".
fn icmp_error(code: u8) -> &'static str {
    match code {
        0 => "icmp-net-unreachable",
        1 => "icmp-host-unreachable",
        2 => "icmp-proto-unreachable",
        3 => "icmp-port-unreachable",
        9 => "icmp-net-prohibited",
        10 => "icmp-host-prohibited",
        13 => "icmp-admin-prohibited",
        _ => "an ICMP error",
    }
}

fn icmpv6_error(code: u8) -> &'static str {
    match code {
        0 => "icmp6-no-route",
        1 => "icmp6-adm-prohibited",
        3 => "icmp6-addr-unreachable",
        4 => "icmp6-port-unreachable",
        5 => "icmp6-policy-fail",
        6 => "icmp6-reject-route",
        _ => "an ICMPv6 error",
    }
}

/// An extension of iptables, whose options nft does not show.
fn extension(xt: &Xt, is_match: bool, packet: &mut Packet) -> Step {
    if xt.is_comment() {
        return Step::Go;
    }
    let name = xt.name.as_deref().unwrap_or("an extension without a name");
    if xt.kind == XtKind::Match || (xt.kind == XtKind::Unknown && is_match) {
        return Step::Maybe(format!("nft does not show what the extension `{name}` of iptables asks"));
    }
    match (xt.kind, name) {
        (XtKind::Watcher, _)
        | (XtKind::Target, "LOG" | "NFLOG" | "TRACE" | "CHECKSUM" | "TCPMSS" | "CLASSIFY" | "SET" | "TTL" | "HL" | "DSCP") => {
            Step::Go
        }
        (XtKind::Target, "MARK" | "CONNMARK") => {
            if name == "MARK" {
                packet.mark = None;
            } else {
                (packet.mark, packet.connmark) = (None, None);
            }
            Step::Go
        }
        (XtKind::Target, "MASQUERADE" | "SNAT") => {
            (packet.src, packet.sport, packet.snat) = (None, None, Some(true));
            Step::Act(Act::Accept)
        }
        (XtKind::Target, "DNAT" | "REDIRECT") => {
            (packet.dst, packet.dport, packet.dnat) = (None, None, Some(true));
            Step::Act(Act::Accept)
        }
        (XtKind::Target, "REJECT") => Step::Act(Act::Reject("an ICMP error or RST".to_owned())),
        _ => {
            let why = format!("nft does not show what `{name}` of iptables does");
            Step::Acts(vec![
                (packet.clone(), Some(Act::Open(why.clone())), None),
                (packet.clone(), Some(Act::Accept), Some(why.clone())),
                (packet.clone(), Some(Act::Next), Some(why)),
            ])
        }
    }
}
