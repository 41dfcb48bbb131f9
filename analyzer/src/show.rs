//! `coldpath show`: what is in a bundle, what is absent and why; or one capture: its text as it stands there, what was
//! understood of it, or its rules printed back.

mod pasted;
mod records;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anstyle::Style;
use bundle::{Bundle, Capture, Content, How, Key, Netns, Outcome, Record, Text};
use netmodel::source::describe_partial;
use serde::Serialize;

use crate::cli::{Format, Show};
use crate::exit::Stop;
use crate::report::json::{TOOL, ToolJson, pretty};
use crate::sanitize::{block, line};
use crate::{catalogue, input, output, summary};

const BOLD: Style = Style::new().bold();

pub(crate) fn run(args: &Show) -> Result<(), Stop> {
    if args.capture.is_none()
        && let Some(groups) = pasted::groups(&args.input)?
    {
        return output::write(&pasted::render(&groups, args.format), None);
    }
    let bundle = input::open_single(&args.input)?.bundle;
    match (&args.capture, args.format) {
        (Some(_), Format::Json) if args.normalized => {
            Err(Stop::error("--normalized prints text: it does not go with --format json"))
        }
        (Some(name), Format::Json) => records::json(&bundle, name),
        (Some(name), Format::Text) if args.normalized => records::normalized(&bundle, name),
        (Some(name), Format::Text) => capture(&bundle, name),
        (None, Format::Text) => output::write(&list(&bundle), None),
        (None, Format::Json) => output::write(&json(&bundle), None),
    }
}

/// Prints a capture's text: as it is, or made harmless where a terminal would obey it.
fn capture(bundle: &Bundle, name: &str) -> Result<(), Stop> {
    let (key, text) = text(bundle, name)?;
    warn_if_partial(&key, &text);
    as_text(&text.body)
}

/// Writes a text as it is, or made harmless where a terminal would obey it.
fn as_text(text: &str) -> Result<(), Stop> {
    if output::is_terminal() { output::write_raw(&block(text)) } else { output::write_raw(text) }
}

/// The capture that a name means, which must be there.
fn text(bundle: &Bundle, name: &str) -> Result<(Key, Text), Stop> {
    let key = resolve(bundle, name)?;
    match bundle.get(&key) {
        Content::Absent(absence) => {
            let detail = if absence.detail.is_empty() { String::new() } else { format!(": {}", line(&absence.detail)) };
            Err(Stop::error(format_args!("{} is absent: {}{detail}", line(&key.path()), absence.why)))
        }
        Content::Text(text) => Ok((key, text)),
    }
}

fn warn_if_partial(key: &Key, text: &Text) {
    if let Some(partial) = &text.partial {
        let why = describe_partial(partial);
        crate::complain(&Stop::error(format_args!("{} is not whole: {}", line(&key.path()), line(&why))));
    }
}

/// The key that a name means: a path, a capture's name, `NAME:INSTANCE`; `pods/N/` before a name means that pod's.
fn resolve(bundle: &Bundle, name: &str) -> Result<Key, Stop> {
    if let Ok(key) = Key::from_path(name) {
        return Ok(key);
    }
    let (netns, rest) = name
        .strip_prefix("pods/")
        .and_then(|r| r.split_once('/'))
        .and_then(|(n, rest)| Some((Netns::Pod(n.parse().ok()?), rest)))
        .unwrap_or((Netns::Node, name));
    let (word, instance) = rest.split_once(':').map_or((rest, None), |(word, instance)| (word, Some(instance)));
    let Some(capture) = Capture::from_name(word) else {
        let near = catalogue::nearest(word, Capture::ALL.iter().map(|c| c.name()));
        let stop = Stop::error(format_args!("no capture is called '{}'", line(name)));
        return Err(if near.is_empty() {
            stop.help("coldpath show INPUT lists what is there")
        } else {
            stop.help(format!("did you mean {}?", near.join(" or ")))
        });
    };
    if let Some(instance) = instance {
        return Ok(Key { netns, capture, instance: Some(instance.to_owned()) });
    }
    let family: Vec<&Key> = bundle.instances(netns, capture).collect();
    match family.as_slice() {
        [] => Ok(Key { netns, capture, instance: None }),
        [one] => Ok((*one).clone()),
        several => {
            let names: Vec<_> = several.iter().map(|k| line(&short(k)).into_owned()).collect();
            Err(Stop::error(format_args!("{word} has {} texts", several.len())).help(format!("name one: {}", names.join(", "))))
        }
    }
}

/// A key as `show` takes it.
fn short(key: &Key) -> String {
    let pod = if let Netns::Pod(n) = key.netns { format!("pods/{n}/") } else { String::new() };
    let instance = key.instance.as_ref().map(|i| format!(":{i}")).unwrap_or_default();
    format!("{pod}{}{instance}", key.capture.name())
}

/// One thing that is in a bundle, or absent from it.
struct Row<'b> {
    name: String,
    key: Option<Key>,
    record: Option<&'b Record>,
}

