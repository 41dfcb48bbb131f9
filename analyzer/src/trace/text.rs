//! A trace as a journey that a person reads: who asks whom, the ways that the packet may take, step by step where it was decided, and
//! what becomes of it in the last line. Steps that decide nothing are counted, ways that end alike shown once; `--verbose` shows all.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use bundle::{Key, Netns};
use netmodel::walk::endpoint::names;
use netmodel::walk::{Disposition, Packet, Path, Stage};

use super::journey::{self, Group, Leg, Shown, share};
use super::{Walked, sentence};
use crate::layout::{BOLD, DIM, Layout, excerpt, paragraph, say};
use crate::sanitize::line;

/// So many ways that end alike are listed.
const MOST_WAYS: usize = 6;

/// The trace as text, with ANSI styles.
pub(super) fn render(walked: &Walked<'_>, layout: &Layout) -> String {
    let mut out = String::new();
    header(&mut out, walked, layout);
    let paths = &walked.trace.paths;
    let groups = journey::groups(paths);
    if paths.len() > 1 {
        overview(&mut out, walked, &groups, layout);
    }
    for group in &groups {
        let shown = if layout.verbose { group.paths.len() } else { 1 };
        for (number, path) in group.paths.iter().take(shown) {
            way(&mut out, walked, *number, path, layout);
        }
        alike(&mut out, group, shown);
    }
    open_questions(&mut out, walked, layout);
    let style = style(walked.trace.disposition);
    let text = sentence::of(walked.world, walked.trace);
    let text = line(&text);
    let (word, rest) = text.split_once(": ").map_or((&*text, String::new()), |(word, rest)| (word, format!(": {rest}")));
    say!(out, "{style}{word}{style:#}{rest}");
    out
}

fn header(out: &mut String, walked: &Walked<'_>, layout: &Layout) {
    let resolved = walked.resolved;
    // The source that the route chose stands in the first step.
    let first = walked.trace.paths.first().and_then(|p| p.steps.iter().find(|s| s.packet.src.is_some()));
    let mut packet = resolved.probe.packet.clone();
    if packet.src.is_none() {
        packet.src = first.map(|s| &s.packet).filter(|p| p.dst == packet.dst).and_then(|p| p.src);
    }
    say!(out, "{BOLD}{}{BOLD:#}{}", line(&journey::addresses(&packet)), properties(&packet));
    say!(out, "from  {}", line(&resolved.from));
    say!(out, "to    {}", line(&resolved.to));
    for note in &resolved.notes {
        paragraph(out, &line(&format!("note: {note}")), "", layout);
    }
    say!(out);
}

/// `, 60 bytes, may be fragmented`
fn properties(packet: &Packet) -> String {
    format!("{}{}", length(packet), if packet.df == Some(false) { ", may be fragmented" } else { "" })
}

/// `, 60 bytes, mark 0x4000`
fn length(packet: &Packet) -> String {
    let length = packet.length.map(|length| format!(", {length} bytes")).unwrap_or_default();
    let mark = packet.mark.filter(|mark| *mark != 0).map(|mark| format!(", mark {mark:#x}")).unwrap_or_default();
    length + &mark
}

/// What was not captured and taken for harmless, by the reason: `pods: iptables-nft-save`. Which pod it was does not matter here; JSON
/// has it.
fn assumed(paths: &[Path]) -> BTreeMap<&str, Vec<String>> {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for missing in paths.iter().flat_map(|p| &p.assumed) {
        let name = match Key::from_path(&missing.capture) {
            Ok(Key { netns: Netns::Pod(_), capture, .. }) => format!("{} of pods", capture.name()),
            Ok(key) => key.capture.name().to_owned(),
            Err(_) => missing.capture.clone(),
        };
        let captures = all.entry(&missing.why).or_default();
        if !captures.contains(&name) {
            captures.push(name);
        }
    }
    all
}

