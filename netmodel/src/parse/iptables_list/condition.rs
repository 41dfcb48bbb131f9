//! What matches print of themselves behind the columns, one function call a match. Forms of iptables 1.4 to 1.8.

use super::extra::Extra;
use super::names;
use crate::parse::iptables::{Compare, End, Iface, IfaceLimit, MatchKind, build, protocol_number};

/// Reads the next match. `None` where it is not known; what was taken then is put back by the caller.
pub(super) fn read(x: &mut Extra<'_, '_>) -> Option<()> {
    let begin = x.rest;
    let negated = x.take_if("!");
    let first = x.take()?;
    match first {
        "ctstate" | "state" => {
            let kind = build::ct_states(x.take()?).map(MatchKind::CtState);
            x.add(begin, kind, negated);
        }
        "ctstatus" => {
            let kind = build::ct_statuses(x.take()?).map(MatchKind::CtStatus);
            x.add(begin, kind, negated);
        }
        "ctproto" => {
            let kind = protocol_number(x.take()?).map(MatchKind::CtProto);
            x.add(begin, kind, negated);
        }
        "ctorigsrc" | "ctorigdst" | "ctreplsrc" | "ctrepldst" => {
            let (reply, end) = (first.starts_with("ctrepl"), end_of(first.ends_with("src")));
            let kind = build::net(x.take()?).map(|net| MatchKind::CtAddr { reply, end, net });
            x.add(begin, kind, negated);
        }
        "ctorigsrcport" | "ctorigdstport" | "ctreplsrcport" | "ctrepldstport" => {
            let (reply, end) = (first.starts_with("ctrepl"), end_of(first.ends_with("srcport")));
            let kind = names::ports(x.take()?).map(|ports| MatchKind::CtPort { reply, end, ports });
            x.add(begin, kind, negated);
        }
        "ctdir" => {
            let kind = match x.take()? {
                "ORIGINAL" => Some(MatchKind::CtDirReply(false)),
                "REPLY" => Some(MatchKind::CtDirReply(true)),
                _ => None,
            };
            x.add(begin, kind, negated);
        }
        "mark" | "MARK" | "connmark" | "CONNMARK" => {
            x.take_if("match").then_some(())?;
            let turned = x.take_if("!");
            let (glued, mark) = bang(x.take()?);
            let (negated, mark) = (negated ^ turned ^ glued, build::mark(mark));
            let kind = if first.ends_with("nmark") || first.starts_with("CONN") { MatchKind::ConnMark } else { MatchKind::Mark };
            x.add(begin, mark.map(kind), negated);
        }
        "match-set" | "set" => set(x, begin, negated)?,
        "ADDRTYPE" => addrtype(x)?,
        "statistic" => statistic(x, begin)?,
        "multiport" => multiport(x, begin, negated)?,
        "PHYSDEV" => physdev(x)?,
        "recent:" => recent(x, begin, negated)?,
        "limit:" => limit(x, begin)?,
        "tcp" | "udp" | "udplite" | "sctp" | "dccp" => ports(x, begin)?,
        "icmp" | "icmptype" | "icmpv6" | "icmpv6type" | "ipv6-icmp" | "ipv6-icmptype" => icmp(x, begin, first)?,
        "length" => {
            let (turned, range) = bang(x.take()?);
            let kind = range.split_once(':').unwrap_or((range, range));
            let kind = kind.0.parse().ok().zip(kind.1.parse().ok()).map(|(a, b)| MatchKind::Length(a, b));
            x.add(begin, kind, negated ^ turned);
        }
        "TTL" | "HL" => {
            (x.take_if("match") && x.take_if(first)).then_some(())?;
            let (op, turned) = match x.take()? {
                "==" => (Compare::Eq, false),
                "!=" => (Compare::Eq, true),
                "<" => (Compare::Lt, false),
                ">" => (Compare::Gt, false),
                _ => return None,
            };
            let kind = x.take()?.parse().ok().map(|value| MatchKind::Ttl { op, value });
            x.add(begin, kind, negated ^ turned);
        }
        "DSCP" => {
            x.take_if("match").then_some(())?;
            let (turned, value) = bang(x.take()?);
            let kind = build::number(value).and_then(|n| u8::try_from(n).ok()).map(MatchKind::Dscp);
            x.add(begin, kind, negated ^ turned);
        }
        "source" | "destination" => {
            (x.take_if("IP") && x.take_if("range")).then_some(())?;
            let turned = x.take_if("!");
            let range = build::addr_range(x.take()?);
            let end = end_of(first == "source");
            x.add(begin, range.map(|(first, last)| MatchKind::IpRange { end, first, last }), negated ^ turned);
        }
        "MAC" => {
            let turned = x.take_if("!");
            let kind = build::mac(x.take()?).map(MatchKind::MacSource);
            x.add(begin, kind, negated ^ turned);
        }
        "PKTTYPE" => {
            let turned = match x.take()? {
                "=" => false,
                "!=" => true,
                _ => return None,
            };
            let value = x.take()?;
            let kind = x.ext("pkttype", &[("--pkt-type", value, value)]);
            // Options of extensions have a negation of their own.
            if negated ^ turned {
                x.options.iter_mut().rev().take(usize::from(kind.is_some())).for_each(|o| o.negated = true);
            }
            x.add(begin, kind, false);
        }
        "rpfilter" => rpfilter(x, begin),
        "socket" => {
            let mut asked = Vec::new();
            for name in ["--transparent", "--nowildcard", "--restore-skmark"] {
                if let Some(word) = x.peek().filter(|w| *w == name) {
                    x.take();
                    asked.push((name, word, ""));
                }
            }
            let kind = x.ext("socket", &asked);
            x.add(begin, kind, negated);
        }
        "nfacct-name" => {
            let name = x.take()?;
            let kind = x.ext("nfacct", &[("--nfacct-name", name, name)]);
            x.add(begin, kind, negated);
        }
        _ => {
            verbatim(x, first)?;
            x.add(begin, None, negated);
        }
    }
    Some(())
}

