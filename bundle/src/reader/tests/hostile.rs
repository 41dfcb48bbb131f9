//! Zips that were made to hurt.

use ::zip::write::SimpleFileOptions;

use super::*;

fn with(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let manifest = json(&begin());
    let mut all = vec![("manifest.json", manifest.as_slice())];
    all.extend(entries);
    zip_of(&all)
}

/// The local part of a zip, without its directory.
fn without_directory(mut data: Vec<u8>) -> Vec<u8> {
    let at = data.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    data.truncate(at);
    data
}

#[test]
fn names_that_climb_out_make_the_whole_zip_untrusted() {
    for (name, shown) in
        [("../x", "../x"), ("/etc/passwd", "/etc/passwd"), ("node/a\u{1b}[2J", "node/a\\u{1b}[2J"), ("c:\\x", "c:\\x")]
    {
        let data = with(&[("node/hosts", b""), (name, b"")]);
        let expected = format!("test.zip is not to be trusted: unsafe name \"{shown}\" among its entries");
        assert_eq!(refusal(data.clone()), expected);
        assert_eq!(refusal(without_directory(data)), expected);
    }
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let mut data = with(&[("node/hosts", b"a"), ("node/hostz", b"b")]);
    while let Some(at) = data.windows(10).position(|w| w == b"node/hostz") {
        data[at + 9] = b's';
    }
    assert_eq!(refusal(data.clone()), "test.zip is not to be trusted: two of its entries have the same name");
    // Without the directory it may be damage: the first counts.
    let bundle = open(without_directory(data)).unwrap();
    assert_eq!(&*text(&bundle, &Key::node(Capture::Hosts)).body, "a");
    assert!(bundle.damage().iter().any(|d| d.to_string() == "node/hosts: a second entry of this name was left out"));
}

#[test]
fn bombs_are_refused_by_what_they_declare() {
    let zeros = vec![0; 3 << 20];
    let data = with(&[("node/hosts", &zeros)]);
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    for (limits, what) in [
        (limits(|l| l.entry_bytes = 2 << 20), "node/hosts holds 3145728 bytes; at most 2097152 are read"),
        (limits(|l| l.total_bytes = 2 << 20), "its entries hold "),
        (limits(|l| l.ratio = 100), "node/hosts claims 3145728 bytes in "),
        (limits(|l| l.entries = 1), "it holds 2 entries; at most 1 are read"),
    ] {
        for data in [data.clone(), without_directory(data.clone())] {
            let error = Bundle::from_zip(String::new(), data, &limits).unwrap_err();
            assert!(matches!(&error, Refusal::Limit(found) if found.starts_with(what)), "{error:?}");
        }
    }
    assert_eq!(text(&open(data).unwrap(), &Key::node(Capture::Hosts)).body.len(), 3 << 20);
}

#[test]
fn streamed_bombs_are_refused_too_when_the_directory_is_lost() {
    let zeros = String::from_utf8(vec![0; 3 << 20]).unwrap();
    let data = without_directory(bundle_bytes(&[(Key::node(Capture::Hosts), zeros)], &begin()));
    for limits in [
        Limits { entry_bytes: 2 << 20, ..Limits::default() },
        Limits { total_bytes: 2 << 20, ..Limits::default() },
        Limits { ratio: 100, ..Limits::default() },
    ] {
        assert!(matches!(Bundle::from_zip(String::new(), data.clone(), &limits).unwrap_err(), Refusal::Limit(_)));
    }
    assert!(open(data).is_ok());
}

#[test]
fn a_size_that_lies_is_not_believed() {
    let key = Key::node(Capture::Hosts);
    let body = "abcdefghij".repeat(300);
    let mut data = with(&[("node/hosts", body.as_bytes())]);
    // Both in the local header and in the directory.
    while let Some(at) = data.windows(4).position(|w| w == 3000_u32.to_le_bytes()) {
        data[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
    }
    for data in [data.clone(), without_directory(data)] {
        let bundle = open(data).unwrap();
        let text = text(&bundle, &key);
        assert_eq!(&*text.body, "abcdefghij");
        assert_eq!(text.partial, Some(Partial::Damaged("it is longer than the 10 bytes that it should have".to_owned())));
    }
}

#[test]
fn entries_that_overlap_are_refused() {
    // The directory's second entry points at the first one's header.
    let mut data = with(&[("node/hosts", b"a"), ("node/hostz", b"a")]);
    let headers: Vec<_> = (0..data.len() - 4).filter(|&at| data[at..].starts_with(b"PK\x01\x02")).collect();
    let first: Vec<u8> = data[headers[1] + 42..headers[1] + 46].to_vec();
    data[headers[2] + 42..headers[2] + 46].copy_from_slice(&first);
    assert_eq!(refusal(data), "test.zip is not to be trusted: its entries overlap (a zip bomb)");
}

#[test]
fn encrypted_unknown_and_linked_entries_cost_only_themselves() {
    let mut zip = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.start_file("manifest.json", options).unwrap();
    zip.write_all(&json(&begin())).unwrap();
    zip.add_symlink("node/hosts", "/etc/shadow", options).unwrap();
    for name in ["node/os-release", "node/uptime.txt", "node/clock.txt"] {
        zip.start_file(name, options).unwrap();
        zip.write_all(b"a\n").unwrap();
    }
    let mut data = zip.finish().unwrap().into_inner();
    // In the local header the flags stand 6 bytes in and the method 8; in the directory two bytes later each.
    for (name, field, value) in [(&b"node/os-release"[..], 6, 1), (b"node/uptime.txt", 8, 93)] {
        let places: Vec<_> = (0..data.len() - name.len()).filter(|&at| data[at..].starts_with(name)).collect();
        data[places[0] - 30 + field] = value;
        data[places[1] - 46 + field + 2] = value;
    }
    let bundle = open(data.clone()).unwrap();
    let said: Vec<_> = bundle.damage().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "node/hosts: it is a symbolic link",
            "node/os-release: it is encrypted",
            "node/uptime.txt: its compression (Zstd) is not known here"
        ]
    );
    for capture in [Capture::Hosts, Capture::OsRelease, Capture::Uptime] {
        assert_eq!(absent(&bundle, &Key::node(capture)).0, AbsentWhy::Damaged);
    }
    assert_eq!(&*text(&bundle, &Key::node(Capture::Clock)).body, "a\n");
    let salvaged = open(without_directory(data)).unwrap();
    assert_eq!(&*text(&salvaged, &Key::node(Capture::Clock)).body, "a\n");
    assert_eq!(absent(&salvaged, &Key::node(Capture::OsRelease)).1, "it is encrypted");
}
