//! `ip addr` and `ip link`, with any of `-d -s -o -4 -6`, and busybox's: links with their kind, relations, addresses and statistics.
//!
//! ```text
//! 5: veth528d521c@if2: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue master cni0 state UP group default
//!     link/ether 0e:bc:98:fc:a4:f8 brd ff:ff:ff:ff:ff:ff link-netnsid 0 promiscuity 1 minmtu 68 maxmtu 65535
//!     veth
//!     bridge_slave state forwarding priority 32 cost 2 hairpin on guard off … isolated off locked off
//!     altname enp0s3
//!     inet6 fe80::cbc:98ff:fefc:a4f8/64 scope link
//!        valid_lft forever preferred_lft forever
//!     RX:  bytes packets errors dropped  missed   mcast
//!         317923     252      0       0       0       0
//! ```
//!
//! The text is read word by word: a paste may have everything on one line. `ip -br` is [`super::addr_brief`]'s. Left out:
//! lifetimes, queue and offload sizes, virtual functions, aliases.
//!
//! What a form does not print is unknown: without `-d` a link's kind, in `ip -o addr` its flags and MTU.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::super::Parsed;
use super::super::ip_addr::{Address, Link, LinkKind, LinkStats};
use super::super::json::Names;
use super::addr_brief;
use super::link_detail::{Detail, KINDS};
use super::words::{Piece, Words, pieces};
use crate::source::{At, Problem, position};

/// Reads `ip addr` or `ip link`, also with `-br`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Link>> {
    let mut reader = Reader { text, names: Names::default(), out: Parsed::default(), now: None, vf: false };
    for piece in pieces(text) {
        if addr_brief::is_brief(piece.text) {
            reader.finish();
            addr_brief::read(text, &piece, &mut reader.names, &mut reader.out);
        } else {
            reader.piece(&piece);
        }
    }
    reader.finish();
    // Some are found only when the next link begins.
    reader.out.problems.sort_by_key(|p| p.at);
    reader.out
}

struct Reader<'t> {
    text: &'t str,
    names: Names,
    out: Parsed<Vec<Link>>,
    now: Option<Building<'t>>,
    /// Within the lines of a virtual function, which have hardware addresses of their own.
    vf: bool,
}

/// A link on the way.
struct Building<'t> {
    link: Link,
    link_type: Option<&'t str>,
    /// `-d` was given: a link without a kind has none.
    detailed: bool,
    detail: Option<Detail<'t>>,
    slave: Option<Detail<'t>>,
    stats: Stats<'t>,
    mode: Mode,
}

/// Which words come now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Behind the name, or behind an address.
    Link,
    /// Behind `link/…`: the kind comes next.
    Hardware,
    /// The kind's.
    Detail,
    /// The port's.
    Slave,
    /// Names or numbers of statistics.
    Stats,
    /// Nothing that a record holds.
    Passed,
}

/// A row of statistics: names, then as many numbers.
#[derive(Debug, Default)]
struct Stats<'t> {
    names: Vec<&'t str>,
    sent: bool,
    column: usize,
    rx: [Option<u64>; 4],
    tx: [Option<u64>; 5],
    seen: Option<At>,
}

/// The words of a piece from here on begin a link: its index and name, what is behind its `@`, and the rest.
struct Header<'t> {
    index: u32,
    name: &'t str,
    lower: Option<&'t str>,
    rest: &'t str,
}

/// `2: eth0@if4: <…`, and at the start of a line also `2: eth0    inet …` (`-o`). Colons may be full-width: some input methods make them so.
fn header(text: &str, starts_line: bool) -> Option<Header<'_>> {
    const COLON: [char; 2] = [':', '：'];
    let (index, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (index, rest) = (index.parse().ok()?, rest.strip_prefix(COLON)?.trim_start());
    let end = rest.find(|c: char| c.is_whitespace() || COLON.contains(&c) || c == '<')?;
    let (name, behind) = rest.split_at(end);
    let (name, lower) = name.rsplit_once('@').map_or((name, None), |(n, l)| (n, Some(l)));
    let rest = behind.trim_start_matches(COLON).trim_start();
    let flags = behind.starts_with(COLON) && (rest.starts_with('<') || starts_line && rest.is_empty());
    let oneline =
        starts_line && behind.starts_with(char::is_whitespace) && (rest.starts_with("inet") || rest.starts_with("link/"));
    (!name.is_empty() && (flags || oneline)).then_some(Header { index, name, lower, rest })
}

