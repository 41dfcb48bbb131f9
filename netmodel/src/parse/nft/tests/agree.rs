//! Holds the records of the two forms of a ruleset against each other, but for what nft itself prints in only one of them (see the head
//! of the module).

use crate::parse::nft::*;

/// What differs.
pub(super) fn differences(json: &Ruleset, text: &Ruleset) -> Vec<String> {
    let mut found = Vec::new();
    compare("tables", json.tables.iter().map(table), text.tables.iter().map(table), &mut found);
    compare("chains", chains(json), chains(text), &mut found);
    compare("sets", sets(json), sets(text), &mut found);
    compare("objects", json.objects.iter().map(|o| object(json, o)), text.objects.iter().map(|o| object(text, o)), &mut found);
    let (mut left, mut right) = (by_chain(json), by_chain(text));
    for (name, rules) in &mut left {
        let Some(position) = right.iter().position(|(n, _)| n == name) else {
            found.push(format!("no rules of {name} in the text"));
            continue;
        };
        let others = right.swap_remove(position).1;
        if rules.len() != others.len() {
            found.push(format!("{name}: {} rules and {}", rules.len(), others.len()));
            continue;
        }
        for (a, b) in rules.iter().zip(others) {
            if b.handle.is_some() && a.handle != b.handle {
                found.push(format!("{name}: handles {:?} and {:?}", a.handle, b.handle));
            }
            if a.comment != b.comment {
                found.push(format!("{name}: comments {:?} and {:?}", a.comment, b.comment));
            }
            let (a, b) = (json.stmts(a), text.stmts(b));
            if !aligned(a, b) {
                found.push(format!("{name}:\n        {a:?}\n        {b:?}"));
            }
        }
    }
    found
}

fn compare(what: &str, a: impl Iterator<Item = String>, b: impl Iterator<Item = String>, found: &mut Vec<String>) {
    let (mut a, mut b): (Vec<_>, Vec<_>) = (a.collect(), b.collect());
    // JSON lists all chains of a table before its sets, and so on.
    a.sort();
    b.sort();
    for (a, b) in a.iter().zip(&b) {
        if a != b {
            found.push(format!("{what}:\n        {a}\n        {b}"));
            return;
        }
    }
    if a.len() != b.len() {
        found.push(format!("{what}: {} and {}", a.len(), b.len()));
    }
}

fn place(ruleset: &Ruleset, table: TableId) -> String {
    let table = ruleset.table_record(table).unwrap();
    format!("{} {}", table.family.name(), table.name)
}

fn table(table: &Table) -> String {
    format!("{} {} {:?}", table.family.name(), table.name, table.declared)
}

fn chains(ruleset: &Ruleset) -> impl Iterator<Item = String> {
    ruleset.chains.iter().map(|c| {
        let mut base = c.base.clone();
        if let Some(base) = &mut base {
            base.devices.clear();
        }
        format!("{} {} {base:?}", place(ruleset, c.table), c.name)
    })
}

fn sets(ruleset: &Ruleset) -> impl Iterator<Item = String> {
    ruleset.sets.iter().map(|s| {
        let mut flags = s.flags.clone();
        flags.dynamic = false;
        let elems: Vec<String> = s
            .elems
            .iter()
            .map(|e| {
                let mut extra = e.extra.clone();
                if let Some(extra) = &mut extra {
                    extra.expires = extra.expires.map(|ms| ms / 1000);
                }
                format!("{:?} {:?} {extra:?}", e.key, e.data)
            })
            .collect();
        let data = s.data.as_ref().map(|d| d.kinds);
        format!(
            "{} {} {:?} {data:?} {flags:?} {:?} {:?} {:?} {:?} {elems:?}",
            place(ruleset, s.table),
            s.name,
            s.key.kinds,
            s.timeout,
            s.gc_interval,
            s.size,
            s.comment
        )
    })
}

fn object(ruleset: &Ruleset, object: &Object) -> String {
    format!("{} {} {:?} {:?}", place(ruleset, object.table), object.name, object.kind, object.spec)
}

fn by_chain(ruleset: &Ruleset) -> Vec<(String, Vec<&Rule>)> {
    (0..)
        .zip(&ruleset.chains)
        .map(|(i, c)| {
            (format!("{} {}", place(ruleset, c.table), c.name), ruleset.rules_of(ChainId(i)).map(|(_, r)| r).collect::<Vec<_>>())
        })
        .collect()
}

/// An extension is opaque in JSON and translated in text: it may stand for any statements there, if those around it agree.
fn aligned(json: &[Stmt], text: &[Stmt]) -> bool {
    match (json, text) {
        ([], []) => true,
        ([Stmt::Xt(xt), json @ ..], [Stmt::Xt(seen), rest @ ..]) if seen.is_hidden() || seen.name == xt.name => {
            aligned(json, rest)
        }
        ([Stmt::Xt(_), json @ ..], text) => (0..=text.len()).any(|n| aligned(json, &text[n..])),
        ([Stmt::Counter(Some(_)), json @ ..], [Stmt::Counter(None), text @ ..]) => aligned(json, text),
        ([a, json @ ..], [b, text @ ..]) => a == b && aligned(json, text),
        _ => false,
    }
}
