//! JSON of iproute2: one array on one line, whose elements are read one by one, so that a bad or a missing end costs only itself.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, position};

/// An element of an array.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Element<'t> {
    /// Where it stands.
    pub(crate) at: At,
    /// Its text.
    pub(crate) text: &'t str,
}

/// The names of a document, each stored once: a capture with 20,000 routes has a handful of devices.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Names(HashSet<Arc<str>>);

impl Names {
    /// The shared form of a name.
    pub(crate) fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(name);
        self.0.insert(Arc::clone(&new));
        new
    }

    /// The shared forms of several names.
    pub(crate) fn all<S: AsRef<str>>(&mut self, names: &[S]) -> Vec<Arc<str>> {
        names.iter().map(|n| self.get(n.as_ref())).collect()
    }
}

/// Reads the arrays of a text, element by element. Old versions of iproute2 print an empty object for what a filter left out; those
/// are skipped. No text at all is an empty array: that is what `ip` prints where there is nothing to show.
pub(crate) fn read<T>(text: &str, mut record: impl FnMut(Element<'_>, &str, &mut Names) -> Result<T, String>) -> Parsed<Vec<T>> {
    let mut out = Parsed { value: Vec::new(), problems: Vec::new() };
    let (elements, end) = elements(text);
    let mut names = Names::default();
    out.value.reserve_exact(elements.len());
    for element in elements {
        if element.text.trim_start_matches('{').trim() == "}" {
            continue;
        }
        match record(element, element.text, &mut names) {
            Ok(value) => out.value.push(value),
            // iproute2 prints some keys twice; of those the last counts, as in every lenient reader.
            Err(why) if why.contains("duplicate field") => {
                match without_duplicates(element.text).and_then(|clean| record(element, &clean, &mut names)) {
                    Ok(value) => out.value.push(value),
                    Err(what) => out.problems.push(Problem { at: element.at, what }),
                }
            }
            Err(what) => out.problems.push(Problem { at: element.at, what }),
        }
    }
    out.problems.extend(end);
    out
}

/// A record from an element's text.
pub(crate) fn typed<'t, T: serde::Deserialize<'t>>(text: &'t str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|e| format!("not the expected object: {}", without_place(&e)))
}

fn without_duplicates(text: &str) -> Result<String, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    Ok(value.to_string())
}

/// serde_json's message without its line and column, which count within the element and would mislead.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or_else(|| text.clone(), |(what, _)| what.to_owned())
}

/// The elements of all arrays of a text, and what is wrong behind the last one that could be read.
fn elements(text: &str) -> (Vec<Element<'_>>, Option<Problem>) {
    struct Push<'a, 't>(&'a mut Vec<&'t RawValue>);
    impl<'t> Visitor<'t> for Push<'_, 't> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }
        fn visit_seq<A: SeqAccess<'t>>(self, mut seq: A) -> Result<(), A::Error> {
            while let Some(raw) = seq.next_element::<&RawValue>()? {
                self.0.push(raw);
            }
            Ok(())
        }
    }
    let mut raws = Vec::new();
    let mut error = None;
    let mut rest = text;
    // `ip -4 …; ip -6 …` into one file gives two arrays. Where one ends is worked out here: the library's own answer counts all
    // lines before it, which takes quadratic time where somebody wrote ten thousand arrays.
    while error.is_none() && !rest.trim_ascii_start().is_empty() {
        let known = raws.len();
        error = serde_json::Deserializer::from_str(rest).deserialize_seq(Push(&mut raws)).err();
        let open = rest.find('[').map_or(rest.len(), |i| i + 1);
        let last = raws[known..].last().map_or(open, |raw| position(rest, raw.get(), 1).end as usize);
        let close = rest.get(last..).and_then(|behind| behind.find(']'));
        rest = close.and_then(|i| rest.get(last + i + 1..)).unwrap_or_default();
    }
    let mut counter = Lines::default();
    let elements: Vec<_> = raws
        .into_iter()
        .map(|raw| {
            let at = counter.place(text, raw.get());
            Element { at, text: raw.get() }
        })
        .collect();
    let problem = error.map(|e| {
        let start = elements.last().map_or(0, |e| e.at.end as usize);
        let rest = text.get(start..).unwrap_or_default();
        let at = counter.place(text, rest);
        let what = if e.is_eof() { "the text ends within the array".to_owned() } else { without_place(&e) };
        Problem { at, what }
    });
    (elements, problem)
}

/// Counts lines on the way through a text.
#[derive(Default)]
pub(crate) struct Lines {
    seen: usize,
    line: u32,
}

impl Lines {
    /// The place of a part of `text`; parts must be asked for in their order.
    pub(crate) fn place(&mut self, text: &str, part: &str) -> At {
        let start = position(text, part, 1).start as usize;
        let skipped = text.as_bytes().get(self.seen..start).unwrap_or_default();
        self.line += u32::try_from(memchr::memchr_iter(b'\n', skipped).count()).unwrap_or(u32::MAX);
        self.seen = self.seen.max(start);
        position(text, part, self.line + 1)
    }
}

/// For members that iproute2 prints as `null` where they are set: present is true.
pub(crate) fn present<'de, D: Deserializer<'de>>(de: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(de).map(|_| true)
}

/// The place of a part of a text.
pub(crate) fn place(text: &str, part: &str) -> At {
    Lines::default().place(text, part)
}

/// Values of a configuration file with their places; a value that is not what is expected is a problem.
pub(crate) struct Places<'a> {
    /// The file.
    pub(crate) text: &'a str,
    /// What was not understood.
    pub(crate) problems: &'a mut Vec<Problem>,
    /// Where lines end, counted at the first question: a file may have as many values as lines.
    ends: Vec<usize>,
}

