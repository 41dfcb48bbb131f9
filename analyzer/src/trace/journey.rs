//! A path as a person follows it: by namespace, what decided and what did not, translations and tunnels made plain.

use std::net::IpAddr;

use netmodel::walk::packet::protocol_name;
use netmodel::walk::{Disposition, Packet, Path, Stage, Step};

/// A part of a path in one namespace.
#[derive(Debug)]
pub(super) struct Leg<'t> {
    /// The steps there.
    pub(super) steps: Vec<Shown<'t>>,
}

/// A step, with what can be seen only beside the step before it.
#[derive(Debug)]
pub(super) struct Shown<'t> {
    pub(super) step: &'t Step,
    /// What the packet's addresses were before, where the step changed them.
    pub(super) translated: Vec<Translated>,
    /// In how many tunnels the packet is at this step.
    pub(super) depth: usize,
    /// Whether this ends a path that is not delivered.
    pub(super) fatal: bool,
}

/// One end of the packet, before and after.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translated {
    /// `source`, `destination`
    pub(super) what: &'static str,
    pub(super) before: String,
    pub(super) after: String,
}

/// `10.96.0.10:53`, `[fd00::a]:53`, `10.96.0.10`; what is not known is `?`.
pub(super) fn end(addr: Option<IpAddr>, port: Option<u16>) -> String {
    match (addr, port) {
        (None, None) => "?".to_owned(),
        (None, Some(port)) => format!("?:{port}"),
        (Some(addr), None) => addr.to_string(),
        (Some(IpAddr::V6(addr)), Some(port)) => format!("[{addr}]:{port}"),
        (Some(addr), Some(port)) => format!("{addr}:{port}"),
    }
}

/// `tcp 10.244.1.2:40000 -> 10.96.0.10:53`
pub(super) fn addresses(packet: &Packet) -> String {
    let protocol = packet.protocol.map_or_else(|| "ip".into(), protocol_name);
    format!("{protocol} {} -> {}", end(packet.src, packet.sport), end(packet.dst, packet.dport))
}

/// The legs of the way there, or of the answer's way.
pub(super) fn legs<'t>(path: &Path, steps: &'t [Step], last_part: bool) -> Vec<Leg<'t>> {
    let failed = last_part && path.disposition != Disposition::Delivered;
    let fatal = if failed { steps.iter().rposition(|s| s.decides) } else { None };
    let mut legs: Vec<Leg<'t>> = Vec::new();
    let mut depth = 0usize;
    let mut before: Option<&Step> = None;
    for (i, step) in steps.iter().enumerate() {
        if step.stage == Stage::Decapsulate {
            depth = depth.saturating_sub(1);
        }
        // A tunnel puts another packet in the place of this one: that is no translation.
        let rewrapped = matches!(step.stage, Stage::Encapsulate | Stage::Decapsulate | Stage::Start);
        let translated = match before {
            Some(before) if !rewrapped => translations(&before.packet, &step.packet),
            _ => Vec::new(),
        };
        let shown = Shown { step, translated, depth, fatal: fatal == Some(i) };
        match legs.last_mut() {
            Some(leg) if leg.steps.first().is_some_and(|s| s.step.ns == step.ns) => leg.steps.push(shown),
            _ => legs.push(Leg { steps: vec![shown] }),
        }
        if step.stage == Stage::Encapsulate {
            depth += 1;
        }
        before = Some(step);
    }
    legs
}

fn translations(before: &Packet, after: &Packet) -> Vec<Translated> {
    let mut found = Vec::new();
    // A source that was not chosen yet is no other one.
    if before.src.is_some() && (before.src, before.sport) != (after.src, after.sport) {
        found.push(Translated { what: "source", before: end(before.src, before.sport), after: end(after.src, after.sport) });
    }
    if (before.dst, before.dport) != (after.dst, after.dport) {
        found.push(Translated { what: "destination", before: end(before.dst, before.dport), after: end(after.dst, after.dport) });
    }
    found
}

/// Paths that end alike for the same reason: shown once.
#[derive(Debug)]
pub(super) struct Group<'t> {
    /// With their numbers, from 1.
    pub(super) paths: Vec<(usize, &'t Path)>,
}

/// The paths by how they end: those that are not delivered first, by the line that decides.
pub(super) fn groups(paths: &[Path]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (i, path) in paths.iter().enumerate() {
        let same = |g: &&mut Group<'_>| g.paths.first().is_some_and(|(_, first)| key(first) == key(path));
        match groups.iter_mut().find(same) {
            Some(group) => group.paths.push((i + 1, path)),
            None => groups.push(Group { paths: vec![(i + 1, path)] }),
        }
    }
    groups.sort_by_key(|g| g.paths.first().is_none_or(|(_, p)| p.disposition == Disposition::Delivered));
    groups
}

/// What makes two paths the same to a reader: how they end, and the line that decided it. Delivered ones differ in the endpoint only.
fn key(path: &Path) -> (Disposition, bool, Option<(&str, u32)>, usize) {
    let line = path.deciding().next().and_then(|s| s.evidence.first()).map(|e| (e.capture.as_str(), e.line));
    let delivered = path.disposition == Disposition::Delivered;
    (path.disposition, path.reply.is_some(), line.filter(|_| !delivered), path.blockers.len())
}

/// The share of the packets, in words: `50 %`; below one percent with a digit more.
pub(super) fn share(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 1.0 || percent <= 0.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}
