//! For the tests: a text and the JSON of the same state must give the same records.

use std::fmt::Debug;

use super::super::Parsed;

/// A text of `fixtures/captures`.
pub(in super::super) fn fixture(folder: &str, file: &str) -> String {
    let path = format!("{}/../fixtures/captures/{folder}/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Records without their places, which differ.
pub(in super::super) fn shown<T: Debug>(record: &T) -> String {
    let at = regex::Regex::new(r"At \{[^}]*\}").expect("a valid pattern");
    at.replace_all(&format!("{record:#?}"), "@").into_owned()
}

/// Holds `<folder>/<name>.txt` against `<folder>/<name>.json`: equal records, no problems.
pub(in super::super) fn same_as_json<T: Debug>(
    folder: &str,
    name: &str,
    text: impl Fn(&str) -> Parsed<Vec<T>>,
    json: impl Fn(&str) -> Parsed<Vec<T>>,
) {
    let read = text(&fixture(folder, &format!("{name}.txt")));
    let want = json(&fixture(folder, &format!("{name}.json")));
    assert_eq!(want.problems, [], "{folder}/{name}.json");
    assert_eq!(read.problems, [], "{folder}/{name}.txt");
    same(&format!("{folder}/{name}"), &read.value, &want.value);
}

/// Equal records, one by one.
pub(in super::super) fn same<T: Debug>(name: &str, read: &[T], want: &[T]) {
    for (read, want) in read.iter().zip(want) {
        assert_eq!(shown(read), shown(want), "{name}: the text (left) and the JSON (right)");
    }
    assert_eq!(read.len(), want.len(), "{name}: number of records");
    assert!(!want.is_empty(), "{name}: nothing to compare");
}
