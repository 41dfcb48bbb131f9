//! Bundles that are whole, damaged, hostile, or none.

mod answers;
mod cut;
mod hostile;
mod open;
mod versions;

use std::io::{Cursor, Write};

use super::*;
use crate::content::{AbsentWhy, Partial, Text};
use crate::testing::{Shared, begin, keys_and_texts, record, taken};
use crate::writer::BundleWriter;

/// A manifest that records these texts as taken whole.
fn manifest_of(texts: &[(Key, String)]) -> Manifest {
    let mut manifest = begin();
    manifest.captures = texts.iter().map(|(key, text)| record(key, taken(text.as_bytes()))).collect();
    manifest
}

/// A bundle as the writer writes it.
fn bundle_bytes(texts: &[(Key, String)], manifest: &Manifest) -> Vec<u8> {
    let stream = Shared::default();
    let mut writer = BundleWriter::to_stream(stream.clone(), &begin()).unwrap();
    for (key, text) in texts {
        let mut entry = writer.entry(key).unwrap();
        entry.write_all(text.as_bytes()).unwrap();
        entry.finish().unwrap();
    }
    writer.finish(manifest).unwrap();
    stream.take()
}

fn whole() -> Vec<u8> {
    bundle_bytes(&keys_and_texts(), &manifest_of(&keys_and_texts()))
}

/// A zip of any entries, made by the zip crate: sizes in the local headers.
fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, body) in entries {
        zip.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(body).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn json(manifest: &Manifest) -> Vec<u8> {
    serde_json::to_vec(manifest).unwrap()
}

fn open(data: Vec<u8>) -> Result<Bundle, Refusal> {
    Bundle::from_zip("test.zip".to_owned(), data, &Limits::default())
}

fn refusal(data: Vec<u8>) -> String {
    open(data).unwrap_err().at(Path::new("test.zip")).to_string()
}

fn text(bundle: &Bundle, key: &Key) -> Text {
    match bundle.get(key) {
        Content::Text(text) => text,
        Content::Absent(absence) => panic!("{key}: {absence:?}"),
    }
}

fn absent(bundle: &Bundle, key: &Key) -> (AbsentWhy, String) {
    match bundle.get(key) {
        Content::Text(text) => panic!("{key}: {text:?}"),
        Content::Absent(absence) => (absence.why, absence.detail),
    }
}
