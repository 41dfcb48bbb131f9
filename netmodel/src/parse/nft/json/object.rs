//! The objects of the outer array: tables, chains, sets, maps, stateful objects, flow tables.

use serde::de::{DeserializeSeed, Error as _, IgnoredAny};

use super::elem::{seconds, stmts};
use super::expr::code;
use super::members::{Members, Read, strings};
use super::set::{Body, BodySeed};
use super::stmt::{counter, limit, quota, synproxy};
use crate::parse::nft::builder::Builder;
use crate::parse::nft::expr::{Elem, Expr, Name};
use crate::parse::nft::kind::{Kind, Kinds};
use crate::parse::nft::record::{
    BaseChain, CtObject, Flowtable, NftFamily, Object, ObjectKind, ObjectSpec, Other, Set, SetFlags, SetType, TableFlag, TableId,
};
use crate::parse::nft::value::retype;
use crate::source::At;

/// An object that was read from the stream: what it is needs its position, which is known behind it.
pub(super) enum Draft<'t> {
    Rule(super::rule::Head<'t>, u32),
    Chain(Body<'t>),
    Set(Body<'t>, bool),
}

/// Reads the object that begins at an offset if it is a rule, a chain, a set or a map as nft prints them, and says where it ends. Else
/// `None`, with nothing left behind.
pub(super) fn stream<'t>(b: &mut Builder, text: &'t str, start: usize) -> Option<(usize, Draft<'t>)> {
    let object = text.get(start..)?;
    let kinds = [("{\"rule\":", 0), ("{\"chain\":", 1), ("{\"map\":", 2), ("{\"set\":", 3)];
    let (prefix, kind) = kinds.into_iter().find(|(prefix, _)| object.starts_with(prefix))?;
    let body = start + prefix.len();
    let mut json = serde_json::Deserializer::from_str(text.get(body..)?);
    let first = b.first_stmt();
    let draft = match kind {
        0 => super::rule::RuleSeed(b)
            .deserialize(&mut json)
            .ok()
            .filter(super::rule::Head::is_whole)
            .map(|head| Draft::Rule(head, first)),
        1 => BodySeed(&mut b.names).deserialize(&mut json).ok().map(Draft::Chain),
        kind => BodySeed(&mut b.names).deserialize(&mut json).ok().map(|body| Draft::Set(body, kind == 2)),
    };
    let end = super::after(text, body + json.into_iter::<IgnoredAny>().byte_offset(), "}");
    let whole = draft.zip(end).map(|(draft, end)| (end, draft));
    if whole.is_none() {
        b.drop_stmts(first);
    }
    whole
}

/// Adds what [`stream`] has read.
pub(super) fn put(b: &mut Builder, draft: Draft<'_>, raw: &str, at: At) {
    let put = match draft {
        Draft::Rule(head, first) => {
            super::rule::put(b, head, first, at);
            Ok(())
        }
        Draft::Chain(body) => chain(b, &body.members, at),
        Draft::Set(body, map) => set(b, body, at, map, false),
    };
    if let Err(error) = put {
        lost(b, raw, at, &format!("not understood: {}", super::without_place(&error)));
    }
}

/// Reads one object `{"KIND": {…}}`.
pub(super) fn read(b: &mut Builder, raw: &str, at: At) {
    // Nearly all objects are rules: their body needs no look for its end, since it ends where the object does.
    if let Some(body) = raw.strip_prefix("{\"rule\":").and_then(|rest| rest.strip_suffix('}'))
        && super::rule::read_whole(b, body, at)
    {
        return;
    }
    if let Err(error) = kinds(b, raw, at) {
        lost(b, raw, at, &format!("not understood: {}", super::without_place(&error)));
    }
}

/// Keeps an object that was not understood.
pub(super) fn lost(b: &mut Builder, raw: &str, at: At, why: &str) {
    b.problem(at, why);
    b.ruleset.others.push(Other { at, text: raw.into() });
}

fn kinds(b: &mut Builder, raw: &str, at: At) -> Read<()> {
    let outer = Members::of(raw)?;
    for (key, body) in outer.iter() {
        let body = body.get();
        match key {
            "rule" => super::rule::read(b, body, at),
            // Commands of a script: `{"add": {"rule": …}}`.
            "add" | "create" => read(b, body, at),
            "metainfo" => {
                let m = Members::of(body)?;
                b.ruleset.version = m.string("version")?.map(|v| b.name(&v));
            }
            "table" => table(b, &Members::of(body)?, at)?,
            "chain" => chain(b, &Members::of(body)?, at)?,
            "set" => {
                let body = Body::of(body, &mut b.names)?;
                set(b, body, at, false, false)?;
            }
            "meter" => {
                let body = Body::of(body, &mut b.names)?;
                set(b, body, at, false, true)?;
            }
            "map" => {
                let body = Body::of(body, &mut b.names)?;
                set(b, body, at, true, false)?;
            }
            "element" => {
                let body = Body::of(body, &mut b.names)?;
                element(b, body, at)?;
            }
            "flowtable" => flowtable(b, &Members::of(body)?, at)?,
            other => match ObjectKind::of(other) {
                Some(kind) => object(b, kind, body, at)?,
                None => b.ruleset.others.push(Other { at, text: raw.into() }),
            },
        }
    }
    Ok(())
}

fn table_of(b: &mut Builder, m: &Members<'_>, key: &str, at: At) -> Read<TableId> {
    let missing = || serde_json::Error::custom("no family or table");
    let family = m.string("family")?.and_then(|f| NftFamily::of(&f)).ok_or_else(missing)?;
    let name = m.string(key)?.ok_or_else(missing)?;
    Ok(b.table(family, &name, at))
}

fn name_of(b: &mut Builder, m: &Members<'_>) -> Read<Name> {
    let name = m.string("name")?.ok_or_else(|| serde_json::Error::custom("no name"))?;
    Ok(b.name(&name))
}

fn table(b: &mut Builder, m: &Members<'_>, at: At) -> Read<()> {
    let id = table_of(b, m, "name", at)?;
    let flags: Vec<TableFlag> = m.strings("flags")?.iter().map(|flag| b.table_flag(flag)).collect();
    let comment = m.string("comment")?.map(|c| b.name(&c));
    let handle = m.int("handle")?;
    if let Some(table) = b.table_mut(id) {
        table.at = at;
        table.declared = true;
        table.handle = handle;
        table.flags = flags;
        table.comment = comment;
    }
    Ok(())
}

fn chain(b: &mut Builder, m: &Members<'_>, at: At) -> Read<()> {
    let table = table_of(b, m, "table", at)?;
    let name = name_of(b, m)?;
    let base = match m.string("hook")? {
        None => None,
        Some(word) => {
            let hook = b.hook(&word);
            let kind = m.string("type")?;
            let kind = b.chain_kind(kind.as_deref().unwrap_or("filter"));
            let policy_word = m.string("policy")?;
            let policy = b.policy(policy_word.as_deref().unwrap_or("accept"));
            let mut devices: Vec<Name> = m.strings("dev")?.iter().map(|d| b.name(d)).collect();
            devices.extend(m.strings("devices")?.iter().map(|d| b.name(d)));
            let priority = match m.raw("prio") {
                Some(raw) => serde_json::from_str(raw).ok(),
                None => None,
            };
            let offload = m.strings("flags")?.iter().any(|f| f == "offload");
            Some(Box::new(BaseChain { kind, hook, devices, priority, policy, offload }))
        }
    };
    let handle = m.int("handle")?;
    let comment = m.string("comment")?.map(|c| b.name(&c));
    let id = b.chain(table, &name, at);
    if let Some(chain) = b.chain_mut(id) {
        chain.at = at;
        chain.declared = true;
        chain.handle = handle;
        chain.base = base;
        chain.comment = comment;
    }
    Ok(())
}

/// The types of a set: a name, an array of names, `a . b`, or `{"typeof": expression}` (nft 1.1).
fn set_type(b: &mut Builder, raw: &str) -> Read<SetType> {
    if raw.starts_with('{') {
        let m = Members::of(raw)?;
        let of = m.expr("typeof", &mut b.names)?.ok_or_else(|| serde_json::Error::custom("a set of no type"))?;
        return Ok(SetType { kinds: of.kinds(), text: Some(b.name("typeof")) });
    }
    let mut kinds = Kinds::default();
    let words = strings(raw)?;
    let text = words.join(" . ");
    for part in text.split(" . ") {
        kinds.push(Kind::of_type(part.trim()));
    }
    Ok(SetType { kinds, text: Some(b.name(&text)) })
}

fn set(b: &mut Builder, body: Body<'_>, at: At, map: bool, meter: bool) -> Read<()> {
    let m = &body.members;
    let table = table_of(b, m, "table", at)?;
    let name = name_of(b, m)?;
    let key = m.raw("type").map(|raw| set_type(b, raw)).transpose()?.unwrap_or_default();
    let data = match m.raw("map") {
        Some(raw) if map => Some(set_type(b, raw)?),
        _ => map.then(SetType::default),
    };
    let mut flags = SetFlags::default();
    for flag in m.strings("flags")? {
        b.set_flag(&mut flags, &flag);
    }
    let elems = typed(b, body.elems, at, &key.kinds, data.as_ref());
    let time = |key: &str| -> Read<Option<u64>> { m.raw(key).map_or(Ok(None), seconds) };
    let set = Set {
        at,
        table,
        name,
        handle: m.int("handle")?,
        key,
        data,
        flags,
        timeout: time("timeout")?,
        gc_interval: time("gc-interval")?,
        size: m.int("size")?,
        policy: m.string("policy")?.map(|p| b.name(&p)),
        auto_merge: m.bool("auto-merge")?,
        comment: m.string("comment")?.map(|c| b.name(&c)),
        stmts: m.raw("stmt").map_or(Ok(Vec::new()), |raw| stmts(raw, &mut b.names))?,
        elems,
        meter,
    };
    b.set(set);
    Ok(())
}

/// Gives elements the types of their set.
fn typed(b: &mut Builder, mut elems: Vec<Elem>, at: At, key: &Kinds, data: Option<&SetType>) -> Vec<Elem> {
    for elem in &mut elems {
        elem.at = at;
        retype(&mut elem.key, key, &mut b.names);
        match (&mut elem.data, data) {
            (Some(value), Some(types)) => retype(value, &types.kinds, &mut b.names),
            // An element of a plain set that looked like a pair is a list of two flags.
            (value @ Some(_), None) => {
                let taken = value.take().unwrap_or(Expr::Any);
                let first = std::mem::replace(&mut elem.key, Expr::Any);
                elem.key = Expr::List(Box::new([first, taken]));
                retype(&mut elem.key, key, &mut b.names);
            }
            (None, _) => {}
        }
    }
    elems
}

fn element(b: &mut Builder, body: Body<'_>, at: At) -> Read<()> {
    let table = table_of(b, &body.members, "table", at)?;
    let name = name_of(b, &body.members)?;
    let (key, data) = b.ruleset.set(table, &name).map_or_else(Default::default, |s| (s.key.kinds, s.data.clone()));
    let elems = typed(b, body.elems, at, &key, data.as_ref());
    b.set(Set::implied(at, table, name, elems));
    Ok(())
}

fn object(b: &mut Builder, kind: ObjectKind, raw: &str, at: At) -> Read<()> {
    let m = Members::of(raw)?;
    let table = table_of(b, &m, "table", at)?;
    let name = name_of(b, &m)?;
    let spec = match kind {
        ObjectKind::Counter => ObjectSpec::Counter(counter(raw)?),
        ObjectKind::Quota => ObjectSpec::Quota(quota(&m)?),
        ObjectKind::Limit => ObjectSpec::Limit(limit(&m)?),
        ObjectKind::Synproxy => ObjectSpec::Synproxy(synproxy(&m)?),
        ObjectKind::CtHelper | ObjectKind::CtTimeout | ObjectKind::CtExpectation => {
            let mut ct = CtObject {
                helper: m.string("type")?.map(|t| b.name(&t)),
                protocol: m.raw("protocol").and_then(|raw| code(raw, Kind::Protocol)).map(|p| Expr::number(p.into())),
                l3proto: m.string("l3proto")?.map(|p| b.name(&p)),
                dport: m.int("dport")?,
                // Alone of all durations this one is in milliseconds.
                timeout: m.int("timeout")?,
                size: m.int("size")?,
                policy: Vec::new(),
            };
            if let Some(policy) = m.raw("policy") {
                for (state, value) in Members::of(policy)?.iter() {
                    ct.policy.push((b.name(state), serde_json::from_str(value.get())?));
                }
            }
            ObjectSpec::Ct(ct)
        }
        ObjectKind::SecMark | ObjectKind::Tunnel => ObjectSpec::Other(raw.into()),
    };
    let comment = m.string("comment")?.map(|c| b.name(&c));
    b.ruleset.objects.push(Object { at, table, name, handle: m.int("handle")?, comment, kind, spec });
    Ok(())
}

fn flowtable(b: &mut Builder, m: &Members<'_>, at: At) -> Read<()> {
    let table = table_of(b, m, "table", at)?;
    let name = name_of(b, m)?;
    let word = m.string("hook")?;
    let flowtable = Flowtable {
        at,
        table,
        name,
        handle: m.int("handle")?,
        hook: word.map(|w| b.hook(&w)),
        priority: m.raw("prio").and_then(|raw| serde_json::from_str(raw).ok()),
        devices: m.strings("dev")?.iter().map(|d| b.name(d)).collect(),
        flags: m.strings("flags")?.iter().map(|f| b.name(f)).collect(),
    };
    b.ruleset.flowtables.push(flowtable);
    Ok(())
}
