//! `nft -j list ruleset`: one line of JSON.
//!
//! ```json
//! {"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, {"table": {"family": "ip", "name": "nat", "handle": 1}},
//!   {"chain": {"family": "ip", "table": "nat", "name": "POSTROUTING", "handle": 2, "type": "nat", "hook": "postrouting", "prio": 100,
//!   "policy": "accept"}}, {"rule": {"family": "ip", "table": "nat", "chain": "POSTROUTING", "handle": 3, "expr": [{"return": null}]}}]}
//! ```
//!
//! Left out: what expressions mean; they are kept as JSON text. A document that is cut off keeps the objects before the cut.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::parse::Parsed;
use crate::source::{At, Problem, position};

/// All that a ruleset holds, in the order of the text.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ruleset {
    /// The tables: family (`ip`, `ip6`, `inet`, …) and name.
    pub tables: Vec<Table>,
    /// The chains of all tables.
    pub chains: Vec<Chain>,
    /// The rules of all chains.
    pub rules: Vec<Rule>,
    /// The sets and maps of all tables.
    pub sets: Vec<Set>,
    /// Whether the end of the document was reached.
    pub whole: bool,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// Its family.
    pub family: String,
    /// Its name.
    pub name: String,
    /// Its object.
    pub at: At,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// Its table's family.
    pub family: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its hook, for a base chain.
    pub base: Option<Base>,
    /// Its object.
    pub at: At,
}

/// Where a base chain hangs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Base {
    /// `filter`, `nat` or `route`.
    pub kind: String,
    /// `prerouting`, `input`, ….
    pub hook: String,
    /// Its priority: lower ones come first.
    pub prio: i32,
    /// `accept` or `drop`.
    pub policy: String,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its table's family.
    pub family: String,
    /// Its table.
    pub table: String,
    /// Its chain.
    pub chain: String,
    /// Its handle, by which `nft delete rule` names it.
    pub handle: u64,
    /// Its expressions, a JSON array.
    pub expr: At,
    /// Its object.
    pub at: At,
}

/// A set or map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Set {
    /// Its table's family.
    pub family: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Its elements, a JSON array; `None` where it is empty.
    pub elem: Option<At>,
    /// Whether elements come and go by themselves (timeouts, rules that add to it).
    pub dynamic: bool,
    /// Its object.
    pub at: At,
}

#[derive(Deserialize)]
struct Object<'t> {
    table: Option<Fields<'t>>,
    chain: Option<Fields<'t>>,
    #[serde(borrow)]
    rule: Option<Fields<'t>>,
    set: Option<Fields<'t>>,
    map: Option<Fields<'t>>,
}

#[derive(Deserialize)]
struct Fields<'t> {
    family: String,
    name: Option<String>,
    table: Option<String>,
    chain: Option<String>,
    handle: Option<u64>,
    #[serde(rename = "type", borrow)]
    kind: Option<&'t RawValue>,
    hook: Option<String>,
    prio: Option<i32>,
    policy: Option<String>,
    #[serde(borrow)]
    expr: Option<&'t RawValue>,
    #[serde(borrow)]
    elem: Option<&'t RawValue>,
    #[serde(borrow)]
    flags: Option<&'t RawValue>,
}

/// Reads the text.
#[must_use]
pub fn parse(text: &str) -> Parsed<Ruleset> {
    let mut out = Parsed::<Ruleset>::default();
    let Some(mut pos) = memchr::memmem::find(text.as_bytes(), b"\"nftables\"")
        .and_then(|i| memchr::memchr(b'[', &text.as_bytes()[i..]).map(|n| i + n + 1))
    else {
        // An empty text is an empty ruleset, if its source is whole.
        out.value.whole = text.trim().is_empty();
        if !out.value.whole {
            out.problems.push(Problem { at: position(text, text, 1), what: "no ruleset in nft's JSON".to_owned() });
        }
        return out;
    };
    let (mut line, mut counted) = (1u32, 0);
    loop {
        let rest = &text[pos..];
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        pos += rest.len() - trimmed.len();
        line += u32::try_from(memchr::memchr_iter(b'\n', &text.as_bytes()[counted..pos]).count()).unwrap_or(0);
        counted = pos;
        if trimmed.starts_with(']') {
            out.value.whole = true;
            return out;
        }
        let mut stream = serde_json::Deserializer::from_str(trimmed).into_iter::<&RawValue>();
        let Some(Ok(raw)) = stream.next() else {
            out.problems
                .push(Problem { at: position(text, trimmed, line), what: "the document is cut off or broken".to_owned() });
            return out;
        };
        pos += stream.byte_offset();
        object(text, raw.get(), line, &mut out);
    }
}

