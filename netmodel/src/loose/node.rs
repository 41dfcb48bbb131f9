//! Sections of several files into nodes.
//!
//! **Which node.** A section is of the host that its prompt or wrapper names; else of the only host that its file names (by a prompt,
//! `uname -a`, `hostname`); else of a host whose name is a part of the file's name; else of the only host that any file names. Where several
//! hosts are named and none of this tells, the section is left out, and that is said. Where no host is named at all, everything is one
//! node with the name that the caller gives.
//!
//! **Two outputs of one thing.** Values of sysctl and lines of the kernel's log are put together in order (of two values of one key the
//! later one counts), tables of iptables-save too where no table stands twice. Of others one is taken: the form that tells more (JSON
//! before text, with details before without), then one that shows its end, then the later one; that another one was there is said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bundle::{Bundle, Capture, Format, Key, NodeIdentity, Origin, Partial, Pasted};

use super::{Identity, Known, Paste, Section, What};

/// A node made of pasted outputs.
#[derive(Debug)]
pub struct Loose {
    /// Its name.
    pub name: String,
    /// Its texts.
    pub bundle: Bundle,
    /// What was chosen or left out, in words, in the order of the files.
    pub notes: Vec<String>,
}

/// A section that is read, and where it stands.
#[derive(Clone, Copy)]
struct Candidate<'p> {
    file: &'p Arc<str>,
    section: &'p Section,
    known: &'p Known,
}

impl Candidate<'_> {
    /// What makes one output better than another of the same thing; the later one is the better of equal ones.
    fn rank(&self, capture: Capture) -> (bool, bool, bool, bool) {
        let text = &self.known.text;
        let details = match capture {
            Capture::IpAddr | Capture::IpLink => text.contains("promiscuity"),
            Capture::IpRoute4 | Capture::IpRoute6 => text.contains("table"),
            _ => false,
        };
        (self.known.format == capture.spec().format, self.known.notes.is_empty(), details, self.known.partial.is_none())
    }

    fn place(&self) -> String {
        format!("{}:{}", self.file, self.section.first)
    }
}

/// The nodes that some files show, in order of their names. `fallback` names the node where no output does. `name` of each bundle is
/// the input's path as the user gave it.
#[must_use]
pub fn nodes(pastes: &[Paste], input: &str, fallback: &str) -> Vec<Loose> {
    let lone = lone_identity(pastes);
    let hosts = lone.as_ref().map_or_else(|| hosts(pastes), |id| BTreeSet::from([short(&id.host)]));
    let mut by_node: BTreeMap<String, Vec<Candidate<'_>>> = BTreeMap::new();
    let mut identities: BTreeMap<String, Identity> = BTreeMap::new();
    let mut unplaced = Vec::new();
    if let Some(id) = &lone {
        identities.insert(short(&id.host), id.clone());
    }
    for paste in pastes {
        let of_file = of_file(paste, &hosts);
        for section in &paste.sections {
            let named = match &section.what {
                What::Identity(_) if lone.is_some() => continue,
                What::Identity(id) => Some(short(&id.host)),
                _ => section.host.as_deref().map(short),
            };
            let host = named.or_else(|| of_file.clone()).or_else(|| only(&hosts));
            match (&section.what, host) {
                (What::Identity(id), Some(host)) => {
                    let known = identities.entry(host).or_default();
                    if known.kernel.is_empty() || !id.kernel.is_empty() {
                        *known = id.clone();
                    }
                }
                (What::Known(known), host) => {
                    let candidate = Candidate { file: &paste.name, section, known };
                    match host.or_else(|| hosts.is_empty().then(|| fallback.to_owned())) {
                        Some(host) => by_node.entry(host).or_default().push(candidate),
                        None => unplaced.push(candidate),
                    }
                }
                _ => {}
            }
        }
    }
    let mut lost: Vec<String> = Vec::new();
    if by_node.is_empty() && !unplaced.is_empty() {
        lost.push(format!("several hosts are named ({}), and nothing tells of which of them the outputs are", join(&hosts)));
        by_node.insert(fallback.to_owned(), unplaced);
    } else {
        let left_out =
            |c: &Candidate<'_>| format!("{} ({}): nothing tells of which node it is; it is left out", c.place(), c.known.kind);
        lost.extend(unplaced.iter().take(SAID).map(left_out));
        if let Some(more @ 1..) = unplaced.len().checked_sub(SAID) {
            lost.push(format!("and {more} more outputs of which nothing tells the node"));
        }
    }
    let several = by_node.len() > 1;
    by_node
        .into_iter()
        .map(|(host, candidates)| {
            let mut notes = lost.clone();
            let texts = settle(&candidates, &mut notes);
            let identity = identities.remove(&host).unwrap_or_default();
            let name = if identity.host.is_empty() { host.clone() } else { identity.host };
            let node =
                NodeIdentity { name: name.clone(), kernel: identity.kernel, arch: identity.arch, ..NodeIdentity::default() };
            let input = if several { format!("{input} ({host})") } else { input.to_owned() };
            Loose { name, bundle: Bundle::from_pasted(input, node, texts), notes }
        })
        .collect()
}

