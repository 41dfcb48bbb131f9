//! The blocks of the text form: tables, chains, sets, objects.

mod chain;
mod contents;

use super::expr::Cursor;
use super::lex::{Item, Items, Kind as TokKind, tokens};
use super::part::{family_and, indent_of};
use crate::parse::Parsed;
use crate::parse::nft::builder::Builder;
use crate::parse::nft::compat;
use crate::parse::nft::expr::Name;
use crate::parse::nft::record::{
    ChainId, CtObject, Flowtable, NftFamily, Note, Object, ObjectKind, ObjectSpec, Other, Ruleset, Set, SetType, TableId,
};
use crate::source::At;

/// A block that is open.
enum Block {
    Table(TableId),
    Chain {
        chain: ChainId,
        table: TableId,
        indent: Indent,
    },
    Set(Box<Set>),
    Object(Box<ObjectDraft>),
    Flowtable(Box<Flowtable>),
    /// One that is not known; its text from the offset on.
    Unknown {
        start: usize,
        depth: usize,
    },
}

struct ObjectDraft {
    object: Object,
    ct: CtObject,
    text: String,
}

/// How the rules of a chain are indented.
#[derive(Clone, Copy)]
struct Indent {
    /// Whether the table may hold extensions of iptables at all.
    counts: bool,
    /// How many blanks before a rule are indentation, where there are no tabs.
    blanks: usize,
}

