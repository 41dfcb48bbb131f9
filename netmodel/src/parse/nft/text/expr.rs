//! Expressions of the text form, by recursive descent over the words of an item.

mod selector;

use super::lex::{Kind as TokKind, Tok};
use crate::parse::nft::expr::{BinOp, Elem, ElemExtra, Expr, Lookup, Name, Value};
use crate::parse::nft::kind::{Kind, Kinds};
use crate::parse::nft::record::{NftFamily, Verdict};
use crate::parse::nft::value::{Names, coerce, duration_ms, fold_list, guess, int, typed};
use crate::source::At;

/// Why something was not understood.
pub(super) type Read<T> = Result<T, &'static str>;

/// How deep braces and parentheses may nest; nft itself needs three.
const DEPTH: u8 = 24;

/// A cursor over the words of one item.
pub(super) struct Cursor<'a, 'n> {
    pub(super) item: &'a str,
    pub(super) toks: &'n [Tok<'a>],
    pub(super) i: usize,
    pub(super) names: &'n mut Names,
    pub(super) family: Option<NftFamily>,
    /// Offset and line of the item in the text; line 0 where it stands in a string of JSON, and has no place in the text.
    pub(super) base: (usize, u32),
    depth: u8,
    counted: (usize, u32),
}

impl<'a, 'n> Cursor<'a, 'n> {
    pub(super) fn new(item: &'a str, toks: &'n [Tok<'a>], names: &'n mut Names, base: (usize, u32)) -> Self {
        Self { item, toks, i: 0, names, family: None, base, depth: 0, counted: (0, 0) }
    }

    pub(super) fn peek(&self) -> Option<&Tok<'a>> {
        self.toks.get(self.i)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&Tok<'a>> {
        self.toks.get(self.i + ahead)
    }

