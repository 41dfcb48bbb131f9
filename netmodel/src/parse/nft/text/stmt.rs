//! Statements of the text form.

mod nat;

use super::expr::{Cursor, Read};
use super::lex::Kind as TokKind;
use crate::parse::nft::expr::{BinOp, Expr, Value};
use crate::parse::nft::kind::{Kind, Kinds};
use crate::parse::nft::record::{Counter, NftFamily, ObjectKind};
use crate::parse::nft::stmt::{
    Dup, Fwd, Limit, Log, Meter, NatKind, Op, Per, Queue, Quota, Reject, SetOp, SetUpdate, Stmt, Synproxy, Xt, XtKind,
};
use crate::parse::nft::value::{byte_unit, duration_ms, int};

impl Cursor<'_, '_> {
    /// One statement.
    pub(super) fn stmt(&mut self) -> Read<Stmt> {
        let Some(tok) = self.peek().filter(|t| t.kind == TokKind::Word).copied() else {
            // `(…)` begins an expression.
            return self.matching();
        };
        let next = self.peek_at(1).map_or("", |t| t.text);
        match tok.text {
            "accept" | "drop" | "continue" | "return" | "jump" | "goto" => {
                self.verdict()?.map(Stmt::Verdict).ok_or("a verdict is missing")
            }
            "counter" => self.counter(),
            "quota" => self.quota_or_object(),
            "limit" => self.limit_or_object(),
            "synproxy" => self.synproxy_or_object(),
            "snat" => self.nat(NatKind::Snat),
            "dnat" => self.nat(NatKind::Dnat),
            "masquerade" => self.nat(NatKind::Masquerade),
            "redirect" => self.nat(NatKind::Redirect),
            "reject" => self.reject(),
            "log" => self.log(),
            "queue" => self.queue(),
            "notrack" => {
                self.i += 1;
                Ok(Stmt::Notrack)
            }
            "dup" => self.dup(),
            "fwd" => self.fwd(),
            "tproxy" => self.tproxy(),
            "xt" => self.xt(),
            "last" => self.last(),
            "meter" | "flow" if next != "add" && next != "offload" => self.meter(),
            "flow" => {
                self.i += 2;
                let name = self.word()?;
                Ok(Stmt::FlowAdd(self.names.get(name.trim_start_matches('@'))))
            }
            "add" | "update" | "delete" | "destroy" if next.starts_with('@') => self.set_update(),
            "set" if matches!(next, "add" | "update" | "delete") => self.set_update_old(),
            "ct" if matches!(next, "helper" | "timeout" | "expectation") && self.peek_at(2).is_some_and(|t| t.is_word("set")) => {
                self.i += 3;
                let kind = ObjectKind::of(&format!("ct {next}")).ok_or("an unknown object")?;
                let name = self.right(&Kinds::one(Kind::Text), &Kinds::one(Kind::Text))?;
                Ok(Stmt::Object(kind, name))
            }
            "ct" if next == "count" => {
                self.i += 2;
                let over = self.eat("over");
                Ok(Stmt::CtCount { count: self.small()?, over })
            }
            "meta"
                if next == "secmark"
                    && self.peek_at(2).is_some_and(|t| t.is_word("set"))
                    && self.peek_at(3).is_some_and(|t| t.kind == TokKind::Quoted) =>
            {
                self.i += 3;
                let name = self.right(&Kinds::one(Kind::Text), &Kinds::one(Kind::Text))?;
                Ok(Stmt::Object(ObjectKind::SecMark, name))
            }
            _ => self.matching(),
        }
    }

