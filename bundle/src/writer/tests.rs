//! What stands on the disk before, after and without `finish`.

use std::fs;
use std::io::{self, Read};

use super::*;
use crate::Capture;
use crate::testing::{Shared, begin, keys_and_texts};

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write_all(mut writer: BundleWriter) -> PathBuf {
    for (key, text) in keys_and_texts() {
        let mut entry = writer.entry(&key).unwrap();
        entry.write_all(text.as_bytes()).unwrap();
        assert_eq!(entry.bytes(), text.len() as u64);
        assert_eq!(entry.finish().unwrap().bytes, text.len() as u64);
    }
    writer.finish(&begin()).unwrap()
}

#[test]
fn a_finished_bundle_is_a_zip_that_others_can_read_and_only_its_owner_may() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("node-a.zip");
    assert_eq!(write_all(BundleWriter::create(&target, &begin()).unwrap()), target);
    assert_eq!(names(dir.path()), ["node-a.zip"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let mut zip = zip::ZipArchive::new(fs::File::open(&target).unwrap()).unwrap();
    let entries: Vec<_> = zip.file_names().map(|n| n.unwrap().into_owned()).collect();
    assert_eq!(entries.first().unwrap(), BEGIN);
    assert_eq!(entries.last().unwrap(), MANIFEST);
    for (key, text) in keys_and_texts() {
        let mut read = String::new();
        zip.by_name(&key.path()).unwrap().read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
    }
}

#[test]
fn the_same_captures_make_the_same_bytes_in_a_file_and_in_a_stream() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("a.zip");
    write_all(BundleWriter::create(&target, &begin()).unwrap());
    let stream = Shared::default();
    assert_eq!(write_all(BundleWriter::to_stream(stream.clone(), &begin()).unwrap()), Path::new("-"));
    assert_eq!(stream.take(), fs::read(&target).unwrap());
}

#[test]
fn the_digest_is_that_of_the_text() {
    let mut writer = BundleWriter::to_stream(io::sink(), &begin()).unwrap();
    let mut entry = writer.entry(&Key::node(Capture::Sysctl)).unwrap();
    entry.write_all(b"ab").unwrap();
    entry.write_all(b"c").unwrap();
    // FIPS 180-2, appendix B.1.
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
    assert_eq!(entry.finish().unwrap(), Finished { bytes: 3, sha256 });
}

#[test]
fn until_it_is_finished_the_target_keeps_what_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("a.zip");
    fs::write(&target, "old").unwrap();
    let mut writer = BundleWriter::create(&target, &begin()).unwrap();
    writer.entry(&Key::node(Capture::Sysctl)).unwrap().finish().unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"old");
    let all = names(dir.path());
    assert!(all.len() == 2 && all[0].starts_with(".a.zip.") && all[0].ends_with(".partial"), "{all:?}");
    drop(writer);
    assert_eq!(names(dir.path()), ["a.zip"]);
    assert_eq!(fs::read(&target).unwrap(), b"old");
    write_all(BundleWriter::create(&target, &begin()).unwrap());
    assert_ne!(fs::read(&target).unwrap(), b"old");
}

#[test]
fn two_at_once_do_not_meet() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("a.zip");
    let one = BundleWriter::create(&target, &begin()).unwrap();
    let two = BundleWriter::create(&target, &begin()).unwrap();
    write_all(one);
    write_all(two);
    assert_eq!(names(dir.path()), ["a.zip"]);
}

#[test]
fn a_finished_entry_is_in_the_file_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = BundleWriter::create(&dir.path().join("a.zip"), &begin()).unwrap();
    let size = || fs::metadata(dir.path().join(&names(dir.path())[0])).unwrap().len();
    let before = size();
    let mut entry = writer.entry(&Key::node(Capture::Sysctl)).unwrap();
    entry.write_all(b"net.ipv4.ip_forward = 1\n").unwrap();
    entry.finish().unwrap();
    assert!(size() > before + 40);
}

#[test]
fn a_capture_is_written_once() {
    let mut writer = BundleWriter::to_stream(io::sink(), &begin()).unwrap();
    writer.entry(&Key::node(Capture::Sysctl)).unwrap().finish().unwrap();
    let error = writer.entry(&Key::node(Capture::Sysctl)).unwrap_err().to_string();
    assert!(error.starts_with("cannot write node/sysctl.txt into the bundle: "), "{error}");
}

#[cfg(unix)]
#[test]
fn a_target_that_is_no_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link.zip");
    std::os::unix::fs::symlink("/nowhere", &link).unwrap();
    for (target, what) in
        [(Path::new("/dev/null"), "a device, pipe or socket"), (dir.path(), "a folder"), (&link, "a symbolic link")]
    {
        let error = BundleWriter::create(target, &begin()).unwrap_err();
        assert_eq!(error.to_string(), format!("{} exists and is {what}, not a file", target.display()));
    }
    assert_eq!(names(dir.path()), ["link.zip"]);
    let error = BundleWriter::create(&dir.path().join("no/such/a.zip"), &begin()).unwrap_err();
    assert!(matches!(error, WriteError::Io { what: "create", .. }), "{error}");
}

/// Fails after some bytes, as a full disk or a closed pipe does.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(buf.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_failed_write_nothing_is_committed() {
    let mut writer = BundleWriter::to_stream(Full(800), &begin()).unwrap();
    let failed = (0..200).any(|n| {
        let result = writer.entry(&Key::node_instance(Capture::EthtoolStats, format!("eth{n}"))).and_then(EntryWriter::finish);
        result.is_err()
    });
    assert!(failed);
    let error = writer.finish(&begin()).unwrap_err().to_string();
    assert_eq!(error, "cannot write -: an earlier write failed");
}