    pub(super) fn eat(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|t| t.is_word(word));
        self.i += usize::from(found);
        found
    }

    pub(super) fn eat_sign(&mut self, sign: &str) -> bool {
        let found = self.peek().is_some_and(|t| t.is(sign));
        self.i += usize::from(found);
        found
    }

    /// The next word, quoted or not.
    pub(super) fn word(&mut self) -> Read<&'a str> {
        match self.peek() {
            Some(tok) if tok.kind != TokKind::Sign => {
                let text = tok.text;
                self.i += 1;
                Ok(text)
            }
            _ => Err("a word is missing"),
        }
    }

    pub(super) fn number(&mut self) -> Read<u64> {
        int(self.word()?).ok_or("a number is missing")
    }

    pub(super) fn small(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| "a number is too big")
    }

    pub(super) fn name(&mut self) -> Read<Name> {
        let word = self.word()?;
        Ok(self.names.get(word))
    }

    /// Position of some words in the text.
    pub(super) fn at(&mut self, first: usize, behind: usize) -> At {
        if self.base.1 == 0 {
            return At::default();
        }
        let start = self.toks.get(first).map_or(0, |t| t.start);
        let end = self.toks.get(behind.saturating_sub(1)).map_or(start, |t| t.end).max(start);
        if start > self.counted.0 {
            let newlines = memchr::memchr_iter(b'\n', &self.item.as_bytes()[self.counted.0..start]).count();
            self.counted = (start, self.counted.1.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX)));
        }
        let offset = |at: usize| u32::try_from(self.base.0 + at).unwrap_or(u32::MAX);
        At { line: self.base.1.saturating_add(self.counted.1), start: offset(start), end: offset(end) }
    }

    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEPTH {
            return Err("it is nested too deeply");
        }
        self.depth += 1;
        let got = f(self);
        self.depth -= 1;
        got
    }

    /// What a rule looks at: fields side by side, combined with bits.
    pub(super) fn left(&mut self) -> Read<Expr> {
        let mut parts = vec![self.left_part()?];
        while self.eat(".") {
            parts.push(self.left_part()?);
        }
        Ok(concat(parts))
    }

    fn left_part(&mut self) -> Read<Expr> {
        let first = if self.eat_sign("(") {
            let inner = self.nested(Self::left_part)?;
            if !self.eat_sign(")") {
                return Err("a parenthesis is not closed");
            }
            inner
        } else {
            self.selector()?
        };
        let kind = first.kind();
        self.binary(first, kind, 0)
    }

    /// Goes on with operators that bind more strongly than `above`.
    fn binary(&mut self, mut left: Expr, kind: Kind, above: u8) -> Read<Expr> {
        while let Some(op) = self.peek().filter(|t| t.kind == TokKind::Word).and_then(|t| BinOp::of(t.text)) {
            if op.binds() <= above {
                break;
            }
            self.i += 1;
            let kind = if matches!(op, BinOp::Shl | BinOp::Shr) { Kind::Integer } else { kind };
            let right = self.operand(kind)?;
            let right = self.nested(|c| c.binary(right, kind, op.binds()))?;
            left = op.apply(left, right);
        }
        Ok(left)
    }

    /// A value, or an expression in parentheses, or a field.
    fn operand(&mut self, kind: Kind) -> Read<Expr> {
        let Some(tok) = self.peek().copied() else { return Err("a value is missing") };
        match tok.kind {
            TokKind::Sign if tok.text == "(" => {
                self.i += 1;
                let inner = self.nested(|c| {
                    let first = c.operand(kind)?;
                    c.binary(first, kind, 0)
                })?;
                // `(fin,syn)` is written by people.
                let inner = self.list(inner, kind)?;
                if self.eat_sign(")") { Ok(inner) } else { Err("a parenthesis is not closed") }
            }
            TokKind::Sign => Err("a value is missing"),
            TokKind::Quoted => {
                self.i += 1;
                let value = typed(kind, tok.text, true, self.names);
                if self.peek().is_some_and(|t| t.is_word("-") && t.start == tok.end)
                    && self.peek_at(1).is_some_and(|t| t.kind == TokKind::Quoted)
                {
                    self.i += 1;
                    let high = self.word()?;
                    let high = typed(kind, high, true, self.names);
                    return Ok(Expr::Range(Box::new((value, high))));
                }
                Ok(Expr::Value(value))
            }
            TokKind::Word => self.operand_word(tok.text, kind),
        }
    }

    fn operand_word(&mut self, word: &'a str, kind: Kind) -> Read<Expr> {
        if word == "*" {
            self.i += 1;
            return Ok(Expr::Any);
        }
        if let Some(name) = word.strip_prefix('@')
            && selector::raw_payload(word).is_none()
        {
            self.i += 1;
            return Ok(Expr::SetRef(self.names.get(name)));
        }
        if kind != Kind::Unknown
            && let Some(value) = self.value_of(word, kind)
        {
            self.i += 1;
            return Ok(value);
        }
        let before = self.i;
        if let Ok(field) = self.selector() {
            return Ok(field);
        }
        self.i = before + 1;
        match self.value_of(word, kind) {
            Some(value) => Ok(value),
            None if BinOp::of(word).is_some() || matches!(word, "." | "=" | "==" | "!=" | "/" | "-") => {
                self.i = before;
                Err("a value is missing")
            }
            None => Ok(Expr::Value(Value::Symbol(self.names.get(word)))),
        }
    }

    /// A word as a value or a range of values; nothing if it is neither.
    fn value_of(&mut self, word: &str, kind: Kind) -> Option<Expr> {
        let one = |text: &str, names: &mut Names| match kind {
            Kind::Unknown => guess(text, names),
            kind => typed(kind, text, false, names),
        };
        match one(word, self.names) {
            Value::Symbol(_) => {}
            value => return Some(Expr::Value(value)),
        }
        for (at, _) in word.match_indices('-').filter(|(at, _)| *at > 0) {
            let (low, high) = (one(&word[..at], self.names), one(&word[at + 1..], self.names));
            if !matches!(low, Value::Symbol(_)) && !matches!(high, Value::Symbol(_)) {
                return Some(Expr::Range(Box::new((low, high))));
            }
        }
        None
    }

    /// Words separated by commas, outside of sets: flags.
    fn list(&mut self, first: Expr, kind: Kind) -> Read<Expr> {
        if !self.peek().is_some_and(|t| t.is(",")) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.eat_sign(",") {
            parts.push(self.operand(kind)?);
        }
        Ok(fold_list(parts.into(), kind))
    }

    /// What something is compared with or set to: a set, or values side by side, or fields, or what a map gives for them.
    pub(super) fn right(&mut self, kinds: &Kinds, data: &Kinds) -> Read<Expr> {
        if self.peek().is_some_and(|t| t.is("{")) {
            return self.set(kinds, None);
        }
        let value = self.concat(kinds)?;
        if self.eat("map") {
            return Ok(Expr::Map(Box::new(self.lookup(value, data)?)));
        }
        self.list(value, kinds.first())
    }

    /// The rest of `key map data`.
    pub(super) fn lookup(&mut self, key: Expr, data: &Kinds) -> Read<Lookup> {
        let kinds = key.kinds();
        let found = if self.peek().is_some_and(|t| t.is("{")) { self.set(&kinds, Some(data))? } else { self.set_name()? };
        Ok(Lookup { key, data: found })
    }

    fn set_name(&mut self) -> Read<Expr> {
        let name = self.word()?.strip_prefix('@').ok_or("the name of a set is missing")?;
        Ok(Expr::SetRef(self.names.get(name)))
    }

    fn concat(&mut self, kinds: &Kinds) -> Read<Expr> {
        let mut parts = Vec::new();
        loop {
            let kind = kinds.get(parts.len());
            let first = self.operand(kind)?;
            parts.push(self.binary(first, kind, 0)?);
            if !self.eat(".") {
                return Ok(concat(parts));
            }
        }
    }

    /// `{ … }`.
    pub(super) fn set(&mut self, kinds: &Kinds, data: Option<&Kinds>) -> Read<Expr> {
        Ok(Expr::Set(self.elems(kinds, data)?.into()))
    }

    /// The elements between braces.
    pub(super) fn elems(&mut self, kinds: &Kinds, data: Option<&Kinds>) -> Read<Vec<Elem>> {
        if !self.eat_sign("{") {
            return Err("a brace is missing");
        }
        self.nested(|c| {
            let mut elems = Vec::new();
            loop {
                while c.eat_sign(",") {}
                if c.eat_sign("}") {
                    return Ok(elems);
                }
                elems.push(c.elem(kinds, data)?);
                if !c.peek().is_some_and(|t| t.is(",") || t.is("}")) {
                    return Err("an element does not end");
                }
            }
        })
    }

    /// One element: key, what stands at it, data.
    pub(super) fn elem(&mut self, kinds: &Kinds, data: Option<&Kinds>) -> Read<Elem> {
        let first = self.i;
        let key = self.concat(kinds)?;
        let mut extra = ElemExtra::default();
        loop {
            if self.eat("timeout") {
                extra.timeout = Some(duration_ms(self.word()?).ok_or("a duration is missing")?);
            } else if self.eat("expires") {
                extra.expires = Some(duration_ms(self.word()?).ok_or("a duration is missing")?);
            } else if self.eat("comment") {
                extra.comment = Some(self.name()?);
            } else if self.peek().is_some_and(|t| ["counter", "limit", "quota", "last", "ct"].iter().any(|w| t.is_word(w))) {
                extra.stmts.push(self.stmt()?);
            } else {
                break;
            }
        }
        let data = if self.eat_sign(":") { Some(self.data(data)?) } else { None };
        let at = self.at(first, self.i);
        Ok(Elem { key, data, extra: (extra != ElemExtra::default()).then(|| Box::new(extra)), at })
    }

    fn data(&mut self, kinds: Option<&Kinds>) -> Read<Expr> {
        if let Some(verdict) = self.verdict()? {
            return Ok(Expr::Verdict(verdict));
        }
        let kinds = kinds.copied().unwrap_or_default();
        self.concat(&kinds)
    }

    /// A verdict, if one comes.
    pub(super) fn verdict(&mut self) -> Read<Option<Verdict>> {
        let Some(tok) = self.peek().filter(|t| t.kind == TokKind::Word) else { return Ok(None) };
        let verdict = match tok.text {
            "accept" => Verdict::Accept,
            "drop" => Verdict::Drop,
            "continue" => Verdict::Continue,
            "return" => Verdict::Return,
            "queue" => Verdict::Queue,
            "jump" | "goto" => {
                let jump = tok.text == "jump";
                self.i += 1;
                let name = self.name()?;
                return Ok(Some(if jump { Verdict::Jump(name) } else { Verdict::Goto(name) }));
            }
            _ => return Ok(None),
        };
        self.i += 1;
        Ok(Some(verdict))
    }

    /// Gives the constants of an expression a type.
    pub(super) fn typed(&mut self, expr: Expr, kinds: &Kinds) -> Expr {
        coerce(expr, kinds, self.names)
    }
}

fn concat(mut parts: Vec<Expr>) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            Expr::Concat(parts.into())
        }
    }
}