/// Everything that the manifest speaks of, in its order, and then what is there without a record.
fn rows(bundle: &Bundle) -> Vec<Row<'_>> {
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for record in &bundle.manifest().captures {
        let key = record.key();
        let name = key.as_ref().map_or_else(|| format!("{} (not known to this version)", record.capture.0), short);
        seen.extend(key.clone());
        rows.push(Row { name, key, record: Some(record) });
    }
    for key in bundle.keys().filter(|key| !seen.contains(key)) {
        rows.push(Row { name: short(key), key: Some(key.clone()), record: None });
    }
    rows
}

fn list(bundle: &Bundle) -> String {
    let mut out = String::new();
    let mut say = |text: &str| writeln!(out, "{text}").expect("writing to a String does not fail");
    let manifest = bundle.manifest();
    say(&format!("{BOLD}{}{BOLD:#}", line(&summary::identity(bundle))));
    say(&line(&format!(
        "taken by {} {}, bundle format {}",
        manifest.collector.name, manifest.collector.version, manifest.format
    )));
    for damage in bundle.damage() {
        say(&format!("damaged: {}", line(&damage.to_string())));
    }
    let rows = rows(bundle);
    let (taken, absent): (Vec<_>, Vec<_>) =
        rows.iter().map(|row| (row, row.key.as_ref().map(|k| bundle.get(k)))).partition(|(row, content)| match content {
            Some(content) => matches!(content, Content::Text(_)),
            None => row.record.is_some_and(|r| matches!(r.outcome, Outcome::Taken { .. })),
        });
    let width = rows.iter().map(|r| line(&r.name).chars().count()).max().unwrap_or_default().clamp(8, 48);
    say(&format!("\n{BOLD}{:width$} {:>10} {:>7}  how{BOLD:#}", "taken", "bytes", "lines"));
    for (row, content) in &taken {
        let (bytes, lines, partial) = match content {
            Some(Content::Text(text)) => {
                let partial = text.partial.as_ref().map(describe_partial);
                (text.body.len().to_string(), text.body.lines().count().to_string(), partial)
            }
            _ => ("?".to_owned(), "?".to_owned(), None),
        };
        let how = row.record.map_or_else(|| "no record of how".to_owned(), |r| describe(&r.how));
        let partial = partial.map(|p| format!(" [not whole: {p}]")).unwrap_or_default();
        say(&format!("{:width$} {bytes:>10} {lines:>7}  {}", line(&row.name), line(&format!("{how}{partial}"))));
    }
    if absent.is_empty() {
        say("\nNothing that was tried is absent.");
    } else {
        say(&format!("\n{BOLD}{:width$} why{BOLD:#}", "absent"));
    }
    for (row, content) in &absent {
        let why = match (content, row.record.map(|r| &r.outcome)) {
            (Some(Content::Absent(a)), _) if a.detail.is_empty() => a.why.to_string(),
            (Some(Content::Absent(a)), _) => format!("{}: {}", a.why, a.detail),
            (_, Some(Outcome::Absent { why, detail })) => format!("{why}: {detail}"),
            _ => "unknown".to_owned(),
        };
        say(&format!("{:width$} {}", line(&row.name), line(&why)));
    }
    out
}

fn describe(how: &How) -> String {
    match how {
        How::Native(interface) => format!("native: {interface}"),
        How::File(path) => format!("file: {path}"),
        How::Command(argv) => format!("command: {}", argv.join(" ")),
        How::None => "no way".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The contents of a bundle, `coldpath.contents/1`.
#[derive(Serialize)]
struct ContentsJson<'b> {
    schema: &'static str,
    tool: ToolJson,
    bundle: &'b str,
    node: &'b bundle::NodeIdentity,
    damage: Vec<String>,
    captures: Vec<RowJson<'b>>,
}

#[derive(Serialize)]
struct RowJson<'b> {
    name: &'b str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_whole: Option<String>,
    /// The manifest's own record.
    record: Option<&'b Record>,
}

fn json(bundle: &Bundle) -> String {
    let rows = rows(bundle);
    let row = |row: &'_ Row<'_>| {
        let text = row.key.as_ref().and_then(|k| if let Content::Text(text) = bundle.get(k) { Some(text) } else { None });
        (row.key.as_ref().map(Key::path), text)
    };
    let captures = rows
        .iter()
        .map(|r| {
            let (path, text) = row(r);
            RowJson {
                name: &r.name,
                path,
                lines: text.as_ref().map(|t| t.body.lines().count()),
                not_whole: text.and_then(|t| t.partial.as_ref().map(describe_partial)),
                record: r.record,
            }
        })
        .collect();
    pretty(&ContentsJson {
        schema: "coldpath.contents/1",
        tool: TOOL,
        bundle: bundle.name(),
        node: &bundle.manifest().node,
        damage: bundle.damage().iter().map(ToString::to_string).collect(),
        captures,
    })
}
