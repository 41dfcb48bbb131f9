//! YAML (and JSON, which is YAML too) with the place of every value: for Kubernetes' configuration files and manifests.
//!
//! ```text
//! apiVersion: kubelet.config.k8s.io/v1beta1
//! kind: KubeletConfiguration
//! clusterDNS:
//! - 10.96.0.10
//! ---
//! kind: …
//! ```
//!
//! Documents are read one by one, so that a broken one costs only itself; of a broken one what stands before the break is kept.
//! Of a key twice in one map the last counts, as for Kubernetes' own lenient reader. Anchors have serde-saphyr's budgets.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// What `kubectl get -o yaml` prints is one document; a broken one costs its error message's excerpt, a millisecond.
const MAX_DOCUMENTS: usize = 1024;

/// A value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// `null`, `~`, or nothing behind the colon.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// Anything else that is not a list or a map.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the text's order.
    Map(Vec<(String, Node)>),
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// The scalar with its quotes; of lists and maps their first character only.
    pub at: At,
    /// The value.
    pub value: Value,
}

impl Node {
    /// The value of a key, or of a path of keys joined by dots; `None` where it is not there or null. That is how Go prints an
    /// empty list, and how it reads nothing behind a colon.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Node> {
        let mut node = self;
        for key in path.split('.') {
            let Value::Map(entries) = &node.value else { return None };
            node = entries.iter().rev().find_map(|(k, v)| (k == key).then_some(v))?;
        }
        (node.value != Value::Null).then_some(node)
    }

    /// A scalar as text; numbers and switches as YAML writes them.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(on) => Some(on.to_string()),
            Value::Int(n) => Some(n.to_string()),
            Value::Float(n) => Some(n.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The items of a list; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The entries of a map; none of anything else.
    #[must_use]
    pub fn entries(&self) -> &[(String, Node)] {
        if let Value::Map(entries) = &self.value { entries } else { &[] }
    }

    fn move_to(&mut self, place: &dyn Fn(At) -> At) {
        self.at = place(self.at);
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.move_to(place)),
            Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| value.move_to(place)),
            _ => {}
        }
    }

    /// The value's line as evidence shows it, without the blanks around; of a line longer than 200 bytes the value alone.
    #[must_use]
    pub fn line(&self, text: &str) -> At {
        // Never a search through all of a long line: JSON has thousands of values on one.
        let (bytes, start, end) = (text.as_bytes(), self.at.start as usize, self.at.end as usize);
        let before = bytes.get(start.saturating_sub(200)..start).unwrap_or_default();
        let after = bytes.get(end..bytes.len().min(end + 200)).unwrap_or_default();
        let Some(from) = memchr::memrchr(b'\n', before).map(|i| start - before.len() + i + 1).or((start <= 200).then_some(0))
        else {
            return self.at;
        };
        let Some(to) =
            memchr::memchr(b'\n', after).map(|i| end + i).or((end + after.len() == bytes.len()).then_some(bytes.len()))
        else {
            return self.at;
        };
        let line = text.get(from..to).unwrap_or_default().trim_ascii();
        if line.len() > 200 || line.contains('\n') { self.at } else { position(text, line, self.at.line) }
    }
}

/// Reads all documents of a text; empty ones are left out.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Node>> {
    let mut out = Parsed::<Vec<Node>>::default();
    for (i, (first, document)) in documents(text).into_iter().enumerate() {
        if i == MAX_DOCUMENTS {
            let rest = position(text, document.lines().next().unwrap_or_default(), first);
            out.problems.push(Problem { at: rest, what: format!("more than {MAX_DOCUMENTS} documents; these are not read") });
            break;
        }
        let mut part = document;
        // At most twice: whole, and what stands before the first error, back to where a key of the outermost map begins.
        for _ in 0..2 {
            match read(text, part, first) {
                Ok(Some(node)) => {
                    out.value.push(node);
                    break;
                }
                Ok(None) => break,
                Err((problem, line)) => {
                    if part.len() == document.len() {
                        out.problems.push(problem);
                    }
                    let Some(shorter) = before(part, line) else { break };
                    part = shorter;
                }
            }
        }
    }
    out
}