impl<'t> Reader<'t> {
    fn piece(&mut self, piece: &Piece<'t>) {
        let mut rest = piece.text;
        let mut starts_line = !piece.continued;
        loop {
            // A link may begin in the middle of a line.
            if let Some(header) = header(rest, starts_line) {
                self.begin(&header, piece);
                rest = header.rest;
            }
            let next = next_header(rest);
            let (own, behind) = rest.split_at(next.unwrap_or(rest.len()));
            self.words(&Piece { text: own, ..*piece }, piece);
            if next.is_none() {
                return;
            }
            (rest, starts_line) = (behind, false);
        }
    }

    fn begin(&mut self, header: &Header<'t>, piece: &Piece<'t>) {
        self.vf = false;
        // `ip -o addr` prints a line for each address.
        if let Some(now) = &mut self.now
            && now.link.index == Some(header.index)
            && *now.link.name == *header.name
            && !header.rest.starts_with('<')
        {
            now.mode = Mode::Link;
            return;
        }
        self.finish();
        let number = header.lower.and_then(|l| l.strip_prefix("if")).and_then(|n| n.parse().ok());
        let lower = header.lower.filter(|l| number.is_none() && *l != "NONE");
        let mut link = blank(piece.at, self.names.get(header.name));
        link.index = Some(header.index);
        link.lower = lower.map(|l| self.names.get(l));
        link.lower_index = number;
        self.now = Some(Building {
            link,
            link_type: None,
            detailed: false,
            detail: None,
            slave: None,
            stats: Stats::default(),
            mode: Mode::Link,
        });
    }

    /// The words of a piece that belong to one link.
    fn words(&mut self, part: &Piece<'t>, piece: &Piece<'t>) {
        let mut words = part.words();
        let Some(mut now) = self.now.take() else {
            if words.peek().is_some() {
                self.out.problems.push(piece.problem("no link stands before this line"));
            }
            return;
        };
        let mut first = !part.text.is_empty() && part.text.len() == piece.text.len();
        while let Some(word) = words.next() {
            if let Err(what) = self.word(word, first, &mut words, &mut now, piece) {
                self.out.problems.push(piece.problem(what));
            }
            first = false;
        }
        self.now = Some(now);
    }

    fn word(
        &mut self,
        word: &'t str,
        first: bool,
        words: &mut Words<'t>,
        now: &mut Building<'t>,
        piece: &Piece<'t>,
    ) -> Result<(), String> {
        self.vf = self.vf && !first || word == "vf" && first;
        match word {
            _ if self.vf => words.skip_all(),
            "alias" if first => words.skip_all(),
            "inet" | "inet6" => {
                now.mode = Mode::Link;
                if let Some(address) = self.address(word, words, &now.link.name, piece)? {
                    now.link.addresses.push(address);
                }
            }
            "valid_lft" | "preferred_lft" => drop(words.value(word)?),
            "altname" => {
                now.mode = Mode::Link;
                now.link.altnames.push(self.names.get(words.value(word)?));
            }
            "RX:" | "TX:" => {
                now.mode = Mode::Stats;
                now.stats.begin(word == "TX:", piece.at);
            }
            // The finer rows of `-s -s`.
            "RX" | "TX" => now.mode = Mode::Passed,
            _ if word.starts_with("link/") => {
                now.mode = Mode::Hardware;
                now.link_type = word.strip_prefix("link/");
                if words.peek().is_some_and(|w| w.contains(':') || w.parse::<IpAddr>().is_ok()) {
                    now.link.mac = words.next().map(|w| self.names.get(w));
                }
            }
            _ if word.starts_with('<') && now.mode == Mode::Link => return self.flags(word, now),
            _ if word.starts_with("xdp") || word.starts_with("prog/xdp") => {
                now.link.xdp.get_or_insert(position(self.text, word, piece.at.line));
                if first {
                    words.skip_all();
                }
            }
            _ if now.mode != Mode::Stats && word.ends_with("_slave") => {
                (now.slave, now.mode) = (Some(Detail::of(word)), Mode::Slave);
            }
            // Maps of a VLAN stand on lines of their own.
            "ingress-qos-map" | "egress-qos-map" => words.skip_all(),
            _ => return self.plain(word, first && (piece.indented || piece.continued), first, words, now),
        }
        Ok(())
    }