fn join(hosts: &BTreeSet<String>) -> String {
    hosts.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The node's identity where only one `uname -a` and one `hostname` tell it, and no prompt another: they are of one node even if they
/// disagree (in a container's or a chroot's UTS namespace), and `hostname` has the last word.
fn lone_identity(pastes: &[Paste]) -> Option<Identity> {
    let sections = || pastes.iter().flat_map(|p| &p.sections);
    if sections().any(|s| matches!(s.what, What::Known(_)) && s.host.is_some()) {
        return None;
    }
    let ids: Vec<&Identity> = sections().filter_map(|s| if let What::Identity(id) = &s.what { Some(id) } else { None }).collect();
    match ids.as_slice() {
        [one] => Some((*one).clone()),
        [a, b] if a.is_uname() != b.is_uname() => {
            let (uname, name) = if a.is_uname() { (a, b) } else { (b, a) };
            Some(Identity { host: name.host.clone(), ..(*uname).clone() })
        }
        _ => None,
    }
}

/// A host without its domain: prompts show the short name, `uname` may show the long one.
fn short(host: &str) -> String {
    let short = if host.parse::<std::net::IpAddr>().is_ok() { host } else { host.split('.').next().unwrap_or(host) };
    short.to_ascii_lowercase()
}

fn only(hosts: &BTreeSet<String>) -> Option<String> {
    if hosts.len() == 1 { hosts.first().cloned() } else { None }
}

/// All hosts that outputs name. A prompt before something that is not read (`user@laptop$ kubectl get pods`) names none.
fn hosts(pastes: &[Paste]) -> BTreeSet<String> {
    pastes.iter().flat_map(|p| &p.sections).filter_map(named).collect()
}

fn named(section: &Section) -> Option<String> {
    match &section.what {
        What::Identity(id) => Some(short(&id.host)),
        What::Known(_) => section.host.as_deref().map(short),
        What::LeftOut(_) => None,
    }
}

/// The host of a file's sections that name none.
fn of_file(paste: &Paste, hosts: &BTreeSet<String>) -> Option<String> {
    let inside: BTreeSet<String> = paste.sections.iter().filter_map(named).collect();
    if !inside.is_empty() {
        return only(&inside);
    }
    let name = paste.name.to_ascii_lowercase();
    let is_part = |host: &str| {
        name.match_indices(host).any(|(at, _)| {
            let free = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
            free(name[..at].chars().next_back()) && free(name[at + host.len()..].chars().next())
        })
    };
    // Names of so many hosts are no help, and looking for all in all names costs their product.
    let fitting: BTreeSet<String> = hosts.iter().take(1000).filter(|h| is_part(h)).cloned().collect();
    only(&fitting)
}

/// How many notes of one kind are given; who pastes a log of a thousand commands wants no thousand notes.
const SAID: usize = 10;

/// One text for each capture.
fn settle(candidates: &[Candidate<'_>], notes: &mut Vec<String>) -> Vec<(Key, String, Pasted)> {
    let mut by_key: BTreeMap<&Key, Vec<Candidate<'_>>> = BTreeMap::new();
    for candidate in candidates {
        notes.extend(candidate.known.notes.iter().map(|n| format!("{} ({}): {n}", candidate.place(), candidate.known.kind)));
        for key in &candidate.known.keys {
            by_key.entry(key).or_default().push(*candidate);
        }
    }
    by_key
        .into_iter()
        .map(|(key, all)| {
            let chosen = choose(key, &all, notes);
            let (text, origin, partial) = put_together(&chosen);
            let format = chosen.first().map_or(key.capture.spec().format, |c| c.known.format);
            (key.clone(), text, Pasted { origin: Arc::new(origin), format, partial })
        })
        .collect()
}

/// The outputs that make a capture's text, in order.
fn choose<'p>(key: &Key, all: &[Candidate<'p>], notes: &mut Vec<String>) -> Vec<Candidate<'p>> {
    let [.., last] = all else { return Vec::new() };
    if all.len() == 1 {
        return vec![*last];
    }
    if matches!(key.capture, Capture::Sysctl | Capture::KernelLog) {
        return all.to_vec();
    }
    // Once for each: a rank looks through the whole text.
    let ranks: Vec<_> = all.iter().map(|c| c.rank(key.capture)).collect();
    let best_at = (0..all.len()).rev().reduce(|best, i| if ranks[i] > ranks[best] { i } else { best });
    let Some((best, best_rank)) = best_at.map(|i| (all[i], ranks[i])) else { return Vec::new() };
    let mut chosen = vec![best];
    if best.known.format == Format::IptablesSave {
        // `iptables-save -t nat` and `iptables-save -t filter`.
        let mut seen = tables(best);
        for other in all.iter().filter(|c| c.known.format == best.known.format && !std::ptr::eq(c.section, best.section)) {
            let more = tables(*other);
            if !more.is_empty() && more.is_disjoint(&seen) && other.known.notes.is_empty() == best.known.notes.is_empty() {
                seen.extend(more);
                chosen.push(*other);
            }
        }
    }
    if matches!(best.known.format, Format::IptablesRules | Format::IptablesList) {
        // `iptables -L` and `iptables -t nat -L`: their first lines tell the tables.
        let asked = |c: Candidate<'p>| {
            c.known.text.lines().next().map(str::trim).filter(|l| l.split(' ').next().is_some_and(|w| w.contains("tables")))
        };
        let mut seen: BTreeSet<Option<&str>> = BTreeSet::from([table_of(asked(best))]);
        for other in all.iter().rev().filter(|c| c.known.format == best.known.format && !std::ptr::eq(c.section, best.section)) {
            let table = table_of(asked(*other));
            if table.is_some_and(is_table) && !seen.contains(&None) && seen.insert(table) {
                chosen.push(*other);
            }
        }
    }
    let mut unsaid = 0usize;
    let mut said = 0usize;
    for (other, rank) in all.iter().zip(&ranks).filter(|(c, _)| !chosen.iter().any(|d| std::ptr::eq(d.section, c.section))) {
        let why = if *rank == best_rank { "the later one" } else { "the one that tells more" };
        // Forms of one output beside each other (`ip addr`, `ip -d -j addr`) are no news.
        if other.known.format != best.known.format {
            continue;
        }
        if said == SAID {
            unsaid += 1;
            continue;
        }
        said += 1;
        let (other, best) = (other.place(), best.place());
        notes.push(format!("{other} and {best} both show {}: {why} counts, {best}", key.capture));
    }
    if unsaid > 0 {
        notes.push(format!("and {unsaid} more outputs that show {}", key.capture));
    }
    chosen
}

