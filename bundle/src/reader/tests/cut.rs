//! Bundles that are cut off, garbled or overwritten: nothing panics, and what is whole is found.

use proptest::prelude::*;

use super::*;

/// Where each text's entry ends, its checksum included: where the next local header, or the directory, begins.
fn ends(data: &[u8], texts: Vec<(Key, String)>) -> Vec<(Key, String, usize)> {
    let mut zip = ::zip::ZipArchive::new(Cursor::new(data)).unwrap();
    let header = |i: usize| usize::try_from(zip.by_index_raw(i).unwrap().header_start()).unwrap();
    let starts: Vec<usize> = (0..texts.len() + 2).map(header).collect();
    // The first entry is begin.json, the last is the manifest.
    texts.into_iter().enumerate().map(|(i, (key, text))| (key, text, starts[i + 2])).collect()
}

/// A bundle of short texts.
fn small() -> (Vec<u8>, Vec<(Key, String)>) {
    let mut texts = keys_and_texts();
    texts[0].1.truncate(200);
    (bundle_bytes(&texts, &manifest_of(&texts)), texts)
}

fn check_cut(data: &[u8], cut: usize, ends: &[(Key, String, usize)]) {
    let Ok(bundle) = open(data[..cut].to_vec()) else {
        assert!(cut < ends[0].2, "cut at {cut}");
        return;
    };
    assert!(!bundle.damage().is_empty(), "cut at {cut}");
    for (key, expected, end) in ends {
        if *end <= cut {
            let text = text(&bundle, key);
            assert_eq!((&*text.body, &text.partial), (expected.as_str(), &None), "{key} cut at {cut}");
        } else if let Content::Text(text) = bundle.get(key) {
            assert!(matches!(text.partial, Some(Partial::Damaged(_))), "{key} cut at {cut}");
            assert!(expected.starts_with(&*text.body), "{key} cut at {cut}");
        }
    }
}

#[test]
fn cut_at_every_byte_it_yields_every_capture_that_is_whole() {
    let (data, texts) = small();
    let ends = ends(&data, texts);
    for cut in 0..data.len() {
        check_cut(&data, cut, &ends);
    }
}

#[test]
fn cut_at_every_kibibyte_it_yields_every_capture_that_is_whole() {
    let data = whole();
    assert!(data.len() > 20 << 10);
    let ends = ends(&data, keys_and_texts());
    for cut in (0..data.len()).step_by(1 << 10) {
        check_cut(&data, cut, &ends);
    }
}

#[test]
fn a_bundle_without_its_end_says_so_and_keeps_what_it_has_of_the_last_text() {
    let data = whole();
    let ends = ends(&data, keys_and_texts());
    let bundle = open(data[..ends[0].2 - 1000].to_vec()).unwrap();
    let said: Vec<_> = bundle.damage().iter().map(ToString::to_string).collect();
    assert!(said[0].starts_with("the end of the bundle is missing: it is incomplete from byte "), "{said:?}");
    assert_eq!(said[1], "the manifest is lost: how captures were taken, and which were not, is unknown");
    let (key, expected, _) = &ends[0];
    let text = text(&bundle, key);
    assert_eq!(text.partial, Some(Partial::Damaged("the bundle is cut off within it".to_owned())));
    assert!(text.body.len() > 10_000 && expected.starts_with(&*text.body), "{}", text.body.len());
    assert_eq!(absent(&bundle, &ends[1].0).0, AbsentWhy::Damaged);
}

#[test]
fn cut_off_zips_of_other_writers_are_read_too() {
    let manifest = json(&begin());
    let data = zip_of(&[("manifest.json", &manifest), ("node/hosts", b"127.0.0.1 a\n"), ("node/os-release", b"ID=debian\n")]);
    let at = data.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let bundle = open(data[..at - 1].to_vec()).unwrap();
    assert_eq!(&*text(&bundle, &Key::node(Capture::Hosts)).body, "127.0.0.1 a\n");
    let cut = match bundle.get(&Key::node(Capture::OsRelease)) {
        Content::Text(text) => text.partial,
        Content::Absent(absence) => Some(Partial::Damaged(absence.detail)),
    };
    assert_eq!(cut, Some(Partial::Damaged("the bundle is cut off within it".to_owned())));
    assert!(matches!(bundle.damage(), [Damage::CutOff { .. }]), "{:?}", bundle.damage());
}

#[test]
fn without_its_directory_a_bundle_loses_nothing() {
    let data = whole();
    let at = data.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let bundle = open(data[..at].to_vec()).unwrap();
    assert_eq!(bundle.damage(), [Damage::CutOff { at: at as u64 }]);
    let mut garbled = data;
    garbled[at..].fill(0xaa);
    garbled[at..at + 4].copy_from_slice(b"PK\x01\x02");
    let garbled = open(garbled).unwrap();
    assert!(matches!(garbled.damage(), [Damage::Directory { .. }]), "{:?}", garbled.damage());
    for (key, expected) in keys_and_texts() {
        for bundle in [&bundle, &garbled] {
            let text = text(bundle, &key);
            assert_eq!((&*text.body, text.partial, text.unrecorded), (&*expected, None, false));
        }
    }
}

