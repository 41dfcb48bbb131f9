//! Expressions of the text form, by recursive descent over the words of an item.

use super::lex::{Kind as TokKind, Tok};
use crate::parse::nft::expr::{
    Base, BinOp, Ct, CtKey, Elem, ElemExtra, Expr, Fib, FibFlags, FibResult, Header, HeaderKind, Ipsec, Jhash, Lookup, MetaKey,
    Name, RtKey, Socket, Value,
};
use crate::parse::nft::fields;
use crate::parse::nft::kind::{Kind, Kinds};
use crate::parse::nft::record::{NftFamily, Verdict};
use crate::parse::nft::value::{Names, coerce, duration_ms, fold_list, guess, int, typed};
use crate::source::At;

/// Why something was not understood.
pub(super) type Read<T> = Result<T, &'static str>;

/// How deep braces and parentheses may nest; nft itself needs three.
const DEPTH: u8 = 24;

/// The keys of `meta` that stand without the word (nft(8), "meta expression", unqualified).
const BARE_META: &[&str] = &[
    "iif",
    "oif",
    "iifname",
    "oifname",
    "iiftype",
    "oiftype",
    "iifgroup",
    "oifgroup",
    "mark",
    "skuid",
    "skgid",
    "nftrace",
    "rtclassid",
    "ibriport",
    "obriport",
    "ibrname",
    "obrname",
    "pkttype",
    "cpu",
    "cgroup",
];

