//! For the parsers' tests: snapshots over `fixtures/captures/<format>/*`, with positions shown as line and text.

use std::fmt::Debug;

use super::Parsed;

/// The result as text: every position as `LINE:"text"`.
pub(crate) fn render<T: Debug>(text: &str, parsed: &Parsed<T>) -> String {
    let shown = format!("{:#?}\n", parsed.value) + &problems(text, parsed).join("\n");
    let at = regex::Regex::new(r"At \{\s*line: (\d+),\s*start: (\d+),\s*end: (\d+),\s*\}").expect("a valid pattern");
    let shown = at.replace_all(&shown, |c: &regex::Captures<'_>| {
        let (start, end): (usize, usize) = (c[2].parse().unwrap_or(0), c[3].parse().unwrap_or(0));
        format!("{}:{:?}", &c[1], text.get(start..end).unwrap_or("(outside)"))
    });
    // `Some(\n    1:"x",\n)` on one line.
    let some = regex::Regex::new(r"Some\(\s*([^\s()][^\n()]*?),\s*\)").expect("a valid pattern");
    some.replace_all(&shown, "Some($1)").into_owned()
}

/// The problems, one a line.
pub(crate) fn problems<T>(text: &str, parsed: &Parsed<T>) -> Vec<String> {
    let show = |p: &crate::Problem| format!("problem {}: {}: {:?}", p.at.line, p.what, super::text::slice(text, p.at));
    parsed.problems.iter().map(show).collect()
}

/// Snapshots of every file in `fixtures/captures/<folder>`.
pub(crate) fn snapshots<T: Debug>(folder: &str, read: impl Fn(&str) -> Parsed<T>) {
    insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => false}, {
        insta::glob!("../../../fixtures/captures", &format!("{folder}/*"), |path| {
            let text = std::fs::read_to_string(path).expect("a fixture in UTF-8");
            // Cut anywhere, no parser panics.
            for end in (0..text.len()).step_by(1 + text.len() / 97) {
                let _ = read(text.get(..end).unwrap_or_default());
            }
            let name = format!("{folder}-{}", path.file_name().expect("a file").to_string_lossy());
            // glob! makes a suffix of its own, which depends on how many files there are.
            insta::with_settings!({snapshot_suffix => ""}, {
                insta::assert_snapshot!(name, render(&text, &read(&text)));
            });
        });
    });
}

/// The text of a fixture.
pub(crate) fn fixture(path: &str) -> String {
    let path = format!("{}/../fixtures/captures/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}
