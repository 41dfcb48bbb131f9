//! What stands inside the block of a chain: its base, policy and comment, and its rules.

use super::{Indent, Reader};
use crate::parse::nft::expr::Name;
use crate::parse::nft::record::{BaseChain, ChainId, ChainKind, Hook, Note, Policy, TableId};
use crate::parse::nft::stmt::Stmt;
use crate::parse::nft::text::expr::Cursor;
use crate::parse::nft::text::lex::{Kind as TokKind, Tok, tokens};
use crate::parse::nft::text::part::{is_live, priority};
use crate::parse::nft::text::rule;
use crate::source::At;

impl<'a> Reader<'a> {
    pub(super) fn in_chain(&mut self, chain: ChainId, table: TableId, indent: Indent, item: &'a str, start: usize) {
        let text = item.trim();
        if text.starts_with("type ") && text.contains(" hook ") {
            return self.base_chain(chain, table, item, start);
        }
        if let Some(word) = text.strip_prefix("policy ")
            && let Some(word) = word.split_ascii_whitespace().next()
        {
            let policy = self.b.policy(word);
            if let Some(base) = self.b.chain_mut(chain).and_then(|c| c.base.as_mut()) {
                base.policy = policy;
            }
            return;
        }
        if text == "flags offload" {
            if let Some(base) = self.b.chain_mut(chain).and_then(|c| c.base.as_mut()) {
                base.offload = true;
            }
            return;
        }
        // A chain's own comment: nothing else on the line, and before all rules.
        if text.starts_with("comment \"") && text.matches('"').count() == 2 && text.ends_with('"') {
            let no_rules = self.b.ruleset.chain_record(chain).is_some_and(|c| c.rules.is_empty());
            if no_rules {
                let comment = self.b.name(text.trim_start_matches("comment ").trim_matches('"'));
                if let Some(chain) = self.b.chain_mut(chain) {
                    chain.comment = Some(comment);
                }
                return;
            }
        }
        if text.starts_with('#') && !is_live(text) {
            return self.note(item, start);
        }
        let hidden = indent.counts.then(|| {
            let lead = item.len() - item.trim_start_matches([' ', '\t', '\r']).len();
            let lead = item.get(..lead).unwrap_or_default();
            match lead.rfind('\t') {
                Some(tab) => lead.len() - tab - 1,
                // The second rule of a line has no indentation.
                None if self.text.as_bytes().get(start.wrapping_sub(1)) == Some(&b';') => 0,
                None => lead.len().saturating_sub(indent.blanks),
            }
        });
        self.rule(chain, table, item, start, hidden, false);
    }

    pub(super) fn rule(
        &mut self,
        chain: ChainId,
        table: TableId,
        item: &'a str,
        start: usize,
        hidden: Option<usize>,
        insert: bool,
    ) {
        let at = self.at(item, start);
        let cut = self.items.pos >= self.text.len() && !self.stack.is_empty();
        let first = self.b.first_stmt();
        if cut {
            // Half a word may look like a whole one: 10.0.0.1 of 10.0.0.12.
            self.b.problem(at, "the rule is cut off");
            self.b.push_stmt(Stmt::Other(item.trim().into()));
            return self.b.rule(at, chain, None, None, first, insert);
        }
        let family = self.b.family(table);
        let mut toks: Vec<Tok<'a>> = Vec::new();
        tokens(item, &mut toks);
        let line = self.line_of(start);
        let mut cursor = Cursor::new(item, &toks, &mut self.b.names, (start, line));
        cursor.family = Some(family);
        let mut rule = rule::read(&mut cursor, hidden);
        for (from, to, why) in rule.problems.drain(..) {
            let offset = |n: usize| u32::try_from(start + n).unwrap_or(u32::MAX);
            // A set in a rule may reach over many lines.
            let line = self.line_of(start + from);
            self.b.problem(At { line, start: offset(from), end: offset(to) }, why);
        }
        for stmt in rule.stmts.drain(..) {
            self.b.push_stmt(stmt);
        }
        if let Some(remark) = rule.remark.take() {
            self.b.ruleset.notes.push(Note { at, text: remark });
        }
        let mut handle = rule.handle;
        // What nft printed for an extension may stand at the beginning of the next line, behind a message.
        while let Some((line, from, to)) = self.items.peek_line() {
            if !(line.starts_with("xt target ") || line.starts_with("xt match ") || line.starts_with("xt watcher ")) {
                break;
            }
            tokens(line, &mut toks);
            let number = self.line_of(from);
            let mut cursor = Cursor::new(line, &toks, &mut self.b.names, (from, number));
            let more = rule::read(&mut cursor, None);
            handle = handle.or(more.handle);
            rule.comment = rule.comment.or(more.comment);
            for stmt in more.stmts {
                self.b.push_stmt(stmt);
            }
            self.items.pos = to;
        }
        self.b.rule(at, chain, handle, rule.comment, first, insert);
    }

    /// `type filter hook input device "eth0" priority filter + 10`.
    pub(super) fn base_chain(&mut self, chain: ChainId, table: TableId, item: &str, start: usize) {
        let family = self.b.family(table);
        let mut toks = Vec::new();
        tokens(item, &mut toks);
        let mut base = BaseChain {
            kind: ChainKind::Filter,
            hook: Hook::Prerouting,
            devices: Vec::new(),
            priority: None,
            policy: Policy::Accept,
            offload: false,
        };
        let mut i = 0;
        while let Some(tok) = toks.get(i) {
            let next = toks.get(i + 1).map_or("", |t| t.text);
            match tok.text {
                "type" => base.kind = self.b.chain_kind(next),
                "hook" => base.hook = self.b.hook(next),
                "device" => base.devices.push(self.b.name(next)),
                "devices" => base.devices = self.devices(&toks[i..]),
                "priority" => base.priority = priority(family, &toks[i + 1..]),
                _ => {
                    i += 1;
                    continue;
                }
            }
            i += 2;
        }
        if base.priority.is_none() {
            let at = self.at(item, start);
            self.b.problem(at, "the priority of a base chain is not known");
        }
        if let Some(chain) = self.b.chain_mut(chain) {
            chain.base = Some(Box::new(base));
        }
    }

    pub(super) fn devices(&mut self, toks: &[Tok<'_>]) -> Vec<Name> {
        let inner = toks.iter().skip_while(|t| !t.is("{")).skip(1).take_while(|t| !t.is("}"));
        inner.filter(|t| t.kind != TokKind::Sign).map(|t| self.b.names.get(t.text)).collect()
    }
}
