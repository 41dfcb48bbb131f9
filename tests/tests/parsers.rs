//! The properties of every parser, held against every fixture and against fixtures that are cut, mixed and scribbled over. What a
//! fuzzer found stands in `fixtures/fuzz/<parser>/` and is held here too.

use coldpath_tests::parsers::{PARSERS, hold};
use coldpath_tests::{files_below, fixtures, fixtures_of};
use proptest::prelude::*;

#[test]
fn every_fixture_keeps_the_properties() {
    for parser in PARSERS {
        let files = fixtures_of(parser).unwrap();
        assert_eq!(files.is_empty(), parser.captures.is_empty() && parser.nodes.is_empty(), "{}", parser.name);
        for file in files {
            (parser.hold)(&String::from_utf8_lossy(&std::fs::read(file).unwrap()));
        }
    }
}

#[test]
fn what_a_fuzzer_found_keeps_the_properties() {
    for file in files_below(&fixtures().join("fuzz")).unwrap().into_iter().filter(|f| !f.ends_with("README")) {
        let parser = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
        hold(parser, &String::from_utf8_lossy(&std::fs::read(&file).unwrap()));
    }
}

/// One change of a text.
#[derive(Clone, Debug)]
enum Change {
    /// Only what stands before, or behind.
    Cut { behind: bool },
    /// Some bytes are gone.
    Remove(usize),
    /// Something else stands between.
    Insert(String),
    /// A part stands twice.
    Repeat(usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<bool>().prop_map(|behind| Change::Cut { behind }),
        (1usize..40).prop_map(Change::Remove),
        "[ -~\\n\\r\\t\"\\\\{}\\[\\]:=é\u{feff}]{1,12}".prop_map(Change::Insert),
        (1usize..200).prop_map(Change::Repeat),
    ]
}

fn apply(text: &str, changes: &[(prop::sample::Index, Change)]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (place, change) in changes {
        let at = place.index(bytes.len() + 1);
        let to = |n: usize| bytes.len().min(at + n);
        match change {
            Change::Cut { behind: true } => drop(bytes.drain(..at)),
            Change::Cut { behind: false } => bytes.truncate(at),
            Change::Remove(n) => drop(bytes.drain(at..to(*n))),
            Change::Insert(text) => drop(bytes.splice(at..at, text.bytes())),
            Change::Repeat(n) => {
                let part = bytes[at..to(*n)].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_change_of_a_fixture_breaks_a_property(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 1..6),
    ) {
        for parser in PARSERS {
            let files = fixtures_of(parser).unwrap();
            if files.is_empty() {
                continue;
            }
            let text = std::fs::read(which.get(&files)).unwrap();
            // The beginning of a long one holds every kind of line.
            let text = String::from_utf8_lossy(&text[..text.len().min(8_192)]).into_owned();
            (parser.hold)(&apply(&text, &changes));
        }
    }
}
