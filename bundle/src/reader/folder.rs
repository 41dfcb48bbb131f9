//! Finds the entries of a bundle that stands unpacked in a folder.
//!
//! Symbolic links within it are not followed: a folder that someone sent could point at files of this machine.

use std::fs;
use std::path::Path;

use super::entry::{Entry, Found, Source};
use super::error::{Damage, Limits, Refusal};
use crate::key::check_name;
use crate::writer::{BEGIN, MANIFEST};

/// Finds all files below a folder that holds a manifest.
pub(super) fn entries(root: &Path, limits: &Limits) -> Result<Found, Refusal> {
    let is_file = |name| fs::symlink_metadata(root.join(name)).is_ok_and(|meta| meta.is_file());
    // Before all else: without this check `analyze /` would walk through the whole machine.
    if !is_file(BEGIN) && !is_file(MANIFEST) {
        return Err(Refusal::NotABundle(format!("a folder that holds neither {MANIFEST} nor {BEGIN}")));
    }
    let mut found = Found::default();
    let mut total = 0_u64;
    let mut seen = 0;
    let mut waiting = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        let list = match fs::read_dir(&folder) {
            Ok(list) => list,
            Err(error) if prefix.is_empty() => return Err(Refusal::Io(error)),
            Err(error) => {
                found.damage.push(Damage::Entry { path: prefix, why: error.to_string() });
                continue;
            }
        };
        for item in list {
            seen += 1;
            limits.whole(seen, total).map_err(Refusal::Limit)?;
            let item = match item {
                Ok(item) => item,
                Err(error) => {
                    found.damage.push(Damage::Entry { path: prefix.clone(), why: error.to_string() });
                    break;
                }
            };
            let name = format!("{prefix}{}", item.file_name().to_string_lossy());
            if check_name(&name).is_err() {
                found.unusable(name, "no bundle holds such a name".to_owned());
                continue;
            }
            // Of the link itself, not of what it points to.
            match item.metadata() {
                Ok(meta) if meta.is_dir() => waiting.push((item.path(), format!("{name}/"))),
                Ok(meta) if meta.is_file() => {
                    limits.entry(&name, meta.len(), meta.len()).map_err(Refusal::Limit)?;
                    total = total.saturating_add(meta.len());
                    limits.whole(seen, total).map_err(Refusal::Limit)?;
                    found.insert(name, Entry::new(Source::File(item.path()), meta.len()));
                }
                Ok(meta) if meta.is_symlink() => found.unusable(name, "a symbolic link, which is not followed".to_owned()),
                Ok(_) => found.unusable(name, "neither a file nor a folder".to_owned()),
                Err(error) => found.unusable(name, error.to_string()),
            }
        }
    }
    // The file system's order is not ours.
    found.damage.sort_by_key(|damage| format!("{damage:?}"));
    Ok(found)
}
