//! What an expression of the text form looks at: header fields, `meta`, `ct`, `fib`, options, hashes.

use super::{Cursor, Read};
use crate::parse::nft::expr::{
    Base, BinOp, Ct, CtKey, Expr, Fib, FibFlags, FibResult, Header, HeaderKind, Ipsec, Jhash, MetaKey, Name, RtKey, Socket,
};
use crate::parse::nft::fields;

use crate::parse::nft::record::NftFamily;
use crate::parse::nft::text::lex::Kind as TokKind;

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

impl<'a> Cursor<'a, '_> {
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
}

fn header(kind: HeaderKind, name: Name, field: Option<Name>) -> Expr {
    Expr::Header(Box::new(Header { kind, name, field, raw: None }))
}

/// `@nh,8,8`.
pub(super) fn raw_payload(word: &str) -> Option<Expr> {
    let mut parts = word.strip_prefix('@')?.split(',');
    let base = Base::of(parts.next()?)?;
    let offset = parts.next()?.parse().ok()?;
    let len = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(Expr::PayloadRaw { base, offset, len })
}
