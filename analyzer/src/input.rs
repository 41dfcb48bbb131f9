//! Opens the inputs of a command: a bundle as a zip or as a folder. What a bundle holds is not this file's business.

use std::path::Path;

use bundle::{Bundle, Limits};

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
