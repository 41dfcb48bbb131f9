//! What the fuzz targets run: a family of parsers each, loose outputs, and the container, that is bundle and manifest. What must hold
//! for every parser stands in [`parsers`], which the property tests of `cargo test` share.

#[path = "../../tests/src/parsers/mod.rs"]
pub mod parsers;

use std::panic;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use libfuzzer_sys::fuzz_target;
use parsers::Parser;

/// Gives the bytes to every parser of a family (`parsers::PARSERS`): each rejects what is foreign to it within a few lines, so that
/// time for one target is time for all of them.
pub fn family(name: &str, data: &[u8]) {
    static FAMILY: OnceLock<Vec<&Parser>> = OnceLock::new();
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    let family = FAMILY.get_or_init(|| {
        // A finding says of which parser it is.
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let running = FAMILY.get().and_then(|family| family.get(RUNNING.load(Ordering::Relaxed)));
            eprintln!("parser: {}", running.map_or("none", |parser| parser.name));
            before(info);
        }));
        let family: Vec<&Parser> = parsers::PARSERS.iter().filter(|parser| parser.family == name).collect();
        assert!(!family.is_empty(), "no family is called {name}");
        family
    });
    // The reader of bundles makes text of bytes the same way.
    let text = String::from_utf8_lossy(data);
    for (index, parser) in family.iter().enumerate() {
        RUNNING.store(index, Ordering::Relaxed);
        (parser.hold)(&text);
    }
}

/// Outputs as people paste them: bytes, since recognising their encoding is part of it.
pub fn loose(data: &[u8]) {
    parsers::loose::hold(data);
}

/// The bytes as a bundle, and as a manifest if they look like one.
pub fn container(data: &[u8]) {
    if data.trim_ascii_start().starts_with(b"{") { manifest(data) } else { bundle(data) }
}

/// Opens the bytes as a bundle, and asks it for everything.
fn bundle(data: &[u8]) {
    let limits =
        bundle::Limits { file_bytes: 1 << 20, entries: 64, entry_bytes: 1 << 16, total_bytes: 1 << 18, ..bundle::Limits::default() };
    let opened = bundle::Bundle::from_bytes("fuzz", data.to_vec(), &limits);
    let Ok(bundle) = opened.inspect_err(|e| one_line(&e.to_string())) else { return };
    let mut total = 0;
    for key in bundle.keys() {
        let content = bundle.get(key);
        if let bundle::Content::Text(text) = &content {
            total += text.body.len() as u64;
            // Bytes that are no UTF-8 become three each.
            assert!(text.body.len() as u64 <= 3 * limits.entry_bytes, "{} bytes of {key:?}", text.body.len());
        }
        assert_eq!(format!("{content:?}"), format!("{:?}", bundle.get(key)), "the same question, another answer");
        assert_eq!(bundle::Key::from_path(&key.path()).as_ref(), Ok(key), "a key and its path");
    }
    assert!(total <= 3 * limits.total_bytes, "{total} bytes in all");
    assert!(bundle.manifest().captures.len() <= limits.entries);
    for record in &bundle.manifest().captures {
        if let Some(key) = record.key() {
            let _ = (bundle.get(&key), bundle.record(&key).expect("a record of a key is found by it"));
        }
    }
    for damage in bundle.damage() {
        one_line(&damage.to_string());
    }
}

/// Reads a manifest: what can be read can be written and read again, and is the same.
fn manifest(data: &[u8]) {
    let Ok(manifest) = serde_json::from_slice::<bundle::Manifest>(data) else { return };
    let Ok(text) = serde_json::to_string(&manifest) else { return };
    let again: bundle::Manifest = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(manifest, again);
    for record in &manifest.captures {
        if let Some(key) = record.key() {
            assert_eq!(bundle::Key::from_path(&key.path()).as_ref(), Ok(&key), "a key and its path");
        }
    }
}

/// What is printed for a hostile bundle is one line without control characters.
fn one_line(text: &str) {
    assert!(!text.chars().any(char::is_control), "control characters in {text:?}");
}
