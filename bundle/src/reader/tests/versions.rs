//! Bundles of other versions, and manifests that are not quite as they should be.

use serde_json::{Value, json};

use super::*;

fn open_json(manifest: &Value, texts: &[(&str, &[u8])]) -> Result<Bundle, Refusal> {
    let manifest = serde_json::to_vec(manifest).unwrap();
    let mut entries = vec![("manifest.json", manifest.as_slice())];
    entries.extend(texts);
    open(zip_of(&entries))
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut value = serde_json::to_value(manifest_of(&[(Key::node(Capture::Hosts), "a\n".to_owned())])).unwrap();
    change(&mut value);
    value
}

#[test]
fn a_newer_major_version_is_refused_whatever_else_it_says() {
    let error = open_json(&json!({"format": {"major": 2, "minor": 7}, "who": "knows"}), &[]).unwrap_err();
    assert_eq!(error.at(Path::new("a.zip")).to_string(), "a.zip has bundle format 2.7; this version reads up to 1.0");
}

#[test]
fn a_newer_minor_version_is_read_as_far_as_it_is_known() {
    let manifest = changed(|m| {
        m["format"]["minor"] = json!(9);
        m["novelty"] = json!({"a": [1, 2]});
        let records = m["captures"].as_array_mut().unwrap();
        let mut future = records[0].clone();
        future["outcome"] = json!({"status": "streamed"});
        records.insert(0, future);
        let mut unknown = records[1].clone();
        unknown["capture"] = json!("ebpf-programs");
        unknown["colour"] = json!("blue");
        records.push(unknown);
    });
    let bundle = open_json(&manifest, &[("node/hosts", b"a\n"), ("node/ebpf.txt", b"b\n")]).unwrap();
    assert_eq!(text(&bundle, &Key::node(Capture::Hosts)).partial, None);
    assert_eq!(bundle.manifest().captures.len(), 2);
    assert_eq!(bundle.unknown_entries(), ["node/ebpf.txt"]);
    let said: Vec<_> = bundle.damage().iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("captures[0] in manifest.json cannot be read: unknown variant `streamed`"), "{said:?}");
    assert_eq!(said[1], "the bundle has the newer format 1.9; what this version does not know of it is left out");
}

#[test]
fn parts_of_a_manifest_that_are_wrong_cost_only_themselves() {
    let manifest = changed(|m| {
        m["finished_at"] = json!("yesterday");
        m["netns"] = json!([{"number": 1}, {"number": 2, "inode": 3, "found_by": "x"}]);
        m["cut_short"] = json!({"signal": 15});
    });
    let bundle = open_json(&manifest, &[("node/hosts", b"a\n")]).unwrap();
    let parts: Vec<_> =
        bundle.damage().iter().map(|d| if let Damage::Manifest { part, .. } = d { part.as_str() } else { "?" }).collect();
    assert_eq!(parts, ["finished_at in manifest.json", "netns[0] in manifest.json"]);
    assert_eq!(bundle.manifest().netns.len(), 1);
    assert_eq!(bundle.manifest().cut_short.as_deref(), Some(r#"{"signal":15}"#));
    assert_eq!(text(&bundle, &Key::node(Capture::Hosts)).partial, None);
}

#[test]
fn where_the_manifest_is_unreadable_begin_json_counts() {
    let begin = json(&begin());
    let entries: [(&str, &[u8]); 3] = [("begin.json", &begin), ("node/hosts", b"a\n"), ("manifest.json", b"{\"format\":")];
    let bundle = open(zip_of(&entries)).unwrap();
    assert_eq!(bundle.manifest().node.name, "node-a");
    assert!(bundle.damage().contains(&Damage::NoManifest), "{:?}", bundle.damage());
    let text = text(&bundle, &Key::node(Capture::Hosts));
    assert_eq!((&*text.body, text.partial, text.unrecorded), ("a\n", None, true));
    assert_eq!(absent(&bundle, &Key::node(Capture::Sysctl)).0, AbsentWhy::Damaged);
}

#[test]
fn a_manifest_longer_than_a_bundle_may_be_is_refused() {
    let limits = Limits { entries: 3, ..Limits::default() };
    let manifest = changed(|m| m["captures"] = json!([1, 2, 3, 4]));
    let data = zip_of(&[("manifest.json", &serde_json::to_vec(&manifest).unwrap())]);
    let error = Bundle::from_zip("a".to_owned(), data, &limits).unwrap_err();
    assert!(matches!(&error, Refusal::Limit(what) if what == "manifest.json lists 4 things; at most 3 are read"), "{error:?}");
}
