//! Opens the inputs of a command: a bundle as a zip or as a folder. What a bundle holds is not this file's business.

use std::path::Path;

use bundle::{Bundle, Damage, Limits};

use crate::exit::Stop;

/// Opens a bundle, with help where another path was probably meant.
pub(crate) fn open(path: &Path) -> Result<Bundle, Stop> {
    Bundle::open(path, &Limits::default()).map_err(|error| {
        // Its messages escape what they quote; this is for those that do not.
        let stop = Stop::error(crate::sanitize::line(&error.to_string()));
        match help(path) {
            Some(text) => stop.help(text),
            None => stop,
        }
    })
}

fn help(path: &Path) -> Option<String> {
    if !path.is_dir() {
        return None;
    }
    let entries = std::fs::read_dir(path).ok()?;
    let holds_zips = entries.flatten().any(|e| e.path().extension().is_some_and(|x| x.eq_ignore_ascii_case("zip")));
    let shown = path.to_string_lossy();
    let shown = shown.trim_end_matches(['/', '\\']).escape_debug();
    Some(if holds_zips {
        format!("it holds zips: name the bundles themselves, {shown}/*.zip")
    } else {
        "a bundle as a folder holds manifest.json and node/".to_owned()
    })
}

/// What is wrong with a bundle that could be read, in one line.
pub(crate) fn describe_damage(damage: &Damage) -> String {
    match damage {
        Damage::CutOff { at } => format!("the bundle is cut off at byte {at}: what came after is lost"),
        Damage::NoManifest => "its manifest is lost: how captures were taken, and which were not, is unknown".to_owned(),
        Damage::Entry { path, why } => format!("{path} cannot be read: {why}"),
        Damage::UnsafeName(name) => format!("an entry with an unsafe name was left alone: {name}"),
        Damage::NewerMinor(version) => format!("the bundle has the newer format {version}: some of it is not understood"),
    }
}