/// Matches that make no record: takes their words.
fn verbatim(x: &mut Extra<'_, '_>, first: &str) -> Option<()> {
    let one = |x: &mut Extra<'_, '_>| {
        x.take_if("!");
        x.take().map(drop)
    };
    match first {
        "owner" => {
            match x.take()? {
                "socket" => return x.take_if("exists").then_some(()),
                "UID" | "GID" | "PID" | "SID" | "CMD" => x.take_if("match").then_some(())?,
                _ => return None,
            }
            one(x)
        }
        "ctexpire" | "cgroup" | "cpu" | "realm" | "src-group" | "dst-group" | "connlabel" => one(x),
        "helper" | "tcpmss" | "ECN" => {
            x.take_if("match").then_some(())?;
            one(x)
        }
        "quota:" => {
            x.take()?;
            x.take_if("bytes").then_some(())
        }
        "ah" | "esp" => {
            let spi = x.peek().is_some_and(|w| w.starts_with("spi"));
            if spi { x.take().map(drop) } else { Some(()) }
        }
        "tos" => {
            let glued = x.take()?;
            if glued == "match" { one(x) } else { glued.contains("match").then_some(()) }
        }
        "#conn" => (0..3).try_for_each(|_| x.take().map(drop)),
        "connbytes" => {
            x.take()?;
            while x.take_if("connbytes") {
                x.take()?;
                x.take()?;
            }
            Some(())
        }
        "cluster" => {
            while x.peek().is_some_and(|w| w.contains('=')) || x.peek() == Some("!") {
                x.take();
            }
            Some(())
        }
        "rateest" => {
            x.take_if("match").then_some(())?;
            x.take()?;
            let known = ["bps", "pps", "lt", "gt", "eq", "delta", "!", "RE"];
            let more = |w: &str| known.contains(&w) || w.starts_with(|c: char| c.is_ascii_digit());
            while x.peek().is_some_and(more) {
                x.take();
            }
            Some(())
        }
        "u32" => {
            let rest = x.rest.trim_start().strip_prefix('"')?;
            let end = rest.find('"')?;
            x.rest = rest.get(end + 1..)?;
            Some(())
        }
        _ => None,
    }
}

