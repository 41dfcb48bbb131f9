//! What a native rule of nftables does with a packet: its statements in order, following both sides of what is not known.
//!
//! What a rule changed before a condition fails stays changed, as in the kernel: `meta mark set 1 tcp dport 80 accept` marks every packet.
//! Chance (`numgen`, hashes) forks by its shares, unknown keys into every element of the map. Limits, quotas and counts of connections
//! depend on the packets before and are unknown, as are extensions of iptables, of which nft shows the name at best; where
//! `iptables-nft-save` shows the table it is read instead. Left out: the arp family, and the order of packets.

mod chance;
mod compare;
mod foreign;
mod lookup;
mod meta;
mod nat;
mod payload;
mod reject;
mod value;

#[cfg(test)]
mod tests;

use crate::parse::nft::{CtKey, Expr, HeaderKind, MetaKey, Nat, ObjectKind, RuleId, Stmt, Verdict};
use crate::walk::netfilter::engine::{Act, Alternative, Asked, ChainRef, Effect};
use crate::walk::netfilter::passage::What;
use crate::walk::netfilter::target::queue_alternatives;
use crate::walk::packet::{Packet, TCP};
use crate::walk::tri::{Tri, Why};
use lookup::{Context, Given};
use value::{Val, value};

/// A rule that leads to more ways than this is not followed further.
const MOST: usize = 4_096;
/// So many numbers of a hash are followed where they are set as a mark.
const MOST_NUMBERS: u32 = 64;

/// Whether something happens: certainly, by chance, or nobody knows.
#[derive(Clone, Debug)]
struct Odds {
    unknown: Option<Why>,
    weight: f64,
}

impl Odds {
    const SURE: Self = Self { unknown: None, weight: 1.0 };

    fn unknown(why: Why) -> Self {
        Self { unknown: Some(why), weight: 1.0 }
    }

    fn chance(weight: f64) -> Self {
        Self { unknown: None, weight }
    }

    fn and(&self, other: &Self) -> Self {
        Self { unknown: self.unknown.clone().or_else(|| other.unknown.clone()), weight: self.weight * other.weight }
    }
}

/// What a rule does with a packet.
pub(super) fn effect(asked: &Asked<'_, '_>, rule: RuleId, packet: &mut Packet) -> Effect {
    let Some((doc, index)) = asked.rulesets.nft else { return Effect::No };
    let Some(rule) = doc.rules.get(rule.0 as usize) else { return Effect::No };
    let Some(table) = doc.chain_record(rule.chain).map(|c| c.table) else { return Effect::No };
    let context = Context { ruleset: doc, index, table, lookups: asked.lookups, at: asked.at };
    let mut run = Run { context, stmts: doc.stmts(rule), out: Vec::new() };
    let mut what = None;
    for (i, stmt) in run.stmts.iter().enumerate() {
        match run.step(stmt, i, packet, &mut what) {
            Step::Go => {}
            Step::End => return sure(Act::Next, what),
            Step::Act(act) => return sure(act, what),
            fork => {
                run.fork(fork, i, packet.clone(), &Odds::SURE, what);
                let idle = |a: &Alternative| matches!(a.act, Act::Next) && a.packet == *packet;
                let nothing = what.is_none() && run.out.iter().all(idle);
                return if nothing { Effect::No } else { Effect::Fork(run.out) };
            }
        }
    }
    sure(Act::Next, what)
}

fn sure(act: Act, what: Option<What>) -> Effect {
    match (&act, what) {
        (Act::Next, None) => Effect::No,
        _ => Effect::Sure(act, what),
    }
}

/// What a statement leads to.
enum Step {
    Go,
    /// The rule ends here.
    End,
    /// The rule goes on with these odds, or ends here.
    Maybe(Odds),
    /// The rule does this.
    Act(Act),
    /// The packet is one of these, and the rule goes on; `None` ends the rule.
    Split(Vec<(Option<Packet>, Odds)>),
    /// Does one of these things; without an act the rule ends.
    Acts(Vec<(Packet, Option<Act>, Odds)>),
}

struct Run<'c> {
    context: Context<'c>,
    stmts: &'c [Stmt],
    out: Vec<Alternative>,
}

impl<'c> Run<'c> {
    fn from(&mut self, first: usize, mut packet: Packet, odds: &Odds, mut what: Option<What>) {
        for (i, stmt) in self.stmts.iter().enumerate().skip(first) {
            if self.out.len() > MOST {
                return self.push(packet, Act::Lost("the rule leads to too many ways".into()), odds, what);
            }
            match self.step(stmt, i, &mut packet, &mut what) {
                Step::Go => {}
                Step::End => return self.push(packet, Act::Next, odds, what),
                Step::Act(act) => return self.push(packet, act, odds, what),
                fork => return self.fork(fork, i, packet, odds, what),
            }
        }
        self.push(packet, Act::Next, odds, what);
    }

