//! What is a bundle, and what is not.

use std::fs;

use super::*;
use crate::writer::write_folder;

fn open_path(path: &Path) -> Result<Bundle, OpenError> {
    Bundle::open(path, &Limits::default())
}

fn check(bundle: &Bundle) {
    assert_eq!(bundle.damage(), []);
    assert_eq!(bundle.unknown_entries(), [] as [&str; 0]);
    assert_eq!(bundle.keys().count(), keys_and_texts().len());
    for (key, expected) in keys_and_texts() {
        let text = text(bundle, &key);
        assert_eq!((&*text.body, text.partial, text.lossy, text.unrecorded), (&*expected, None, false, false), "{key}");
        assert!(matches!(bundle.record(&key).unwrap().outcome, Outcome::Taken { .. }));
    }
}

#[test]
fn a_zip_and_a_folder_of_the_same_texts_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (zip, folder) = (dir.path().join("a.zip"), dir.path().join("a"));
    fs::write(&zip, whole()).unwrap();
    write_folder(&folder, &begin(), keys_and_texts()).unwrap();
    let bundle = open_path(&zip).unwrap();
    check(&bundle);
    assert_eq!(bundle.name(), zip.to_str().unwrap());
    assert_eq!(bundle.manifest().node.name, "node-a");
    check(&open_path(&folder).unwrap());
}

#[test]
fn a_zip_that_someone_made_again_with_folders_in_it_is_read() {
    let mut zip = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = ::zip::write::SimpleFileOptions::default();
    zip.add_directory("node/", options).unwrap();
    zip.start_file(MANIFEST, options).unwrap();
    zip.write_all(&json(&begin())).unwrap();
    zip.start_file("node/hosts", options.compression_method(::zip::CompressionMethod::Stored)).unwrap();
    zip.write_all(b"127.0.0.1 localhost\n").unwrap();
    let bundle = open(zip.finish().unwrap().into_inner()).unwrap();
    assert_eq!(bundle.damage(), []);
    assert_eq!(&*text(&bundle, &Key::node(Capture::Hosts)).body, "127.0.0.1 localhost\n");
}

#[test]
fn what_is_no_bundle_says_what_it_is_in_one_line() {
    for (data, why) in [
        (&b""[..], "an empty file"),
        (b"\x1f\x8b\x08\0", "a gzip file; a bundle is a zip"),
        (b"net.ipv4.ip_forward = 1\n", "a text file"),
        (b"\x00\x91\xff\x02\x80", "neither a zip nor any other file that is known here"),
        (b"PK\x05\x06", "an empty or damaged zip"),
        (b"PK\x03\x04", "a zip that is cut off, and holds neither manifest.json nor begin.json"),
        (&zip_of(&[]), "a zip, and holds neither manifest.json nor begin.json"),
        (&zip_of(&[("a.txt", b"a")]), "a zip, and holds neither manifest.json nor begin.json"),
        (
            &zip_of(&[("manifest.json", b"{")]),
            "its manifest is unreadable: manifest.json: EOF while parsing an object at line 1 column 1",
        ),
        (
            &zip_of(&[("manifest.json", b"")]),
            "its manifest is unreadable: manifest.json: EOF while parsing a value at line 1 column 0",
        ),
    ] {
        assert_eq!(refusal(data.to_vec()), format!("test.zip is not a bundle: {why}"));
    }
}

#[cfg(unix)]
#[test]
fn files_that_are_none_and_folders_without_a_manifest_are_refused() {
    assert_eq!(open_path(Path::new("/dev/urandom")).unwrap_err().to_string(), "/dev/urandom is not a bundle: a device");
    let dir = tempfile::tempdir().unwrap();
    let error = open_path(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with(" is not a bundle: a folder that holds neither manifest.json nor begin.json"), "{error}");
    assert!(matches!(open_path(&dir.path().join("nothing")).unwrap_err(), OpenError::Io { .. }));
    let hostile = dir.path().join("a\nb\u{1b}[2J.zip");
    fs::write(&hostile, "").unwrap();
    let error = open_path(&hostile).unwrap_err().to_string();
    assert!(error.ends_with("a\\nb\\u{1b}[2J.zip is not a bundle: an empty file"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_folder_does_not_lead_out_of_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (secret, folder) = (dir.path().join("secret"), dir.path().join("a"));
    fs::write(&secret, "secret").unwrap();
    write_folder(&folder, &begin(), keys_and_texts()).unwrap();
    std::os::unix::fs::symlink(&secret, folder.join("node/hosts")).unwrap();
    std::os::unix::fs::symlink(dir.path(), folder.join("pods/2")).unwrap();
    let bundle = open_path(&folder).unwrap();
    let said: Vec<_> = bundle.damage().iter().map(ToString::to_string).collect();
    assert_eq!(said, ["node/hosts: a symbolic link, which is not followed", "pods/2: a symbolic link, which is not followed"]);
    assert_eq!(absent(&bundle, &Key::node(Capture::Hosts)).0, AbsentWhy::Damaged);
    assert_eq!(bundle.unknown_entries(), ["pods/2"]);
}

#[test]
fn a_text_that_changes_in_a_folder_is_not_the_one_that_was_taken() {
    let dir = tempfile::tempdir().unwrap();
    let key = Key::node(Capture::Hosts);
    write_folder(dir.path(), &begin(), [(key.clone(), "127.0.0.1 a\n")]).unwrap();
    let bundle = open_path(dir.path()).unwrap();
    fs::write(dir.path().join("node/hosts"), "127.0.0.1 b and more\n").unwrap();
    let changed = text(&bundle, &key);
    assert_eq!(&*changed.body, "127.0.0.1 b ");
    assert_eq!(changed.partial, Some(Partial::Damaged("it is longer than the 12 bytes that it should have".to_owned())));
    fs::remove_file(dir.path().join("node/hosts")).unwrap();
    assert_eq!(text(&bundle, &key).body, changed.body, "read once, kept");
    let bundle = open_path(dir.path()).unwrap();
    let said: Vec<_> = bundle.damage().iter().map(ToString::to_string).collect();
    assert_eq!(said, ["node/hosts: its text is not in the bundle, though the manifest says that it was taken"]);
    assert_eq!(absent(&bundle, &key).0, AbsentWhy::Damaged);
}
