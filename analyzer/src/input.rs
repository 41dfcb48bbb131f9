//! Opens the inputs of a command: a bundle as a zip or as a folder, or loose outputs as people paste them into tickets.
//!
//! Loose is a folder without a manifest, or a file that is no zip, as soon as one output in it is recognised; all loose files that are
//! named in one command belong together. What a bundle or an output says is not this file's business.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bundle::{Bundle, Limits};
use netmodel::loose::{self, Paste};

use crate::exit::Stop;
use crate::sanitize::line;

/// What a folder of loose files may cost at most: a person pastes dozens of files, and `analyze /` must end soon.
const LOOSE_FILES: usize = 2_000;
const LOOSE_BYTES: u64 = 256 << 20;
const LOOSE_DEPTH: usize = 8;

/// How many names of what was not read are said.
const MOST_SKIPPED: usize = 20;

/// Folders that are part of one machine's tree, as in a copy of `/` or in a sosreport: they are no nodes.
const SYSTEM_FOLDERS: &[&str] = &["etc", "proc", "sys", "run", "var", "usr", "lib", "boot", "sos_commands", "sos_logs"];

/// A bundle, or a node that was put together from loose outputs.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The texts.
    pub(crate) bundle: Bundle,
    /// What was chosen or left out while it was put together.
    pub(crate) notes: Vec<String>,
}

/// Inputs that are opened together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A bundle or a folder.
    One(PathBuf),
    /// Files that are no zips.
    Loose(Vec<PathBuf>),
}

impl Input {
    /// The path that stands for it in a report.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::One(path) => path,
            Self::Loose(paths) => paths.first().map_or(Path::new(""), PathBuf::as_path),
        }
    }
}

/// Puts loose files together, where the first of them stands.
pub(crate) fn group(paths: &[PathBuf]) -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::new();
    for path in paths {
        if !may_be_loose(path) {
            inputs.push(Input::One(path.clone()));
        } else if let Some(Input::Loose(files)) = inputs.iter_mut().find(|i| matches!(i, Input::Loose(_))) {
            files.push(path.clone());
        } else {
            inputs.push(Input::Loose(vec![path.clone()]));
        }
    }
    inputs
}

/// A file with something in it that is no zip.
fn may_be_loose(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let mut head = [0u8; 2];
    fs::File::open(path).and_then(|mut f| f.read_exact(&mut head)).is_ok() && head != *b"PK"
}

/// Nodes of an input, and the files of it that could not be read.
pub(crate) type Nodes = (Vec<Opened>, Vec<(PathBuf, Stop)>);

/// Opens an input: a bundle gives one node, loose outputs perhaps several.
pub(crate) fn open(input: &Input) -> Nodes {
    match input {
        Input::One(path) => match open_one(path) {
            Ok(nodes) => (nodes, Vec::new()),
            Err(stop) => (Vec::new(), vec![(path.clone(), stop)]),
        },
        Input::Loose(paths) => open_files(paths),
    }
}

fn open_one(path: &Path) -> Result<Vec<Opened>, Stop> {
    match Bundle::open(path, &Limits::default()) {
        Ok(bundle) => Ok(vec![Opened { bundle, notes: Vec::new() }]),
        Err(error) => match read_loose(path)? {
            Some(found) => Ok(found.iter().flat_map(Group::nodes).collect()),
            None => Err(refusal(path, &error)),
        },
    }
}

/// Opens the only bundle or node of a path.
pub(crate) fn open_single(path: &Path) -> Result<Opened, Stop> {
    let (mut nodes, failed) = open(&group(std::slice::from_ref(&path.to_owned())).remove(0));
    if let Some((_, stop)) = failed.into_iter().next() {
        return Err(stop);
    }
    match nodes.len() {
        1 => Ok(nodes.remove(0)),
        n => Err(Stop::error(format_args!("{} shows {n} nodes", shown(path)))
            .help(format!("name the files of one: {}", nodes.iter().map(|n| n.bundle.name()).collect::<Vec<_>>().join(", ")))),
    }
}

/// An error of opening a bundle, with help where another path was probably meant.
fn refusal(path: &Path, error: &bundle::OpenError) -> Stop {
    // Its messages escape what they quote; this is for those that do not.
    let stop = Stop::error(line(&error.to_string()));
    match help(path) {
        Some(text) => stop.help(text),
        None => stop,
    }
}