fn end_of(source: bool) -> End {
    if source { End::Src } else { End::Dst }
}

/// A value with the `!` that touches it.
fn bang(word: &str) -> (bool, &str) {
    word.strip_prefix('!').map_or((false, word), |value| (true, value))
}

/// `match-set NAME src,dst return-nomatch ! update-counters packets-gt 5`.
fn set<'t>(x: &mut Extra<'t, '_>, begin: &'t str, negated: bool) -> Option<()> {
    let (name, dirs) = (x.take()?, x.take()?);
    // Otherwise these are words of something else that begins with `set`.
    dirs.split(',').all(|d| matches!(d, "src" | "dst")).then_some(())?;
    let behind = x.rest;
    let mut options = false;
    loop {
        let before = x.rest;
        x.take_if("!");
        match x.peek() {
            Some("return-nomatch" | "update-counters" | "update-subcounters") => {
                x.take();
            }
            Some(w) if w.starts_with("packets-") || w.starts_with("bytes-") => {
                x.take();
                x.take()?;
            }
            _ => {
                // The `!` belongs to the next match.
                x.rest = before;
                break;
            }
        }
        options = true;
    }
    let kind = MatchKind::Set { name: x.span(name), dirs: x.span(dirs), options };
    x.add(begin, Some(kind), negated);
    if options {
        // iptables-save's record has them apart; here they stay text.
        let len = behind.len() - x.rest.len();
        x.keep(behind.get(..len).unwrap_or_default().trim(), false);
    }
    Some(())
}

/// `ADDRTYPE match src-type !UNICAST dst-type LOCAL limit-in`.
fn addrtype(x: &mut Extra<'_, '_>) -> Option<()> {
    x.take_if("match").then_some(())?;
    let first = x.conditions.len();
    let mut limit = IfaceLimit::None;
    loop {
        let begin = x.rest;
        match x.peek() {
            Some("limit-in") => limit = IfaceLimit::In,
            Some("limit-out") => limit = IfaceLimit::Out,
            Some(which @ ("src-type" | "dst-type")) => {
                x.take();
                let (negated, types) = bang(x.take()?);
                let types = build::addr_types(types)?;
                let kind = MatchKind::AddrType { end: end_of(which == "src-type"), types, limit: IfaceLimit::None };
                x.add(begin, Some(kind), negated);
                continue;
            }
            _ => break,
        }
        x.take();
    }
    for condition in x.conditions.get_mut(first..)? {
        if let MatchKind::AddrType { limit: l, .. } = &mut condition.kind {
            *l = limit;
        }
    }
    (x.conditions.len() > first).then_some(())
}

/// `statistic mode random probability 0.5`, `statistic mode nth every 3 packet 1`.
fn statistic<'t>(x: &mut Extra<'t, '_>, begin: &'t str) -> Option<()> {
    x.take_if("mode").then_some(())?;
    let mode = x.take()?;
    let negated = x.take_if("!");
    let kind = match (mode, x.take()?) {
        ("random", "probability") => MatchKind::Random(build::probability(x.take()?)?),
        ("nth", "every") => {
            let every = x.take()?.parse().ok()?;
            let packet = if x.take_if("packet") { x.take()?.parse().ok()? } else { 0 };
            MatchKind::Nth { every, packet }
        }
        _ => return None,
    };
    x.add(begin, Some(kind), negated);
    Some(())
}

/// `multiport dports 80,https`, `multiport dports  !80,443`.
fn multiport<'t>(x: &mut Extra<'t, '_>, begin: &'t str, negated: bool) -> Option<()> {
    let end = match x.take()? {
        "sports" => End::Src,
        "dports" => End::Dst,
        "ports" => End::Either,
        _ => return None,
    };
    let turned = x.take_if("!");
    let (glued, list) = bang(x.take()?);
    let ranges: Option<Vec<_>> = list.split(',').map(names::ports).collect();
    let kind = ranges.map(|ranges| {
        let first = x.ports.len();
        x.ports.extend(ranges);
        let fit = |n| u32::try_from(n).unwrap_or(u32::MAX);
        MatchKind::MultiPort { end, first: fit(first), last: fit(x.ports.len()) }
    });
    x.add(begin, kind, negated ^ turned ^ glued);
    Some(())
}

