//! What a rule of iptables does with a packet.

use crate::parse::iptables::{Jump, Mark, NatTo, Opt, Rule, RuleId, Ruleset, TableKind, Target, Value};
use crate::state::netfilter::Backend;
use crate::walk::netfilter::engine::{Act, Alternative, Asked, ChainRef, Effect};
use crate::walk::netfilter::matching;
use crate::walk::netfilter::passage::{HookPoint, What};
use crate::walk::packet::{NatAddr, NatRequest, Packet};
use crate::walk::tri::{Tri, Why};

/// What a rule does with a packet.
pub(super) fn effect(asked: &Asked<'_, '_>, backend: Backend, rule: RuleId, packet: &mut Packet) -> Effect {
    let Some(doc) = asked.rulesets.iptables(backend) else { return Effect::No };
    let Some(record) = doc.rules.get(rule.0 as usize) else { return Effect::No };
    let text = &doc.source.text;
    let (answer, share) = matching::holds(doc, text, record, packet, asked.lookups);
    let unknown = match answer {
        Tri::No => return Effect::No,
        Tri::Yes => None,
        Tri::Unknown(why) => Some(why),
    };
    let source = matches!(asked.at, HookPoint::Ip(hook) if !hook.is_before_routing());
    let doing = Doing { backend, set: doc, text, rule: record, source };
    if unknown.is_none() && share >= 1.0 {
        return match doing.act(packet) {
            Done::One(Act::Next, None) => Effect::No,
            Done::One(act, what) => Effect::Sure(act, what),
            Done::Several(alternatives) => Effect::Fork(alternatives),
        };
    }
    let mut changed = packet.clone();
    let mut all = match doing.act(&mut changed) {
        Done::One(Act::Next, None) => return Effect::No,
        Done::One(act, what) => vec![Alternative { what, ..Alternative::new(changed, act, None) }],
        Done::Several(alternatives) => alternatives,
    };
    for alternative in &mut all {
        alternative.weight *= share;
        alternative.unknown = alternative.unknown.take().or_else(|| unknown.clone());
    }
    // Where it is not known whether the rest of the conditions hold, all packets may pass the rule by.
    let weight = if unknown.is_some() { 1.0 } else { 1.0 - share };
    all.push(Alternative { weight, ..Alternative::new(packet.clone(), Act::Next, unknown) });
    Effect::Fork(all)
}

/// What a target did.
enum Done {
    One(Act, Option<What>),
    Several(Vec<Alternative>),
}

/// A rule that matched.
struct Doing<'a> {
    backend: Backend,
    set: &'a Ruleset,
    text: &'a str,
    rule: &'a Rule,
    /// Whether nat chains on this hook translate sources.
    source: bool,
}

