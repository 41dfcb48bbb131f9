//! A file into sections: first at the lines between outputs, then where one format ends and another begins.
//!
//! Every line is looked at a bounded number of times.

use std::borrow::Cow;

use super::command::Hint;
use super::kind::{self, Kind};
use super::prompt::{self, Separator};
use super::{json, shape};

/// A run of lines between two separators.
pub(super) struct Block<'t> {
    /// Index of its first line in the file.
    pub(super) first: usize,
    /// Its lines, without quoting and without the indentation that all of them share.
    pub(super) lines: Vec<Cow<'t, str>>,
    /// The host that was named last.
    pub(super) host: Option<String>,
    /// What the separator before it says.
    pub(super) hint: Option<Hint>,
    /// Whether a prompt with the command stands before it, and another prompt behind it: then it is all that the command printed.
    pub(super) framed: bool,
}

/// A part of a block.
pub(super) struct Part {
    /// Index of its first line in the block.
    pub(super) first: usize,
    /// Index behind its last line.
    pub(super) end: usize,
    /// What it is; `None` when nothing begins like it.
    pub(super) kind: Option<&'static Kind>,
    /// Of JSON: whether the document is closed.
    pub(super) closed: Option<bool>,
}

/// A line without `> ` of a mail, several deep.
fn unquoted(line: Cow<'_, str>) -> Cow<'_, str> {
    let strip = |line: &str| {
        let mut rest = line;
        while let Some(inner) = rest.strip_prefix('>') {
            rest = inner.strip_prefix(' ').unwrap_or(inner);
        }
        line.len() - rest.len()
    };
    match line {
        Cow::Borrowed(line) => Cow::Borrowed(&line[strip(line)..]),
        Cow::Owned(line) => Cow::Owned(line[strip(&line)..].to_owned()),
    }
}

fn is_fence(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("```")
        || line.starts_with("~~~")
        || matches!(line, "<pre>" | "</pre>" | "[code]" | "[/code]" | "{code}" | "{noformat}")
}

/// The blocks of a file.
pub(super) fn blocks<'t>(text: &'t str) -> Vec<Block<'t>> {
    let mut blocks = Vec::new();
    let mut open = Block { first: 0, lines: Vec::new(), host: None, hint: None, framed: false };
    let mut after_prompt = false;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let line = unquoted(super::decode::plain(line));
        let fence = is_fence(&line);
        let found = if fence { Some(Separator { host: None, hint: None, prompt: false }) } else { prompt::separator(&line) };
        let Some(separator) = found else {
            open.lines.push(line);
            continue;
        };
        let empty = open.lines.iter().all(|l| l.trim().is_empty());
        let host = separator.host.or_else(|| open.host.clone());
        // A fence or a heading behind the command does not take its word back.
        let hint = if empty && !separator.prompt { separator.hint.or_else(|| open.hint.take()) } else { separator.hint };
        open.framed = after_prompt && separator.prompt && open.hint.is_some();
        after_prompt = separator.prompt || (after_prompt && empty);
        let done = std::mem::replace(&mut open, Block { first: index + 1, lines: Vec::new(), host, hint, framed: false });
        // Nothing between two prompts is an output, too: of nothing.
        if !empty || (done.framed && done.hint.is_some()) {
            blocks.push(done);
        }
    }
    if open.lines.iter().any(|l| !l.trim().is_empty()) {
        blocks.push(open);
    }
    for block in &mut blocks {
        dedent(&mut block.lines);
    }
    blocks
}