/// Reads a ruleset.
pub(super) struct Reader<'a> {
    text: &'a str,
    items: Items<'a>,
    b: Builder,
    stack: Vec<Block>,
    line: u32,
    line_at: usize,
    table_indent: usize,
    warned: Vec<(NftFamily, Name)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, b: Builder) -> Self {
        let mut items = Items::new(text);
        if text.starts_with('\u{feff}') {
            items.pos = '\u{feff}'.len_utf8();
        }
        Self { text, items, b, stack: Vec::new(), line: 1, line_at: 0, table_indent: 0, warned: Vec::new() }
    }

    pub(super) fn finish(mut self) -> Parsed<Ruleset> {
        for (family, name) in std::mem::take(&mut self.warned) {
            if let Some(table) = self.b.ruleset.table(family, &name)
                && let Some(table) = self.b.table_mut(table)
            {
                table.warned = true;
            }
        }
        self.b.finish()
    }

    fn line_of(&mut self, at: usize) -> u32 {
        if at > self.line_at {
            let newlines = memchr::memchr_iter(b'\n', &self.text.as_bytes()[self.line_at..at]).count();
            self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
            self.line_at = at;
        } else {
            // What reaches to the end is placed after what stands behind its beginning was looked at.
            let back = memchr::memchr_iter(b'\n', &self.text.as_bytes()[at..self.line_at]).count();
            return self.line.saturating_sub(u32::try_from(back).unwrap_or(u32::MAX));
        }
        self.line
    }

    /// The position of an item without the blanks around it.
    fn at(&mut self, item: &str, start: usize) -> At {
        let begin = start + (item.len() - item.trim_start().len());
        let end = (start + item.trim_end().len()).max(begin);
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        At { line: self.line_of(begin), start: offset(begin), end: offset(end) }
    }

    fn lost(&mut self, item: &str, start: usize, why: &str) {
        let at = self.at(item, start);
        self.b.problem(at, why);
        self.b.ruleset.others.push(Other { at, text: item.trim().into() });
    }

    pub(super) fn read(&mut self) {
        loop {
            let blocks = match self.stack.last() {
                None => !self.comes_rule_command(),
                Some(Block::Table(_) | Block::Unknown { .. }) => true,
                Some(_) => false,
            };
            match self.items.next(blocks) {
                Item::End => break,
                Item::Open(head, start) => self.open(head, start),
                Item::Close(at) => self.close(at),
                Item::Text(item, start) => self.text_item(item, start),
            }
        }
        if !self.stack.is_empty() {
            let end = self.text.len();
            let at = self.at("", end);
            self.b.problem(at, "the text ends inside a block");
            while !self.stack.is_empty() {
                self.close(end);
            }
        }
    }

    /// Whether `add rule …` or `add element …` comes, whose braces open no block.
    fn comes_rule_command(&self) -> bool {
        let rest = self.text.get(self.items.pos..).unwrap_or_default().trim_start();
        let mut words = rest.split_ascii_whitespace().filter(|w| *w != "nft" && *w != "sudo").take(4);
        matches!(words.next(), Some("add" | "insert" | "create" | "replace")) && matches!(words.next(), Some("rule" | "element"))
    }

    fn open(&mut self, head: &str, start: usize) {
        let at = self.at(head, start);
        let remark = self.items.remark();
        let handle = remark.and_then(|r| r.strip_prefix("handle ")).and_then(|n| n.trim().parse().ok());
        let mut words: Vec<&str> = head.split_ascii_whitespace().collect();
        while words.first().is_some_and(|w| matches!(*w, "nft" | "add" | "create")) {
            words.remove(0);
        }
        let opened = match self.stack.last() {
            Some(Block::Table(table)) => {
                let table = *table;
                self.open_in_table(table, &words, head, at, handle)
            }
            None => self.open_at_top(&words, head, at, handle, remark),
            _ => None,
        };
        match (opened, self.stack.last_mut()) {
            (Some(block), _) => self.stack.push(block),
            (None, Some(Block::Unknown { depth, .. })) => *depth += 1,
            (None, _) => {
                self.stack.push(Block::Unknown { start, depth: 0 });
                self.b.problem(at, "a block of an unknown kind");
            }
        }
    }

    fn open_at_top(&mut self, words: &[&str], head: &str, at: At, handle: Option<u64>, remark: Option<&str>) -> Option<Block> {
        match words {
            ["table", rest @ ..] => {
                let (family, name) = family_and(rest)?;
                let [name] = name else { return None };
                self.table_indent = indent_of(head);
                let id = self.b.table(family, name, at);
                let owner = remark.and_then(|r| r.split("progname ").nth(1)).and_then(|r| r.split_ascii_whitespace().next());
                let owner = owner.map(|o| self.b.name(o));
                if let Some(table) = self.b.table_mut(id) {
                    table.at = at;
                    table.declared = true;
                    table.handle = handle.or(table.handle);
                    table.owner = owner;
                }
                Some(Block::Table(id))
            }
            // Commands: `add chain ip t c { … }`, `add set ip t s { … }`.
            [what @ ("chain" | "set" | "map" | "flowtable" | "counter" | "quota" | "limit"), rest @ ..] => {
                let (family, names) = family_and(rest)?;
                let [table, name] = names else { return None };
                let table = self.b.table(family, table, at);
                self.open_in_table(table, &[what, name], head, at, handle)
            }
            _ => None,
        }
    }

    fn open_in_table(&mut self, table: TableId, words: &[&str], head: &str, at: At, handle: Option<u64>) -> Option<Block> {
        let (kind, name) = match words {
            ["ct", what, name] => (format!("ct {what}"), *name),
            [what, name] => ((*what).to_owned(), *name),
            _ => return None,
        };
        let name = name.trim_matches('"');
        Some(match kind.as_str() {
            "chain" => {
                let chain = self.b.chain(table, name, at);
                if let Some(record) = self.b.chain_mut(chain) {
                    record.at = at;
                    record.declared = true;
                    record.handle = handle.or(record.handle);
                }
                let counts = self.b.ruleset.table_record(table).is_some_and(compat::may_hold_extensions);
                let own = indent_of(head);
                Block::Chain { chain, table, indent: Indent { counts, blanks: own + own.saturating_sub(self.table_indent) } }
            }
            "set" | "map" | "meter" => {
                let name = self.b.name(name);
                let mut set = Set::implied(at, table, name, Vec::new());
                set.handle = handle;
                set.meter = kind == "meter";
                set.data = (kind == "map").then(SetType::default);
                Block::Set(Box::new(set))
            }
            "flowtable" => Block::Flowtable(Box::new(Flowtable {
                at,
                table,
                name: self.b.name(name),
                handle,
                hook: None,
                priority: None,
                devices: Vec::new(),
                flags: Vec::new(),
            })),
            kind => {
                let kind = ObjectKind::of(kind)?;
                let object = Object {
                    at,
                    table,
                    name: self.b.name(name),
                    handle,
                    comment: None,
                    kind,
                    spec: ObjectSpec::Other("".into()),
                };
                Block::Object(Box::new(ObjectDraft { object, ct: CtObject::default(), text: String::new() }))
            }
        })
    }

    fn close(&mut self, at: usize) {
        match self.stack.pop() {
            None => self.lost("}", at, "a brace closes nothing"),
            Some(Block::Unknown { start, depth }) if depth > 0 => self.stack.push(Block::Unknown { start, depth: depth - 1 }),
            Some(Block::Unknown { start, .. }) => {
                let text = self.text.get(start..(at + 1).min(self.text.len())).unwrap_or_default();
                let at = self.at(text, start);
                self.b.ruleset.others.push(Other { at, text: text.trim().into() });
            }
            Some(Block::Set(set)) => self.b.set(*set),
            Some(Block::Flowtable(flowtable)) => self.b.ruleset.flowtables.push(*flowtable),
            Some(Block::Object(draft)) => self.close_object(*draft),
            Some(Block::Table(_) | Block::Chain { .. }) => {}
        }
        // What follows on the line (`# handle 5` of one-line blocks) says nothing new.
        let _ = self.items.remark();
    }

    fn close_object(&mut self, draft: ObjectDraft) {
        let ObjectDraft { mut object, ct, text } = draft;
        if object.kind == ObjectKind::Counter && matches!(object.spec, ObjectSpec::Other(_)) {
            object.spec = ObjectSpec::Counter(None);
        } else if ct != CtObject::default() {
            object.spec = ObjectSpec::Ct(ct);
        } else if matches!(object.spec, ObjectSpec::Other(_)) {
            object.spec = ObjectSpec::Other(text.trim().into());
        }
        self.b.ruleset.objects.push(object);
    }

    fn text_item(&mut self, item: &'a str, start: usize) {
        match self.stack.last() {
            None => self.top(item, start),
            Some(Block::Table(table)) => {
                let table = *table;
                self.in_table(table, item, start);
            }
            Some(&Block::Chain { chain, table, indent }) => self.in_chain(chain, table, indent, item, start),
            Some(Block::Set(_)) => self.in_set(item, start),
            Some(Block::Object(_)) => self.in_object(item, start),
            Some(Block::Flowtable(_)) => self.in_flowtable(item, start),
            Some(Block::Unknown { .. }) => {}
        }
    }

    fn note(&mut self, item: &str, start: usize) {
        let at = self.at(item, start);
        let text = item.trim().trim_start_matches('#').trim();
        if let Some(rest) = text.strip_prefix("Warning: table ")
            && rest.contains("is managed by iptables-nft")
        {
            let words: Vec<&str> = rest.split_ascii_whitespace().take(2).collect();
            if let [family, name] = words[..]
                && let Some(family) = NftFamily::of(family)
            {
                let name = self.b.name(name);
                self.warned.push((family, name));
            }
        }
        self.b.ruleset.notes.push(Note { at, text: text.into() });
    }

    fn top(&mut self, item: &'a str, start: usize) {
        let text = item.trim();
        // The tool's own messages, when both outputs went to one file.
        if text.starts_with('#') || (text.starts_with("XT ") && text.ends_with(" not found")) || text.starts_with("warning: ") {
            return self.note(item, start);
        }
        let mut words = text.split_ascii_whitespace().filter(|w| *w != "nft" && *w != "sudo");
        let verb = words.next().unwrap_or_default();
        let insert = verb == "insert";
        let rest: Vec<&str> = words.collect();
        match (verb, &rest[..]) {
            ("add" | "create" | "insert" | "replace", ["rule", ..]) => self.rule_command(item, start, insert),
            ("add" | "create", ["table", names @ ..]) => match family_and(names) {
                Some((family, [name])) => {
                    let at = self.at(item, start);
                    let table = self.b.table(family, name, at);
                    if let Some(table) = self.b.table_mut(table) {
                        table.declared = true;
                    }
                }
                _ => self.lost(item, start, "a command that is not understood"),
            },
            ("add" | "create", ["chain", names @ ..]) => match family_and(names) {
                Some((family, [table, name])) => {
                    let at = self.at(item, start);
                    let table = self.b.table(family, table, at);
                    let chain = self.b.chain(table, name, at);
                    if let Some(chain) = self.b.chain_mut(chain) {
                        chain.declared = true;
                    }
                }
                _ => self.lost(item, start, "a command that is not understood"),
            },
            ("add" | "create", ["element", ..]) => self.element_command(item, start),
            ("flush" | "delete" | "destroy" | "reset" | "rename" | "include" | "define", _) => {
                self.lost(item, start, "a command that is not carried out here");
            }
            _ => self.lost(item, start, "not a part of a ruleset"),
        }
    }

    /// `add rule [FAMILY] TABLE CHAIN [handle N|position N|index N] STATEMENTS`.
    fn rule_command(&mut self, item: &'a str, start: usize, insert: bool) {
        let mut toks = Vec::new();
        tokens(item, &mut toks);
        let skip = toks.iter().position(|t| t.is_word("rule")).map_or(0, |i| i + 1);
        let names: Vec<&str> = toks.iter().skip(skip).take(3).map(|t| t.text).collect();
        let at = self.at(item, start);
        let Some((family, [table, chain, ..])) = family_and(&names) else {
            return self.lost(item, start, "a rule without table or chain");
        };
        let used = skip + 2 + usize::from(NftFamily::of(names[0]).is_some());
        let table = self.b.table(family, table, at);
        let chain = self.b.chain(table, chain, at);
        let from = toks.get(used).map_or(item.len(), |t| t.start);
        self.rule(chain, table, item.get(from..).unwrap_or_default(), start + from, None, insert);
    }

    /// `add element [FAMILY] TABLE SET { … }`.
    fn element_command(&mut self, item: &'a str, start: usize) {
        let mut toks = Vec::new();
        tokens(item, &mut toks);
        let at = self.at(item, start);
        let skip = toks.iter().position(|t| t.is_word("element")).map_or(0, |i| i + 1);
        let names: Vec<&str> = toks.iter().skip(skip).take(3).map(|t| t.text).collect();
        let Some((family, [table, name, ..])) = family_and(&names) else {
            return self.lost(item, start, "elements of no set");
        };
        let table = self.b.table(family, table, at);
        let name = self.b.name(name);
        let (key, data) =
            self.b.ruleset.set(table, &name).map_or_else(Default::default, |s| (s.key.kinds, s.data.as_ref().map(|d| d.kinds)));
        let line = self.line_of(start);
        let mut cursor = Cursor::new(item, &toks, &mut self.b.names, (start, line));
        cursor.i = skip + 2 + usize::from(NftFamily::of(names[0]).is_some());
        match cursor.elems(&key, data.as_ref()) {
            Ok(elems) => self.b.set(Set::implied(at, table, name, elems)),
            Err(why) => self.lost(item, start, why),
        }
    }

    fn in_table(&mut self, table: TableId, item: &'a str, start: usize) {
        let mut toks = Vec::new();
        tokens(item, &mut toks);
        match toks.first() {
            Some(first) if first.is("#") => self.note(item, start),
            Some(first) if first.is_word("flags") => {
                for tok in toks.iter().skip(1).filter(|t| t.kind == TokKind::Word) {
                    let flag = self.b.table_flag(tok.text);
                    if let Some(table) = self.b.table_mut(table) {
                        table.flags.push(flag);
                    }
                }
            }
            Some(first) if first.is_word("comment") && toks.len() > 1 => {
                let comment = self.b.name(toks[1].text);
                if let Some(table) = self.b.table_mut(table) {
                    table.comment = Some(comment);
                }
            }
            _ => self.lost(item, start, "not a part of a table"),
        }
    }
}