fn help(path: &Path) -> Option<String> {
    if !path.is_dir() {
        return None;
    }
    let entries = fs::read_dir(path).ok()?;
    let holds_zips = entries.flatten().any(|e| e.path().extension().is_some_and(|x| x.eq_ignore_ascii_case("zip")));
    let shown = path.to_string_lossy();
    let shown = shown.trim_end_matches(['/', '\\']).escape_debug();
    Some(if holds_zips {
        format!("it holds zips: name the bundles themselves, {shown}/*.zip")
    } else {
        "a bundle as a folder holds manifest.json and node/; of loose files, at least one must hold an output that is known"
            .to_owned()
    })
}

/// Files whose outputs belong together.
#[derive(Debug)]
pub(crate) struct Group {
    /// The path that the user knows it by.
    pub(crate) input: String,
    /// The node's name where no output tells one.
    pub(crate) fallback: String,
    /// The files.
    pub(crate) pastes: Vec<Paste>,
    /// What was not read, and why.
    pub(crate) skipped: Vec<String>,
}

impl Group {
    /// The nodes that the files show.
    pub(crate) fn nodes(&self) -> Vec<Opened> {
        let nodes = loose::nodes(&self.pastes, &self.input, &self.fallback);
        nodes
            .into_iter()
            .map(|node| Opened { bundle: node.bundle, notes: self.skipped.iter().cloned().chain(node.notes).collect() })
            .collect()
    }

    fn is_known(&self) -> bool {
        self.pastes.iter().any(Paste::is_known)
    }
}

/// The loose outputs of a path; `None` when nothing in it is recognised.
pub(crate) fn read_loose(path: &Path) -> Result<Option<Vec<Group>>, Stop> {
    let groups = if path.is_dir() { read_folder(path)? } else { vec![read_files(&[path.to_owned()])] };
    Ok(Some(groups).filter(|g| g.iter().any(Group::is_known)))
}

fn open_files(paths: &[PathBuf]) -> Nodes {
    let mut group = read_files(paths);
    let mut failed = Vec::new();
    // A file that was named and holds nothing is an error of its own, said in the words for what is no bundle.
    let mut known = Vec::new();
    for (path, paste) in paths.iter().zip(std::mem::take(&mut group.pastes)) {
        if paste.sections.iter().any(|s| !matches!(s.what, loose::What::LeftOut(_))) {
            known.push(paste);
        } else if let Err(error) = Bundle::open(path, &Limits::default()) {
            failed.push((path.clone(), refusal(path, &error)));
        }
    }
    group.pastes = known;
    let nodes = if group.is_known() { group.nodes() } else { Vec::new() };
    if nodes.is_empty() && failed.is_empty() {
        // `uname -a` alone is recognised, but is no capture.
        failed.extend(paths.iter().map(|p| {
            let error = Stop::error(format_args!("{} is not a bundle, and holds no output that a rule could use", shown(p)));
            (p.clone(), error)
        }));
    }
    (nodes, failed)
}

/// Reads files that were named.
fn read_files(paths: &[PathBuf]) -> Group {
    let mut skipped = Vec::new();
    let mut pastes = Vec::new();
    let mut left = LOOSE_BYTES;
    for path in paths {
        let name = path.to_string_lossy().into_owned();
        let bytes = read_file(path, &mut left).unwrap_or_else(|why| {
            skipped.push(format!("{name}: {why}"));
            Vec::new()
        });
        pastes.push(loose::read(&name, &bytes));
    }
    let fallback = match paths {
        [one] => one.file_stem().map(|s| s.to_string_lossy().into_owned()),
        [first, ..] => first.canonicalize().ok().as_deref().and_then(Path::parent).and_then(folder_name),
        [] => None,
    };
    let input = match paths {
        [one] => one.to_string_lossy().into_owned(),
        [first, rest @ ..] => format!("{} and {} more", first.to_string_lossy(), rest.len()),
        [] => String::new(),
    };
    Group { input, fallback: fallback.unwrap_or_else(|| "node".to_owned()), pastes, skipped }
}

fn folder_name(path: &Path) -> Option<String> {
    path.file_name().map(|n| n.to_string_lossy().into_owned())
}

