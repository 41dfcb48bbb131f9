//! Rules of the JSON form: nearly all of a big ruleset, so they are read straight from the stream; one that does not fit is read
//! again statement by statement.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::expr::{Members, Read, Str};
use super::stmt::{StmtSeed, one};
use crate::parse::nft::builder::Builder;
use crate::parse::nft::expr::Name;
use crate::parse::nft::record::NftFamily;
use crate::parse::nft::stmt::Stmt;
use crate::source::At;

/// What a rule says of itself beside its statements.
#[derive(Default)]
struct Head {
    family: Option<NftFamily>,
    table: Option<Name>,
    chain: Option<Name>,
    handle: Option<u64>,
    comment: Option<Name>,
}

/// Reads a body of the form that nft prints; says no, and leaves nothing behind, if it is not just that.
pub(super) fn read_whole(b: &mut Builder, raw: &str, at: At) -> bool {
    let first = b.first_stmt();
    let mut json = serde_json::Deserializer::from_str(raw);
    let head = RuleSeed(b).deserialize(&mut json).and_then(|head| json.end().map(|()| head));
    if let Ok(Head { family: Some(family), table: Some(table), chain: Some(chain), handle, comment }) = head {
        let table = b.table(family, &table, at);
        let chain = b.chain(table, &chain, at);
        b.rule(at, chain, handle, comment, first, false);
        return true;
    }
    b.drop_stmts(first);
    false
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
    let (Some(family), Some(table), Some(chain)) = (head.family, head.table, head.chain) else {
        b.drop_stmts(first);
        super::object::lost(b, raw, at, "a rule without family, table or chain");
        return;
    };
    let table = b.table(family, &table, at);
    let chain = b.chain(table, &chain, at);
    b.rule(at, chain, head.handle, head.comment, first, false);
}

/// Reads a rule statement by statement, so that a bad one costs only itself.
fn slowly(b: &mut Builder, raw: &str, at: At) -> Read<Head> {
    let m = Members::of(raw)?;
    let head = Head {
        family: m.family("family")?,
        table: m.string("table")?.map(|n| b.name(&n)),
        chain: m.string("chain")?.map(|n| b.name(&n)),
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

struct RuleSeed<'b>(&'b mut Builder);

impl<'de> DeserializeSeed<'de> for RuleSeed<'_> {
    type Value = Head;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Head, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RuleSeed<'_> {
    type Value = Head;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a rule")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key.0 {
                "family" => head.family = NftFamily::of(&map.next_value::<Str<'de>>()?.0),
                "table" => head.table = Some(self.0.name(&map.next_value::<Str<'de>>()?.0)),
                "chain" => head.chain = Some(self.0.name(&map.next_value::<Str<'de>>()?.0)),
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
