//! Rules of the JSON form: nearly all of a big ruleset, so they are read straight from the stream; one that does not fit is read
//! again statement by statement.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::members::{Members, Read, Str};
use super::stmt::{StmtSeed, one};
use crate::parse::nft::builder::Builder;
use crate::parse::nft::expr::Name;
use crate::parse::nft::record::NftFamily;
use crate::parse::nft::stmt::Stmt;
use crate::source::At;

/// What a rule says of itself beside its statements.
#[derive(Default)]
pub(super) struct Head<'t> {
    family: Option<NftFamily>,
    table: Option<Cow<'t, str>>,
    chain: Option<Cow<'t, str>>,
    handle: Option<u64>,
    comment: Option<Name>,
}

impl Head<'_> {
    /// Whether it says where the rule belongs.
    pub(super) fn is_whole(&self) -> bool {
        self.family.is_some() && self.table.is_some() && self.chain.is_some()
    }
}

/// Reads a body of the form that nft prints; says no, and leaves nothing behind, if it is not just that.
pub(super) fn read_whole(b: &mut Builder, raw: &str, at: At) -> bool {
    let first = b.first_stmt();
    let mut json = serde_json::Deserializer::from_str(raw);
    let head = RuleSeed(b).deserialize(&mut json).and_then(|head| json.end().map(|()| head));
    let whole = head.is_ok_and(|head| put(b, head, first, at));
    if !whole {
        b.drop_stmts(first);
    }
    whole
}

/// Adds the rule whose statements were pushed since `first`; says no if it does not say where it belongs.
pub(super) fn put(b: &mut Builder, head: Head<'_>, first: u32, at: At) -> bool {
    let (Some(family), Some(table), Some(chain)) = (head.family, head.table, head.chain) else { return false };
    let table = b.table(family, &table, at);
    let chain = b.chain(table, &chain, at);
    b.rule(at, chain, head.handle, head.comment, first, false);
    true
}

/// Reads the body of an object `rule`.
pub(super) fn read(b: &mut Builder, raw: &str, at: At) {
    let first = b.first_stmt();
    let mut json = serde_json::Deserializer::from_str(raw);
    let head = match RuleSeed(b).deserialize(&mut json) {
        Ok(head) => head,
        Err(_) => {
            b.drop_stmts(first);
            match slowly(b, raw, at) {
                Ok(head) => head,
                Err(error) => {
                    b.drop_stmts(first);
                    super::object::lost(b, raw, at, &format!("a rule was not understood: {}", super::without_place(&error)));
                    return;
                }
            }
        }
    };
    if !put(b, head, first, at) {
        b.drop_stmts(first);
        super::object::lost(b, raw, at, "a rule without family, table or chain");
    }
}

/// Reads a rule statement by statement, so that a bad one costs only itself.
fn slowly<'t>(b: &mut Builder, raw: &'t str, at: At) -> Read<Head<'t>> {
    let m = Members::of(raw)?;
    let head = Head {
        family: m.family("family")?,
        table: m.string("table")?,
        chain: m.string("chain")?,
        handle: m.int("handle")?,
        comment: m.string("comment")?.map(|n| b.name(&n)),
    };
    if let Some(expr) = m.raw("expr") {
        for item in serde_json::from_str::<Vec<&RawValue>>(expr)? {
            let stmt = one(item.get(), &mut b.names).unwrap_or_else(|error| {
                b.problem(at, format!("a statement was not understood: {}", super::without_place(&error)));
                Stmt::Other(item.get().into())
            });
            b.push_stmt(stmt);
        }
    }
    Ok(head)
}

pub(super) struct RuleSeed<'b>(pub(super) &'b mut Builder);

impl<'de> DeserializeSeed<'de> for RuleSeed<'_> {
    type Value = Head<'de>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Head<'de>, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RuleSeed<'_> {
    type Value = Head<'de>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a rule")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head<'de>, A::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key.0 {
                "family" => head.family = NftFamily::of(&map.next_value::<Str<'de>>()?.0),
                "table" => head.table = Some(map.next_value::<Str<'de>>()?.0),
                "chain" => head.chain = Some(map.next_value::<Str<'de>>()?.0),
                "handle" => head.handle = Some(map.next_value()?),
                "comment" => head.comment = Some(self.0.name(&map.next_value::<Str<'de>>()?.0)),
                "expr" => map.next_value_seed(StmtsSeed(&mut *self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(head)
    }
}

struct StmtsSeed<'b>(&'b mut Builder);

impl<'de> DeserializeSeed<'de> for StmtsSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for StmtsSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of statements")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(stmt) = seq.next_element_seed(StmtSeed(&mut self.0.names))? {
            self.0.push_stmt(stmt);
        }
        Ok(())
    }
}