/// One line a way; of a Service with many endpoints the first ones of each group.
fn overview(out: &mut String, walked: &Walked<'_>, groups: &[Group<'_>], layout: &Layout) {
    let paths = &walked.trace.paths;
    let open = paths.iter().any(|p| !p.blockers.is_empty());
    let why = if open { "of which some depend on what is not known" } else { "among which the node balances load" };
    say!(out, "{} ways, {why}:", paths.len());
    let most = if layout.verbose { usize::MAX } else { MOST_WAYS };
    let mut shown: Vec<(usize, &Path)> = groups.iter().flat_map(|g| g.paths.iter().take(most)).copied().collect();
    shown.sort_unstable_by_key(|(number, _)| *number);
    let left = paths.len() - shown.len();
    for (number, path) in shown {
        let style = style(path.disposition);
        let end = match (&path.arrival, path.disposition) {
            (Some(arrival), Disposition::Delivered) => sentence::arrives(walked.world, arrival),
            _ => path.reason.clone(),
        };
        let share = if path.blockers.is_empty() { share(path.share) } else { "?".to_owned() };
        let word = sentence::word(path.disposition);
        say!(out, "  {number:>3}  {share:>6}  {style}{word:<10}{style:#}  {}", line(&end));
    }
    if left > 0 {
        say!(out, "       {DIM}… and {left} more that end like one of these: --verbose and --format json have them all{DIM:#}");
    }
    say!(out);
}

fn alike(out: &mut String, group: &Group<'_>, shown: usize) {
    let rest: Vec<String> = group.paths.iter().skip(shown).map(|(number, _)| number.to_string()).collect();
    let Some((first, _)) = group.paths.first() else { return };
    let text = match &rest[..] {
        [] => return,
        [only] => format!("way {only} goes like way {first}"),
        [listed @ .., last] if rest.len() <= MOST_WAYS => format!("ways {} and {last} go like way {first}", listed.join(", ")),
        _ => format!("{} more ways go like way {first}", rest.len()),
    };
    say!(out, "{DIM}{text} (--verbose shows them){DIM:#}");
    say!(out);
}

fn way(out: &mut String, walked: &Walked<'_>, number: usize, path: &Path, layout: &Layout) {
    if walked.trace.paths.len() > 1 {
        let style = style(path.disposition);
        // The share of a way that is taken or not is not known.
        let share = if path.blockers.is_empty() { format!(", {}", share(path.share)) } else { String::new() };
        say!(out, "{BOLD}way {number}{BOLD:#}{share}: {style}{}{style:#}", sentence::word(path.disposition));
    }
    let replies = path.reply.as_deref();
    steps(out, walked, &journey::legs(path, &path.steps, replies.is_none()), layout);
    if let Some(replies) = replies.filter(|r| !r.is_empty()) {
        say!(out, "{BOLD}the answer{BOLD:#}");
        steps(out, walked, &journey::legs(path, replies, true), layout);
    }
}

/// What is not known, and what was taken for harmless: of all ways together, since they have it in common.
fn open_questions(out: &mut String, walked: &Walked<'_>, layout: &Layout) {
    let paths = &walked.trace.paths;
    let before = out.len();
    let mut blockers = Vec::new();
    for blocker in paths.iter().flat_map(|p| &p.blockers) {
        if !blockers.contains(&blocker) {
            blockers.push(blocker);
        }
    }
    for blocker in blockers {
        let place = names::namespace(walked.world, blocker.ns);
        paragraph(out, &line(&format!("not known ({place}): {}", blocker.reason)), "? ", layout);
        if let Some(evidence) = &blocker.evidence {
            say!(out, "    | {}", excerpt(evidence, layout));
        }
    }
    for (why, captures) in assumed(paths) {
        let text = format!("not captured, and taken for harmless: {} ({why})", captures.join(", "));
        paragraph(out, &line(&text), "? ", layout);
    }
    if out.len() > before {
        say!(out);
    }
}