    /// A word whose meaning depends on what stands before it.
    fn plain(
        &mut self,
        word: &'t str,
        indented: bool,
        first: bool,
        words: &mut Words<'t>,
        now: &mut Building<'t>,
    ) -> Result<(), String> {
        let begins_kind = now.mode == Mode::Hardware && now.detail.is_none() && now.slave.is_none();
        // A kind that is not known is told from a stray line by where it stands and by what kinds are made of.
        let like_a_kind = || word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if begins_kind && (KINDS.contains(&word) || indented && now.detailed && like_a_kind()) {
            now.detailed = true;
            (now.detail, now.mode) = (Some(Detail::of(word)), Mode::Detail);
            return Ok(());
        }
        match now.mode {
            // Behind a row of numbers, or of names that no record holds, only numbers may begin a line.
            Mode::Stats | Mode::Passed if first && now.stats.column > 0 && word.parse::<u64>().is_err() => {
                return Err(format!("a line that begins with `{word}` is not known"));
            }
            Mode::Stats => now.stats.word(word),
            Mode::Detail | Mode::Slave if first => return Err(format!("a line that begins with `{word}` is not known")),
            Mode::Detail => now.detail.iter_mut().for_each(|d| d.word(word, words)),
            Mode::Slave => now.slave.iter_mut().for_each(|d| d.word(word, words)),
            Mode::Passed => {}
            Mode::Link | Mode::Hardware if first => return Err(format!("a line that begins with `{word}` is not known")),
            Mode::Link | Mode::Hardware => match word {
                "mtu" => {
                    let mtu = words.typed(word, "a number")?;
                    // More always follows (`qdisc`), so that a number at the end may be the begin of one.
                    words.peek().ok_or("the line is cut behind the MTU")?;
                    now.link.mtu = Some(mtu);
                }
                "state" => now.link.operstate = Some(self.names.get(words.value(word)?)),
                "master" => now.link.master = Some(self.names.get(words.value(word)?)),
                "link-netnsid" => now.link.lower_netns = Some(words.value(word)?.parse().unwrap_or(-1)),
                "link-netns" => {
                    words.value(word)?;
                    now.link.lower_netns = Some(-1);
                }
                "promiscuity" | "minmtu" | "numtxqueues" => {
                    words.value(word)?;
                    now.detailed = true;
                }
                "qdisc" | "mode" | "group" | "qlen" | "brd" | "peer" | "permaddr" | "new-netnsid" | "new-netns" => {
                    words.value(word)?;
                }
                // What newer versions print besides.
                _ => {}
            },
        }
        Ok(())
    }

    fn flags(&mut self, word: &str, now: &mut Building<'_>) -> Result<(), String> {
        // Of flags that are cut, one that is missing proves nothing: `UP` is among the last.
        let inner = word.strip_prefix('<').and_then(|w| w.strip_suffix('>')).ok_or("flags without an end: the line is cut")?;
        set_flags(&mut now.link, inner, &mut self.names);
        Ok(())
    }