/// A cursor over the words of one item.
pub(super) struct Cursor<'a, 'n> {
    pub(super) item: &'a str,
    pub(super) toks: &'n [Tok<'a>],
    pub(super) i: usize,
    pub(super) names: &'n mut Names,
    pub(super) family: Option<NftFamily>,
    /// Offset and line of the item in the text.
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
            && raw_payload(word).is_none()
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

    /// A field, or what the kernel knows, or a number from a generator.
    pub(super) fn selector(&mut self) -> Read<Expr> {
        let before = self.i;
        let got = self.nested(Self::selector_word);
        if got.is_err() {
            self.i = before;
        }
        got
    }

    fn selector_word(&mut self) -> Read<Expr> {
        let Some(tok) = self.peek().filter(|t| t.kind == TokKind::Word).copied() else { return Err("a field is missing") };
        self.i += 1;
        Ok(match tok.text {
            "meta" => {
                let key = self.word()?;
                Expr::Meta(MetaKey::of(key).ok_or("an unknown key of meta")?)
            }
            "ct" => self.ct()?,
            "fib" => self.fib()?,
            "numgen" => {
                let random = match self.word()? {
                    "random" => true,
                    "inc" => false,
                    _ => return Err("an unknown mode of numgen"),
                };
                let (modulus, offset) = self.modulus()?;
                Expr::Numgen { random, modulus, offset }
            }
            "symhash" => {
                let (modulus, offset) = self.modulus()?;
                Expr::Symhash { modulus, offset }
            }
            "jhash" => {
                let expr = self.left()?;
                if !self.eat("mod") {
                    return Err("a modulus is missing");
                }
                let modulus = self.small()?;
                let seed = if self.eat("seed") { Some(self.small()?) } else { None };
                let offset = if self.eat("offset") { self.small()? } else { 0 };
                Expr::Jhash(Box::new(Jhash { expr, modulus, seed, offset }))
            }
            "socket" => {
                let key = self.name()?;
                let level = if self.eat("level") { Some(self.small()?) } else { None };
                Expr::Socket(Box::new(Socket { key, level }))
            }
            "osf" => {
                let ttl = if self.eat("ttl") { Some(self.name()?) } else { None };
                Expr::Osf(Box::new((self.name()?, ttl)))
            }
            "ipsec" if self.peek().is_some_and(|t| t.is_word("in") || t.is_word("out")) => self.ipsec()?,
            "tunnel" => Expr::Tunnel(self.name()?),
            "exthdr" => {
                let name = self.name()?;
                header(HeaderKind::Exthdr, name, None)
            }
            "rt" => match self.rt()? {
                Some(rt) => rt,
                None => self.header_field(HeaderKind::Exthdr, "rt")?,
            },
            "ip" if self.eat("option") => self.option(HeaderKind::IpOption)?,
            "tcp" if self.eat("option") => self.option(HeaderKind::TcpOption)?,
            "sctp" if self.eat("chunk") => self.option(HeaderKind::SctpChunk)?,
            "dccp" if self.eat("option") => self.option(HeaderKind::DccpOption)?,
            "hbh" | "frag" | "dst" | "mh" | "srh" | "rt0" | "rt2" | "rt4" => self.header_field(HeaderKind::Exthdr, tok.text)?,
            raw if raw.starts_with('@') => raw_payload(raw).ok_or("a field is missing")?,
            bare if BARE_META.contains(&bare) => Expr::Meta(MetaKey::of(bare).ok_or("an unknown key of meta")?),
            proto => self.payload(proto)?,
        })
    }

    fn payload(&mut self, proto: &'a str) -> Read<Expr> {
        let field = self.word()?;
        if let Some(found) = fields::find(proto, field) {
            return Ok(Expr::Payload(found));
        }
        if proto == "arp" {
            let full = format!("{field} {}", self.word()?);
            return fields::find(proto, &full).map(Expr::Payload).ok_or("an unknown field");
        }
        if fields::is_tunnel(proto) && !fields::is_tunnel(field) && !fields::of_header(field).is_empty() {
            let inner = self.payload(field)?;
            return Ok(Expr::Inner(Box::new((self.names.get(proto), inner))));
        }
        Err("an unknown field")
    }

    fn modulus(&mut self) -> Read<(u32, u32)> {
        if !self.eat("mod") {
            return Err("a modulus is missing");
        }
        let modulus = self.small()?;
        let offset = if self.eat("offset") { self.small()? } else { 0 };
        Ok((modulus, offset))
    }

    fn ct(&mut self) -> Read<Expr> {
        let reply = if self.eat("original") {
            Some(false)
        } else if self.eat("reply") {
            Some(true)
        } else {
            None
        };
        let word = self.word()?;
        let key = if matches!(word, "ip" | "ip6") { CtKey::of(&format!("{word} {}", self.word()?)) } else { CtKey::of(word) };
        Ok(Expr::Ct(Ct { key: key.ok_or("an unknown key of ct")?, reply }))
    }

    fn fib(&mut self) -> Read<Expr> {
        let mut flags = FibFlags::default();
        loop {
            match self.word()? {
                "saddr" => flags.saddr = true,
                "daddr" => flags.daddr = true,
                "mark" => flags.mark = true,
                "iif" => flags.iif = true,
                "oif" => flags.oif = true,
                _ => return Err("an unknown flag of fib"),
            }
            if !self.eat(".") {
                break;
            }
        }
        let result = match self.word()? {
            "oif" => FibResult::Oif,
            "oifname" => FibResult::OifName,
            "type" => FibResult::Type,
            "check" => FibResult::Check,
            _ => return Err("an unknown result of fib"),
        };
        Ok(Expr::Fib(Fib { result, flags }))
    }

    /// The route's properties; the routing header has the same name.
    fn rt(&mut self) -> Read<Option<Expr>> {
        let family = if self.eat("ip") {
            Some(NftFamily::Ip)
        } else if self.eat("ip6") {
            Some(NftFamily::Ip6)
        } else {
            None
        };
        let key = match self.peek().map(|t| t.text) {
            Some("classid") => RtKey::ClassId,
            Some("nexthop") => RtKey::Nexthop,
            Some("mtu") => RtKey::Mtu,
            Some("ipsec") => RtKey::Ipsec,
            _ if family.is_some() => return Err("an unknown key of rt"),
            _ => return Ok(None),
        };
        self.i += 1;
        Ok(Some(Expr::Rt { key, family }))
    }

    fn ipsec(&mut self) -> Read<Expr> {
        let out = self.word()? == "out";
        let spnum = if self.eat("spnum") { self.small()? } else { 0 };
        let word = self.word()?;
        let family = if matches!(word, "ip" | "ip6") { NftFamily::of(word) } else { None };
        let key = if family.is_some() { self.name()? } else { self.names.get(word) };
        Ok(Expr::Ipsec(Box::new(Ipsec { out, spnum, key, family })))
    }

    fn header_field(&mut self, kind: HeaderKind, name: &str) -> Read<Expr> {
        let field = self.name()?;
        let name = self.names.get(name);
        Ok(header(kind, name, Some(field)))
    }

    /// `NAME [FIELD]`, or `@NUMBER,OFFSET,LENGTH`.
    fn option(&mut self, kind: HeaderKind) -> Read<Expr> {
        let word = self.word()?;
        if let Some(raw) = word.strip_prefix('@') {
            let mut parts = raw.split(',');
            let name = parts.next().unwrap_or_default();
            let mut bits = || parts.next().and_then(|p| p.parse::<u32>().ok()).ok_or("a position is missing");
            let raw = Some((bits()?, bits()?));
            let name = self.names.get(name);
            return Ok(Expr::Header(Box::new(Header { kind, name, field: None, raw: raw.filter(|r| *r != (0, 8)) })));
        }
        let name = self.names.get(word);
        let is_field = self.peek().is_some_and(|t| {
            t.kind == TokKind::Word
                && t.text.starts_with(|c: char| c.is_ascii_lowercase())
                && BinOp::of(t.text).is_none()
                && !matches!(t.text, "exists" | "missing" | "set" | "vmap" | "map")
        });
        let field = if is_field { Some(self.name()?) } else { None };
        Ok(header(kind, name, field))
    }

    /// Gives the constants of an expression a type.
    pub(super) fn typed(&mut self, expr: Expr, kinds: &Kinds) -> Expr {
        coerce(expr, kinds, self.names)
    }
}

fn header(kind: HeaderKind, name: Name, field: Option<Name>) -> Expr {
    Expr::Header(Box::new(Header { kind, name, field, raw: None }))
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

/// `@nh,8,8`.
fn raw_payload(word: &str) -> Option<Expr> {
    let mut parts = word.strip_prefix('@')?.split(',');
    let base = Base::of(parts.next()?)?;
    let offset = parts.next()?.parse().ok()?;
    let len = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(Expr::PayloadRaw { base, offset, len })
}