/// `PHYSDEV match --physdev-in eth0 ! --physdev-is-bridged`.
fn physdev(x: &mut Extra<'_, '_>) -> Option<()> {
    x.take_if("match").then_some(())?;
    loop {
        let begin = x.rest;
        let negated = x.take_if("!");
        let Some(option) = x.peek().filter(|w| w.starts_with("--physdev-")) else {
            x.rest = begin;
            return Some(());
        };
        x.take();
        let kind = match option {
            "--physdev-is-in" => MatchKind::PhysdevIsIn,
            "--physdev-is-out" => MatchKind::PhysdevIsOut,
            "--physdev-is-bridged" => MatchKind::PhysdevIsBridged,
            "--physdev-in" | "--physdev-out" => {
                let name = x.take()?;
                let name = iface(x, name);
                if option == "--physdev-in" { MatchKind::PhysdevIn(name) } else { MatchKind::PhysdevOut(name) }
            }
            _ => return None,
        };
        x.add(begin, Some(kind), negated);
    }
}

/// An interface's name, or the beginning of one (`cali+`).
pub(super) fn iface(x: &Extra<'_, '_>, name: &str) -> Iface {
    match name.strip_suffix('+') {
        Some(prefix) => Iface { name: x.span(prefix), wildcard: true },
        None => Iface { name: x.span(name), wildcard: false },
    }
}

/// `recent: CHECK seconds: 10800 reap name: X side: source mask: 255.255.255.255`.
fn recent<'t>(x: &mut Extra<'t, '_>, begin: &'t str, negated: bool) -> Option<()> {
    let op = x.peek()?;
    let name = match x.take()? {
        "SET" => "--set",
        "CHECK" => "--rcheck",
        "UPDATE" => "--update",
        "REMOVE" => "--remove",
        _ => return None,
    };
    let mut asked = vec![(name, op, "")];
    while let Some(word) = x.peek() {
        let name = match word {
            "seconds:" => "--seconds",
            "hit_count:" => "--hitcount",
            "mask:" => "--mask",
            "name:" => "--name",
            "side:" => "",
            "reap" => "--reap",
            "TTL-Match" => "--rttl",
            _ => break,
        };
        x.take();
        if word.ends_with(':') {
            let value = x.take()?;
            asked.push(match (name, value) {
                ("", "dest") => ("--rdest", value, ""),
                ("", _) => ("--rsource", value, ""),
                (name, value) => (name, value, value),
            });
        } else {
            asked.push((name, word, ""));
        }
    }
    let kind = x.ext("recent", &asked);
    if negated && let Some(first) = x.options.len().checked_sub(asked.len()).filter(|_| kind.is_some()) {
        x.options.get_mut(first)?.negated = true;
    }
    x.add(begin, kind, false);
    Some(())
}

/// `limit: avg 3/min burst 5`; hashlimit's `limit: up to 5/sec burst 8 mode srcip-dstport`, in old versions with `avg` too.
fn limit<'t>(x: &mut Extra<'t, '_>, begin: &'t str) -> Option<()> {
    let mut plain = match x.take()? {
        "avg" => true,
        "above" => false,
        "up" => !x.take_if("to"),
        _ => return None,
    };
    let rate = x.take()?;
    let mut burst = None;
    while let Some(
        word @ ("burst" | "mode" | "htable-size" | "htable-max" | "htable-gcinterval" | "htable-expire" | "srcmask" | "dstmask"
        | "rate-interval"),
    ) = x.peek()
    {
        x.take();
        let value = x.take()?;
        if word == "burst" { burst = Some(value) } else { plain = false }
    }
    let asked = [("--limit", rate, rate), ("--limit-burst", burst.unwrap_or_default(), burst.unwrap_or_default())];
    // iptables-save leaves out the burst that is the default (XT_LIMIT_BURST).
    let asked = if burst == Some("5") { &asked[..1] } else { &asked[..] };
    let kind = if burst.is_some() && plain { x.ext("limit", asked) } else { None };
    x.add(begin, kind, false);
    Some(())
}

