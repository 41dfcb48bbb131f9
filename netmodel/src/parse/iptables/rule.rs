//! One rule's options: conditions into the ruleset's arena, up to the target. Modules and options that are not typed are kept as
//! text; only words that belong to no option are problems.

use super::record::{Compare, Counters, End, Iface, IfaceLimit, Match, MatchKind, PortRange, RecentOp, Span};
use super::token::{Word, Words, span};
use super::value;
use crate::family::Family;

/// Reads the conditions of one rule.
pub(super) struct Conditions<'t, 'r> {
    pub(super) words: Words<'t>,
    pub(super) family: Family,
    pub(super) matches: &'r mut Vec<Match>,
    pub(super) ports: &'r mut Vec<PortRange>,
    /// What was not understood, if anything.
    pub(super) trouble: Option<(Span, &'static str)>,
    /// The counters that `-S -v` puts before the target.
    pub(super) counters: Option<Counters>,
    module: Option<Word<'t>>,
}

/// The `-j` or `-g` of a rule.
pub(super) struct Leads<'t> {
    pub(super) goto: bool,
    pub(super) name: Word<'t>,
}

/// What became of an option.
enum Read {
    Done(MatchKind),
    /// Its value does not parse.
    Bad,
    /// It is not known: the text is kept.
    Foreign,
}

impl From<Option<MatchKind>> for Read {
    fn from(kind: Option<MatchKind>) -> Self {
        kind.map_or(Self::Bad, Self::Done)
    }
}

impl<'t, 'r> Conditions<'t, 'r> {
    pub(super) fn new(words: Words<'t>, family: Family, matches: &'r mut Vec<Match>, ports: &'r mut Vec<PortRange>) -> Self {
        Self { words, family, matches, ports, trouble: None, counters: None, module: None }
    }

