//! `/proc/net/ip_vs_stats`, `ip_vs_stats_percpu` and `ipvsadm -L --timeout`: ipvs as a whole.
//!
//! ```text
//!    Total Incoming Outgoing         Incoming         Outgoing
//!    Conns  Packets  Packets            Bytes            Bytes
//!        E       3F       33              D48              BD0
//!
//!  Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
//!        0        0        0                0                0
//! ```
//! ```text
//! Timeout (tcp tcpfin udp): 900 120 300
//! ```
//!
//! All numbers of /proc are hexadecimal (net/netfilter/ipvs/ip_vs_ctl.c).

use serde::Serialize;

use super::Parsed;
use super::text::{hex, word};
use crate::source::{At, Problem, lines};

/// A row of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Its line.
    pub at: At,
    /// Connections.
    pub connections: u64,
    /// Packets to destinations.
    pub packets_in: u64,
    /// Packets back to clients.
    pub packets_out: u64,
    /// Bytes to destinations.
    pub bytes_in: u64,
    /// Bytes back to clients.
    pub bytes_out: u64,
}

/// The statistics.
#[derive(Clone, Debug, Default, Serialize)]
pub struct IpvsStats {
    /// Sums since the module was loaded or the statistics were zeroed.
    pub total: Option<Traffic>,
    /// Per second, an estimate of the kernel's.
    pub rate: Option<Traffic>,
    /// Sums of each CPU by its number (`ip_vs_stats_percpu`).
    pub cpus: Vec<(u32, Traffic)>,
}

/// Seconds after which ipvs forgets a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timeouts {
    /// The line.
    pub at: At,
    /// TCP.
    pub tcp: u32,
    /// TCP after a FIN.
    pub tcp_fin: u32,
    /// UDP.
    pub udp: u32,
}

/// Reads `/proc/net/ip_vs_stats` or `ip_vs_stats_percpu`.
#[must_use]
pub fn parse_stats(text: &str) -> Parsed<IpvsStats> {
    let mut out = Parsed::<IpvsStats>::default();
    let mut rates = false;
    for (at, line) in lines(text) {
        let (first, rest) = word(line);
        match first {
            "" | "Total" | "Conns" | "CPU" => continue,
            "Conns/s" => {
                rates = true;
                continue;
            }
            _ => {}
        }
        let columns = line.split_ascii_whitespace().count();
        let cpu = hex(first).and_then(|n| u32::try_from(n).ok());
        let done = match (columns, row(at, line), row(at, rest)) {
            (5, Some(row), _) if rates => out.value.rate.replace(row).is_none(),
            (5, Some(row), _) => out.value.total.replace(row).is_none(),
            // The sum over all CPUs.
            (6, _, Some(row)) if first == "~" => out.value.total.replace(row).is_none(),
            (6, _, Some(row)) => cpu.map(|cpu| out.value.cpus.push((cpu, row))).is_some(),
            _ => false,
        };
        if !done {
            out.problems.push(Problem { at, what: "not a row of ipvs' statistics".to_owned() });
        }
    }
    out
}

fn row(at: At, words: &str) -> Option<Traffic> {
    let mut numbers = words.split_ascii_whitespace().map(hex);
    let mut next = || numbers.next().flatten();
    Some(Traffic { at, connections: next()?, packets_in: next()?, packets_out: next()?, bytes_in: next()?, bytes_out: next()? })
}

/// Reads `ipvsadm -L --timeout`.
#[must_use]
pub fn parse_timeouts(text: &str) -> Parsed<Option<Timeouts>> {
    let mut out = Parsed::<Option<Timeouts>>::default();
    for (at, line) in lines(text) {
        let numbers = line.trim_ascii().strip_prefix("Timeout (tcp tcpfin udp):");
        let mut numbers = numbers.into_iter().flat_map(str::split_ascii_whitespace).map(|n| n.parse().ok());
        let mut next = || numbers.next().flatten();
        match (next(), next(), next()) {
            (Some(tcp), Some(tcp_fin), Some(udp)) => out.value = Some(Timeouts { at, tcp, tcp_fin, udp }),
            _ if line.trim_ascii().is_empty() => {}
            _ => out.problems.push(Problem { at, what: "not the line of timeouts".to_owned() }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};

    #[test]
    fn numbers_are_hexadecimal() {
        let text = "   Total Incoming Outgoing         Incoming         Outgoing\n   Conns  Packets  Packets            Bytes            Bytes\n       \
                    E       3F       33              D48              BD0\n\n Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n       1        0        0                0                0\n";
        let got = parse_stats(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let total = got.value.total.unwrap();
        assert_eq!((total.connections, total.packets_in, total.bytes_out, total.at.line), (14, 63, 3024, 3));
        assert_eq!(got.value.rate.unwrap().connections, 1);
    }

    #[test]
    fn rows_of_cpus() {
        let text = "       Total Incoming Outgoing         Incoming         Outgoing\nCPU    Conns  Packets  Packets            Bytes            Bytes\n  \
                    0        1        2        3                4                5\n  A        1        0        0                0                0\n  ~        2        2        3                4                5\n";
        let got = parse_stats(text);
        assert_eq!(problems(text, &got), [""; 0]);
        assert_eq!(got.value.cpus.iter().map(|(cpu, _)| *cpu).collect::<Vec<_>>(), [0, 10]);
        assert_eq!(got.value.total.unwrap().connections, 2);
    }

    #[test]
    fn other_lines_are_problems() {
        assert_eq!(parse_stats("1 2 3\nx y z a b\n").problems.len(), 2);
        assert_eq!(parse_timeouts("Timeout (tcp tcpfin udp): 900 120\n").problems.len(), 1);
        assert_eq!(parse_timeouts("Timeout (tcp tcpfin udp): 900 120 300\n").value.unwrap().udp, 300);
    }

    #[test]
    fn snapshots_of_statistics() {
        snapshots("ipvs-stats", parse_stats);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(Timeout \\(tcp tcpfin udp\\):|Conns/s|~|[0-9A-Fx]{1,18}| |\n|\u{e9}){0,30}") {
            let _ = (parse_stats(&text), parse_timeouts(&text));
        }
    }
}