#[test]
fn a_flipped_bit_in_one_text_costs_only_that_one() {
    let data = whole();
    let ends = ends(&data, keys_and_texts());
    let cut = data.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    let mut flipped = data;
    flipped[ends[0].2 / 2] ^= 0x10;
    for data in [flipped.clone(), flipped[..cut].to_vec()] {
        let bundle = open(data).unwrap();
        match bundle.get(&ends[0].0) {
            Content::Text(text) => assert!(matches!(text.partial, Some(Partial::Damaged(_))), "{:?}", text.partial),
            Content::Absent(absence) => assert_eq!(absence.why, AbsentWhy::Damaged),
        }
        for (key, expected, _) in &ends[1..] {
            assert_eq!((&*text(&bundle, key).body, text(&bundle, key).partial), (expected.as_str(), None), "{key}");
        }
    }
}

#[test]
fn a_wrong_checksum_is_said_where_nothing_else_tells() {
    // Without a directory: the checksum behind a streamed text, 12 bytes before the next header.
    let (mut data, texts) = small();
    let ends = ends(&data, texts);
    data.truncate(data.windows(4).position(|w| w == b"PK\x01\x02").unwrap());
    data[ends[1].2 - 12] ^= 1;
    let bundle = open(data).unwrap();
    let damaged = |why: &str| Some(Partial::Damaged(why.to_owned()));
    assert_eq!(text(&bundle, &ends[1].0).partial, damaged("its checksum is wrong or overwritten"));
    assert_eq!(text(&bundle, &ends[2].0).partial, None);
    // With one: the checksum of an unrecorded text, in the directory.
    let mut data = zip_of(&[("manifest.json", &json(&begin())), ("node/hosts", b"a\n")]);
    let header = data.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    data[header + 16] ^= 1;
    assert_eq!(text(&open(data).unwrap(), &Key::node(Capture::Hosts)).partial, damaged("its checksum is wrong"));
}

#[test]
fn what_a_killed_collector_left_behind_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = BundleWriter::create(&dir.path().join("a.zip"), &begin()).unwrap();
    let (one, two) = (Key::node(Capture::Hosts), Key::node(Capture::Sysctl));
    let mut entry = writer.entry(&one).unwrap();
    entry.write_all(b"127.0.0.1 a\n").unwrap();
    entry.finish().unwrap();
    let mut entry = writer.entry(&two).unwrap();
    entry.write_all(keys_and_texts()[0].1.as_bytes()).unwrap();
    // As kill -9 would: nothing is dropped, nothing flushed.
    let left = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let bundle = Bundle::open(&left, &Limits::default()).unwrap();
    let whole = text(&bundle, &one);
    assert_eq!((&*whole.body, whole.partial, whole.unrecorded), ("127.0.0.1 a\n", None, true));
    assert_eq!(absent(&bundle, &two).0, AbsentWhy::Damaged);
    assert_eq!(bundle.manifest(), &begin());
}

/// Asks a bundle everything.
fn exhaust(data: Vec<u8>) {
    match open(data) {
        Ok(bundle) => {
            for &capture in Capture::ALL {
                let _ = bundle.get(&Key::node(capture));
            }
            for key in bundle.keys() {
                let _ = bundle.get(key);
            }
            let _ = bundle.damage().iter().map(ToString::to_string).collect::<String>();
        }
        Err(refusal) => {
            let line = refusal.at(Path::new("x.zip")).to_string();
            assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..20), cut in any::<bool>()) {
        let (mut data, _) = small();
        if cut {
            data.truncate(data.len() - 400);
        }
        for (index, value) in flips {
            let at = index.index(data.len());
            data[at] ^= value;
        }
        exhaust(data);
    }

    #[test]
    fn headers_with_flipped_bytes_never_panic(flips in prop::collection::vec((0_usize..600, any::<u8>()), 1..6), cut in 600_usize..2000) {
        let (mut data, _) = small();
        data.truncate(cut);
        for (at, value) in flips {
            data[at] = value;
        }
        exhaust(data);
    }

    #[test]
    fn garbage_never_panics(prefix in prop::collection::vec(any::<u8>(), 0..200), bundle in any::<bool>(), local in any::<bool>()) {
        let mut data = if local { b"PK\x03\x04".to_vec() } else { Vec::new() };
        data.extend(prefix);
        if bundle {
            data.extend(small().0);
        }
        exhaust(data);
    }
}