impl Doing<'_> {
    fn act(&self, packet: &mut Packet) -> Done {
        let text = self.text;
        let to = |jump: &Jump| jump.chain.map(|c| ChainRef::Iptables(self.backend, c));
        let act = match &self.rule.target {
            Target::None
            | Target::Log(_)
            | Target::NfLog(_)
            | Target::TcpMss(_)
            | Target::Trace
            | Target::Checksum(_)
            | Target::Classify(_) => Act::Next,
            Target::Accept => Act::Accept,
            Target::Drop => Act::Drop,
            Target::Return => Act::Return,
            Target::Jump(jump) | Target::Goto(jump) => match to(jump) {
                Some(chain) if matches!(self.rule.target, Target::Goto(_)) => Act::Goto(chain),
                Some(chain) => Act::Jump(chain),
                None => {
                    let name = jump.name.of(text);
                    return self.open(packet, format!("{name} is no chain in the text and no target known here"));
                }
            },
            Target::Reject(with) => {
                let with = with.of(text);
                Act::Reject(if with.is_empty() { "icmp-port-unreachable" } else { with }.to_owned())
            }
            Target::Elided(_) => return self.open(packet, "lines are left out of the text here"),
            Target::Queue | Target::NfQueue(_) => return queue(packet),
            Target::TProxy(_) => return self.tproxy(packet),
            Target::SynProxy(_) => return Done::One(Act::Lost("a SYN proxy answers in the server's place".into()), None),
            Target::ClusterIp(_) => {
                let why: Why = "which node of the cluster takes the packet is not known".into();
                return either(packet, Act::Next, Act::Drop, &why);
            }
            Target::Other { name, .. } => {
                let name = name.of(text);
                return self.open(packet, format!("what the target does with the packet is not known here ({name})"));
            }
            target => return self.change(target, packet),
        };
        Done::One(act, None)
    }

    /// Targets that change the packet or its connection and, but for translations, go on with the next rule.
    fn change(&self, target: &Target, packet: &mut Packet) -> Done {
        let marks = (packet.mark, packet.connmark);
        let header = (packet.ttl, packet.tos);
        let mut changed = false;
        match target {
            Target::Mark(mark) => packet.mark = set_mark(packet.mark, *mark),
            Target::ConnMarkSet(_) | Target::ConnMarkSave { .. } | Target::ConnMarkRestore { .. }
                // Without a connection there is nothing to mark (net/netfilter/xt_connmark.c).
                if packet.is_tracked() == Some(false) => {}
            Target::ConnMarkSet(mark) => packet.connmark = set_mark(packet.connmark, *mark),
            Target::ConnMarkSave { nfmask, ctmask } => {
                packet.connmark = packet.connmark.zip(packet.mark).map(|(ct, nf)| (ct & !ctmask) ^ (nf & nfmask));
            }
            Target::ConnMarkRestore { nfmask, ctmask } => {
                packet.mark = packet.connmark.zip(packet.mark).map(|(ct, nf)| (nf & !nfmask) ^ (ct & ctmask));
            }
            Target::Dnat(nat) => return self.nat(packet, false, range(nat), nat),
            Target::Snat(nat) => return self.nat(packet, true, range(nat), nat),
            Target::Redirect(nat) => return self.nat(packet, false, NatAddr::IncomingInterface, nat),
            Target::Masquerade(nat) => return self.nat(packet, true, NatAddr::OutgoingInterface, nat),
            Target::Netmap(net) => {
                let to = net.prefix().map_or(NatAddr::Unknown, NatAddr::Prefix);
                return self.nat(packet, self.source, to, &NatTo::default());
            }
            Target::Npt { source, .. } => {
                // The kernel changes 16 bits of the rest too, so that checksums stay (RFC 6296, 3.1), and does not track it.
                let own = if *source { &mut packet.src } else { &mut packet.dst };
                *own = None;
                changed = true;
            }
            Target::NoTrack => changed = packet.set_template(None, true),
            Target::Ct(_) => changed = packet.set_template(self.zone(packet), self.option("--notrack").is_some()),
            // Its mark, priority and queue come from the element of the set.
            Target::Set(_) if self.option("--map-mark").is_some() => packet.mark = None,
            Target::Continues { name, .. } => self.continues(name.of(self.text), packet),
            _ => {}
        }
        let changed = changed || marks != (packet.mark, packet.connmark) || header != (packet.ttl, packet.tos);
        Done::One(Act::Next, changed.then_some(What::Change))
    }

    fn continues(&self, name: &str, packet: &mut Packet) {
        match name {
            // Its mark comes from a hash of the packet.
            "HMARK" => packet.mark = None,
            "TTL" | "HL" => packet.ttl = self.ttl(packet.ttl),
            "DSCP" => {
                packet.tos = match self.number().map(u8::try_from) {
                    Some(Ok(dscp)) => packet.tos.map(|tos| (tos & 3) | (dscp << 2)),
                    _ => None,
                };
            }
            "TOS" => packet.tos = self.tos(packet.tos),
            "ECN" => {
                if let Some(Value::Number(ect)) = self.option("--ecn-ip-ect").map(|o| o.value) {
                    packet.tos = packet.tos.zip(u8::try_from(ect & 3).ok()).map(|(tos, ect)| (tos & !3) | ect);
                }
            }
            _ => {}
        }
    }

    fn option(&self, name: &str) -> Option<&Opt> {
        self.set.target_options(self.rule).iter().find(|o| o.name() == name)
    }

    /// The number of the first option.
    fn number(&self) -> Option<u64> {
        self.set.target_options(self.rule).iter().find_map(|o| match o.value {
            Value::Number(n) => Some(n),
            _ => None,
        })
    }

    /// net/netfilter/xt_HL.c: it stops at 0 and 255, and does not drop.
    fn ttl(&self, old: Option<u8>) -> Option<u8> {
        let by = u8::try_from(self.number()?).ok()?;
        let name = self.set.target_options(self.rule).first()?.name();
        match name {
            "--ttl-set" | "--hl-set" => Some(by),
            "--ttl-dec" | "--hl-dec" => old.map(|ttl| ttl.saturating_sub(by)),
            _ => old.map(|ttl| ttl.saturating_add(by)),
        }
    }

    fn tos(&self, old: Option<u8>) -> Option<u8> {
        let option = self.set.target_options(self.rule).first()?;
        let byte = |n: u64| u8::try_from(n).ok();
        match (option.name(), option.value) {
            (_, Value::Mark(Mark { value, mask })) => {
                let (value, mask) = (u8::try_from(value).ok()?, u8::try_from(mask).ok()?);
                if mask == 0xff { Some(value) } else { old.map(|tos| (tos & !mask) ^ value) }
            }
            ("--and-tos", Value::Number(n)) => old.zip(byte(n)).map(|(tos, n)| tos & n),
            ("--or-tos", Value::Number(n)) => old.zip(byte(n)).map(|(tos, n)| tos | n),
            ("--xor-tos", Value::Number(n)) => old.zip(byte(n)).map(|(tos, n)| tos ^ n),
            _ => None,
        }
    }

    /// The zone that CT gives, if it gives one.
    fn zone(&self, packet: &Packet) -> Option<Option<u16>> {
        let option = self.option("--zone").or_else(|| self.option("--zone-orig"))?;
        Some(match option.value {
            Value::Number(zone) => u16::try_from(zone).ok(),
            Value::Range(zone, _) => u16::try_from(zone).ok(),
            // `--zone mark`: the lower half of the packet's mark.
            _ => packet.mark.and_then(|mark| u16::try_from(mark & 0xffff).ok()),
        })
    }

    fn nat(&self, packet: &mut Packet, source: bool, to: NatAddr, options: &NatTo) -> Done {
        let ports = options.ports.map(|range| (range.first, range.last));
        packet.nat = Some(NatRequest { source, to, ports, random: options.random || options.random_fully });
        Done::One(Act::Accept, Some(What::Nat))
    }

    /// It may go to a local socket, whose mark it then gets, or is dropped (`tproxy_tg4()` of net/netfilter/xt_TPROXY.c).
    fn tproxy(&self, packet: &mut Packet) -> Done {
        let mark = self.option("--tproxy-mark").map(|o| o.value);
        let mut taken = packet.clone();
        if let Some(Value::Mark(mark)) = mark {
            taken.mark = set_mark(taken.mark, mark);
        }
        let why: Why = "whether a local socket takes the packet is not known".into();
        Done::Several(vec![
            Alternative { what: Some(What::Change), ..Alternative::new(taken, Act::Accept, Some(why.clone())) },
            Alternative::new(packet.clone(), Act::Drop, Some(why)),
        ])
    }

    /// Nobody knows what it does: anything to the marks, in a nat table a translation, and any end.
    fn open(&self, packet: &Packet, why: impl Into<Why>) -> Done {
        let kind = self.set.table_of(self.rule.chain).map_or(TableKind::Unknown, |t| t.kind);
        Done::Several(anything(packet, matches!(kind, TableKind::Nat | TableKind::Unknown), self.source, &why.into()))
    }
}

