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
//! The text is read word by word: a paste may have everything on one line. `ip -br` stands in `addr_brief`. Left out:
//! lifetimes, queue and offload sizes, virtual functions, aliases.
//!
//! What a form does not print is unknown: without `-d` a link's kind, in `ip -o addr` its flags and MTU.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::Parsed;
use super::super::ip_addr::{Address, Link, LinkKind};
use super::super::json::Names;
use super::addr_brief;
use super::link_detail::{Detail, KINDS};
use super::link_header::{Header, header, next_header};
use super::link_records::{address, blank, host, pair, set_flags};
use super::link_stats::Stats;
use super::words::{Piece, Words, pieces};
use crate::source::{Problem, position};

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
                "group" => now.link.group = Some(self.names.get(words.value(word)?)),
                "qdisc" | "mode" | "qlen" | "brd" | "peer" | "permaddr" | "new-netnsid" | "new-netns" => {
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

#[cfg(test)]
#[path = "addr_tests.rs"]
mod tests;