/// Reads the YAML within a block scalar (`ClusterConfiguration: |` of a ConfigMap). Places are whole lines of `text`, which the block's
/// indentation does not shift.
#[must_use]
pub fn embedded(text: &str, block: &Node) -> Parsed<Vec<Node>> {
    let Value::Text(inner) = &block.value else { return Parsed::default() };
    let mut out = parse(inner);
    // The library's place of a block is its first line, not the `|` above it.
    let outer: Vec<At> = lines(text.get(block.at.start as usize..).unwrap_or_default())
        .map(|(_, line)| position(text, line.trim_ascii(), 0))
        .collect();
    let first = block.at.line;
    let place = |at: At| {
        let found = outer.get((at.line as usize).saturating_sub(1)).copied().unwrap_or(block.at);
        At { line: first.saturating_add(at.line.saturating_sub(1)), ..found }
    };
    for node in &mut out.value {
        node.move_to(&place);
    }
    for problem in &mut out.problems {
        problem.at = place(problem.at);
    }
    out
}

/// The documents with the number of their first line.
fn documents(text: &str) -> Vec<(u32, &str)> {
    let mut all = Vec::new();
    let (mut first, mut start) = (1, 0);
    for (at, line) in lines(text) {
        if line.trim_ascii_end() == "---" || line.starts_with("--- ") || line.trim_ascii_end() == "..." {
            all.push((first, &text[start..at.start as usize]));
            let marker = line.len().min(3);
            (first, start) = (at.line, at.start as usize + marker);
        }
    }
    all.push((first, &text[start..]));
    all.retain(|(_, d)| !d.trim_ascii().is_empty());
    all
}

/// What stands before line `line` (from 1), up to the last line that begins at the first column.
fn before(document: &str, line: u32) -> Option<&str> {
    let outermost = |l: &&str| l.starts_with(|c: char| !c.is_ascii_whitespace() && c != '-' && c != '#');
    let (at, _) = lines(document).take_while(|(at, _)| at.line <= line).filter(|(_, l)| outermost(l)).last()?;
    (at.start > 0).then(|| &document[..at.start as usize])
}

fn read(text: &str, document: &str, first: u32) -> Result<Option<Node>, (Problem, u32)> {
    // The library's 64 levels overflow a thread's 2 MiB of stack in a debug build; Kubernetes' files have about ten.
    let budget = serde_saphyr::budget! { max_depth: 32 };
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins, budget: budget };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(document, options) {
        Ok(raw) => {
            let places = Places { text, document, first, ends: memchr::memchr_iter(b'\n', document.as_bytes()).collect() };
            Ok(Some(places.node(raw)).filter(|n| n.value != Value::Null))
        }
        Err(error) => {
            let line = error.location().and_then(|l| u32::try_from(l.line()).ok()).unwrap_or(1);
            let message = error.to_string();
            let what = message.lines().next().unwrap_or("not YAML");
            let what = what.trim_start_matches("error: ");
            let what = what.strip_prefix("line ").and_then(|w| w.split_once(": ")).map_or(what, |(_, w)| w);
            // The library ends a line at a lone CR too, and may mean the line behind the last one: the line is counted here.
            let (at, bad) =
                lines(document).take(line as usize).last().unwrap_or((At { line: 1, start: 0, end: 0 }, &document[..0]));
            let at = position(text, bad, first.saturating_add(at.line - 1));
            Err((Problem { at, what: format!("not YAML: {what}") }, line))
        }
    }
}

/// What serde gives, with the library's places.
enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(String, Spanned<Raw>)>),
}

/// Places of a document in its text.
struct Places<'t> {
    text: &'t str,
    document: &'t str,
    /// The document's first line.
    first: u32,
    /// Where its lines end. The library's own numbers are not used: it ends a line at a lone CR too.
    ends: Vec<usize>,
}

