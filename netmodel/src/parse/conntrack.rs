//! `conntrack -L`, `conntrack -L -o extended` and `/proc/net/nf_conntrack`: tracked connections.
//!
//! ```text
//! ipv4     2 tcp      6 86399 ESTABLISHED src=10.244.1.2 dst=10.96.0.1 sport=41212 dport=443 src=192.168.50.10 dst=10.244.1.2 sport=6443 dport=41212 [ASSURED] mark=0 zone=0 use=2
//! udp      17 25 src=192.168.50.11 dst=192.168.50.12 sport=36373 dport=8472 [UNREPLIED] src=192.168.50.12 dst=192.168.50.11 sport=8472 dport=36373 mark=0 use=1
//! icmp     1 29 src=10.244.1.2 dst=10.244.2.2 type=8 code=0 id=3 src=10.244.2.2 dst=10.244.1.2 type=0 code=0 id=3 mark=0 use=1
//! ```
//!
//! Written on bytes: a busy node has a million of these lines. Left out: accounting (`packets=`, `bytes=`), secctx, labels, helpers,
//! timestamps; they are accepted and stay reachable through [`Entry::at`].

use std::net::IpAddr;

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines};

/// One direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Tuple {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port; for ICMP the id; 0 for protocols without ports.
    pub sport: u16,
    /// Destination port; for ICMP type × 256 + code; 0 for protocols without ports.
    pub dport: u16,
}

/// The state of a TCP, SCTP or DCCP connection, as printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum State {
    /// The protocol has none.
    None,
    /// TCP's own.
    SynSent,
    /// Both sides sent a SYN.
    SynSent2,
    /// SYN and SYN/ACK seen.
    SynRecv,
    /// Open.
    Established,
    /// One side has closed.
    FinWait,
    /// Waits for the application to close.
    CloseWait,
    /// Waits for the last ACK.
    LastAck,
    /// Closed, kept for stray packets.
    TimeWait,
    /// Closed.
    Close,
    /// `LISTEN` of old kernels.
    Listen,
    /// Any other word; it stands in the line.
    Other,
}

/// Flags of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flags {
    /// `[UNREPLIED]`: no packet was seen in the other direction.
    pub unreplied: bool,
    /// `[ASSURED]`: not thrown out when the table is full.
    pub assured: bool,
    /// `[OFFLOAD]` or `[HW_OFFLOAD]`: packets pass beside the hooks.
    pub offload: bool,
}

/// A tracked connection.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Entry {
    /// Its line.
    pub at: At,
    /// The IP protocol's number.
    pub protocol: u8,
    /// Seconds until it is forgotten; `None` where the kernel prints none (offloaded).
    pub timeout: Option<u32>,
    /// The state.
    pub state: State,
    /// The direction of the first packet.
    pub original: Tuple,
    /// What answers look like on arrival: differs from the reversed original where NAT is done.
    pub reply: Tuple,
    /// The flags.
    pub flags: Flags,
    /// The connection's mark; `None` where not printed.
    pub mark: Option<u32>,
    /// The zone; 0 where not printed.
    pub zone: u16,
}

/// The table.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Conntrack {
    /// The entries, in the text's order.
    pub entries: Vec<Entry>,
}

/// Reads any of the three forms.
#[must_use]
pub fn parse(text: &str) -> Parsed<Conntrack> {
    let mut out = Parsed::<Conntrack>::default();
    // A line has 150 bytes and more; one growth at most.
    out.value.entries.reserve(text.len() / 160);
    for (at, line) in lines(text) {
        match read_line(at, line) {
            Ok(entry) => out.value.entries.push(entry),
            Err(what) => {
                let trailer = line.starts_with("conntrack v") && line.contains("flow entries");
                if !trailer && !line.trim_ascii().is_empty() {
                    out.problems.push(Problem { at, what: what.to_owned() });
                }
            }
        }
    }
    out
}

/// The words of a line, without allocation.
struct Words<'t> {
    rest: &'t str,
}

impl<'t> Iterator for Words<'t> {
    type Item = &'t str;
    fn next(&mut self) -> Option<&'t str> {
        let bytes = self.rest.as_bytes();
        let start = bytes.iter().position(|&b| b != b' ' && b != b'\t')?;
        let len = bytes[start..].iter().position(|&b| b == b' ' || b == b'\t').unwrap_or(bytes.len() - start);
        let word = self.rest.get(start..start + len)?;
        self.rest = self.rest.get(start + len..)?;
        Some(word)
    }
}