fn is_table(name: &str) -> bool {
    matches!(name, "filter" | "nat" | "mangle" | "raw" | "security")
}

/// The table that a command line of iptables lists.
fn table_of(command: Option<&str>) -> Option<&str> {
    let words: Vec<&str> = command?.split_whitespace().collect();
    let at = words.iter().position(|w| *w == "-t" || *w == "--table");
    at.map_or(Some("filter"), |at| words.get(at + 1).copied())
}

fn tables<'p>(candidate: Candidate<'p>) -> BTreeSet<&'p str> {
    candidate.known.text.lines().map(str::trim).filter(|l| l.strip_prefix('*').is_some_and(is_table)).collect()
}

/// The texts one behind the other, with the place of every line.
fn put_together(chosen: &[Candidate<'_>]) -> (String, Origin, Option<Partial>) {
    let mut text = String::new();
    let mut origin = Origin::default();
    let mut lines = 0u32;
    for candidate in chosen {
        origin.push(lines + 1, Arc::clone(candidate.file), candidate.section.first);
        text.push_str(&candidate.known.text);
        lines = lines.saturating_add(candidate.section.last - candidate.section.first + 1);
    }
    // One that is whole makes the others no worse: they add to it.
    let partial = match chosen {
        [one] => one.known.partial.clone(),
        several if several.iter().any(|c| c.known.partial.is_none() && c.known.format == Format::SysctlA) => None,
        [first, ..] if matches!(first.known.format, Format::IptablesSave | Format::IptablesRules | Format::IptablesList) => {
            Some("it is put together of several outputs".to_owned())
        }
        [first, ..] => first.known.partial.clone(),
        [] => None,
    };
    (text, origin, partial.map(Partial::Pasted))
}