    /// A condition, a verdict map, or the setting of a property.
    fn matching(&mut self) -> Read<Stmt> {
        let left = self.left()?;
        let kinds = left.kinds();
        if self.eat("vmap") {
            return Ok(Stmt::Vmap(Box::new(self.lookup(left, &Kinds::one(Kind::Verdict))?)));
        }
        if self.eat("set") {
            let value = self.right(&kinds, &kinds)?;
            return Ok(Stmt::Set { key: left, value });
        }
        let sign = self.peek().filter(|t| t.kind == TokKind::Word).and_then(|t| Op::of(t.text)).filter(|op| *op != Op::AnyBit);
        self.i += usize::from(sign.is_some());
        let right = self.right(&kinds, &Kinds::default())?;
        // `tcp flags syn / syn,ack`: value and mask.
        if self.eat("/") {
            let mask = self.right(&kinds, &Kinds::default())?;
            return Ok(Stmt::Match { op: sign.unwrap_or(Op::Eq), left: BinOp::And.apply(left, mask), right });
        }
        let implied = if left.kind().is_bitmask()
            && !matches!(left, Expr::Binary(..))
            && !matches!(right, Expr::Set(_) | Expr::SetRef(_))
        {
            Op::AnyBit
        } else {
            Op::Eq
        };
        Ok(Stmt::Match { op: sign.unwrap_or(implied), left, right })
    }

    /// `name NAME`, where NAME may be what a map gives.
    fn object(&mut self, kind: ObjectKind) -> Read<Stmt> {
        let kinds = Kinds::one(Kind::Text);
        let name = match self.peek() {
            Some(tok) if tok.kind == TokKind::Quoted => self.right(&kinds, &kinds)?,
            _ => {
                // Without quotes in old listings; a map begins with a field.
                let before = self.i;
                match self.left() {
                    Ok(key) if self.eat("map") => Expr::Map(Box::new(self.lookup(key, &kinds)?)),
                    _ => {
                        self.i = before;
                        self.right(&kinds, &kinds)?
                    }
                }
            }
        };
        Ok(Stmt::Object(kind, name))
    }

    fn counter(&mut self) -> Read<Stmt> {
        self.i += 1;
        if self.eat("name") {
            return self.object(ObjectKind::Counter);
        }
        if self.eat("packets") {
            let packets = self.number()?;
            if !self.eat("bytes") {
                return Err("a counter without bytes");
            }
            return Ok(Stmt::Counter(Some(Counter { packets, bytes: self.number()? })));
        }
        Ok(Stmt::Counter(None))
    }

    fn quota_or_object(&mut self) -> Read<Stmt> {
        self.i += 1;
        if self.eat("name") { self.object(ObjectKind::Quota) } else { Ok(Stmt::Quota(Box::new(self.quota()?))) }
    }

    /// `[over|until] N UNIT [used N UNIT]`.
    pub(super) fn quota(&mut self) -> Read<Quota> {
        let over = self.eat("over");
        let _ = self.eat("until");
        let bytes = self.bytes()?;
        let used = if self.eat("used") { self.bytes()? } else { 0 };
        Ok(Quota { bytes, used, over })
    }

    fn bytes(&mut self) -> Read<u64> {
        let number = self.number()?;
        let unit = byte_unit(self.word()?).ok_or("a unit is missing")?;
        Ok(number.saturating_mul(unit))
    }

    fn limit_or_object(&mut self) -> Read<Stmt> {
        self.i += 1;
        if self.eat("name") { self.object(ObjectKind::Limit) } else { Ok(Stmt::Limit(Box::new(self.limit()?))) }
    }

    /// `rate [over] N/UNIT [burst N packets]` or `rate [over] N UNIT/UNIT [burst N UNIT]`.
    pub(super) fn limit(&mut self) -> Read<Limit> {
        if !self.eat("rate") {
            return Err("a rate is missing");
        }
        let over = self.eat("over");
        let _ = self.eat("until");
        let word = self.word()?;
        let (rate, bytes, per) = if let Some((rate, per)) = word.split_once('/') {
            (int(rate).ok_or("a rate is missing")?, false, per)
        } else {
            let (unit, per) = self.word()?.split_once('/').ok_or("a unit of time is missing")?;
            let factor = byte_unit(unit).ok_or("a unit is missing")?;
            (int(word).ok_or("a rate is missing")?.saturating_mul(factor), true, per)
        };
        let per = Per::of(per).ok_or("a unit of time is missing")?;
        let burst = if self.eat("burst") {
            let number = self.number()?;
            match self.word()? {
                "packets" => number,
                unit => number.saturating_mul(byte_unit(unit).ok_or("a unit is missing")?),
            }
        } else if bytes {
            0
        } else {
            5
        };
        Ok(Limit { rate, bytes, per, burst, over })
    }