/// Reads a file as far as the budget goes. A file that is larger is not read at all: half of it would look cut.
fn read_file(path: &Path, left: &mut u64) -> Result<Vec<u8>, String> {
    let file = fs::File::open(path).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    file.take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    let size = bytes.len() as u64;
    if size > *left {
        return Err(format!("it passes the limit: of all loose files together {} MiB are read", LOOSE_BYTES >> 20));
    }
    *left -= size;
    Ok(bytes)
}

/// What stands in a folder.
#[derive(Default)]
struct Listing {
    /// Files with their names relative to the folder, `/` between parts.
    files: Vec<(String, PathBuf)>,
    /// Why some were passed over.
    skipped: Vec<String>,
}

/// Reads a folder: the files in it are of one node; where it holds nothing but folders, each is a node.
fn read_folder(root: &Path) -> Result<Vec<Group>, Stop> {
    let listing = list(root)?;
    let canonical = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let fallback = folder_name(&canonical).unwrap_or_else(|| "node".to_owned());
    let input = root.to_string_lossy().into_owned();
    let mut left = LOOSE_BYTES;
    let mut skipped = listing.skipped;
    let mut pastes: Vec<Paste> = Vec::new();
    for (name, path) in &listing.files {
        match read_file(path, &mut left) {
            Ok(bytes) => pastes.push(loose::read(name, &bytes)),
            Err(why) => skipped.push(format!("{name}: {why}")),
        }
    }
    let top = |paste: &Paste| paste.name.split_once('/').map(|(top, _)| top.to_owned());
    let one_node = pastes.iter().any(|p| match top(p) {
        None => p.is_known(),
        Some(top) => SYSTEM_FOLDERS.contains(&top.as_str()),
    });
    if one_node || pastes.iter().all(|p| top(p).is_none()) {
        return Ok(vec![Group { input, fallback, pastes, skipped }]);
    }
    let mut groups: Vec<Group> = Vec::new();
    for paste in pastes {
        let Some(top) = top(&paste) else { continue };
        match groups.last_mut() {
            Some(group) if group.fallback == top => group.pastes.push(paste),
            _ => {
                let input = format!("{}/{top}", input.trim_end_matches(['/', '\\']));
                groups.push(Group { input, fallback: top, pastes: vec![paste], skipped: skipped.clone() });
            }
        }
    }
    Ok(groups)
}

/// The files of a folder in order of their names. Links are not followed: a folder that someone sent could point at files of this
/// machine.
fn list(root: &Path) -> Result<Listing, Stop> {
    let mut listing = Listing::default();
    let mut waiting = vec![(root.to_owned(), String::new(), 0usize)];
    let mut seen = 0usize;
    while let Some((folder, prefix, depth)) = waiting.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if prefix.is_empty() => {
                return Err(Stop::error(format_args!("cannot read {}: {error}", shown(root))));
            }
            Err(error) => {
                listing.skipped.push(format!("{prefix}: {error}"));
                continue;
            }
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > LOOSE_FILES {
                return Err(Stop::error(format_args!(
                    "{} passes a limit: it holds no manifest.json, and more than {LOOSE_FILES} files",
                    shown(root)
                ))
                .help(
                    "a bundle as a folder holds manifest.json; of loose files, name the folder that holds them and nothing else",
                ));
            }
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            // Of the link itself, not of what it points to.
            match entry.metadata() {
                Ok(meta) if meta.is_dir() && depth < LOOSE_DEPTH => waiting.push((entry.path(), format!("{name}/"), depth + 1)),
                Ok(meta) if meta.is_file() => listing.files.push((name, entry.path())),
                Ok(meta) if meta.is_dir() => listing.skipped.push(format!("{name}: too deep")),
                Ok(meta) if meta.is_symlink() => listing.skipped.push(format!("{name}: a symbolic link, which is not followed")),
                Ok(_) => listing.skipped.push(format!("{name}: neither a file nor a folder")),
                Err(error) => listing.skipped.push(format!("{name}: {error}")),
            }
        }
    }
    // The file system's order is not ours.
    listing.files.sort();
    listing.skipped.sort();
    let more = listing.skipped.len().saturating_sub(MOST_SKIPPED);
    listing.skipped.truncate(MOST_SKIPPED);
    if more > 0 {
        listing.skipped.push(format!("and {more} more that were not read"));
    }
    Ok(listing)
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}
