//! What a netfilter hook does, with all that hangs on it: base chains, connection tracking, translations, ipvs, in the kernel's order.
//!
//! Priorities are those of include/uapi/linux/netfilter_ipv4.h and the hooks of net/netfilter/ipvs/ip_vs_core.c.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bundle::Netns;

use crate::walk::connection::{Tracked, track};
use crate::walk::netfilter::{Event, Exit, Fate, Hook, HookPoint, Lines, Table, What, pass};
use crate::walk::packet::{CtState, Dev, Packet};
use crate::walk::trace::{Disposition, Stage};
use crate::walk::walker::way::{Note, Way};
use crate::walk::walker::{Walker, end_point, named, nat};
use crate::walk::world::NsId;

/// Before connection tracking (NF_IP_PRI_CONNTRACK is -200).
const RAW: RangeInclusive<i32> = i32::MIN..=-201;
/// Up to the translation of destinations (NF_IP_PRI_NAT_DST).
const TO_NAT_DST: RangeInclusive<i32> = -200..=-100;
/// Up to the translation of sources (NF_IP_PRI_NAT_SRC); ipvs hangs at 98 and 99.
const TO_IPVS: RangeInclusive<i32> = -200..=98;
const TO_NAT_SRC: RangeInclusive<i32> = 99..=100;