fn object(text: &str, raw: &str, line: u32, out: &mut Parsed<Ruleset>) {
    let at = position(text, raw, line);
    let Ok(object) = serde_json::from_str::<Object<'_>>(raw) else {
        out.problems.push(Problem { at, what: "no object of nft's JSON schema".to_owned() });
        return;
    };
    let part = |raw: &RawValue| position(text, raw.get(), line);
    let set = &mut out.value;
    if let Some(f) = object.table {
        set.tables.push(Table { family: f.family, name: f.name.unwrap_or_default(), at });
    } else if let Some(f) = object.chain {
        let base = f.hook.map(|hook| Base {
            kind: f.kind.map_or_else(String::new, |k| k.get().trim_matches('"').to_owned()),
            hook,
            prio: f.prio.unwrap_or(0),
            policy: f.policy.unwrap_or_else(|| "accept".to_owned()),
        });
        let (table, name) = (f.table.unwrap_or_default(), f.name.unwrap_or_default());
        set.chains.push(Chain { family: f.family, table, name, base, at });
    } else if let Some(Fields { family, table: Some(table), chain: Some(chain), expr: Some(expr), handle, .. }) = object.rule {
        set.rules.push(Rule { family, table, chain, handle: handle.unwrap_or(0), expr: part(expr), at });
    } else if let Some(f) = object.set.or(object.map) {
        let dynamic = f.flags.is_some_and(|r| r.get().contains("dynamic") || r.get().contains("timeout"));
        let (table, name) = (f.table.unwrap_or_default(), f.name.unwrap_or_default());
        set.sets.push(Set { family: f.family, table, name, elem: f.elem.map(part), dynamic, at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        r#"{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "fw", "handle": 1}}, "#,
        r#"{"chain": {"family": "inet", "table": "fw", "name": "in", "handle": 1, "type": "filter", "hook": "input", "prio": -5, "policy": "drop"}}, "#,
        r#"{"set": {"family": "inet", "name": "s", "table": "fw", "type": "ipv4_addr", "handle": 3, "flags": ["timeout"], "elem": ["10.0.0.1"]}}, "#,
        r#"{"rule": {"family": "inet", "table": "fw", "chain": "in", "handle": 2, "expr": [{"counter": null}, {"accept": null}]}}]}"#
    );

    #[test]
    fn objects_know_where_they_stand() {
        let parsed = parse(TEXT);
        assert!(parsed.problems.is_empty() && parsed.value.whole);
        let set = &parsed.value;
        assert_eq!(
            set.chains[0].base.as_ref().map(|b| (b.kind.as_str(), b.prio, b.policy.as_str())),
            Some(("filter", -5, "drop"))
        );
        assert!(set.sets[0].dynamic);
        let expr = set.rules[0].expr;
        assert_eq!(&TEXT[expr.start as usize..expr.end as usize], r#"[{"counter": null}, {"accept": null}]"#);
    }

    #[test]
    fn what_stands_before_a_cut_counts() {
        for cut in 0..TEXT.len() {
            let parsed = parse(&TEXT[..cut]);
            assert_eq!(parsed.value.whole, cut == 0 || cut == TEXT.len() - 1, "{cut}");
            assert!(parsed.value.whole || !parsed.problems.is_empty());
        }
        assert_eq!(parse(&TEXT[..TEXT.len() - 3]).value.chains.len(), 1);
    }
}
