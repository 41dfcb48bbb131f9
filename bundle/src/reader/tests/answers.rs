//! What is answered for each pairing of a record with a text.

use super::*;
use crate::manifest::Exit;

fn taken_with(change: impl FnOnce(&mut bool, &mut bool, &mut Option<Exit>, &mut String)) -> Outcome {
    let mut outcome = taken(b"text\n");
    if let Outcome::Taken { truncated, timed_out, exit, stderr, .. } = &mut outcome {
        change(truncated, timed_out, exit, stderr);
    }
    outcome
}

#[test]
fn the_record_says_what_is_missing_of_a_text() {
    let key = Key::node(Capture::IptablesNftSave);
    for (outcome, partial) in [
        (taken_with(|_, _, _, _| {}), None),
        (taken_with(|_, _, exit, _| *exit = None), None),
        (taken_with(|truncated, _, exit, _| (*truncated, *exit) = (true, Some(Exit::Signal(9)))), Some(Partial::Truncated)),
        (taken_with(|_, timed_out, exit, _| (*timed_out, *exit) = (true, Some(Exit::Signal(9)))), Some(Partial::TimedOut)),
        (
            taken_with(|_, _, exit, stderr| (*exit, *stderr) = (Some(Exit::Status(4)), "\n  busy\nmore".to_owned())),
            Some(Partial::Failed { how: "exit status 4".to_owned(), stderr: "busy".to_owned() }),
        ),
        (
            taken_with(|_, _, exit, _| *exit = Some(Exit::Signal(11))),
            Some(Partial::Failed { how: "signal 11".to_owned(), stderr: String::new() }),
        ),
    ] {
        let mut manifest = begin();
        manifest.captures = vec![record(&key, outcome)];
        let bundle = open(bundle_bytes(&[(key.clone(), "text\n".to_owned())], &manifest)).unwrap();
        let text = text(&bundle, &key);
        assert_eq!((&*text.body, text.partial), ("text\n", partial));
    }
}

#[test]
fn a_text_that_the_manifest_did_not_expect_is_damaged() {
    let key = Key::node(Capture::Hosts);
    let mut manifest = begin();
    manifest.captures = vec![record(&key, taken(b"one\n"))];
    let bundle = open(bundle_bytes(&[(key.clone(), "two\n".to_owned())], &manifest)).unwrap();
    let why = "it is not the text that was written: its SHA-256 is not that of the manifest";
    assert_eq!(text(&bundle, &key).partial, Some(Partial::Damaged(why.to_owned())));
}

#[test]
fn bytes_that_are_not_utf_8_are_replaced_and_said() {
    let key = Key::node(Capture::Hosts);
    let bundle = open(zip_of(&[("manifest.json", &json(&begin())), ("node/hosts", b"a\xff\nb\n")])).unwrap();
    let text = text(&bundle, &key);
    assert_eq!((&*text.body, text.lossy, text.unrecorded), ("a\u{fffd}\nb\n", true, true));
}

#[test]
fn an_absent_capture_keeps_its_reason() {
    let key = Key::node(Capture::IpvsSave);
    let mut manifest = begin();
    manifest.captures =
        vec![record(&key, Outcome::Absent { why: AbsentWhy::NotLoaded, detail: "ip_vs is not loaded".to_owned() })];
    let bundle = open(bundle_bytes(&[], &manifest)).unwrap();
    assert_eq!(absent(&bundle, &key), (AbsentWhy::NotLoaded, "ip_vs is not loaded".to_owned()));
}

#[test]
fn what_is_neither_recorded_nor_there_says_why() {
    let file = |name: &str| Key::node_instance(Capture::SysctlD, name);
    let why = |manifest: &Manifest, key: &Key| absent(&open(bundle_bytes(&[], manifest)).unwrap(), key).0;
    let mut manifest = begin();
    assert_eq!(why(&manifest, &Key::node(Capture::Sysctl)), AbsentWhy::NotRecorded);
    assert_eq!(why(&manifest, &file("/etc/sysctl.conf")), AbsentWhy::NotRecorded);
    let pod = |number| Key { netns: Netns::Pod(number), capture: Capture::Sysctl, instance: None };
    assert_eq!(why(&manifest, &pod(1)), AbsentWhy::NotRecorded);
    assert_eq!(why(&manifest, &pod(2)), AbsentWhy::NotFound);

    // A member of a family whose others were taken was not there; unless the collection was cut short.
    manifest.captures = vec![record(&file("/etc/sysctl.d/a.conf"), taken(b""))];
    assert_eq!(why(&manifest, &file("/etc/sysctl.conf")), AbsentWhy::NotFound);
    manifest.cut_short = Some("SIGTERM".to_owned());
    assert_eq!(why(&manifest, &file("/etc/sysctl.conf")), AbsentWhy::NotReached);
    assert_eq!(why(&manifest, &Key::node(Capture::Sysctl)), AbsentWhy::NotReached);

    // A record of the whole family speaks for each member.
    let denied = Outcome::Absent { why: AbsentWhy::PermissionDenied, detail: String::new() };
    manifest.captures = vec![record(&Key::node(Capture::SysctlD), denied)];
    assert_eq!(why(&manifest, &file("/etc/sysctl.conf")), AbsentWhy::PermissionDenied);
}

#[test]
fn families_and_records_are_found_by_their_capture() {
    let bundle = open(whole()).unwrap();
    let features: Vec<_> = bundle.instances(Netns::Node, Capture::EthtoolFeatures).map(Key::path).collect();
    assert_eq!(features, ["node/ethtool-features/eth0"]);
    assert_eq!(bundle.instances(Netns::Node, Capture::EthtoolStats).count(), 0);
    assert_eq!(bundle.instances(Netns::Pod(1), Capture::IpAddr).count(), 1);
    assert_eq!(bundle.records(Netns::Pod(1), Capture::IpAddr).count(), 1);
    assert_eq!(bundle.records(Netns::Pod(1), Capture::IpLink).count(), 0);
}

#[test]
fn texts_from_memory_count_as_whole() {
    let key = Key::node(Capture::Hosts);
    let mut manifest = begin();
    manifest.captures = vec![record(&Key::node(Capture::Sysctl), taken_with(|truncated, _, _, _| *truncated = true))];
    let texts = [(key.clone(), "a\n".to_owned()), (Key::node(Capture::Sysctl), "other\n".to_owned())];
    let bundle = Bundle::from_texts("memory", manifest, texts);
    assert_eq!((text(&bundle, &key).partial, text(&bundle, &key).unrecorded), (None, false));
    assert_eq!(text(&bundle, &Key::node(Capture::Sysctl)).partial, Some(Partial::Truncated));
}