fn steps(out: &mut String, walked: &Walked<'_>, legs: &[Leg<'_>], layout: &Layout) {
    for leg in legs {
        let Some(first) = leg.steps.first() else { continue };
        say!(out, "{BOLD}{}{BOLD:#}", line(&names::namespace(walked.world, first.step.ns)));
        let mut folded: Vec<&Shown<'_>> = Vec::new();
        for shown in &leg.steps {
            if shown.step.decides || shown.fatal || !shown.translated.is_empty() || layout.verbose {
                fold(out, &mut folded);
                step(out, shown, layout);
            } else {
                folded.push(shown);
            }
        }
        fold(out, &mut folded);
    }
    say!(out);
}

/// Steps that decided nothing: by their stages.
fn fold(out: &mut String, folded: &mut Vec<&Shown<'_>>) {
    let Some(depth) = folded.first().map(|s| s.depth) else { return };
    let mut stages: Vec<&str> = Vec::new();
    for shown in folded.drain(..) {
        let name = shown.step.stage.name();
        if stages.last() != Some(&name) {
            stages.push(name);
        }
    }
    say!(out, "  {}{DIM}  {}: passed{DIM:#}", "    ".repeat(depth), stages.join(", "));
}

fn step(out: &mut String, shown: &Shown<'_>, layout: &Layout) {
    let step = shown.step;
    let indent = "    ".repeat(shown.depth);
    let mark = if shown.fatal {
        let red = AnsiColor::Red.on_default().bold();
        format!("{red}x{red:#}")
    } else if step.decides {
        format!("{BOLD}*{BOLD:#}")
    } else {
        " ".to_owned()
    };
    let chain = step.chain.as_ref().map(|(table, chain)| format!("  {DIM}{}{DIM:#}", line(&format!("{table} {chain}"))));
    let chain = chain.unwrap_or_default();
    let stage = step.stage.name();
    if shown.translated.is_empty() {
        say!(out, "  {indent}{mark} {stage:<12} {}{chain}", line(&step.action));
    } else {
        for translated in &shown.translated {
            let text = format!("{} {} -> {}", translated.what, translated.before, translated.after);
            say!(out, "  {indent}{mark} {stage:<12} {BOLD}{}{BOLD:#}{chain}", line(&text));
        }
        if layout.verbose {
            say!(out, "  {indent}  {:<12} {}", "", line(&step.action));
        }
    }
    if step.decides || layout.verbose {
        for evidence in &step.evidence {
            say!(out, "  {indent}    | {}", excerpt(evidence, layout));
        }
    }
    if matches!(step.stage, Stage::Encapsulate | Stage::Decapsulate) {
        say!(out, "  {indent}    {DIM}now{DIM:#} {}{}", line(&journey::addresses(&step.packet)), length(&step.packet));
    } else if layout.verbose {
        say!(out, "  {indent}    {DIM}{}{}{DIM:#}", line(&journey::addresses(&step.packet)), length(&step.packet));
    }
}

fn style(disposition: Disposition) -> Style {
    let color = match disposition {
        Disposition::Delivered => AnsiColor::Green,
        Disposition::Undecided => AnsiColor::Yellow,
        Disposition::Dropped | Disposition::Rejected | Disposition::Unroutable | Disposition::TooBig => AnsiColor::Red,
    };
    color.on_default().bold()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::sketch;

    fn plain(sketch: &sketch::Sketch, verbose: bool) -> String {
        let styled = sketch.with(|walked| render(walked, &Layout { width: 100, verbose }));
        anstream::adapter::strip_str(&styled).to_string()
    }

    #[test]
    fn two_endpoints_of_which_one_is_dropped() {
        insta::assert_snapshot!(plain(&sketch::one_of_two_dropped(), false));
    }

    #[test]
    fn over_the_overlay_and_back() {
        insta::assert_snapshot!(plain(&sketch::over_the_overlay(), false));
        insta::assert_snapshot!("verbose", plain(&sketch::over_the_overlay(), true));
    }

    #[test]
    fn undecided_names_what_blocks() {
        insta::assert_snapshot!(plain(&sketch::undecided(), false));
    }

    #[test]
    fn nothing_of_a_bundle_reaches_a_terminal_as_an_escape() {
        for verbose in [false, true] {
            let text = plain(&sketch::hostile(), verbose);
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            assert!(text.contains("\\u{1b}[2J"), "{text}");
        }
    }
}