/// All that a rule may do of which nothing is known.
pub(super) fn anything(packet: &Packet, nat: bool, source: bool, why: &Why) -> Vec<Alternative> {
    let mut changed = packet.clone();
    (changed.mark, changed.connmark) = (None, None);
    let mut accepted = changed.clone();
    if nat {
        accepted.nat = Some(NatRequest { source, to: NatAddr::Unknown, ports: None, random: true });
    }
    let alternative = |packet: Packet, act| Alternative::new(packet, act, Some(why.clone()));
    vec![
        alternative(packet.clone(), Act::Drop),
        alternative(accepted, Act::Accept),
        alternative(changed.clone(), Act::Return),
        alternative(changed, Act::Next),
    ]
}

/// A program behind a queue accepts or drops the packet, and may mark it.
pub(super) fn queue_alternatives(packet: &Packet) -> Vec<Alternative> {
    let why: Why = "a program behind a queue decides".into();
    let mut marked = packet.clone();
    marked.mark = None;
    vec![Alternative::new(packet.clone(), Act::Drop, Some(why.clone())), Alternative::new(marked, Act::Accept, Some(why))]
}

fn queue(packet: &Packet) -> Done {
    Done::Several(queue_alternatives(packet))
}

fn either(packet: &Packet, one: Act, other: Act, why: &Why) -> Done {
    let alternative = |act| Alternative::new(packet.clone(), act, Some(why.clone()));
    Done::Several(vec![alternative(one), alternative(other)])
}

fn range(nat: &NatTo) -> NatAddr {
    nat.addr.map_or(NatAddr::Keep, |(first, last)| NatAddr::Range(first, last))
}

fn set_mark(old: Option<u32>, mark: Mark) -> Option<u32> {
    // With a full mask the old value does not matter.
    if mark.mask == u32::MAX { Some(mark.value) } else { old.map(|old| (old & !mark.mask) ^ mark.value) }
}
