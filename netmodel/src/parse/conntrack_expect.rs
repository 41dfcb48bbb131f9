//! `conntrack -L expect` and `/proc/net/nf_conntrack_expect`: connections that helpers wait for.
//!
//! ```text
//! 299 proto=6 src=10.0.0.2 dst=10.0.0.1 sport=0 dport=50000 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 master-src=10.0.0.1 master-dst=10.0.0.2 sport=40000 dport=21 class=0 helper=ftp
//! ```
//! ```text
//! 299 l3proto = 2 proto=6 src=10.0.0.2 dst=10.0.0.1 sport=0 dport=50000 PERMANENT,USERSPACE ftp/control
//! ```
//!
//! Sources: libnetfilter_conntrack's expect printer; net/netfilter/nf_conntrack_expect.c, `exp_seq_show`.

use std::net::IpAddr;

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// Addresses and ports of one of an expectation's three parts; what is not printed is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Source address or mask.
    pub src: Option<IpAddr>,
    /// Destination address or mask.
    pub dst: Option<IpAddr>,
    /// Source port or mask.
    pub sport: Option<u16>,
    /// Destination port or mask.
    pub dport: Option<u16>,
}

/// An expectation.
#[derive(Clone, Debug, Serialize)]
pub struct Expectation {
    /// Its line.
    pub at: At,
    /// Seconds until it is forgotten; `None` for `-`.
    pub timeout: Option<u32>,
    /// The IP protocol's number.
    pub protocol: u8,
    /// What is waited for.
    pub expected: Part,
    /// Which of its bits count (only `conntrack -L expect`).
    pub mask: Part,
    /// The connection that it belongs to (only `conntrack -L expect`).
    pub master: Part,
    /// The zone.
    pub zone: Option<u16>,
    /// `PERMANENT`, `INACTIVE`, `USERSPACE`, joined by commas.
    pub flags: Option<At>,
    /// The helper's name; in /proc its policy's name may follow behind a slash.
    pub helper: Option<At>,
}

/// Reads either form.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Expectation>> {
    let mut out = Parsed::<Vec<Expectation>>::default();
    for (at, line) in lines(text) {
        let trailer = line.starts_with("conntrack v") && line.contains("expectations have been shown");
        if trailer || line.trim_ascii().is_empty() {
            continue;
        }
        match read_line(text, at, line) {
            Ok(expectation) => out.value.push(expectation),
            Err(what) => out.problems.push(Problem { at, what: what.to_owned() }),
        }
    }
    out
}

fn read_line(text: &str, at: At, line: &str) -> Result<Expectation, &'static str> {
    let mut words = line.split_ascii_whitespace();
    let timeout = match words.next() {
        Some("-") => None,
        Some(n) => Some(n.parse().map_err(|_| "does not begin with a timeout")?),
        None => return Err("empty"),
    };
    let mut parts = [Part::default(); 3];
    let (mut current, mut protocol, mut zone, mut flags, mut helper) = (0, None, None, None, None);
    while let Some(word) = words.next() {
        let Some((key, value)) = word.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            let place = position(text, word, at.line);
            match word {
                // `l3proto = 2`
                "l3proto" => drop((words.next(), words.next())),
                w if w.split(',').all(|f| matches!(f, "PERMANENT" | "INACTIVE" | "USERSPACE")) => flags = Some(place),
                _ => helper = Some(place),
            }
            continue;
        };
        let key = match key.split_once('-') {
            Some(("mask", rest)) => {
                current = 1;
                rest
            }
            Some(("master", rest)) => {
                current = 2;
                rest
            }
            _ => key,
        };
        let part = &mut parts[current];
        let addr = || value.parse().map_err(|_| "not an address");
        let number = || value.parse().map_err(|_| "not a port");
        match key {
            "proto" => protocol = Some(value.parse().map_err(|_| "not a protocol")?),
            "src" => part.src = Some(addr()?),
            "dst" => part.dst = Some(addr()?),
            "sport" => part.sport = Some(number()?),
            "dport" => part.dport = Some(number()?),
            "zone" => zone = Some(number()?),
            "helper" => helper = Some(position(text, value, at.line)),
            // ICMP's type, code, id; GRE's keys; class.
            _ => {}
        }
    }
    let [expected, mask, master] = parts;
    if expected.dst.is_none() {
        return Err("no destination");
    }
    let protocol = protocol.ok_or("no protocol")?;
    Ok(Expectation { at, timeout, protocol, expected, mask, master, zone, flags, helper })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};
    use crate::parse::text::slice;

    #[test]
    fn tool_and_kernel() {
        let text = "299 proto=6 src=10.0.0.2 dst=10.0.0.1 sport=0 dport=50000 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 master-src=10.0.0.1 master-dst=10.0.0.2 sport=40000 dport=21 PERMANENT class=0 helper=ftp \n\
                    - l3proto = 10 proto=17 src=fd00::1 dst=fd00::2 sport=0 dport=5060 INACTIVE,USERSPACE sip/rtp\nconntrack v1.4.7 (conntrack-tools): 1 expectations have been shown.\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let [a, b] = &got.value[..] else { panic!("{got:?}") };
        assert_eq!(
            (a.timeout, a.protocol, a.expected.dport, a.mask.dport, a.master.dport),
            (Some(299), 6, Some(50000), Some(65535), Some(21))
        );
        assert_eq!((a.helper.map(|h| slice(text, h)), a.flags.map(|f| slice(text, f))), (Some("ftp"), Some("PERMANENT")));
        assert_eq!(
            (b.timeout, b.expected.src, b.helper.map(|h| slice(text, h))),
            (None, "fd00::1".parse().ok(), Some("sip/rtp"))
        );
    }

    #[test]
    fn cut_and_foreign_lines_are_problems() {
        assert_eq!(parse("299 proto=6 src=10.0.0.2\nhello world\n=\n").problems.len(), 3);
    }

    #[test]
    fn snapshots_of_expectations() {
        snapshots("conntrack-expect", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "((proto|src|mask-src|master-dst|dport|l3proto)=?|[0-9.:-]{1,6}| |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
