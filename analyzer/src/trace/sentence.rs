//! What becomes of a flow, in one sentence: for the last line of the text, for JSON, and for the cells of the matrix.

use netmodel::walk::endpoint::names;
use netmodel::walk::{Arrival, Disposition, Path, Trace, World};

use super::journey::{end, share};
use crate::layout;

/// A disposition as a person says it.
pub(super) fn word(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Delivered => "delivered",
        Disposition::Dropped => "dropped",
        Disposition::Rejected => "rejected",
        Disposition::Unroutable => "unroutable",
        Disposition::TooBig => "too big",
        Disposition::Undecided => "undecided",
    }
}

/// The sentence, without a full stop.
pub(super) fn of(world: &World<'_>, trace: &Trace) -> String {
    let paths = &trace.paths;
    let open = paths.iter().any(|p| !p.blockers.is_empty());
    let [first, ..] = &paths[..] else { return "undecided: no way was found out".to_owned() };
    if trace.disposition == Disposition::Undecided {
        return undecided(world, paths);
    }
    if paths.len() == 1 || open {
        // Where every way ends alike what is not known does not matter: one of them tells it.
        let path = paths.iter().find(|p| p.disposition == trace.disposition).unwrap_or(first);
        return one(world, path);
    }
    let delivered = paths.iter().filter(|p| p.disposition == Disposition::Delivered).count();
    let total = paths.len();
    if delivered == total {
        let places = places(world, paths);
        return format!("delivered by all {total} ways: to {places}{}", answered(first));
    }
    let failed: Vec<(usize, &Path)> = paths.iter().enumerate().filter(|(_, p)| p.disposition != Disposition::Delivered).collect();
    let lost: f64 = failed.iter().map(|(_, p)| p.share).sum();
    let (number, path) = failed.first().copied().unwrap_or((0, first));
    let which = if failed.len() == 1 {
        format!("the {} (to {}, {} of the packets) is", ordinal(number + 1), destination(path), share(lost))
    } else {
        format!("the others ({} of the packets) are", share(lost))
    };
    if delivered == 0 {
        return format!("{} on all {total} ways: {}", word(path.disposition), because(world, path));
    }
    let are = if delivered == 1 { "is" } else { "are" };
    format!("{delivered} of {total} ways {are} delivered; {which} {}", ended(path.disposition, &because(world, path)))
}

/// `dropped: by …`, said once where the reason begins with the word.
fn ended(disposition: Disposition, because: &str) -> String {
    let word = word(disposition);
    if because.starts_with(word) { because.to_owned() } else { format!("{word}: {because}") }
}

/// One way alone.
pub(super) fn one(world: &World<'_>, path: &Path) -> String {
    match (&path.arrival, path.disposition) {
        (Some(arrival), Disposition::Delivered) => format!("delivered: it {}{}", arrives(world, arrival), answered(path)),
        (Some(arrival), other) => {
            let because = because(world, path);
            // The walk says that it is the answer's way; here the sentence does.
            let because = because.strip_prefix("the answer: ").unwrap_or(&because);
            format!("{}: it {}, but its answer does not come back: {because}", word(other), arrives(world, arrival))
        }
        (None, other) => ended(other, &because(world, path)),
    }
}

/// The reason with the place of the line that decides.
fn because(world: &World<'_>, path: &Path) -> String {
    // What ended the way, not what led it there.
    let ended = path.deciding().next().and_then(|s| Some((s.ns, s.evidence.first()?)));
    match ended {
        Some((ns, evidence)) => {
            format!("{} ({}, {})", path.reason, names::namespace(world, ns), layout::place(evidence))
        }
        None => path.reason.clone(),
    }
}

fn answered(path: &Path) -> &'static str {
    if path.reply.is_some() { ", and the answer comes back" } else { "" }
}

/// `arrives at pod default/b1 on node-b as 10.244.2.2:5353`, `leaves node-a by eth0 towards 192.168.50.1 for 203.0.113.10:443`.
pub(super) fn arrives(world: &World<'_>, arrival: &Arrival) -> String {
    let place = names::namespace(world, arrival.ns);
    let to = end(arrival.packet.dst, arrival.packet.dport);
    match &arrival.left_by {
        None => format!("arrives at {place} as {to}"),
        Some((dev, Some(gateway))) => format!("leaves {place} by {dev} by way of {gateway} for {to}"),
        Some((dev, None)) => format!("leaves {place} by {dev} for {to}"),
    }
}

fn destination(path: &Path) -> String {
    let packet = path.arrival.as_ref().map(|a| &a.packet).or_else(|| path.steps.last().map(|s| &s.packet));
    packet.map_or_else(|| "?".to_owned(), |p| end(p.dst, p.dport))
}

/// The places where paths arrive, each once: `10.244.2.2:5353 (pod default/b1 on node-b) and …`.
fn places(world: &World<'_>, paths: &[Path]) -> String {
    let mut all: Vec<String> = paths
        .iter()
        .filter_map(|p| p.arrival.as_ref())
        .map(|a| match a.left_by {
            None => format!("{} ({})", end(a.packet.dst, a.packet.dport), names::namespace(world, a.ns)),
            Some(_) => end(a.packet.dst, a.packet.dport),
        })
        .collect();
    all.sort();
    all.dedup();
    let more = all.len().saturating_sub(3);
    match (&all[..], more) {
        (all @ [.., last], 0) if all.len() > 1 => format!("{} and {last}", all[..all.len() - 1].join(", ")),
        (all, 0) => all.join(", "),
        (all, more) => format!("{} and {more} more", all[..3].join(", ")),
    }
}

fn undecided(world: &World<'_>, paths: &[Path]) -> String {
    let mut blockers: Vec<String> = Vec::new();
    for blocker in paths.iter().flat_map(|p| &p.blockers) {
        let place = match &blocker.evidence {
            Some(evidence) => format!("{} {}: {}", names::namespace(world, blocker.ns), layout::place(evidence), blocker.reason),
            None => format!("{}: {}", names::namespace(world, blocker.ns), blocker.reason),
        };
        if !blockers.contains(&place) {
            blockers.push(place);
        }
    }
    let mut ends: Vec<&str> = paths.iter().map(|p| word(p.disposition)).filter(|w| *w != "undecided").collect();
    ends.sort_unstable();
    ends.dedup();
    let either = if ends.len() > 1 { format!("{}, depending on ", ends.join(" or ")) } else { String::new() };
    match &blockers[..] {
        [] => {
            let reason = paths.iter().find(|p| p.disposition == Disposition::Undecided).map(|p| because(world, p));
            format!("undecided: {}", reason.unwrap_or_else(|| "the bundles do not say enough".to_owned()))
        }
        [only] => format!("undecided: {either}{only}"),
        [first, rest @ ..] => format!("undecided: {either}{first} (and {})", layout::plural(rest.len(), "more line")),
    }
}

fn ordinal(number: usize) -> String {
    const WORDS: [&str; 10] = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    number.checked_sub(1).and_then(|i| WORDS.get(i)).map_or_else(|| format!("{number}th"), |word| (*word).to_owned())
}