impl<'a> Places<'a> {
    /// The places of a text.
    pub(crate) fn new(text: &'a str, problems: &'a mut Vec<Problem>) -> Self {
        Self { text, problems, ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect() }
    }

    /// The line on which a part of the text stands, see [`line_of`].
    pub(crate) fn line_of(&self, part: &str) -> At {
        let start = position(self.text, part, 1).start as usize;
        let line = 1 + self.ends.partition_point(|&end| end < start);
        shown_line(self.text, position(self.text, part, u32::try_from(line).unwrap_or(u32::MAX)))
    }

    /// A value and its line.
    pub(crate) fn value<'t, T: Deserialize<'t>>(&mut self, raw: Option<&'t RawValue>) -> Option<(T, At)> {
        let raw = raw?;
        let at = self.line_of(raw.get());
        typed(raw.get()).map_err(|what| self.problems.push(Problem { at, what })).ok().map(|value| (value, at))
    }
}

/// The line on which a part of a text stands, as evidence that a person can read; the part alone where the line is long.
pub(crate) fn line_of(text: &str, part: &str) -> At {
    shown_line(text, Lines::default().place(text, part))
}

fn shown_line(text: &str, at: At) -> At {
    let (start, end) = (at.start as usize, at.end as usize);
    let bytes = text.as_bytes();
    let from = memchr::memrchr(b'\n', bytes.get(..start).unwrap_or_default()).map_or(0, |i| i + 1);
    let to = memchr::memchr(b'\n', bytes.get(end..).unwrap_or_default()).map_or(text.len(), |i| end + i);
    let Some(line) = text.get(from..to).filter(|l| l.len() <= LONG_LINE) else { return at };
    // A part that begins with blank lines: what is shown begins below them.
    let shown = line.trim();
    if shown.is_empty() {
        return at;
    }
    let blank = line.len() - line.trim_start().len();
    let skipped = bytes.get(start..from + blank).map_or(0, |b| memchr::memchr_iter(b'\n', b).count());
    position(text, shown, at.line.saturating_add(u32::try_from(skipped).unwrap_or(u32::MAX)))
}

/// A line above this is not shown whole.
const LONG_LINE: usize = 160;

/// Verbatim members of a JSON object, joined by ` … `: the member `first`, then those of `keys` that it has, in the object's order.
/// Members of nested objects count too. Empty only if the object has none of them.
#[must_use]
pub fn excerpt(object: &str, first: &str, keys: &[&str]) -> String {
    let mut parts: Vec<(usize, &str)> = [first].iter().chain(keys).filter_map(|key| member(object, key)).collect();
    parts.sort_unstable();
    parts.dedup();
    parts.iter().map(|(_, part)| *part).collect::<Vec<_>>().join(" … ")
}

/// The first member with this key, as `"key":value`, and where it begins.
pub(crate) fn member<'t>(object: &'t str, key: &str) -> Option<(usize, &'t str)> {
    let quoted = format!("\"{key}\"");
    let start = memchr::memmem::find_iter(object.as_bytes(), quoted.as_bytes()).find(|&at| {
        let behind = object.get(at + quoted.len()..).unwrap_or_default();
        behind.trim_start().starts_with(':')
    })?;
    let behind = object.get(start + quoted.len()..)?;
    let value = behind.trim_start().strip_prefix(':')?;
    let mut values = serde_json::Deserializer::from_str(value).into_iter::<&RawValue>();
    let raw = values.next()?.ok()?;
    let end = position(object, raw.get(), 1).end as usize;
    Some((start, object.get(start..end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(element: Element<'_>, text: &str, _: &mut Names) -> Result<(At, u32), String> {
        #[derive(serde::Deserialize)]
        struct Raw {
            a: u32,
        }
        Ok((element.at, typed::<Raw>(text)?.a))
    }

    #[test]
    fn every_element_knows_its_place() {
        let text = "[{\"a\":1},{},{\"a\":2}]\n[\n{\"a\":3}]\n";
        let got = read(text, name);
        assert_eq!(got.problems, []);
        let places: Vec<_> = got.value.iter().map(|(at, a)| (at.line, &text[at.start as usize..at.end as usize], *a)).collect();
        assert_eq!(places, [(1, "{\"a\":1}", 1), (1, "{\"a\":2}", 2), (3, "{\"a\":3}", 3)]);
    }

    #[test]
    fn what_stands_before_the_cut_counts() {
        let got = read("[{\"a\":1},{\"a\":\"x\"},{\"a\":2},{\"a\":", name);
        assert_eq!(got.value.iter().map(|v| v.1).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(got.problems.len(), 2, "{:?}", got.problems);
        assert!(got.problems[0].what.contains("invalid type"), "{:?}", got.problems);
        assert_eq!(got.problems[1].what, "the text ends within the array");
    }

    #[test]
    fn of_a_key_twice_the_last_counts_and_no_text_is_no_element() {
        assert_eq!(read("[{\"a\":1,\"a\":2}]", name).value[0].1, 2);
        assert!(read("", name).problems.is_empty());
        assert!(read(" \n", name).problems.is_empty());
        assert_eq!(read("Cannot open", name).problems.len(), 1);
    }

    #[test]
    fn an_excerpt_is_verbatim() {
        let object = r#"{"ifname":"flannel.1","flags":["UP"],"mtu":1450,"linkinfo":{"info_data":{"id": 1,"s":"\"mtu\":9"}}}"#;
        assert_eq!(excerpt(object, "ifname", &["id", "mtu", "nothing"]), r#""ifname":"flannel.1" … "mtu":1450 … "id": 1"#);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}\",:a0-9 \n\u{e9}]{0,40}", key in "[a\"]{0,2}") {
            let _ = read(&text, name);
            let _ = excerpt(&text, &key, &["a"]);
        }
    }
}
