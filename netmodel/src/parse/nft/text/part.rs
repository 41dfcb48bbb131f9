//! The parts of blocks that are read the same way wherever they stand: elements, priorities, families, indentation.

use super::expr::Cursor;
use super::lex::{Kind as TokKind, Tok};
use crate::parse::nft::expr::Expr;
use crate::parse::nft::kind::{Kind, Kinds};
use crate::parse::nft::record::{CtObject, NftFamily, standard_priority};
use crate::parse::nft::value::{duration_ms, int};

/// Elements one by one, so that a bad one costs what follows it and not what stands before.
pub(super) type Elements = (Vec<crate::parse::nft::expr::Elem>, Option<(usize, usize, &'static str)>);

pub(super) fn elements(cursor: &mut Cursor<'_, '_>, kinds: &Kinds, data: Option<&Kinds>) -> Elements {
    let mut elems = Vec::new();
    let end = cursor.toks.last().map_or(0, |t| t.end);
    if !cursor.eat_sign("{") {
        return (elems, Some((0, end, "a brace is missing")));
    }
    loop {
        while cursor.eat_sign(",") {}
        let Some(first) = cursor.peek().map(|t| (t.start, t.is("}"), t.is("#"))) else {
            return (elems, Some((end, end, "the elements do not end")));
        };
        if first.1 {
            return (elems, None);
        }
        let before = cursor.i;
        match cursor.elem(kinds, data) {
            Ok(elem) if cursor.peek().is_some_and(|t| t.is(",") || t.is("}")) => elems.push(elem),
            got => {
                cursor.i = before;
                return (elems, Some((first.0, end, got.err().unwrap_or("an element does not end"))));
            }
        }
    }
}

/// `type "ftp" protocol tcp`, `l3proto ip`, `policy = { established : 100, close : 4 }`.
pub(super) fn ct_item(cursor: &mut Cursor<'_, '_>, ct: &mut CtObject) -> Result<(), &'static str> {
    while cursor.peek().is_some() {
        match cursor.word()? {
            "type" => ct.helper = Some(cursor.name()?),
            "protocol" => {
                let word = cursor.word()?;
                let number = Kind::Protocol.symbol(word).or_else(|| int(word)).ok_or("an unknown protocol")?;
                ct.protocol = Some(Expr::number(number));
            }
            "l3proto" => ct.l3proto = Some(cursor.name()?),
            "dport" => ct.dport = Some(cursor.number()?),
            "timeout" => ct.timeout = Some(duration_ms(cursor.word()?).ok_or("a duration is missing")?),
            "size" => ct.size = Some(cursor.number()?),
            "policy" => {
                let _ = cursor.eat("=");
                if !cursor.eat_sign("{") {
                    return Err("a brace is missing");
                }
                while !cursor.eat_sign("}") {
                    let state = cursor.name()?;
                    if !cursor.eat_sign(":") {
                        return Err("a timeout is missing");
                    }
                    let timeout = duration_ms(cursor.word()?).ok_or("a timeout is missing")?;
                    ct.policy.push((state, timeout / 1000));
                    let _ = cursor.eat_sign(",");
                }
            }
            _ => return Err("not a part of this object"),
        }
    }
    Ok(())
}

/// A family, if one is said, else ip; and the words behind it.
pub(super) fn family_and<'w, 'a>(words: &'w [&'a str]) -> Option<(NftFamily, &'w [&'a str])> {
    match words {
        [first, rest @ ..] if !rest.is_empty() && NftFamily::of(first).is_some() => Some((NftFamily::of(first)?, rest)),
        [] => None,
        _ => Some((NftFamily::Ip, words)),
    }
}

/// How many blanks a line is indented by; tabs make it none, since then blanks are no indentation.
pub(super) fn indent_of(head: &str) -> usize {
    let line = head.rsplit('\n').next().unwrap_or(head);
    let lead = line.len() - line.trim_start().len();
    let lead = line.get(..lead).unwrap_or_default();
    if lead.contains('\t') { 0 } else { lead.len() }
}

/// Whether a line that begins with `#` is a rule: nft prints such for extensions that it cannot translate, and never a remark.
pub(super) fn is_live(text: &str) -> bool {
    if text.starts_with("# Warning:") {
        return false;
    }
    let first = text.trim_start_matches('#').trim_start();
    text.contains(" counter packets ")
        || text.contains("# handle ")
        || ["xt_", "match-set ", "socket ", "TPROXY ", "recent:", "rpfilter "].iter().any(|known| first.starts_with(known))
}

/// `filter`, `-100`, `srcnat - 1`, `filter + 10`, `dstnat-1`.
pub(super) fn priority(family: NftFamily, toks: &[Tok<'_>]) -> Option<i32> {
    let words: Vec<&str> = toks.iter().take(3).take_while(|t| t.kind == TokKind::Word).map(|t| t.text).collect();
    let joined = words.concat();
    let name = joined.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = joined.split_at(name);
    let base = if name.is_empty() { 0 } else { standard_priority(family, name)? };
    if rest.is_empty() {
        return (!name.is_empty()).then_some(base);
    }
    base.checked_add(rest.strip_prefix('+').unwrap_or(rest).parse().ok()?)
}
