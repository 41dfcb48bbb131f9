//! `coldpath show` of loose outputs: every file with its sections, what each was recognised as, and what was not and why.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use anstyle::Style;
use bundle::{Bundle, Limits, OpenError};
use netmodel::loose::{Known, Paste, Section, What};
use serde::Serialize;

use crate::cli::Format;
use crate::exit::Stop;
use crate::input::{self, Group};
use crate::report::json::{TOOL, ToolJson, pretty};
use crate::sanitize::line;

const BOLD: Style = Style::new().bold();

/// The loose outputs at a path; `None` where it is a bundle, or nothing that is known here: opening it says what.
pub(super) fn groups(path: &Path) -> Result<Option<Vec<Group>>, Stop> {
    match Bundle::open(path, &Limits::default()) {
        Err(OpenError::NotABundle { .. }) => input::read_loose(path),
        _ => Ok(None),
    }
}

pub(super) fn render(groups: &[Group], format: Format) -> String {
    match format {
        Format::Text => text(groups),
        Format::Json => json(groups),
    }
}

fn text(groups: &[Group]) -> String {
    let mut out = String::new();
    let mut say = |text: &str| writeln!(out, "{text}").expect("writing to a String does not fail");
    for group in groups {
        let nodes = group.nodes();
        let names: Vec<&str> = nodes.iter().map(|n| n.bundle.manifest().node.name.as_str()).collect();
        let shown =
            if names.is_empty() { "no output that is read".to_owned() } else { format!("node {}", names.join(", node ")) };
        say(&format!("{BOLD}{}: {}{BOLD:#}", line(&group.input), line(&shown)));
        for paste in &group.pastes {
            let encoding = paste.encoding.map(|e| format!(" ({e})")).unwrap_or_default();
            say(&format!("\n{BOLD}{}{BOLD:#}{encoding}", line(&paste.name)));
            for section in &paste.sections {
                say(&format!("  {:>11}  {}", range(section), line(&describe(section))));
            }
        }
        let mut seen = HashSet::new();
        let said: Vec<&String> = nodes.iter().flat_map(|n| &n.notes).filter(|n| seen.insert(*n)).collect();
        if !said.is_empty() {
            say("");
        }
        for note in said {
            say(&format!("note: {}", line(note)));
        }
        let (known, unknown) = counts(group);
        say(&format!("\n{known} recognised, {unknown} not; coldpath show INPUT CAPTURE prints one text\n"));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn counts(group: &Group) -> (usize, usize) {
    let sections = || group.pastes.iter().flat_map(|p| &p.sections);
    let unknown = sections().filter(|s| matches!(s.what, What::LeftOut(_))).count();
    (sections().count() - unknown, unknown)
}

fn range(section: &Section) -> String {
    if section.first == section.last { section.first.to_string() } else { format!("{}-{}", section.first, section.last) }
}

fn describe(section: &Section) -> String {
    let host = section.host.as_ref().map(|h| format!(" of {h}")).unwrap_or_default();
    match &section.what {
        What::Known(known) => {
            let partial = known.partial.as_ref().map(|why| format!(" [not whole: {why}]")).unwrap_or_default();
            format!("{}: {}{host}{partial}", captures(known).join(", "), known.kind)
        }
        What::Identity(id) => format!("the node's name: {} {} {}", id.host, id.kernel, id.arch).trim_end().to_owned(),
        What::LeftOut(why) => format!("not recognised{host}: {why}"),
    }
}

fn captures(known: &Known) -> Vec<String> {
    known.keys.iter().map(super::short).collect()
}

/// What loose outputs hold, `coldpath.pasted/1`.
#[derive(Serialize)]
struct PastedJson<'g> {
    schema: &'static str,
    tool: ToolJson,
    groups: Vec<GroupJson<'g>>,
}

#[derive(Serialize)]
struct GroupJson<'g> {
    input: &'g str,
    nodes: Vec<String>,
    notes: Vec<String>,
    files: Vec<FileJson<'g>>,
}

#[derive(Serialize)]
struct FileJson<'g> {
    name: &'g str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<String>,
    sections: Vec<SectionJson<'g>>,
}

#[derive(Serialize)]
struct SectionJson<'g> {
    first_line: u32,
    last_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'g str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'g str>,
    /// What it was recognised as.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'g str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    captures: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_whole: Option<&'g str>,
    /// Why it was not recognised, or is of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<&'g str>,
}

fn json(groups: &[Group]) -> String {
    let groups = groups
        .iter()
        .map(|group| {
            let nodes = group.nodes();
            GroupJson {
                input: &group.input,
                notes: nodes.first().map(|n| n.notes.clone()).unwrap_or_default(),
                nodes: nodes.into_iter().map(|n| n.bundle.manifest().node.name.clone()).collect(),
                files: group.pastes.iter().map(file).collect(),
            }
        })
        .collect();
    pretty(&PastedJson { schema: "coldpath.pasted/1", tool: TOOL, groups })
}

fn file(paste: &Paste) -> FileJson<'_> {
    let sections = paste
        .sections
        .iter()
        .map(|s| {
            let known = if let What::Known(known) = &s.what { Some(known) } else { None };
            SectionJson {
                first_line: s.first,
                last_line: s.last,
                host: s.host.as_deref(),
                command: s.command.as_deref(),
                kind: match &s.what {
                    What::Known(known) => Some(known.kind),
                    What::Identity(_) => Some("identity"),
                    What::LeftOut(_) => None,
                },
                captures: known.map(captures).unwrap_or_default(),
                not_whole: known.and_then(|k| k.partial.as_deref()),
                left_out: if let What::LeftOut(why) = &s.what { Some(why) } else { None },
            }
        })
        .collect();
    FileJson { name: &paste.name, encoding: paste.encoding.map(|e| e.to_string()), sections }
}