    /// Reads up to the target; `None` where the rule has none.
    pub(super) fn read(&mut self) -> Option<Leads<'t>> {
        while let Some(mut word) = self.words.next() {
            let mut negated = false;
            if word.is_not() {
                negated = true;
                match self.words.next() {
                    Some(next) => word = next,
                    None => {
                        self.complain(word, "a negation of nothing");
                        return None;
                    }
                }
            }
            if !word.is_option() {
                self.complain(word, "a word that belongs to no option");
                continue;
            }
            match word.text {
                "-j" | "--jump" | "-g" | "--goto" => match self.words.next() {
                    Some(name) => return Some(Leads { goto: matches!(word.text, "-g" | "--goto"), name }),
                    None => self.complain(word, "the target is cut off"),
                },
                "-m" | "--match" => match self.words.next() {
                    Some(name) => self.module(name),
                    None => self.complain(word, "the name of the module is cut off"),
                },
                "-c" | "--set-counters" => {
                    self.counters = Counters::of_words(self.words.next().map(|w| w.text), self.words.next().map(|w| w.text));
                }
                _ => self.option(word, negated),
            }
        }
        None
    }

    fn complain(&mut self, word: Word<'t>, what: &'static str) {
        self.trouble.get_or_insert((word.outer, what));
    }

    fn push(&mut self, kind: MatchKind, negated: bool, first: Span, last: Span) {
        self.matches.push(Match { kind, negated, span: Span { start: first.start, end: last.end } });
    }

    /// The value of an option; the old form puts the `!` before it.
    fn value(&mut self, negated: &mut bool) -> Option<Word<'t>> {
        let word = self.words.next()?;
        if word.is_not() {
            *negated = !*negated;
            return self.words.next();
        }
        Some(word)
    }

    /// An option's name ahead, if it is one of these: consumed with its `!`.
    fn ahead(&mut self, names: &[&str]) -> Option<(bool, Word<'t>)> {
        let mut ahead = self.words;
        let mut word = ahead.next()?;
        let negated = word.is_not();
        if negated {
            word = ahead.next()?;
        }
        if word.quoted || !names.contains(&word.text) {
            return None;
        }
        self.words = ahead;
        Some((negated, word))
    }

    /// `-m NAME`: modules whose options mean something only together are read here, the rest option by option.
    fn module(&mut self, name: Word<'t>) {
        self.module = Some(name);
        match name.text {
            "tcp" | "udp" | "udplite" | "sctp" | "dccp" | "multiport" | "icmp" | "icmp6" | "icmpv6" | "conntrack" | "state"
            | "mark" | "connmark" | "comment" | "physdev" | "nfacct" | "iprange" | "mac" | "pkttype" | "length" | "ttl"
            | "hl" | "dscp" => {}
            "set" => self.set(name),
            "addrtype" => self.addrtype(name),
            "statistic" => self.statistic(name),
            "recent" => self.recent(name),
            "limit" => self.limit(name),
            "rpfilter" => self.rpfilter(name),
            "socket" => {
                let options = self.rest_of_module();
                self.push(MatchKind::Socket(options), false, name.span, end_of(name, options));
            }
            _ => self.foreign_module(name, None),
        }
    }

    /// The words up to the next option of one letter (`-m`, `-j`, …): all that a module can have.
    fn rest_of_module(&mut self) -> Span {
        let mut all: Option<Span> = None;
        loop {
            let mut ahead = self.words;
            let Some(mut word) = ahead.next() else { break };
            if word.is_not() {
                match ahead.next() {
                    Some(next) => word = next,
                    None => break,
                }
            }
            if word.is_option() && !word.text.starts_with("--") {
                break;
            }
            // The word itself may be preceded by its `!`: both are taken.
            let first = self.words.peek().map_or(word.outer, |w| w.outer);
            all = Some(Span { start: all.map_or(first.start, |s| s.start), end: word.outer.end });
            self.words = ahead;
        }
        all.unwrap_or_default()
    }

    fn foreign_module(&mut self, name: Word<'t>, from: Option<Span>) {
        let rest = self.rest_of_module();
        let options = match from {
            Some(from) if rest == Span::default() => from,
            Some(from) => Span { start: from.start, end: rest.end },
            None => rest,
        };
        self.push(MatchKind::Other { module: name.span, options }, false, name.span, end_of(name, options));
    }

    fn set(&mut self, name: Word<'t>) {
        let mut last = None;
        while let Some((negated, option)) = self.ahead(&["--match-set", "--set"]) {
            let (Some(set), Some(dirs)) = (self.words.next(), self.words.next()) else {
                self.complain(option, "the option is cut off");
                return;
            };
            last = Some(self.matches.len());
            self.push(MatchKind::Set { name: set.span, dirs: dirs.span, options: false }, negated, option.outer, dirs.outer);
        }
        let rest = self.rest_of_module();
        match last.and_then(|i| self.matches.get_mut(i)) {
            _ if rest == Span::default() => {}
            Some(Match { kind: MatchKind::Set { options, .. }, span, .. }) => {
                *options = true;
                span.end = rest.end;
            }
            _ => self.push(MatchKind::Other { module: name.span, options: rest }, false, name.span, rest),
        }
    }

    fn addrtype(&mut self, name: Word<'t>) {
        let first = self.matches.len();
        let mut limit = IfaceLimit::None;
        while let Some((negated, option)) = self.ahead(&["--src-type", "--dst-type", "--limit-iface-in", "--limit-iface-out"]) {
            match option.text {
                "--limit-iface-in" => limit = IfaceLimit::In,
                "--limit-iface-out" => limit = IfaceLimit::Out,
                which => {
                    let end = if which == "--src-type" { End::Src } else { End::Dst };
                    let mut negated = negated;
                    let word = self.value(&mut negated);
                    match word.and_then(|w| Some((w, value::addr_types(w.text)?))) {
                        Some((w, types)) => {
                            let kind = MatchKind::AddrType { end, types, limit: IfaceLimit::None };
                            self.push(kind, negated, option.outer, w.outer);
                        }
                        None => {
                            self.complain(option, "its value is not understood");
                            self.foreign_module(name, Some(option.outer));
                            return;
                        }
                    }
                }
            }
        }
        for m in self.matches.get_mut(first..).unwrap_or_default() {
            if let MatchKind::AddrType { limit: l, .. } = &mut m.kind {
                *l = limit;
            }
        }
    }

    fn statistic(&mut self, name: Word<'t>) {
        let begin = self.words;
        let (mut probability, mut every, mut packet, mut turned, mut end) = (None, None, 0, false, name.outer);
        while let Some((negated, option)) = self.ahead(&["--mode", "--probability", "--every", "--packet"]) {
            let Some(word) = self.words.next() else { break };
            end = word.outer;
            turned |= negated;
            match option.text {
                "--probability" => probability = word.text.parse::<f64>().ok(),
                "--every" => every = value::number(word.text),
                "--packet" => packet = value::number(word.text).unwrap_or(0),
                _ => {}
            }
        }
        match (probability, every) {
            (Some(p), None) => self.push(MatchKind::Random(p), turned, name.outer, end),
            (None, Some(every)) => self.push(MatchKind::Nth { every, packet }, turned, name.outer, end),
            _ => {
                self.words = begin;
                self.foreign_module(name, None);
            }
        }
    }

    fn recent(&mut self, name: Word<'t>) {
        let begin = self.words;
        let (mut op, mut list, mut turned) = (None, Span::default(), false);
        let options = self.rest_of_module();
        let mut inner = begin;
        let mut not = false;
        while let Some(word) = inner.next().filter(|w| w.outer.end <= options.end) {
            let this = match word.text {
                "--set" => RecentOp::Set,
                "--rcheck" => RecentOp::Check,
                "--update" => RecentOp::Update,
                "--remove" => RecentOp::Remove,
                "--name" => {
                    list = inner.next().map_or(list, |w| w.span);
                    continue;
                }
                text => {
                    not = text == "!";
                    continue;
                }
            };
            op = Some(this);
            turned = not;
        }
        let kind = match op {
            Some(op) => MatchKind::Recent { op, name: list },
            None => MatchKind::Other { module: name.span, options },
        };
        self.push(kind, turned, name.outer, end_of(name, options));
    }

    fn limit(&mut self, name: Word<'t>) {
        let (mut rate, mut burst, mut end) = (Span::default(), 5, name.outer);
        while let Some((_, option)) = self.ahead(&["--limit", "--limit-burst"]) {
            let Some(word) = self.words.next() else { break };
            end = word.outer;
            match option.text {
                "--limit" => rate = word.span,
                _ => burst = value::number(word.text).unwrap_or(burst),
            }
        }
        self.push(MatchKind::Limit { rate, burst }, false, name.outer, end);
    }

    fn rpfilter(&mut self, name: Word<'t>) {
        let (mut loose, mut validmark, mut accept_local, mut invert, mut end) = (false, false, false, false, name.outer);
        while let Some((_, option)) = self.ahead(&["--loose", "--validmark", "--accept-local", "--invert"]) {
            end = option.outer;
            match option.text {
                "--loose" => loose = true,
                "--validmark" => validmark = true,
                "--accept-local" => accept_local = true,
                _ => invert = true,
            }
        }
        self.push(MatchKind::RpFilter { loose, validmark, accept_local, invert }, false, name.outer, end);
    }

    /// One option of the rule itself or of a module that is read option by option.
    fn option(&mut self, option: Word<'t>, mut negated: bool) {
        let begin = self.words;
        let read = self.typed(option, &mut negated);
        let end = self.consumed(begin, option);
        match read {
            Read::Done(kind) => self.push(kind, negated, option.outer, end),
            bad_or_foreign => {
                if matches!(bad_or_foreign, Read::Bad) {
                    self.complain(option, "its value is not understood");
                }
                // Its values: all words up to the next option.
                self.words = begin;
                let mut end = option.outer;
                while let Some(word) = self.words.peek().filter(|w| !w.is_option() && !w.is_not()) {
                    end = word.outer;
                    self.words.next();
                }
                let module = self.module.map_or_else(Span::default, |m| m.span);
                let options = Span { start: option.outer.start, end: end.end };
                self.push(MatchKind::Other { module, options }, negated, option.outer, end);
            }
        }
    }

    /// The last word that was taken since `begin`.
    fn consumed(&self, begin: Words<'t>, option: Word<'t>) -> Span {
        let mut words = begin;
        let mut end = option.outer;
        let behind = self.words.position();
        while let Some(word) = words.next().filter(|_| words.position() <= behind) {
            end = word.outer;
        }
        end
    }

    fn typed(&mut self, option: Word<'t>, negated: &mut bool) -> Read {
        let module = self.module.map_or("", |m| m.text);
        let connmark = module == "connmark";
        let port = |end, w: Option<Word<'t>>| w.and_then(|w| value::ports(w.text, ':')).map(|p| MatchKind::Port(end, p)).into();
        match option.text {
            "-s" | "--source" | "--src" => self.net(negated, MatchKind::Source),
            "-d" | "--destination" | "--dst" => self.net(negated, MatchKind::Destination),
            "-i" | "--in-interface" => self.iface(negated, MatchKind::InIface),
            "-o" | "--out-interface" => self.iface(negated, MatchKind::OutIface),
            "-p" | "--protocol" | "--proto" => {
                self.value(negated).and_then(|w| value::protocol(w.text)).map(MatchKind::Protocol).into()
            }
            "-f" | "--fragment" => Read::Done(MatchKind::Fragment),
            "--sport" | "--source-port" => port(End::Src, self.value(negated)),
            "--dport" | "--destination-port" => port(End::Dst, self.value(negated)),
            "--sports" | "--source-ports" => self.multiport(End::Src, negated),
            "--dports" | "--destination-ports" => self.multiport(End::Dst, negated),
            "--ports" => self.multiport(End::Either, negated),
            "--tcp-flags" => {
                let mask = self.value(negated).and_then(|w| value::tcp_flags(w.text));
                let set = self.words.next().and_then(|w| value::tcp_flags(w.text));
                mask.zip(set).map(|(mask, set)| MatchKind::TcpFlags { mask, set }).into()
            }
            "--syn" => Read::Done(MatchKind::TcpFlags { mask: 0x17, set: 0x02 }),
            "--tcp-option" => self.value(negated).and_then(|w| w.text.parse().ok()).map(MatchKind::TcpOption).into(),
            "--icmp-type" | "--icmpv6-type" => {
                let family = if option.text == "--icmp-type" { Family::V4 } else { self.family };
                let read = self.value(negated).and_then(|w| value::icmp(w.text, family));
                read.map(|(kind, code)| MatchKind::Icmp { kind, code }).into()
            }
            "--ctstate" | "--state" => self.value(negated).and_then(|w| value::ct_states(w.text)).map(MatchKind::CtState).into(),
            "--ctstatus" => self.value(negated).and_then(|w| value::ct_statuses(w.text)).map(MatchKind::CtStatus).into(),
            "--ctproto" => self.value(negated).and_then(|w| value::protocol(w.text)).map(MatchKind::CtProto).into(),
            "--ctorigsrc" => self.net(negated, |net| MatchKind::CtAddr { reply: false, end: End::Src, net }),
            "--ctorigdst" => self.net(negated, |net| MatchKind::CtAddr { reply: false, end: End::Dst, net }),
            "--ctreplsrc" => self.net(negated, |net| MatchKind::CtAddr { reply: true, end: End::Src, net }),
            "--ctrepldst" => self.net(negated, |net| MatchKind::CtAddr { reply: true, end: End::Dst, net }),
            "--ctorigsrcport" => self.ct_port(negated, false, End::Src),
            "--ctorigdstport" => self.ct_port(negated, false, End::Dst),
            "--ctreplsrcport" => self.ct_port(negated, true, End::Src),
            "--ctrepldstport" => self.ct_port(negated, true, End::Dst),
            "--ctdir" => match self.value(negated).map(|w| w.text) {
                Some("ORIGINAL") => Read::Done(MatchKind::CtDirReply(false)),
                Some("REPLY") => Read::Done(MatchKind::CtDirReply(true)),
                _ => Read::Bad,
            },
            "--mark" => {
                let mark = self.value(negated).and_then(|w| value::mark(w.text));
                mark.map(|m| if connmark { MatchKind::ConnMark(m) } else { MatchKind::Mark(m) }).into()
            }
            "--comment" => self.words.next().map(|w| MatchKind::Comment(w.span)).into(),
            "--nfacct-name" => self.words.next().map(|w| MatchKind::NfAcct(w.span)).into(),
            "--physdev-in" => self.iface(negated, MatchKind::PhysdevIn),
            "--physdev-out" => self.iface(negated, MatchKind::PhysdevOut),
            "--physdev-is-in" => Read::Done(MatchKind::PhysdevIsIn),
            "--physdev-is-out" => Read::Done(MatchKind::PhysdevIsOut),
            "--physdev-is-bridged" => Read::Done(MatchKind::PhysdevIsBridged),
            "--src-range" => self.ip_range(negated, End::Src),
            "--dst-range" => self.ip_range(negated, End::Dst),
            "--mac-source" => self.value(negated).and_then(|w| value::mac(w.text)).map(MatchKind::MacSource).into(),
            "--pkt-type" => self.value(negated).map(|w| MatchKind::PktType(w.span)).into(),
            "--length" => {
                let range = self.value(negated).and_then(|w| value::ports(w.text, ':'));
                range.map(|r| MatchKind::Length(r.first, r.last)).into()
            }
            "--ttl-eq" | "--hl-eq" | "--ttl" => self.ttl(negated, Compare::Eq),
            "--ttl-lt" | "--hl-lt" => self.ttl(negated, Compare::Lt),
            "--ttl-gt" | "--hl-gt" => self.ttl(negated, Compare::Gt),
            "--dscp" => {
                let dscp = self.value(negated).and_then(|w| value::number(w.text)).and_then(|n| u8::try_from(n).ok());
                dscp.map(MatchKind::Dscp).into()
            }
            _ => Read::Foreign,
        }
    }

    fn net(&mut self, negated: &mut bool, kind: impl Fn(super::record::Net) -> MatchKind) -> Read {
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
        let first = self.ports.len();
        let Some(word) = self.value(negated) else { return Read::Bad };
        for part in word.text.split(',') {
            match value::ports(part, ':') {
                Some(range) => self.ports.push(range),
                None => {
                    self.ports.truncate(first);
                    return Read::Bad;
                }
            }
        }
        let range = span(first, self.ports.len());
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
}

/// The end of a module's text: of its options, or of its name where it has none.
fn end_of(name: Word<'_>, options: Span) -> Span {
    if options == Span::default() { name.outer } else { options }
}