    fn fork(&mut self, step: Step, at: usize, packet: Packet, odds: &Odds, what: Option<What>) {
        match step {
            Step::Go => self.from(at + 1, packet, odds, what),
            Step::End => self.push(packet, Act::Next, odds, what),
            Step::Act(act) => self.push(packet, act, odds, what),
            Step::Maybe(goes_on) => {
                let ends = Odds { weight: if goes_on.unknown.is_some() { 1.0 } else { 1.0 - goes_on.weight }, ..goes_on.clone() };
                self.push(packet.clone(), Act::Next, &odds.and(&ends), what);
                self.from(at + 1, packet, &odds.and(&goes_on), what);
            }
            Step::Acts(acts) => {
                for (packet, act, more) in acts {
                    let odds = odds.and(&more);
                    let what = if packet.nat.is_some() { Some(What::Nat) } else { what };
                    // A map may say `continue`: then the rule goes on.
                    match act {
                        Some(Act::Next) => self.from(at + 1, packet, &odds, what),
                        act => self.push(packet, act.unwrap_or(Act::Next), &odds, what),
                    }
                }
            }
            Step::Split(packets) => {
                for (split, more) in packets {
                    let odds = odds.and(&more);
                    match split {
                        Some(split) => self.from(at + 1, split, &odds, Some(What::Change)),
                        None => self.push(packet.clone(), Act::Next, &odds, what),
                    }
                }
            }
        }
    }

    fn push(&mut self, packet: Packet, act: Act, odds: &Odds, what: Option<What>) {
        self.out.push(Alternative { packet, act, what, unknown: odds.unknown.clone(), weight: odds.weight });
    }

    fn step(&self, stmt: &'c Stmt, at: usize, packet: &mut Packet, what: &mut Option<What>) -> Step {
        match stmt {
            Stmt::Match { op, left, right } => match chance::share(&self.context, *op, left, right, packet) {
                Some(share) if share >= 1.0 => Step::Go,
                Some(share) if share <= 0.0 => Step::End,
                Some(share) => Step::Maybe(Odds::chance(share)),
                None => step_of(self.context.matches(*op, left, right, packet)),
            },
            Stmt::Verdict(Verdict::Continue)
            | Stmt::Counter(_)
            | Stmt::Log(_)
            | Stmt::Dup(_)
            | Stmt::FlowAdd(_)
            | Stmt::Last(_) => Step::Go,
            Stmt::Verdict(verdict) => self.verdict(verdict, packet),
            Stmt::Vmap(lookup) => self.vmap(self.context.lookup(lookup, packet), packet),
            Stmt::Object(ObjectKind::Quota | ObjectKind::Limit, _) | Stmt::Limit(_) | Stmt::Quota(_) | Stmt::CtCount { .. } => {
                Step::Maybe(Odds::unknown("it depends on the packets before".into()))
            }
            Stmt::Object(ObjectKind::Synproxy, _) | Stmt::Synproxy(_) => {
                Step::Act(Act::Lost("a SYN proxy answers in the server's place".into()))
            }
            // Without an object for the key the rule ends (`nft_objref_map_eval()`).
            Stmt::Object(_, Expr::Map(lookup)) => match self.context.lookup(lookup, packet) {
                Given::Nothing => Step::End,
                Given::One(_) => Step::Go,
                Given::Several { nothing: None, .. } => Step::Go,
                Given::Several { nothing: Some(odds), .. } => Step::Maybe(odds),
                Given::Unknown(why) => Step::Maybe(Odds::unknown(why)),
            },
            Stmt::Object(..) => Step::Go,
            Stmt::Set { key, value } => self.set(key, value, packet, what),
            Stmt::Nat(nat) => self.nat(nat, packet, what),
            Stmt::Reject(reject) => reject::rejects(*reject, packet),
            Stmt::SetUpdate(update) => self.counted(&update.elem.key, update.elem.extra.iter().flat_map(|e| &e.stmts), packet),
            Stmt::Meter(meter) => self.counted(&meter.elem.key, meter.elem.extra.iter().flat_map(|e| &e.stmts), packet),
            Stmt::Queue(_) => Step::Acts(
                queue_alternatives(packet)
                    .into_iter()
                    .map(|a| (a.packet, Some(a.act), Odds { unknown: a.unknown, weight: 1.0 }))
                    .collect(),
            ),
            Stmt::Fwd(_) => Step::Act(Act::Lost("the packet is sent out of another interface".into())),
            // `nft_notrack_eval()` leaves packets alone that have a connection or are untracked already.
            Stmt::Notrack => {
                if packet.set_template(None, true) {
                    *what = Some(What::Change);
                }
                Step::Go
            }
            // Without a transparent socket the rule ends.
            Stmt::Tproxy(_) => Step::Maybe(Odds::unknown("whether a local socket takes the packet is not known".into())),
            // iptables-nft puts matches before the counter and the target behind it.
            Stmt::Xt(xt) => {
                let counted_later = self.stmts.iter().skip(at).any(|s| matches!(s, Stmt::Counter(_)));
                foreign::extension(xt, counted_later, self.context.at, packet, what)
            }
            Stmt::Other(text) => {
                Step::Acts(foreign::anything(self.context.at, packet, &format!("what `{text}` does is not known here").into()))
            }
        }
    }