/// A direction as far as it was read.
#[derive(Clone, Copy, Default)]
struct Half {
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    sport: u16,
    dport: u16,
    /// ICMP's id was read: a later `id=` is the entry's own (`-o id`).
    has_id: bool,
}

impl Half {
    fn tuple(self) -> Option<Tuple> {
        Some(Tuple { src: self.src?, dst: self.dst?, sport: self.sport, dport: self.dport })
    }
}

fn read_line(at: At, line: &str) -> Result<Entry, &'static str> {
    let mut words = Words { rest: line };
    let mut word = words.next().ok_or("empty")?;
    if word == "ipv4" || word == "ipv6" {
        // The family's number.
        words.next();
        word = words.next().ok_or("no protocol")?;
    }
    if word.contains('=') {
        return Err("the line does not begin with a protocol");
    }
    let protocol = words.next().and_then(|n| n.parse().ok()).ok_or("no protocol number")?;
    // ICMP and ICMPv6 have type, code and id where others have ports.
    let icmp = matches!(protocol, 1 | 58);
    let (mut timeout, mut state, mut flags, mut mark, mut zone) = (None, State::None, Flags::default(), None, 0);
    let mut halves = [Half::default(); 2];
    let mut current = 0;
    for word in words {
        let Some(eq) = word.as_bytes().iter().position(|&b| b == b'=') else {
            match word {
                "[UNREPLIED]" => flags.unreplied = true,
                "[ASSURED]" => flags.assured = true,
                "[OFFLOAD]" | "[HW_OFFLOAD]" => flags.offload = true,
                _ if halves[0].src.is_some() => {}
                _ if timeout.is_none() && word.as_bytes()[0].is_ascii_digit() => {
                    timeout = Some(word.parse().map_err(|_| "the timeout is not a number")?);
                }
                _ => state = tcp_state(word),
            }
            continue;
        };
        let (key, value) = (&word[..eq], &word[eq + 1..]);
        // The second `src` begins the other direction.
        if key == "src" && halves[current].src.is_some() {
            current += 1;
        }
        let half = halves.get_mut(current).ok_or("more than two directions")?;
        match key {
            "src" => half.src = Some(address(value).ok_or("src is not an address")?),
            "dst" => half.dst = Some(address(value).ok_or("dst is not an address")?),
            "sport" => half.sport = small(value).ok_or("sport is not a port")?,
            "dport" => half.dport = small(value).ok_or("dport is not a port")?,
            "type" if icmp => half.dport |= (small(value).ok_or("type is not a number")? & 0xff) << 8,
            "code" if icmp => half.dport |= small(value).ok_or("code is not a number")? & 0xff,
            "id" if icmp && !half.has_id => {
                half.has_id = true;
                half.sport = small(value).ok_or("id is not a number")?;
            }
            "mark" => mark = Some(value.parse().map_err(|_| "mark is not a number")?),
            "zone" | "zone-orig" => zone = small(value).ok_or("zone is not a number")?,
            _ => {}
        }
    }
    let original = halves[0].tuple().ok_or("no original direction")?;
    let reply = halves[1].tuple().ok_or("no reply direction")?;
    Ok(Entry { at, protocol, timeout, state, original, reply, flags, mark, zone })
}

fn tcp_state(word: &str) -> State {
    match word {
        "SYN_SENT" => State::SynSent,
        "SYN_SENT2" => State::SynSent2,
        "SYN_RECV" => State::SynRecv,
        "ESTABLISHED" => State::Established,
        "FIN_WAIT" => State::FinWait,
        "CLOSE_WAIT" => State::CloseWait,
        "LAST_ACK" => State::LastAck,
        "TIME_WAIT" => State::TimeWait,
        "CLOSE" => State::Close,
        "LISTEN" => State::Listen,
        "NONE" => State::None,
        _ => State::Other,
    }
}

fn small(word: &str) -> Option<u16> {
    let mut value = 0u16;
    for &b in word.as_bytes() {
        value = value.checked_mul(10)?.checked_add(u16::from(b.wrapping_sub(b'0')))?;
        if !b.is_ascii_digit() {
            return None;
        }
    }
    (!word.is_empty()).then_some(value)
}

