//! Outputs as people paste them into tickets: which formats stand in a file, and a node made of them.
//!
//! ```text
//! Hi, here is what I have from the node:
//! > root@node-a:~# sysctl net.ipv4.ip_forward
//! > net.ipv4.ip_forward = 0
//! > root@node-a:~# iptables-save | grep KUBE-FORWARD
//! > -A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
//! ```
//!
//! A file is recognised by what it contains; its name, and the command that stands before an output, only break ties (legacy or nft,
//! IPv4 or IPv6). [`read`] cuts a file into [`Section`]s and never fails: what is not recognised is a section too, with the reason.
//! [`nodes`] puts the sections of several files together to [`bundle::Bundle`]s, one a node; see there how nodes are told apart and what
//! comes of two outputs of the same thing. Line numbers of findings are those of the files as they were given.
//!
//! Not here: reading files and folders (the analyzer does), and what the texts mean (the parsers). Cost is linear in the size of the
//! input: the first lines of an output are compared with all formats, the rest with the one that was found.

mod command;
mod decode;
mod finish;
mod json;
mod kind;
mod node;
mod prompt;
mod shape;
mod split;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bundle::{Format, Key};

use command::Hint;
pub use decode::Encoding;
pub use node::{Loose, nodes};

/// A file, cut into sections.
#[derive(Debug)]
pub struct Paste {
    /// Its name as given.
    pub name: Arc<str>,
    /// How its bytes became text; `None` when they are no text.
    pub encoding: Option<Encoding>,
    /// Its sections in order; lines between them are blank or stand between outputs (prompts, headings).
    pub sections: Vec<Section>,
}

/// Consecutive lines of a file that belong together.
#[derive(Debug)]
pub struct Section {
    /// Number of its first line in the file.
    pub first: u32,
    /// Number of its last line in the file.
    pub last: u32,
    /// The host that a prompt or a wrapper names.
    pub host: Option<String>,
    /// The command that stands before it.
    pub command: Option<String>,
    /// What it was recognised as.
    pub what: What,
}

/// What a section is.
#[derive(Debug)]
pub enum What {
    /// It is an output that this version reads.
    Known(Known),
    /// It is `uname -a` or a host's name: it says of which node the file is.
    Identity(Identity),
    /// It is left out: why.
    LeftOut(String),
}

/// An output that is read.
#[derive(Debug)]
pub struct Known {
    /// What prints it.
    pub kind: &'static str,
    /// The form of its text.
    pub format: Format,
    /// The captures that it is.
    pub keys: Vec<Key>,
    /// Its text, without quoting and indentation.
    pub text: String,
    /// Why it may not be the whole; `None` where it shows that it is.
    pub partial: Option<String>,
    /// What was chosen without being told.
    pub notes: Vec<String>,
}

/// What `uname -a` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The host's name.
    pub host: String,
    /// The kernel's release; empty where only the name is known.
    pub kernel: String,
    /// The architecture; empty where only the name is known.
    pub arch: String,
}

impl Identity {
    /// Of `uname -a`, which tells the kernel, too.
    fn is_uname(&self) -> bool {
        !self.kernel.is_empty()
    }
}

impl Paste {
    /// Whether anything in it is of use.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.sections.iter().any(|s| matches!(s.what, What::Known(_)))
    }
}

/// Cuts a file into sections. `name` is its path as the user knows it, with `/` between parts.
#[must_use]
pub fn read(name: &str, bytes: &[u8]) -> Paste {
    let shared: Arc<str> = Arc::from(name);
    let (text, encoding) = match decode::text(bytes) {
        Ok((text, encoding)) => (text, encoding),
        Err(why) => {
            let what = What::LeftOut(why.to_owned());
            let section = Section { first: 1, last: 1, host: None, command: None, what };
            return Paste { name: shared, encoding: None, sections: vec![section] };
        }
    };
    let by_name = Hint::of_name(name);
    let mut sections = Vec::new();
    for block in split::blocks(&text) {
        if block.lines.iter().all(|l| l.trim().is_empty()) {
            sections.extend(nothing(&block));
            continue;
        }
        let parts = split::parts(&block.lines);
        let alone = parts.len() == 1;
        for part in parts {
            let lines = &block.lines[part.first..part.end];
            let hint = block.hint.clone().unwrap_or_default();
            let mut what = what(lines, &part, &hint, &by_name, block.framed && alone);
            let first = with_command(&mut what, &block, &part).unwrap_or(block.first + part.first + 1);
            sections.push(Section {
                first: number(first),
                last: number(block.first + part.end),
                host: block.host.clone(),
                command: (!hint.words.is_empty() && hint.typed).then(|| hint.words.join(" ")),
                what,
            });
        }
    }
    if sections.is_empty() {
        let what = What::LeftOut("it holds no output".to_owned());
        sections.push(Section { first: 1, last: number(text.lines().count().max(1)), host: None, command: None, what });
    }
    Paste { name: shared, encoding: Some(encoding), sections }
}

/// A command that printed nothing, where that says something; it stands on the line of its prompt.
fn nothing(block: &split::Block<'_>) -> Option<Section> {
    let hint = block.hint.as_ref()?;
    let key = finish::nothing(hint)?;
    let format = key.capture.spec().format;
    let known = Known {
        kind: "a command that printed nothing",
        format,
        keys: vec![key],
        text: String::new(),
        partial: None,
        notes: Vec::new(),
    };
    let line = number(block.first);
    Some(Section {
        first: line,
        last: line,
        host: block.host.clone(),
        command: Some(hint.words.join(" ")),
        what: What::Known(known),
    })
}