    fn verdict(&self, verdict: &Verdict, packet: &Packet) -> Step {
        match self.act_of(verdict) {
            Ok(act) => Step::Act(act),
            Err(why) => Step::Acts(foreign::anything(self.context.at, packet, &why)),
        }
    }

    fn act_of(&self, verdict: &Verdict) -> Result<Act, Why> {
        let chain = |name| match self.context.ruleset.chain(self.context.table, name) {
            Some(chain) => Ok(ChainRef::Nft(chain)),
            None => Err(Why::from(format!("there is no chain {name}"))),
        };
        Ok(match verdict {
            Verdict::Accept => Act::Accept,
            Verdict::Drop => Act::Drop,
            Verdict::Continue => Act::Next,
            Verdict::Return => Act::Return,
            Verdict::Queue => return Err("a program behind a queue decides".into()),
            Verdict::Jump(name) => Act::Jump(chain(name)?),
            Verdict::Goto(name) => Act::Goto(chain(name)?),
        })
    }

    fn vmap(&self, given: Given<'c>, packet: &Packet) -> Step {
        let act = |data: &Expr| match data {
            Expr::Verdict(verdict) => self.act_of(verdict),
            _ => Err("the map gives no verdict that is known here".into()),
        };
        match given {
            Given::Nothing => Step::End,
            Given::One(data) => match act(data) {
                // The map says `continue`.
                Ok(Act::Next) => Step::Go,
                Ok(act) => Step::Act(act),
                Err(why) => Step::Acts(foreign::anything(self.context.at, packet, &why)),
            },
            Given::Several { values, nothing } => {
                let mut acts = Vec::with_capacity(values.len() + 1);
                for (data, odds) in values {
                    match act(data) {
                        Ok(act) => acts.push((packet.clone(), Some(act), odds)),
                        Err(why) => acts.extend(foreign::anything(self.context.at, packet, &why)),
                    }
                }
                acts.extend(nothing.map(|odds| (packet.clone(), None, odds)));
                Step::Acts(acts)
            }
            Given::Unknown(why) => Step::Acts(foreign::anything(self.context.at, packet, &why)),
        }
    }

    /// `add @set { … }`: goes on, unless something that counts stands at the element.
    fn counted(&self, key: &'c Expr, mut stmts: impl Iterator<Item = &'c Stmt>, packet: &Packet) -> Step {
        if value(&self.context, key, packet).is_absent() {
            return Step::End;
        }
        if stmts.any(|s| !matches!(s, Stmt::Counter(_) | Stmt::Last(_))) {
            return Step::Maybe(Odds::unknown("it depends on the packets before".into()));
        }
        Step::Go
    }

    /// Sets something in place, or forks where it may get one of several values.
    fn split(&self, expr: &'c Expr, packet: &mut Packet, what: &mut Option<What>, change: impl Fn(&Val, &mut Packet)) -> Step {
        let changed = |value: &Val| {
            let mut changed = packet.clone();
            change(value, &mut changed);
            Some(changed)
        };
        let data = match expr {
            Expr::Map(lookup) => match self.context.lookup(lookup, packet) {
                Given::Nothing => return Step::End,
                Given::One(data) => data,
                Given::Several { values, nothing } => {
                    let mut all: Vec<_> = Vec::with_capacity(values.len() + 1);
                    for (data, odds) in values {
                        let value = value(&self.context, data, packet);
                        all.push((if value.is_absent() { None } else { changed(&value) }, odds));
                    }
                    all.extend(nothing.map(|odds| (None, odds)));
                    return Step::Split(all);
                }
                Given::Unknown(why) => {
                    return Step::Split(vec![
                        (changed(&Val::Unknown(why.clone())), Odds::unknown(why.clone())),
                        (None, Odds::unknown(why)),
                    ]);
                }
            },
            expr => expr,
        };
        match value(&self.context, data, packet) {
            value if value.is_absent() => Step::End,
            Val::Chance { first, count } if count <= MOST_NUMBERS => {
                let odds = Odds::chance(1.0 / f64::from(count.max(1)));
                Step::Split((0..count).map(|n| (changed(&Val::number(first.saturating_add(n))), odds.clone())).collect())
            }
            value => {
                let before = (packet.mark, packet.connmark, packet.ct_zone);
                let header = (packet.src, packet.dst, packet.sport, packet.dport, packet.ttl, packet.tos);
                change(&value, packet);
                if before != (packet.mark, packet.connmark, packet.ct_zone)
                    || header != (packet.src, packet.dst, packet.sport, packet.dport, packet.ttl, packet.tos)
                {
                    *what = Some(What::Change);
                }
                Step::Go
            }
        }
    }