/// Takes the blanks away that all lines begin with.
fn dedent(lines: &mut [Cow<'_, str>]) {
    let blanks = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let Some(first) = lines.iter().find(|l| !l.trim().is_empty()) else { return };
    let mut common = first[..blanks(first)].to_owned();
    for line in lines.iter().filter(|l| !l.trim().is_empty()) {
        if common.is_empty() {
            return;
        }
        let shared = common.bytes().zip(line.bytes()).take_while(|(a, b)| a == b).count();
        common.truncate(shared);
    }
    for line in lines {
        if !line.trim().is_empty() {
            *line = match std::mem::take(line) {
                Cow::Borrowed(line) => Cow::Borrowed(&line[common.len()..]),
                Cow::Owned(line) => Cow::Owned(line[common.len()..].to_owned()),
            };
        }
    }
}

/// The kind whose output begins at the first of these lines.
fn start<'l>(lines: &'l [Cow<'_, str>]) -> Option<&'static Kind> {
    let mut window: [&'l str; 4] = [""; 4];
    let mut n = 0;
    // Blank lines among the first are no matter; more than a few end the look.
    for line in lines.iter().take(8).filter(|l| !l.trim().is_empty()).take(4) {
        // A line's begin tells its kind; the rest of one with megabytes costs time.
        window[n] = &line[..line.floor_char_boundary(4096)];
        n += 1;
    }
    kind::text().find(|kind| (kind.starts)(&window[..n]))
}

/// How many lines that do not belong are borne in the middle of an output: notes, elisions, messages of the tool.
const STRANGERS: usize = 40;

/// The parts of a block, in order, without gaps but for blank lines.
pub(super) fn parts(lines: &[Cow<'_, str>]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut i = 0;
    while i < lines.len() {
        if lines[i].trim().is_empty() {
            i += 1;
        } else if json::begins(&lines[i]) {
            let extent = json::extent(lines[i..].iter().map(|l| &**l));
            let end = i + extent.lines;
            let text = joined(&lines[i..end], json_head(&lines[i..end]));
            parts.push(Part { first: i, end, kind: json::kind(&text).and_then(kind::named), closed: Some(extent.closed) });
            i = end;
        } else if let Some(kind) = start(&lines[i..]) {
            let end = extent(kind, lines, i);
            parts.push(Part { first: i, end, kind: Some(kind), closed: None });
            i = end;
        } else {
            match parts.last_mut() {
                Some(part)
                    if part.kind.is_none() && part.closed.is_none() && lines[part.end..i].iter().all(|l| l.trim().is_empty()) =>
                {
                    part.end = i + 1;
                }
                _ => parts.push(Part { first: i, end: i + 1, kind: None, closed: None }),
            }
            i += 1;
        }
    }
    with_comments(parts, lines)
}

/// Comments above a configuration file's first statement are part of it.
fn with_comments(parts: Vec<Part>, lines: &[Cow<'_, str>]) -> Vec<Part> {
    const COMMENTED: &[&str] = &["resolv.conf", "hosts", "nsswitch.conf", "sysctl"];
    let comments = |part: &Part| {
        part.kind.is_none()
            && part.closed.is_none()
            && lines[part.first..part.end].iter().all(|l| l.starts_with(['#', ';']) || l.trim().is_empty())
    };
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    for mut part in parts {
        if part.kind.is_some_and(|k| COMMENTED.contains(&k.name))
            && let Some(before) = out.pop_if(|before| comments(before))
        {
            part.first = before.first;
        }
        out.push(part);
    }
    out
}

/// How many lines of a document are enough to know it.
fn json_head(lines: &[Cow<'_, str>]) -> usize {
    lines.len().min(400)
}

/// Some lines as one text.
pub(super) fn joined(lines: &[Cow<'_, str>], most: usize) -> String {
    let lines = &lines[..most.min(lines.len())];
    let mut text = String::with_capacity(lines.iter().map(|l| l.len() + 1).sum());
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Where the output ends that begins at `first`: behind the last line that belongs to it.
fn extent(kind: &'static Kind, lines: &[Cow<'_, str>], first: usize) -> usize {
    let mut end = first + 1;
    let mut braces = Braces::default();
    let mut save = SaveState::default();
    let is_nft = kind.name == "nft list ruleset";
    let is_save = kind.name == "iptables-save";
    let is_addr = kind.name == "ip addr";
    if is_nft {
        braces.line(&lines[first]);
    }
    if is_save {
        save.begins_another(lines[first].trim());
    }
    let mut at = first + 1;
    while at < lines.len() && at - end <= STRANGERS {
        let line = &*lines[at];
        let trimmed = line.trim();
        let head = &line[..line.floor_char_boundary(4096)];
        if trimmed.is_empty() {
            at += 1;
            continue;
        }
        if is_nft && braces.open > 0 {
            braces.line(line);
            end = at + 1;
        } else if (kind.owns)(head) {
            if is_save && shape::save_header(trimmed) {
                save.header.get_or_insert(at);
            } else if is_save && !trimmed.starts_with(['#', '*']) {
                save.header = None;
            }
            let another = (kind.restarts)(head)
                || is_save && save.begins_another(trimmed)
                || is_addr && start(&lines[at..]).is_some_and(|k| k.name == "bridge link")
                || trimmed.starts_with('#') && start(&lines[at..]).is_some_and(|k| k != kind && shape::save_header(trimmed));
            if another {
                // The second save's header belongs to it.
                end = save.header.filter(|at| *at > first).unwrap_or(end);
                break;
            }
            if is_nft {
                braces.line(line);
            }
            end = at + 1;
        } else if json::begins(line) || start(&lines[at..]).is_some_and(|k| k != kind && k.name != "a tool's error message") {
            break;
        }
        at += 1;
    }
    end
}

/// How deep nft's blocks are open. A block opens at the end of a line and closes on a line of its own.
#[derive(Default)]
struct Braces {
    open: usize,
}

impl Braces {
    fn line(&mut self, line: &str) {
        let line = line.split(" # handle ").next().unwrap_or(line).trim();
        if line.ends_with('{') {
            self.open += 1;
        } else if line == "}" {
            self.open = self.open.saturating_sub(1);
        }
    }
}

/// Which tables an iptables-save has shown: one that comes again belongs to another save.
#[derive(Default)]
struct SaveState {
    tables: u8,
    tool: Option<String>,
    committed: bool,
    /// Index of the header that no table has followed yet.
    header: Option<usize>,
}

impl SaveState {
    fn begins_another(&mut self, line: &str) -> bool {
        if line.contains("Generated by") {
            let tool = line.split_whitespace().find(|w| w.contains("tables")).unwrap_or_default();
            let other = self.tool.as_deref().is_some_and(|known| known != tool);
            self.tool.get_or_insert_with(|| tool.to_owned());
            return other;
        }
        if line == "COMMIT" {
            self.committed = true;
        }
        let bit = match line {
            "*filter" => 1,
            "*nat" => 2,
            "*mangle" => 4,
            "*raw" => 8,
            "*security" => 16,
            _ => return false,
        };
        let again = self.tables & bit != 0;
        self.tables |= bit;
        // Without a COMMIT the table may just be cut in two.
        again && self.committed
    }
}