impl<'n> Walker<'_, 'n> {
    /// All of one hook. Ways that end here are gone from what is returned.
    pub(super) fn hook(&mut self, mut way: Way, ns: NsId, hook: Hook, iif: &Dev, oif: &Dev) -> Vec<Way> {
        (way.packet.iif, way.packet.oif) = (iif.clone(), oif.clone());
        let local = hook == Hook::Output;
        match hook {
            Hook::Prerouting | Hook::Output => {
                let ways = self.chains(way, ns, hook, RAW);
                let ways = self.each(ways, |w, way| w.tracked(way, ns).into_iter().collect());
                let ways = self.each(ways, |w, way| w.chains_and_nat(way, ns, hook, TO_NAT_DST, false));
                let ways = if local { self.each(ways, |w, way| w.ipvs_local(way, ns)) } else { ways };
                self.each(ways, |w, way| w.chains(way, ns, hook, -99..=i32::MAX))
            }
            Hook::Forward => {
                let ways = self.chains(way, ns, hook, i32::MIN..=99);
                let ways = self.each(ways, |w, way| w.ipvs_answer(way, ns));
                self.each(ways, |w, way| w.chains(way, ns, hook, 100..=i32::MAX))
            }
            Hook::Input => {
                let ways = self.chains(way, ns, hook, i32::MIN..=*TO_IPVS.end());
                let ways = self.each(ways, |w, way| w.ipvs_answer(way, ns));
                let ways = self.each(ways, |w, way| w.ipvs_input(way, ns));
                let ways = self.each(ways, |w, way| w.chains_and_nat(way, ns, hook, TO_NAT_SRC, true));
                self.each(ways, |w, way| w.chains(way, ns, hook, 101..=i32::MAX))
            }
            Hook::Postrouting => {
                let ways = self.chains_and_nat(way, ns, hook, i32::MIN..=100, true);
                self.each(ways, |w, way| w.chains(way, ns, hook, 101..=i32::MAX))
            }
        }
    }

    fn each(&mut self, ways: Vec<Way>, mut stage: impl FnMut(&mut Self, Way) -> Vec<Way>) -> Vec<Way> {
        if ways.len() == 1 {
            return ways.into_iter().next().map_or_else(Vec::new, |way| stage(self, way));
        }
        ways.into_iter().flat_map(|way| stage(self, way)).collect()
    }

    /// The base chains of a device's ingress.
    pub(super) fn ingress(&mut self, mut way: Way, ns: NsId, dev: &Arc<str>) -> Vec<Way> {
        way.packet.iif = named(dev);
        self.at(way, ns, HookPoint::Ingress, Stage::BridgeHook(Hook::Prerouting), i32::MIN..=i32::MAX)
    }

    /// The base chains of the bridge family.
    pub(super) fn bridge_hook(&mut self, mut way: Way, ns: NsId, hook: Hook, port: &Arc<str>, out: &Dev) -> Vec<Way> {
        let (iif, oif) = (way.packet.iif.clone(), way.packet.oif.clone());
        (way.packet.iif, way.packet.oif) = (named(port), out.clone());
        let mut ways = self.at(way, ns, HookPoint::Bridge(hook), Stage::BridgeHook(hook), i32::MIN..=i32::MAX);
        for way in &mut ways {
            (way.packet.iif, way.packet.oif) = (iif.clone(), oif.clone());
        }
        ways
    }

    fn chains(&mut self, way: Way, ns: NsId, hook: Hook, prios: RangeInclusive<i32>) -> Vec<Way> {
        self.at(way, ns, HookPoint::Ip(hook), Stage::Hook(hook), prios)
    }

    fn at(&mut self, way: Way, ns: NsId, point: HookPoint, stage: Stage, prios: RangeInclusive<i32>) -> Vec<Way> {
        let node = self.state(ns);
        let passage = pass(node, point, prios, way.packet.clone());
        let mut way = way;
        for gap in passage.gaps {
            // Of a pod often no more than links and routes is captured; its own rules, if it has any, are its own business.
            if node.netns() == Netns::Node {
                let gap_is_new = way.blockers.iter().all(|b| b.ns != ns || b.reason != gap.to_string());
                if gap_is_new {
                    self.unknown(way.clone(), ns, stage, gap);
                    way.assume(ns, None, gap.to_string());
                }
            } else if !way.assumed.contains(gap) {
                way.assumed.push(gap.clone());
            }
        }
        let count = passage.exits.len();
        let mut original = Some(way);
        let mut out = Vec::with_capacity(count);
        for (i, exit) in passage.exits.into_iter().enumerate() {
            let taken = if i + 1 == count { original.take() } else { original.clone() };
            let Some(way) = taken else { break };
            out.extend(self.exit(way, ns, stage, exit));
        }
        out
    }

    /// One way out of the chains.
    fn exit(&mut self, mut way: Way, ns: NsId, stage: Stage, exit: Exit<'n>) -> Option<Way> {
        let Exit { packet, fate, share, lines, blockers } = exit;
        way.share *= share;
        for blocker in blockers {
            way.assume(ns, Some(blocker.line.evidence()), blocker.reason);
        }
        let before = std::mem::replace(&mut way.packet, packet);
        if let (Some(at), true) = (way.connection, way.packet.connmark != before.connmark) {
            way.connections[at].mark = way.packet.connmark;
        }
        let (disposition, what) = match fate {
            Fate::Continue => {
                if self.record {
                    self.tell_lines(&mut way, ns, stage, &lines, &before);
                }
                return Some(way);
            }
            Fate::Drop => (Disposition::Dropped, "dropped".to_owned()),
            Fate::Reject(with) => (Disposition::Rejected, format!("refused with {with}")),
            Fate::Unknown(why) => (Disposition::Undecided, why.into_owned()),
        };
        let mut note = Note::new(ns, stage, what);
        if let Some(Event { line, .. }) = lines.events().last() {
            let place = line.place();
            let by = if place.is_policy { "the policy" } else { "a rule" };
            note = note.in_chain(table(&place.table), place.chain.clone()).by([place.evidence.clone()]);
            note.action = format!("{} by {by} of {}", note.action, place.chain);
            if disposition == Disposition::Undecided {
                way.assume(ns, Some(place.evidence), note.action.clone());
            }
        }
        self.end(way, disposition, note);
        None
    }

    /// Steps for the lines that mattered.
    fn tell_lines(&self, way: &mut Way, ns: NsId, stage: Stage, lines: &Lines<'n>, before: &Packet) {
        for Event { line, what } in lines.events() {
            let place = line.place();
            let (action, decides) = match what {
                What::Jump => (format!("goes on from {}", place.chain), false),
                What::Change => (changes(before, &way.packet), false),
                What::Nat => ("asks for a translation".to_owned(), true),
                What::Accept if place.is_policy => (format!("accepted by the policy of {}", place.chain), false),
                What::Accept => (format!("accepted in {}", place.chain), false),
                What::Stop => ("stopped".to_owned(), true),
            };
            let mut note = Note::new(ns, stage, action).in_chain(table(&place.table), place.chain).by([place.evidence]);
            note.decides = decides;
            self.write(way, note);
        }
    }

    /// Connection tracking, unless the packet has been there (`nf_conntrack_in()`: loopback, br_netfilter) or is left out.
    fn tracked(&mut self, mut way: Way, ns: NsId) -> Option<Way> {
        if way.connection.is_some() || way.packet.ct_state == Some(CtState::Untracked) {
            return Some(way);
        }
        match track(&mut way.connections, self.state(ns), ns, &mut way.packet) {
            Ok(Tracked::New(at)) => {
                way.connection = Some(at);
                self.has_room(way, ns)
            }
            Ok(Tracked::Of(at, known)) => {
                way.connection = Some(at);
                if let Some(evidence) = known {
                    let note = Note::new(ns, Stage::Conntrack, "belongs to a connection that was there already")
                        .by([evidence])
                        .decides();
                    self.write(&mut way, note);
                }
                Some(way)
            }
            Ok(Tracked::Invalid(why)) => Some(self.noted(way, || Note::new(ns, Stage::Conntrack, format!("INVALID: {why}")))),
            Err(missing) => {
                self.unknown(way, ns, Stage::Conntrack, &missing);
                None
            }
        }
    }

    /// A full table takes no new connection (`__nf_conntrack_alloc()`: "table full, dropping packet").
    fn has_room(&mut self, way: Way, ns: NsId) -> Option<Way> {
        let node = self.state(ns);
        if let (Ok(count), Ok(max)) = (node.conntrack_count(), node.conntrack_max())
            && max.value > 0
            && count.value >= max.value
        {
            let action = format!("connection tracking is full ({} of {}): new connections are dropped", count.value, max.value);
            let evidence = [count.evidence(), max.evidence()];
            self.end(way, Disposition::Dropped, Note::new(ns, Stage::Conntrack, action).by(evidence));
            return None;
        }
        Some(way)
    }

    /// Chains up to a translation, and the translation.
    fn chains_and_nat(&mut self, mut way: Way, ns: NsId, hook: Hook, prios: RangeInclusive<i32>, source: bool) -> Vec<Way> {
        // The engine leaves nat chains out for packets that are translated; here it is the connection that says so.
        if let Some(at) = way.connection {
            let connection = &way.connections[at];
            (way.packet.src_bound, way.packet.dst_bound) = (connection.source_done, connection.destination_done);
        }
        let ways = self.chains(way, ns, hook, prios);
        self.each(ways, |w, way| w.translated(way, ns, hook, source))
    }

    /// `nf_nat_inet_fn()` (net/netfilter/nf_nat_core.c).
    fn translated(&mut self, mut way: Way, ns: NsId, hook: Hook, source: bool) -> Vec<Way> {
        let Some(at) = way.connection else {
            way.packet.nat = None;
            return vec![way];
        };
        let connection = &way.connections[at];
        (way.packet.snat, way.packet.dnat) = (Some(connection.snat), Some(connection.dnat));
        let done = if source { connection.source_done } else { connection.destination_done };
        let is_new = way.packet.ct_state == Some(CtState::New);
        let request = way.packet.nat.take();
        if done || !is_new {
            let before = way.packet.clone();
            let changed = way.connections[at].translate(source, &mut way.packet);
            if changed && self.record {
                let note = Note::new(ns, Stage::Nat, format!("as its connection: {}", changes(&before, &way.packet))).decides();
                self.write(&mut way, note);
            }
            return vec![way];
        }
        if source {
            way.connections[at].source_done = true;
        } else {
            way.connections[at].destination_done = true;
        }
        let Some(request) = request else { return vec![way] };
        let packets = match nat::apply(&request, &way.packet, self.state(ns), way.next_hop, hook == Hook::Output) {
            Ok(packets) => packets,
            Err(missing) => {
                self.unknown(way, ns, Stage::Nat, &missing);
                return Vec::new();
            }
        };
        if packets.is_empty() {
            let why = "there is no address of the interface that it could be translated to: dropped";
            self.end(way, Disposition::Dropped, Note::new(ns, Stage::Nat, why));
            return Vec::new();
        }
        let several = packets.len() > 1;
        let mut out = Vec::with_capacity(packets.len());
        for packet in packets {
            let mut way = way.clone();
            if several {
                way.assume(ns, None, "which address of a range the kernel picks is not known");
            }
            let before = std::mem::replace(&mut way.packet, packet);
            way.connections[at].translated(source, &mut way.packet);
            let note = || Note::new(ns, Stage::Nat, changes(&before, &way.packet)).decides();
            if self.record {
                let note = note();
                self.write(&mut way, note);
            }
            out.push(way);
        }
        out
    }
}

/// The name of a table, as people write it.
fn table(table: &Table) -> String {
    match table {
        Table::Iptables(backend, kind) => format!("{} ({})", kind.name(), backend.name()),
        Table::Nft(family, name) => format!("{family} {name}"),
    }
}

/// What a rule or a translation changed, in words.
fn changes(before: &Packet, after: &Packet) -> String {
    let mut all = Vec::new();
    let end = |addr: Option<IpAddr>, port| end_point(addr, port);
    if (before.dst, before.dport) != (after.dst, after.dport) {
        all.push(format!("destination {} becomes {}", end(before.dst, before.dport), end(after.dst, after.dport)));
    }
    if (before.src, before.sport) != (after.src, after.sport) {
        all.push(format!("source {} becomes {}", end(before.src, before.sport), end(after.src, after.sport)));
    }
    if before.mark != after.mark {
        let mark = after.mark.map_or_else(|| "?".to_owned(), |mark| format!("{mark:#x}"));
        all.push(format!("mark becomes {mark}"));
    }
    if before.ct_state != after.ct_state && after.ct_state == Some(CtState::Untracked) {
        all.push("is not tracked".to_owned());
    }
    if all.is_empty() { "leaves the packet as it is".to_owned() } else { all.join(", ") }
}
