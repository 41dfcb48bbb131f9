//! `/proc/net/softnet_stat`: each CPU's receive queue.
//!
//! ```text
//! 00002027 00000000 0000004f 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
//! 000025d7 00000000 0000006c 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001
//! ```
//!
//! Hexadecimal, 32 bits that wrap, no header. Columns came over time (net/core/net-procfs.c): 9 in old kernels, received_rps the
//! 10th, flow_limit_count the 11th (3.11), backlog length and CPU 12th and 13th (5.10), the two queues' lengths 14th and 15th (6.5).

use serde::Serialize;

use super::Parsed;
use super::text::hex;
use crate::source::{At, Problem, lines};

/// A CPU's queue. Columns that the kernel does not print are `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CpuQueue {
    /// Its line.
    pub at: At,
    /// The CPU; before Linux 5.10 lines have none, and those of CPUs that are off are left out.
    pub cpu: Option<u32>,
    /// Packets processed.
    pub processed: u32,
    /// Packets dropped since the queue was full (`net.core.netdev_max_backlog`).
    pub dropped: u32,
    /// Rounds that ended with work left over (`net.core.netdev_budget`).
    pub time_squeeze: u32,
    /// Packets that another CPU handed over.
    pub received_rps: Option<u32>,
    /// Packets dropped by the flow limit.
    pub flow_limit: Option<u32>,
    /// Packets in the queue at this moment.
    pub backlog: Option<u32>,
}

/// Reads `/proc/net/softnet_stat`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<CpuQueue>> {
    let mut out = Parsed::<Vec<CpuQueue>>::default();
    for (at, line) in lines(text) {
        let columns: Option<Vec<u32>> =
            line.split_ascii_whitespace().map(|w| hex(w).filter(|_| w.len() == 8).and_then(|n| u32::try_from(n).ok())).collect();
        match columns.as_deref() {
            Some([]) => {}
            Some(columns @ [processed, dropped, time_squeeze, _, _, _, _, _, _, ..]) => {
                let get = |i: usize| columns.get(i).copied();
                out.value.push(CpuQueue {
                    at,
                    cpu: get(12),
                    processed: *processed,
                    dropped: *dropped,
                    time_squeeze: *time_squeeze,
                    received_rps: get(9),
                    flow_limit: get(10),
                    backlog: get(11),
                });
            }
            _ => out.problems.push(Problem { at, what: "not nine or more numbers of eight hexadecimal digits".to_owned() }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::snapshots;

    #[test]
    fn columns_of_old_and_new_kernels() {
        let zeros = " 00000000".repeat(6);
        let text = format!(
            "0000000a 00000001 00000002{zeros}\n0000000b 00000000 00000000{zeros} 00000003 00000004 00000005 00000002 00000000 00000000\n"
        );
        let got = parse(&text);
        assert_eq!(got.problems, []);
        assert_eq!((got.value[0].processed, got.value[0].dropped, got.value[0].cpu), (10, 1, None));
        assert_eq!((got.value[1].cpu, got.value[1].received_rps, got.value[1].backlog), (Some(2), Some(3), Some(5)));
    }

    #[test]
    fn cut_lines_are_problems() {
        assert_eq!(
            parse("00000001 00000002\nzz\n0000000a 00000001 00000002 00000000 00000000 00000000 00000000 00000000 000\n")
                .problems
                .len(),
            3
        );
    }

    #[test]
    fn snapshots_of_queues() {
        snapshots("proc-softnet", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9a-f]{8} |[0-9a-f]{1,9} |\n|\u{e9}){0,40}") {
            let _ = parse(&text);
        }
    }
}