impl Places<'_> {
    fn node(&self, raw: Spanned<Raw>) -> Node {
        let place = raw.referenced;
        let start = place.span().byte_offset().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let start = self.document.floor_char_boundary(start);
        let len = place.span().byte_len().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let line = u32::try_from(self.ends.partition_point(|&end| end < start)).unwrap_or(u32::MAX);
        // A plain scalar's span may take in the blanks behind it.
        let part = self.document.get(start..start.saturating_add(len)).unwrap_or_else(|| &self.document[start..start]);
        let part = if part.trim_ascii_end().is_empty() { &part[..0] } else { part.trim_ascii_end() };
        let at = position(self.text, part, self.first.saturating_add(line));
        let value = match raw.value {
            Raw::Scalar(value) => value,
            Raw::List(items) => Value::List(items.into_iter().map(|i| self.node(i)).collect()),
            Raw::Map(entries) => Value::Map(entries.into_iter().map(|(k, v)| (k, self.node(v))).collect()),
        };
        Node { at, value }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        de.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Raw;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }
    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }
    fn visit_bool<E>(self, on: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Bool(on)))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Int(n)))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(i64::try_from(n).map_or_else(|_| Value::Text(n.to_string()), Value::Int)))
    }
    fn visit_i128<E>(self, n: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Text(n.to_string())))
    }
    fn visit_u128<E>(self, n: u128) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Text(n.to_string())))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Float(n)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Text(text.to_owned())))
    }
    fn visit_string<E>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Text(text)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::slice;
    use super::*;
    use crate::parse::testing::problems;

    #[test]
    fn every_value_knows_its_place() {
        let text = "# é\nkind: A\nipvs:\n  strictARP: true\n  sched: \"rr\"\nlist: [1, x]\n---\nkind: B\nnothing:\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let [a, b] = &got.value[..] else { panic!("{got:?}") };
        let strict = a.get("ipvs.strictARP").unwrap();
        assert_eq!((&strict.value, strict.at.line, slice(text, strict.at)), (&Value::Bool(true), 4, "true"));
        assert_eq!(slice(text, strict.line(text)), "strictARP: true");
        assert_eq!(slice(text, a.get("ipvs.sched").unwrap().at), "\"rr\"");
        assert_eq!(a.get("list").unwrap().items().iter().filter_map(Node::text).collect::<Vec<_>>(), ["1", "x"]);
        assert_eq!((b.get("kind").unwrap().at.line, b.get("nothing")), (8, None));
    }

    #[test]
    fn json_is_yaml() {
        let text = r#"{"mode": "ipvs", "conntrack": {"min": 131072, "max": null}}"#;
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let min = got.value[0].get("conntrack.min").unwrap();
        assert_eq!((&min.value, slice(text, min.at)), (&Value::Int(131_072), "131072"));
    }

    #[test]
    fn a_broken_document_costs_only_what_follows_the_break() {
        let text = "kind: A\na: 1\nb: [\n---\nkind: B\na: 1\na: 2\n";
        let got = parse(text);
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [3], "{:?}", got.problems);
        assert_eq!(got.value[0].get("a").map(|n| &n.value), Some(&Value::Int(1)));
        assert_eq!(got.value[1].get("a").map(|n| &n.value), Some(&Value::Int(2)), "of a key twice the last counts");
    }

    #[test]
    fn yaml_within_a_block() {
        let text = "kind: ConfigMap\ndata:\n  config.conf: |-\n    mode: ipvs\n\n    conntrack:\n      min: 5\n  other: x\n";
        let map = parse(text).value.remove(0);
        let Value::Map(data) = &map.get("data").unwrap().value else { panic!("{map:?}") };
        let got = embedded(text, &data[0].1);
        assert_eq!(problems(text, &got), [""; 0]);
        let min = got.value[0].get("conntrack.min").unwrap();
        assert_eq!((slice(text, min.at), min.at.line, &min.value), ("min: 5", 7, &Value::Int(5)));
        assert_eq!(slice(text, got.value[0].get("mode").unwrap().line(text)), "mode: ipvs");
        assert_eq!(embedded(text, &map).value, []);
    }

    #[test]
    fn bombs_are_problems() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (this, last) in ('b'..='z').zip('a'..) {
            bomb += &format!("{this}: &{this} [*{last},*{last},*{last},*{last},*{last},*{last},*{last},*{last},*{last}]\n");
        }
        assert_eq!(parse(&bomb).problems.len(), 1);
        assert_eq!(parse(&"- ".repeat(100_000)).problems.len(), 1);
        assert_eq!(parse(&"[".repeat(100_000)).problems.len(), 1);
        let many = parse(&"---\na: 1\n".repeat(2000));
        assert_eq!((many.value.len(), many.problems.len()), (MAX_DOCUMENTS, 1));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([{}\\[\\]:,\"&*|>-]|a: |- |---|\n ?|x|\u{e9}|&a|\\*a|\t){0,30}") {
            for node in parse(&text).value {
                let _ = (slice(&text, node.at), node.line(&text));
            }
        }
    }
}