/// An address; IPv4 by hand, since that is what a million lines have four times each.
fn address(word: &str) -> Option<IpAddr> {
    let (mut octets, mut filled, mut value, mut digits) = ([0u8; 4], 0usize, 0u16, 0u8);
    for &b in word.as_bytes() {
        match b {
            b'0'..=b'9' if digits < 3 => {
                value = value * 10 + u16::from(b - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && filled < 3 => {
                octets[filled] = u8::try_from(value).ok()?;
                (filled, value, digits) = (filled + 1, 0, 0);
            }
            _ => return word.parse().ok(),
        }
    }
    if filled != 3 || digits == 0 {
        return None;
    }
    octets[3] = u8::try_from(value).ok()?;
    Some(IpAddr::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Entry {
        let got = parse(line);
        assert_eq!(got.problems, []);
        got.value.entries[0]
    }

    #[test]
    fn the_three_forms_say_the_same() {
        let tail = "src=10.244.1.2 dst=10.96.0.1 sport=41212 dport=443 src=192.168.50.10 dst=10.244.1.2 sport=6443 dport=41212 [ASSURED] mark=16384";
        let short = one(&format!("tcp      6 86399 ESTABLISHED {tail} use=1"));
        let long = one(&format!("ipv4     2 tcp      6 86399 ESTABLISHED {tail} use=1 id=841821439"));
        let proc = one(&format!("ipv4     2 tcp      6 86399 ESTABLISHED {tail} zone=3 use=2\n"));
        for e in [short, long, proc] {
            assert_eq!((e.protocol, e.timeout, e.state, e.mark), (6, Some(86399), State::Established, Some(0x4000)));
            assert_eq!((e.original.dport, e.reply.sport), (443, 6443));
            assert_eq!(e.reply.src, "192.168.50.10".parse::<IpAddr>().unwrap());
            assert!(e.flags.assured && !e.flags.unreplied);
        }
        assert_eq!((long.zone, proc.zone), (0, 3));
    }

    #[test]
    fn icmp_ipv6_offload_and_protocols_without_ports() {
        let e = one(
            "icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=3 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=3 mark=0 use=1 id=99",
        );
        assert_eq!((e.original.sport, e.original.dport, e.reply.sport, e.reply.dport), (3, 0x800, 3, 0));
        let e = one(
            "ipv6     10 udp      17 29 src=fd00::1 dst=fd00::2 sport=1 dport=53 [UNREPLIED] src=fd00::2 dst=fd00::1 sport=53 dport=1 use=1",
        );
        assert!(e.flags.unreplied && e.original.src.is_ipv6() && e.mark.is_none());
        let e = one(
            "ipv4     2 tcp      6 src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 packets=3 bytes=180 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1 [OFFLOAD] mark=0 secctx=a:b:c zone=0 use=2",
        );
        assert!(e.flags.offload && e.timeout.is_none());
        let e = one("unknown  2 323 src=0.0.0.0 dst=224.0.0.22 [UNREPLIED] src=224.0.0.22 dst=0.0.0.0 mark=0 use=1");
        assert_eq!((e.protocol, e.original.sport, e.state), (2, 0, State::None));
    }

    #[test]
    fn a_cut_line_is_a_problem_and_the_trailer_is_none() {
        let got = parse(
            "st=10.0.0.1 sport=1\ntcp 6 1 CLOSE src=1.2.3.4 dst=1.2.3.400 sport=1 dport=2\n\
             udp 17 5 src=1.2.3.4 dst=1.2.3.5 sport=70000 dport=1\n\
             conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.\n",
        );
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1, 2, 3]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "((ipv4 2 )?(tcp 6|icmp 1) |src=|dst=|[0-9.:=]{1,8} |\\[[A-Z]*\\] |[a-z\u{e9}]{1,3}=?|\n){0,30}") {
            let _ = parse(&text);
        }

        #[test]
        fn addresses_are_those_of_the_standard_library(word in "[0-9.:a-f]{0,12}") {
            proptest::prop_assume!(!word.split('.').any(|p| p.len() > 1 && p.starts_with('0')));
            proptest::prop_assert_eq!(address(&word), word.parse().ok());
        }
    }
}
