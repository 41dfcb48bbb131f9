//! The records of an nftables ruleset: tables, chains, sets, objects and rules with their statements, by names instead of indexes.

use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Read, Sink, place};
use crate::parse::Parsed;
use crate::parse::nft::{self, Ruleset, TableId};

pub(super) fn read(text: &str) -> Read<'_> {
    let Parsed { value: set, problems } = nft::parse(text);
    Read { typed: true, problems, each: Box::new(move |sink| each(text, &set, sink)) }
}

fn each(text: &str, set: &Ruleset, sink: &mut Sink<'_>) -> ControlFlow<()> {
    set.tables.iter().try_for_each(|t| sink(record(text, "table", t)))?;
    for chain in &set.chains {
        let mut value = in_table(text, set, "chain", chain.table, chain);
        // The rules follow as records of their own.
        if let Some(fields) = value.as_object_mut() {
            fields.remove("rules");
        }
        sink(value)?;
    }
    set.sets.iter().try_for_each(|s| sink(in_table(text, set, "set", s.table, s)))?;
    set.objects.iter().try_for_each(|o| sink(in_table(text, set, "object", o.table, o)))?;
    set.flowtables.iter().try_for_each(|f| sink(in_table(text, set, "flowtable", f.table, f)))?;
    for rule in &set.rules {
        let mut value = record(text, "rule", rule);
        if let Some(chain) = set.chain_record(rule.chain) {
            value["table"] = table(set, chain.table);
            value["chain"] = place::value(text, &chain.name);
        }
        value["statements"] = place::value(text, set.stmts(rule));
        sink(value)?;
    }
    set.others.iter().try_for_each(|o| sink(record(text, "other", o)))?;
    set.notes.iter().try_for_each(|n| sink(record(text, "note", n)))
}

fn record<T: Serialize>(text: &str, what: &str, of: &T) -> Value {
    let mut value = place::value(text, of);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("record".to_owned(), what.into());
    }
    value
}

fn in_table<T: Serialize>(text: &str, set: &Ruleset, what: &str, id: TableId, of: &T) -> Value {
    let mut value = record(text, what, of);
    value["table"] = table(set, id);
    value
}

fn table(set: &Ruleset, id: TableId) -> Value {
    set.table_record(id).map_or(Value::Null, |t| json!({ "family": t.family.name(), "name": &*t.name }))
}
