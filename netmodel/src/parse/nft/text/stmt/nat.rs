//! Statements that lead a packet elsewhere: translation of addresses, and the transparent proxy.

use crate::parse::nft::expr::{Expr, Value};
use crate::parse::nft::kind::{Kind, Kinds};
use crate::parse::nft::record::NftFamily;
use crate::parse::nft::stmt::{Nat, NatKind, Stmt, Tproxy};
use crate::parse::nft::text::expr::{Cursor, Read};
use crate::parse::nft::text::lex::Kind as TokKind;
use crate::parse::nft::value::int;

impl Cursor<'_, '_> {
    pub(super) fn nat(&mut self, kind: NatKind) -> Read<Stmt> {
        self.i += 1;
        let mut nat = Nat {
            kind,
            family: None,
            addr: None,
            port: None,
            random: false,
            fully_random: false,
            persistent: false,
            prefix: false,
            other: Vec::new(),
        };
        // `dnat [ip|ip6] [prefix] [addr . port] [interval] to …`
        loop {
            if self.eat("ip") {
                nat.family = Some(NftFamily::Ip);
            } else if self.eat("ip6") {
                nat.family = Some(NftFamily::Ip6);
            } else if self.eat("prefix") {
                nat.prefix = true;
            } else if !(self.eat("interval") || self.eat("addr") || self.eat(".") || self.eat("port")) {
                break;
            }
        }
        if self.eat("to") {
            (nat.addr, nat.port) = self.endpoint()?;
        }
        while let Some(flag) = self.peek().filter(|t| t.kind == TokKind::Word).map(|t| t.text) {
            match flag {
                "random" => nat.random = true,
                "fully-random" => nat.fully_random = true,
                "persistent" => nat.persistent = true,
                _ => break,
            }
            self.i += 1;
            let _ = self.eat_sign(",");
        }
        Ok(Stmt::Nat(Box::new(nat)))
    }

    /// `ADDR`, `ADDR:PORT`, `:PORT`, each a value, a range or an expression.
    fn endpoint(&mut self) -> Read<(Option<Expr>, Option<Expr>)> {
        let Some(tok) = self.peek().copied() else { return Err("an address is missing") };
        let port_kinds = Kinds::one(Kind::Port);
        if tok.is(":") {
            self.i += 1;
            return Ok((None, Some(self.right(&port_kinds, &port_kinds)?)));
        }
        let split = (tok.kind == TokKind::Word).then(|| split_port(tok.text)).flatten();
        let (addr, mut port) = match split {
            Some((addr, port)) => {
                self.i += 1;
                (addresses(addr).ok_or("an address is missing")?, port.map(ports).transpose()?)
            }
            None => (self.right(&Kinds::default(), &Kinds::default())?, None),
        };
        if port.is_none() && self.eat_sign(":") {
            port = Some(self.right(&port_kinds, &port_kinds)?);
        }
        Ok((Some(addr), port))
    }

    pub(super) fn tproxy(&mut self) -> Read<Stmt> {
        self.i += 1;
        let mut tproxy = Tproxy::default();
        if self.eat("ip") {
            tproxy.family = Some(NftFamily::Ip);
        } else if self.eat("ip6") {
            tproxy.family = Some(NftFamily::Ip6);
        }
        if self.eat("to") {
            (tproxy.addr, tproxy.port) = self.endpoint()?;
        }
        Ok(Stmt::Tproxy(Box::new(tproxy)))
    }
}

/// Address and port of one word: `10.0.0.1`, `10.0.0.1:80`, `[fe80::1]:80`, ranges of each. Nothing if it is no address.
fn split_port(word: &str) -> Option<(&str, Option<&str>)> {
    if word.starts_with('[') {
        let close = word.rfind(']')?;
        let rest = word.get(close + 1..)?;
        return Some((word.get(..=close)?, rest.strip_prefix(':')));
    }
    if !word.starts_with(|c: char| c.is_ascii_hexdigit() || c == ':') {
        return None;
    }
    let split = match word.split_once(':') {
        // More than one colon is an IPv6 address.
        Some((addr, port)) if !port.contains(':') => (addr, Some(port)),
        _ => (word, None),
    };
    addresses(split.0).is_some().then_some(split)
}

/// One address, a prefix, or a range.
fn addresses(word: &str) -> Option<Expr> {
    let one = |text: &str| -> Option<Value> {
        let text = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(net) = text.parse::<ipnet::IpNet>() {
            return Some(Value::Prefix(net));
        }
        text.parse().ok().map(Value::Addr)
    };
    if let Some(value) = one(word) {
        return Some(Expr::Value(value));
    }
    let (low, high) = word.split_once('-')?;
    Some(Expr::Range(Box::new((one(low)?, one(high)?))))
}

/// One port or a range.
fn ports(word: &str) -> Read<Expr> {
    let one = |text: &str| int(text).or_else(|| Kind::Port.symbol(text)).map(Value::Number);
    if let Some(value) = one(word) {
        return Ok(Expr::Value(value));
    }
    let ends = word.split_once('-').and_then(|(low, high)| one(low).zip(one(high)));
    ends.map(|ends| Expr::Range(Box::new(ends))).ok_or("a port is missing")
}