    fn synproxy_or_object(&mut self) -> Read<Stmt> {
        self.i += 1;
        if self.eat("name") { self.object(ObjectKind::Synproxy) } else { Ok(Stmt::Synproxy(Box::new(self.synproxy()?))) }
    }

    /// `[mss N] [wscale N] [timestamp] [sack-perm]`.
    pub(super) fn synproxy(&mut self) -> Read<Synproxy> {
        let mut proxy = Synproxy::default();
        loop {
            if self.eat("mss") {
                proxy.mss = Some(self.small()?);
            } else if self.eat("wscale") {
                proxy.wscale = Some(self.small()?);
            } else if self.eat("timestamp") {
                proxy.timestamp = true;
            } else if self.eat("sack-perm") {
                proxy.sack_perm = true;
            } else {
                return Ok(proxy);
            }
        }
    }

    fn reject(&mut self) -> Read<Stmt> {
        self.i += 1;
        if !self.eat("with") {
            // Without a word it is the table's default, nft(8) "Reject statement".
            return Ok(Stmt::Reject(match self.family {
                Some(NftFamily::Ip) => Reject::Icmp(3),
                Some(NftFamily::Ip6) => Reject::Icmpv6(4),
                _ => Reject::Icmpx(1),
            }));
        }
        let (kind, make): (Kind, fn(u8) -> Reject) = match self.word()? {
            "tcp" => {
                let _ = self.eat("reset");
                return Ok(Stmt::Reject(Reject::TcpReset));
            }
            "icmp" => (Kind::IcmpCode, Reject::Icmp),
            "icmpv6" => (Kind::Icmpv6Code, Reject::Icmpv6),
            "icmpx" => (Kind::IcmpxCode, Reject::Icmpx),
            _ => return Err("an unknown kind of refusal"),
        };
        let _ = self.eat("type");
        let word = self.word()?;
        let code = kind.symbol(word).or_else(|| int(word)).and_then(|code| u8::try_from(code).ok());
        Ok(Stmt::Reject(code.map_or(Reject::Unknown, make)))
    }

    fn log(&mut self) -> Read<Stmt> {
        self.i += 1;
        let mut log = Log::default();
        loop {
            if self.eat("prefix") {
                log.prefix = Some(self.name()?);
            } else if self.eat("group") {
                log.group = Some(self.small()?);
            } else if self.eat("snaplen") {
                log.snaplen = Some(self.small()?);
            } else if self.eat("queue-threshold") {
                log.queue_threshold = Some(self.small()?);
            } else if self.eat("level") {
                log.level = Some(self.name()?);
            } else if self.eat("flags") {
                self.log_flags(&mut log)?;
            } else {
                return Ok(Stmt::Log(Box::new(log)));
            }
        }
    }

    /// `all`, `tcp sequence,options`, `ip options`, `skuid`, `ether`.
    fn log_flags(&mut self, log: &mut Log) -> Read<()> {
        let header = self.word()?;
        if !matches!(header, "tcp" | "ip") {
            log.flags.push(self.names.get(header));
            return Ok(());
        }
        loop {
            let flag = self.word()?;
            log.flags.push(self.names.get(&format!("{header} {flag}")));
            if !self.eat_sign(",") {
                return Ok(());
            }
        }
    }

    fn queue(&mut self) -> Read<Stmt> {
        self.i += 1;
        let mut queue = Queue::default();
        loop {
            if self.eat("num") || self.eat("to") {
                queue.num = Some(self.right(&Kinds::one(Kind::Integer), &Kinds::one(Kind::Integer))?);
            } else if self.eat("bypass") {
                queue.bypass = true;
            } else if self.eat("fanout") {
                queue.fanout = true;
            } else if !(self.eat("flags") || self.eat_sign(",")) {
                return Ok(Stmt::Queue(Box::new(queue)));
            }
        }
    }

