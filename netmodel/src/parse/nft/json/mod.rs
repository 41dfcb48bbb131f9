//! `nft -j list ruleset` (libnftables-json(5)): one line of JSON of up to tens of megabytes.
//!
//! ```text
//! {"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}},
//!  {"table": {"family": "ip", "name": "nat", "handle": 1}},
//!  {"chain": {"family": "ip", "table": "nat", "name": "POSTROUTING", "handle": 2, "type": "nat", "hook": "postrouting", "prio": 100,
//!   "policy": "accept"}},
//!  {"rule": {"family": "ip", "table": "nat", "chain": "POSTROUTING", "handle": 3, "expr": [{"xt": {"type": "match", "name":
//!   "comment"}}, {"counter": {"packets": 54, "bytes": 4050}}, {"jump": {"target": "FLANNEL-POSTRTG"}}]}}]}
//! ```
//!
//! The objects of the outer array are read one by one, those that a big ruleset has thousands of straight into records. A document that is cut off keeps the objects
//! before the cut; a statement of an unforeseen form costs only itself. Where nft has no JSON for a statement it prints its text as a
//! string (`"update @m_to { ip saddr : 0x00000005 }"`): that goes to the reader of the text form. Left out: `metainfo` but for the version.

mod elem;
mod expr;
mod members;
mod object;
mod rare;
mod rule;
mod set;
mod stmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::builder::Builder;
use super::record::{Note, Ruleset};
use crate::parse::Parsed;
use crate::source::At;

/// Reads the text.
#[must_use]
pub fn parse(text: &str) -> Parsed<Ruleset> {
    let mut reader = Reader { text, line: 1, line_at: 0, b: Builder::default() };
    // nft's warnings may stand before the document when both outputs went to one file.
    let start = text.find("{\"nftables\"").or_else(|| text.find('{')).unwrap_or(text.len());
    for (at, line) in crate::source::lines(&text[..start]) {
        let remark = line.trim_start_matches('\u{feff}').trim();
        if !remark.is_empty() {
            reader.b.ruleset.notes.push(Note { at, text: remark.into() });
        }
    }
    if start == text.len() {
        if !text.trim().is_empty() {
            let at = reader.at(0, text.len());
            reader.b.problem(at, "no JSON document of nft");
        }
        return reader.b.finish();
    }
    if reader.as_printed(start).is_some() {
        return reader.b.finish();
    }
    // Anything else, such as a document that is cut off: from the beginning, with what serde_json says of it.
    let notes = std::mem::take(&mut reader.b.ruleset.notes);
    reader = Reader { text, line: 1, line_at: 0, b: Builder::default() };
    reader.b.ruleset.notes = notes;
    let mut json = serde_json::Deserializer::from_str(&text[start..]);
    let whole = Document(&mut reader).deserialize(&mut json).and_then(|()| json.end());
    if let Err(error) = whole {
        let at = reader.at(text.len(), text.len());
        reader.b.problem(at, format!("the document ends badly: {}", without_place(&error)));
    }
    reader.b.finish()
}

/// serde_json counts lines and columns from the part that it was given, which would mislead.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}

/// Where the reader is, and what it has read.
struct Reader<'t> {
    text: &'t str,
    line: u32,
    line_at: usize,
    b: Builder,
}

impl Reader<'_> {
    /// A position; lines are counted onwards from the last one asked for.
    fn at(&mut self, start: usize, end: usize) -> At {
        if start > self.line_at {
            let newlines = memchr::memchr_iter(b'\n', &self.text.as_bytes()[self.line_at..start]).count();
            self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
            self.line_at = start;
        }
        At { line: self.line, start: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX) }
    }

    /// The document in the form that nft prints, in one go; `None` where it is in any other. Cutting each object out of the array first,
    /// as [`Objects`] does, would read everything twice.
    fn as_printed(&mut self, start: usize) -> Option<()> {
        let text = self.text;
        let mut from = after(text, start, "{\"nftables\"")?;
        from = after(text, from, ":")?;
        from = after(text, from, "[")?;
        from = self.printed_object(blanks(text, from))?;
        while let Some(next) = after(text, from, ",") {
            from = self.printed_object(blanks(text, next))?;
        }
        from = after(text, from, "]")?;
        from = after(text, from, "}")?;
        (blanks(text, from) == text.len()).then_some(())
    }

    /// The object that begins at an offset, and where it ends.
    fn printed_object(&mut self, start: usize) -> Option<usize> {
        if let Some((end, draft)) = object::stream(&mut self.b, self.text, start) {
            let at = self.at(start, end);
            object::put(&mut self.b, draft, self.text.get(start..end).unwrap_or_default(), at);
            return Some(end);
        }
        let mut values = serde_json::Deserializer::from_str(self.text.get(start..)?).into_iter::<&RawValue>();
        let raw = values.next()?.ok()?;
        self.object(raw.get());
        Some(start + values.byte_offset())
    }

    /// One object of the outer array.
    fn object(&mut self, raw: &str) {
        let start = (raw.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize).min(self.text.len());
        let at = self.at(start, start + raw.len());
        object::read(&mut self.b, raw, at);
    }
}

/// Behind the blanks of JSON (RFC 8259, section 2).
fn blanks(text: &str, from: usize) -> usize {
    let ahead = text.as_bytes().get(from..).unwrap_or_default();
    from + ahead.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count()
}

/// Behind a sign and the blanks before it, if it stands there.
fn after(text: &str, from: usize, sign: &str) -> Option<usize> {
    let from = blanks(text, from);
    text.get(from..)?.starts_with(sign).then_some(from + sign.len())
}

struct Document<'r, 't>(&'r mut Reader<'t>);

impl<'de> DeserializeSeed<'de> for Document<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, 'de> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with \"nftables\"")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<members::Str<'de>>()? {
            if key.0 == "nftables" {
                map.next_value_seed(Objects(&mut *self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Objects<'r, 't>(&'r mut Reader<'t>);

impl<'de> DeserializeSeed<'de> for Objects<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_, 'de> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            self.0.object(raw.get());
        }
        Ok(())
    }
}