    /// `inet 172.16.5.1 peer 172.16.5.2/32 brd … scope global secondary eth0:vip`, up to the lifetimes.
    fn address(
        &mut self,
        family: &'t str,
        words: &mut Words<'t>,
        link: &str,
        piece: &Piece<'t>,
    ) -> Result<Option<Address>, String> {
        let local = words.value(family)?;
        let mut address = address(position(self.text, family, piece.at.line), &mut self.names);
        let (mut last, mut peer) = (local, None);
        let mut unknown = None;
        while let Some(word) = words.peek().filter(|w| !matches!(*w, "valid_lft" | "inet" | "inet6" | "RX:" | "TX:")) {
            words.next();
            last = word;
            match word {
                "peer" => peer = Some(words.value(word)?),
                "brd" => address.broadcast = Some(words.typed(word, "an address")?),
                "scope" => address.scope = self.names.get(words.value(word)?),
                "any" | "metric" | "proto" | "flags" => drop(words.value(word)?),
                // The label stands last, and is the link's name or begins with it, whatever that is.
                _ if family == "inet" && word.strip_prefix(link).is_some_and(|r| r.is_empty() || r.starts_with(':')) => {
                    address.label = Some(self.names.get(word));
                }
                "secondary" | "temporary" => address.secondary = true,
                "tentative" => address.tentative = true,
                "deprecated" => address.deprecated = true,
                "dadfailed" => address.dad_failed = true,
                "noprefixroute" => address.no_prefix_route = true,
                "dynamic" | "permanent" | "mngtmpaddr" | "managetempaddr" | "home" | "nodad" | "optimistic" | "autojoin"
                | "mcautojoin" | "stable-privacy" => {}
                // A label that was given by hand need not begin with the link's name.
                _ if family == "inet" && address.label.is_none() && unknown.is_none() => {
                    address.label = Some(self.names.get(word));
                    unknown = Some(word);
                }
                other => return Err(format!("unknown word `{other}` of an address")),
            }
        }
        address.at.end = position(self.text, last, piece.at.line).end;
        if address.scope.is_empty() {
            // It is always printed; without it the length before it may be cut.
            return Err("an address without a scope: the line is cut".to_owned());
        }
        let whole = local.parse::<IpNet>().ok();
        (address.addr, address.peer) = match peer {
            // Of a point-to-point address the length stands behind the peer.
            Some(peer) => pair(local, peer)?,
            None => (whole.or_else(|| host(local)).ok_or_else(|| format!("`{family} {local}`: not an address"))?, None),
        };
        Ok(Some(address))
    }

    fn finish(&mut self) {
        let Some(mut now) = self.now.take() else { return };
        let mut problems = Vec::new();
        let loopback = now.link.flags.iter().any(|f| &**f == "LOOPBACK");
        now.link.kind = match (&now.detail, now.link_type) {
            (Some(detail), _) => detail.kind(&mut self.names, &mut problems),
            (None, Some("loopback")) => LinkKind::Loopback,
            (None, None) if loopback => LinkKind::Loopback,
            (None, Some("ether")) if now.detailed => LinkKind::Physical,
            (None, Some("ether") | None) => LinkKind::Unknown,
            // Hardware of another kind, or a tunnel whose driver has no netlink name.
            (None, Some(other)) => LinkKind::Other(self.names.get(other)),
        };
        now.link.port = now.slave.as_ref().and_then(|s| s.port(&mut self.names));
        now.link.stats = now.stats.take();
        if let (Some(at), None) = (now.stats.seen, now.link.stats) {
            self.out.problems.push(Problem { at, what: "statistics that are cut or rounded".to_owned() });
        }
        self.out.problems.extend(problems.into_iter().map(|what| Problem { at: now.link.at, what }));
        self.out.value.push(now.link);
    }
}

/// Where in a line the next link begins: at a word such as `3:` that a name and flags follow.
fn next_header(text: &str) -> Option<usize> {
    let angles = memchr::memchr_iter(b'<', text.as_bytes());
    angles.filter_map(|angle| start_of_header(text, angle)).next()
}

/// From the `<` of a link's flags back to its index.
fn start_of_header(text: &str, angle: usize) -> Option<usize> {
    // An index, two names and their signs fit in this; a look further back at every `<` would cost the square of the line.
    let from = (angle.saturating_sub(96)..=angle).find(|&i| text.is_char_boundary(i))?;
    let start = start_in(text.get(from..)?, angle - from)? + from;
    (start > 0 && header(text.get(start..)?, false).is_some()).then_some(start)
}