    fn dup(&mut self) -> Read<Stmt> {
        self.i += 1;
        let mut dup = Dup::default();
        if self.eat("to") {
            dup.addr = Some(self.host()?);
        }
        if self.eat("device") {
            dup.dev = Some(self.right(&Kinds::one(Kind::Iface), &Kinds::one(Kind::Iface))?);
        }
        Ok(Stmt::Dup(Box::new(dup)))
    }

    fn fwd(&mut self) -> Read<Stmt> {
        self.i += 1;
        let mut fwd = Fwd::default();
        if self.eat("ip") {
            fwd.family = Some(NftFamily::Ip);
        } else if self.eat("ip6") {
            fwd.family = Some(NftFamily::Ip6);
        }
        if !self.eat("to") {
            return Err("a device is missing");
        }
        if fwd.family.is_some() {
            fwd.addr = Some(self.host()?);
            if self.eat("device") {
                fwd.dev = Some(self.right(&Kinds::one(Kind::Iface), &Kinds::one(Kind::Iface))?);
            }
        } else {
            fwd.dev = Some(self.right(&Kinds::one(Kind::Iface), &Kinds::one(Kind::Iface))?);
        }
        Ok(Stmt::Fwd(Box::new(fwd)))
    }

    /// An address, or the name of an interface.
    fn host(&mut self) -> Read<Expr> {
        let host = self.right(&Kinds::default(), &Kinds::default())?;
        Ok(match host {
            Expr::Value(Value::Symbol(_)) => self.typed(host, &Kinds::one(Kind::Iface)),
            other => other,
        })
    }

    fn xt(&mut self) -> Read<Stmt> {
        self.i += 1;
        let kind = match self.word()? {
            "match" => XtKind::Match,
            "target" => XtKind::Target,
            "watcher" => XtKind::Watcher,
            _ => return Err("an unknown kind of extension"),
        };
        Ok(Stmt::Xt(Xt { kind, name: Some(self.name()?), text: None }))
    }

    fn last(&mut self) -> Read<Stmt> {
        self.i += 1;
        if !self.eat("used") || self.eat("never") {
            return Ok(Stmt::Last(None));
        }
        Ok(Stmt::Last(duration_ms(self.word()?)))
    }

    /// `meter NAME [size N] { KEY STATEMENT }`, `flow table NAME { … }` in the oldest.
    fn meter(&mut self) -> Read<Stmt> {
        self.i += 1;
        let _ = self.eat("table");
        let name = self.name()?;
        let size = if self.eat("size") { Some(self.number()?) } else { None };
        let elem = self.braced_elem()?;
        Ok(Stmt::Meter(Box::new(Meter { name, size, elem })))
    }

    fn braced_elem(&mut self) -> Read<crate::parse::nft::expr::Elem> {
        if !self.eat_sign("{") {
            return Err("a brace is missing");
        }
        let elem = self.elem(&Kinds::default(), None)?;
        if self.eat_sign("}") { Ok(elem) } else { Err("an element does not end") }
    }

    fn set_update(&mut self) -> Read<Stmt> {
        let op = match self.word()? {
            "add" => SetOp::Add,
            "update" => SetOp::Update,
            _ => SetOp::Delete,
        };
        let name = self.word()?;
        let set = self.names.get(name.trim_start_matches('@'));
        let elem = self.braced_elem()?;
        Ok(Stmt::SetUpdate(Box::new(SetUpdate { op, set, elem })))
    }

    /// `set add KEY @NAME`, before 0.8.
    fn set_update_old(&mut self) -> Read<Stmt> {
        self.i += 1;
        let op = match self.word()? {
            "add" => SetOp::Add,
            "update" => SetOp::Update,
            _ => SetOp::Delete,
        };
        let elem = self.elem(&Kinds::default(), None)?;
        let set = self.word()?.strip_prefix('@').ok_or("the name of a set is missing")?;
        let set = self.names.get(set);
        Ok(Stmt::SetUpdate(Box::new(SetUpdate { op, set, elem })))
    }
}
