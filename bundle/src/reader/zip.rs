//! Finds the entries of a whole zip by its directory.
//!
//! The zip crate reads the directory; entries are inflated by [`super::entry`], under limits. What no bundle of ours holds and what
//! serves to trick readers (names that climb out, overlapping entries, two entries of one name) makes the whole zip untrusted;
//! what is merely strange (encrypted or unknown compression, symbolic links) costs only that entry.

use std::io::Cursor;

use zip::{CompressionMethod, ZipArchive};

use super::entry::{Entry, Found, Packed, Source, safe_name};
use super::error::{Limits, Refusal};

/// What a directory is, opened.
pub(super) type Directory<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The bytes of an entry in the directory, without its name.
const DIRECTORY_ENTRY: usize = 46;

/// Reads the directory. The inner `Err` says why, if there is none that can be read.
pub(super) fn open<'a>(data: &'a [u8], limits: &Limits) -> Result<Result<Directory<'a>, String>, Refusal> {
    // The zip crate keeps some hundred bytes for each entry before it can be asked how many there are.
    if data.len() / DIRECTORY_ENTRY > limits.entries {
        let entries = data.windows(4).filter(|window| window == b"PK\x01\x02").count();
        limits.whole(entries, 0).map_err(Refusal::Limit)?;
    }
    Ok(ZipArchive::new(Cursor::new(data)).map_err(|error| error.to_string()))
}

/// Finds all entries of the directory.
pub(super) fn entries(mut zip: Directory<'_>, data: &[u8], limits: &Limits) -> Result<Found, Refusal> {
    limits.whole(zip.len(), 0).map_err(Refusal::Limit)?;
    if zip.has_duplicate_names() {
        return Err(Refusal::Unsafe("two of its entries have the same name".to_owned()));
    }
    let names: Vec<Vec<u8>> = zip.file_names_raw().map(<[u8]>::to_vec).collect();
    let mut found = Found::default();
    let mut ranges = Vec::new();
    let mut total = 0_u64;
    for (index, raw) in names.iter().enumerate() {
        let name = safe_name(raw).map_err(Refusal::Unsafe)?;
        let file = match zip.by_index_raw(index) {
            Ok(file) => file,
            Err(error) => {
                found.unusable(name, error.to_string());
                continue;
            }
        };
        let (size, packed) = (file.size(), file.compressed_size());
        limits.entry(&name, size, packed).map_err(Refusal::Limit)?;
        total = total.saturating_add(size);
        limits.whole(names.len(), total).map_err(Refusal::Limit)?;
        let range = file.data_start().and_then(|start| {
            let end = start.checked_add(packed)?;
            Some((usize::try_from(file.header_start()).ok()?, usize::try_from(start).ok()?..usize::try_from(end).ok()?))
        });
        let Some((header, range)) = range.filter(|(_, r)| r.end <= data.len()) else {
            found.unusable(name, "its data are not in the file".to_owned());
            continue;
        };
        ranges.push((header, range.end));
        if file.is_dir() {
            continue;
        }
        let packed = Packed { range, crc: Some(file.crc32()), broken: None };
        let source = match file.compression() {
            _ if file.encrypted() => Err("it is encrypted".to_owned()),
            _ if file.is_symlink() => Err("it is a symbolic link".to_owned()),
            CompressionMethod::Stored => Ok(Source::Stored(packed)),
            CompressionMethod::Deflated => Ok(Source::Deflated(packed)),
            other => Err(format!("its compression ({other}) is not known here")),
        };
        match source {
            Ok(source) => found.insert(name, Entry::new(source, size)),
            Err(why) => found.unusable(name, why),
        }
    }
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| matches!(pair, [(_, end), (next, _)] if next < end)) {
        return Err(Refusal::Unsafe("its entries overlap (a zip bomb)".to_owned()));
    }
    Ok(found)
}
