//! `ss`, such as `ss -tulpn` or `ss -tan`: sockets with their processes.
//!
//! ```text
//! Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
//! udp   UNCONN 0      0            0.0.0.0:8472      0.0.0.0:*
//! tcp   LISTEN 0      4096       127.0.0.1:10249     0.0.0.0:*    users:(("kube-proxy",pid=556,fd=8))
//! tcp   LISTEN 0      4096   127.0.0.53%lo:53        0.0.0.0:*
//! ```
//!
//! With and without the header, the Netid column and the processes; `users:(("sshd",1234,3))` of old versions too. Left out:
//! `-i` and `-m` details (lines that begin with a blank, kept as continuation without reading them), `ss -s`, unix sockets.

use std::net::IpAddr;

use serde::Serialize;

use super::Parsed;
use super::text::{trimmed, word};
use crate::source::{At, Problem, lines, position};

/// One end of a socket, as printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SocketEnd {
    /// The whole word.
    pub at: At,
    /// The address; `None` for `*` (both families) and for names.
    pub addr: Option<IpAddr>,
    /// Whether it is any address: `*`, `0.0.0.0`, `[::]`.
    pub any: bool,
    /// The device that the socket is bound to.
    pub device: Option<At>,
    /// The port; `None` for `*` and for names.
    pub port: Option<u16>,
}

/// A process that has the socket open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Its name (15 characters at most).
    pub name: At,
    /// Its id, in the pid namespace of `ss`.
    pub pid: u32,
}

/// A socket.
#[derive(Clone, Debug, Serialize)]
pub struct Socket {
    /// Its line.
    pub at: At,
    /// The Netid (`tcp`, `udp`); without that column the options said which.
    pub netid: Option<At>,
    /// The state (`LISTEN`, `ESTAB`, `UNCONN`, …).
    pub state: At,
    /// Recv-Q.
    pub receive_queue: u64,
    /// Send-Q; of a listening socket its backlog's limit.
    pub send_queue: u64,
    /// Its own end.
    pub local: SocketEnd,
    /// The other end.
    pub peer: SocketEnd,
    /// The processes; empty without `-p`, without the right to see them, and for the kernel's own sockets.
    pub processes: Vec<Process>,
}

/// Reads the listing.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Socket>> {
    let mut out = Parsed::<Vec<Socket>>::default();
    for (at, line) in lines(text) {
        let (first, _) = word(line);
        let header = matches!(first, "Netid" | "State") && line.contains("Recv-Q");
        // Details of `-i`, `-m`, `-o` belong to the socket above.
        let details = line.starts_with(['\t', ' ']) && !out.value.is_empty() && !is_socket_word(first);
        if first.is_empty() || header || details {
            continue;
        }
        match read_line(text, at, line) {
            Ok(socket) => out.value.push(socket),
            Err(what) => out.problems.push(Problem { at, what: what.to_owned() }),
        }
    }
    out
}

fn is_netid(word: &str) -> bool {
    matches!(word, "tcp" | "udp" | "sctp" | "mptcp" | "dccp" | "raw" | "icmp6" | "udplite" | "???")
}

fn is_state(word: &str) -> bool {
    matches!(word, "LISTEN" | "ESTAB" | "UNCONN" | "UNKNOWN" | "CLOSED" | "CLOSING")
        || matches!(word, "SYN-SENT" | "SYN-RECV" | "FIN-WAIT-1" | "FIN-WAIT-2" | "TIME-WAIT" | "CLOSE-WAIT" | "LAST-ACK")
}

fn is_socket_word(word: &str) -> bool {
    is_netid(word) || is_state(word)
}

fn read_line(text: &str, at: At, line: &str) -> Result<Socket, &'static str> {
    let spot = |part: &str| position(text, part, at.line);
    let (first, mut rest) = word(line);
    let mut state = first;
    let netid = is_netid(first).then(|| spot(first));
    if netid.is_some() {
        (state, rest) = word(rest);
    }
    if !is_state(state) {
        return Err("not the state of a socket");
    }
    let (receive, behind) = word(rest);
    let (send, behind) = word(behind);
    let (local, behind) = word(behind);
    let (peer, behind) = word(behind);
    let number = |w: &str| w.parse().map_err(|_| "no queue lengths");
    Ok(Socket {
        at,
        netid,
        state: spot(state),
        receive_queue: number(receive)?,
        send_queue: number(send)?,
        local: end(text, at.line, local).ok_or("no local address")?,
        peer: end(text, at.line, peer).ok_or("no peer address")?,
        processes: processes(text, at.line, behind),
    })
}

fn end(text: &str, line: u32, word: &str) -> Option<SocketEnd> {
    // `:::22` and `*:22` of old versions.
    let (host, port) = word.rsplit_once(':')?;
    let (host, device) = match host.split_once('%') {
        Some((host, device)) => (host, trimmed(text, device.trim_end_matches(']'), line)),
        None => (host, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let addr: Option<IpAddr> = host.parse().ok();
    let any = host == "*" || addr.is_some_and(|a| a.is_unspecified());
    Some(SocketEnd { at: position(text, word, line), addr, any, device, port: port.parse().ok() })
}

fn processes(text: &str, line: u32, rest: &str) -> Vec<Process> {
    let Some((_, list)) = rest.split_once("users:((") else { return Vec::new() };
    let mut all = Vec::new();
    for part in list.split("),(") {
        // A name may hold anything but NUL; the numbers behind it hold no quote.
        let Some((name, numbers)) = part.strip_prefix('"').and_then(|p| p.rsplit_once('"')) else { continue };
        let pid = numbers.split([',', ')']).find_map(|n| n.strip_prefix("pid=").unwrap_or(n).parse().ok());
        if let Some(pid) = pid {
            all.push(Process { name: position(text, name, line), pid });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};
    use crate::parse::text::slice;

    #[test]
    fn every_form_of_a_line() {
        let text = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n\
                    tcp   LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    users:((\"sshd\",pid=1,fd=3),(\"a b\"c\",pid=22,fd=4))\n\
                    udp   UNCONN 0      0      127.0.0.53%lo:53        0.0.0.0:*\n\
                    LISTEN     0      128         :::10250                   :::*      users:((\"kubelet\",1234,21))\n\
                    tcp ESTAB 0 36 [fd00::1]:22 [fd00::2]:5000\n\t cubic wscale:7,7 rto:204\nLISTEN 0 5 *:http *:*\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let [ssh, dns, kubelet, v6, names] = &got.value[..] else { panic!("{got:?}") };
        assert_eq!(ssh.processes.iter().map(|p| (slice(text, p.name), p.pid)).collect::<Vec<_>>(), [("sshd", 1), ("a b\"c", 22)]);
        assert_eq!((dns.local.port, dns.local.device.map(|d| slice(text, d))), (Some(53), Some("lo")));
        assert_eq!(
            (kubelet.netid, kubelet.local.any, kubelet.local.port, kubelet.processes[0].pid),
            (None, true, Some(10250), 1234)
        );
        assert_eq!((v6.local.addr, v6.send_queue), ("fd00::1".parse().ok(), 36));
        assert_eq!((names.local.any, names.local.port), (true, None));
    }

    #[test]
    fn other_lines_are_problems() {
        assert_eq!(parse("Cannot open netlink socket: Protocol not supported\ntcp LISTEN 0\n").problems.len(), 2);
    }

    #[test]
    fn snapshots_of_sockets() {
        snapshots("ss", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "((tcp|udp|LISTEN|ESTAB|users:\\(\\(\"a\",pid=1) ?|[0-9a-f:*%.\\[\\]]{1,6} |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