/// Puts the command above a listing of `iptables -S` or `-L`, which does not name its table; gives the number of its line. Its parser
/// reads the command's words.
fn with_command(what: &mut What, block: &split::Block<'_>, part: &split::Part) -> Option<usize> {
    let What::Known(known) = what else { return None };
    let hint = block.hint.as_ref().filter(|h| h.typed)?;
    if !matches!(known.format, Format::IptablesRules | Format::IptablesList) || block.first == 0 || part.first > 100 {
        return None;
    }
    let filter = hint.filter.as_ref().map(|f| format!(" | {f}")).unwrap_or_default();
    // The blank lines between the two are kept, so that each line keeps its number.
    let blanks = "\n".repeat(part.first);
    let before = block.lines.get(..part.first)?;
    if before.iter().any(|l| !l.trim().is_empty()) {
        return None;
    }
    known.text.insert_str(0, &format!("{}{filter}\n{blanks}", hint.words.join(" ")));
    Some(block.first)
}

fn number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// Decides what a part of a block is.
fn what(lines: &[std::borrow::Cow<'_, str>], part: &split::Part, hint: &Hint, name: &Hint, framed: bool) -> What {
    let mut text = split::joined(lines, lines.len());
    if part.kind.is_some_and(|k| k.name == "sysctl") {
        text = as_sysctl(text);
    } else if part.kind.is_some_and(|k| k.name == "files of /proc/sys/net") {
        text = below_net(&text);
    }
    if let Some(elsewhere) = &hint.elsewhere {
        return What::LeftOut(format!("it is of another network namespace than the node's own ({elsewhere})"));
    }
    let named = || [hint, name].into_iter().find_map(|h| finish::by_name(&text, h));
    if part.kind.is_none()
        && let Some(text) = finish::lone_value(&text, hint)
    {
        let (key, partial) = (Key::node(bundle::Capture::Sysctl), Some("it shows one key".to_owned()));
        let format = Format::SysctlA;
        return What::Known(Known { kind: "one value of sysctl", format, keys: vec![key], text, partial, notes: Vec::new() });
    }
    let Some(kind) = part.kind else {
        return match named() {
            Some((key, format)) => {
                let partial = Some("it does not show its end".to_owned()).filter(|_| part.closed != Some(true) && !framed);
                What::Known(Known { kind: key.capture.name(), format, keys: vec![key], text, partial, notes: Vec::new() })
            }
            None => unknown(&text, hint, name),
        };
    };
    if kind.name == "uname -a" {
        let mut words = text.split_whitespace().skip(1);
        let host = words.next().unwrap_or_default().to_owned();
        let kernel = words.next().unwrap_or_default().to_owned();
        // … x86_64 x86_64 x86_64 GNU/Linux, or without the last
        let arch = text.split_whitespace().rev().find(|w| *w != "GNU/Linux" && *w != "Linux").unwrap_or_default().to_owned();
        return What::Identity(Identity { host, kernel, arch });
    }
    let raw = finish::Raw { kind, text: &text, hint, name, closed: part.closed, framed };
    let done = finish::finish(&raw);
    if let Some(why) = done.useless {
        // A file of single words that happens to look like something else: its path knows better.
        return match named() {
            Some((key, format)) => {
                let partial = Some("it does not show its end".to_owned());
                What::Known(Known { kind: key.capture.name(), format, keys: vec![key], text, partial, notes: Vec::new() })
            }
            None => What::LeftOut(why),
        };
    }
    let format = done.format.unwrap_or(kind.format);
    let kind = done.printed_by.unwrap_or(kind.name);
    What::Known(Known { kind, format, keys: done.keys, text, partial: done.partial, notes: done.notes })
}

/// `grep . /proc/sys/net/ipv4/*` puts a colon behind the path, where sysctl has a sign of equality.
fn as_sysctl(text: String) -> String {
    if !text.contains("/proc/sys/") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.split_once(':') {
            Some((path, value)) if path.starts_with("/proc/sys/") && !path.contains('=') => {
                out.push_str(path);
                out.push('=');
                out.push_str(value);
            }
            _ => out.push_str(line),
        }
    }
    out
}

/// Names of files below /proc/sys/net, from there, with what sysctl has between key and value.
fn below_net(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.lines() {
        let key = line.trim_start();
        match key.strip_prefix("./").unwrap_or(key).split_once(['=', ':']) {
            Some((path, value)) if shape::below_net(key) => {
                out.extend(["net/", path, "=", value]);
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Why a text is not recognised, with its begin.
fn unknown(text: &str, hint: &Hint, name: &Hint) -> What {
    let first = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    let alone = text.lines().filter(|l| !l.trim().is_empty()).count() == 1;
    let host = first.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')) && first.len() <= 253;
    let asked = hint.program() == "hostname"
        || (hint.words.is_empty() && name.words.last().is_some_and(|w| w == "hostname"))
        || hint.path.as_deref() == Some("/etc/hostname");
    if alone && host && asked && !first.is_empty() {
        return What::Identity(Identity { host: first.to_owned(), ..Identity::default() });
    }
    let shown: String = first.chars().take(60).collect();
    let more = if shown.len() < first.len() { "…" } else { "" };
    What::LeftOut(format!("no format of this version begins like this: {shown}{more}"))
}
