//! The records of an nftables ruleset: tables, chains, sets, objects and rules with their statements, by names instead of indexes.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Records, place};
use crate::parse::Parsed;
use crate::parse::nft::{self, Ruleset, TableId};

pub(super) fn records(text: &str) -> Records {
    let Parsed { value: set, problems } = nft::parse(text);
    let mut out: Vec<Value> = set.tables.iter().map(|t| record(text, "table", t)).collect();
    for chain in &set.chains {
        let mut value = in_table(text, &set, "chain", chain.table, chain);
        // The rules follow as records of their own.
        if let Some(fields) = value.as_object_mut() {
            fields.remove("rules");
        }
        out.push(value);
    }
    out.extend(set.sets.iter().map(|s| in_table(text, &set, "set", s.table, s)));
    out.extend(set.objects.iter().map(|o| in_table(text, &set, "object", o.table, o)));
    out.extend(set.flowtables.iter().map(|f| in_table(text, &set, "flowtable", f.table, f)));
    for rule in &set.rules {
        let mut value = record(text, "rule", rule);
        if let Some(chain) = set.chain_record(rule.chain) {
            value["table"] = table(&set, chain.table);
            value["chain"] = place::value(text, &chain.name);
        }
        value["statements"] = place::value(text, set.stmts(rule));
        out.push(value);
    }
    out.extend(set.others.iter().map(|o| record(text, "other", o)));
    out.extend(set.notes.iter().map(|n| record(text, "note", n)));
    Records { typed: true, records: out, problems }
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