/// `tcp spts:!1024:65535 dpt:80 option=8 flags:0x17/0x02`; the chunks of sctp and the types of dccp stay text.
fn ports<'t>(x: &mut Extra<'t, '_>, from: &'t str) -> Option<()> {
    let conditions = x.conditions.len();
    loop {
        let begin = x.rest;
        let part = x.peek().unwrap_or_default();
        let (name, value) = match part.find([':', '=']) {
            Some(at) => (part.get(..at)?, part.get(at + 1..)?),
            None => (part, ""),
        };
        let (negated, value) = bang(value);
        let kind = match name {
            "spt" | "spts" => names::ports(value).map(|r| MatchKind::Port(End::Src, r)),
            "dpt" | "dpts" => names::ports(value).map(|r| MatchKind::Port(End::Dst, r)),
            "option" => value.parse().ok().map(MatchKind::TcpOption),
            "flags" => flags(value),
            "any" | "all" | "only" if value.is_empty() => {
                x.take();
                None
            }
            _ if is_dccp_types(part) => None,
            _ => {
                if x.conditions.len() == conditions {
                    x.add(from, Some(MatchKind::Bare), false);
                }
                return Some(());
            }
        };
        x.take();
        x.add(begin, kind, negated);
    }
}

/// `0x17/0x02`, `SYN,ACK/SYN`.
fn flags(value: &str) -> Option<MatchKind> {
    let (mask, set) = value.split_once('/')?;
    let read = |text: &str| {
        let hex = text.starts_with("0x").then(|| build::number(text).and_then(|n| u8::try_from(n).ok()));
        hex.unwrap_or_else(|| build::tcp_flags(text))
    };
    Some(MatchKind::TcpFlags { mask: read(mask)?, set: read(set)? })
}

fn is_dccp_types(text: &str) -> bool {
    let names = ["REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID"];
    bang(text).1.split(',').all(|t| names.contains(&t) || (!t.is_empty() && t.bytes().all(|b| b.is_ascii_digit())))
}

/// `icmptype 3 code 4`, `icmp type 8`, `icmp !type 5`, `icmp echo-request`, `ipv6-icmp !redirect`, `icmptype 1 codes 0-3`.
fn icmp<'t>(x: &mut Extra<'t, '_>, begin: &'t str, first: &str) -> Option<()> {
    let (negated, word) = if first.ends_with("type") { (false, "type") } else { bang(x.take()?) };
    if word != "type" {
        let kind = build::icmp(word, x.family).map(|(kind, code)| MatchKind::Icmp { kind, code });
        x.add(begin, kind, negated);
        return Some(());
    }
    let kind = x.take()?.parse::<u8>().ok()?;
    let code = match x.peek() {
        Some("code") => {
            x.take();
            let code = x.take()?.parse().ok()?;
            (code, code)
        }
        Some("codes") => {
            x.take();
            let (from, to) = x.take()?.split_once('-')?;
            (from.parse().ok()?, to.parse().ok()?)
        }
        _ => (0, u8::MAX),
    };
    x.add(begin, Some(MatchKind::Icmp { kind, code }), negated);
    Some(())
}

fn rpfilter<'t>(x: &mut Extra<'t, '_>, begin: &'t str) {
    let mut asked = Vec::new();
    while let Some(word) = x.peek() {
        let name = match word {
            "loose" => "--loose",
            "validmark" => "--validmark",
            "accept-local" => "--accept-local",
            "invert" => "--invert",
            _ => break,
        };
        x.take();
        asked.push((name, word, ""));
    }
    let kind = x.ext("rpfilter", &asked);
    x.add(begin, kind, false);
}
