//! `/proc/net/tcp`, `tcp6`, `udp`, `udp6`: sockets.
//!
//! ```text
//!   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//!    0: 0100007F:2810 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 203472 2 000000003e64c21a 100 0 0 10 0
//! ```
//!
//! Addresses are printed as 32-bit words in the machine's byte order (net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c): here little-endian,
//! as on every machine of ours. Ports are numbers. Left out: timers, the pointer, congestion numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::Parsed;
use super::text::hex;
use crate::source::{At, Problem, lines};

/// The state of a socket (include/net/tcp_states.h). UDP uses `Close` for unconnected and `Established` for connected ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "TCP's own names")]
pub enum SocketState {
    Established,
    SynSent,
    SynRecv,
    FinWait1,
    FinWait2,
    TimeWait,
    Close,
    CloseWait,
    LastAck,
    Listen,
    Closing,
    NewSynRecv,
    Other(u8),
}

/// A socket.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ProcSocket {
    /// Its line.
    pub at: At,
    /// Its own address and port.
    pub local: (IpAddr, u16),
    /// The other end; zeros where there is none.
    pub remote: (IpAddr, u16),
    /// Its state.
    pub state: SocketState,
    /// Bytes that wait to be acknowledged; for a listening socket the backlog's limit is not here.
    pub send_queue: u32,
    /// Bytes that wait to be read; for a listening socket the connections that wait to be accepted.
    pub receive_queue: u32,
    /// The owner's user id.
    pub uid: u32,
    /// The socket's inode; 0 in TIME_WAIT.
    pub inode: u64,
    /// Packets dropped, the receive buffer being full (UDP only).
    pub drops: Option<u64>,
}

/// Reads any of the four.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<ProcSocket>> {
    let mut out = Parsed::<Vec<ProcSocket>>::default();
    let mut udp = false;
    for (at, line) in lines(text) {
        let first = line.trim_ascii_start();
        if first.is_empty() {
            continue;
        }
        if first.starts_with("sl ") {
            udp = line.contains("drops");
            continue;
        }
        match read_line(at, line, udp) {
            Some(socket) => out.value.push(socket),
            None => out.problems.push(Problem { at, what: "not a socket".to_owned() }),
        }
    }
    out
}

fn read_line(at: At, line: &str, udp: bool) -> Option<ProcSocket> {
    let mut words = line.split_ascii_whitespace();
    words.next()?.strip_suffix(':')?;
    let (local, remote) = (endpoint(words.next()?)?, endpoint(words.next()?)?);
    let state = state(u8::try_from(hex(words.next()?)?).ok()?);
    let (send, receive) = words.next()?.split_once(':')?;
    let small = |w: &str| hex(w).and_then(|n| u32::try_from(n).ok());
    let (send_queue, receive_queue) = (small(send)?, small(receive)?);
    // Timer, retransmissions.
    let (_, _) = (words.next()?, words.next()?);
    let uid = words.next()?.parse().ok()?;
    words.next()?;
    let inode = words.next()?.parse().ok()?;
    // References and pointer stand before it.
    let drops = if udp { words.nth(2).and_then(|n| n.parse().ok()) } else { None };
    Some(ProcSocket { at, local, remote, state, send_queue, receive_queue, uid, inode, drops })
}

fn endpoint(word: &str) -> Option<(IpAddr, u16)> {
    let (host, port) = word.split_once(':')?;
    let port = u16::try_from(hex(port).filter(|_| port.len() == 4)?).ok()?;
    let word32 = |from: usize| host.get(from..from + 8).and_then(hex).and_then(|n| u32::try_from(n).ok());
    let addr = match host.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word32(0)?.to_le_bytes())),
        32 => {
            let mut bytes = [0; 16];
            for (i, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word32(8 * i)?.to_le_bytes());
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some((addr, port))
}

fn state(number: u8) -> SocketState {
    use SocketState as S;
    match number {
        1 => S::Established,
        2 => S::SynSent,
        3 => S::SynRecv,
        4 => S::FinWait1,
        5 => S::FinWait2,
        6 => S::TimeWait,
        7 => S::Close,
        8 => S::CloseWait,
        9 => S::LastAck,
        10 => S::Listen,
        11 => S::Closing,
        12 => S::NewSynRecv,
        n => S::Other(n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};

    #[test]
    fn words_are_little_endian() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n  \
                    12: 0100007F:2810 0A32A8C0:192B 07 00000001:0000000A 00:00000000 00000000   997        0 203472 2 000000003e64c21a 5\n   \
                    0: B80D01200000000067452301EFCDAB89:0035 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let [a, b] = &got.value[..] else { panic!("{got:?}") };
        assert_eq!((a.local, a.remote), (("127.0.0.1".parse().unwrap(), 10256), ("192.168.50.10".parse().unwrap(), 6443)));
        assert_eq!((a.state, a.uid, a.inode, a.drops, a.receive_queue), (SocketState::Close, 997, 203_472, Some(5), 10));
        assert_eq!((b.local, b.state), (("2001:db8::123:4567:89ab:cdef".parse().unwrap(), 53), SocketState::Listen));
    }

    #[test]
    fn cut_lines_are_problems() {
        assert_eq!(parse("   0: 0100007F:2810 0A32A8C0\nhello\n").problems.len(), 2);
    }

    #[test]
    fn snapshots_of_sockets() {
        snapshots("proc-sockets", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(0: |[0-9A-F]{8}:[0-9A-F]{4} |[0-9A-F]{32}:0035 |0A |[0-9:]{1,9} |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
