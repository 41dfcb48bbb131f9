//! The options that most rules have: those of the rule itself, of tcp, udp, conntrack, mark and their like, each with a record of its
//! own.

use super::option::Opt;
use super::record::{Compare, End, Iface, IfaceLimit, Match, MatchKind, Net, Span};
use super::rule::{Conditions, Read};
use super::token::{Word, span};
use super::{icmp, matches, value};
use crate::family::Family;

impl<'t> Conditions<'t, '_> {
    /// The value of an option; the old form puts the `!` before it.
    fn value(&mut self, negated: &mut bool) -> Option<Word<'t>> {
        let word = self.words.next()?;
        if word.is_not() {
            *negated = !*negated;
            return self.words.next();
        }
        Some(word)
    }

    /// An option whose name was taken.
    pub(super) fn common(&mut self, option: Word<'t>, negated: &mut bool) -> Read {
        let port = |end, w: Option<Word<'t>>| w.and_then(|w| value::ports(w.text, ':')).map(|p| MatchKind::Port(end, p)).into();
        match option.text.as_bytes() {
            b"-s" | b"--source" | b"--src" => self.net(negated, MatchKind::Source),
            b"-d" | b"--destination" | b"--dst" => self.net(negated, MatchKind::Destination),
            b"-i" | b"--in-interface" => self.iface(negated, MatchKind::InIface),
            b"-o" | b"--out-interface" => self.iface(negated, MatchKind::OutIface),
            b"-p" | b"--protocol" | b"--proto" => {
                self.value(negated).and_then(|w| value::protocol(w.text)).map(MatchKind::Protocol).into()
            }
            b"-f" | b"--fragment" => Read::Done(MatchKind::Fragment),
            b"--comment" => self.words.next().map(|w| MatchKind::Comment(w.span)).into(),
            b"--dport" | b"--destination-port" => port(End::Dst, self.value(negated)),
            b"--sport" | b"--source-port" => port(End::Src, self.value(negated)),
            b"--mark" => {
                let mark = self.value(negated).and_then(|w| value::mark(w.text));
                let connmark = self.module.is_some_and(|m| m.text == "connmark");
                mark.map(|m| if connmark { MatchKind::ConnMark(m) } else { MatchKind::Mark(m) }).into()
            }
            b"--ctstate" | b"--state" => {
                self.value(negated).and_then(|w| value::ct_states(w.text)).map(MatchKind::CtState).into()
            }
            b"--sports" | b"--source-ports" => self.multiport(End::Src, negated),
            b"--dports" | b"--destination-ports" => self.multiport(End::Dst, negated),
            b"--ports" => self.multiport(End::Either, negated),
            b"--tcp-flags" => {
                let mask = self.value(negated).and_then(|w| value::tcp_flags(w.text));
                let set = self.words.next().and_then(|w| value::tcp_flags(w.text));
                mask.zip(set).map(|(mask, set)| MatchKind::TcpFlags { mask, set }).into()
            }
            b"--syn" => Read::Done(MatchKind::TcpFlags { mask: 0x17, set: 0x02 }),
            b"--tcp-option" => self.value(negated).and_then(|w| w.text.parse().ok()).map(MatchKind::TcpOption).into(),
            b"--icmp-type" | b"--icmpv6-type" => {
                let family = if option.text == "--icmp-type" { Family::V4 } else { self.family };
                let read = self.value(negated).and_then(|w| icmp::read(w.text, family));
                read.map(|(kind, code)| MatchKind::Icmp { kind, code }).into()
            }
            b"--physdev-in" => self.iface(negated, MatchKind::PhysdevIn),
            b"--physdev-out" => self.iface(negated, MatchKind::PhysdevOut),
            b"--physdev-is-in" => Read::Done(MatchKind::PhysdevIsIn),
            b"--physdev-is-out" => Read::Done(MatchKind::PhysdevIsOut),
            b"--physdev-is-bridged" => Read::Done(MatchKind::PhysdevIsBridged),
            _ => self.less_common(option, negated),
        }
    }

    fn less_common(&mut self, option: Word<'t>, negated: &mut bool) -> Read {
        match option.text.as_bytes() {
            b"--ctstatus" => self.value(negated).and_then(|w| value::ct_statuses(w.text)).map(MatchKind::CtStatus).into(),
            b"--ctproto" => self.value(negated).and_then(|w| value::protocol(w.text)).map(MatchKind::CtProto).into(),
            b"--ctorigsrc" => self.net(negated, |net| MatchKind::CtAddr { reply: false, end: End::Src, net }),
            b"--ctorigdst" => self.net(negated, |net| MatchKind::CtAddr { reply: false, end: End::Dst, net }),
            b"--ctreplsrc" => self.net(negated, |net| MatchKind::CtAddr { reply: true, end: End::Src, net }),
            b"--ctrepldst" => self.net(negated, |net| MatchKind::CtAddr { reply: true, end: End::Dst, net }),
            b"--ctorigsrcport" => self.ct_port(negated, false, End::Src),
            b"--ctorigdstport" => self.ct_port(negated, false, End::Dst),
            b"--ctreplsrcport" => self.ct_port(negated, true, End::Src),
            b"--ctrepldstport" => self.ct_port(negated, true, End::Dst),
            b"--ctdir" => match self.value(negated).map(|w| w.text) {
                Some("ORIGINAL") => Read::Done(MatchKind::CtDirReply(false)),
                Some("REPLY") => Read::Done(MatchKind::CtDirReply(true)),
                _ => Read::Bad,
            },
            b"--src-range" => self.ip_range(negated, End::Src),
            b"--dst-range" => self.ip_range(negated, End::Dst),
            b"--mac-source" => self.value(negated).and_then(|w| value::mac(w.text)).map(MatchKind::MacSource).into(),
            b"--length" => {
                let range = self.value(negated).and_then(|w| value::ports(w.text, ':'));
                range.map(|r| MatchKind::Length(r.first, r.last)).into()
            }
            b"--ttl-eq" | b"--hl-eq" | b"--ttl" => self.ttl(negated, Compare::Eq),
            b"--ttl-lt" | b"--hl-lt" => self.ttl(negated, Compare::Lt),
            b"--ttl-gt" | b"--hl-gt" => self.ttl(negated, Compare::Gt),
            b"--dscp" => {
                let dscp = self.value(negated).and_then(|w| value::number(w.text)).and_then(|n| u8::try_from(n).ok());
                dscp.map(MatchKind::Dscp).into()
            }
            b"--match-set" => {
                let Some(set) = self.value(negated) else { return Read::Bad };
                let Some(dirs) = self.words.next() else { return Read::Bad };
                Read::Done(MatchKind::Set { name: set.span, dirs: dirs.span, options: false })
            }
            _ => Read::Foreign,
        }
    }

    fn net(&mut self, negated: &mut bool, kind: impl Fn(Net) -> MatchKind) -> Read {
        self.value(negated).and_then(|w| value::net(w.text)).map(kind).into()
    }

    fn iface(&mut self, negated: &mut bool, kind: impl Fn(Iface) -> MatchKind) -> Read {
        let iface = self.value(negated).filter(|w| !w.text.is_empty()).map(|w| {
            let wildcard = w.text.ends_with('+');
            let end = w.span.end - u32::from(wildcard);
            kind(Iface { name: Span { start: w.span.start, end }, wildcard })
        });
        iface.into()
    }

    fn multiport(&mut self, end: End, negated: &mut bool) -> Read {
        let first = self.arenas.ports.len();
        let Some(word) = self.value(negated) else { return Read::Bad };
        for part in word.text.split(',') {
            match value::ports(part, ':') {
                Some(range) => self.arenas.ports.push(range),
                None => {
                    self.arenas.ports.truncate(first);
                    return Read::Bad;
                }
            }
        }
        let range = span(first, self.arenas.ports.len());
        Read::Done(MatchKind::MultiPort { end, first: range.start, last: range.end })
    }

    fn ct_port(&mut self, negated: &mut bool, reply: bool, end: End) -> Read {
        let ports = self.value(negated).and_then(|w| value::ports(w.text, ':'));
        ports.map(|ports| MatchKind::CtPort { reply, end, ports }).into()
    }

    fn ip_range(&mut self, negated: &mut bool, end: End) -> Read {
        let range = self.value(negated).and_then(|w| value::addr_range(w.text));
        range.map(|(first, last)| MatchKind::IpRange { end, first, last }).into()
    }

    fn ttl(&mut self, negated: &mut bool, op: Compare) -> Read {
        self.value(negated).and_then(|w| w.text.parse().ok()).map(|value| MatchKind::Ttl { op, value }).into()
    }

    /// `-m set`: what stands behind `--match-set` changes its answer.
    pub(super) fn set(&mut self) {
        while let Some((mut negated, option)) = self.take(&["--match-set", "--set"]) {
            let (Some(set), Some(dirs)) = (self.value(&mut negated), self.words.next()) else {
                self.complain(option.outer, "the option is cut off");
                self.push(MatchKind::Other { module: Span::default(), options: option.outer }, negated, option.outer);
                return;
            };
            self.push(MatchKind::Set { name: set.span, dirs: dirs.span, options: false }, negated, option.outer);
        }
        let last = self.arenas.matches.len();
        if let Some(module) = matches::find("set") {
            self.extension(module, Span::default());
        }
        if self.arenas.matches.len() > last
            && let Some(Match { kind: MatchKind::Set { options, .. }, .. }) =
                last.checked_sub(1).map(|i| &mut self.arenas.matches[i])
        {
            *options = true;
        }
    }

    /// `-m addrtype`: the limit to an interface belongs to all its types.
    pub(super) fn addrtype(&mut self) {
        let first = self.arenas.matches.len();
        let mut limit = None;
        let names = ["--src-type", "--dst-type", "--limit-iface-in", "--limit-iface-out"];
        while let Some((mut negated, option)) = self.take(&names) {
            match option.text {
                "--limit-iface-in" => limit = Some((IfaceLimit::In, option)),
                "--limit-iface-out" => limit = Some((IfaceLimit::Out, option)),
                which => {
                    let end = if which == "--src-type" { End::Src } else { End::Dst };
                    let word = self.value(&mut negated);
                    let kind = match word.and_then(|w| value::addr_types(w.text)) {
                        Some(types) => MatchKind::AddrType { end, types, limit: IfaceLimit::None },
                        None => {
                            self.complain(option.outer, "its value is not understood");
                            let options = Span { start: option.outer.start, end: self.words.last().end };
                            MatchKind::Other { module: self.module.map_or_else(Span::default, |m| m.span), options }
                        }
                    };
                    self.push(kind, negated, option.outer);
                }
            }
        }
        let Some((limit, option)) = limit else { return };
        let mut kept = false;
        for m in self.arenas.matches.get_mut(first..).unwrap_or_default() {
            if let MatchKind::AddrType { limit: l, .. } = &mut m.kind {
                *l = limit;
                kept = true;
            }
        }
        if !kept {
            self.push(MatchKind::Other { module: Span::default(), options: option.outer }, false, option.outer);
        }
    }

    /// `-m statistic`.
    pub(super) fn statistic(&mut self) {
        let begin = self.words;
        let (mut probability, mut every, mut packet, mut turned, mut first) = (None, None, 0, false, None);
        while let Some((negated, option)) = self.take(&["--mode", "--probability", "--every", "--packet"]) {
            first.get_or_insert(option.outer);
            let Some(word) = self.words.next() else { break };
            turned |= negated;
            match option.text {
                "--probability" => probability = value::probability(word.text),
                "--every" => every = value::number(word.text),
                "--packet" => packet = value::number(word.text).unwrap_or(0),
                _ => {}
            }
        }
        match (probability, every, first) {
            (Some(p), None, Some(first)) => self.push(MatchKind::Random(p), turned, first),
            (None, Some(every), Some(first)) => self.push(MatchKind::Nth { every, packet }, turned, first),
            _ => {
                self.words = begin;
                self.foreign_module();
            }
        }
    }
}

/// The first option of that name.
pub(super) fn find<'o>(options: &'o [Opt], name: &str) -> Option<&'o Opt> {
    options.iter().find(|o| o.name() == name)
}