/// Where the two words before an angle begin.
fn start_in(text: &str, angle: usize) -> Option<usize> {
    let before = text.get(..angle)?.trim_end().trim_end_matches([':', '：']).trim_end();
    // The name, then the index before it; both are words, or glued by a colon.
    let start = before.rfind(|c: char| c.is_whitespace()).map_or(0, |i| i + 1);
    let word = before.get(start..)?;
    let start = if word.starts_with(|c: char| c.is_ascii_digit()) && word.contains([':', '：']) {
        start
    } else {
        let index = before.get(..start)?.trim_end();
        index.rfind(char::is_whitespace).map_or(0, |i| i + 1)
    };
    // `rfind` gives the start of a blank, which may be longer than a byte.
    let start = (start..=angle).find(|&i| text.is_char_boundary(i))?;
    Some(start + text.get(start..).map_or(0, |t| t.len() - t.trim_start().len()))
}

/// The two ends of a point-to-point address.
pub(super) fn pair(local: &str, peer: &str) -> Result<(IpNet, Option<IpAddr>), String> {
    let bad = || format!("`{local} peer {peer}`: not two addresses");
    let local: IpAddr = local.parse().map_err(|_| bad())?;
    let peer = peer.parse().ok().or_else(|| host(peer)).ok_or_else(bad)?;
    Ok((IpNet::new(local, peer.prefix_len()).map_err(|_| bad())?, Some(peer.addr())))
}

/// An address without a length.
pub(super) fn host(word: &str) -> Option<IpNet> {
    word.parse::<IpAddr>().ok().map(IpNet::from)
}

/// Flags, as they stand between the angles.
pub(in super::super) fn set_flags(link: &mut Link, inner: &str, names: &mut Names) {
    link.flags = inner.split(',').filter(|f| !f.is_empty()).map(|f| names.get(f)).collect();
    let has = |flag: &str| link.flags.iter().any(|f| &**f == flag);
    (link.up, link.lower_up) = (Some(has("UP")), Some(has("LOWER_UP")));
}

/// A link of which only the name is known.
pub(in super::super) fn blank(at: At, name: Arc<str>) -> Link {
    Link {
        at,
        index: None,
        name,
        altnames: Vec::new(),
        flags: Vec::new(),
        up: None,
        lower_up: None,
        mtu: None,
        operstate: None,
        mac: None,
        kind: LinkKind::Unknown,
        master: None,
        lower: None,
        lower_index: None,
        lower_netns: None,
        port: None,
        addresses: Vec::new(),
        stats: None,
        xdp: None,
    }
}

/// An address of which nothing is known yet.
pub(in super::super) fn address(at: At, names: &mut Names) -> Address {
    Address {
        at,
        addr: IpNet::from(IpAddr::from([0, 0, 0, 0])),
        peer: None,
        broadcast: None,
        scope: names.get(""),
        label: None,
        secondary: false,
        dad_failed: false,
        tentative: false,
        deprecated: false,
        no_prefix_route: false,
    }
}

impl<'t> Stats<'t> {
    fn begin(&mut self, sent: bool, at: At) {
        self.names.clear();
        (self.sent, self.column) = (sent, 0);
        self.seen.get_or_insert(at);
    }

    fn word(&mut self, word: &'t str) {
        let Ok(number) = word.parse() else { return self.names.push(word) };
        let name = self.names.get(self.column).copied();
        self.column += 1;
        let row: &mut [Option<u64>] = if self.sent { &mut self.tx } else { &mut self.rx };
        let place = match name {
            Some("bytes") => 0,
            Some("packets") => 1,
            Some("errors") => 2,
            Some("dropped") => 3,
            Some("carrier") => 4,
            _ => return,
        };
        if let Some(place) = row.get_mut(place) {
            place.get_or_insert(number);
        }
    }

    fn take(&self) -> Option<LinkStats> {
        Some(LinkStats {
            rx_bytes: self.rx[0]?,
            rx_packets: self.rx[1]?,
            rx_errors: self.rx[2]?,
            rx_dropped: self.rx[3]?,
            tx_bytes: self.tx[0]?,
            tx_packets: self.tx[1]?,
            tx_errors: self.tx[2]?,
            tx_dropped: self.tx[3]?,
            carrier_errors: self.tx[4]?,
        })
    }
}

#[cfg(test)]
#[path = "addr_tests.rs"]
mod tests;
