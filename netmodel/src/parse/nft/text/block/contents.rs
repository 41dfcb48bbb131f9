//! What stands inside the blocks of sets, objects and flow tables.

use super::{Block, ObjectDraft, Reader};
use crate::parse::nft::kind::{Kind, Kinds};
use crate::parse::nft::record::{Counter, ObjectKind, ObjectSpec, Set, SetType};
use crate::parse::nft::stmt::Synproxy;
use crate::parse::nft::text::expr::Cursor;
use crate::parse::nft::text::lex::{Kind as TokKind, tokens};
use crate::parse::nft::text::part::{ct_item, elements, priority};
use crate::parse::nft::value::{duration_ms, int};

impl<'a> Reader<'a> {
    pub(super) fn in_set(&mut self, item: &'a str, start: usize) {
        let Some(Block::Set(mut set)) = self.stack.pop() else { return };
        if let Err(why) = self.set_item(&mut set, item, start) {
            self.lost(item, start, why);
        }
        self.stack.push(Block::Set(set));
    }

    fn set_item(&mut self, set: &mut Set, item: &'a str, start: usize) -> Result<(), &'static str> {
        let mut toks = Vec::new();
        tokens(item, &mut toks);
        let line = self.line_of(start);
        let Some(first) = toks.first().copied() else { return Ok(()) };
        let rest = item.get(first.end..).unwrap_or_default().trim();
        // nft 1.1.2 and later say how many elements there are: `size 65535 # count 12`.
        let word = rest.split_ascii_whitespace().next().unwrap_or_default();
        match first.text {
            "#" => self.note(item, start),
            "type" | "typeof" => self.set_types(set, first.text == "typeof", rest),
            "flags" => {
                for tok in toks.iter().skip(1).filter(|t| t.kind == TokKind::Word) {
                    self.b.set_flag(&mut set.flags, tok.text);
                }
            }
            "timeout" => set.timeout = Some(duration_ms(word).ok_or("a duration is missing")?),
            "gc-interval" => set.gc_interval = Some(duration_ms(word).ok_or("a duration is missing")?),
            "size" => set.size = Some(int(word).ok_or("a number is missing")?),
            "policy" => set.policy = Some(self.b.name(word)),
            "auto-merge" => set.auto_merge = true,
            "comment" => set.comment = toks.get(1).map(|t| self.b.name(t.text)),
            "elements" => {
                let brace = toks.iter().position(|t| t.is("{")).ok_or("a brace is missing")?;
                let data = set.data.as_ref().map(|d| d.kinds);
                let mut cursor = Cursor::new(item, &toks, &mut self.b.names, (start, line));
                cursor.i = brace;
                let kinds = set.key.kinds;
                let (elems, problem) = elements(&mut cursor, &kinds, data.as_ref());
                set.elems.extend(elems);
                if let Some((from, to, why)) = problem {
                    let part = item.get(from..to).unwrap_or_default();
                    self.lost(part, start + from, why);
                }
            }
            _ => {
                let mut cursor = Cursor::new(item, &toks, &mut self.b.names, (start, line));
                let stmt = cursor.stmt()?;
                if cursor.peek().is_some_and(|t| !t.is("#")) {
                    return Err("not a part of a set");
                }
                set.stmts.push(stmt);
            }
        }
        Ok(())
    }

    /// `ipv4_addr . inet_service : verdict`, `ip saddr . tcp dport : meta mark`, `ipv4_addr : interval ipv4_addr`.
    fn set_types(&mut self, set: &mut Set, of_expr: bool, rest: &str) {
        let (key, data) = match rest.split_once(" : ") {
            Some((key, data)) => (key.trim(), Some(data.trim())),
            None => (rest, None),
        };
        set.key = self.set_type(of_expr, key);
        if let Some(data) = data {
            let data = data.strip_prefix("interval ").unwrap_or(data);
            set.data = Some(self.set_type(of_expr, data));
        }
    }

    fn set_type(&mut self, of_expr: bool, text: &str) -> SetType {
        let mut kinds = Kinds::default();
        if of_expr {
            let mut toks = Vec::new();
            tokens(text, &mut toks);
            let mut cursor = Cursor::new(text, &toks, &mut self.b.names, (0, 0));
            kinds = cursor.left().map_or_else(|_| Kinds::one(Kind::of_type(text)), |expr| expr.kinds());
        } else {
            for part in text.split(" . ") {
                kinds.push(Kind::of_type(part.trim()));
            }
        }
        SetType { kinds, text: Some(self.b.name(text)) }
    }

    pub(super) fn in_object(&mut self, item: &'a str, start: usize) {
        let Some(Block::Object(mut draft)) = self.stack.pop() else { return };
        draft.text.push_str(item.trim());
        draft.text.push('\n');
        if let Err(why) = self.object_item(&mut draft, item, start) {
            self.lost(item, start, why);
        }
        self.stack.push(Block::Object(draft));
    }

    fn object_item(&mut self, draft: &mut ObjectDraft, item: &str, start: usize) -> Result<(), &'static str> {
        let mut toks = Vec::new();
        tokens(item, &mut toks);
        let line = self.line_of(start);
        let Some(first) = toks.first().copied() else { return Ok(()) };
        if first.is_word("comment") {
            draft.object.comment = toks.get(1).map(|t| self.b.name(t.text));
            return Ok(());
        }
        let mut cursor = Cursor::new(item, &toks, &mut self.b.names, (start, line));
        match draft.object.kind {
            ObjectKind::Counter => {
                if !cursor.eat("packets") {
                    return Err("not a part of a counter");
                }
                let packets = cursor.number()?;
                let _ = cursor.eat("bytes");
                draft.object.spec = ObjectSpec::Counter(Some(Counter { packets, bytes: cursor.number()? }));
            }
            ObjectKind::Quota => draft.object.spec = ObjectSpec::Quota(cursor.quota()?),
            ObjectKind::Limit => draft.object.spec = ObjectSpec::Limit(cursor.limit()?),
            ObjectKind::Synproxy => {
                let more = cursor.synproxy()?;
                let old = match &draft.object.spec {
                    ObjectSpec::Synproxy(old) => old.clone(),
                    _ => Synproxy::default(),
                };
                draft.object.spec = ObjectSpec::Synproxy(Synproxy {
                    mss: more.mss.or(old.mss),
                    wscale: more.wscale.or(old.wscale),
                    timestamp: more.timestamp || old.timestamp,
                    sack_perm: more.sack_perm || old.sack_perm,
                });
            }
            ObjectKind::CtHelper | ObjectKind::CtTimeout | ObjectKind::CtExpectation => ct_item(&mut cursor, &mut draft.ct)?,
            ObjectKind::SecMark | ObjectKind::Tunnel => {}
        }
        Ok(())
    }

    pub(super) fn in_flowtable(&mut self, item: &str, start: usize) {
        let Some(Block::Flowtable(mut flowtable)) = self.stack.pop() else { return };
        let family = self.b.family(flowtable.table);
        let mut toks = Vec::new();
        tokens(item, &mut toks);
        match toks.first().map(|t| t.text) {
            Some("hook") => {
                flowtable.hook = toks.get(1).map(|t| self.b.hook(t.text));
                if let Some(i) = toks.iter().position(|t| t.is_word("priority")) {
                    flowtable.priority = priority(family, &toks[i + 1..]);
                }
            }
            Some("devices") => flowtable.devices = self.devices(&toks),
            Some("flags") => {
                flowtable.flags = toks.iter().skip(1).filter(|t| t.kind == TokKind::Word).map(|t| self.b.name(t.text)).collect();
            }
            Some("counter") => flowtable.flags.push(self.b.name("counter")),
            _ => self.lost(item, start, "not a part of a flow table"),
        }
        self.stack.push(Block::Flowtable(flowtable));
    }
}
