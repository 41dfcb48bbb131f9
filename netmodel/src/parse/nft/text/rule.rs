//! One rule of the text form: its statements, what nft could not translate, comment and handle.
//!
//! Rules of iptables-nft hold extensions that nft shows as `xt match "x"`, as a remark in the middle (`# match-set X dst,dst counter
//! packets 5 bytes 300 jump Y`), or as nothing between two blanks. Each becomes a statement in its place: without it the rule would mean
//! something else.

use super::expr::Cursor;
use super::lex::{Kind as TokKind, Tok};
use crate::parse::nft::expr::Name;
use crate::parse::nft::stmt::{Stmt, Xt, XtKind};

/// How many statements of a rule may fail before the rest is kept as one.
const FAILURES: u32 = 8;

/// What was read of a rule.
#[derive(Default)]
pub(super) struct RuleText {
    pub(super) stmts: Vec<Stmt>,
    pub(super) comment: Option<Name>,
    pub(super) handle: Option<u64>,
    /// A remark of nft at its end (`Warning: XT target MASQUERADE not found`).
    pub(super) remark: Option<Box<str>>,
    /// What was not understood.
    pub(super) problems: Vec<(usize, usize, &'static str)>,
}

/// The handle behind a `#` at the end, and how many words are before it.
pub(super) fn handle(toks: &[Tok<'_>]) -> (Option<u64>, usize) {
    match toks {
        [.., sign, word, number] if sign.is("#") && word.is_word("handle") => match number.text.parse() {
            Ok(handle) => (Some(handle), toks.len() - 3),
            Err(_) => (None, toks.len()),
        },
        _ => (None, toks.len()),
    }
}

/// Reads a rule. `hidden` says how many blanks before the first word stand for nothing, or that blanks mean nothing in this table.
pub(super) fn read(cursor: &mut Cursor<'_, '_>, hidden: Option<usize>) -> RuleText {
    let mut rule = RuleText::default();
    let all = cursor.toks;
    let (found, count) = handle(all);
    rule.handle = found;
    cursor.toks = all.get(..count).unwrap_or_default();
    // The end of the statement before, to count blanks.
    let mut last_end = None;
    while let Some(&tok) = cursor.peek() {
        let blanks = match last_end {
            None => hidden.unwrap_or(0),
            Some(end) => blanks(cursor.item, end, tok.start).saturating_sub(1),
        };
        if hidden.is_some() {
            push_hidden(&mut rule.stmts, blanks);
        }
        statement(cursor, tok, &mut rule);
        last_end = cursor.i.checked_sub(1).and_then(|i| cursor.toks.get(i)).map(|t| t.end);
    }
    if hidden.is_some() {
        let end = last_end.unwrap_or(0);
        let behind = match all.get(count) {
            Some(sign) => blanks(cursor.item, end, sign.start).saturating_sub(1),
            None => blanks(cursor.item, end, cursor.item.trim_end_matches('\r').len()),
        };
        if !all.is_empty() {
            push_hidden(&mut rule.stmts, behind);
        }
    }
    rule
}

fn push_hidden(stmts: &mut Vec<Stmt>, count: usize) {
    // More than a few blanks in a row are somebody's alignment.
    for _ in 0..count.min(8) {
        stmts.push(Stmt::Xt(Xt { kind: XtKind::Unknown, name: None, text: None }));
    }
}

fn blanks(item: &str, from: usize, to: usize) -> usize {
    item.get(from..to).filter(|gap| gap.bytes().all(|b| b == b' ')).map_or(0, str::len)
}

fn statement(cursor: &mut Cursor<'_, '_>, tok: Tok<'_>, rule: &mut RuleText) {
    if tok.is("#") {
        remark(cursor, tok, rule);
        return;
    }
    if tok.is_word("comment")
        && let Some(text) = cursor.peek_at(1).filter(|t| t.kind == TokKind::Quoted).map(|t| t.text)
    {
        cursor.i += 2;
        let text = cursor.names.get(text);
        if cursor.peek().is_none() {
            rule.comment = Some(text);
        } else {
            // nft before 1.0 shows the comment of iptables where it stands.
            rule.stmts.push(Stmt::Xt(Xt {
                kind: XtKind::Match,
                name: Some(cursor.names.get("comment")),
                text: Some((*text).into()),
            }));
        }
        return;
    }
    let first = cursor.i;
    let failed = rule.problems.len() >= FAILURES as usize;
    match if failed { Err("more was not understood before it") } else { cursor.stmt() } {
        Ok(stmt) => rule.stmts.push(stmt),
        Err(why) => {
            cursor.i = first + 1;
            skip(cursor, failed);
            let end = cursor.toks.get(cursor.i.saturating_sub(1)).map_or(tok.end, |t| t.end);
            rule.stmts.push(Stmt::Other(cursor.item.get(tok.start..end).unwrap_or_default().into()));
            rule.problems.push((tok.start, end, why));
        }
    }
}

/// A `#` in the middle: an extension that nft could not translate, up to the next statement that is one for certain.
fn remark(cursor: &mut Cursor<'_, '_>, sign: Tok<'_>, rule: &mut RuleText) {
    cursor.i += 1;
    if cursor.peek().is_some_and(|t| t.is_word("Warning")) {
        rule.remark = cursor.item.get(sign.end..).map(|rest| rest.trim().into());
        cursor.i = cursor.toks.len();
        return;
    }
    let first = cursor.peek().map_or("", |t| t.text);
    if cursor.peek().is_some() {
        cursor.i += 1;
        skip(cursor, false);
    }
    let end = cursor.toks.get(cursor.i.saturating_sub(1)).map_or(sign.end, |t| t.end);
    let text = cursor.item.get(sign.end..end).unwrap_or_default().trim();
    let (kind, name) = if let Some(name) = first.strip_prefix("xt_") {
        (XtKind::Unknown, name)
    } else if first == "match-set" {
        (XtKind::Match, "set")
    } else if !first.is_empty() && first.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        (XtKind::Target, first)
    } else {
        (XtKind::Unknown, first)
    };
    let kind = if name == "comment" { XtKind::Match } else { kind };
    let name = (!name.is_empty()).then(|| cursor.names.get(name));
    rule.stmts.push(Stmt::Xt(Xt { kind, name, text: Some(text.into()) }));
}

/// Goes on to the next statement that can be told from anything else, or to the end.
fn skip(cursor: &mut Cursor<'_, '_>, to_end: bool) {
    while let Some(tok) = cursor.peek() {
        if !to_end && begins_statement(cursor, tok) {
            return;
        }
        cursor.i += 1;
    }
}

fn begins_statement(cursor: &Cursor<'_, '_>, tok: &Tok<'_>) -> bool {
    let next = cursor.peek_at(1);
    if tok.is("#") {
        return true;
    }
    if tok.kind != TokKind::Word {
        return false;
    }
    match tok.text {
        "counter" => next.is_none_or(|t| t.is_word("packets") || t.is_word("name") || t.kind == TokKind::Word),
        "jump" | "goto" => next.is_some_and(|t| t.kind == TokKind::Word),
        "accept" | "drop" | "return" => next.is_none_or(|t| t.is("#") || t.is_word("comment")),
        "reject" => next.is_none_or(|t| t.is_word("with") || t.is("#") || t.is_word("comment")),
        "comment" => next.is_some_and(|t| t.kind == TokKind::Quoted),
        "xt" => next.is_some_and(|t| matches!(t.text, "match" | "target" | "watcher")),
        "meta" => next.is_some_and(|t| crate::parse::nft::expr::MetaKey::of(t.text).is_some()),
        "ct" => next.is_some_and(|t| crate::parse::nft::expr::CtKey::of(t.text).is_some()),
        proto @ ("ip" | "ip6" | "tcp" | "udp" | "th" | "icmp" | "icmpv6") => {
            next.is_some_and(|t| crate::parse::nft::fields::find(proto, t.text).is_some())
        }
        _ => false,
    }
}