    fn set(&self, key: &Expr, to: &'c Expr, packet: &mut Packet, what: &mut Option<What>) -> Step {
        let number = |value: &Val| value.known().and_then(|n| u32::try_from(n & u128::from(u32::MAX)).ok());
        match key {
            Expr::Meta(MetaKey::Mark) => self.split(to, packet, what, |value, p| p.mark = number(value)),
            // Without a connection nothing is set (`nft_ct_set_eval()`).
            Expr::Ct(ct) if ct.key == CtKey::Mark && packet.is_tracked() != Some(false) => {
                self.split(to, packet, what, |value, p| p.connmark = number(value))
            }
            Expr::Ct(ct) if ct.key == CtKey::Zone => self.split(to, packet, what, |value, p| {
                let zone = value.known().and_then(|n| u16::try_from(n).ok());
                p.set_template(Some(zone), false);
            }),
            Expr::Payload(field) => match payload::rewritten(field, packet) {
                payload::Rewrite::Absent => Step::End,
                payload::Rewrite::Elsewhere => Step::Go,
                payload::Rewrite::Field(field) => self.split(to, packet, what, move |value, p| field.write(value, p)),
            },
            // Without the header there is no option to change.
            Expr::Header(header) if header.kind == HeaderKind::TcpOption && packet.protocol.is_some_and(|p| p != TCP) => {
                Step::End
            }
            _ => Step::Go,
        }
    }

    fn nat(&self, nat: &'c Nat, packet: &mut Packet, what: &mut Option<What>) -> Step {
        if nat::other_family(nat, packet) {
            return Step::End;
        }
        let addrs = self.given(nat.addr.as_ref(), packet);
        let ports = self.given(nat.port.as_ref(), packet);
        if let ([(Some(addr), Odds { unknown: None, weight: 1.0 })], [(Some(port), Odds { unknown: None, weight: 1.0 })]) =
            (&addrs[..], &ports[..])
        {
            return match nat::request(&self.context, nat, *addr, *port, packet) {
                Some(request) => {
                    packet.nat = Some(request);
                    *what = Some(What::Nat);
                    Step::Act(Act::Accept)
                }
                None => Step::End,
            };
        }
        let mut acts = Vec::with_capacity(addrs.len() * ports.len());
        for (addr, odds) in &addrs {
            for (port, more) in &ports {
                let odds = odds.and(more);
                let request = addr.zip(*port).and_then(|(addr, port)| nat::request(&self.context, nat, addr, port, packet));
                let mut changed = packet.clone();
                let act = request.is_some().then_some(Act::Accept);
                changed.nat = request;
                acts.push((changed, act, odds));
            }
        }
        Step::Acts(acts)
    }

    /// What an expression of a translation may be: itself, or what a map gives; the inner `None` where nothing is said, the outer one where
    /// the map holds nothing.
    fn given(&self, expr: Option<&'c Expr>, packet: &Packet) -> Vec<(Option<Option<&'c Expr>>, Odds)> {
        let lookup = match expr {
            Some(Expr::Map(lookup)) => lookup,
            expr => return vec![(Some(expr), Odds::SURE)],
        };
        match self.context.lookup(lookup, packet) {
            Given::Nothing => vec![(None, Odds::SURE)],
            Given::One(data) => vec![(Some(Some(data)), Odds::SURE)],
            Given::Several { values, nothing } => {
                let values = values.into_iter().map(|(data, odds)| (Some(Some(data)), odds));
                values.chain(nothing.map(|odds| (None, odds))).collect()
            }
            // It may be anywhere.
            Given::Unknown(why) => {
                vec![(Some(Some(&nat::ANYWHERE)), Odds::unknown(why.clone())), (None, Odds::unknown(why))]
            }
        }
    }
}

fn step_of(answer: Tri) -> Step {
    match answer {
        Tri::Yes => Step::Go,
        Tri::No => Step::End,
        Tri::Unknown(why) => Step::Maybe(Odds::unknown(why)),
    }
}
